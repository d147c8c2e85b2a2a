//! Rules 7, 8, 13 and 17, and the version: resources that do not mean what they should.

use super::{Finding, Inspection, Rule, listed};
use crate::policy::document::{List, PolicyKind, Scope, Text, Version};
use crate::policy::evaluate::covers_action;
use crate::policy::journey::{Stage, Way};
use crate::policy::repair::{insert, quoted};

/// Actions on a virtual device.
const ON_DEVICE: [&str; 2] = ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"];

/// Actions on a user, each with the step that needs it.
const ON_USER: [(&str, Option<Stage>); 5] = [
    ("iam:EnableMFADevice", Some(Stage::Enable)),
    ("iam:ListMFADevices", Some(Stage::Find)),
    ("iam:ResyncMFADevice", Some(Stage::Resync)),
    ("iam:DeactivateMFADevice", None),
    ("iam:GetMFADevice", None),
];

/// Actions without resource-level permissions, which require `*`.
const ON_ALL: [&str; 5] = [
    "iam:ListUsers",
    "iam:ListVirtualMFADevices",
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:ListAccountAliases",
];

const WAYS: [Way; 2] = [Way::Key, Way::Console];

/// The steps that fail if a statement never matches.
const ENROLLING: [Stage; 5] = [Stage::Find, Stage::CreateNamed, Stage::CreateOther, Stage::Enable, Stage::Resync];

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    if let Some(scope) = &one.statement.resource {
        if one.document.kind == PolicyKind::User && !scope.is_all_but {
            if !one.statement.is_deny {
                found.extend(device_names(one, scope));
                found.extend(users(one, scope));
            }
            found.extend(unscoped(one, scope));
        }
        found.extend(accounts(one, scope));
        found.extend(version(one, scope));
    }
    found.extend(partitions(one));
}

/// The actions that the statement names without a wildcard.
fn named<'a>(one: &Inspection<'_>, of: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let items = &one.statement.action.list.items;
    let is_named = |action: &&str| items.iter().any(|item| item.value.eq_ignore_ascii_case(action));
    if one.statement.action.is_all_but { Vec::new() } else { of.filter(is_named).collect() }
}

/// The device name in a resource, wildcards and variables included.
fn device_of(item: &Text) -> Option<&str> {
    item.value.splitn(6, ':').nth(5)?.strip_prefix("mfa/")
}

/// Does that name cover the device, in the user's own account?
fn covers_device(one: &Inspection<'_>, item: &Text, name: &str, device: &str) -> bool {
    let own = Text { value: one.look.subject.device_arn(name), span: item.span.clone() };
    let list = List { items: vec![own], span: item.span.clone(), is_array: false };
    one.covers(&Scope { is_all_but: false, name_span: item.span.clone(), list }, device)
}

/// Rule 7: only devices with one particular name.
fn device_names(one: &Inspection<'_>, scope: &Scope) -> Option<Finding> {
    let subject = one.look.subject;
    let other = subject.device_arn(&format!("{}-laptop", subject.name()));
    let covered = |action: &&str| covers_action(&one.statement.action, action);
    let actions: Vec<&str> = ON_DEVICE.into_iter().filter(covered).collect();
    let devices: Vec<&Text> = scope.list.items.iter().filter(|item| device_of(item).is_some()).collect();
    // Only the name: other rules report another partition or account.
    let is_narrow = |item: &&Text| device_of(item).is_some_and(|name| !covers_device(one, item, name, &other));
    let is_well = actions.is_empty() || one.covers(scope, &other) || !devices.iter().all(is_narrow);
    let (first, false) = (*devices.first()?, is_well) else { return None };
    let creates = actions.contains(&ON_DEVICE[0]);
    let is_open = |is_allowed_elsewhere| {
        WAYS.map(|way| one.look.is_open(way, ON_DEVICE[0], &other, is_allowed_elsewhere))
            .iter()
            .filter(|is| **is)
            .count()
    };
    // Another statement may allow it, or a Deny may be the reason.
    let is_well = if creates {
        is_open(false) == WAYS.len() || is_open(true) == 0
    } else {
        one.look.is_open(Way::SessionMfa, ON_DEVICE[1], &other, false)
    };
    if is_well {
        return None;
    }
    let what = format!("`{}` blocks every device that is not named after the user", first.value);
    let why = "since November 2022 a user can have up to eight devices, with any names";
    let all = |item: &Text| {
        let head = item.value.split(":mfa/").next().unwrap_or_default();
        one.edit(item.span.clone(), quoted(&format!("{head}:mfa/*")))
    };
    let finding = one.breaks(Rule::DeviceName, first.span.start, what, why, "use `mfa/*`");
    let edits = vec![all(first)];
    // With a device named after the user, the user can still enroll.
    let own = subject.device_arn(subject.name());
    let is_spared = !creates || WAYS.iter().all(|way| one.look.is_open(*way, ON_DEVICE[0], &own, false));
    Some(
        finding
            .with_edits(edits)
            .failure_if(!is_spared)
            .explaining(&[Stage::CreateOther], if creates { &WAYS } else { &[] }),
    )
}

