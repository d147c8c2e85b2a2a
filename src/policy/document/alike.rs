//! Files that people mistake for a policy document: they are recognized, and the message says what to use instead.

use jsonc_parser::ast::Object;

/// Members that identify an object, and its description.
const OBJECTS: [(&[&str], &str); 8] = [
    (
        &["Policy"],
        "AWS CLI output about a policy, possibly with the document as a string in it; use the document itself",
    ),
    (
        &["AttachedPolicies"],
        "a list of policy names without their documents; `aws iam get-policy-version` returns a document",
    ),
    (
        &["Policies"],
        "a list of policies without their documents; `aws iam get-policy-version` returns the document of an IAM \
         policy, and `aws organizations describe-policy` that of a service control policy",
    ),
    (&["Users"], "a list of users without their policies; `aws iam get-account-authorization-details` returns both"),
    (&["PolicyNames"], "a list of policy names without their documents; `aws iam get-user-policy` returns a document"),
    (&["Resources"], "a CloudFormation template without resources of a known type"),
    (&["resource"], "a Terraform configuration in JSON; check its plan instead, as `terraform show -json` prints it"),
    (&["data"], "a Terraform configuration in JSON; check its plan instead, as `terraform show -json` prints it"),
];

/// A description of the object, if it is a known kind that is not a policy.
pub(super) fn of_object(object: &Object<'_>) -> Option<&'static str> {
    let has = |name: &&str| object.properties.iter().any(|property| property.name.as_str() == *name);
    if has(&"Statement") {
        return None;
    }
    OBJECTS.iter().find(|(names, _)| names.iter().all(has)).map(|(_, what)| *what)
}

/// A description of a text that is not JSON, if the start of a line identifies it.
pub(super) fn of_text(text: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| text.lines().any(|line| words.iter().any(|word| line.starts_with(word)));
    starts(&["Version:", "Statement:", "---"]).then_some("YAML, but IAM policies are JSON")
}
