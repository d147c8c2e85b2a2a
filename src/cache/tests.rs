//! The cache in a real folder, with stores, a person and a clock in memory.

mod entries;
mod identities;
mod sweeping;

use std::convert::Infallible;

use tempfile::TempDir;

use super::*;
use crate::host::StoreError;
use crate::host::fake_clock::at;
use crate::messages::Level;
use crate::plan::{Ambient, Plan, PlanRequest};
use crate::profile::ProfileSet;
use crate::secret::Secret;
use crate::vault::tests::fakes::{Fake, Typist};
use crate::vault::{Cost, Store, Stores};

const CONFIG: &str = "[profile alice]\naws_access_key_id = AKIAALICE00000000001\naws_secret_access_key = secret\n\
    mfa_serial = arn:aws:iam::123456789012:mfa/alice\n\
    [profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n\
    [profile audit]\nrole_arn = arn:aws:iam::210987654321:role/audit\nsource_profile = alice\n";

fn plan(profile: &str) -> Plan {
    let set = ProfileSet::parse(CONFIG, "").expect("profiles");
    let profile = ProfileName::new(profile).expect("a name");
    Plan::make(&set, &profile, &PlanRequest::default(), &Ambient::default()).expect("a plan")
}

/// The keys of `alice`'s session and of a role that uses it.
fn keys_of(profile: &str) -> [Key; 2] {
    let plan = plan(profile);
    keys(&plan, plan.steps.given(true)).try_into().expect("a session and a role")
}

fn credentials(end: Timestamp) -> Credentials {
    Credentials {
        access_key_id: "ASIADEPLOY0000000001".to_owned(),
        secret_access_key: Secret::from("the secret"),
        session_token: Some(Secret::from("the token")),
        expiration: Some(end),
        account: None,
    }
}

/// The fields of credentials, for comparison.
fn said(credentials: &Credentials) -> (String, String, Option<String>, Option<Timestamp>, Option<String>) {
    (
        credentials.access_key_id.clone(),
        credentials.secret_access_key.expose().clone(),
        credentials.session_token.as_ref().map(|token| token.expose().clone()),
        credentials.expiration,
        credentials.account.as_ref().map(|account| account.as_str().to_owned()),
    )
}

struct Home {
    _place: TempDir,
    folder: Folder,
    kernel: Fake,
    keyring: Fake,
    typist: Typist,
}

impl Home {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&place.path().join("state"))).expect("it is made");
        Self { _place: place, folder, kernel: Fake::default(), keyring: Fake::default(), typist: Typist::default() }
    }

    fn vault(&self, store: Store) -> Vault<'_> {
        Vault::new(
            self.folder.path(),
            store,
            Stores { kernel: &self.kernel, keyring: &self.keyring },
            &self.typist,
            Cost::for_tests(),
        )
    }

    fn cache<'a>(&'a self, vault: &'a Vault<'a>) -> Cache<'a> {
        Cache::new(Some(&self.folder), vault, CacheUse::ReadAndKeep, Messages::new(Level::Error, Some(false)))
    }

    fn held(&self) -> UnlockedKey {
        self.vault(Store::Auto).find_or_make(Duration::from_hours(1)).expect("a key")
    }

    fn entries(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("entries")).map_or(0, Iterator::count)
    }
}

fn lease(cache: &Cache<'_>) -> Lease {
    match cache.take_turn::<(), Infallible>("a-lock", &mut || Ok(None), &mut |_| Ok(())) {
        Ok(Some(Turn::Ours(lease))) => lease,
        other => panic!("{other:?}"),
    }
}

/// Saves credentials that are made now and valid for `life` seconds.
fn keep(cache: &Cache<'_>, key: &Key, life: u32) -> UnlockedKey {
    let held = cache.unlock(Lifetime::from_secs(life), at(0)).expect("no store is demanded").expect("a key");
    cache.save(&lease(cache), key, &credentials(at(life.into())), &held, at(0));
    held
}

