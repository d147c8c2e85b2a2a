//! A JSON tree → the elements of a policy.

use std::collections::HashSet;
use std::ops::Range;

use jsonc_parser::ast::{ObjectProp, Value};
use jsonc_parser::common::Ranged;

use super::alike;
use super::error::{DocumentError, Problem, quoted};
use super::json::{SourceText, object, shape, tree};
use super::{Condition, Document, List, Operator, PolicyKind, Scope, Statement, Text, UNKNOWN, Version};

const OF_DOCUMENT: [&str; 3] = ["Version", "Id", "Statement"];
const OF_STATEMENT: [&str; 9] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal", "NotPrincipal"];

pub(super) fn document(source: &SourceText<'_>, kind: PolicyKind) -> Result<Document, DocumentError> {
    let root = tree(source)?;
    let root = object(source, &root, "a policy")?;
    if let Some(what) = alike::of_object(root) {
        return Err(source.at(root.range.start, Problem::Alike(what)));
    }
    let (mut version, mut version_span, mut statements) = (Version::V2008, None, None);
    for property in &root.properties {
        let value = &property.value;
        match property.name.as_str() {
            "Version" => {
                version = match text(source, value, "`Version`")?.value.as_str() {
                    "2012-10-17" => Version::V2012,
                    "2008-10-17" => Version::V2008,
                    _ => return Err(source.at(value.range().start, Problem::Version)),
                };
                version_span = Some(span(value));
            }
            "Id" => drop(text(source, value, "`Id`")?),
            "Statement" => statements = Some((span(value), self::statements(source, value, kind, version_of(root))?)),
            name => return Err(unknown(source, property, name, "a policy", &OF_DOCUMENT)),
        }
    }
    let (place, statements) = statements.ok_or_else(|| source.at(root.range.start, Problem::NoStatement))?;
    // Unknown statements were left out.
    if statements.is_empty() && source.origin.is_none_or(|origin| origin.gaps.is_empty()) {
        return Err(source.at(place.start, Problem::EmptyList("`Statement`")));
    }
    Ok(Document {
        name: source.name.to_owned(),
        kind,
        version,
        version_span,
        span: root.range.start..root.range.end,
        statements,
        is_unread: false,
        depends_on: Vec::new(),
        role: None,
        text: source.text.to_owned(),
        lines: source.lines.clone(),
        origin: None,
    })
}

/// The version, which also applies to the statements before it.
fn version_of(root: &jsonc_parser::ast::Object<'_>) -> Version {
    match root.get_string("Version") {
        Some(version) if version.value == "2012-10-17" => Version::V2012,
        _ => Version::V2008,
    }
}

fn statements(
    source: &SourceText<'_>,
    value: &Value<'_>,
    kind: PolicyKind,
    version: Version,
) -> Result<Vec<Statement>, DocumentError> {
    let mut sids = HashSet::new();
    let one = |value| statement(source, value, kind, version);
    let statements: Vec<Statement> = match value {
        Value::Array(array) => array.elements.iter().map(one).collect::<Result<_, _>>()?,
        Value::Object(_) => vec![one(value)?],
        _ => return Err(shape(source, value, "`Statement`", "a list of objects")),
    };
    for sid in statements.iter().filter_map(|statement| statement.sid.as_ref()).filter(|sid| !sid.value.is_empty()) {
        if !sids.insert(sid.value.as_str()) {
            return Err(source.at(sid.span.start, Problem::SidTwice(quoted(&sid.value))));
        }
    }
    Ok(statements)
}

