//! Makes the changes of a quarantine's plan one by one.
//!
//! Each is reported as soon as it is made, so that a run that is killed leaves a true record of what it did.

use serde_json::{Value, json};

use crate::audit::AuditError;
use crate::audit::quarantine::{Plan, Ward};
use crate::error::Error;
use crate::iam::account::Membership;
use crate::iam::policies::FetchError;
use crate::iam::{DeviceError, IamError};
use crate::messages::one_line;
use crate::secret::Credentials;

/// The group, and the credentials to change it with.
pub(super) struct Group<'g> {
    pub(super) name: &'g str,
    pub(super) signer: &'g Credentials,
    pub(super) iam: &'g dyn Membership,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    Add,
    Remove,
}

impl Change {
    fn call(self) -> &'static str {
        match self {
            Self::Add => "AddUserToGroup",
            Self::Remove => "RemoveUserFromGroup",
        }
    }

    /// The member of the JSON that lists such changes.
    fn id(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Add => "added",
            Self::Remove => "removed",
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Add => '+',
            Self::Remove => '-',
        }
    }
}

/// The result of one change.
#[derive(Debug, Eq, PartialEq)]
enum Fate {
    Made,
    /// The user was deleted after IAM listed them: there is nothing left to do.
    Deleted,
    Failed(String),
    /// AWS's response was lost, so the result is unknown; the next run finds out.
    Unconfirmed(String),
    /// An earlier failure made this one pointless.
    NotTried,
}

impl Fate {
    fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unconfirmed(_))
    }
}

/// A change of one user's membership, and its result.
#[derive(Debug)]
pub(super) struct Step {
    change: Change,
    user: String,
    fate: Fate,
}

impl Step {
    /// `+ alice: added`
    pub(super) fn line(&self) -> String {
        let (user, done) = (&self.user, self.change.done());
        one_line(&match &self.fate {
            Fate::Made => format!("{} {user}: {done}", self.change.mark()),
            Fate::Deleted => format!("= {user}: not changed: deleted since it was listed"),
            Fate::Failed(why) => format!("! {user}: not {done}: {why}"),
            Fate::Unconfirmed(why) => format!("! {user}: perhaps {done}: {why}"),
            Fate::NotTried => format!("! {user}: not {done}: not tried"),
        })
    }
}

/// The results of all changes of a plan.
#[derive(Debug, Default)]
pub(super) struct Changes {
    steps: Vec<Step>,
    /// The first failure that also ruled out later changes.
    pub(super) error: Option<Error>,
}

impl Changes {
    fn count(&self, is_counted: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|step| is_counted(step)).count()
    }

    fn made(&self, change: Change) -> usize {
        self.count(|step| step.change == change && step.fate == Fate::Made)
    }

    /// How many changes were not made although their users still exist.
    pub(super) fn unmade(&self) -> usize {
        self.count(|step| step.fate.is_failure() || step.fate == Fate::NotTried)
    }

    /// `2 added, 1 removed, 1 failed, 3 not tried`
    pub(super) fn summary(&self) -> String {
        let failed = self.count(|step| step.fate.is_failure());
        let not_tried = self.count(|step| step.fate == Fate::NotTried);
        let mut parts =
            vec![format!("{} added", self.made(Change::Add)), format!("{} removed", self.made(Change::Remove))];
        parts.extend((failed > 0).then(|| format!("{failed} failed")));
        parts.extend((not_tried > 0).then(|| format!("{not_tried} not tried")));
        parts.join(", ")
    }

    /// The lists of the JSON: `add` and `remove` (made), `deleted`, `failed`, `not_tried`.
    pub(super) fn json(&self) -> [(&'static str, Value); 5] {
        let list = |value: &dyn Fn(&Step) -> Option<Value>| self.steps.iter().filter_map(value).collect::<Value>();
        let made =
            |change: Change| list(&|step| (step.change == change && step.fate == Fate::Made).then(|| json!(step.user)));
        let deleted = list(&|step| (step.fate == Fate::Deleted).then(|| json!(step.user)));
        let failed = list(&|step| match &step.fate {
            Fate::Failed(why) | Fate::Unconfirmed(why) => {
                let may_be_done = matches!(step.fate, Fate::Unconfirmed(_));
                let change = step.change.id();
                Some(json!({"user": step.user, "change": change, "may_be_done": may_be_done, "why": why}))
            }
            _ => None,
        });
        let not_tried =
            list(&|step| (step.fate == Fate::NotTried).then(|| json!({"user": step.user, "change": step.change.id()})));
        [
            (Change::Add.id(), made(Change::Add)),
            (Change::Remove.id(), made(Change::Remove)),
            ("deleted", deleted),
            ("failed", failed),
            ("not_tried", not_tried),
        ]
    }
}

/// Makes the changes, and reports each to `tell`. A failure that concerns one user does not stop the others; a denial
/// stops changes of its kind; any other failure stops all, and so does a signal that `told_to_end` returns.
///
/// # Errors
/// Only what `tell` returns; failures of AWS are in the [`Changes`].
pub(super) fn make(
    plan: &Plan,
    group: &Group<'_>,
    told_to_end: &dyn Fn() -> Option<i32>,
    tell: &mut dyn FnMut(&Step) -> Result<(), Error>,
) -> Result<Changes, Error> {
    let mut changes = Changes::default();
    let mut hopeless: Vec<Change> = Vec::new();
    let adds = plan.add.iter().map(|ward| (Change::Add, ward));
    let removes = plan.remove.iter().map(|ward| (Change::Remove, ward));
    for (change, ward) in adds.chain(removes) {
        if changes.error.is_none()
            && let Some(signal) = told_to_end()
        {
            changes.error = Some(AuditError::Signal(signal).into());
            hopeless.extend([Change::Add, Change::Remove]);
        }
        let fate = if hopeless.contains(&change) {
            Fate::NotTried
        } else {
            group.one(change, ward).unwrap_or_else(|failure| {
                hopeless.push(change);
                if !matches!(failure.error, IamError::Denied { .. }) {
                    hopeless.extend([Change::Add, Change::Remove]);
                }
                let why = failure.error.to_string();
                let is_unclear = failure.error.may_have_been_done();
                changes.error.get_or_insert_with(|| DeviceError::from(failure).into());
                if is_unclear { Fate::Unconfirmed(why) } else { Fate::Failed(why) }
            })
        };
        let step = Step { change, user: ward.name.clone(), fate };
        tell(&step)?;
        changes.steps.push(step);
    }
    Ok(changes)
}

impl Group<'_> {
    fn one(&self, change: Change, ward: &Ward) -> Result<Fate, FetchError> {
        let answer = match change {
            Change::Add => self.iam.add(self.signer, self.name, &ward.name),
            Change::Remove => self.iam.remove(self.signer, self.name, &ward.name),
        };
        Ok(match answer {
            Ok(()) => Fate::Made,
            // AWS's error may be about the user or about the group.
            Err(IamError::Gone(_)) => {
                let members = self.iam.members(self.signer, self.name);
                members.map_err(|error| FetchError { call: "GetGroup", error })?;
                Fate::Deleted
            }
            Err(error @ IamError::Full(_)) => Fate::Failed(format!("{error}; a user can be in at most ten groups")),
            Err(error @ IamError::Busy(_)) => Fate::Failed(error.to_string()),
            Err(error) => return Err(FetchError { call: change.call(), error }),
        })
    }
}
