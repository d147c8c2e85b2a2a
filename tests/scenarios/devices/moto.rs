//! The same life of a device against a server that is not ours: it takes any codes, but names and wire are its own.

use super::{CONFIG, ENROLL, FIRST, LAPTOP, NEXT, answer, finish};
use crate::scenarios::clients::MotoAccount;
use crate::support::aws::AccessKey;
use crate::support::world::World;

#[test]
fn moto_enrolls_lists_and_removes() {
    let world = World::empty();
    let Some(account) = MotoAccount::start(&world) else { return };
    let ask = |words: &[&str]| account.iam(words);
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
    assert!(done.status.success(), "{done:?} {}", account.moto.log());
    let listed = world.run(&["device", "list", "--profile", "alice"]);
    assert_eq!(listed.stdout.lines().count(), 2, "{listed:?}");

    for (name, code) in [("laptop", "444444"), ("tablet", "555555")] {
        let mut session = world.at_terminal(&["device", "remove", name, "--profile", "alice", "--yes"]);
        if name == "laptop" {
            answer(&mut session, "tablet, MFA code: ", code);
        }
        let done = finish(&world, session);
        assert!(done.status.success(), "{done:?} {}", account.moto.log());
    }
    assert_eq!(world.run(&["device", "list", "--profile", "alice"]).stdout, "");
    assert_eq!(world.read(".aws/config"), CONFIG);
}
