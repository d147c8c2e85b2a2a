//! An account → facts. A denied call does not stop the audit: it becomes a gap that names the unanswered questions. Users
//! who are deleted during the audit are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{AccountReader, Asked, Detail, Details, Listed, Told};
use crate::audit::enforcement::judged;
use crate::audit::facts::{Account, Gap, Group, Key, Mfa, Password, Passwords, Root, User, WasUsed};
use crate::audit::question::Question::{
    self, CannotEnroll, ConsoleWithoutMfa, GroupWithoutUsers, KeyWithoutMfa, MfaNotEnforced, OldKey, OnlyFido,
    PasswordLength, PasswordReuse, PoliciesOnUser, RootKey, RootWithoutMfa, TwoActiveKeys, UnusedKey, UnusedPassword,
    UserInNoGroup,
};
use crate::audit::report;
use crate::host::Clock;
use crate::iam::policies::FetchError;
use crate::iam::{IamError, User as Arn, why_unusable};
use crate::names::MfaSerial;
use crate::policy::evaluate::Policies;
use crate::policy::journey::Subject;
use crate::policy::{Document, PolicyKind};
use crate::secret::Credentials;

/// Without `--live` or `--report`, an account with at most this many users is asked live: about a thousand calls.
const MOST_LIVE: usize = 200;
/// How often we check whether the credential report is ready.
const REPORT_STEPS: usize = 60;
const REPORT_STEP: Duration = Duration::from_secs(2);

/// AWS's default for accounts without a password policy.
const DEFAULT_PASSWORDS: Passwords = Passwords { length: 8, remembered: 0 };

const OF_ROOT: &[Question] = &[RootWithoutMfa, RootKey];
const OF_DEVICES: &[Question] = &[ConsoleWithoutMfa, KeyWithoutMfa, OnlyFido];
const OF_PASSWORDS: &[Question] = &[ConsoleWithoutMfa, UnusedPassword];
const OF_KEYS: &[Question] = &[KeyWithoutMfa, OldKey, UnusedKey, TwoActiveKeys];
const OF_USE: &[Question] = &[UnusedKey];
const OF_POLICIES: &[Question] = &[MfaNotEnforced, CannotEnroll, UserInNoGroup, PoliciesOnUser, GroupWithoutUsers];
const OF_RULES: &[Question] = &[PasswordLength, PasswordReuse];
/// The questions that need ListUsers or the credential report.
const OF_USERS: &[Question] =
    &[ConsoleWithoutMfa, KeyWithoutMfa, OnlyFido, OldKey, UnusedKey, UnusedPassword, TwoActiveKeys];

/// Where the facts about each user come from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Source {
    /// Calls about each user if there are few, otherwise the credential report.
    #[default]
    Auto,
    /// Calls about each user.
    Live,
    /// The credential report, which is generated if necessary.
    Report,
}

/// The facts, and where they come from.
#[derive(Debug)]
pub struct Gathered {
    /// What is known of the account.
    pub account: Account,
    /// Do the facts come from calls about each user, not from a report?
    pub is_live: bool,
}

/// Gathers the facts. `progress` gets the number of finished calls about users, and their total.
///
/// # Errors
/// A call failed for a reason other than a denial, or AWS generated no report.
pub fn gather(
    source: Source,
    signer: &Credentials,
    iam: &dyn AccountReader,
    clock: &dyn Clock,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Gathered, FetchError> {
    let mut gather = Gather { signer, iam, found: Account::default() };
    let summary = iam.summary(signer);
    let summary = gather.unless_denied("GetAccountSummary", None, OF_ROOT, summary)?;
    let is_live = match source {
        Source::Live => true,
        Source::Report => false,
        Source::Auto => summary.is_none_or(|summary| summary.users <= MOST_LIVE),
    };
    if is_live {
        gather.found.root = summary.map(|of| Root {
            has_credentials: Some(of.root_has_password != Some(false) || of.root_has_key),
            has_mfa: Some(of.root_has_mfa),
            has_key: Some(of.root_has_key),
        });
        gather.live(progress)?;
    } else {
        gather.found.gaps.clear();
        gather.reported(clock)?;
        gather.found.unanswerable = vec![OnlyFido];
    }
    gather.policies(is_live)?;
    let policy = iam.password_policy(signer);
    let policy = gather.unless_denied("GetAccountPasswordPolicy", None, OF_RULES, policy)?;
    gather.found.passwords = policy.map(|policy| {
        policy.map_or(DEFAULT_PASSWORDS, |of| Passwords { length: of.length, remembered: of.remembered })
    });
    gather.found.users.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Gathered { account: gather.found, is_live })
}