fn statement(
    source: &SourceText<'_>,
    value: &Value<'_>,
    kind: PolicyKind,
    version: Version,
) -> Result<Statement, DocumentError> {
    let members = object(source, value, "a statement")?;
    let (mut sid, mut is_deny, mut action, mut resource) = (None, None, None, None);
    let (mut principals, mut conditions, mut is_all_but_principals) = (None, Vec::new(), false);
    for property in &members.properties {
        let (value, start, name_span) = (&property.value, property.range.start, span(&property.name));
        match property.name.as_str() {
            "Sid" => {
                let name = text(source, value, "`Sid`")?;
                if !name.value.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return Err(source.at(name.span.start, Problem::Sid));
                }
                sid = Some(name);
            }
            "Effect" => {
                is_deny = Some(match text(source, value, "`Effect`")?.value.as_str() {
                    "Allow" => false,
                    "Deny" => true,
                    _ => return Err(source.at(value.range().start, Problem::Effect)),
                });
            }
            name @ ("Action" | "NotAction") => {
                let list = list(source, value, "an action", "`Action`", is_string)?;
                for item in &list.items {
                    check_action(source, item)?;
                }
                put(source, start, &mut action, Scope { is_all_but: name == "NotAction", name_span, list }, "Action")?;
            }
            name @ ("Resource" | "NotResource") if kind == PolicyKind::Trust => {
                return Err(source.at(start, Problem::TrustResource(name.to_owned())));
            }
            name @ ("Resource" | "NotResource") => {
                let list = list(source, value, "a resource", "`Resource`", is_string)?;
                for item in &list.items {
                    check_resource(source, item, version)?;
                }
                put(
                    source,
                    start,
                    &mut resource,
                    Scope { is_all_but: name == "NotResource", name_span, list },
                    "Resource",
                )?;
            }
            name @ ("Principal" | "NotPrincipal") if kind != PolicyKind::Trust => {
                return Err(source.at(start, Problem::Principal(name.to_owned())));
            }
            name @ ("Principal" | "NotPrincipal") => {
                is_all_but_principals = name == "NotPrincipal";
                put(source, start, &mut principals, self::principals(source, value)?, "Principal")?;
            }
            "Condition" => conditions = self::conditions(source, value)?,
            name => return Err(unknown(source, property, name, "a statement", &OF_STATEMENT)),
        }
    }
    let missing = |what| source.at(members.range.start, Problem::Missing(what));
    if kind == PolicyKind::Trust && principals.is_none() {
        return Err(missing("`Principal`"));
    }
    if kind != PolicyKind::Trust && resource.is_none() {
        return Err(missing("`Resource` or `NotResource`"));
    }
    Ok(Statement {
        sid,
        is_deny: is_deny.ok_or_else(|| missing("`Effect`"))?,
        action: action.ok_or_else(|| missing("`Action` or `NotAction`"))?,
        resource,
        is_everyone: principals.as_ref().is_some_and(|(_, is_everyone)| *is_everyone),
        principals: principals.map(|(of_aws, _)| of_aws).unwrap_or_default(),
        is_all_but_principals,
        conditions,
        span: members.range.start..members.range.end,
    })
}

/// Stores one of two mutually exclusive elements.
fn put<T>(
    source: &SourceText<'_>,
    start: usize,
    place: &mut Option<T>,
    value: T,
    name: &'static str,
) -> Result<(), DocumentError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(source.at(start, Problem::Both(name))),
    }
}

/// The AWS principals, and whether `*`, which means everyone, is among them. Services and federated principals have no
/// MFA device.
fn principals(source: &SourceText<'_>, value: &Value<'_>) -> Result<(Vec<Text>, bool), DocumentError> {
    if let Value::StringLit(all) = value
        && all.value == "*"
    {
        return Ok((Vec::new(), true));
    }
    let mut of_aws = Vec::new();
    for property in &object(source, value, "`Principal`")?.properties {
        let named = list(source, &property.value, "a principal", "`Principal`", is_string)?;
        match property.name.as_str() {
            "AWS" => of_aws = named.items,
            "Service" | "Federated" | "CanonicalUser" => {}
            name => {
                let known = ["AWS", "Service", "Federated", "CanonicalUser"];
                return Err(unknown(source, property, name, "`Principal`", &known));
            }
        }
    }
    let is_everyone = of_aws.iter().any(|principal| principal.value == "*");
    Ok((of_aws, is_everyone))
}

fn conditions(source: &SourceText<'_>, value: &Value<'_>) -> Result<Vec<Condition>, DocumentError> {
    let mut found = Vec::new();
    for property in &object(source, value, "`Condition`")?.properties {
        let (name, name_span) = (property.name.as_str(), span(&property.name));
        let Some(operator) = Operator::parse(name) else {
            let problem = Problem::Operator { name: quoted(name), nearest: Operator::nearest(name) };
            return Err(source.at(name_span.start, problem));
        };
        let keys = object(source, &property.value, "an operator")?;
        for key in &keys.properties {
            let name = key.name.as_str();
            if name.split_once(':').is_none_or(|(service, rest)| service.is_empty() || rest.is_empty()) {
                return Err(source.at(key.range.start, Problem::Key(quoted(name))));
            }
            found.push(Condition {
                operator,
                operator_span: name_span.clone(),
                keys_beside: keys.properties.len() - 1,
                key: Text { value: name.to_owned(), span: span(&key.name) },
                values: list(source, &key.value, "a condition's value", "", is_scalar)?,
            });
        }
    }
    Ok(found)
}

