//! The parts of an account that only an audit reads: passwords, ages and last uses of keys, the password policy, the
//! credential report.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::Aws;
use super::world::{Denial, KeyStatus};

#[derive(Default)]
pub(super) struct Account {
    /// By user: when the password was created, and when it was last used.
    pub(super) passwords: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// By access key ID: when it was created, and when it was last used.
    pub(super) keys: BTreeMap<String, (Timestamp, Option<Timestamp>)>,
    /// The minimum length, and the number of previous passwords that may not be reused.
    pub(super) policy: Option<(u32, u32)>,
    pub(super) root_has_mfa: bool,
    /// How many more times GenerateCredentialReport says that it has not finished.
    pub(super) waits: usize,
    /// Was it requested?
    pub(super) is_reported: bool,
}

fn ago(days: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(days * 24)
}

impl Aws {
    /// Adds a user without a key, unless the user exists.
    pub(crate) fn add_person(&self, name: &str) {
        self.shared.world().ensure_user(name);
    }

    /// Adds a console password, created and last used this many days ago.
    pub(crate) fn set_password(&self, user: &str, made: i64, used: Option<i64>) {
        self.shared.world().account_facts.passwords.insert(user.to_owned(), (ago(made), used.map(ago)));
    }

    /// Adds an access key of a user, created and last used this many days ago.
    pub(crate) fn add_aged_key(&self, user: &str, made: i64, used: Option<i64>) -> String {
        let mut world = self.shared.world();
        let key = world.add_key(user);
        world.account_facts.keys.insert(key.id.clone(), (ago(made), used.map(ago)));
        key.id
    }

    /// The access keys of a user, and whether each is active.
    pub(crate) fn keys_of(&self, user: &str) -> Vec<(String, bool)> {
        let world = self.shared.world();
        let of_user = world.keys.iter().filter(|(_, key)| key.user == user);
        of_user.map(|(id, key)| (id.clone(), key.status == KeyStatus::Active)).collect()
    }

    /// Sets when a key was created and last used, in days ago.
    pub(crate) fn age_key(&self, access_key_id: &str, made: i64, used: Option<i64>) {
        self.shared.world().account_facts.keys.insert(access_key_id.to_owned(), (ago(made), used.map(ago)));
    }

    /// From now on, STS answers the first calls of a new key like this (false is a refusal), and IAM refuses that many.
    pub(crate) fn new_keys_take(&self, at_sts: &[bool], at_iam: usize) {
        self.shared.world().new_keys = (at_sts.to_vec(), at_iam);
    }

    /// From now on, a user's sessions end when a key of the user becomes inactive.
    pub(crate) fn sessions_end_with_their_key(&self) {
        self.shared.world().sessions_end_with_their_key = true;
    }

    /// Sets the password policy: the minimum length, and the number of previous passwords that may not be reused.
    pub(crate) fn set_password_policy(&self, length: u32, remembered: u32) {
        self.shared.world().account_facts.policy = Some((length, remembered));
    }

    /// Gives the root user an MFA device.
    pub(crate) fn give_root_mfa(&self) {
        self.shared.world().account_facts.root_has_mfa = true;
    }

    /// GenerateCredentialReport says this many times that it has not finished.
    pub(crate) fn report_takes(&self, waits: usize) {
        self.shared.world().account_facts.waits = waits;
    }

    /// Denies this action on that resource to everybody.
    pub(crate) fn deny_on(&self, action: &str, resource: &str) {
        let denial = Denial {
            action: action.to_owned(),
            but_on: None,
            only_on: Some(resource.to_owned()),
            only_without_mfa: false,
        };
        self.shared.world().denials.push(denial);
    }

    /// Deletes a user with keys and devices, as an administrator does.
    pub(crate) fn remove_user(&self, name: &str) {
        let mut world = self.shared.world();
        world.users.remove(name).expect("a user that was made");
        world.keys.retain(|_, key| key.user != name || key.status == KeyStatus::Inactive);
    }
}
