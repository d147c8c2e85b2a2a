//! What the hooks of `init --auto-renew` run, without a shell.

use super::*;
use crate::support::aws::RoleSpec;
use crate::support::world::{Cast, evaluate, json, variable};

/// A world whose processes hold what this command line exports.
fn holding(words: &dyn Fn(&World) -> Vec<String>) -> Cast {
    let cast = World::cast();
    cast.world.set("MFA_CRED_RENEWAL", "-");
    let words = words(&cast.world);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let payload = cast.world.sign_in(&cast.device, &words).stdout;
    for (name, value) in evaluate(&payload) {
        if name.starts_with("AWS_") || name.starts_with("MFA_CRED_") {
            cast.world.set(&name, value);
        }
    }
    cast.world.aws.take_calls();
    cast
}

fn deploy(_: &World) -> Vec<String> {
    ["env", "deploy", "--format", "posix"].map(str::to_owned).to_vec()
}

fn renew(world: &World) -> Finished {
    world.run(&["__renew", "--format", "json"])
}

#[test]
fn a_renewal_is_of_the_same_role_with_the_same_options() {
    let arn = |world: &World| {
        let config = world.read(".aws/config");
        let arns: Vec<String> =
            config.lines().filter_map(|line| line.strip_prefix("role_arn = ")).map(str::to_owned).collect();
        arns[1].clone()
    };
    let Cast { world, .. } = holding(&|world| {
        let arn = arn(world);
        let more = ["--role-arn", &arn, "--session-name=it-is-me", "--region", "eu-west-1"];
        let policy = ["--session-policy", r#"{"Version": "2012-10-17", "Statement": []}"#];
        deploy(world).into_iter().chain(more.into_iter().chain(policy).map(str::to_owned)).collect()
    });
    let held = world.variable("AWS_ACCESS_KEY_ID").expect("a key");
    let done = renew(&world);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""));
    assert_eq!(json(&done)["AWS_ACCESS_KEY_ID"], held, "it is still fresh");
    let names: Vec<String> = json(&done).as_object().expect("an object").keys().cloned().collect();
    assert_eq!(names.len(), 5, "only the credentials are replaced: {names:?}");
    assert!(world.aws.take_calls().is_empty());
}

#[test]
fn what_is_not_the_same_any_more_is_left_alone() {
    type Change<'c> = &'c dyn Fn(&World);
    let changes: [(&str, Change<'_>); 6] = [
        ("the profile has another role", &|world| world.edit_config("role/deploy", "role/other")),
        ("another key", &|world| world.set("AWS_ACCESS_KEY_ID", "ASIAOTHER")),
        ("nothing was exported", &|world| world.set("MFA_CRED_RENEWAL", "-")),
        ("not ours", &|world| world.set("MFA_CRED_RENEWAL", "1/a/zz/x")),
        ("no profile", &|world| world.set("MFA_CRED_PROFILE", "")),
        ("broken settings", &|world| world.write("config/mfa-cred/config.ini", "color = purple\n")),
    ];
    for (why, change) in changes {
        let Cast { world, .. } = holding(&deploy);
        change(&world);
        let done = renew(&world);
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""), "{why}");
        assert_eq!(done.status.code(), Some(1), "{why}");
        assert!(world.aws.take_calls().is_empty(), "{why}");
    }
}

#[test]
fn nobody_is_asked_and_no_command_that_may_ask_is_run() {
    let Cast { world, .. } = holding(&deploy);
    let marker = world.home().join("ran").display().to_string();
    world.write(
        "config/mfa-cred/config.ini",
        format!("mfa_process = touch {marker}\nunlock_process = touch {marker}\n"),
    );
    world.edit_config("[profile deploy]", &format!("[profile deploy]\nmfa_process = touch {marker}"));
    world.set("MFA_CRED_RENEWAL", world.variable("MFA_CRED_RENEWAL").expect("it is set"));
    world.run(&["clear"]);
    let done = renew(&world);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(3), "", ""));
    assert!(!Path::new(&marker).exists());
    // Nor is the sealed key unlocked that signs the call for a role without MFA.
    let Cast { world, .. } = holding(&|world| {
        let arn = world.aws.add_role(RoleSpec::new("plain").trust_user("alice"));
        world.add_config(&format!("[profile plain]\nsource_profile = alice\nrole_arn = {arn}\n"));
        world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
        assert!(world.run(&["keys", "import", "alice", "--yes"]).status.success());
        ["env", "plain", "--format", "posix"].map(str::to_owned).to_vec()
    });
    world.run(&["clear"]);
    let marker = world.home().join("ran");
    world.write("config/mfa-cred/config.ini", format!("unlock_process = touch {}\n", marker.display()));
    world.forget_unlocked_keys();
    let done = renew(&world);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(7), "", ""));
    assert!(!marker.exists());
}

#[test]
fn a_hanging_credential_process_is_ended_with_all_that_it_started() {
    let Cast { world, .. } = World::cast();
    let started = world.home().join("started");
    world.add_config(&format!(
        "[profile slow]\ncredential_process = sh -c 'echo $$ >{}; sleep 100; true'\n",
        started.display()
    ));
    world.set("MFA_CRED_PROFILE", "slow");
    world.set("AWS_ACCESS_KEY_ID", "ASIAOURS");
    let plan = world.run(&["show", "slow"]);
    assert!(plan.status.success(), "{plan:?}");
    // What identifies it is not printed anywhere: another command shows that it is compared.
    let fast = world.home().join("fast");
    world.write("fast", r#"{"Version": 1, "AccessKeyId": "ASIAFAST", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "2999-01-01T00:00:00Z"}"#);
    world.edit_config(
        "credential_process = ",
        &format!("credential_process = [ -e {} ] && cat {} || ", fast.display(), fast.display()),
    );
    world.set("MFA_CRED_RENEWAL", "-");
    let payload = world.run(&["env", "slow", "--format", "posix"]);
    let renewal = variable(&payload.stdout, "MFA_CRED_RENEWAL");
    world.set("MFA_CRED_RENEWAL", renewal);
    world.set("AWS_ACCESS_KEY_ID", "ASIAFAST");
    fs::remove_file(&fast).expect("it was there");
    let start = Instant::now();
    let done = renew(&world);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
    let pid = fs::read_to_string(&started).expect("it ran");
    // Nobody may have reaped it yet.
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "it still runs: {state}");
}
