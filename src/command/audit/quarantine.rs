//! `audit --quarantine GROUP`: adds users without MFA to a group, and removes users with MFA.
//!
//! Nothing is changed before the plan is complete and shown, and every change can be repeated: the next run completes
//! one that was killed.

mod changes;

use std::io::Write;

use serde_json::json;

use self::changes::{Changes, Group};
use super::super::{Done, choice, session, stream_stdout, write_stdout};
use super::live::PATIENCE;
use crate::audit::AuditError;
use crate::audit::quarantine::{Kept, Plan, Ward, refusal};
use crate::cache::{CacheUse, MinTtl};
use crate::cli::{AuditArgs, Obtain};
use crate::command::context::Context;
use crate::error::Error;
use crate::execute::base::{Bases, RealBases};
use crate::execute::sts::AwsSts;
use crate::execute::{ExecuteError, Sts};
use crate::exit::ExitCode;
use crate::iam::account::{Membership, survey};
use crate::iam::policies::{FetchError, applying_to_group};
use crate::iam::{AwsIam, DeviceError, IamError, User};
use crate::messages::{one_line, with_causes};
use crate::names::{AccountId, Partition, ProfileName};
use crate::os::events::Signals;
use crate::plan::{self, Base};
use crate::policy::journey::Subject;
use crate::policy::{Document, PolicyKind};
use crate::secret::Credentials;
use crate::settings::Limits;
use crate::signin;
use crate::sso;
use crate::state::CorrectedClock;

pub(super) fn run(group: &str, args: &AuditArgs, context: &Context<'_>) -> Result<Done, Error> {
    let how = context.how(&Obtain { no_prompt: args.no_prompt, ..Obtain::default() })?;
    let context = &context.attended_as(&how);
    let profile = choice::profile(args.profile.clone(), &how, context)?;
    let work = || {
        let plan = context.plan(&profile, &how)?;
        let signer = session::obtain(context, &plan, &how, MinTtl::PERSON)?;
        context.with_cache(CacheUse::ReadAndKeep, |_, clock| {
            let callers = callers(&plan, &signer, context, clock)?;
            let service = plan.iam(context.profiles()?, context.ambient())?;
            let limits = context.settings.limits;
            let limits = Limits { call: limits.call.max(PATIENCE), ..limits };
            let iam = AwsIam::connect(&service, limits, clock).map_err(DeviceError::Client)?;
            let quarantine = Quarantine { group, signer: &signer, iam: &iam, context };
            quarantine.run(&callers, args)
        })
    };
    work().map_err(|error: Error| error.about(&profile))
}

/// The caller, and the user whose key the profile starts from: either may be the person who runs this.
struct Callers {
    account: AccountId,
    partition: Partition,
    users: Vec<String>,
}

fn callers(
    plan: &plan::Plan,
    signer: &Credentials,
    context: &Context<'_>,
    clock: &CorrectedClock<'_>,
) -> Result<Callers, Error> {
    let sts = AwsSts::connect(&plan.service, context.settings.limits, clock).map_err(DeviceError::Client)?;
    let arn = sts.caller(signer).map_err(DeviceError::Who)?;
    let mut parts = arn.split(':').skip(1);
    let partition = parts.next().and_then(|partition| partition.parse().ok());
    let account = parts.nth(2).and_then(|account| account.parse().ok());
    let (Some(partition), Some(account)) = (partition, account) else {
        return Err(DeviceError::Caller(crate::iam::CallerError::Unreadable).into());
    };
    let mut arns = vec![arn];
    if matches!(plan.base, Base::AccessKey { .. } | Base::SealedKey { .. } | Base::Environment(_)) {
        let (ambient, heard) = (|| context.ambient_credentials(), |text: &str| context.hear(text));
        let sealed = |profile: &ProfileName| context.open_sealed(profile);
        let base = RealBases {
            ambient: &ambient,
            sealed: &sealed,
            login: &signin::none,
            sso: &sso::none,
            heard: &heard,
            patience: context.settings.limits.provider,
        };
        let base = base.credentials(plan, context.profiles()?);
        arns.push(sts.caller(&base.map_err(ExecuteError::from)?).map_err(DeviceError::Who)?);
    }
    let users = arns.iter().filter_map(|arn| User::of_arn(arn).ok());
    let users = users.filter(|user| user.account == account).map(|user| user.name).collect();
    Ok(Callers { account, partition, users })
}

struct Quarantine<'q, 'a> {
    group: &'q str,
    signer: &'q Credentials,
    iam: &'q dyn Membership,
    context: &'q Context<'a>,
}

impl Quarantine<'_, '_> {
    fn run(&self, callers: &Callers, args: &AuditArgs) -> Result<Done, Error> {
        let messages = self.context.settings.messages;
        let members = self.members()?;
        let documents = self.documents()?;
        let bar = messages.progress("reading IAM");
        let wards = survey(&members, self.signer, self.iam, &mut |done, of| bar.set(done, of));
        let wards = wards.map_err(DeviceError::from)?;
        drop(bar);
        for name in args.except.iter().filter(|name| !wards.iter().any(|it| it.name.eq_ignore_ascii_case(name))) {
            messages.warn(&format!("`--except {name}`: no such user in the account"));
        }
        let plan = Plan::of(&wards, &callers.users, &args.except);
        self.require_a_quarantine(&documents, &plan, &wards, callers)?;
        if !args.apply {
            write_stdout(&if args.json { self.json(&plan, None) } else { self.proposed(&plan) })?;
            return Ok(ended(plan.unknown().next().is_some()));
        }
        for line in lines(&plan, self.group) {
            messages.note(&line);
        }
        let changes = self.change(&plan, args.json)?;
        if let Some(error) = changes.error {
            return Err(error);
        }
        let unknown = plan.unknown().count();
        if unknown > 0 || changes.unmade() > 0 {
            let (group, unmade) = (one_line(self.group), changes.unmade());
            return Err(AuditError::Unfinished { group, unmade, unknown }.into());
        }
        Ok(Done::Well)
    }

