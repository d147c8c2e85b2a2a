//! What is allowed without MFA → findings, each reported once: anything that a rule explains is left out, and anything
//! that the options accept is a note.

use super::super::document::{Condition, Document, Statement, UNKNOWN};
use super::super::evaluate::{Known, Policies, StatementId, covers_action, covers_resource};
use super::super::evaluate::{Request, Truth, matches_action};
use super::super::exposure::{self, Budget, Opening, OpeningKind, Question, trust};
use super::super::journey::{Subject, Way};
use super::super::rules::{CheckOptions, Finding, Inspected, Opened, Rule, Severity};
use super::{name_of, place, plain};

/// The number of statements that are reported one by one; the rest are only counted.
const MOST_TOLD: usize = 12;

/// What is allowed without MFA.
pub(super) struct Open {
    openings: Vec<Opening>,
    /// Did the search give up before it had seen every statement?
    is_unfinished: bool,
    /// Why the roles' trust policies do not help, if a role can be assumed.
    role: Option<String>,
}

impl Open {
    pub(super) fn of(policies: Policies<'_>, subject: &Subject, options: &CheckOptions) -> Self {
        let question = Question { policies, subject, is_allowed_elsewhere: false };
        let (openings, is_unfinished) = match exposure::find(&question, &mut Budget::new(exposure::MOST)) {
            Ok(openings) => (openings, false),
            Err(_) => (Vec::new(), true),
        };
        let roles = openings.iter().filter(|opening| opening.kind == OpeningKind::Role);
        let role = untrusted(&options.trusts, roles.flat_map(|opening| &opening.roles), subject);
        Self { openings, is_unfinished, role }
    }

    /// Is assuming roles the only thing that is allowed, and do the roles' trust policies require MFA?
    pub(super) fn is_for_the_roles(&self) -> bool {
        self.role.is_none() && self.openings.iter().any(|opening| opening.kind == OpeningKind::Role)
    }

    /// The findings that `explained` does not cover already.
    pub(super) fn findings(&self, look: &Inspected<'_>, explained: &[Finding]) -> Vec<Finding> {
        let (mut found, mut more): (Vec<Finding>, usize) = (Vec::new(), 0);
        for opening in &self.openings {
            let is_new = |way: &Way| !self.is_the_less(opening, *way) && !is_explained(look, opening, *way, explained);
            let ways: Vec<Way> = opening.ways.iter().copied().filter(is_new).collect();
            let (wanted, rest): (Vec<Way>, Vec<Way>) =
                ways.into_iter().partition(|way| *way == Way::Key && look.options.is_console_only);
            for (ways, is_wanted) in [(rest, false), (wanted, true)] {
                if ways.is_empty() {
                    continue;
                }
                let finding = self.finding(look, opening, &ways);
                let severity = if is_wanted { Severity::Note } else { finding.severity };
                if found.iter().filter(|other| other.severity == severity).count() < MOST_TOLD {
                    found.push(Finding { severity, ..finding });
                } else {
                    more += 1;
                }
            }
        }
        if more > 0
            && let Some(last) = found.iter_mut().rev().find(|finding| finding.rule == Rule::OpenWithoutMfa)
        {
            last.what += &format!("; {more} more statements allow something without MFA");
        }
        if self.is_unfinished {
            found.push(unfinished());
        }
        found
    }

    /// Does the same statement allow something worse on that way?
    fn is_the_less(&self, opening: &Opening, way: Way) -> bool {
        let is_more = |other: &Opening| {
            other.kind == OpeningKind::Theft
                && other.at == opening.at
                && other.undecided.is_empty()
                && other.ways.contains(&way)
        };
        matches!(opening.kind, OpeningKind::Role | OpeningKind::Password) && self.openings.iter().any(is_more)
    }

