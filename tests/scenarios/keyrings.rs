//! The key stores against the real kernel and a real Secret Service.
//!
//! A process's environment determines its bus, and its user determines the kernel's limits. Both differ only between
//! processes, so the tests start this test binary again as a child that plays one part (`a_part`), and read what it
//! reports.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mfa_cred::host::{Keystore, StoreError, Terminal, TerminalError};
use mfa_cred::secret::Secret;
use mfa_cred::vault::kernel::KernelKeyring;
use mfa_cred::vault::keyring::OsKeyring;
use mfa_cred::vault::{Cost, KeyId, Store, Stores, Vault};

use crate::support::secret_service::{SecretService, missing_program};
use crate::support::tools::{skip, skip_without};

/// Names the part that a child plays, and its arguments.
const PART: &str = "MFA_CRED_TEST_PART";
const MINUTE: Duration = Duration::from_mins(1);

/// A name in the kernel keyring that is removed at the end of the test.
struct Name(String);

impl Name {
    fn new() -> Self {
        Self(KeyId::random().expect("random numbers").to_string())
    }

    fn is_in(&self, ring: &str) -> bool {
        let description = format!("mfa-cred:{}", self.0);
        let found = Command::new("keyctl").args(["search", ring, "user", &description]).output();
        found.expect("keyctl runs").status.success()
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let _ = KernelKeyring.delete(&self.0);
    }
}

