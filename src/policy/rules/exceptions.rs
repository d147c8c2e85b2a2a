//! Rules 5 and 6: what a Deny must leave free, and what it must not.

use super::{Finding, NEEDED, One, Rule};
use crate::policy::document::Text;
use crate::policy::evaluate::{Ground, Truth, Verdict, covers_action, matches_action};
use crate::policy::journey::{Cell, Step, Way};
use crate::policy::repair::{insert, quoted_list, remove};

/// The steps that the needed actions serve, in their order.
pub(super) const SERVES: [&[Step]; 4] =
    [&[Step::CreateNamed, Step::CreateOther], &[Step::Enable], &[Step::Find], &[Step::Resync]];

/// What becomes of users without them.
pub(super) const WHY_NEEDED: &str =
    "these are what a user without a device needs in order to get one, or to bring a drifted one back";

/// What the console's own pages ask for.
const FOR_THE_CONSOLE: [&str; 3] = ["iam:ListVirtualMFADevices", "iam:GetUser", "iam:GetMFADevice"];

/// What a forced password change takes.
const FOR_THE_PASSWORD: [&str; 2] = ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"];

pub(super) fn look(one: &One<'_>, found: &mut Vec<Finding>) {
    if !one.statement.is_deny || !one.asks_for_mfa() {
        return;
    }
    found.extend(lock_out(one));
    if one.statement.action.is_all_but {
        found.extend(for_the_console(one));
        for item in &one.statement.action.list.items {
            found.extend(free(one, item));
        }
    }
}

