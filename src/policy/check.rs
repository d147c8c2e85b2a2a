//! The whole check: the user's day, the rules, and a finding for everything in the day that no rule explains.

mod excuses;
mod open;

use self::open::Open;
use super::DocumentError;
use super::document::{Document, PolicyKind};
use super::evaluate::{Decision, Ground, Policies, StatementId, Verdict};
use super::journey::{Cell, Expected, Journey, Row, Stage, Subject, Way};
use super::repair;
use super::rules::{self, CheckOptions, Edit, Finding, Inspected, Rule, Severity};

/// The result of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// The user whose day it was.
    pub subject: Subject,
    /// What the policies are attached to.
    pub kind: PolicyKind,
    /// The day; `None` for the policies of a role or an organization.
    pub journey: Option<Journey>,
    /// The failures, then the notes.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Do the policies hold?
    pub fn holds(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Failure)
    }
}

/// Checks documents that apply together, all of the same kind. `work` is the action that stands for the user's work.
pub fn check(policies: Policies<'_>, subject: &Subject, work: Option<&str>, options: &CheckOptions) -> Report {
    let is_of_users = policies.identity.iter().all(|document| document.kind == PolicyKind::User);
    let mut journey = is_of_users.then(|| Journey::play(policies, subject, work));
    let open = journey.as_ref().map(|_| Open::of(policies, subject, options));
    let excuses = match (&mut journey, &open) {
        (Some(journey), Some(open)) => excuses::of(policies, journey, open, options),
        _ => Vec::new(),
    };
    let look = Inspected::new(policies, subject, journey.as_ref(), options);
    let mut findings = rules::findings(&look);
    if let (Some(journey), Some(open)) = (&journey, &open) {
        let explained: Vec<(Stage, Way)> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Failure || options.is_console_only)
            .flat_map(|finding| finding.explains.iter().copied())
            .collect();
        let mut more = open.findings(&look, &findings);
        for row in &journey.rows {
            of_row(&look, journey, row, &explained, &mut more);
        }
        findings.extend(more);
    }
    findings.extend(excuses);
    for (index, document) in policies.identity.iter().enumerate().filter(|(_, it)| it.kind == PolicyKind::Trust) {
        open::trust(index, document, subject, &mut findings);
    }
    findings.extend(policies.identity.iter().enumerate().filter_map(|(index, document)| too_large(index, document)));
    // A stable sort: failures and notes each stay in the order of the documents.
    findings.sort_by_key(|finding| finding.severity);
    let kind = policies.identity.first().map(|document| document.kind).unwrap_or_default();
    Report { subject: subject.clone(), kind, journey, findings }
}

/// Applies the mechanical repairs until nothing changes any more, and returns the documents' new texts.
///
/// # Errors
/// A repaired text that can no longer be parsed, which would be a bug.
pub fn fix(
    policies: Policies<'_>,
    subject: &Subject,
    work: Option<&str>,
    options: &CheckOptions,
) -> Result<(Vec<Document>, Report), DocumentError> {
    // One repair may reveal another one, but none of them recurs.
    const ROUNDS: usize = 8;
    let mut documents = policies.identity.to_vec();
    let mut report = check(policies, subject, work, options);
    for _ in 0..ROUNDS {
        let edits = repair::side_by_side(&report.findings);
        if edits.is_empty() {
            break;
        }
        for (index, document) in documents.iter_mut().enumerate() {
            let own: Vec<Edit> = edits.iter().filter(|edit| edit.document == index).cloned().collect();
            if own.is_empty() {
                continue;
            }
            let text = repair::apply(document.text(), &own);
            *document = document.rewritten(&text)?;
        }
        report = check(Policies { identity: &documents, boundary: policies.boundary }, subject, work, options);
    }
    Ok((documents, report))
}

