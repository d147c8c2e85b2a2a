//! boto3 and the AWS CLI read the file that we wrote, and we read theirs, in turn.

use std::fs;

use super::{RENEWAL, expires_in, key_id, read, signed_in};
use crate::support::pty::PATIENCE;
use crate::support::tools::{find, skip_without};
use crate::support::world::{calls, json};

const SCRIPT: &str = "\
import botocore.session
keys = botocore.session.Session(profile='person').get_credentials().get_frozen_credentials()
print(keys.access_key, end='')
";

#[test]
fn boto3_and_the_aws_cli_share_the_file_with_us_in_both_directions() {
    let (Some(python), Some(aws)) = (find("python3", &["-c", "import botocore, awscrt"]), find("aws", &["--version"]))
    else {
        skip_without("the file of `aws login`", "boto3 with awscrt, or the AWS CLI,");
        return;
    };
    let world = signed_in(100);
    fs::write(world.home().join("read.py"), SCRIPT).expect("it is written");
    let script = world.home().join("read.py").display().to_string();
    let boto3 = || -> String {
        let done = world.run_other(&python, &[&script], PATIENCE);
        assert!(done.status.success(), "{done:?}");
        done.stdout
    };
    // Who signed the call is the key that the CLI has read.
    let cli = || -> String {
        let words = ["sts", "get-caller-identity", "--profile", "person"];
        let done = world.run_other(&aws, &words, PATIENCE);
        assert!(done.status.success(), "{done:?}");
        let called = world.aws.calls().into_iter().rfind(|call| call.action == "GetCallerIdentity").expect("a call");
        called.access_key_id
    };
    let renewals = || calls(&world).into_iter().filter(|action| action == RENEWAL).count();
    let ours = || key_id(&world.run(&["process", "person"]));
    let in_file = || read(&world)["accessToken"]["accessKeyId"].as_str().expect("an id").to_owned();
    // Each renews what the one before has written, and the others read the result.
    let all: [&dyn Fn() -> String; 3] = [&ours, &boto3, &cli];
    for round in 0..4 {
        expires_in(&world, 100);
        let before = in_file();
        let renewed = all[round % 3]();
        assert_ne!(renewed, before, "round {round}");
        assert_eq!(renewals(), 1, "round {round}");
        for other in all {
            assert_eq!((other(), in_file()), (renewed.clone(), renewed.clone()), "round {round}");
        }
        assert_eq!((renewals(), world.aws.logins()), (0, 1), "round {round}");
    }
    assert_eq!(read(&world)["aKeyOfTomorrow"]["kept"][0], 1);
    // Through `process`, as any SDK would.
    world.add_config(&format!("[profile by-us]\ncredential_process = {} process person\n", "mfa-cred"));
    let words = ["sts", "get-caller-identity", "--profile", "by-us", "--region", "eu-west-1"];
    let done = world.run_other(&aws, &words, PATIENCE);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(json(&done)["Arn"], format!("arn:aws:iam::{}:user/alice", world.aws.account()));
}