fn found(cache: &Cache<'_>, key: &Key, now: Timestamp) -> &'static str {
    match cache.lookup(key, MinTtl::PERSON, now).expect("no store is demanded") {
        Lookup::Fresh(_) => "fresh",
        Lookup::Stale(_) => "stale",
        Lookup::Miss => "miss",
    }
}

#[test]
fn an_entry_is_valid_until_its_kind_needs_renewal() {
    use Standing::{Fresh, Over, Stale};
    let standing = |min_ttl: MinTtl, life: i64, left: i64| {
        let end = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1_000_000 / 3600);
        let (made, now) = (end - SignedDuration::from_secs(life), end - SignedDuration::from_secs(left));
        min_ttl.standing(made, end, now)
    };
    for (life, left, person, sdk) in [
        (3600, 3600, Fresh, Fresh),
        (3600, 1200, Fresh, Fresh),
        (3600, 1199, Fresh, Stale),
        (3600, 300, Fresh, Stale),
        (3600, 299, Stale, Stale),
        (3600, 60, Stale, Stale),
        (3600, 59, Over, Over),
        (3600, -1, Over, Over),
        // Below a tenth, for lifetimes of half an hour or less.
        (1800, 180, Fresh, Fresh),
        (1800, 179, Stale, Stale),
        (900, 91, Fresh, Fresh),
        (30, 3, Fresh, Fresh),
        (30, 2, Over, Over),
    ] {
        assert_eq!(standing(MinTtl::PERSON, life, left), person, "person {life} {left}");
        assert_eq!(standing(MinTtl::SDK, life, left), sdk, "sdk {life} {left}");
    }
    assert_eq!(standing(MinTtl::RENEWAL, 90, 89), Stale, "a renewal does not wait for the last tenth of a short life");
    assert_eq!((standing(MinTtl::RENEWAL, 3600, 300), standing(MinTtl::RENEWAL, 3600, 299)), (Fresh, Stale));
    let none = MinTtl::of(Lifetime::from_secs(0));
    assert_eq!((standing(none, 3600, 1), standing(none, 3600, 0)), (Fresh, Over), "`--min-ttl 0` serves to the end");
}

#[test]
fn a_saved_entry_is_found_until_it_expires() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    let [session, deploy] = keys_of("deploy");
    assert_eq!(found(&cache, &deploy, at(0)), "miss");
    keep(&home.cache(&vault), &deploy, 3600);
    let cache = home.cache(&vault);
    let Ok(Lookup::Fresh(kept)) = cache.lookup(&deploy, MinTtl::PERSON, at(0)) else { panic!("it is fresh") };
    let mut wanted = said(&credentials(at(3600)));
    wanted.4 = Some("123456789012".to_owned());
    assert_eq!(said(&kept), wanted);
    for (second, standing) in [(3300, "fresh"), (3301, "stale"), (3540, "stale"), (3541, "miss"), (9999, "miss")] {
        assert_eq!(found(&cache, &deploy, at(second)), standing, "{second}");
    }
    assert_eq!(found(&cache, &session, at(0)), "miss", "another key's");
    assert_eq!(cache.folder().map(Folder::path), Some(home.folder.path()));
}

#[test]
fn credentials_that_never_expire_are_not_cached() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    let held = cache.unlock(Lifetime::from_secs(3600), at(0)).expect("no store is demanded").expect("a key");
    let endless = Credentials { expiration: None, ..credentials(at(0)) };
    cache.save(&lease(&cache), &keys_of("deploy")[1], &endless, &held, at(0));
    assert_eq!(home.entries(), 0);
}

#[test]
fn headers_of_valid_entries_are_read_without_a_store() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    let [session, deploy] = keys_of("deploy");
    keep(&cache, &session, 7200);
    let held = keep(&cache, &deploy, 3600);
    let calls = (home.kernel.calls(), home.keyring.calls());
    let header = cache.peek(&deploy, at(3599)).expect("it lives");
    let wanted = Header {
        identity: deploy.file_name().to_owned(),
        profile: "deploy".to_owned(),
        kind: EntryKind::Role,
        account: Some("123456789012".to_owned()),
        role: Some("arn:aws:iam::123456789012:role/deploy".to_owned()),
        made: at(0),
        end: at(3600),
        clock: None,
        login: None,
        key: held.id.as_str().to_owned(),
    };
    assert_eq!(header, wanted);
    assert_eq!(cache.peek(&deploy, at(3600)), None, "it has ended");
    assert_eq!(cache.peek(&keys_of("audit")[1], at(0)), None);
    for (second, wanted) in [(3599, 2), (3600, 1), (7200, 0)] {
        assert_eq!(cache.headers(at(second)).len(), wanted, "{second}");
    }
    assert_eq!(cache.headers(at(3600))[0].kind, EntryKind::Session);
    assert_eq!((home.kernel.calls(), home.keyring.calls()), calls);

    // Entries of a missing key cannot be opened, so they are not listed, with or without a new key.
    vault.destroy().expect("the stores work");
    assert_eq!(cache.headers(at(0)).len(), 0);
    home.held();
    assert_eq!((cache.headers(at(0)).len(), cache.peek(&deploy, at(0))), (0, None));
    assert_eq!(found(&home.cache(&vault), &deploy, at(0)), "miss");
}

