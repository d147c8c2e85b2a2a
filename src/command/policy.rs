//! `mfa-cred policy …`: checks whether policies enforce MFA and whether a new user can get through the first day, and
//! prints a policy that does.
//!
//! Only `check --user` calls AWS, in [`fetch`].

mod cases;
mod explain;
mod explained;
mod fetch;
mod files;
mod github;
mod json;
mod markdown;
mod print;
mod repaired;
mod reported;
mod sarif;
mod text;

use super::{Done, write_stdout};
use crate::cli::{CheckArgs, CheckFormat, PolicyVerb};
use crate::command::context::Context;
use crate::error::{Error, PolicyKindError};
use crate::exit::ExitCode;
use crate::host::Host;
use crate::names::{AccountId, Partition};
use crate::policy::document::{Scope, Statement};
use crate::policy::evaluate::Policies;
use crate::policy::journey::Subject;
use crate::policy::rules::CheckOptions;
use crate::policy::source::Whose;
use crate::policy::{Document, PolicyKind, Report, check, fix};
use crate::settings::Settings;

/// The account if no policy names one: that of AWS's own examples.
const ANY_ACCOUNT: &str = "123456789012";

pub(super) fn run(verb: PolicyVerb, context: &Context<'_>) -> Result<Done, Error> {
    let settings = context.settings;
    match verb {
        PolicyVerb::Print(args) => print::run(*args, settings),
        PolicyVerb::Explain(args) => explain::run(args.rule),
        PolicyVerb::Check(mut args) => {
            about_the_one_denied(&mut args);
            if let Some(user) = args.user.as_ref().filter(|_| args.files.is_empty()) {
                let mut found = fetch::policies_of(user, &args, context)?;
                found.boundary = limits(&args, found.boundary, &context.host)?;
                return judge(&args, found, context);
            }
            cases::run(&args, context)
        }
    }
}

/// The user of a message is the subject, unless the options name another one.
fn about_the_one_denied(args: &mut CheckArgs) {
    let asker = args.explain.as_ref().and_then(|question| question.user.clone());
    if let (Some(asker), None) = (asker, &args.user) {
        args.user_name.get_or_insert(asker.name);
        args.account.get_or_insert(asker.account);
        args.partition.get_or_insert(asker.partition);
    }
}

/// A set of policies to check, from files or from IAM.
struct Case {
    identity: Vec<Document>,
    boundary: Vec<Document>,
    subject: Subject,
    /// The account, if it is known from elsewhere than the documents.
    account: Option<AccountId>,
    /// The partition, if it is known from elsewhere than the documents.
    partition: Option<Partition>,
}

impl Case {
    fn policies(&self) -> Policies<'_> {
        Policies { identity: &self.identity, boundary: &self.boundary }
    }
}

/// The result for one of several sets.
struct Judged {
    whose: Whose,
    case: Case,
    report: Report,
}

/// The check's options, from the command line.
fn wish(args: &CheckArgs, case: &Case, host: &Host<'_>) -> Result<CheckOptions, Error> {
    Ok(CheckOptions {
        allows_first_password_change: args.allow_first_password_change,
        is_console_only: args.console_only,
        account: case.account.clone(),
        partition: case.partition,
        trusts: files::load(&args.trust, PolicyKind::Trust, host)?,
    })
}

/// Judges a single set of policies, and prints the result.
fn judge(args: &CheckArgs, case: Case, context: &Context<'_>) -> Result<Done, Error> {
    if let Some(question) = &args.explain {
        return explained::run(args, question, &case, context.settings);
    }
    let wish = wish(args, &case, &context.host)?;
    if args.fix {
        return repair(args, &case, &wish, context);
    }
    let report = check(case.policies(), &case.subject, args.work.as_deref(), &wish);
    show(args, &[Judged { whose: Whose::Anybody, case, report }], Sets::One, context.settings)
}

/// Is it a single set of policies, or the sets found in files that may contain any number?
enum Sets {
    One,
    Many,
}

