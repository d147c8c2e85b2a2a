//! boto3 and the AWS CLI share the token file: they read what we write, and we read what they write.

use std::path::PathBuf;

use super::{MINUTE, SsoHome};
use crate::scenarios::clients::client;
use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::calls;

const WHO: &str = "import boto3, sys\ns = boto3.Session(profile_name=sys.argv[1])\n\
                   print(s.client('sts').get_caller_identity()['Arn'])\n";

fn run(home: &SsoHome, program: &PathBuf, words: &[&str]) -> Finished {
    let finished = home.world.run_other(program, words, PATIENCE);
    home.world.heard(&words.join(" "), &finished);
    assert!(finished.status.success(), "{words:?}: {finished:?}");
    finished
}

fn is_the_person(done: &Finished) {
    assert!(done.stdout.contains("AWSReservedSSO_Developer_0123456789abcdef/person@corp.example"), "{done:?}");
}

#[test]
fn boto3_reads_the_token_that_we_renewed_and_we_read_the_one_that_boto3_renewed() {
    let Some(python) = client("the token file shared with boto3", "python3", &["-c", "import boto3"]) else { return };
    let home = SsoHome::with(MINUTE * 5);
    home.gave_the_role(&home.process());
    assert_eq!(calls(&home.world), ["CreateToken", "GetRoleCredentials"]);
    is_the_person(&run(&home, &python, &["-c", WHO, "dev"]));
    assert_eq!(calls(&home.world), ["GetRoleCredentials", "GetCallerIdentity"], "our token serves boto3");
    // And the other way round.
    let mut soon = home.token();
    soon["expiresAt"] = (home.world.aws.now() + MINUTE * 5).to_string().into();
    home.write(&soon);
    is_the_person(&run(&home, &python, &["-c", WHO, "dev"]));
    assert_eq!(calls(&home.world), ["CreateToken", "GetRoleCredentials", "GetCallerIdentity"]);
    assert_ne!(home.token()["refreshToken"], soon["refreshToken"], "boto3 has renewed it");
    home.gave_the_role(&home.world.run(&["process", "dev", "--refresh"]));
    assert_eq!(calls(&home.world), ["GetRoleCredentials"], "its token serves us");
    assert_eq!(home.world.aws.sso().sessions(), 1);
}

#[test]
fn the_aws_cli_reads_our_token_and_runs_us_as_a_credential_process() {
    let Some(aws) = client("the token file shared with the AWS CLI", "aws", &["--version"]) else { return };
    let home = SsoHome::with(MINUTE * 5);
    home.world.set("AWS_PAGER", "");
    home.world.add_config(&format!(
        "[profile dev-here]\nregion = eu-central-1\ncredential_process = \"{}\" process dev\n",
        crate::support::world::MFA_CRED
    ));
    is_the_person(&run(&home, &aws, &["--profile", "dev-here", "--output", "json", "sts", "get-caller-identity"]));
    assert_eq!(calls(&home.world), ["CreateToken", "GetRoleCredentials", "GetCallerIdentity"]);
    is_the_person(&run(&home, &aws, &["--profile", "dev", "--output", "json", "sts", "get-caller-identity"]));
    assert_eq!(calls(&home.world), ["GetRoleCredentials", "GetCallerIdentity"]);
}