/// An audit in progress.
struct Gather<'a> {
    signer: &'a Credentials,
    iam: &'a dyn AccountReader,
    found: Account,
}

impl Gather<'_> {
    /// Reads each user by separate calls.
    fn live(&mut self, progress: &mut dyn FnMut(usize, usize)) -> Result<(), FetchError> {
        let users = self.iam.users(self.signer);
        let Some(listed) = self.unless_denied("ListUsers", None, OF_USERS, users)? else { return Ok(()) };
        self.found.id = listed.iter().find_map(|user| Arn::of_arn(&user.arn).ok()).map(|user| user.account);
        let names = || listed.iter().map(|user| user.name.clone());
        let asked: Vec<Asked> =
            names().map(Asked::Devices).chain(names().map(Asked::Password)).chain(names().map(Asked::Keys)).collect();
        // The number of keys is not known yet: the total grows when it is.
        let answers = self.answers(&asked, (0, asked.len()), progress);
        let count = listed.len();
        let mut users = BTreeMap::new();
        let mut denied = Denied::default();
        for (at, user) in listed.iter().enumerate() {
            let answer = |kind: usize| (&asked[kind * count + at], &answers[kind * count + at]);
            if let Some(found) = one(user, [answer(0), answer(1), answer(2)], &mut denied)? {
                users.insert(user.name.clone(), found);
            }
        }
        self.last_uses(&mut users, asked.len(), progress, &mut denied)?;
        self.found.users = users.into_values().collect();
        let asked_users = self.found.users.len();
        self.found.gaps.extend(denied.gaps(asked_users));
        Ok(())
    }

    fn answers(
        &self,
        asked: &[Asked],
        (before, all): (usize, usize),
        progress: &mut dyn FnMut(usize, usize),
    ) -> Vec<Result<Told, IamError>> {
        let mut answers: Vec<Option<Result<Told, IamError>>> = vec![None; asked.len()];
        let mut done = before;
        self.iam.ask(self.signer, asked, &mut |place, answer| {
            answers[place] = Some(answer);
            done += 1;
            progress(done, all);
        });
        answers.into_iter().map(|answer| answer.expect("every question is answered")).collect()
    }

    fn last_uses(
        &self,
        users: &mut BTreeMap<String, User>,
        done: usize,
        progress: &mut dyn FnMut(usize, usize),
        denied: &mut Denied,
    ) -> Result<(), FetchError> {
        let active = |user: &User| -> Vec<(String, usize)> {
            let keys = user.keys.iter().flatten().enumerate().filter(|(_, key)| key.is_active);
            keys.map(|(at, _)| (user.name.clone(), at)).collect()
        };
        let places: Vec<(String, usize)> = users.values().flat_map(active).collect();
        let key = |(user, at): &(String, usize)| users[user].keys.as_ref().map(|keys| keys[*at].name.clone());
        let asked: Vec<Asked> = places.iter().filter_map(key).map(Asked::LastUse).collect();
        let answers = self.answers(&asked, (done, done + asked.len()), progress);
        for ((user, at), answer) in places.iter().zip(answers) {
            let key = users.get_mut(user).and_then(|user| user.keys.as_mut()).map(|keys| &mut keys[*at]);
            match (answer, key) {
                (Ok(Told::LastUse(used)), Some(key)) => {
                    key.used = used;
                    key.is_use_known = true;
                }
                (Err(IamError::Gone(_)), _) => {}
                (Err(error), _) => denied.take("GetAccessKeyLastUsed", user, error, OF_USE)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads all users from the credential report.
    fn reported(&mut self, clock: &dyn Clock) -> Result<(), FetchError> {
        let all: Vec<Question> = [OF_ROOT, OF_USERS].concat();
        for _ in 0..REPORT_STEPS {
            let state = self.iam.generate_report(self.signer);
            match self.unless_denied("GenerateCredentialReport", None, &all, state)? {
                None => return Ok(()),
                Some(true) => break,
                Some(false) => clock.sleep(REPORT_STEP),
            }
        }
        let report = self.iam.report(self.signer);
        let Some(found) = self.unless_denied("GetCredentialReport", None, &all, report)? else { return Ok(()) };
        let unreadable =
            |_| FetchError { call: "GetCredentialReport", error: crate::aws::CallError::Unreadable.into() };
        let account = report::of_csv(&found.csv, found.generated).map_err(unreadable)?;
        self.found = Account { gaps: [std::mem::take(&mut self.found.gaps), account.gaps].concat(), ..account };
        Ok(())
    }

    /// Reads groups and policies, and evaluates them as `policy check` does.
    fn policies(&mut self, is_live: bool) -> Result<(), FetchError> {
        let details = self.iam.details(self.signer);
        let details = self.unless_denied("GetAccountAuthorizationDetails", None, OF_POLICIES, details)?;
        let Some(details) = details else { return Ok(()) };
        if self.found.id.is_none() {
            self.found.id = details.users.iter().find_map(|user| Arn::of_arn(&user.arn).ok()).map(|user| user.account);
        }
        let members: BTreeSet<&str> = details.users.iter().flat_map(|user| &user.groups).map(String::as_str).collect();
        let group = |of: &Detail| Group { name: of.name.clone(), has_users: members.contains(of.name.as_str()) };
        self.found.groups = Some(details.groups.iter().map(group).collect());
        let library = Library::of(&details);
        let known: BTreeSet<String> = self.found.users.iter().map(|user| user.name.clone()).collect();
        for user in &mut self.found.users {
            let Some(detail) = details.users.iter().find(|detail| detail.name == user.name) else { continue };
            user.has_group = Some(!detail.groups.is_empty());
            let names = detail.inline.iter().map(|(name, _)| name.as_str());
            let attached = detail.attached.iter().map(|arn| arn.rsplit('/').next().unwrap_or(arn));
            user.own_policies = Some(names.chain(attached).map(str::to_owned).collect());
            user.judged = library.judge(detail);
        }
        if !is_live && self.found.reported.is_some() {
            // Created after the report.
            let newer = details.users.iter().filter(|detail| !known.contains(&detail.name));
            self.found.gaps.extend(newer.map(|detail| Gap {
                call: "the credential report".to_owned(),
                about: Some(detail.name.clone()),
                why: "the report is older than the user".to_owned(),
                questions: OF_USERS.to_vec(),
            }));
        }
        Ok(())
    }

    fn unless_denied<T>(
        &mut self,
        call: &'static str,
        about: Option<&str>,
        questions: &[Question],
        answer: Result<T, IamError>,
    ) -> Result<Option<T>, FetchError> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error @ IamError::Denied { .. }) => {
                self.found.gaps.push(gap(call, about, error.to_string(), questions));
                Ok(None)
            }
            Err(error) => Err(FetchError { call, error }),
        }
    }
}

