//! `mfa-cred policy …`: do policies enforce MFA, and does a new user get through the first day? And one that does.
//!
//! Only `check --user` makes calls, and they are [`fetch`]'s.

mod explain;
mod fetch;
mod json;
mod print;
mod repaired;
mod text;

use crate::command::context::Context;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Done, write_stdout};
use crate::cli::{CheckArgs, PolicyVerb};
use crate::error::{Error, PolicyKindError};
use crate::exit::ExitCode;
use crate::host::Host;
use crate::messages::one_line;
use crate::names::{AccountId, Partition};
use crate::policy::document::{Scope, Statement};
use crate::policy::evaluate::Policies;
use crate::policy::journey::Subject;
use crate::policy::rules::CheckOptions;
use crate::policy::{Document, PolicyKind, check, fix};

/// Where no policy names an account: the one of AWS's own examples.
const ANY_ACCOUNT: &str = "123456789012";

/// No policy is larger; what is, is another file.
const LONGEST: u64 = 16 << 20;

pub(super) fn run(verb: PolicyVerb, context: &Context<'_>) -> Result<Done, Error> {
    let (settings, host) = (context.settings, &context.host);
    match verb {
        PolicyVerb::Print(args) => print::run(*args, settings),
        PolicyVerb::Explain(args) => explain::run(args.rule),
        PolicyVerb::Check(args) => {
            if let Some(user) = &args.user {
                let mut found = fetch::policies_of(user, &args, context)?;
                found.boundary = limits(&args, found.boundary, host)?;
                return judge(&args, &found, context);
            }
            let identity = identity(&args, context)?;
            let boundary = limits(&args, load(&args.boundary, PolicyKind::User, host)?, host)?;
            let subject = subject(&args, args.user_name.as_deref(), &identity);
            let (account, partition) = (args.account.clone(), args.partition);
            judge(&args, &Case { identity, boundary, subject, account, partition }, context)
        }
    }
}

/// What is checked, wherever it came from.
struct Case {
    identity: Vec<Document>,
    boundary: Vec<Document>,
    subject: Subject,
    /// The account, where it is known and not taken from the documents.
    account: Option<AccountId>,
    /// The partition, where it is known and not taken from the documents.
    partition: Option<Partition>,
}

fn judge(args: &CheckArgs, case: &Case, context: &Context<'_>) -> Result<Done, Error> {
    let (settings, host) = (context.settings, &context.host);
    let Case { identity, boundary, subject, .. } = case;
    let options = CheckOptions {
        allows_first_password_change: args.allow_first_password_change,
        is_console_only: args.console_only,
        account: case.account.clone(),
        partition: case.partition,
        trusts: load(&args.trust, PolicyKind::Trust, host)?,
    };
    let policies = Policies { identity, boundary };
    let work = args.work.as_deref();
    let report = if args.fix {
        let (documents, report) = fix(policies, subject, work, &options)?;
        let after = repaired::Repaired { documents, report };
        if args.write {
            repaired::write(args, case, &after, context)?;
        } else {
            repaired::print(args, case, &after, settings)?;
        }
        after.report
    } else {
        let report = check(policies, subject, work, &options);
        if args.json {
            write_stdout(&(json::report(policies, &report).to_string() + "\n"))?;
        } else {
            write_stdout(&text::report(policies, &report, &text::Style::of(settings)))?;
        }
        report
    };
    Ok(if report.holds() { Done::Well } else { Done::Verdict(ExitCode::Failed) })
}

/// The bytes of a file, and what it is called.
fn bytes(file: &Path, host: &Host<'_>) -> Result<(String, Vec<u8>), Error> {
    let name = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        host.files.read(file).map(|bytes| bytes.expose().clone())
    };
    let bytes = bytes.map_err(|source| Error::PolicyFile { name: name.clone(), source })?;
    Ok((name, bytes))
}

fn load(files: &[PathBuf], kind: PolicyKind, host: &Host<'_>) -> Result<Vec<Document>, Error> {
    let one = |file: &PathBuf| {
        let (name, bytes) = bytes(file, host)?;
        Ok(Document::parse(&name, &bytes, kind)?)
    };
    files.iter().map(one).collect()
}

/// The documents that are checked, of the kind that was said or that they show.
fn identity(args: &CheckArgs, context: &Context<'_>) -> Result<Vec<Document>, Error> {
    let (settings, host) = (context.settings, &context.host);
    if let Some(kind) = args.kind {
        return load(&args.files, kind, host);
    }
    let mut documents: Vec<Document> = Vec::new();
    for file in &args.files {
        let (name, bytes) = bytes(file, host)?;
        let kind = Document::kind_of(&bytes).ok_or_else(|| PolicyKindError::OfResource { name: one_line(&name) })?;
        if kind == PolicyKind::Trust {
            settings.messages.note(&format!("{name} has a `Principal`: it is checked as a role's trust policy"));
        }
        documents.push(Document::parse(&name, &bytes, kind)?);
    }
    let first = documents.first().map(|document| document.kind);
    match documents.iter().find(|document| Some(document.kind) != first) {
        None => Ok(documents),
        Some(other) => {
            Err(PolicyKindError::Mixed { first: one_line(&documents[0].name), other: one_line(&other.name) }.into())
        }
    }
}

/// The service control policies, beside a boundary if there is one: what both must allow, as far as one list can say it.
fn limits(args: &CheckArgs, mut boundary: Vec<Document>, host: &Host<'_>) -> Result<Vec<Document>, Error> {
    const ALL: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let mut scps = load(&args.scp, PolicyKind::Organization, host)?;
    let is_all = |one: &Statement| {
        let is_star = |scope: &Scope| !scope.is_all_but && scope.list.items.iter().any(|item| item.value == "*");
        is_star(&one.action) && one.resource.as_ref().is_none_or(is_star) && one.conditions.is_empty()
    };
    let mut allows = scps.iter().flat_map(|document| &document.statements).filter(|one| !one.is_deny).peekable();
    // AWS attaches FullAWSAccess beside what only denies.
    let is_free = allows.peek().is_none() || allows.any(is_all);
    match (boundary.is_empty(), is_free) {
        _ if scps.is_empty() => {}
        (true, false) => boundary = scps,
        (true, true) => {
            boundary = scps;
            boundary.push(Document::parse("FullAWSAccess", ALL.as_bytes(), PolicyKind::Organization)?);
        }
        (false, true) => {
            // Its Allow would widen the boundary, which it does not; emptied, it keeps the numbers of the others.
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

/// The user of the day. What was not said is taken from the first ARN that says it.
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