fn secret(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

fn text(answer: Result<Option<Secret<Vec<u8>>>, StoreError>) -> Option<String> {
    let bytes = answer.expect("the store answers")?;
    Some(String::from_utf8(bytes.expose().clone()).expect("text"))
}

/// Plays `part` in a child process and returns its report, with the time that the whole process took.
fn play(part: &str, mut command: Command) -> (String, Duration) {
    let started = Instant::now();
    let Output { status, stdout, stderr } =
        command.env(PART, part).stdin(Stdio::null()).output().expect("the child runs");
    let took = started.elapsed();
    assert!(status.success(), "{part}: {}", String::from_utf8_lossy(&stderr));
    let stdout = String::from_utf8(stdout).expect("text");
    let report = stdout.lines().find_map(|line| line.split_once("report: ")).expect("a report").1;
    (report.to_owned(), took)
}

/// This test binary, told to run only `a_part`.
fn child() -> Vec<std::ffi::OsString> {
    let program = std::env::current_exe().expect("this program");
    // The test harness omits the name of the program.
    let (_, module) = module_path!().split_once("::").expect("a module of this program");
    let part = format!("{module}::a_part");
    let words = ["--exact", &part, "--ignored", "--nocapture"].map(Into::into);
    [program.into_os_string()].into_iter().chain(words).collect()
}

fn play_with(service: &SecretService, part: &str) -> (String, Duration) {
    let words = child();
    let mut command = service.command(&words[0]);
    command.args(&words[1..]);
    play(part, command)
}

#[test]
#[ignore = "played by the other tests, in a process of its own"]
fn a_part() {
    let part = std::env::var(PART).expect("the part that the parent names");
    let words: Vec<&str> = part.split(' ').collect();
    let keyring = OsKeyring::new(|| Duration::from_millis(1500));
    let report = match words[..] {
        ["get", name] => format!("{:?}", keyring.get(name).map(|found| found.map(|s| s.expose().clone()))),
        ["put", name, value] => format!("{:?}", keyring.put(name, &secret(value), None)),
        ["delete", name] => format!("{:?}", keyring.delete(name)),
        ["three-gets", name] => {
            let times: Vec<u128> = (0..3)
                .map(|_| {
                    let started = Instant::now();
                    keyring.get(name).expect_err("a silent bus");
                    started.elapsed().as_millis()
                })
                .collect();
            format!("{} {} {}", times[0], times[1], times[2])
        }
        ["kernel-get", name] => format!("{:?}", KernelKeyring.get(name).map(|found| found.map(|s| s.expose().len()))),
        ["kernel-fill"] => fill_the_quota(),
        ["vault", folder] => find_or_make(folder, &keyring),
        _ => panic!("no such part: {part}"),
    };
    writeln!(std::io::stdout(), "\nreport: {report}").expect("the parent reads");
}

/// Uses up the quota of a user who has no other keys, and returns the kernel keyring's answer then.
fn fill_the_quota() -> String {
    // An expired key returns its own share of the quota but not that of its link: after a few runs there would be no
    // room left.
    let cleared = Command::new("keyctl").args(["clear", "@u"]).status();
    assert!(cleared.expect("keyctl runs").success());
    let names: Vec<Name> = (0..300).map(|_| Name::new()).collect();
    let answers: Vec<_> = names.iter().map(|name| KernelKeyring.put(&name.0, &secret("x"), Some(MINUTE))).collect();
    let stored = answers.iter().take_while(|answer| answer.is_ok()).count();
    let half_set = names[stored..].iter().filter(|name| !matches!(KernelKeyring.get(&name.0), Ok(None))).count();
    let prolonged = KernelKeyring.put(&names[0].0, &secret("x"), Some(MINUTE));
    format!("{:?} half set: {half_set} prolonged: {prolonged:?}", answers[stored])
}

fn find_or_make(folder: &str, keyring: &OsKeyring) -> String {
    let vault =
        Vault::new(folder.as_ref(), Store::Auto, Stores { kernel: &KernelKeyring, keyring }, &Nobody, Cost::RFC_9106);
    let held = vault.find_or_make(MINUTE).expect("a key");
    format!("{} {}", held.place.as_str(), held.id)
}

/// No terminal.
struct Nobody;

impl Terminal for Nobody {
    fn is_there(&self) -> bool {
        false
    }

    fn ask_hidden(&self, _prompt: &str, _limit: Duration) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    fn tell(&self, _line: &str) {}
}

#[test]
fn the_kernel_stores_replaces_and_deletes_a_key() {
    let name = Name::new();
    assert_eq!(text(KernelKeyring.get(&name.0)), None);
    for value in ["first", "second", &"long ".repeat(1000)] {
        KernelKeyring.put(&name.0, &secret(value), Some(MINUTE)).expect("kept");
        assert_eq!(text(KernelKeyring.get(&name.0)).as_deref(), Some(value));
    }
    KernelKeyring.delete(&name.0).expect("deleted");
    assert_eq!(text(KernelKeyring.get(&name.0)), None);
    KernelKeyring.delete(&name.0).expect("nothing to delete is no error");
}

#[test]
fn a_kernel_key_is_private_to_its_owner_and_expires() {
    let name = Name::new();
    KernelKeyring.put(&name.0, &secret("x"), Some(MINUTE)).expect("kept");
    let description = format!("mfa-cred:{}", name.0);
    let keys = std::fs::read_to_string("/proc/keys").expect("readable");
    let line = keys.lines().find(|line| line.contains(&description)).expect("it is listed");
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(fields[4], "3f3f0000", "{line}");
    assert!(["1m", "59s", "58s"].contains(&fields[3]), "{line}");
}

#[test]
fn a_new_timeout_replaces_the_old_one_longer_or_shorter() {
    let name = Name::new();
    KernelKeyring.put(&name.0, &secret("x"), Some(Duration::from_secs(1))).expect("kept");
    KernelKeyring.put(&name.0, &secret("x"), Some(MINUTE)).expect("prolonged");
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(text(KernelKeyring.get(&name.0)).as_deref(), Some("x"));
    KernelKeyring.put(&name.0, &secret("x"), Some(Duration::from_secs(1))).expect("shortened");
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(text(KernelKeyring.get(&name.0)), None, "an expired key is none");
    KernelKeyring.put(&name.0, &secret("y"), Some(MINUTE)).expect("kept again");
    assert_eq!(text(KernelKeyring.get(&name.0)).as_deref(), Some("y"));
}

#[test]
fn a_revoked_key_counts_as_missing() {
    let name = Name::new();
    KernelKeyring.put(&name.0, &secret("x"), Some(MINUTE)).expect("kept");
    let description = format!("mfa-cred:{}", name.0);
    let revoked = Command::new("sh")
        .args(["-c", r#"keyctl revoke "$(keyctl search @u user "$1")""#, "sh", &description])
        .status();
    assert!(revoked.expect("keyctl runs").success());
    assert_eq!(text(KernelKeyring.get(&name.0)), None);
    KernelKeyring.put(&name.0, &secret("y"), Some(MINUTE)).expect("kept again");
    assert_eq!(text(KernelKeyring.get(&name.0)).as_deref(), Some("y"));
}

/// Login, `su`, cron and `setsid` sessions differ in their session keyring: the same one, a new one, or none.
#[test]
fn every_session_of_the_user_can_read_the_key() {
    let name = Name::new();
    KernelKeyring.put(&name.0, &secret("12345"), Some(MINUTE)).expect("kept");
    let part = format!("kernel-get {}", name.0);
    for session in
        [&[][..], &["setsid", "--wait"], &["keyctl", "session", "-"], &["setsid", "--wait", "keyctl", "session", "x"]]
    {
        let words: Vec<_> = session.iter().map(Into::into).chain(child()).collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        assert_eq!(play(&part, command).0, "Ok(Some(5))", "{session:?}");
    }
    assert!(name.is_in("@u"));
}

#[test]
fn the_key_survives_logout_in_the_persistent_keyring() {
    let name = Name::new();
    KernelKeyring.put(&name.0, &secret("x"), Some(MINUTE)).expect("kept");
    let description = format!("mfa-cred:{}", name.0);
    // What remains after the user keyring was removed with the user's last process.
    let lost = Command::new("sh")
        .args(["-c", r#"keyctl unlink "$(keyctl search @u user "$1")" @u"#, "sh", &description])
        .status();
    assert!(lost.expect("keyctl runs").success());
    assert!(!name.is_in("@u"));
    assert_eq!(text(KernelKeyring.get(&name.0)).as_deref(), Some("x"));
    assert!(name.is_in("@u"), "the next reader finds it at once");
    KernelKeyring.delete(&name.0).expect("deleted");
    assert_eq!(text(KernelKeyring.get(&name.0)), None, "a copy was left in the persistent keyring");
}

#[test]
fn a_full_quota_is_reported_and_leaves_nothing_half_written() {
    // Root's quota is a million keys; only root can become another user.
    if !rustix::process::geteuid().is_root() {
        return skip("a full quota", "root, who alone can run a child as another user,");
    }
    // `nobody`, or another user for two runs at the same time.
    let user = 40_000 + std::process::id() % 20_000;
    let words = ["setpriv", "--clear-groups"].map(str::to_owned).into_iter();
    let words = words.chain([format!("--reuid={user}"), format!("--regid={user}")]);
    let words: Vec<_> = words.map(Into::into).chain(child()).collect();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    assert_eq!(play("kernel-fill", command).0, "Err(Full) half set: 0 prolonged: Ok(())");
}

#[test]
fn the_keyring_entry_is_readable_by_other_tools() {
    if let Some(program) = missing_program() {
        return skip_without("the Secret Service", program);
    }
    let service = SecretService::unlocked();
    assert_eq!(play_with(&service, "get a").0, "Ok(None)");
    assert_eq!(play_with(&service, "put a hello").0, "Ok(())");
    assert_eq!(play_with(&service, "get a").0, format!("Ok(Some({:?}))", b"hello"));
    assert_eq!(service.lookup(&["service", "mfa-cred", "username", "a"]).as_deref(), Some("68656c6c6f"));
    assert_eq!(play_with(&service, "put a other").0, "Ok(())");
    assert_eq!(play_with(&service, "get a").0, format!("Ok(Some({:?}))", b"other"));
    assert_eq!(play_with(&service, "delete a").0, "Ok(())");
    assert_eq!(play_with(&service, "delete a").0, "Ok(())");
    assert_eq!(play_with(&service, "get a").0, "Ok(None)");
    assert_eq!(service.lookup(&["service", "mfa-cred", "username", "a"]), None);
}

#[test]
fn a_locked_keyring_is_told_from_one_without_the_entry() {
    if let Some(program) = missing_program() {
        return skip_without("the Secret Service", program);
    }
    let mut service = SecretService::unlocked();
    assert_eq!(play_with(&service, "put a hello").0, "Ok(())");
    service.lock();
    let (report, took) = play_with(&service, "get a");
    assert_eq!(report, "Err(Locked)");
    assert!(took < Duration::from_secs(3), "{took:?}");
    service.unlock();
    assert_eq!(play_with(&service, "get a").0, format!("Ok(Some({:?}))", b"hello"));
}

#[test]
fn a_locked_keyring_accepts_no_key() {
    if let Some(program) = missing_program() {
        return skip_without("the Secret Service", program);
    }
    let mut service = SecretService::locked();
    assert_eq!(play_with(&service, "put a hello").0, "Err(Locked)");
    service.unlock();
    assert_eq!(play_with(&service, "get a").0, "Ok(None)");
}

#[test]
fn a_missing_bus_or_service_is_reported_at_once() {
    if let Some(program) = missing_program() {
        return skip_without("the Secret Service", program);
    }
    for service in [SecretService::absent(), SecretService::empty_bus()] {
        for part in ["get a", "put a x", "delete a"] {
            let (report, took) = play_with(&service, part);
            assert!(report.starts_with("Err(Absent("), "{part}: {report}");
            assert!(took < Duration::from_secs(1), "{part}: {took:?}");
        }
    }
}

#[test]
fn a_silent_bus_costs_one_timeout_and_does_not_keep_the_process_alive() {
    let service = SecretService::silent();
    let (report, took) = play_with(&service, "three-gets a");
    let times: Vec<u64> = report.split(' ').map(|time| time.parse().expect("milliseconds")).collect();
    assert!((1500..2500).contains(&times[0]), "{times:?}");
    assert!(times[1] < 100 && times[2] < 100, "{times:?}");
    assert!(took < Duration::from_secs(4), "the stuck thread held the process back: {took:?}");
    assert!(play_with(&service, "get a").0.starts_with("Err(Silent("));
}

#[test]
fn a_desktop_and_a_cron_job_share_one_key() {
    if let Some(program) = missing_program() {
        return skip_without("the Secret Service", program);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let part = format!("vault {}", folder.path().to_str().expect("a path in UTF-8"));
    let mut desktop = SecretService::unlocked();
    let (made, _) = play_with(&desktop, &part);
    let id = made.strip_prefix("keyring ").expect("it lives in the keyring");
    let name = Name(id.to_owned());
    assert!(name.is_in("@u"), "the kernel has a copy");
    for cron in [SecretService::absent(), SecretService::silent()] {
        let (found, took) = play_with(&cron, &part);
        assert_eq!(found, made);
        assert!(took < Duration::from_secs(1), "the bus was opened: {took:?}");
    }

    // The copy expires with its last entry; the keyring is locked; the next key is only in the kernel.
    KernelKeyring.delete(id).expect("deleted");
    desktop.lock();
    let (next, _) = play_with(&desktop, &part);
    let next_id = next.strip_prefix("kernel ").expect("it lives in the kernel");
    let next_name = Name(next_id.to_owned());
    assert_ne!(next_id, id);

    // The keyring works again, and the next key is stored there, but not the first one.
    KernelKeyring.delete(next_id).expect("deleted");
    desktop.unlock();
    assert_eq!(play_with(&desktop, &part).0, format!("keyring {next_id}"));
    assert_eq!(desktop.lookup(&["service", "mfa-cred", "username", id]), None);
    assert!(desktop.lookup(&["service", "mfa-cred", "username", next_id]).is_some_and(|text| text.len() == 64));
    drop((name, next_name));
}