/// A single value or a list of values; an empty list is an error if `whole` names the element.
fn list(
    source: &SourceText<'_>,
    value: &Value<'_>,
    one: &str,
    whole: &'static str,
    is_legal: fn(&Value<'_>) -> bool,
) -> Result<List, DocumentError> {
    let item = |value: &Value<'_>| match scalar(value) {
        Some(text) if is_legal(value) => Ok(text),
        _ => Err(shape(source, value, one, "a string")),
    };
    let (items, is_array) = match value {
        Value::Array(array) if array.elements.is_empty() && !whole.is_empty() => {
            return Err(source.at(array.range.start, Problem::EmptyList(whole)));
        }
        Value::Array(array) => (array.elements.iter().map(item).collect::<Result<_, _>>()?, true),
        _ => (vec![item(value)?], false),
    };
    Ok(List { items, span: span(value), is_array })
}

fn is_string(value: &Value<'_>) -> bool {
    matches!(value, Value::StringLit(_))
}

/// Condition values may be bare numbers and booleans, too.
fn is_scalar(value: &Value<'_>) -> bool {
    scalar(value).is_some()
}

fn scalar(value: &Value<'_>) -> Option<Text> {
    let text = match value {
        Value::StringLit(text) => text.value.clone().into_owned(),
        Value::NumberLit(number) => number.value.to_owned(),
        Value::BooleanLit(boolean) => boolean.value.to_string(),
        Value::Object(_) | Value::Array(_) | Value::NullKeyword(_) => return None,
    };
    Some(Text { value: text, span: span(value) })
}

fn text(source: &SourceText<'_>, value: &Value<'_>, what: &str) -> Result<Text, DocumentError> {
    match value {
        Value::StringLit(text) => Ok(Text { value: text.value.clone().into_owned(), span: span(value) }),
        _ => Err(shape(source, value, what, "a string")),
    }
}

/// `*`, or a service and an action, optionally with wildcards.
fn check_action(source: &SourceText<'_>, action: &Text) -> Result<(), DocumentError> {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'*' | b'?' | b'-' | b'_'))
    };
    let is_legal = action.value == "*"
        || action.value.split_once(':').is_some_and(|(service, name)| is_word(service) && is_word(name));
    if is_legal { Ok(()) } else { Err(source.at(action.span.start, Problem::Action(quoted(&action.value)))) }
}

/// `*`, or an ARN; one with fewer than six parts must end in a wildcard.
fn check_resource(source: &SourceText<'_>, resource: &Text, version: Version) -> Result<(), DocumentError> {
    let text = &resource.value;
    if source.origin.is_some() && text.contains(UNKNOWN) {
        return Ok(());
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let has_wildcard = || text.contains(['*', '?']);
    if text != "*" && !(parts[0] == "arn" && parts.len() > 1 && (parts.len() == 6 || has_wildcard())) {
        return Err(source.at(resource.span.start, Problem::Resource(quoted(text))));
    }
    let before = if parts.len() == 6 { &parts[..5] } else { &parts[..] };
    if version == Version::V2012 && before.iter().any(|part| part.contains("${")) {
        return Err(source.at(resource.span.start, Problem::VariableInArn));
    }
    Ok(())
}

fn unknown(
    source: &SourceText<'_>,
    property: &ObjectProp<'_>,
    name: &str,
    of: &'static str,
    known: &[&'static str],
) -> DocumentError {
    let lower = name.to_ascii_lowercase();
    let nearest = known
        .iter()
        .map(|known| (strsim::levenshtein(&known.to_ascii_lowercase(), &lower), *known))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known);
    source.at(property.range.start, Problem::UnknownElement { name: quoted(name), of, nearest })
}

fn span(value: &impl Ranged) -> Range<usize> {
    value.range().start..value.range().end
}
