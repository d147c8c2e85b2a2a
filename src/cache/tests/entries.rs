//! One entry: what was written can be read, and nothing else opens.

use super::{Home, at, credentials, keys_of, said};
use crate::cache::entry::{Sealed, write};
use crate::secret::{Credentials, Secret};
use crate::vault::{KeyId, UnlockedKey};

fn written(held: &UnlockedKey) -> Vec<u8> {
    write(&keys_of("deploy")[1], &credentials(at(3600)), held, at(0), at(3600)).expect("it is sealed")
}

#[test]
fn what_is_written_is_read() {
    let held = Home::new().held();
    let [session, deploy] = keys_of("deploy");
    for (key, account, token) in [
        (&session, "123456789012", Some("the token")),
        (&deploy, "123456789012", Some("the token")),
        (&deploy, "123456789012", None),
    ] {
        let before = Credentials { session_token: token.map(Secret::from), ..credentials(at(3600)) };
        let bytes = write(key, &before, &held, at(0), at(3600)).expect("it is sealed");
        let sealed = Sealed::read(bytes).expect("an entry");
        assert_eq!((sealed.header.made, sealed.header.end), (at(0), at(3600)));
        let mut wanted = said(&before);
        wanted.4 = Some(account.to_owned());
        assert_eq!(said(&sealed.open(key, &held).expect("it opens")), wanted);
    }
}

#[test]
fn an_entry_with_a_changed_or_missing_byte_does_not_open() {
    let held = Home::new().held();
    let bytes = written(&held);
    let opens =
        |bytes: Vec<u8>| Sealed::read(bytes).and_then(|sealed| sealed.open(&keys_of("deploy")[1], &held)).is_some();
    assert!(opens(bytes.clone()));
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(!opens(changed), "byte {place}");
        assert!(!opens(bytes[..place].to_vec()), "cut to {place}");
    }
    assert!(!opens([&bytes[..], b"x"].concat()), "lengthened");
}

#[test]
fn an_entry_opens_only_with_its_key_and_under_its_name() {
    let held = Home::new().held();
    let sealed = Sealed::read(written(&held)).expect("an entry");
    let [session, deploy] = keys_of("deploy");
    assert!(sealed.open(&deploy, &held).is_some());
    assert!(sealed.open(&session, &held).is_none(), "another identity");
    assert!(sealed.open(&deploy, &Home::new().held()).is_none(), "another sealing key");
    // The header must be right even if the bytes of the key are.
    let renamed = UnlockedKey { id: KeyId::random().expect("random numbers"), ..held.clone() };
    assert!(sealed.open(&deploy, &renamed).is_none(), "another name of the sealing key");
}

#[test]
fn an_entry_reveals_nothing_of_the_credentials() {
    let bytes = written(&Home::new().held());
    for secret in ["the secret", "the token", "ASIADEPLOY"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    assert!(bytes.windows(6).any(|window| window == b"deploy"), "the header is clear");
}
