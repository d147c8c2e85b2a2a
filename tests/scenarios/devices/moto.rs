//! The same life of a device against a server that is not ours: it takes any codes, but names and wire are its own.

use super::{CONFIG, ENROLL, FIRST, LAPTOP, NEXT, answer, finish};
use crate::scenarios::clients::{Moto, client};
use crate::support::aws::AccessKey;
use crate::support::pty::PATIENCE;
use crate::support::world::World;

#[test]
fn a_server_that_is_not_ours_enrolls_lists_and_removes() {
    let Some(program) = client("a second IAM", "moto_server", &["--help"]) else { return };
    let Some(aws) = client("the AWS CLI", "aws", &["--version"]) else { return };
    let world = World::empty();
    let moto = Moto::start(program, &world);
    world.set("AWS_ENDPOINT_URL", &moto.url);
    world.set("AWS_DEFAULT_REGION", "us-east-1");
    world.set("AWS_PAGER", "");
    // A user of moto's own, whom GetCallerIdentity then names.
    world.write_key("admin", &AccessKey { id: "AKIAADMIN00000000001".into(), secret: "x".repeat(40), token: None });
    let ask = |words: &[&str]| {
        let words = [&["--profile", "admin", "--output", "json", "iam"], words].concat();
        let done = world.run_other(&aws, &words, PATIENCE);
        assert!(done.status.success(), "{done:?}");
        serde_json::from_str::<serde_json::Value>(&done.stdout).unwrap_or_default()
    };
    ask(&["create-user", "--user-name", "alice"]);
    let key = ask(&["create-access-key", "--user-name", "alice"]);
    let text = |name: &str| key["AccessKey"][name].as_str().expect("a key").to_owned();
    let admin = world.read(".aws/credentials");
    world.write_key("alice", &AccessKey { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: None });
    world.write(".aws/credentials", world.read(".aws/credentials") + &admin);
    world.write(".aws/config", CONFIG);

    let yes = [&ENROLL[..], &["--yes"]].concat();
    let mut session = world.at_terminal(&yes);
    answer(&mut session, FIRST, "123456");
    answer(&mut session, NEXT, "654321");
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(world.read(".aws/config"), format!("{CONFIG}mfa_serial = {LAPTOP}\n"));
    let listed = world.run(&["device", "list", "--profile", "alice"]);
    assert!(listed.stdout.starts_with("laptop\tvirtual\tyes\talice\t"), "{listed:?}");

    // An orphan of an earlier try, in its words.
    let orphan = ["create-virtual-mfa-device", "--virtual-mfa-device-name", "tablet", "--bootstrap-method"];
    let seed = world.home().join("seed");
    let seed = seed.to_str().expect("a path");
    ask(&[&orphan[..], &["Base32StringSeed", "--outfile", seed]].concat());
    let tablet = ["device", "enroll", "--profile", "alice", "--name", "tablet", "--yes"];
    let mut session = world.at_terminal(&tablet);
    answer(&mut session, "laptop, MFA code: ", "111111");
    answer(&mut session, FIRST, "222222");
    answer(&mut session, NEXT, "333333");
    let done = finish(&world, session);
    assert!(done.status.success(), "{done:?} {}", moto.log());
    let listed = world.run(&["device", "list", "--profile", "alice"]);
    assert_eq!(listed.stdout.lines().count(), 2, "{listed:?}");

    for (name, code) in [("laptop", "444444"), ("tablet", "555555")] {
        let mut session = world.at_terminal(&["device", "remove", name, "--profile", "alice", "--yes"]);
        if name == "laptop" {
            answer(&mut session, "tablet, MFA code: ", code);
        }
        let done = finish(&world, session);
        assert!(done.status.success(), "{done:?} {}", moto.log());
    }
    assert_eq!(world.run(&["device", "list", "--profile", "alice"]).stdout, "");
    assert_eq!(world.read(".aws/config"), CONFIG);
}
