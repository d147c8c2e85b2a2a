//! The document, as IAM expects it.

use serde::Serialize;
use serde_json::{Map, Serializer, Value, json};

use super::{Actions, MFA_PRESENT, Policy, Statement};

pub(super) fn print(policy: &Policy<'_>) -> String {
    let statements: Vec<Value> = policy.statements.iter().map(|one| statement(policy, one)).collect();
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let mut text = Vec::new();
    // Four spaces, as in AWS's examples.
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    document.serialize(&mut Serializer::with_formatter(&mut text, indented)).expect("a value can be written to memory");
    text.push(b'\n');
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn statement(policy: &Policy<'_>, statement: &Statement) -> Value {
    let mut value = Map::new();
    value.insert("Sid".to_owned(), statement.sid.into());
    value.insert("Effect".to_owned(), statement.effect.into());
    let (element, actions) = match &statement.actions {
        Actions::These(actions) => ("Action", actions),
        Actions::AllBut(actions) => ("NotAction", actions),
    };
    value.insert(element.to_owned(), actions.clone().into());
    let resource = policy.arn(statement.resource, &policy.spelling("${aws:username}"));
    let element = if statement.resource.is_all_but() { "NotResource" } else { "Resource" };
    value.insert(element.to_owned(), resource.into());
    if let Some(condition) = statement.condition {
        value.insert("Condition".to_owned(), json!({condition.operator: {MFA_PRESENT: condition.value}}));
    }
    Value::Object(value)
}