fn show(args: &CheckArgs, judged: &[Judged], sets: Sets, settings: &Settings) -> Result<Done, Error> {
    let page = match (args.format(), sets, judged) {
        (CheckFormat::Table, Sets::One, [one]) => {
            text::report(one.case.policies(), &one.report, &text::Style::of(settings))
        }
        (CheckFormat::Table, ..) => text::sets(judged, &text::Style::of(settings)),
        (CheckFormat::Json, Sets::One, [one]) => json::report(one.case.policies(), &one.report).to_string() + "\n",
        (CheckFormat::Json, ..) => json::sets(judged).to_string() + "\n",
        (CheckFormat::Sarif, ..) => sarif::log(judged),
        (CheckFormat::Github, ..) => github::annotations(judged),
        (CheckFormat::Markdown, ..) => markdown::page(judged),
    };
    write_stdout(&page)?;
    Ok(verdict(judged.iter().all(|one| one.report.holds())))
}

fn repair(args: &CheckArgs, case: &Case, wish: &CheckOptions, context: &Context<'_>) -> Result<Done, Error> {
    if !matches!(args.format(), CheckFormat::Table | CheckFormat::Json) {
        return Err(PolicyKindError::FormatOfRepair.into());
    }
    let (documents, report) = fix(case.policies(), &case.subject, args.work.as_deref(), wish)?;
    let after = repaired::Repaired { documents, report };
    if args.write {
        repaired::write(args, case, &after, context)?;
    } else {
        repaired::print(args, case, &after, context.settings)?;
    }
    Ok(verdict(after.report.holds()))
}

fn verdict(holds: bool) -> Done {
    if holds { Done::Well } else { Done::Verdict(ExitCode::Failed) }
}

/// The service control policies, combined with the boundary if there is one: what both must allow, as far as a single
/// list can express it.
fn limits(args: &CheckArgs, mut boundary: Vec<Document>, host: &Host<'_>) -> Result<Vec<Document>, Error> {
    const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let mut scps = files::load(&args.scp, PolicyKind::Organization, host)?;
    let is_all = |one: &Statement| {
        let is_star = |scope: &Scope| !scope.is_all_but && scope.list.items.iter().any(|item| item.value == "*");
        is_star(&one.action) && one.resource.as_ref().is_none_or(is_star) && one.conditions.is_empty()
    };
    let mut allows = scps.iter().flat_map(|document| &document.statements).filter(|one| !one.is_deny).peekable();
    // AWS attaches FullAWSAccess in addition to policies that only deny.
    let is_free = allows.peek().is_none() || allows.any(is_all);
    match (boundary.is_empty(), is_free) {
        _ if scps.is_empty() => {}
        (true, false) => boundary = scps,
        (true, true) => {
            boundary = scps;
            boundary.push(Document::parse("FullAWSAccess", ALL.as_bytes(), PolicyKind::Organization)?);
        }
        (false, true) => {
            // Its Allow must not widen the boundary. It is emptied, not removed, so that the other statements keep
            // their numbers.
            let all = scps.iter_mut().flat_map(|document| &mut document.statements);
            for allow in all.filter(|one| !one.is_deny) {
                allow.action.is_all_but = false;
                allow.action.list.items.clear();
            }
            boundary.extend(scps);
        }
        (false, false) => return Err(PolicyKindError::TwoLimits.into()),
    }
    Ok(boundary)
}

/// The user for the check. What the options do not say is taken from the first ARN that does.
fn subject(args: &CheckArgs, name: Option<&str>, documents: &[Document]) -> Subject {
    let arns = || {
        let scopes = documents.iter().flat_map(|document| &document.statements).filter_map(|one| one.resource.as_ref());
        scopes.flat_map(|scope| &scope.list.items).map(|item| item.value.splitn(6, ':').collect::<Vec<_>>())
    };
    let account = || arns().find_map(|parts| parts.get(4)?.parse::<AccountId>().ok());
    let partition = || arns().find_map(|parts| parts.get(1)?.parse::<Partition>().ok());
    let any = || ANY_ACCOUNT.parse().expect("twelve digits");
    Subject::new(
        name.unwrap_or("alice"),
        args.account.clone().or_else(account).unwrap_or_else(any),
        args.partition.or_else(partition).unwrap_or(Partition::AWS),
    )
    .expect("the name was checked where it was typed")
}