/// Rule 5: users are denied what enrolling takes.
fn lock_out(one: &One<'_>) -> Option<Finding> {
    let journey = one.look.journey?;
    let (mut missing, mut explains) = (Vec::new(), Vec::new());
    for (action, steps) in NEEDED.into_iter().zip(SERVES) {
        for (step, way) in steps.iter().flat_map(|step| [(*step, Way::Key), (*step, Way::Console)]) {
            let Cell::Judged { verdict: Verdict::Denied, request, decision: Some(decision), .. } =
                journey.cell(step, way)
            else {
                continue;
            };
            let row = journey.rows.iter().find(|row| row.step == step);
            let is_own = || row.is_some_and(|row| one.speaks_of(way, &row.requests[*request]) == Truth::Yes);
            if decision.ground == Ground::Deny && is_own() {
                explains.push((step, way));
                if !missing.contains(&action) {
                    missing.push(action);
                }
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let scope = &one.statement.action;
    let all = matches!(&scope.list.items[..], [only] if only.value == "*");
    let edits = match (scope.is_all_but, all) {
        (true, _) => vec![insert(one.at, one.document, &scope.list, &missing)],
        (false, true) => vec![
            one.edit(scope.name_span.clone(), "\"NotAction\"".to_owned()),
            one.edit(scope.list.span.clone(), quoted_list(&NEEDED)),
        ],
        (false, false) => Vec::new(),
    };
    let names = format!("`{}`", missing.join("`, `"));
    let mut finding = one
        .breaks(
            Rule::EnrollmentBlocked,
            scope.name_span.start,
            format!("users without MFA are locked out: this Deny takes {names} from them"),
            WHY_NEEDED,
            &format!("let its `NotAction` hold {names}"),
        )
        .with_edits(edits);
    finding.explains = explains;
    Some(finding)
}

fn for_the_console(one: &One<'_>) -> Option<Finding> {
    let is_denied = |action: &&str| covers_action(&one.statement.action, action);
    let missing: Vec<&str> = FOR_THE_CONSOLE.into_iter().filter(is_denied).collect();
    if missing.is_empty() {
        return None;
    }
    let names = format!("`{}`", missing.join("`, `"));
    let finding = one.breaks(
        Rule::ConsolePages,
        one.statement.action.name_span.start,
        format!("the console's pages show errors before there is MFA: {names} denied"),
        "enrolling works without them over the API; the console asks for them to show the user and the devices",
        &format!("add {names} to the `NotAction`"),
    );
    Some(finding)
}

/// Rule 6: one exception that a thief can use.
fn free(one: &One<'_>, item: &Text) -> Option<Finding> {
    let (subject, wish) = (one.look.subject, one.look.wish);
    let own = subject.user_arn(subject.name());
    let dangers = [
        ("iam:DeactivateMFADevice", own.clone(), Step::Drop, "the own device can be dropped without MFA"),
        (
            "iam:DeleteVirtualMFADevice",
            subject.device_arn(subject.name()),
            Step::Drop,
            "virtual devices can be deleted without MFA",
        ),
        ("iam:CreateAccessKey", own.clone(), Step::AccessKey, "access keys can be made without MFA"),
        ("iam:ChangePassword", own, Step::Password, "open to a password change without MFA"),
    ];
    let is_open_if = |is_allowed_elsewhere, action: &str, resource: &str| {
        [Way::Key, Way::Console].into_iter().any(|way| one.look.is_open(way, action, resource, is_allowed_elsewhere))
    };
    // What another Deny stops is no exception.
    let is_free = |(action, resource, ..): &&(&str, String, Step, &str)| {
        matches_action(&item.value, action) && is_open_if(true, action, resource)
    };
    let covered: Vec<_> = dangers.iter().filter(is_free).collect();
    let [(first, _, _, what), ..] = covered[..] else { return None };
    // The account's password policy allows it to all, or `IAMUserChangePassword` to whoever must change it.
    let is_open = |(action, resource, ..): &&&(&str, String, Step, &str)| {
        is_open_if(*action == "iam:ChangePassword", action, resource)
    };
    let open: Vec<Step> = covered.iter().filter(is_open).map(|(_, _, step, _)| *step).collect();
    let is_password = covered.len() == 1 && *first == "iam:ChangePassword";
    let is_wanted = is_password && wish.allows_first_password_change;
    let what = match covered.len() {
        1 => format!("{what}: the exceptions hold `{}`", item.value),
        _ => format!("the exceptions hold `{}`, which frees {}", item.value, names(&covered)),
    };
    let why = match (open.is_empty(), is_password) {
        (true, _) => "nothing here allows it, but a policy that does would work without MFA",
        (false, true) => {
            "the holder of a stolen key or of a guessed password sets one of their own; AWS does not recommend it. \
             Without it, a user who must change the password at the first sign-in is stuck"
        }
        (false, false) => "the holder of a stolen key uses it to get rid of the MFA, or to stay",
    };
    let repair = if is_wanted { "none: it is wanted".to_owned() } else { format!("take `{}` out", item.value) };
    let is_kept_by = |other: &Text, needed: &str| other.span != item.span && matches_action(&other.value, needed);
    let kept: Vec<&str> = NEEDED
        .into_iter()
        .chain(FOR_THE_CONSOLE)
        .chain(FOR_THE_PASSWORD.into_iter().filter(|_| wish.allows_first_password_change))
        .filter(|needed| matches_action(&item.value, needed))
        .filter(|needed| !one.statement.action.list.items.iter().any(|other| is_kept_by(other, needed)))
        .collect();
    let edits = match &kept[..] {
        _ if is_wanted => Vec::new(),
        [] => remove(one.at, &one.statement.action.list, item).into_iter().collect(),
        kept if one.statement.action.list.is_array => {
            vec![one.edit(item.span.clone(), quoted_list(kept).trim_matches(['[', ']']).to_owned())]
        }
        kept => vec![one.edit(item.span.clone(), quoted_list(kept))],
    };
    let finding = one.breaks(Rule::UnsafeException, item.span.start, what, why, &repair);
    Some(finding.with_edits(edits).note_if(is_wanted || open.is_empty()).explaining(&open, &[Way::Key, Way::Console]))
}

fn names(covered: &[&(&str, String, Step, &str)]) -> String {
    format!("`{}`", covered.iter().map(|(action, ..)| *action).collect::<Vec<_>>().join("`, `"))
}