/// Findings for the parts of one step that no rule explains.
fn of_row(look: &Inspected<'_>, journey: &Journey, row: &Row, explained: &[(Stage, Way)], found: &mut Vec<Finding>) {
    let on = |is: &dyn Fn(Way, &Cell) -> bool| -> Vec<Way> {
        Way::ALL.into_iter().filter(|way| is(*way, journey.cell(row.step, *way))).collect()
    };
    let verdict = |way: Way| journey.cell(row.step, way).verdict();
    match row.step {
        Stage::FirstPassword if verdict(Way::Console) != Some(Verdict::Allowed) => {
            found.push(stuck_password(look, journey));
        }
        Stage::ThiefFirst => {
            let open = on(&|way, cell| !way.has_mfa() && cell.verdict() == Some(Verdict::Allowed));
            if !open.is_empty() {
                found.push(thief());
            }
        }
        Stage::Other => {
            let open = on(&|way, cell| way.has_mfa() && cell.verdict() == Some(Verdict::Allowed));
            if !open.is_empty() {
                let what = "with MFA, other users' devices can be changed".to_owned();
                let why = "administrators may need this; nobody else should have it";
                found.push(plain(
                    Rule::OtherUsersDevices,
                    what,
                    why,
                    "unless this is intended, limit it to `user/${aws:username}`",
                ));
            }
        }
        _ => {}
    }
    // What is allowed without MFA is reported per statement, not per step; what another policy would allow has none.
    let is_told = |way: Way, cell: &Cell| {
        let is_theft = matches!(cell, Cell::Judged { expected: Expected::Denied, .. }) && !way.has_mfa();
        is_theft && !(row.step == Stage::Work && journey.work.is_assumed)
    };
    let wrong = on(&|way, cell| cell.is_wrong() && !is_told(way, cell) && !explained.contains(&(row.step, way)));
    // "Allowed" and "unknown" are separate findings, and so are keys and the console where only one is intended.
    for verdict in [Verdict::Allowed, Verdict::Denied, Verdict::Unknown] {
        let ways: Vec<Way> =
            wrong.iter().copied().filter(|way| journey.cell(row.step, *way).verdict() == Some(verdict)).collect();
        let (keys, rest): (Vec<Way>, Vec<Way>) =
            ways.into_iter().partition(|way| *way == Way::Key && look.options.is_console_only);
        for (ways, is_wanted) in [(keys, true), (rest, false)] {
            if !ways.is_empty() {
                let finding = of_cell(look, journey, row, &ways, verdict);
                let is_wanted = is_wanted && verdict != Verdict::Denied
                    || row.step == Stage::Password && look.options.allows_first_password_change;
                found.push(Finding { severity: if is_wanted { Severity::Note } else { finding.severity }, ..finding });
            }
        }
    }
}

/// A step with an unexpected result on these ways, with the same verdict on each.
fn of_cell(look: &Inspected<'_>, journey: &Journey, row: &Row, ways: &[Way], verdict: Verdict) -> Finding {
    let Cell::Judged { expected, request, decision, .. } = journey.cell(row.step, ways[0]) else {
        unreachable!("a cell that is wrong was judged")
    };
    let (action, resource) = &row.requests[*request];
    let by = decision.as_ref().map_or(&[][..], |decision| &decision.by);
    let names: Vec<&str> = ways.iter().map(|way| way.name()).collect();
    let (names, step) = (names.join(", "), row.step.name());
    let (rule, what, repair) = match (expected, verdict) {
        (Expected::Allowed, Verdict::Unknown) => (
            Rule::WorkUndecided,
            format!("it is unknown whether the user can {step} ({names}: {action})"),
            String::new(),
        ),
        (Expected::Allowed, _) => {
            let repair = match decision.as_ref().map(|decision| decision.ground) {
                Some(Ground::Deny) => format!("exempt `{action}` from the Deny"),
                Some(Ground::Boundary) => format!("allow `{action}` in the permissions boundary, too"),
                _ => format!("allow `{action}` on `{resource}`"),
            };
            (Rule::UserStuck, format!("the user is stuck and cannot {step} ({names}: {action})"), repair)
        }
        (_, Verdict::Unknown) => (
            Rule::Undecided,
            format!("it is unknown whether a user can {step} without MFA ({names}: {action})"),
            "deny it without MFA, whatever the value is".to_owned(),
        ),
        _ => (
            Rule::OpenWithoutMfa,
            format!("open: a user can {step} without MFA ({names}: {action})"),
            "deny everything except enrollment with `\"BoolIfExists\": {\"aws:MultiFactorAuthPresent\": \"false\"}`, as \
             `mfa-cred policy print` does"
                .to_owned(),
        ),
    };
    let why = decision.as_ref().map_or_else(String::new, |decision| grounds(look, decision, action, resource));
    let rule = match row.step {
        Stage::Find | Stage::CreateNamed | Stage::CreateOther | Stage::Enable | Stage::Resync
            if rule == Rule::UserStuck =>
        {
            Rule::EnrollmentBlocked
        }
        _ => rule,
    };
    let mut finding = plain(rule, what, &why, &repair);
    finding.at = by.first().copied();
    finding.place = finding.at.map(|at| place(look, at));
    finding
}

