//! A user's first day and the theft of a key, step by step, on the five ways in.
//!
//! Each step is a few requests. What STS itself forbids or allows, whatever the policies say, is decided here.

mod subject;
pub(super) mod work;

use super::evaluate::{Decision, Policies, Request, Verdict, evaluate};

pub use subject::{Subject, Way};
pub use work::Work;

/// A step of the day, in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The first sign-in; with a key, GetSessionToken.
    SignIn,
    /// Changing the password, as required at the first sign-in.
    FirstPassword,
    /// Listing the user's devices.
    Find,
    /// Creating a device with the user's name.
    CreateNamed,
    /// Creating a device with another name.
    CreateOther,
    /// Enabling the device for the user.
    Enable,
    /// Resynchronizing a device whose clock has drifted.
    Resync,
    /// The sign-in with MFA.
    SignInAgain,
    /// The user's work.
    Work,
    /// Removing the user's own device.
    Drop,
    /// Changing the password.
    Password,
    /// Creating another access key.
    AccessKey,
    /// Changing another user's device.
    Other,
    /// An attacker enrolls a first device for a user who has none.
    ThiefFirst,
    /// An attacker enrolls another device for a user who has one.
    ThiefFurther,
}

impl Stage {
    /// What the user does in this step.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignIn => "sign in",
            Self::FirstPassword => "change the forced password",
            Self::Find => "list their devices",
            Self::CreateNamed => "create a device named after the user",
            Self::CreateOther => "create a device with another name",
            Self::Enable => "enable it",
            Self::Resync => "resync it",
            Self::SignInAgain => "sign in with MFA",
            Self::Work => "work",
            Self::Drop => "remove their own device",
            Self::Password => "change the password",
            Self::AccessKey => "create an access key",
            Self::Other => "change another user's device",
            Self::ThiefFirst => "enroll an attacker's first device",
            Self::ThiefFurther => "enroll an attacker's second device",
        }
    }

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::FirstPassword => "first-password",
            Self::Find => "find",
            Self::CreateNamed => "create-named",
            Self::CreateOther => "create-other",
            Self::Enable => "enable",
            Self::Resync => "resync",
            Self::SignInAgain => "sign-in-again",
            Self::Work => "work",
            Self::Drop => "drop",
            Self::Password => "password",
            Self::AccessKey => "access-key",
            Self::Other => "other-user",
            Self::ThiefFirst => "thief-first",
            Self::ThiefFurther => "thief-further",
        }
    }
}

/// The required outcome of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// Otherwise the user is stuck.
    Allowed,
    /// Otherwise an attacker succeeds.
    Denied,
    /// Either outcome is fine.
    Either,
}

/// One step on one way in.
#[derive(Clone, Debug)]
pub enum Cell {
    /// The step does not exist on this way.
    Nothing,
    /// AWS decides it, whatever the policies say.
    Settled(Verdict),
    /// The policies, and STS's limits, decide.
    Judged {
        /// The required outcome.
        expected: Expected,
        /// The actual outcome.
        verdict: Verdict,
        /// The index of the deciding request.
        request: usize,
        /// The decision; `None` for a limit of STS itself.
        decision: Option<Decision>,
    },
}

impl Cell {
    /// Is the outcome not the required one, or unknown?
    pub fn is_wrong(&self) -> bool {
        match self {
            Self::Judged { expected: Expected::Allowed, verdict, .. } => *verdict != Verdict::Allowed,
            Self::Judged { expected: Expected::Denied, verdict, .. } => *verdict != Verdict::Denied,
            _ => false,
        }
    }

    /// The outcome, if the step exists on this way.
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Nothing => None,
            Self::Settled(verdict) | Self::Judged { verdict, .. } => Some(*verdict),
        }
    }
}

/// One step on all ways in.
#[derive(Clone, Debug)]
pub struct Row {
    /// The step.
    pub step: Stage,
    /// The requests that it needs: action and resource.
    pub requests: Vec<(String, String)>,
    /// In the order of [`Way::ALL`].
    pub cells: [Cell; 5],
}

/// The whole day.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The user's work.
    pub work: Work,
    /// The steps, in order.
    pub rows: Vec<Row>,
}

/// Must all requests of a step succeed for it to succeed, or is one enough?
#[derive(Clone, Copy, PartialEq)]
enum Needs {
    All,
    One,
}

impl Journey {
    /// Plays the day. `work` is the action that stands for the user's work; without it, the policies suggest one.
    pub fn play(policies: Policies<'_>, subject: &Subject, work: Option<&str>) -> Self {
        let work = Work::choose(policies, subject, work);
        let own = || subject.user_arn(subject.name());
        let other = || subject.user_arn(&format!("not-{}", subject.name()));
        let device = |name: &str| subject.device_arn(name);
        let laptop = format!("{}-laptop", subject.name());
        let iam = |name: &str, resource: String| (format!("iam:{name}"), resource);
        let day = [
            (Stage::SignIn, Needs::All, vec![]),
            (Stage::FirstPassword, Needs::All, vec![iam("ChangePassword", own())]),
            (Stage::Find, Needs::All, vec![iam("ListMFADevices", own())]),
            (Stage::CreateNamed, Needs::All, vec![iam("CreateVirtualMFADevice", device(subject.name()))]),
            (Stage::CreateOther, Needs::All, vec![iam("CreateVirtualMFADevice", device(&laptop))]),
            (Stage::Enable, Needs::All, vec![iam("EnableMFADevice", own())]),
            (Stage::Resync, Needs::All, vec![iam("ResyncMFADevice", own())]),
            (Stage::SignInAgain, Needs::All, vec![]),
            (Stage::Work, Needs::All, vec![(work.action.clone(), work.resource.clone())]),
            // A virtual device that is assigned to a user is not deleted but deactivated first.
            (Stage::Drop, Needs::One, vec![iam("DeactivateMFADevice", own())]),
            (Stage::Password, Needs::One, vec![iam("ChangePassword", own())]),
            (Stage::AccessKey, Needs::One, vec![iam("CreateAccessKey", own())]),
            (
                Stage::Other,
                Needs::One,
                vec![
                    iam("EnableMFADevice", other()),
                    iam("DeactivateMFADevice", other()),
                    iam("ResyncMFADevice", other()),
                ],
            ),
            (
                Stage::ThiefFirst,
                Needs::All,
                vec![iam("CreateVirtualMFADevice", device(subject.name())), iam("EnableMFADevice", own())],
            ),
            // A security key is enabled without being created first.
            (Stage::ThiefFurther, Needs::All, vec![iam("EnableMFADevice", own())]),
        ];
        let of = Asked { policies, subject };
        let rows = day.into_iter().map(|(step, needs, requests)| {
            let cells = Way::ALL.map(|way| cell(of, &work, (step, needs), way, &requests));
            Row { step, requests, cells }
        });
        Self { rows: rows.collect(), work: work.clone() }
    }

