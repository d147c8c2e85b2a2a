//! Where the sealing key lives on every kind of machine: with a desktop keyring, without one, with a stuck one, with
//! the kernel keyring only, with neither, and with a passphrase. The real binary uses the real stores.

mod lifetimes;
mod moving;
mod passphrases;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::aws::Device;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::secret_service::{SecretService, missing_program};
use crate::support::tools::{find, skip, skip_without};
use crate::support::world::{Cast, MFA_CRED, World, calls, variable};

/// The variable that contains the address of the bus.
const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// The output of `clear --all` after a day's work.
const CLEARED: &str = "removed 2 cached entries\nthe sealing key was destroyed: cached credentials, copies included, can \
                       no longer be opened\n";

/// Runs the command in its arguments without the kernel keyring: from here on `add_key`, `request_key` and `keyctl`
/// fail with EPERM, as under Docker's default seccomp profile.
const WITHOUT_KERNEL_KEYRING: &str = "
import ctypes, os, platform, struct, sys
calls = {'x86_64': (248, 249, 250), 'aarch64': (217, 218, 219)}[platform.machine()]
step = lambda code, yes, value: struct.pack('HBBI', code, yes, 0, value)
program = step(0x20, 0, 0)
for left, call in zip((3, 2, 1), calls): program += step(0x15, left, call)
program += step(0x06, 0, 0x7fff0000) + step(0x06, 0, 0x00050000 | 1)
memory = ctypes.create_string_buffer(program)
filter = ctypes.create_string_buffer(struct.pack('HP', len(program) // 8, ctypes.addressof(memory)))
libc = ctypes.CDLL(None, use_errno=True)
for call in ((38, 1, 0, 0, 0), (22, 2, filter, 0, 0)):
    if libc.prctl(*call) != 0: sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
";

/// The program, started by another one that replaces itself with it, without a terminal.
fn run_below(world: &World, wrapper: &[&str], words: &[&str], stdin: &str) -> Finished {
    let mut command = pty::off_terminal(wrapper[0]);
    world.dress(&mut command);
    command.args(&wrapper[1..]).arg(MFA_CRED).args(words);
    let finished = pty::run(command, stdin.as_bytes(), PATIENCE);
    world.heard(&words.join(" "), &finished);
    finished
}

/// Nobody has configured a store.
fn cast() -> Cast {
    let cast = World::cast();
    cast.world.set("MFA_CRED_STORE", "auto");
    cast
}

/// The message if `auto` has only the kernel keyring.
fn fallback(why: &str) -> String {
    format!(
        "note: the cache's key is in the kernel keyring only, so the cache is lost on restart (Secret Service: {why}); \
         shown once\n"
    )
}

/// Lets the processes of this world use that Secret Service.
fn meet(world: &World, service: &SecretService) {
    let bus = service.env().into_iter().find(|(name, _)| *name == BUS).expect("a bus").1;
    world.set(BUS, bus.to_str().expect("a path in UTF-8"));
}

/// The current key's id and store, according to the state folder.
fn key(world: &World) -> (String, String) {
    let record = world.read("state/mfa-cred/key-id");
    let words: Vec<&str> = record.lines().next().expect("a line").split(' ').collect();
    assert_eq!(words[0], "current", "{record}");
    (words[1].to_owned(), words[2].to_owned())
}

/// Does the kernel keyring have the key with that id?
fn is_in_kernel(id: &str) -> bool {
    keyctl(r#"keyctl search @u user "$1""#, id)
}

/// Removes the kernel's copy, as its expiration or a reboot would.
fn take_from_kernel(id: &str) {
    assert!(keyctl(r#"keyctl invalidate "$(keyctl search @u user "$1")""#, id), "there was a key");
    assert!(!is_in_kernel(id));
}

fn keyctl(script: &str, id: &str) -> bool {
    let output = Command::new("sh").args(["-c", script, "sh", &format!("mfa-cred:{id}")]).output();
    output.expect("a shell").status.success()
}

fn is_in_service(service: &SecretService, id: &str) -> bool {
    service.lookup(&["service", "mfa-cred", "username", id]).is_some_and(|text| text.len() == 64)
}

/// Asserts that the cache works: no message, and no call.
#[track_caller]
fn assert_warm(world: &World) {
    let warm = world.run(&["process", "deploy"]);
    assert!(warm.status.success(), "{warm:?}");
    assert_eq!((warm.stderr.as_str(), calls(world)), ("", Vec::new()));
}

/// Asserts that nothing is cached: a code is needed again, and nobody can be asked.
#[track_caller]
fn assert_cold(world: &World) {
    let cold = world.run(&["process", "deploy"]);
    assert_eq!((cold.status.code(), cold.stdout.as_str(), calls(world)), (Some(3), "", Vec::new()), "{cold:?}");
}

#[track_caller]
fn sign_in(world: &World, device: &Device) -> Finished {
    let done = world.sign_in(device, &["env", "deploy"]);
    assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"]);
    done
}

/// True if gnome-keyring can be tested.
fn has_service() -> bool {
    let missing = missing_program();
    if let Some(program) = missing {
        skip_without("the Secret Service", program);
    }
    missing.is_none()
}

/// The test's own bus, which notices every connection and answers none.
struct Watched(UnixListener);

impl Watched {
    fn start(world: &World) -> Self {
        let path = world.home().join("bus");
        let listener = UnixListener::bind(&path).expect("a socket");
        listener.set_nonblocking(true).expect("a socket that can be asked");
        world.set(BUS, format!("unix:path={}", path.display()));
        Self(listener)
    }

    /// The number of connections since the last call. A connection counts once it is made.
    fn connections(&self) -> usize {
        let mut count = 0;
        loop {
            match self.0.accept() {
                Ok(_) => count += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return count,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn without_d_bus_the_kernel_keeps_the_key_and_no_bus_is_started() {
    let Cast { world, device, .. } = cast();
    // What other programs start if no bus is known; here it would leave a trace.
    let programs = world.home().join("bin");
    for name in ["dbus-launch", "dbus-daemon", "gnome-keyring-daemon"] {
        world.write(&format!("bin/{name}"), "#!/bin/sh\ntouch \"$HOME/started\"\n");
        fs::set_permissions(programs.join(name), Permissions::from_mode(0o700)).expect("a mode");
    }
    world.set("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    world.set("XDG_RUNTIME_DIR", world.home().join("run").to_str().expect("a path in UTF-8"));
    let mut command = world.command(&["env", "deploy", "--mfa-token", "-"]);
    command.env_remove(BUS);
    let first = pty::run(command, device.fresh_code().as_bytes(), PATIENCE);
    world.heard("env", &first);
    assert!(first.status.success(), "{first:?}");
    assert!(first.stderr.starts_with("note: the cache's key is in the kernel keyring only"), "{first:?}");
    assert_eq!((first.stderr.lines().count(), calls(&world).len()), (1, 2));
    let (id, place) = key(&world);
    assert_eq!(place, "kernel");
    assert!(is_in_kernel(&id));
    assert_warm(&world);
    assert!(!world.home().join("started").exists(), "a D-Bus process was started");

    let watched = Watched::start(&world);
    assert_warm(&world);
    let list = world.run(&["status", "deploy"]);
    assert_eq!((list.status.code(), list.stderr.as_str()), (Some(0), ""));
    assert_eq!(watched.connections(), 0, "the warm path opened D-Bus");
    // The same check detects a process that does open the bus. The key that it recorded, in case the bus stored it,
    // never existed.
    let record = world.read("state/mfa-cred/key-id");
    let demanded = world.run(&["--store", "keyring", "process", "deploy", "--mfa-token", "123456"]);
    world.write("state/mfa-cred/key-id", record);
    assert_eq!(demanded.status.code(), Some(7), "{demanded:?}");
    assert_eq!(watched.connections(), 1);
}

#[test]
fn on_a_desktop_the_keyring_has_the_key_and_the_kernel_a_copy() {
    if !has_service() {
        return;
    }
    let service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    assert_eq!(sign_in(&world, &device).stderr, "");
    let (id, place) = key(&world);
    assert_eq!(place, "keyring");
    assert!(is_in_service(&service, &id) && is_in_kernel(&id));
    assert_warm(&world);

    // After a reboot the entry opens through the Secret Service, and the kernel has a copy again.
    take_from_kernel(&id);
    assert_warm(&world);
    assert!(is_in_kernel(&id), "the next call would open D-Bus again");

    // A cron job has no bus, but can use the copy.
    world.set(BUS, "unix:path=/nonexistent");
    assert_warm(&world);
    take_from_kernel(&id);
    assert_cold(&world);
    meet(&world, &service);
    assert_warm(&world);

    let kept = world.entries();
    let copies: Vec<_> = kept.iter().map(|entry| fs::read(entry).expect("an entry")).collect();
    let record = world.read("state/mfa-cred/key-id");
    let cleared = world.run(&["clear", "--all"]);
    assert_eq!((cleared.status.code(), cleared.stderr.as_str()), (Some(0), CLEARED));
    assert!(!is_in_service(&service, &id) && !is_in_kernel(&id));
    assert!(world.entries().is_empty());
    // A copy of the state folder opens nothing any more.
    world.write("state/mfa-cred/key-id", record);
    kept.iter().zip(copies).for_each(|(entry, bytes)| fs::write(entry, bytes).expect("written"));
    assert_cold(&world);
}

#[test]
fn a_configured_keyring_keeps_no_copy_in_the_kernel() {
    if !has_service() {
        return;
    }
    let service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    world.set("MFA_CRED_STORE", "keyring");
    sign_in(&world, &device);
    let (id, place) = key(&world);
    assert_eq!((place.as_str(), is_in_service(&service, &id), is_in_kernel(&id)), ("keyring", true, false));
    assert_warm(&world);
    assert!(!is_in_kernel(&id));
    world.set(BUS, "unix:path=/nonexistent");
    let failed = world.run(&["process", "deploy"]);
    assert_eq!((failed.status.code(), failed.stdout.as_str(), calls(&world)), (Some(7), "", Vec::new()), "{failed:?}");
    meet(&world, &service);
    assert_warm(&world);
}

#[test]
fn with_a_locked_or_missing_keyring_the_kernel_keeps_the_key() {
    if !has_service() {
        return;
    }
    for service in [SecretService::locked(), SecretService::absent(), SecretService::empty_bus()] {
        let Cast { world, device, .. } = cast();
        meet(&world, &service);
        let start = Instant::now();
        let said = sign_in(&world, &device).stderr;
        assert!(said.starts_with("note: the cache's key is in the kernel keyring only"), "{said}");
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        let (id, place) = key(&world);
        assert_eq!((place.as_str(), is_in_kernel(&id)), ("kernel", true));
        assert_warm(&world);
    }
}

#[test]
fn a_keyring_locked_since_the_last_run_costs_one_code() {
    if !has_service() {
        return;
    }
    let mut service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    sign_in(&world, &device);
    let (old, _) = key(&world);
    take_from_kernel(&old);
    service.lock();
    assert_cold(&world);
    assert_eq!(sign_in(&world, &device).stderr, fallback("it is locked"));
    let (new, place) = key(&world);
    assert_eq!((place.as_str(), new == old), ("kernel", false), "one id never has two keys");
    assert_warm(&world);
    // `clear --all` must also destroy the old key, and reports it until that is done.
    let owed = world.run(&["clear", "--all"]);
    assert_eq!(owed.status.code(), Some(7), "{owed:?}");
    assert!(owed.stderr.contains("a sealing key could not be destroyed everywhere"), "{owed:?}");
    assert!(!is_in_kernel(&new));
    service.unlock();
    assert!(is_in_service(&service, &old));
    assert_eq!(world.run(&["clear", "--all"]).status.code(), Some(0));
    assert!(!is_in_service(&service, &old));
}

#[test]
fn a_silent_bus_costs_two_seconds_once() {
    if !has_service() {
        return;
    }
    let (stuck, working) = (SecretService::silent(), SecretService::unlocked());
    let Cast { world, device, .. } = cast();
    let start = Instant::now();
    sign_in(&world, &device);
    let usual = start.elapsed();
    assert_eq!(world.run(&["clear", "--all"]).status.code(), Some(0));

    meet(&world, &stuck);
    let start = Instant::now();
    assert_eq!(sign_in(&world, &device).stderr, fallback("it did not answer within 2 s"));
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(2), "the bus was not asked: {took:?}");
    // The rest allows for a busy machine; asking twice would take four seconds and the rest.
    assert!(took < usual + Duration::from_millis(3900), "{took:?} instead of {usual:?}");
    assert_eq!(key(&world).1, "kernel");
    let start = Instant::now();
    assert_warm(&world);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    // The bus may still have stored the key, so it must be deleted once a bus answers.
    meet(&world, &working);
    assert_eq!(world.run(&["clear", "--all"]).status.code(), Some(0));
}

#[test]
fn without_any_store_credentials_are_uncached_with_one_warning() {
    let Some(python) = find("python3", &["--version"]) else {
        return skip_without("a missing kernel keyring", "python3");
    };
    let container = [python.to_str().expect("a path in UTF-8"), "-c", WITHOUT_KERNEL_KEYRING];
    let Cast { world, device, .. } = cast();
    for _ in 0..2 {
        let done = run_below(&world, &container, &["env", "deploy", "--mfa-token", "-"], &device.fresh_code());
        assert!(done.status.success(), "{done:?}");
        assert!(variable(&done.stdout, "AWS_ACCESS_KEY_ID").starts_with("ASIA"));
        assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"], "nothing was kept");
        let said: Vec<&str> = done.stderr.lines().collect();
        assert_eq!(said.len(), 1, "{said:#?}");
        let start = "warning: credentials will not be cached: no store can keep the sealing key (kernel keyring: it is \
                     not available: access to the kernel keyring is denied (EPERM); system keyring: it is not available: ";
        let end = "; start or unlock the system's keyring, or set `store = passphrase`; `store = none` turns this warning off";
        assert!(said[0].starts_with(start) && said[0].ends_with(end), "{said:#?}");
        assert!(world.entries().is_empty());
    }
    // If configured, it is an error before any code is spent.
    let words = ["--store", "kernel", "env", "deploy", "--mfa-token", "-"];
    let failed = run_below(&world, &container, &words, &device.fresh_code());
    assert_eq!((failed.status.code(), failed.stdout.as_str(), calls(&world)), (Some(7), "", Vec::new()), "{failed:?}");
    assert_eq!(
        failed.stderr,
        "error: the configured store `kernel` cannot be used: it is not available: access to the kernel keyring \
         is denied (EPERM)\nhint: start or unlock that store, or use `--store auto` to choose another\n"
    );
}

#[test]
fn a_full_kernel_quota_is_reported_with_a_hint() {
    // Root's quota cannot be filled; another user's is filled here with a few keys, which are removed after the test.
    if !rustix::process::geteuid().is_root() {
        return skip("a full quota", "root, who alone can run a program as another user,");
    }
    let script = r#"n=0
        for size in 10000 1000 100 10 1; do
            while n=$((n + 1)); head -c "$size" /dev/zero | keyctl padd user "fill-$n" @u; do :; done
        done >/dev/null 2>&1
        "$@"; code=$?; keyctl clear @u; exit "$code""#;
    // This capability lets the other user reach the program and the home, wherever they are.
    let other = [
        "setpriv",
        "--reuid=64993",
        "--regid=64993",
        "--clear-groups",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "sh",
        "-c",
        script,
        "sh",
    ];
    let Cast { world, device, .. } = cast();
    let done = run_below(&world, &other, &["env", "deploy", "--mfa-token", "-"], &device.fresh_code());
    assert!(done.status.success(), "{done:?}");
    let said: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("kernel keyring: the kernel's quota of keys for this user is used up; "), "{said:#?}");
    assert!(said[0].ends_with("; `keyctl show @u` lists the keys that fill the quota"), "{said:#?}");
    assert!(world.entries().is_empty());
}

#[test]
fn a_configured_keyring_without_a_bus_is_an_error_before_a_code() {
    let Cast { world, device, .. } = cast();
    let code = device.fresh_code();
    let failed = world.run_with_stdin(&["--store", "keyring", "env", "deploy", "--mfa-token", "-"], &code);
    assert_eq!((failed.status.code(), failed.stdout.as_str(), calls(&world)), (Some(7), "", Vec::new()), "{failed:?}");
    let start = "error: the configured store `keyring` cannot be used: it is not available: ";
    let end = "\nhint: start or unlock that store, or use `--store auto` to choose another\n";
    assert!(failed.stderr.starts_with(start) && failed.stderr.ends_with(end), "{failed:?}");
    assert_eq!(failed.stderr.lines().count(), 2, "{failed:?}");
    // The code was not spent: it works now.
    let done = world.run_with_stdin(&["env", "deploy", "--mfa-token", "-"], &code);
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn with_store_none_nothing_is_cached_and_no_message_appears() {
    let Cast { world, device, .. } = cast();
    let watched = Watched::start(&world);
    world.set("MFA_CRED_STORE", "none");
    for _ in 0..2 {
        assert_eq!(sign_in(&world, &device).stderr, "");
        assert!(world.entries().is_empty());
    }
    assert!(!world.state().join("key-id").exists());
    assert_eq!(watched.connections(), 0);
    assert_cold(&world);
}

#[test]
fn clear_all_reports_that_the_key_was_destroyed() {
    let Cast { world, device, .. } = cast();
    sign_in(&world, &device);
    let first = world.run(&["clear", "--all"]);
    assert_eq!((first.status.code(), first.stderr.as_str()), (Some(0), CLEARED));
    let again = world.run(&["clear", "--all"]);
    assert_eq!(
        (again.status.code(), again.stderr.as_str()),
        (Some(0), "removed 0 cached entries\nthere was no sealing key to destroy\n")
    );
}

#[test]
fn read_only_commands_do_not_warn_that_nothing_will_be_cached() {
    let Cast { world, .. } = cast();
    world.write("state/mfa-cred", "a file is in its place");
    for words in [&["status"][..], &["status", "deploy"], &["list"], &["show", "deploy"]] {
        let look = world.run(words);
        assert!(
            !look.stderr.contains("will not be cached") && look.stderr.contains("the cache cannot be read: "),
            "{look:?}"
        );
    }
    let cleared = world.run(&["clear"]);
    assert!(!cleared.status.success() && !cleared.stderr.contains("will not be cached"), "{cleared:?}");
    // The end of `World` has to find its folder.
    fs::remove_file(world.state()).expect("it was there");
}

#[test]
fn without_locked_memory_everything_else_works() {
    let Cast { world, device, .. } = cast();
    world.set("MFA_CRED_STORE", "kernel");
    // Only this capability lets root exceed the limit.
    let without = ["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock", "prlimit", "--memlock=0:0"];
    let missing =
        without.iter().filter(|word| !word.starts_with('-')).find(|name| find(name, &["--version"]).is_none());
    if let Some(program) = missing {
        return skip_without("a limit of locked memory", program);
    }
    let words = ["env", "deploy", "--mfa-token", "-"];
    let done = run_below(&world, &without, &words, &device.fresh_code());
    assert_eq!((done.status.code(), done.stderr.as_str(), calls(&world).len()), (Some(0), "", 2), "{done:?}");
    let warm = run_below(&world, &without, &["process", "deploy"], "");
    assert_eq!((warm.status.code(), warm.stderr.as_str(), calls(&world).len()), (Some(0), "", 0), "{warm:?}");
}