/// Rule 8: actions on users with a resource that is not a user, or not this user because of the path.
fn users(one: &Inspection<'_>, scope: &Scope) -> Option<Finding> {
    let subject = one.look.subject;
    let own = subject.user_arn(subject.name());
    let actions = named(one, ON_USER.into_iter().map(|(action, _)| action));
    if actions.is_empty() || one.covers(scope, &own) {
        return None;
    }
    let variable = format!("arn:{}:iam::*:user/", subject.partition.as_str());
    let is_user = |item: &Text| item.value.split(':').nth(5).is_some_and(|name| name.starts_with("user/"));
    let names = listed(&actions).unwrap_or_default();
    let is_path =
        !subject.path().is_empty() && scope.list.items.iter().any(|item| item.value.ends_with("user/${aws:username}"));
    let (what, why, wanted) = if is_path {
        let what = format!("{names} never match a user with a path, such as `{}{}`", subject.path(), subject.name());
        (what, "the user's ARN contains the path, but `${aws:username}` is only the name", "*/${aws:username}")
    } else if scope.list.items.iter().any(is_user) {
        // Other users' devices: this is for an administrator, not for the user.
        return None;
    } else {
        let what = format!("{names} never match: they act on a user, and no resource here is a user");
        (what, "IAM checks them against the user's ARN, whatever the device", "${aws:username}")
    };
    let resource = format!("{variable}{wanted}");
    let steps: Vec<Stage> = ON_USER
        .into_iter()
        .filter(|(action, _)| actions.contains(action))
        .filter(|(action, _)| WAYS.into_iter().any(|way| !one.look.is_open(way, action, &own, false)))
        .filter_map(|(_, step)| step)
        .collect();
    let finding = one.breaks(
        Rule::WrongResource,
        scope.list.span.start,
        what,
        why,
        &format!("add `{resource}` to the resources"),
    );
    let edits = match one.document.version {
        Version::V2012 => vec![insert(one.at, one.document, &scope.list, &[&resource])],
        Version::V2008 => Vec::new(),
    };
    Some(finding.with_edits(edits).note_if(steps.is_empty()).explaining(&steps, &WAYS))
}

/// Rule 8: actions without resource-level permissions, with a resource.
fn unscoped(one: &Inspection<'_>, scope: &Scope) -> Option<Finding> {
    let actions = named(one, ON_ALL.into_iter());
    if actions.is_empty() || one.covers(scope, "*") {
        return None;
    }
    let is_all = actions.len() == one.statement.action.list.items.len();
    let names = listed(&actions).unwrap_or_default();
    let first = scope.list.items.first().map_or("", |item| item.value.as_str());
    let finding = one.breaks(
        Rule::NeedsStar,
        scope.list.span.start,
        format!("{names} on `{first}` never matches"),
        "the action does not support specific resources, so only `*` matches",
        if is_all { "use `\"Resource\": \"*\"`" } else { "move it to a separate statement with `\"Resource\": \"*\"`" },
    );
    let edits = if is_all { vec![one.edit(scope.list.span.clone(), "\"*\"".to_owned())] } else { Vec::new() };
    Some(finding.with_edits(edits).failure_if(one.statement.is_deny))
}

