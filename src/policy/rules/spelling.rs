//! Obvious mistakes in a statement: invalid account IDs, template variables, unknown keys, and elements that cover
//! nothing. IAM accepts most of these, and then nothing ever matches.

use super::keys::{Spelling, spelling};
use super::{Finding, Inspection, Rule};
use crate::policy::document::{Condition, Text, UNKNOWN_KEY};
use crate::policy::repair::quoted;

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    found.extend(nothing(one));
    found.extend(accounts(one));
    found.extend(templates(one));
    found.extend(variables(one));
    found.extend(keys(one));
    found.extend(twice(one));
}

/// Resources, principals and the values of conditions.
fn texts<'a>(one: &Inspection<'a>) -> impl Iterator<Item = &'a Text> {
    let resources = one.statement.resource.iter().flat_map(|scope| &scope.list.items);
    let values = one.statement.conditions.iter().flat_map(|condition| &condition.values.items);
    resources.chain(&one.statement.principals).chain(values)
}

/// `NotAction` or `NotResource` of everything.
fn nothing(one: &Inspection<'_>) -> Option<Finding> {
    let scopes = std::iter::once(&one.statement.action).chain(&one.statement.resource);
    let is_all = |item: &&Text| matches!(item.value.as_str(), "*" | "*:*");
    let (scope, item) = scopes
        .filter(|scope| scope.is_all_but)
        .find_map(|scope| Some((scope, scope.list.items.iter().find(is_all)?)))?;
    let name = one.document.text()[scope.name_span.clone()].trim_matches('"').to_owned();
    let meant = name.trim_start_matches("Not").to_owned();
    let verb = if one.statement.is_deny { "denies" } else { "allows" };
    let finding = one.breaks(
        Rule::NotEverything,
        item.span.start,
        format!("`\"{name}\": \"{}\"` covers nothing, so this statement {verb} nothing", item.value),
        "it means everything except what is listed, and everything is listed",
        &format!("use `{meant}`, or list what to leave out"),
    );
    Some(finding.note_if(!one.statement.is_deny))
}

/// An account ID with a digit too few or too many, or with hyphens in it.
fn accounts(one: &Inspection<'_>) -> Option<Finding> {
    let of_conditions = one.statement.conditions.iter().filter(|condition| {
        let keys = ["aws:PrincipalAccount", "aws:ResourceAccount", "aws:SourceAccount"];
        keys.iter().any(|key| condition.key.value.eq_ignore_ascii_case(key))
    });
    let bare = of_conditions.flat_map(|condition| &condition.values.items).chain(&one.statement.principals);
    let in_arns = texts(one).filter_map(|text| Some((text, account_of(&text.value)?)));
    let (text, id) = in_arns
        .chain(bare.filter(|text| !text.value.contains(':')).map(|text| (text, text.value.as_str())))
        .find(|(_, id)| is_broken_account(id))?;
    let count = id.bytes().filter(u8::is_ascii_digit).count();
    let why = match count {
        12 => "an account ID has twelve digits and nothing else".to_owned(),
        _ => format!("an account ID has twelve digits, but this has {count}"),
    };
    let (what, repair) = (format!("`{id}` is not an account ID"), "use the account's twelve digits, or `*`");
    Some(one.breaks(Rule::AccountId, text.span.start, what, &(why + ": nothing ever matches it"), repair))
}

fn account_of(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", _, _, _, id, _] = parts[..] { Some(id) } else { None }
}

/// Mostly digits, but not an account ID; words such as `ACCOUNT_ID` are placeholders, and `aws` belongs to AWS.
fn is_broken_account(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let is_open = id.contains(['*', '?', '$', '{']);
    let is_id = id.len() == 12 && digits == 12;
    !is_open && !is_id && digits * 2 > id.len()
}

/// How template languages escape a variable for IAM, and the variables that they replace themselves.
const FOREIGN: [(&str, &str, bool); 7] = [
    ("$${", "Terraform", true),
    ("&{", "Terraform's `aws_iam_policy_document`", true),
    ("${!", "CloudFormation's `Fn::Sub`", true),
    ("${AWS::", "CloudFormation", false),
    ("${var.", "Terraform", false),
    ("${local.", "Terraform", false),
    ("${data.", "Terraform", false),
];

