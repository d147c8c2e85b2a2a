//! What people have in their hands in place of a policy document: an answer of the AWS CLI, Terraform, CloudFormation.
//! It is called by its name, and what to take out of it is said.

use jsonc_parser::ast::Object;

/// Members by which an object is known, and what to say of it.
const OBJECTS: [(&[&str], &str); 12] = [
    (
        &["PolicyVersion"],
        "an answer of `aws iam get-policy-version`: take `PolicyVersion.Document` (`--query PolicyVersion.Document`)",
    ),
    (&["PolicyName", "PolicyDocument"], "an answer of the AWS CLI: take `PolicyDocument` (`--query PolicyDocument`)"),
    (
        &["Role"],
        "an answer of `aws iam get-role`: take `Role.AssumeRolePolicyDocument` (`--query Role.AssumeRolePolicyDocument`)",
    ),
    (
        &["Policy"],
        "an answer of the AWS CLI about a policy, perhaps with the document as a string in it: take the document itself",
    ),
    (&["UserDetailList"], "an answer of `aws iam get-account-authorization-details`: take the documents out of it"),
    (
        &["AttachedPolicies"],
        "a list of policies' names, without their documents: `aws iam get-policy-version` answers them",
    ),
    (&["PolicyNames"], "a list of policies' names, without their documents: `aws iam get-user-policy` answers them"),
    (&["AWSTemplateFormatVersion"], "a CloudFormation template: take the `PolicyDocument` out of it"),
    (&["Resources"], "a CloudFormation template: take the `PolicyDocument` out of it"),
    (&["terraform_version"], "a plan or a state of Terraform: take the `policy` out of it"),
    (&["resource"], "a configuration of Terraform: take the `policy` out of it"),
    (&["data"], "a configuration of Terraform: take the `policy` out of it"),
];

/// What the object is, if it is none of a policy and known.
pub(super) fn of_object(object: &Object<'_>) -> Option<&'static str> {
    let has = |name: &&str| object.properties.iter().any(|property| property.name.as_str() == *name);
    if has(&"Statement") {
        return None;
    }
    OBJECTS.iter().find(|(names, _)| names.iter().all(has)).map(|(_, what)| *what)
}

/// What a text that is no JSON is, if it is known: by the start of a line, where such files have it.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    if starts(&["resource \"", "data \"", "module \"", "variable \"", "locals {", "terraform {", "provider \""]) {
        return Some("a configuration of Terraform: take the document out of it, as `terraform show -json` has it");
    }
    if starts(&["AWSTemplateFormatVersion:", "Resources:"]) {
        return Some("a CloudFormation template: take the `PolicyDocument` out of it, as JSON");
    }
    starts(&["Version:", "Statement:", "---"]).then_some("YAML: IAM takes a policy as JSON")
}