    fn finding(&self, look: &Inspected<'_>, opening: &Opening, ways: &[Way]) -> Finding {
        let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
        let (open, ways) = (ways.to_vec(), names.join(", "));
        let shown = match &opening.pattern {
            Some(pattern) => format!("an action covered by `{pattern}`"),
            None => format!("`{}`", opening.action),
        };
        let mut finding = match opening.kind {
            OpeningKind::SpareDevice => spare_device(&ways),
            OpeningKind::Role => self.role(opening, &ways),
            OpeningKind::Theft | OpeningKind::Password if !opening.undecided.is_empty() => {
                let what = format!("it is unknown whether {shown} is allowed without MFA ({ways})");
                plain(Rule::Undecided, what, "", "deny it without MFA, whatever the value is")
            }
            OpeningKind::Theft | OpeningKind::Password => {
                let what = format!("open: {shown} is allowed without MFA ({ways})");
                plain(Rule::OpenWithoutMfa, what, "", repair(opening))
            }
        };
        let why = why(opening, opening.kind == OpeningKind::Role && self.role.is_none());
        finding.why = if finding.why.is_empty() { why } else { format!("{why}; {}", finding.why) };
        if opening.kind == OpeningKind::Password && look.options.allows_first_password_change {
            finding.severity = Severity::Note;
        }
        finding.opens = Some(Opened { action: opening.action.clone(), ways: open });
        finding.at = opening.at;
        finding.place = opening.at.map(|at| place(look, at));
        finding
    }

    fn role(&self, opening: &Opening, ways: &str) -> Finding {
        let roles: Vec<String> = opening.roles.iter().take(3).map(|role| format!("`{role}`")).collect();
        let roles = roles.join(", ");
        match &self.role {
            None => {
                let what = format!("`sts:AssumeRole` on {roles} requires MFA, because the trust policy does");
                let why = "the trust policy given for the role requires MFA";
                plain(Rule::RoleAsksForMfa, what, why, "none needed: it is intended")
            }
            Some(why) => {
                let what = format!("open: `sts:AssumeRole` on {roles} is allowed without MFA ({ways})");
                let repair = "require MFA in the roles' trust policies, and pass each with `--trust FILE`; or deny \
                              `sts:AssumeRole` without MFA";
                plain(Rule::RoleOpenWithoutMfa, what, why, repair)
            }
        }
    }
}

/// Why the trust policies do not keep users without MFA out of the roles; `None` if they do.
fn untrusted<'a>(trusts: &[Document], roles: impl Iterator<Item = &'a String>, subject: &Subject) -> Option<String> {
    let mut roles: Vec<&String> = roles.collect();
    roles.sort_unstable();
    roles.dedup();
    if trusts.is_empty() {
        return Some("it is unknown whether the role's trust policy requires MFA".to_owned());
    }
    // If every role is known by name, only those count that the user may assume.
    let is_named = trusts.iter().all(|document| document.role().is_some());
    let name_of_role = |role: &str| role.rsplit('/').next().unwrap_or(role).to_owned();
    let is_asked = |document: &&Document| {
        let is_pattern = |role: &String| role.contains(['*', '?', '$']);
        let is_own = |role: &&String| is_pattern(role) || document.role() == Some(name_of_role(role).as_str());
        !is_named || roles.iter().any(is_own)
    };
    for document in trusts.iter().filter(is_asked) {
        if let Some(way) = trust::open(document, subject) {
            let at = StatementId { is_boundary: false, document: 0, statement: way.statement };
            let name = name_of(Policies { identity: std::slice::from_ref(document), boundary: &[] }, at);
            return Some(format!("{name} lets a user assume the role without MFA"));
        }
    }
    let is_any = |role: &&&String| role.splitn(6, ':').nth(5).is_none_or(|name| name.contains(['*', '?']));
    if let Some(role) = roles.iter().find(is_any) {
        return Some(format!("`{role}` covers more roles than those whose trust policies were given"));
    }
    let is_missing = |role: &&&String| {
        let name = name_of_role(role);
        is_named && trusts.iter().all(|document| document.role() != Some(name.as_str()))
    };
    if let Some(role) = roles.iter().find(is_missing) {
        return Some(format!("the trust policy of `{role}` was not given"));
    }
    let (roles, given) = (roles.len(), trusts.len());
    (roles > given).then(|| format!("there are {roles} roles, but trust policies for only {given}"))
}

