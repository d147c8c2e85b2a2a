//! boto3 and the AWS CLI with `credential_process = mfa-cred process PROFILE`, for a profile of each source.

use std::fs;
use std::path::PathBuf;

use super::{ACCOUNT, CONFIG, SsoHome, token_file};
use crate::scenarios::clients::client;
use crate::support::aws::{Claims, RoleSpec};
use crate::support::pty::PATIENCE;
use crate::support::world::{MFA_CRED, World, json};

const WHO: &str = "import boto3, sys\ns = boto3.Session(profile_name=sys.argv[1])\n\
                   print(s.client('sts').get_caller_identity()['Arn'], end='')\n";
const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";
const URL: &str = "https://corp.awsapps.com/start";

/// The ARN that both clients get with a profile that runs this program for `profile`.
fn who(world: &World, (python, aws): (&PathBuf, &PathBuf), profile: &str) -> String {
    world.add_config(&format!(
        "[profile {profile}-by-us]\nregion = eu-west-1\ncredential_process = \"{MFA_CRED}\" process {profile}\n"
    ));
    let profile = format!("{profile}-by-us");
    let boto3 = world.run_other(python, &["-c", WHO, &profile], PATIENCE);
    assert!(boto3.status.success(), "{profile}: {boto3:?}");
    let words = ["--profile", &profile, "--output", "json", "sts", "get-caller-identity"];
    let cli = world.run_other(aws, &words, PATIENCE);
    assert!(cli.status.success(), "{profile}: {cli:?}");
    assert_eq!(json(&cli)["Arn"], boto3.stdout.as_str(), "{profile}");
    for done in [&boto3, &cli] {
        world.heard(&profile, done);
    }
    boto3.stdout
}

#[test]
fn boto3_and_the_aws_cli_work_with_a_profile_of_each_source() {
    let python = client("sources with boto3", "python3", &["-c", "import boto3"]);
    let aws = client("sources with the AWS CLI", "aws", &["--version"]);
    let (Some(python), Some(aws)) = (python, aws) else { return };
    let clients = (&python, &aws);
    let home = SsoHome::with(super::HOUR);
    let world = &home.world;
    world.set("AWS_PAGER", "");
    let person = "AWSReservedSSO_Developer_0123456789abcdef/person@corp.example";

    // IAM Identity Center, in both forms, and a role on top.
    fs::copy(token_file(world, "corp"), token_file(world, URL)).expect("a token");
    let deploy = world.aws.add_role(RoleSpec::new("deploy").trust_role(&home.role));
    world.write(
        ".aws/config",
        format!(
            "{CONFIG}[profile older]\nsso_start_url = {URL}\nsso_region = eu-west-1\nsso_account_id = {ACCOUNT}\n\
             sso_role_name = Developer\n\
             [profile chained]\nsource_profile = dev\nrole_arn = {deploy}\nrole_session_name = on-sso\n"
        ),
    );
    for profile in ["dev", "older"] {
        assert!(who(world, clients, profile).ends_with(person), "{profile}");
    }
    assert!(who(world, clients, "chained").ends_with(":assumed-role/deploy/on-sso"));

    // A session of `aws login`.
    let key = world.aws.add_user("alice");
    let login = world.aws.login("alice", true, 100);
    world.add_config(&format!("[profile person]\nlogin_session = {}\nregion = eu-west-1\n", login.arn));
    let name = mfa_cred::signin::file_name(&login.arn);
    world.write(&format!(".aws/login/cache/{name}"), login.text);
    assert_eq!(who(world, clients, "person"), login.arn);

    // A sealed access key.
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    world.write_key("alice", &key);
    let imported = world.run(&["keys", "import", "alice", "--yes"]);
    assert!(imported.status.success() && !world.read(".aws/credentials").contains(&key.id), "{imported:?}");
    assert_eq!(who(world, clients, "alice"), login.arn);

    // A web identity, from the profile and from the environment.
    web_identities(world, clients);
}

fn web_identities(world: &World, clients: (&PathBuf, &PathBuf)) {
    world.aws.add_provider(ISSUER);
    let pod = world.aws.add_role(RoleSpec::new("pod").trust_web(ISSUER, "a-pod"));
    let inner = world.aws.add_role(RoleSpec::new("inner").trust_role(&pod));
    let file = world.home().join("pod.token").display().to_string();
    world.write("pod.token", world.aws.web_token(&Claims::of(ISSUER, "a-pod")));
    world.add_config(&format!(
        "[profile pod]\nrole_arn = {pod}\nweb_identity_token_file = {file}\nrole_session_name = a-pod\n\
         [profile around]\ncredential_source = Environment\nrole_arn = {inner}\nrole_session_name = around\n"
    ));
    assert!(who(world, clients, "pod").ends_with(":assumed-role/pod/a-pod"));
    world.set("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
    world.set("AWS_ROLE_ARN", &pod);
    assert!(who(world, clients, "around").ends_with(":assumed-role/inner/around"));
}
