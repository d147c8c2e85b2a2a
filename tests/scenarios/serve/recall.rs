//! Credentials that are taken back while servers hold them.

use std::thread;
use std::time::{Duration, Instant};

use super::{Answer, Serving};
use crate::scenarios::sso_roles::signed_in;
use crate::support::aws::{Fault, When};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, calls};

const DEPLOY: &str = "/profile/deploy";
const AUDIT: &str = "/profile/audit";

fn id(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["AccessKeyId"].as_str().expect("an id").to_owned()
}

#[test]
fn a_server_forgets_what_clear_removes_and_serves_again_after_a_sign_in() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy", "audit"]);
    let (deploy, audit) = (id(&serving.ask(DEPLOY)), id(&serving.ask(AUDIT)));
    calls(&world);
    // The MFA session is still there, so nobody is needed for the role. The other one is asked for, and is in the cache.
    assert!(world.run(&["clear", "deploy"]).status.success());
    assert_eq!(id(&serving.ask(AUDIT)), audit);
    assert_ne!(id(&serving.ask(DEPLOY)), deploy);
    assert_eq!(calls(&world), ["AssumeRole"]);
    for words in [&["clear"][..], &["clear", "--all"]] {
        id(&serving.ask(DEPLOY));
        assert!(world.run(words).status.success());
        for path in [DEPLOY, AUDIT] {
            let answer = serving.ask(path);
            assert_eq!(answer.refusal(), (403, "SignInRequired"), "{words:?}");
            let hint = format!("`mfa-cred login {}`", path.rsplit('/').next().expect("a name"));
            assert!(answer.body["Message"].as_str().expect("a message").contains(&hint), "{answer:?}");
        }
        world.sign_in(&device, &["login", "deploy", "audit"]);
        thread::sleep(Duration::from_millis(600));
        id(&serving.ask(AUDIT));
    }
}

#[test]
fn a_server_whose_credentials_are_not_cached_forgets_them_too() {
    let Cast { world, device, .. } = World::cast();
    world.set("MFA_CRED_STORE", "none");
    world.write("code", device.fresh_code());
    let code = std::fs::File::open(world.home().join("code")).expect("a file");
    let serving = Serving::start_with(&world, &["deploy", "--mfa-token", "-"], code.into());
    std::fs::remove_file(world.home().join("code")).expect("a file");
    id(&serving.ask(DEPLOY));
    assert!(world.run(&["clear"]).status.success());
    assert_eq!(serving.ask(DEPLOY).refusal(), (403, "SignInRequired"));
}

#[test]
fn a_renewal_that_runs_while_credentials_are_taken_back_is_repeated() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    id(&serving.ask(DEPLOY));
    assert!(world.run(&["clear", "deploy"]).status.success());
    // The renewal has read the MFA session, and waits for the role.
    world.aws.fault("AssumeRole", Fault::Delay(When::After, Duration::from_secs(3)), 1);
    calls(&world);
    assert_eq!(serving.ask(DEPLOY).refusal(), (503, "Pending"));
    let start = Instant::now();
    while calls(&world).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(20));
    }
    // The renewal goes on, and cannot put what it gets into the cache.
    assert!(world.run(&["clear", "--all"]).status.success());
    let start = Instant::now();
    loop {
        let answer = serving.ask(DEPLOY);
        if answer.status != 503 {
            assert_eq!(answer.refusal(), (403, "SignInRequired"));
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{answer:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_command_with_an_endpoint_of_its_own_gets_nothing_after_clear() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let ask = "curl -s -o /dev/null -w '%{http_code} ' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" \
               \"$AWS_CONTAINER_CREDENTIALS_FULL_URI\"";
    let script = format!("{ask}; \"$0\" clear 2>&1; {ask}");
    let words = ["exec", "--server", "deploy", "--", "sh", "-c", &script, crate::support::world::MFA_CRED];
    world.run(&words).expect(0, "200 removed 2 cached entries\n403 ", "");
}

#[test]
fn a_server_forgets_what_logout_ends() {
    let world = signed_in();
    let serving = Serving::start(&world, &["dev"]);
    id(&serving.ask("/profile/dev"));
    assert!(world.run(&["logout", "dev"]).status.success());
    assert_eq!(serving.ask("/profile/dev").refusal(), (403, "SignInRequired"));
}

#[test]
fn a_server_forgets_what_came_from_a_key_that_is_removed() {
    let Cast { world, device, .. } = World::cast();
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    assert!(world.run(&["keys", "import", "alice", "--yes"]).status.success());
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    id(&serving.ask(DEPLOY));
    assert!(world.run(&["keys", "remove", "alice", "--yes"]).status.success());
    assert_eq!(serving.ask(DEPLOY).refusal(), (400, "NoCredentials"));
}

#[test]
fn a_server_forgets_sessions_that_end_with_a_rotated_key() {
    let Cast { world, device, .. } = World::cast();
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    assert!(world.run(&["keys", "import", "alice", "--yes"]).status.success());
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["alice", "--mfa-serial", device.serial()]);
    let old = id(&serving.ask("/profile/alice"));
    world.aws.sessions_end_with_their_key();
    let mut session = world.at_terminal(&["keys", "rotate", "alice", "--yes"]);
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    assert!(session.finish(PATIENCE).status.success());
    assert_ne!(id(&serving.ask("/profile/alice")), old);
}
