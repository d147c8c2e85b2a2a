//! Access keys at rest: whether the sealed ones are whole, and whether what opens them answers.

use std::path::Path;

use super::{Facts, Finding};
use crate::host::{Keystore, NoTerminal};
use crate::messages::with_causes;
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
    let (headers, damaged) = match Shelf::at(folder.to_owned()).headers() {
        Ok(found) => found,
        Err(error) => return Finding::fail(with_causes(&error), readable(folder)),
    };
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
    use crate::safe::{Safe, Shelf};
    use crate::secret::Secret;
    use crate::vault::tests::fakes::{Fake, Typist};
    use crate::vault::{Cost, PersistentVault, Store, Stores};

    /// Seals a key in the folder; the keyring has what opens it, unless it fails.
    fn seal(folder: &Path, keyring: &Fake) {
        let (shelf, kernel) = (Shelf::at(folder.to_owned()), Fake::default());
        let typist = Typist::typing(&["tulip", "tulip"]);
        let stores = Stores { kernel: &kernel, keyring };
        let safe = Safe::new(&shelf, PersistentVault::new(folder, Store::Auto, stores, &typist, Cost::for_tests()));
        let alice = ProfileName::new("alice").expect("a name");
        let header = Safe::header(
            &alice,
            "AKIAALICE00000000001",
            "arn:aws:iam::123456789012:user/a",
            jiff::Timestamp::UNIX_EPOCH,
        );
        safe.seal(header, &Secret::from("s3cret")).expect("sealed");
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
        assert_eq!(found(&keyring), "pass 1 sealed access key, under a key in the Secret Service");
        assert_eq!(
            found(&Fake::failing(&StoreError::Locked)),
            "fail 1 sealed access key, and the Secret Service that opens them cannot be used: it is locked"
        );
        let record = folder.path().join("keys/key-id");
        let kept = fs::read(&record).expect("read");
        fs::write(&record, "x").expect("written");
        assert!(found(&keyring).starts_with("fail the folder of your sealed access keys cannot be used: "));
        fs::remove_file(&record).expect("there");
        assert_eq!(found(&keyring), "fail 1 sealed access key, and no record of the key that opens them");
        fs::write(&record, kept).expect("written");
        fs::write(folder.path().join("keys/access-key-0"), "x").expect("written");
        assert!(found(&keyring).ends_with("access-key-0 is no sealed access key, or is damaged"));
        let other = tempfile::tempdir().expect("a folder");
        seal(other.path(), &Fake::failing(&StoreError::Absent("no bus".to_owned())));
        let finding = sealed_in(&Facts { safe: Some(other.path().to_owned()), ..Facts::for_tests() }, &keyring);
        assert_eq!(finding.what, "1 sealed access key, under your passphrase");
    }
}
