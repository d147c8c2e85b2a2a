//! What people have in their hands in place of a policy document and that holds none: it is called by its name, and what
//! to take in its place is said.

use jsonc_parser::ast::Object;

/// Members by which an object is known, and what to say of it.
const OBJECTS: [(&[&str], &str); 6] = [
    (
        &["Policy"],
        "an answer of the AWS CLI about a policy, perhaps with the document as a string in it: take the document itself",
    ),
    (
        &["AttachedPolicies"],
        "a list of policies' names, without their documents: `aws iam get-policy-version` answers them",
    ),
    (&["PolicyNames"], "a list of policies' names, without their documents: `aws iam get-user-policy` answers them"),
    (&["Resources"], "a CloudFormation template without resources of a known type"),
    (&["resource"], "a configuration of Terraform in JSON: check its plan, as `terraform show -json` prints it"),
    (&["data"], "a configuration of Terraform in JSON: check its plan, as `terraform show -json` prints it"),
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
    starts(&["Version:", "Statement:", "---"]).then_some("YAML: IAM takes a policy as JSON")
}