#[test]
fn without_a_folder_or_with_no_cache_nothing_is_read_saved_or_asked() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let messages = Messages::new(Level::Error, Some(false));
    let [_, deploy] = keys_of("deploy");
    let held = keep(&home.cache(&vault), &deploy, 3600);
    let calls = (home.kernel.calls(), home.keyring.calls());
    let plan = plan("deploy");
    let serial: crate::names::MfaSerial = "arn:aws:iam::123456789012:mfa/alice".parse().expect("a serial");
    home.cache(&vault).keep_device(&plan, &serial);
    for (what, folder, use_of_it) in [
        ("no folder", None, CacheUse::ReadAndKeep),
        ("--no-cache", Some(&home.folder), CacheUse::Nothing),
        ("neither", None, CacheUse::Nothing),
    ] {
        let cache = Cache::new(folder, &vault, use_of_it, messages);
        assert_eq!(found(&cache, &deploy, at(0)), "miss", "{what}");
        assert!(cache.unlock(Lifetime::from_secs(3600), at(0)).expect(what).is_none(), "{what}");
        assert_eq!(cache.known_device(&plan), None, "{what}");
        assert_eq!((home.kernel.calls(), home.keyring.calls()), calls, "{what}");
    }
    let other: crate::names::MfaSerial = "arn:aws:iam::123456789012:mfa/other".parse().expect("a serial");
    Cache::new(Some(&home.folder), &vault, CacheUse::Nothing, messages).keep_device(&plan, &other);
    assert_eq!(home.cache(&vault).known_device(&plan), Some(serial));

    let cache = Cache::new(None, &vault, CacheUse::ReadAndKeep, messages);
    let turn = cache.take_turn::<(), Infallible>("a-lock", &mut || panic!("nobody is waited for"), &mut |_| Ok(()));
    assert!(matches!(turn, Ok(None)));
    cache.save(&lease(&home.cache(&vault)), &deploy, &credentials(at(9)), &held, at(0));
    cache.forget(&deploy);
    let name = ProfileName::new("deploy").expect("a name");
    assert_eq!(
        (cache.clear(&name, &keys_of("deploy")).count, cache.clear_all().count, cache.headers(at(0)).len()),
        (0, 0, 0)
    );
    assert_eq!(cache.peek(&deploy, at(0)), None);
    assert_eq!(found(&home.cache(&vault), &deploy, at(0)), "fresh", "it was not touched");
}

#[test]
fn the_kernel_keeps_the_key_a_little_longer_than_the_last_entry() {
    let home = Home::new();
    home.keyring.fail(Some(&StoreError::Absent("no bus".to_owned())));
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    let life = |seconds| Some(Duration::from_secs(seconds) + MARGIN);
    let held = cache.unlock(Lifetime::from_secs(900), at(0)).expect("no store is demanded").expect("a key");
    assert_eq!(home.kernel.life_of(&held), life(900));
    let [session, deploy] = keys_of("deploy");
    keep(&cache, &session, 7200);
    assert_eq!(home.kernel.life_of(&held), life(7200));
    keep(&cache, &deploy, 3600);
    assert_eq!(home.kernel.life_of(&held), life(7200), "the session lives longer");
}

#[test]
fn the_store_is_opened_once_for_all_entries() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let [session, deploy] = keys_of("deploy");
    keep(&home.cache(&vault), &session, 3600);
    keep(&home.cache(&vault), &deploy, 3600);
    let calls = home.kernel.calls();
    // Like the next process, which remembers nothing.
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    assert_eq!([&session, &deploy].map(|key| found(&cache, key, at(0))), ["fresh", "fresh"]);
    assert_eq!(home.kernel.calls(), calls + 1);
    assert_eq!(found(&home.cache(&vault), &session, at(9999)), "miss");
    assert_eq!(home.kernel.calls(), calls + 1, "what is over needs no key");
}