/// Does a rule's finding report it already?
fn is_explained(look: &Inspected<'_>, opening: &Opening, way: Way, explained: &[Finding]) -> bool {
    let Some(at) = opening.at else { return false };
    if opening.kind == OpeningKind::SpareDevice {
        let excepts = |at| excepts(look, at, opening);
        return explained
            .iter()
            .any(|finding| finding.rule == Rule::UnsafeException && finding.at.is_some_and(excepts));
    }
    explained.iter().any(|finding| {
        let counts = finding.severity == Severity::Failure || look.options.is_console_only && way == Way::Key;
        let is_of_way = finding.explains.iter().any(|(_, other)| *other == way);
        let Some(own) = finding.at.filter(|_| counts && is_of_way) else { return false };
        match finding.rule {
            Rule::AllowIfExists | Rule::NothingAsks => own == at,
            Rule::DeactivateWithoutMfa => own == at && opening.action.eq_ignore_ascii_case("iam:DeactivateMFADevice"),
            Rule::NullTest if own == at => true,
            Rule::BareKeyOpen | Rule::NullTest | Rule::AgeWithoutIfExists => covers(look, own, opening, way),
            Rule::UnsafeException => excepts(look, own, opening),
            _ => false,
        }
    })
}

/// Would the Deny cover that request if its conditions held?
fn covers(look: &Inspected<'_>, at: StatementId, opening: &Opening, way: Way) -> bool {
    let document = &if at.is_boundary { look.policies.boundary } else { look.policies.identity }[at.document];
    let statement = &document.statements[at.statement];
    let context = look.subject.context(way, opening.action.starts_with("iam:"));
    let (action, resource) = (opening.action.as_str(), opening.resource.as_str());
    let request = Request { action, resource, context: &context, is_allowed_elsewhere: false };
    let scope = statement.resource.as_ref();
    statement.is_deny
        && covers_action(&statement.action, action)
        && scope.is_none_or(|scope| covers_resource(document, scope, &request) == Truth::Yes)
}

/// Is the request an exception to the Deny?
fn excepts(look: &Inspected<'_>, at: StatementId, opening: &Opening) -> bool {
    let document = &if at.is_boundary { look.policies.boundary } else { look.policies.identity }[at.document];
    let action = &document.statements[at.statement].action;
    action.is_all_but && action.list.items.iter().any(|item| matches_action(&item.value, &opening.action))
}

fn why(opening: &Opening, is_harmless: bool) -> String {
    let by = match opening.at {
        Some(_) => format!("it is allowed on `{}`", opening.resource),
        None => format!("nothing denies it on `{}`", opening.resource),
    };
    let outside = opening.keys.iter().filter_map(|(key, _)| Condition::outside_of(key));
    let outside: Vec<String> = outside.map(|what| format!("`{what}`")).collect();
    let keys = opening.keys.iter().filter(|(key, _)| Condition::outside_of(key).is_none());
    let keys: Vec<String> = keys.map(|(key, known)| met(key, known)).collect();
    let mut where_ =
        if keys.is_empty() { String::new() } else { format!(" for a request with {}", keys.join(" and ")) };
    if !outside.is_empty() {
        where_ += &format!(", depending on {}", outside.join(" and "));
    }
    let undecided: Vec<String> = opening.undecided.iter().take(3).map(ToString::to_string).collect();
    let theft = exposure::theft(&opening.action).filter(|_| opening.pattern.is_none() && !is_harmless);
    let rest = theft.map(str::to_owned).into_iter().chain(undecided);
    let and = if opening.at.is_some() { ", and nothing denies it" } else { "" };
    [format!("{by}{where_}{and}")].into_iter().chain(rest).collect::<Vec<_>>().join("; ")
}

fn met(key: &str, known: &Known) -> String {
    match known {
        Known::Absent => format!("no `{key}`"),
        Known::One(value) => format!("`{key}` set to `{value}`"),
        Known::Many(values) if values.is_empty() => format!("`{key}` without a value"),
        Known::Many(values) => format!("`{key}` set to `{}`", values.join("`, `")),
    }
}

