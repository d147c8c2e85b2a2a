//! Rules 5 and 6: what a Deny must exempt, and what it must not.

use super::{Edit, Finding, Inspection, NEEDED, Rule, listed};
use crate::policy::document::Text;
use crate::policy::evaluate::{Ground, Truth, Verdict, covers_action, matches_action};
use crate::policy::journey::{Cell, Stage, Way};
use crate::policy::repair::{insert, quoted_list, remove};

/// The steps that need each action of `NEEDED`, in the same order.
pub(super) const SERVES: [&[Stage]; 4] =
    [&[Stage::CreateNamed, Stage::CreateOther], &[Stage::Enable], &[Stage::Find], &[Stage::Resync]];

/// Why the actions are needed.
pub(super) const WHY_NEEDED: &str =
    "a user without a device needs these to enroll one, and to resync one that has drifted";

/// What the console's own pages call.
const FOR_THE_CONSOLE: [&str; 3] = ["iam:ListVirtualMFADevices", "iam:GetUser", "iam:GetMFADevice"];

/// What a forced password change needs.
const FOR_THE_PASSWORD: [&str; 2] = ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"];

pub(super) fn look(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    if !one.statement.is_deny || !one.asks_for_mfa() {
        return;
    }
    found.extend(lock_out(one));
    if one.statement.action.is_all_but {
        found.extend(for_the_console(one));
        unsafe_ones(one, found);
    }
}

/// Rule 5: users are denied what enrollment needs.
fn lock_out(one: &Inspection<'_>) -> Option<Finding> {
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
    let names = listed(&missing)?;
    let (repair, edits) = free(one, &missing);
    let mut finding = one
        .breaks(
            Rule::EnrollmentBlocked,
            one.statement.action.name_span.start,
            format!("users without MFA are locked out: this Deny applies to {names}"),
            WHY_NEEDED,
            &repair,
        )
        .with_edits(edits);
    finding.explains = explains;
    Some(finding)
}

/// How to make the Deny exempt these actions, depending on the elements that it uses.
fn free(one: &Inspection<'_>, missing: &[&str]) -> (String, Vec<Edit>) {
    let scope = &one.statement.action;
    let names = listed(missing).unwrap_or_default();
    if scope.is_all_but {
        let edits = vec![insert(one.at, one.document, &scope.list, missing)];
        return (format!("add {names} to its `NotAction`"), edits);
    }
    let not_action = || {
        vec![
            one.edit(scope.name_span.clone(), "\"NotAction\"".to_owned()),
            one.edit(scope.list.span.clone(), quoted_list(&NEEDED)),
        ]
    };
    let is_all = scope.list.items.iter().any(|item| matches!(item.value.as_str(), "*" | "*:*"));
    let is_missing = |item: &&Text| missing.iter().any(|action| matches_action(&item.value, action));
    let covering: Vec<&Text> = scope.list.items.iter().filter(is_missing).collect();
    match one.statement.resource.as_ref().filter(|resource| resource.is_all_but) {
        // Another resource in `NotResource` would exempt every action on it, not only enrollment.
        Some(resource) if is_all => {
            let mut edits = not_action();
            edits.push(one.edit(resource.name_span.clone(), "\"Resource\"".to_owned()));
            edits.push(one.edit(resource.list.span.clone(), "\"*\"".to_owned()));
            let listed = quoted_list(&NEEDED);
            (
                format!(
                    "use `\"NotAction\": {listed}` and `\"Resource\": \"*\"` instead of `Action` and `NotResource`"
                ),
                edits,
            )
        }
        _ if is_all => (format!("use `\"NotAction\": {}` instead of its `Action`", quoted_list(&NEEDED)), not_action()),
        _ if covering.iter().all(|item| !item.value.contains(['*', '?'])) => {
            let edits = remove(one.at, &scope.list, &covering);
            let repair = match &edits {
                Some(_) => format!("remove {names} from its `Action`"),
                None => "remove the statement: it denies only what enrollment needs".to_owned(),
            };
            (repair, edits.unwrap_or_default())
        }
        _ => {
            let wide: Vec<&str> = covering.iter().map(|item| item.value.as_str()).collect();
            let wide = listed(&wide).unwrap_or_default();
            (format!("instead of {wide}, list in its `Action` what to deny, without {names}"), Vec::new())
        }
    }
}

