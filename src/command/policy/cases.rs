//! `policy check FILE…`: each set of policies in the files is judged separately, and together they make one verdict.

use super::super::Done;
use super::{Case, Judged, Sets, files, judge, limits, show, wish};
use crate::cli::CheckArgs;
use crate::command::context::Context;
use crate::error::{Error, PolicyKindError};
use crate::messages::one_line;
use crate::policy::journey::Subject;
use crate::policy::source::{Case as Set, Here, Reading, Whose, read};
use crate::policy::{Document, PolicyKind, check};

pub(super) fn run(args: &CheckArgs, context: &Context<'_>) -> Result<Done, Error> {
    let inputs = files::inputs(&args.files, &context.host)?;
    let here = files::here(args, &inputs);
    let mut reading = read(&inputs, args.kind, &here)?;
    drop(inputs);
    fill(&mut reading, &here, context);
    for note in &reading.notes {
        context.settings.messages.note(&one_line(note));
    }
    if !reading.has_containers && args.user.is_none() {
        return judge(args, plain(args, reading, context)?, context);
    }
    let sets = chosen(args, &reading)?;
    if args.explain.is_some() {
        let set = the_one_asked_about(args, &sets)?;
        return judge(args, case(args, set, &reading, &here, context)?, context);
    }
    if args.fix {
        return match &sets[..] {
            [set] if !args.write => judge(args, case(args, set, &reading, &here, context)?, context),
            [_] => Err(PolicyKindError::NotItsOwnFile.into()),
            _ => Err(PolicyKindError::ManySets(sets.len()).into()),
        };
    }
    all(args, &sets, (&reading, &here), context)
}

/// Replaces account placeholders with the checked account, and reports that once.
fn fill(reading: &mut Reading, here: &Here, context: &Context<'_>) {
    let mut words: Vec<String> = Vec::new();
    for word in reading.documents.iter_mut().flat_map(|document| document.fill_account(here.account.as_str())) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if !words.is_empty() {
        let words: Vec<String> = words.iter().map(|word| format!("`{}`", one_line(word))).collect();
        let account = here.account.as_str();
        context.settings.messages.note(&format!("{} is read as account {account}", words.join(", ")));
    }
}

/// Files that are policies: they apply together, and must be of the same kind.
fn plain(args: &CheckArgs, reading: Reading, context: &Context<'_>) -> Result<Case, Error> {
    let identity = reading.documents;
    if args.kind.is_none() {
        for document in identity.iter().filter(|document| document.kind == PolicyKind::Trust) {
            let name = one_line(&document.name);
            context
                .settings
                .messages
                .note(&format!("{name} has a `Principal`, so it is checked as a role trust policy"));
        }
    }
    let first = identity.first().map(|document| document.kind);
    if let Some(other) = identity.iter().find(|document| Some(document.kind) != first) {
        let (first, other) = (one_line(&identity[0].name), one_line(&other.name));
        return Err(PolicyKindError::Mixed { first, other }.into());
    }
    let boundary = limits(args, files::load(&args.boundary, PolicyKind::User, &context.host)?, &context.host)?;
    let subject = super::subject(args, args.user_name.as_deref(), &identity);
    Ok(Case { identity, boundary, subject, account: args.account.clone(), partition: args.partition })
}

/// The sets that the options select.
fn chosen(args: &CheckArgs, reading: &Reading) -> Result<Vec<Set>, Error> {
    let user = args.user.as_deref().map(|user| user_in(user, &reading.cases));
    let is_asked = |set: &&Set| {
        let is_user = user.as_ref().is_none_or(|user| user.as_ref() == Some(&set.whose));
        // For policies without a known attachment, the option decides.
        let is_kind =
            args.kind.is_none_or(|kind| set.kind == kind || set.whose == Whose::Anybody && kind != PolicyKind::Trust);
        is_user && is_kind
    };
    let mut sets: Vec<Set> = reading.cases.iter().filter(is_asked).cloned().collect();
    for set in sets.iter_mut().filter(|set| set.whose == Whose::Anybody) {
        set.kind = args.kind.unwrap_or(set.kind);
    }
    match (&args.user, sets.is_empty()) {
        (Some(user), true) => Err(PolicyKindError::NoSuchUser { user: one_line(user) }.into()),
        (None, true) => Err(PolicyKindError::NothingToJudge.into()),
        _ => Ok(sets),
    }
}

/// The user of that name, which may have its path before it. IAM does not tell names apart by case alone.
fn user_in(asked: &str, sets: &[Set]) -> Option<Whose> {
    let is_same = |own: &str| own == asked;
    let is_alike = |own: &str| own.eq_ignore_ascii_case(asked);
    let find = |is: &dyn Fn(&str) -> bool| -> Vec<&Whose> {
        let is_user = |whose: &&Whose| match whose {
            Whose::User { name, path } => is(name) || is(format!("{path}{name}").trim_start_matches('/')),
            _ => false,
        };
        sets.iter().map(|set| &set.whose).filter(is_user).collect()
    };
    match (&find(&is_same)[..], &find(&is_alike)[..]) {
        ([only], _) | ([], [only]) => Some((*only).clone()),
        _ => None,
    }
}

/// The set of the user that the message or an option names, else the only set of a user.
fn the_one_asked_about<'a>(args: &CheckArgs, sets: &'a [Set]) -> Result<&'a Set, Error> {
    let name = args.user_name.as_deref().map(|name| name.rsplit('/').next().unwrap_or(name));
    let is_named = |set: &&Set| matches!(&set.whose, Whose::User { name: own, .. } if Some(own.as_str()) == name);
    if let Some(set) = sets.iter().find(is_named) {
        return Ok(set);
    }
    let of_users: Vec<&Set> = sets.iter().filter(|set| set.kind == PolicyKind::User).collect();
    match of_users[..] {
        [only] => Ok(only),
        [] => Err(PolicyKindError::ExplainOfRole.into()),
        _ => Err(PolicyKindError::WhichSet(of_users.len()).into()),
    }
}

fn case(args: &CheckArgs, set: &Set, reading: &Reading, here: &Here, context: &Context<'_>) -> Result<Case, Error> {
    let of = |places: &[usize]| -> Vec<Document> {
        places.iter().map(|at| reading.documents[*at].clone().of_kind(set.kind)).collect()
    };
    let mut boundary = of(&set.boundary);
    boundary.extend(files::load(&args.boundary, PolicyKind::User, &context.host)?);
    let boundary = limits(args, boundary, &context.host)?;
    let own = match &set.whose {
        Whose::User { name, path } => Some(format!("{path}{name}")),
        _ => args.user_name.clone(),
    };
    let subject = |name: &str| Subject::new(name, here.account.clone(), here.partition);
    let subject = own.and_then(|own| subject(&own)).or_else(|| subject("alice")).expect("a name that IAM takes");
    Ok(Case {
        identity: of(&set.identity),
        boundary,
        subject,
        account: args.account.clone(),
        partition: args.partition,
    })
}

fn all(args: &CheckArgs, sets: &[Set], of: (&Reading, &Here), context: &Context<'_>) -> Result<Done, Error> {
    let mut judged = Vec::with_capacity(sets.len());
    for set in sets {
        let case = case(args, set, of.0, of.1, context)?;
        let report = check(case.policies(), &case.subject, args.work.as_deref(), &wish(args, &case, &context.host)?);
        judged.push(Judged { whose: set.whose.clone(), case, report });
    }
    show(args, &judged, Sets::Many, context.settings)
}