    /// Accepts either outcome for these steps on these ways.
    pub(super) fn release(&mut self, steps: &[Stage], ways: &[Way]) {
        for row in self.rows.iter_mut().filter(|row| steps.contains(&row.step)) {
            for way in ways {
                if let Cell::Judged { expected, .. } = &mut row.cells[*way as usize] {
                    *expected = Expected::Either;
                }
            }
        }
    }

    /// Marks a step as denied, because of a policy that is not among these.
    pub(super) fn stop(&mut self, step: Stage, ways: &[Way]) {
        for row in self.rows.iter_mut().filter(|row| row.step == step) {
            for way in ways {
                if let Cell::Judged { verdict, decision, .. } = &mut row.cells[*way as usize] {
                    (*verdict, *decision) = (Verdict::Denied, None);
                }
            }
        }
    }

    /// One step on one way in.
    pub fn cell(&self, step: Stage, way: Way) -> &Cell {
        static NOTHING: Cell = Cell::Nothing;
        let row = self.rows.iter().find(|row| row.step == step);
        row.map_or(&NOTHING, |row| &row.cells[way as usize])
    }
}

/// The policies, and the user they apply to.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) policies: Policies<'a>,
    pub(super) subject: &'a Subject,
}

fn cell(of: Asked<'_>, work: &Work, (step, needs): (Stage, Needs), way: Way, requests: &[(String, String)]) -> Cell {
    let expected = match (step, way) {
        (Stage::SignIn, Way::Key | Way::Console) | (Stage::SignInAgain, Way::Key | Way::ConsoleMfa) => {
            return Cell::Settled(Verdict::Allowed);
        }
        // It is required at the first sign-in to the console, when there cannot be a device yet.
        (Stage::FirstPassword, Way::Console) => Expected::Either,
        (Stage::SignIn | Stage::SignInAgain | Stage::FirstPassword, _) => return Cell::Nothing,
        (Stage::Work, Way::SessionMfa | Way::ConsoleMfa)
        | (
            Stage::Find | Stage::CreateNamed | Stage::CreateOther | Stage::Enable | Stage::Resync,
            Way::Key | Way::Console,
        ) => Expected::Allowed,
        (Stage::Work, _) => Expected::Denied,
        (Stage::Drop | Stage::Password | Stage::AccessKey | Stage::Other, Way::Key | Way::Console | Way::Session) => {
            Expected::Denied
        }
        _ => Expected::Either,
    };
    let mut decided: Option<(Verdict, usize, Option<Decision>)> = None;
    for (request, (action, resource)) in requests.iter().enumerate() {
        let is_allowed_elsewhere = step == Stage::Work && work.is_assumed;
        let (verdict, decision) = decide(of, way, action, resource, is_allowed_elsewhere);
        // The worst outcome decides if all requests must succeed, and the best one if a single request is enough.
        let rank = |verdict: Verdict| match (verdict, needs) {
            (Verdict::Denied, Needs::All) | (Verdict::Allowed, Needs::One) => 2,
            (Verdict::Unknown, _) => 1,
            (Verdict::Denied, Needs::One) | (Verdict::Allowed, Needs::All) => 0,
        };
        if decided.as_ref().is_none_or(|(before, ..)| rank(verdict) > rank(*before)) {
            decided = Some((verdict, request, decision));
        }
    }
    let Some((mut verdict, request, decision)) = decided else { return Cell::Nothing };
    if step == Stage::ThiefFurther && verdict == Verdict::Allowed && !way.has_mfa() {
        // AWS's guide requires MFA before another device is added; whether the service does is not documented.
        verdict = Verdict::Unknown;
    }
    Cell::Judged { expected, verdict, request, decision }
}

/// Decides one request on one way in; without a decision, STS itself forbids or allows it.
pub(in crate::policy) fn decide(
    Asked { policies, subject }: Asked<'_>,
    way: Way,
    action: &str,
    resource: &str,
    is_allowed_elsewhere: bool,
) -> (Verdict, Option<Decision>) {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    if is(service, "sts") {
        if is(name, "GetCallerIdentity") || (is(name, "GetSessionToken") && way == Way::Key) {
            return (Verdict::Allowed, None);
        }
        if matches!(way, Way::Session | Way::SessionMfa) && !is(name, "AssumeRole") {
            return (Verdict::Denied, None);
        }
    }
    if is(service, "iam") && way == Way::Session {
        return (Verdict::Denied, None);
    }
    let context = subject.context(way, is(service, "iam"));
    let decision = evaluate(policies, &Request { action, resource, context: &context, is_allowed_elsewhere });
    (decision.verdict, Some(decision))
}