fn for_the_console(one: &Inspection<'_>) -> Option<Finding> {
    let is_denied = |action: &&str| covers_action(&one.statement.action, action);
    let missing: Vec<&str> = FOR_THE_CONSOLE.into_iter().filter(is_denied).collect();
    if missing.is_empty() {
        return None;
    }
    let names = listed(&missing)?;
    let finding = one.breaks(
        Rule::ConsolePages,
        one.statement.action.name_span.start,
        format!("the console shows errors until there is MFA: this Deny applies to {names}"),
        "enrollment through the API works without them; the console calls them to show the user and the devices",
        &format!("add {names} to its `NotAction`"),
    );
    Some(finding)
}

/// What an attacker can do with an exception.
struct Danger {
    action: &'static str,
    resource: String,
    step: Stage,
    what: &'static str,
}

/// An exception that an attacker can use.
struct Freed<'a> {
    item: &'a Text,
    dangers: Vec<&'a Danger>,
    /// The steps that it opens in these policies.
    open: Vec<Stage>,
}

impl Freed<'_> {
    fn is_password(&self) -> bool {
        self.dangers.iter().all(|danger| danger.action == PASSWORD)
    }
}

const PASSWORD: &str = "iam:ChangePassword";

/// Deletes only unassigned virtual devices: a user's device must be deactivated first.
const SPARE: &str = "iam:DeleteVirtualMFADevice";

fn dangers(one: &Inspection<'_>) -> [Danger; 4] {
    let subject = one.look.subject;
    let own = || subject.user_arn(subject.name());
    let device = subject.device_arn(subject.name());
    let danger = |action, resource, step, what| Danger { action, resource, step, what };
    [
        danger("iam:DeactivateMFADevice", own(), Stage::Drop, "a user's MFA device can be deactivated without MFA"),
        danger(SPARE, device, Stage::Drop, "virtual MFA devices can be deleted without MFA"),
        danger("iam:CreateAccessKey", own(), Stage::AccessKey, "access keys can be created without MFA"),
        danger(PASSWORD, own(), Stage::Password, "the password can be changed without MFA"),
    ]
}

/// Rule 6: exceptions that an attacker can use, grouped by severity; the password is always separate.
fn unsafe_ones(one: &Inspection<'_>, found: &mut Vec<Finding>) {
    let dangers = dangers(one);
    let freed: Vec<Freed<'_>> =
        one.statement.action.list.items.iter().filter_map(|item| freed(one, item, &dangers)).collect();
    let (passwords, others): (Vec<_>, Vec<_>) = freed.into_iter().partition(Freed::is_password);
    let (closed, open): (Vec<_>, Vec<_>) = others.into_iter().partition(|freed| freed.open.is_empty());
    found.extend([passwords, open, closed].iter().filter_map(|group| of_group(one, group)));
}

/// The dangers that the exception opens, if any: what another Deny stops does not count.
fn freed<'a>(one: &Inspection<'_>, item: &'a Text, dangers: &'a [Danger; 4]) -> Option<Freed<'a>> {
    let is_open_if = |is_allowed_elsewhere, danger: &Danger| {
        let is_open = |way| one.look.is_open(way, danger.action, &danger.resource, is_allowed_elsewhere);
        [Way::Key, Way::Console].into_iter().any(is_open)
    };
    let is_free = |danger: &&Danger| matches_action(&item.value, danger.action) && is_open_if(true, danger);
    let dangers: Vec<&Danger> = dangers.iter().filter(is_free).collect();
    // The account's password policy may allow it for all users, and `IAMUserChangePassword` for those who must change
    // it.
    let is_open = |danger: &&&Danger| danger.action != SPARE && is_open_if(danger.action == PASSWORD, danger);
    let open = dangers.iter().filter(is_open).map(|danger| danger.step).collect();
    (!dangers.is_empty()).then_some(Freed { item, dangers, open })
}