    /// Makes the changes, and writes each to stdout as it is made; JSON only at the end, so a signal to end waits for the
    /// call in progress.
    fn change(&self, plan: &Plan, is_json: bool) -> Result<Changes, Error> {
        let group = Group { name: self.group, signer: self.signer, iam: self.iam };
        if is_json {
            let signals = Signals::to_end();
            let changes = changes::make(plan, &group, &|| signals.as_ref().and_then(Signals::take), &mut |_| Ok(()))?;
            write_stdout(&self.json(plan, Some(&changes)))?;
            return Ok(changes);
        }
        let say = |line: &str| stream_stdout(&|stdout: &mut dyn Write| writeln!(stdout, "{line}")).map(drop);
        let changes = changes::make(plan, &group, &|| None, &mut |step| say(&step.line()))?;
        for (user, reason) in plan.unknown() {
            say(&stays(user, reason))?;
        }
        say(&one_line(&format!("{}: {}", self.group, changes.summary())))?;
        Ok(changes)
    }

    fn members(&self) -> Result<Vec<String>, Error> {
        self.iam.members(self.signer, self.group).map_err(|error| match error {
            IamError::Gone(_) => self.refused("the account has no such group"),
            error => DeviceError::from(FetchError { call: "GetGroup", error }).into(),
        })
    }

    /// The group's policies; an unreadable one may say anything.
    fn documents(&self) -> Result<Vec<Document>, Error> {
        let applying = applying_to_group(self.group, self.signer, self.iam).map_err(DeviceError::from)?;
        let parsed = applying.identity.iter().map(|it| Document::parse(&it.name, &it.text, PolicyKind::User));
        let mut documents = parsed.collect::<Result<Vec<_>, _>>()?;
        documents.extend(applying.missing.iter().map(|it| Document::unread(&it.what, PolicyKind::User)));
        Ok(documents)
    }

    /// Policies may name the users' path, so each path of the users to add is checked.
    fn require_a_quarantine(
        &self,
        documents: &[Document],
        plan: &Plan,
        wards: &[Ward],
        callers: &Callers,
    ) -> Result<(), Error> {
        let mut paths: Vec<&str> = plan.add.iter().map(|ward| ward.path.as_str()).collect();
        if paths.is_empty() {
            paths.extend(wards.first().map(|ward| ward.path.as_str()));
        }
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            let subject = Subject::new(&format!("{path}alice"), callers.account.clone(), callers.partition);
            let why =
                subject.map_or_else(|| Some("no user can have that path".to_owned()), |it| refusal(documents, &it));
            if let Some(why) = why {
                return Err(self.refused(&format!("for users with the path `/{path}`, `policy check` reports: {why}")));
            }
        }
        Ok(())
    }

    fn refused(&self, why: &str) -> Error {
        AuditError::Quarantine { group: one_line(self.group), why: one_line(why) }.into()
    }

    fn proposed(&self, plan: &Plan) -> String {
        let end = if plan.add.is_empty() && plan.remove.is_empty() {
            ""
        } else {
            "Nothing was changed; use `--apply` to make the changes.\n"
        };
        lines(plan, self.group).into_iter().map(|line| line + "\n").collect::<String>() + end
    }

    /// The plan, or what was done of it.
    fn json(&self, plan: &Plan, changes: Option<&Changes>) -> String {
        let names = |wards: &[Ward]| wards.iter().map(|ward| ward.name.clone()).collect::<Vec<_>>();
        let kept = plan.kept.iter().map(|(name, reason)| json!({"user": name, "why": why(reason)}));
        let error = changes.and_then(|changes| changes.error.as_ref());
        let mut all = json!({
            "group": self.group,
            "applied": changes.is_some(),
            "add": names(&plan.add),
            "remove": names(&plan.remove),
            "kept": kept.collect::<Vec<_>>(),
            "deleted": [],
            "failed": [],
            "not_tried": [],
            "error": error.map(|error| with_causes(error)),
        });
        for (id, list) in changes.map(Changes::json).into_iter().flatten() {
            all[id] = list;
        }
        all.to_string() + "\n"
    }
}

fn ended(is_incomplete: bool) -> Done {
    if is_incomplete { Done::Verdict(ExitCode::Failed) } else { Done::Well }
}

/// The plan for people, one line per user.
fn lines(plan: &Plan, group: &str) -> Vec<String> {
    let (add, remove) = (plan.add.len(), plan.remove.len());
    let mut lines = vec![format!("{group}: {add} to add, {remove} to remove")];
    lines.extend(plan.add.iter().map(|ward| format!("+ {}: no MFA device", ward.name)));
    lines.extend(plan.remove.iter().map(|ward| format!("- {}: has an MFA device", ward.name)));
    lines.extend(plan.kept.iter().map(|(name, reason)| stays(name, reason)));
    lines.iter().map(|line| one_line(line)).collect()
}

fn stays(name: &str, reason: &Kept) -> String {
    one_line(&format!("= {name}: {}", why(reason)))
}

fn why(reason: &Kept) -> String {
    match reason {
        Kept::Caller => "not touched: the caller".to_owned(),
        Kept::Excepted => "not touched: `--except`".to_owned(),
        Kept::NoCredentials => "not touched: no password and no active access key".to_owned(),
        Kept::Unknown(why) => format!("not touched, because this could not be read: {why}"),
    }
}
