//! What only an audit asks of an account: passwords, the ages and uses of keys, the password policy, the report.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Aws;
use super::world::{Denial, KeyStatus};

#[derive(Default)]
pub(super) struct Account {
    /// By user: when the password was made, and last used.
    pub(super) passwords: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// By access key id: when it was made, and last used.
    pub(super) keys: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// The fewest characters, and how many passwords are remembered.
    pub(super) policy: Option<(u32, u32)>,
    pub(super) root_has_mfa: bool,
    /// How often GenerateCredentialReport still says that it is under way.
    pub(super) waits: usize,
    /// Was it asked for?
    pub(super) is_reported: bool,
}

fn ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(days * 24)
}

impl Aws {
    /// A user without a key, if new.
    pub(crate) fn add_person(&self, name: &str) {
        self.shared.world().ensure_user(name);
    }

    /// A console password, made and last used so many days ago.
    pub(crate) fn set_password(&self, user: &str, made: i64, used: Option<i64>) {
        self.shared.world().account_facts.passwords.insert(user.to_owned(), (ago(made), used.map(ago)));
    }

    /// An access key of a user's, made and last used so many days ago.
    pub(crate) fn add_aged_key(&self, user: &str, made: i64, used: Option<i64>) -> String {
        let mut world = self.shared.world();
        let key = world.add_key(user);
        world.account_facts.keys.insert(key.id.clone(), (ago(made), used.map(ago)));
        key.id
    }

    /// The password policy: the fewest characters, and how many passwords are remembered.
    pub(crate) fn set_password_policy(&self, length: u32, remembered: u32) {
        self.shared.world().account_facts.policy = Some((length, remembered));
    }

    /// The root user has an MFA device.
    pub(crate) fn give_root_mfa(&self) {
        self.shared.world().account_facts.root_has_mfa = true;
    }

    /// GenerateCredentialReport says so often that it is under way.
    pub(crate) fn report_takes(&self, waits: usize) {
        self.shared.world().account_facts.waits = waits;
    }

    /// Nobody may call this action on that resource.
    pub(crate) fn deny_on(&self, action: &str, resource: &str) {
        let denial = Denial {
            action: action.to_owned(),
            but_on: None,
            only_on: Some(resource.to_owned()),
            only_without_mfa: false,
        };
        self.shared.world().denials.push(denial);
    }

    /// Takes a user away, with keys and devices, as an administrator does.
    pub(crate) fn remove_user(&self, name: &str) {
        let mut world = self.shared.world();
        world.users.remove(name).expect("a user that was made");
        world.keys.retain(|_, key| key.user != name || key.status == KeyStatus::Inactive);
    }
}