fn of_group(one: &Inspection<'_>, group: &[Freed<'_>]) -> Option<Finding> {
    let first = group.first()?;
    let options = one.look.options;
    let is_password = first.is_password();
    let is_wanted = is_password && options.allows_first_password_change;
    let open: Vec<Stage> = group.iter().flat_map(|freed| freed.open.iter().copied()).collect();
    let items: Vec<&str> = group.iter().map(|freed| freed.item.value.as_str()).collect();
    let items = listed(&items)?;
    let mut actions: Vec<&str> = Vec::new();
    for danger in group.iter().flat_map(|freed| &freed.dangers) {
        if !actions.contains(&danger.action) {
            actions.push(danger.action);
        }
    }
    let what = match &actions[..] {
        [_] => format!("{}: this Deny exempts {items}", first.dangers[0].what),
        _ if listed(&actions).as_ref() == Some(&items) => format!("this Deny exempts {items}"),
        actions => format!("this Deny exempts {items}, and with it {}", listed(actions)?),
    };
    let why = match (open.is_empty(), is_password) {
        (true, _) if actions == [SPARE] => {
            "AWS deletes a user's device only after it was deactivated, so only unassigned devices are affected"
        }
        (true, _) => "nothing here allows it, but any policy that does would work without MFA",
        (false, true) => {
            "an attacker with a stolen key or a guessed password can set a new password; AWS does not recommend it. \
             Without it, a user who must change the password at first sign-in is stuck"
        }
        (false, false) => "an attacker with a stolen key can use it to get rid of MFA, or to keep access",
    };
    let (edits, kept) = if is_wanted { Default::default() } else { without(one, group) };
    let repair = match listed(&kept) {
        _ if is_wanted => "none needed: it is intended".to_owned(),
        None => format!("remove {items} from the `NotAction`"),
        Some(kept) => format!("remove {items} from the `NotAction`, and add {kept}"),
    };
    let finding = one.breaks(Rule::UnsafeException, first.item.span.start, what, why, &repair);
    Some(finding.with_edits(edits).note_if(is_wanted || open.is_empty()).explaining(&open, &[Way::Key, Way::Console]))
}

/// The list without these exceptions; for one with a wildcard, the actions that users need stay, and are returned.
fn without(one: &Inspection<'_>, group: &[Freed<'_>]) -> (Vec<Edit>, Vec<&'static str>) {
    let list = &one.statement.action.list;
    let is_gone = |item: &Text| group.iter().any(|freed| freed.item.span == item.span);
    let kept = |item: &Text| -> Vec<&'static str> {
        let is_kept_by = |other: &Text, needed: &str| !is_gone(other) && matches_action(&other.value, needed);
        NEEDED
            .into_iter()
            .chain(FOR_THE_CONSOLE)
            .chain(FOR_THE_PASSWORD.into_iter().filter(|_| one.look.options.allows_first_password_change))
            .filter(|needed| matches_action(&item.value, needed))
            .filter(|needed| !list.items.iter().any(|other| is_kept_by(other, needed)))
            .collect()
    };
    let (mut edits, mut removed, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for freed in group {
        let kept = kept(freed.item);
        all.extend(kept.iter().copied());
        match kept {
            kept if kept.is_empty() => removed.push(freed.item),
            kept if list.is_array => {
                let text = quoted_list(&kept).trim_matches(['[', ']']).to_owned();
                edits.push(one.edit(freed.item.span.clone(), text));
            }
            kept => edits.push(one.edit(freed.item.span.clone(), quoted_list(&kept))),
        }
    }
    match remove(one.at, list, &removed) {
        Some(more) => edits.extend(more),
        None => edits.clear(),
    }
    (edits, all)
}