/// Rule 17: users and devices in an account other than the checked one.
fn accounts(one: &Inspection<'_>, scope: &Scope) -> Option<Finding> {
    let account = one.look.options.account.as_ref()?;
    let is_other = |item: &&Text| match item.value.splitn(6, ':').collect::<Vec<_>>()[..] {
        ["arn", _, "iam", _, id, name] => {
            id.len() == 12
                && id.bytes().all(|b| b.is_ascii_digit())
                && id != account.as_str()
                && ["user/", "mfa/", "sms-mfa/", "u2f/"].iter().any(|kind| name.starts_with(kind))
        }
        _ => false,
    };
    let others: Vec<&Text> = scope.list.items.iter().filter(is_other).collect();
    let first = others.first()?;
    let own = |item: &Text| {
        let mut parts: Vec<&str> = item.value.splitn(6, ':').collect();
        parts[4] = account.as_str();
        one.edit(item.span.clone(), quoted(&parts.join(":")))
    };
    let is_of_iam = others.iter().any(|item| item.value.split(':').nth(2) == Some("iam"));
    let finding = one.breaks(
        Rule::OtherAccount,
        first.span.start,
        format!("`{}` belongs to another account, not {}", first.value, account.as_str()),
        "a user's devices are in the user's own account, so the statement never matches",
        "use the account's own ID, or `*`, which works in every account",
    );
    let edits = others.iter().map(|item| own(item)).collect();
    Some(finding.with_edits(edits).explaining(&ENROLLING, if is_of_iam { &WAYS } else { &[] }))
}

/// Rule 13: `arn:aws:` in another partition.
fn partitions(one: &Inspection<'_>) -> Option<Finding> {
    let partition = one.look.subject.partition.as_str();
    let resources = one.statement.resource.iter().flat_map(|scope| &scope.list.items);
    let values = one.statement.conditions.iter().flat_map(|condition| &condition.values.items);
    let is_other = |item: &&Text| {
        let of = item.value.strip_prefix("arn:").and_then(|rest| rest.split(':').next());
        of.is_some_and(|of| !of.contains(['*', '?', '$']) && of != partition)
    };
    let others: Vec<&Text> = resources.chain(&one.statement.principals).chain(values).filter(is_other).collect();
    let first = others.first()?;
    let own = |item: &Text| {
        let rest = item.value.splitn(3, ':').nth(2).unwrap_or_default();
        one.edit(item.span.clone(), quoted(&format!("arn:{partition}:{rest}")))
    };
    let is_of_iam = others.iter().any(|item| item.value.split(':').nth(2) == Some("iam"));
    let finding = one.breaks(
        Rule::OtherPartition,
        first.span.start,
        format!("`{}` belongs to another partition, not `{partition}`", first.value),
        "an ARN of one partition never matches in another",
        &format!("use `arn:{partition}:`"),
    );
    let edits = others.iter().map(|item| own(item)).collect();
    Some(finding.with_edits(edits).explaining(&ENROLLING, if is_of_iam { &WAYS } else { &[] }))
}

/// Variables in a version of the policy language that has none.
fn version(one: &Inspection<'_>, scope: &Scope) -> Option<Finding> {
    if one.document.version == Version::V2012 {
        return None;
    }
    let values = one.statement.conditions.iter().flat_map(|condition| &condition.values.items);
    let variable = scope.list.items.iter().chain(values).find(|item| item.value.contains("${"))?;
    let finding = one.breaks(
        Rule::OldVersion,
        variable.span.start,
        format!("`{}` is plain text here, and matches no user", variable.value),
        "only `\"Version\": \"2012-10-17\"` has variables; without a version, a policy is read as 2008-10-17",
        "use `\"Version\": \"2012-10-17\"`",
    );
    let edit = if let Some(span) = &one.document.version_span {
        one.edit(span.clone(), "\"2012-10-17\"".to_owned())
    } else {
        let start = one.document.span.start + 1;
        let text = &one.document.text()[start..];
        let space = &text[..text.len() - text.trim_start().len()];
        one.edit(
            start..start,
            format!("{space}\"Version\": \"2012-10-17\",{}", if space.is_empty() { " " } else { "" }),
        )
    };
    Some(finding.with_edits(vec![edit]).explaining(&ENROLLING, &WAYS))
}