fn gap(call: &str, about: Option<&str>, why: String, questions: &[Question]) -> Gap {
    let (call, about) = (format!("iam:{call}"), about.map(str::to_owned));
    Gap { call, about, why, questions: questions.to_vec() }
}

/// Denials of calls about users, by call.
#[derive(Default)]
struct Denied(BTreeMap<&'static str, OfCall>);

/// The users for which a call was denied and why, and the questions that stay open.
struct OfCall {
    users: Vec<(String, String)>,
    questions: &'static [Question],
}

impl Denied {
    fn take(
        &mut self,
        call: &'static str,
        user: &str,
        error: IamError,
        questions: &'static [Question],
    ) -> Result<(), FetchError> {
        if !matches!(error, IamError::Denied { .. }) {
            return Err(FetchError { call, error });
        }
        let of_call = self.0.entry(call).or_insert(OfCall { users: Vec::new(), questions });
        of_call.users.push((user.to_owned(), error.to_string()));
        Ok(())
    }

    /// One gap per user; if a call is denied for every one of several users, one gap for all of them.
    fn gaps(self, all: usize) -> Vec<Gap> {
        self.0.into_iter().flat_map(|(call, denied)| denied.gaps(call, all)).collect()
    }
}

impl OfCall {
    fn gaps(self, call: &str, all: usize) -> Vec<Gap> {
        let names: BTreeSet<&str> = self.users.iter().map(|(user, _)| user.as_str()).collect();
        if all > 1 && names.len() == all {
            let (first, why) = &self.users[0];
            let why = format!("denied for all {all} users, as for `{first}`: {why}");
            return vec![gap(call, None, why, self.questions)];
        }
        self.users.into_iter().map(|(user, why)| gap(call, Some(&user), why, self.questions)).collect()
    }
}

/// One user's devices, password, and keys; `None` for a user who was deleted.
fn one(
    listed: &Listed,
    answers: [(&Asked, &Result<Told, IamError>); 3],
    denied: &mut Denied,
) -> Result<Option<User>, FetchError> {
    let mut user = User { name: listed.name.clone(), ..User::default() };
    for (asked, answer) in answers {
        match (asked, answer) {
            (_, Ok(Told::Devices(devices))) => user.mfa = Some(kind(devices)),
            (_, Ok(Told::Password(made))) => {
                user.password = Some(match listed.password_used {
                    Some(used) => Password::Since(Some(used), WasUsed::Then),
                    None => Password::Since(made.or(listed.created), WasUsed::Never),
                });
            }
            (_, Ok(Told::Keys(keys))) => {
                let key = |key: &super::ListedKey| Key {
                    name: key.id.clone(),
                    is_active: key.is_active,
                    made: key.made,
                    used: None,
                    is_use_known: false,
                };
                user.keys = Some(keys.iter().map(key).collect());
            }
            (Asked::Password(_), Err(IamError::Gone(_))) => user.password = Some(Password::None),
            (_, Err(IamError::Gone(_))) => return Ok(None),
            (asked, Err(error)) => {
                let questions = match asked {
                    Asked::Devices(_) => OF_DEVICES,
                    Asked::Password(_) => OF_PASSWORDS,
                    Asked::Keys(_) | Asked::LastUse(_) => OF_KEYS,
                };
                denied.take(asked.call(), &user.name, error.clone(), questions)?;
            }
            (_, Ok(Told::LastUse(_))) => {}
        }
    }
    Ok(Some(user))
}

fn kind(devices: &[MfaSerial]) -> Mfa {
    match devices {
        [] => Mfa::None,
        devices if devices.iter().any(|serial| why_unusable(serial.kind()).is_none()) => Mfa::Codes,
        _ => Mfa::OnlyFido,
    }
}

/// The documents that several users may share, each parsed once.
struct Library<'a> {
    managed: BTreeMap<&'a str, Document>,
    groups: BTreeMap<&'a str, (&'a Detail, Vec<Document>)>,
}