fn place(look: &Inspected<'_>, at: StatementId) -> super::document::Position {
    let document = &if at.is_boundary { look.policies.boundary } else { look.policies.identity }[at.document];
    document.place(document.statements[at.statement].span.start)
}

/// Why a request is allowed, denied or undecided.
fn grounds(look: &Inspected<'_>, decision: &Decision, action: &str, resource: &str) -> String {
    let statements = || decision.by.iter().take(3).map(|at| name_of(look.policies, *at)).collect::<Vec<_>>().join(", ");
    match decision.ground {
        Ground::Deny => format!("denied by {}", statements()),
        Ground::Allow if decision.by.is_empty() => "another policy may allow it, and nothing here denies it".to_owned(),
        Ground::Allow => format!("allowed by {}, and nothing denies it", statements()),
        Ground::NothingAllows => format!("nothing allows `{action}` on `{resource}`"),
        Ground::Boundary => "the permissions boundary does not allow it".to_owned(),
        Ground::Unknown => {
            let reasons: Vec<String> = decision.reasons.iter().map(ToString::to_string).collect();
            let reasons = reasons.join(", and ");
            // A document that could not be read has no statements to name.
            if decision.by.is_empty() { reasons } else { format!("{reasons}; see {}", statements()) }
        }
    }
}

/// A statement, for people.
pub fn name_of(policies: Policies<'_>, at: StatementId) -> String {
    let document = &if at.is_boundary { policies.boundary } else { policies.identity }[at.document];
    let sid = document.statements[at.statement].sid.as_ref().filter(|sid| !sid.value.is_empty());
    let sid = sid.map(|sid| format!(" `{}`", sid.value)).unwrap_or_default();
    format!("statement {}{sid} of {}", at.statement + 1, document.title())
}

fn stuck_password(look: &Inspected<'_>, journey: &Journey) -> Finding {
    let cell = journey.cell(Stage::FirstPassword, Way::Console);
    let decision = if let Cell::Judged { decision, .. } = cell { decision.as_ref() } else { None };
    let is_denied = decision.is_some_and(|decision| decision.ground == Ground::Deny);
    let why = if is_denied {
        "changing the password is denied without MFA, and no device can be enrolled before it is changed"
    } else {
        "these policies do not clearly allow it; IAM attaches `IAMUserChangePassword` to a user who must change the \
         password, and the account's password policy may allow it for all users"
    };
    let what = "a user who must change the password at first sign-in is stuck".to_owned();
    let repair = "create users without a forced password change; or exempt `iam:ChangePassword` and \
                  `iam:GetAccountPasswordPolicy` from the Deny, which helps an attacker too (--allow-first-password-change)";
    let mut finding = plain(Rule::FirstPasswordStuck, what, why, repair);
    finding.at = decision.and_then(|decision| decision.by.first().copied()).filter(|_| is_denied);
    finding.place = finding.at.map(|at| place(look, at));
    finding
}

/// No policy can prevent it, so it is always reported.
fn thief() -> Finding {
    plain(
        Rule::AttackerEnrolls,
        "an attacker can enroll a first device for a user who has none".to_owned(),
        "whatever lets a new user enroll also works with a stolen key or password; no policy can tell the two \
         apart. It is not known whether AWS lets such a key add a device for a user who has one",
        "have users enroll on their first day, and watch for users without a device",
    )
}

/// IAM's quota, in characters, not counting white space.
fn too_large(index: usize, document: &Document) -> Option<Finding> {
    const MOST: usize = 6144;
    let length = document.text().chars().filter(|c| !c.is_whitespace()).count();
    (length > MOST).then(|| {
        let what = format!("{} has {length} characters, not counting white space", document.title());
        let mut finding = plain(
            Rule::TooLarge,
            what,
            "the limit is 6,144 for a managed policy, 2,048 for all inline policies of a user, and 5,120 for those of a group",
            "split the policy",
        );
        finding.at = Some(StatementId { is_boundary: false, document: index, statement: 0 });
        finding.place = Some(document.place(document.span.start));
        finding
    })
}

fn plain(rule: Rule, what: String, why: &str, repair: &str) -> Finding {
    Finding {
        severity: rule.severity(),
        rule,
        at: None,
        place: None,
        what,
        why: why.to_owned(),
        repair: repair.to_owned(),
        edits: Vec::new(),
        explains: Vec::new(),
        opens: None,
    }
}
