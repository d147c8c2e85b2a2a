//! Changing the store in the middle of the day.

use super::{assert_warm, calls, cast, has_service, key, meet, sign_in, take_from_kernel};
use crate::support::pty::PATIENCE;
use crate::support::secret_service::SecretService;
use crate::support::world::Cast;

#[test]
fn changing_the_store_keeps_the_current_sessions() {
    if !has_service() {
        return;
    }
    let service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    world.set("MFA_CRED_STORE", "kernel");
    sign_in(&world, &device);
    let mut before = key(&world);
    for (store, place, way) in [
        ("keyring", "keyring", "from the kernel keyring to the Secret Service"),
        ("kernel", "kernel", "from the Secret Service to the kernel keyring"),
        ("keyring", "keyring", "from the kernel keyring to the Secret Service"),
    ] {
        world.set("MFA_CRED_STORE", store);
        let moved = world.run(&["process", "deploy"]);
        assert!(moved.status.success(), "{moved:?}");
        assert_eq!(moved.stderr, format!("the store has changed: moved 2 cached entries {way}\n"));
        assert_eq!(calls(&world), Vec::<String>::new());
        let now = key(&world);
        assert_eq!(now.1, place);
        assert_ne!(now.0, before.0, "the new store holds a key that another one had");
        assert_warm(&world);
        before = now;
    }
    // `auto` finds the key where it is, and nothing moves.
    world.set("MFA_CRED_STORE", "auto");
    assert_warm(&world);
    assert_eq!(key(&world), before);
    // The setting and the option work in the same way.
    world.set("MFA_CRED_STORE", "");
    world.write("config/mfa-cred/config.ini", "store = keyring\n");
    assert_warm(&world);
    let moved = world.run(&["--store", "kernel", "status"]);
    assert_eq!((moved.status.code(), key(&world)), (Some(0), before), "looking moves nothing");
}

#[test]
fn an_unavailable_key_in_the_old_store_is_reported() {
    if !has_service() {
        return;
    }
    let mut service = SecretService::unlocked();
    let Cast { world, device, .. } = cast();
    meet(&world, &service);
    world.set("MFA_CRED_STORE", "keyring");
    sign_in(&world, &device);
    let old = key(&world);
    service.lock();
    let warning = "warning: the store has changed, but the old key is unavailable (Secret Service: it is locked); 2 cached \
                   entries cannot be used any more\n";
    let words = ["--store", "kernel", "env", "deploy", "--mfa-token", "-"];
    let done = world.run_with_stdin(&words, &device.fresh_code());
    assert!(done.status.success(), "{done:?}");
    assert_eq!((done.stderr.as_str(), key(&world).1.as_str()), (warning, "kernel"));
    assert_ne!(key(&world), old);
    service.unlock();
}

#[test]
fn changing_from_a_passphrase_asks_for_it_and_ctrl_c_keeps_everything() {
    let Cast { world, device, .. } = cast();
    world.set("MFA_CRED_STORE", "passphrase");
    let mut session = world.at_terminal(&["env", "deploy"]);
    for prompt in ["New passphrase for mfa-cred: ", "Repeat the passphrase: "] {
        session.wait_for(prompt, PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text("tulip\n");
    }
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(session.finish(PATIENCE).status.success());
    calls(&world);
    let old = key(&world);
    take_from_kernel(&old.0);

    world.set("MFA_CRED_STORE", "kernel");
    let ask = |answer: &str| {
        let mut session = world.at_terminal(&["process", "deploy"]);
        session.wait_for("The store has changed. Enter the passphrase to move the cached", PATIENCE);
        session.wait_for("Passphrase for mfa-cred: ", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text(answer);
        session.finish(PATIENCE)
    };
    let canceled = ask("\x03");
    assert_eq!((canceled.stdout.as_str(), key(&world)), ("", old), "{canceled:?}");
    let moved = ask("tulip\n");
    assert!(moved.status.success(), "{moved:?}");
    assert_eq!((calls(&world), key(&world).1.as_str()), (Vec::new(), "kernel"));
    assert_warm(&world);
}
