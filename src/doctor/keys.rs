//! Access keys at rest: whether the sealed ones are whole, and whether what opens them answers.

use std::path::Path;

use super::{Facts, Finding};
use crate::host::{Keystore, NoTerminal};
use crate::messages::{ours, with_causes};
use crate::names::ProfileName;
use crate::safe::Shelf;
use crate::vault::kernel::KernelKeyring;
use crate::vault::keyring::OsKeyring;
use crate::vault::passphrase::Cost;
use crate::vault::{KeyHome, PersistentVault, Stores};

/// A name that no key has: to look it up says whether a store answers, and unlocks nothing.
const NOBODY: &str = "doctor";

pub(super) fn sealed(facts: &Facts) -> Finding {
    let limit = facts.time_left();
    sealed_in(facts, &OsKeyring::new(|| limit))
}

fn sealed_in(facts: &Facts, keyring: &dyn Keystore) -> Finding {
    let Some(folder) = facts.safe.as_deref() else {
        return Finding::skipped("this system has no place for sealed keys");
    };
    let shelf = Shelf::at(folder.to_owned());
    let found = shelf.headers().and_then(|headers| Ok((headers, shelf.rotations()?)));
    let ((headers, damaged), (rotations, damaged_rotations)) = match found {
        Ok(found) => found,
        Err(error) => return Finding::fail(with_causes(&error), readable(folder)),
    };
    if let Some(file) = damaged_rotations.first() {
        let what = format!("{} is no journal of a rotation, or is damaged", file.display());
        return Finding::fail(what, "restore it from a backup, or delete it and one of the user's keys at AWS");
    }
    if let Some(file) = damaged.first() {
        let what = format!("{} is no sealed access key, or is damaged", file.display());
        return Finding::fail(what, "restore it from a backup, or delete it and make a new access key at AWS");
    }
    let count = match headers.len() {
        0 => return Finding::skipped("no access key is sealed"),
        1 => "1 sealed access key".to_owned(),
        several => format!("{several} sealed access keys"),
    };
    let stores = Stores { kernel: &KernelKeyring, keyring };
    let place = PersistentVault::new(folder, facts.store, stores, &NoTerminal, Cost::RFC_9106).place();
    match place {
        Err(error) => Finding::fail(with_causes(&error), "restore the file from a backup, or seal the keys again"),
        Ok(Some(_)) if !rotations.is_empty() => {
            let rotation = &rotations[0];
            let profile = rotation.profiles.first().and_then(ProfileName::new);
            let what = format!("{count}; the rotation of access key {} is not finished", rotation.old);
            Finding::warn(what, format!("{} finishes it", ours("keys rotate", profile.as_ref())))
        }
        Ok(Some(KeyHome::Passphrase)) => Finding::pass(format!("{count}, under your passphrase")),
        Ok(None) => Finding::fail(
            format!("{count}, and no record of the key that opens them"),
            format!("restore the file `key-id` in {} from a backup", folder.display()),
        ),
        Ok(Some(place)) => match keyring.get(NOBODY) {
            Ok(_) => Finding::pass(format!("{count}, under a key in the {}", place.name())),
            Err(error) => Finding::fail(
                format!("{count}, and the {} that opens them cannot be used: {error}", place.name()),
                "start or unlock it; until then nothing signs in with these keys",
            ),
        },
    }
}

fn readable(folder: &Path) -> String {
    let shown = folder.to_string_lossy();
    format!("`chmod u+rwx {}`", shlex::try_quote(&shown).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{Facts, sealed_in};
    use crate::host::StoreError;
    use crate::names::ProfileName;
    use crate::safe::{Both, Rotation, Safe, Shelf};
    use crate::secret::{Credentials, Secret};
    use crate::vault::KeyHome;
    use crate::vault::tests::fakes::{Fake, Typist};
    use crate::vault::{Cost, PersistentVault, Store, Stores};

    const ARN: &str = "arn:aws:iam::123456789012:user/a";

    /// Seals a key in the folder; the keyring has what opens it, unless it fails.
    fn seal(folder: &Path, keyring: &Fake) {
        with_safe(folder, keyring, |safe, alice| {
            let header = Safe::header(alice, "AKIAALICE00000000001", ARN, jiff::Timestamp::UNIX_EPOCH);
            safe.seal(header, &Secret::from("s3cret")).expect("sealed");
        });
    }

    fn with_safe(folder: &Path, keyring: &Fake, with: impl FnOnce(&Safe<'_>, &ProfileName)) {
        let (shelf, kernel) = (Shelf::at(folder.to_owned()), Fake::default());
        let typist = Typist::typing(&["tulip", "tulip"]);
        let stores = Stores { kernel: &kernel, keyring };
        let safe = Safe::new(&shelf, PersistentVault::new(folder, Store::Auto, stores, &typist, Cost::for_tests()));
        with(&safe, &ProfileName::new("alice").expect("a name"));
    }

    #[test]
    fn what_is_sealed_and_what_keeps_it_from_being_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let found = |keyring: &Fake| {
            let finding = sealed_in(&Facts { safe: Some(folder.path().join("keys")), ..Facts::for_tests() }, keyring);
            format!("{} {}", finding.verdict.as_str(), finding.what)
        };
        let keyring = Fake::default();
        assert_eq!(found(&keyring), "skipped no access key is sealed");
        seal(&folder.path().join("keys"), &keyring);
        let store = KeyHome::Keyring.name();
        assert_eq!(found(&keyring), format!("pass 1 sealed access key, under a key in the {store}"));
        assert_eq!(
            found(&Fake::failing(&StoreError::Locked)),
            format!("fail 1 sealed access key, and the {store} that opens them cannot be used: it is locked")
        );
        with_safe(&folder.path().join("keys"), &keyring, |safe, _| {
            let mut rotation = Rotation::new("AKIAALICE00000000001", None, ARN, jiff::Timestamp::UNIX_EPOCH);
            rotation.profiles.push("alice".to_owned());
            let old = Credentials::long_term("AKIAALICE00000000001", Secret::from("s3cret"));
            safe.note_rotation(&rotation, &Both { old, new: None }).expect("noted");
            let said = "warn 1 sealed access key; the rotation of access key AKIAALICE00000000001 is not finished";
            assert_eq!(found(&keyring), said);
            safe.end_rotation(&rotation).expect("ended");
        });
        let record = folder.path().join("keys/key-id");
        let kept = fs::read(&record).expect("read");
        fs::write(&record, "x").expect("written");
        assert!(found(&keyring).starts_with("fail the folder of your sealed access keys cannot be used: "));
        fs::remove_file(&record).expect("there");
        assert_eq!(found(&keyring), "fail 1 sealed access key, and no record of the key that opens them");
        fs::write(&record, kept).expect("written");
        fs::write(folder.path().join("keys/access-key-0"), "x").expect("written");
        assert!(found(&keyring).ends_with("access-key-0 is no sealed access key, or is damaged"));
        fs::write(folder.path().join("keys/rotation-0"), "x").expect("written");
        assert!(found(&keyring).ends_with("rotation-0 is no journal of a rotation, or is damaged"));
        let other = tempfile::tempdir().expect("a folder");
        seal(other.path(), &Fake::failing(&StoreError::Absent("no bus".to_owned())));
        let finding = sealed_in(&Facts { safe: Some(other.path().to_owned()), ..Facts::for_tests() }, &keyring);
        assert_eq!(finding.what, "1 sealed access key, under your passphrase");
    }
}