#[test]
fn a_failing_store_disables_the_cache_or_is_an_error_if_configured() {
    for (store, is_error, warns) in
        [(Store::Auto, false, true), (Store::Kernel, true, false), (Store::None, false, false)]
    {
        let home = Home::new();
        let [_, deploy] = keys_of("deploy");
        keep(&home.cache(&home.vault(Store::Auto)), &deploy, 3600);
        home.kernel.fail(Some(&StoreError::Failed("odd".to_owned())));
        home.keyring.fail(Some(&StoreError::Locked));
        let vault = home.vault(store);
        let cache = home.cache(&vault);
        let looked = cache.lookup(&deploy, MinTtl::PERSON, at(0));
        assert_eq!(looked.is_err(), is_error, "{store:?}");
        assert!(matches!(looked, Err(VaultError::Demanded { .. }) | Ok(Lookup::Miss)), "{store:?}");
        assert!(!cache.has_warned.get(), "reading does not warn");
        let unlocked = cache.unlock(Lifetime::from_secs(3600), at(0));
        assert_eq!(unlocked.is_err(), is_error, "{store:?}");
        assert!(matches!(unlocked, Err(VaultError::Demanded { .. }) | Ok(None)), "{store:?}");
        assert_eq!(cache.has_warned.get(), warns, "{store:?}");
    }
}

#[test]
fn each_stores_error_comes_with_a_hint() {
    let absent = || StoreError::Absent("no bus".to_owned());
    let start =
        "start or unlock the system's keyring, or set `store = passphrase`; `store = none` turns this warning off";
    for (error, wanted) in [
        (
            VaultError::NoStore { kernel: StoreError::Failed("odd".to_owned()), keyring: absent() },
            format!(" (kernel keyring: odd; system keyring: it is not available: no bus); {start}"),
        ),
        (
            VaultError::NoStore { kernel: StoreError::Full, keyring: absent() },
            " (kernel keyring: the kernel's quota of keys for this user is used up; system keyring: it is not \
             available: no bus); `keyctl show @u` lists the keys that fill the quota"
                .to_owned(),
        ),
        (
            VaultError::Unreachable { kernel: None, keyring: Some(StoreError::Locked) },
            format!(" (system keyring: it is locked); {start}"),
        ),
        (VaultError::Folder(std::io::ErrorKind::StorageFull.into()), " (no storage space)".to_owned()),
        (VaultError::Busy(Duration::from_secs(3)), String::new()),
    ] {
        assert_eq!(reasons(&error), wanted, "{error:?}");
    }
}

#[test]
fn clearing_removes_only_the_profiles_entries() {
    let home = Home::new();
    let vault = home.vault(Store::Auto);
    let cache = home.cache(&vault);
    let ([session, deploy], [_, audit]) = (keys_of("deploy"), keys_of("audit"));
    let name = |name| ProfileName::new(name).expect("a name");
    let fill = || [&session, &deploy, &audit].map(|key| keep(&cache, key, 3600));
    let left = || [&session, &deploy, &audit].map(|key| cache.peek(key, at(0)).is_some());

    fill();
    assert_eq!((cache.clear(&name("deploy"), &[]).count, left()), (1, [true, false, true]));
    fill();
    assert_eq!((cache.clear(&name("deploy"), &keys_of("deploy")).count, left()), (2, [false, false, true]));
    fill();
    assert_eq!((cache.clear(&name("nobody"), &[]).count, left()), (0, [true, true, true]));
    cache.forget(&audit);
    assert_eq!(left(), [true, true, false]);

    let plan = plan("deploy");
    let serial: crate::names::MfaSerial = "arn:aws:iam::123456789012:mfa/alice".parse().expect("a serial");
    cache.keep_device(&plan, &serial);
    assert_eq!(cache.known_device(&plan), Some(serial.clone()));
    cache.forget_device(&plan);
    assert_eq!(cache.known_device(&plan), None);
    cache.keep_device(&plan, &serial);
    fill();
    std::fs::write(home.folder.path().join("entries/unreadable"), "no entry").expect("it is written");
    assert_eq!((cache.clear_all().count, left(), home.entries()), (3, [false, false, false], 0));
    assert_eq!(cache.known_device(&plan), None);
}

#[test]
fn without_locks_existing_entries_are_still_read() {
    let home = Home::new();
    std::fs::write(home.folder.path().join("locks"), "no folder").expect("it is written");
    let vault = home.vault(Store::Auto);
    for (ready, wanted) in [(Ok(Some(7)), Ok(Some(7))), (Ok(None), Ok(None)), (Err("odd"), Err("odd"))] {
        let cache = home.cache(&vault);
        let turn = cache.take_turn("a-lock", &mut || ready, &mut |_| Ok(()));
        let turn =
            turn.map(|turn| turn.map(|turn| if let Turn::Ready(value) = turn { value } else { panic!("a lock") }));
        assert_eq!((turn, cache.has_warned.get()), (wanted, true), "{ready:?}");
    }
}