fn repair(opening: &Opening) -> &'static str {
    let is_enrolling = ["iam:EnableMFADevice", "iam:ResyncMFADevice"];
    if is_enrolling.iter().any(|action| opening.action.eq_ignore_ascii_case(action)) {
        "without MFA, deny the enrollment actions on everything but the user's own resources, with a Deny on \
         `\"NotResource\": [\"arn:aws:iam::*:user/${aws:username}\", \"arn:aws:iam::*:mfa/*\"]`"
    } else {
        "deny everything except enrollment with `\"BoolIfExists\": {\"aws:MultiFactorAuthPresent\": \"false\"}`, as \
         `mfa-cred policy print` does"
    }
}

fn spare_device(ways: &str) -> Finding {
    plain(
        Rule::SpareDevice,
        format!("virtual devices can be deleted without MFA ({ways})"),
        "AWS deletes a user's device only after it was deactivated, so only unassigned devices are affected",
        "unless this is intended, remove `iam:DeleteVirtualMFADevice` from the exceptions",
    )
}

fn unfinished() -> Finding {
    let what = format!(
        "too many patterns or condition keys at once: what is allowed without MFA could not be determined (the limits \
         are {} million steps and {} keys)",
        exposure::MOST / 1_000_000,
        exposure::MOST_KEYS
    );
    let why = "every statement is evaluated together with all the others, and there are more here than ever apply to one user";
    plain(Rule::Unfinished, what, why, "check fewer policies at once")
}

/// The statements of a trust policy that admit a user without MFA and that no rule reports.
pub(super) fn trust(index: usize, document: &Document, subject: &Subject, found: &mut Vec<Finding>) {
    let is_failure = |finding: &&Finding| finding.severity == Severity::Failure;
    let is_of_a_deny = |at: StatementId| at.document == index && document.statements[at.statement].is_deny;
    for entrance in trust::entrances(document, subject) {
        let at = StatementId { is_boundary: false, document: index, statement: entrance.statement };
        let span = &document.statements[at.statement].span;
        let (start, end) = (document.place(span.start), document.place(span.end));
        let is_told = found.iter().filter(is_failure).any(|finding| match finding.rule {
            Rule::TrustWithoutMfa | Rule::NullTest | Rule::BareKeyOpen | Rule::AgeWithoutIfExists => {
                finding.at == Some(at)
                    || finding.at.is_some_and(is_of_a_deny)
                    || finding.at.is_some_and(|other| other.document == index)
                        && finding.place.is_some_and(|place| start <= place && place <= end)
            }
            _ => false,
        });
        if is_told {
            continue;
        }
        let whom = match entrance.way {
            Way::Key => "an access key",
            Way::Session | Way::SessionMfa => "a session without MFA",
            Way::Console | Way::ConsoleMfa => "a console sign-in without MFA",
        };
        let what = format!("this trust policy does not enforce MFA: a user can assume the role with {whom}");
        let why = format!(
            "{}, and no condition that applies to users requires MFA",
            principal(&document.statements[at.statement])
        );
        let why = why.as_str();
        let repair = "add `\"Condition\": {\"Bool\": {\"aws:MultiFactorAuthPresent\": \"true\"}}`";
        let mut finding = plain(Rule::TrustWithoutMfa, what, why, repair);
        (finding.at, finding.place) = (Some(at), Some(start));
        found.push(finding);
    }
}

/// What its principal may be. IAM shows the ID of a deleted user in place of the ARN.
fn principal(statement: &Statement) -> String {
    let find = |is: &dyn Fn(&str) -> bool| statement.principals.iter().map(|it| it.value.as_str()).find(|it| is(it));
    if let Some(id) = find(&|text| text.starts_with("AIDA")) {
        return format!(
            "its principal `{id}` is the ID of a user (if IAM shows it in place of an ARN, the user was deleted: remove it)"
        );
    }
    match find(&|text| text.contains(UNKNOWN)) {
        Some(text) => {
            let what = text.replace(UNKNOWN, "").replace('}', "");
            format!("its principal is unknown (`{what}`) and may be a user")
        }
        None => "its principal may be a user".to_owned(),
    }
}
