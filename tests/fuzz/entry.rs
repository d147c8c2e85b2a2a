//! A sealed entry: only the entry itself opens, whatever is in its file.
//!
//! A cache with two entries is made once. The first byte of the input selects what the rest is: the file; a list of
//! edits of a real entry; the same with the two entries spliced; a header and a plaintext sealed by somebody who has
//! the key; or the file `key-id`. Except in the last two cases the entry must be a miss, unless its bytes are the
//! original ones: then it must give exactly the original credentials.
#![no_main]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use mfa_cred::cache::{Cache, CacheUse, Key, Lookup, MinTtl, keys};
use mfa_cred::host::{Keystore, StoreError, Terminal, TerminalError};
use mfa_cred::messages::{Level, Messages};
use mfa_cred::names::{Lifetime, ProfileName};
use mfa_cred::plan::{Ambient, Plan, PlanRequest};
use mfa_cred::profile::ProfileSet;
use mfa_cred::secret::{Credentials, Secret};
use mfa_cred::state::{Folder, FolderError, Turn};
use mfa_cred::vault::seal::seal;
use mfa_cred::vault::{Cost, Store, Stores, UnlockedKey, Vault};

const CONFIG: &str = "[profile alice]\naws_access_key_id = AKIAEXAMPLEEXAMPLE00\naws_secret_access_key = s\n\
    mfa_serial = arn:aws:iam::123456789012:mfa/alice\n[profile deploy]\nsource_profile = alice\n\
    role_arn = arn:aws:iam::123456789012:role/deploy\n";
const MAGIC: &str = "mfa-cred entry 1\n";

/// A kernel keyring in memory.
#[derive(Default)]
struct Keyring(RefCell<HashMap<String, Vec<u8>>>);

impl Keystore for Keyring {
    fn get(&self, name: &str) -> Result<Option<Secret<Vec<u8>>>, StoreError> {
        Ok(self.0.borrow().get(name).cloned().map(Secret::new))
    }

    fn put(&self, name: &str, secret: &Secret<Vec<u8>>, _: Option<Duration>) -> Result<(), StoreError> {
        self.0.borrow_mut().insert(name.to_owned(), secret.expose().clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.0.borrow_mut().remove(name);
        Ok(())
    }
}

/// Nobody.
struct Nobody;

impl Terminal for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    fn ask_hidden(&self, _: &str, _: Duration) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    fn tell(&self, _: &str) {}
}

/// An entry as it was made.
struct Entry {
    key: Key,
    credentials: Credentials,
    bytes: Vec<u8>,
    path: PathBuf,
}

/// A state folder with two entries. It lives as long as the fuzzer.
struct World {
    folder: &'static Folder,
    keyring: &'static Keyring,
    cache: Cache<'static>,
    held: UnlockedKey,
    now: Timestamp,
    entries: [Entry; 2],
    _home: tempfile::TempDir,
}