fn templates(one: &Inspection<'_>) -> Option<Finding> {
    let foreign = |text: &Text| FOREIGN.into_iter().find(|(sign, ..)| text.value.contains(sign));
    let (text, (sign, language, is_escape)) = texts(one).find_map(|text| Some((text, foreign(text)?)))?;
    let (why, repair) = if is_escape {
        let own = text.value.replace(sign, "${");
        (format!("{language} writes `{sign}` so that IAM sees `${{`; in JSON it is plain text"), format!("use `{own}`"))
    } else {
        let why = format!("{language} fills it in; IAM has no such variable");
        (why, "check the document as it is in IAM".to_owned())
    };
    let what = format!("`{}` is template syntax, and matches nothing", text.value);
    let finding = one.breaks(Rule::TemplateSyntax, text.span.start, what, &why, &repair);
    let is_such = |text: &&Text| text.value.contains(sign) && is_escape;
    let own = |text: &Text| one.edit(text.span.clone(), quoted(&text.value.replace(sign, "${")));
    Some(finding.with_edits(texts(one).filter(is_such).map(own).collect()))
}

/// `${aws:username`, `${}`, `${ aws:username }`: Access Analyzer calls them errors.
fn variables(one: &Inspection<'_>) -> Option<Finding> {
    let is_unknown = |name: &str| one.document.label().is_some() && name.starts_with(UNKNOWN_KEY);
    let is_broken = |name: Option<&str>| name.is_none_or(|name| !is_name(name) && !is_unknown(name));
    let broken = |text: &&Text| names_in(&text.value).any(is_broken);
    let text = texts(one).filter(|text| FOREIGN.iter().all(|(sign, ..)| !text.value.contains(sign))).find(broken)?;
    let what = format!("`{}` contains an invalid variable", text.value);
    let why = "a variable is `${KEY}` or `${KEY, 'DEFAULT'}`, with no space before the key and a closing brace";
    Some(one.breaks(Rule::BrokenVariable, text.span.start, what, why, "use `${aws:username}`"))
}

/// The names of the variables in a text; `None` for a variable without an end.
fn names_in(text: &str) -> impl Iterator<Item = Option<&str>> {
    text.split("${").skip(1).map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn is_name(name: &str) -> bool {
    // `${*}`, `${?}` and `${$}` stand for the characters themselves.
    let key = name.split(',').next().unwrap_or_default();
    matches!(key, "*" | "?" | "$") || (key.contains(':') && !key.contains(char::is_whitespace))
}

/// Unknown keys in conditions and variables.
fn keys(one: &Inspection<'_>) -> Option<Finding> {
    let of_conditions = one.statement.conditions.iter().map(|condition| (&condition.key, condition.key.value.as_str()));
    let of_variables = texts(one).flat_map(|text| {
        let names = names_in(&text.value).flatten().filter(|name| is_name(name) && name.contains(':'));
        names.map(move |name| (text, name.split(',').next().unwrap_or_default()))
    });
    let is_unknown = |key: &str| one.document.label().is_some() && key.starts_with(UNKNOWN_KEY);
    let slip = |(_, key): &(&Text, &str)| {
        !is_unknown(key) && spelling(key) != Spelling::Well && !key.to_ascii_lowercase().starts_with("aws::")
    };
    let is_foreign = |(text, _): &(&Text, &str)| FOREIGN.iter().any(|(sign, ..)| text.value.contains(sign));
    let (text, key) = of_conditions.chain(of_variables).filter(|it| !is_foreign(it)).find(slip)?;
    let what = format!("`{key}` is not a condition key that AWS documents");
    let why = "no request has it, so a condition on it never holds, or always holds with a negated operator";
    let near = if let Spelling::Near(near) = spelling(key) { Some(near) } else { None };
    let repair =
        near.map_or_else(|| "use the key that was intended".to_owned(), |near| format!("did you mean `{near}`?"));
    Some(one.breaks(Rule::UnknownKey, text.span.start, what, why, &repair).note_if(near.is_none()))
}

/// The same key twice under one operator, with different capitalization.
fn twice(one: &Inspection<'_>) -> Option<Finding> {
    let text = one.document.text();
    let operator = |condition: &Condition| text[condition.operator_span.clone()].to_ascii_lowercase();
    let conditions = &one.statement.conditions;
    let is_same =
        |a: &Condition, b: &Condition| a.key.value.eq_ignore_ascii_case(&b.key.value) && operator(a) == operator(b);
    let again =
        conditions.iter().enumerate().find(|(n, it)| conditions[..*n].iter().any(|before| is_same(before, it)))?.1;
    Some(one.breaks(
        Rule::DuplicateKey,
        again.key.span.start,
        format!("`{}` appears twice under one operator, with different capitalization", again.key.value),
        "operators and keys are not case-sensitive: IAM rejects this, or uses one of the two",
        "keep the intended one",
    ))
}