impl<'a> Library<'a> {
    fn of(details: &'a Details) -> Self {
        let managed = details.managed.iter().map(|(arn, text)| (arn.as_str(), parsed(arn, text)));
        let groups = details.groups.iter().map(|group| {
            let holder = format!("group {}", group.name);
            (group.name.as_str(), (group, inline(group, &holder)))
        });
        Self { managed: managed.collect(), groups: groups.collect() }
    }

    /// `None` where the user's ARN is invalid.
    fn judge(&self, user: &Detail) -> Option<crate::audit::facts::Judged> {
        let arn = Arn::of_arn(&user.arn).ok()?;
        let subject = Subject::new(&format!("{}{}", arn.path, arn.name), arn.account, arn.partition)?;
        let mut documents = inline(user, &format!("user {}", user.name));
        let mut attached: BTreeSet<&str> = user.attached.iter().map(String::as_str).collect();
        for (group, own) in user.groups.iter().filter_map(|name| self.groups.get(name.as_str())) {
            documents.extend(own.iter().cloned());
            attached.extend(group.attached.iter().map(String::as_str));
        }
        documents.extend(attached.into_iter().map(|arn| self.managed(arn)));
        let boundary: Vec<Document> = user.boundary.iter().map(|arn| self.managed(arn)).collect();
        Some(judged(Policies { identity: &documents, boundary: &boundary }, &subject))
    }

    fn managed(&self, arn: &str) -> Document {
        self.managed.get(arn).cloned().unwrap_or_else(|| Document::unread(arn, PolicyKind::User))
    }
}

fn inline(of: &Detail, holder: &str) -> Vec<Document> {
    of.inline.iter().map(|(name, text)| parsed(&format!("inline:{name} of {holder}"), text)).collect()
}

/// IAM accepted the document, so one that we cannot parse may say anything.
fn parsed(name: &str, text: &[u8]) -> Document {
    Document::parse(name, text, PolicyKind::User).unwrap_or_else(|_| Document::unread(name, PolicyKind::User))
}