fn vault(folder: &'static Folder, keyring: &'static Keyring) -> Vault<'static> {
    Vault::new(folder.path(), Store::Kernel, Stores { kernel: keyring, keyring }, &Nobody, Cost::RFC_9106)
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let folder = &*Box::leak(Box::new(Folder::open(Some(&home.path().join("state"))).expect("a state folder")));
        let keyring = &*Box::leak(Box::<Keyring>::default());
        let messages = Messages::new(Level::Error, Some(false));
        let vault = &*Box::leak(Box::new(vault(folder, keyring)));
        let cache = Cache::new(Some(folder), vault, CacheUse::ReadAndKeep, messages);
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("a time");
        let held = cache.unlock(Lifetime::from_secs(3600), now).expect("a keyring").expect("a key");

        let set = ProfileSet::parse(CONFIG, "").expect("profiles");
        let name = ProfileName::new("deploy").expect("a name");
        let plan = Plan::make(&set, &name, &PlanRequest::default(), &Ambient::default()).expect("a plan");
        let keys: [Key; 2] = keys(&plan, plan.steps.given(true)).try_into().expect("a session and a role");
        let mut number = 0;
        let entries = keys.map(|key| {
            number += 1;
            let credentials = Credentials {
                access_key_id: format!("ASIAEXAMPLEEXAMPLE0{number}"),
                secret_access_key: Secret::new(format!("secret/{number}")),
                session_token: Some(Secret::new(format!("token+{number}=="))),
                expiration: Some(now + SignedDuration::from_hours(number)),
                account: None,
            };
            let mut nothing = || Ok::<Option<()>, FolderError>(None);
            let Ok(Turn::Ours(lease)) = folder.take_turn(key.file_name(), &mut nothing, &mut |_| Ok(())) else {
                panic!("nobody else is here");
            };
            cache.save(&lease, &key, &credentials, &held, now);
            let path = folder.path().join("entries").join(key.file_name());
            let bytes = fs::read(&path).expect("it was saved");
            Entry { key, credentials, bytes, path }
        });
        Self { folder, keyring, cache, held, now, entries, _home: home }
    }

    /// What opens when these bytes are the file of an entry.
    fn opened(&self, entry: &Entry, bytes: &[u8]) -> Option<Credentials> {
        fs::write(&entry.path, bytes).expect("it is written");
        self.cache.peek(&entry.key, self.now);
        let headers = self.cache.headers(self.now);
        assert!(headers.len() <= 2, "more entries than files");
        match self.cache.lookup(&entry.key, MinTtl::PERSON, self.now).expect("a bad entry is no error") {
            Lookup::Fresh(credentials) | Lookup::Stale(credentials) => Some(credentials),
            Lookup::Miss => None,
        }
    }

    /// Only its own bytes open, and to what was sealed.
    fn opens_only_to_itself(&self, entry: &Entry, bytes: &[u8]) {
        let opened = self.opened(entry, bytes);
        if bytes != entry.bytes {
            assert!(opened.is_none(), "changed bytes opened");
            return;
        }
        let opened = opened.expect("the entry itself opens");
        let token = |credentials: &Credentials| credentials.session_token.as_ref().map(|token| token.expose().clone());
        assert_eq!(opened.access_key_id, entry.credentials.access_key_id);
        assert_eq!(opened.secret_access_key.expose(), entry.credentials.secret_access_key.expose());
        assert_eq!(token(&opened), token(&entry.credentials));
        assert_eq!(opened.expiration, entry.credentials.expiration);
    }

    /// A header and a plaintext of somebody who has the key: no panic, and what opens is what was sealed.
    fn sealed_by_another_hand(&self, input: &[u8]) {
        let [entry, _] = &self.entries;
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let (header, plain) = (&input[..at], input.get(at + 1..).unwrap_or_default());
        // An input without a header of its own gets the real one, so that the plaintext is read at all.
        let own = &entry.bytes[MAGIC.len()..];
        let own = own.split(|byte| *byte == b'\n').next().expect("a header");
        let header = if header.is_empty() { own } else { header };
        let clear = [MAGIC.as_bytes(), header, b"\n"].concat();
        let bound = [entry.key.file_name().as_bytes(), b"\n", &clear].concat();
        let sealed = seal(&self.held.key, &bound, &Secret::new(plain.to_vec())).expect("sealed");
        if let Some(opened) = self.opened(entry, &[clear, sealed].concat()) {
            let text = std::str::from_utf8(plain).expect("only text opens");
            let lines: Vec<&str> = text.split('\n').take(3).collect();
            let token = opened.session_token.as_ref().map_or("", |token| token.expose());
            assert_eq!(lines, [opened.access_key_id.as_str(), opened.secret_access_key.expose(), token]);
        }
    }

    /// Any `key-id`: what it names is a key's id and a place, and nothing panics.
    fn key_id(&self, bytes: &[u8]) {
        let file = self.folder.path().join("key-id");
        let before = fs::read(&file).expect("it is there");
        fs::write(&file, bytes).expect("it is written");
        let vault = vault(self.folder, self.keyring);
        if let Some((id, _)) = vault.current().expect("a bad record is no error") {
            assert!(id.as_str().len() == 32 && id.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(bytes.windows(32).any(|window| window == id.as_str().as_bytes()));
        }
        fs::write(&file, before).expect("it is written");
    }
}

/// The bytes after edits, four bytes each: what is done, where (two bytes), and with which byte.
fn edited(mut bytes: Vec<u8>, edits: &[u8]) -> Vec<u8> {
    for edit in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % (bytes.len() + 1);
        match edit[0] % 5 {
            0 if at < bytes.len() => bytes[at] ^= edit[3],
            1 => bytes.insert(at, edit[3]),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => bytes.rotate_left(at),
        }
    }
    bytes
}

thread_local! {
    static WORLD: World = World::new();
}

fuzz_target!(|input: &[u8]| {
    let Some((how, rest)) = input.split_first() else { return };
    WORLD.with(|world| {
        let [session, role] = &world.entries;
        match how % 5 {
            0 => world.opens_only_to_itself(session, rest),
            1 => world.opens_only_to_itself(role, &edited(role.bytes.clone(), rest)),
            2 => {
                let Some((cut, edits)) = rest.split_first_chunk::<4>() else { return };
                let at = |low: u8, high: u8, of: &Entry| usize::from(u16::from_le_bytes([low, high])) % of.bytes.len();
                let spliced =
                    [&session.bytes[..at(cut[0], cut[1], session)], &role.bytes[at(cut[2], cut[3], role)..]].concat();
                world.opens_only_to_itself(role, &edited(spliced, edits));
            }
            3 => world.sealed_by_another_hand(rest),
            _ => world.key_id(rest),
        }
    });
});
