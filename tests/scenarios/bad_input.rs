//! Bad input gets one clear error and does no damage: no output, no call, no spent code, no damaged entry.
//!
//! Cases are data: what is wrong, what is run, and the complete stderr. In all of them `<home>`, `<role>` and
//! `<serial>` stand for the home, the role `deploy` and its user's device.

mod cache;
mod codes;
mod files;
mod many;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::support::pty::Finished;
use crate::support::world::{Cast, World};

/// The profile `bad` from the file `bad`, with a valid code at hand that could be spent.
const PROCESS: &str = "--config-file bad process bad --mfa-token -";
/// The profile `deploy`, which is valid.
const DEPLOY: &str = "process deploy --mfa-token -";

/// The text of the file `bad`, the words after `mfa-cred`, the exit code and stderr.
struct Bad(String, String, i32, String);

fn bad(config: impl Into<String>, words: &str, exit: i32, stderr: impl Into<String>) -> Bad {
    Bad(config.into(), words.to_owned(), exit, stderr.into())
}

/// A cast that is signed in, so that there is something to lose.
fn signed_in() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["process", "deploy"]);
    cast.world.aws.take_calls();
    cast
}

/// What must not change: sealed entries, spent codes, the record of the key, the clock.
fn kept(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = |folder: &str| fs::read_dir(world.state().join(folder)).into_iter().flatten().flatten();
    let paths = files("").chain(files("entries")).map(|file| file.path()).filter(|path| path.is_file());
    paths.map(|path| (path.clone(), fs::read(path).expect("a file of ours"))).collect()
}

fn filled_in(cast: &Cast, text: &str) -> String {
    let role = format!("arn:aws:iam::{}:role/deploy", cast.world.aws.account());
    let home = cast.world.home().to_str().expect("a path");
    text.replace("<home>", home).replace("<role>", &role).replace("<serial>", cast.device.serial())
}

/// Describes how the result of a run differs from the expected one: its exit code and stderr, or a change to anything
/// else.
fn complaint(cast: &Cast, before: &BTreeMap<PathBuf, Vec<u8>>, done: &Finished, wanted: (i32, &str)) -> Option<String> {
    let stderr = filled_in(cast, wanted.1);
    let (seen, wanted) = ((done.status.code(), &*done.stdout, &*done.stderr), (Some(wanted.0), "", stderr.as_str()));
    // A FIDO device is refused with a list of usable devices, which takes one read-only call.
    let may_list = done.stderr.contains("FIDO");
    let is_expected = |action: &str| may_list && action == "ListMFADevices";
    let calls: Vec<_> = cast.world.aws.take_calls().into_iter().filter(|it| !is_expected(&it.action)).collect();
    if seen != wanted {
        return Some(format!("     got {seen:?}\n  wanted {wanted:?}"));
    }
    if !calls.is_empty() {
        return Some(format!("{calls:?}"));
    }
    (kept(&cast.world) != *before).then(|| "something that was kept has changed".to_owned())
}

/// Runs every case and collects the failures.
fn all_fail(cast: &Cast, cases: &[Bad]) {
    let before = kept(&cast.world);
    let mut wrong = String::new();
    for Bad(config, words, exit, stderr) in cases {
        cast.world.write("bad", filled_in(cast, config));
        let words: Vec<String> = words.split(' ').map(|word| filled_in(cast, word)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = cast.world.run_with_stdin(&words, &cast.device.fresh_code());
        if let Some(complaint) = complaint(cast, &before, &done, (*exit, stderr)) {
            wrong.push_str(&format!("{words:?} with\n{config}\n{complaint}\n\n"));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn an_invalid_profile_is_reported_with_file_line_and_property() {
    let profile =
        |lines: &str, error: &str| bad(format!("[profile bad]\n{lines}"), PROCESS, 1, format!("error: {error}\n"));
    let role = |lines: &str, error: &str| profile(&format!("role_arn = <role>\n{lines}"), error);
    all_fail(
        &signed_in(),
        &[
            bad(
                "",
                PROCESS,
                1,
                "error: there is no profile `bad` in bad or <home>/.aws/credentials\n\
                 hint: `mfa-cred list` shows the profiles\n",
            ),
            bad(
                "[profile bat]\n",
                PROCESS,
                1,
                "error: there is no profile `bad` in bad or <home>/.aws/credentials\nhint: did you mean `bat`?\n",
            ),
            profile(
                "region = eu-west-1\n",
                "bad:1: profile `bad` has no access key, no role and no other source of credentials",
            ),
            role("source_profile = nobody\n", "bad:3: `source_profile` names a profile that does not exist: `nobody`"),
            role(
                "source_profile = alise\n",
                "bad:3: `source_profile` names a profile that does not exist: `alise`\nhint: did you mean `alice`?",
            ),
            role(
                "source_profile =\n",
                "bad:2: `role_arn`: profile `bad` has a role, but neither `source_profile` nor `credential_source`\n\
                 hint: add `source_profile = PROFILE` (the profile whose keys sign) or `credential_source`",
            ),
            role(
                "mfa_serial = <serial>\n",
                "bad:2: `role_arn`: profile `bad` has a role, but neither `source_profile` nor `credential_source`\n\
                 hint: add `source_profile = PROFILE` (the profile whose keys sign) or `credential_source`",
            ),
            role(
                "source_profile = alice\ncredential_source = Environment\n",
                "bad:4: `credential_source`: profile `bad` has both `source_profile` and `credential_source`\n\
                 hint: keep only the one that you want",
            ),
            role(
                "credential_source = Moon\n",
                "bad:3: `credential_source` must be `Environment`, `Ec2InstanceMetadata` or `EcsContainer`",
            ),
            role(
                "credential_source = Environment\n",
                "bad:3: `credential_source`: the environment has neither an access key nor a web identity",
            ),
            role("source_profile = bad\n", "`source_profile` forms a cycle: bad -> bad"),
            role(
                "source_profile = b\n[profile b]\nrole_arn = <role>\nsource_profile = c\n\
                 [profile c]\nsource_profile = b\n",
                "`source_profile` forms a cycle: b -> c -> b",
            ),
            profile(
                "credential_process = mfa-cred process bad\n",
                "bad:2: `credential_process` starts mfa-cred for profile `bad` again, which would never end",
            ),
            profile("sso_session = x\n", "bad:2: `sso_session`: there is no section `[sso-session x]`"),
            profile(
                "web_identity_token_file = t\n",
                "bad:2: `web_identity_token_file`: profile `bad` has no `role_arn` to go with it",
            ),
            profile(
                "source_profile = alice\ninclude_profile = x\n",
                "bad:3: `include_profile` is not supported, and ignoring it could lose an `mfa_serial`\n\
                 hint: `mfa-cred show bad` prints the lines to put in its place",
            ),
            role(
                "credential_source = Ec2InstanceMetadata\nmfa_serial = auto\n",
                "bad:4: `mfa_serial`: a code of the one device that IAM lists (`mfa_serial = auto`) cannot be used, because \
                 the role of this EC2 instance signs the request and not a user's access key\n\
                 hint: remove `mfa_serial`, or use a source profile that has a user's access key",
            ),
            role(
                "credential_source = Ec2InstanceMetadata\nmfa_serial = <serial>\n",
                "bad:4: `mfa_serial`: a code of <serial> cannot be used, because the role of this EC2 instance signs the request and not a user's access key\n\
                 hint: remove `mfa_serial`, or use a source profile that has a user's access key",
            ),
            bad(
                "[profile bad]\nsource_profile = alice\nmfa_serial = arn:aws:iam::123456789012:u2f/user/alice/key\n",
                PROCESS,
                4,
                "error: bad:3: `mfa_serial`: arn:aws:iam::123456789012:u2f/user/alice/key is a FIDO key or passkey, and \
                 AWS's API accepts no FIDO codes\n\
                 hint: use a device whose codes AWS accepts: `mfa_serial = <serial>`\n",
            ),
        ],
    );
}

#[test]
fn a_value_that_aws_would_reject_is_refused_before_a_code_is_spent() {
    const ARN: &str =
        "a role is written `arn:PARTITION:iam::ACCOUNT:role/NAME`, `ACCOUNT:ROLE` or `PARTITION:ACCOUNT:ROLE`";
    const SERIAL: &str = "an MFA serial number has 9 to 256 characters of `A-Za-z0-9_+=/:,.@-`";
    const NAME: &str = "it must have 2 to 64 characters of `A-Za-z0-9_+=,.@-`";
    const TAG: &str = "a tag consists of letters, digits, spaces and `_.:/=+-@`";
    let long_name = format!("role_session_name = {}", "x".repeat(65));
    let many_tags = (0..51).fold("session_tags = ".to_owned(), |line, n| format!("{line}k{n}=v,"));
    let cases = [
        ("role_arn = deploy", ARN),
        ("role_arn = arn:aws:iam::123456789012:user/alice", ARN),
        ("role_arn = arn:aws:iam::12345:role/deploy", "an account ID has 12 digits"),
        ("role_arn = arn:mars:iam::123456789012:role/deploy", "unknown partition"),
        ("mfa_serial = 12345678", SERIAL),
        ("mfa_serial = arn:aws:iam:x", "the ARN of an MFA device is `arn:PARTITION:iam::ACCOUNT:mfa/NAME`"),
        ("duration_seconds = abc", " is not a number of seconds"),
        ("duration_seconds = 899", " is 14m59s; AWS accepts 15m to 12h here"),
        ("duration_seconds = 43201", " is 12h1s; AWS accepts 15m to 12h here"),
        ("session_duration = 1d", "a duration is written `900`, `15m`, `1h30m` or `12h`"),
        ("session_duration = 37h", " is 37h; AWS accepts 15m to 36h here"),
        ("role_session_name = a", NAME),
        ("role_session_name = two words", NAME),
        (&long_name, NAME),
        ("source_identity = a:b", NAME),
        ("external_id = a b", "an external ID has 2 to 1224 characters of `A-Za-z0-9_+=,.@:/-`"),
        ("session_tags = team", "a tag is written `KEY=VALUE`"),
        ("session_tags = team=a!", TAG),
        ("session_tags = =a", "a tag key has 1 to 128 characters, and its value at most 256"),
        (&many_tags, " adds up to more than the 50 tags that AWS accepts"),
        ("session_tags = team=a,Team=b", " has two tags with the same key (AWS ignores case)"),
        ("session_tags = aws:team=a", "a tag's key must not start with `aws:`, which AWS reserves"),
        ("transitive_session_tags = team", " names a key that no tag has"),
        ("region = us-east-1;touch PWNED", "a region consists of a-z, 0-9 and `-`"),
        ("use_fips_endpoint = maybe", " is neither `true` nor `false`"),
    ];
    let cases: Vec<Bad> = cases
        .iter()
        .map(|(line, why)| {
            let key = line.split(' ').next().expect("a key");
            let others = ["role_arn = <role>\n", "mfa_serial = <serial>\n"];
            let others: String = others.into_iter().filter(|other| !other.starts_with(key)).collect();
            let colon = if why.starts_with(' ') { "" } else { ": " };
            let config = format!("[profile bad]\nsource_profile = alice\n{line}\n{others}");
            bad(config, PROCESS, 1, format!("error: bad:3: `{key}`{colon}{why}\n"))
        })
        .collect();
    all_fail(&signed_in(), &cases);
}

#[test]
fn an_endpoint_that_is_not_a_url_is_refused() {
    let cast = signed_in();
    // Otherwise the environment's would be used. If the profile's were accepted, nobody would be there to be called.
    cast.world.set("AWS_ENDPOINT_URL", "");
    cast.world.set("HTTPS_PROXY", "http://127.0.0.1:9");
    let config = "[profile bad]\nsource_profile = alice\nmfa_serial = <serial>\nendpoint_url = ftp://x\n";
    all_fail(&cast, &[bad(config, PROCESS, 1, "error: bad:4: `endpoint_url` is not an http or https address\n")]);
}

#[test]
fn half_an_access_key_is_not_an_access_key() {
    let cast = signed_in();
    let key = |lines: &str, error: &str| {
        let words = format!("--credentials-file bad {DEPLOY}");
        bad(format!("[alice]\n{lines}"), &words, 1, format!("error: {error}\n"))
    };
    all_fail(
        &cast,
        &[
            key(
                "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
                "bad:2: `aws_access_key_id`: profile `alice` has no `aws_secret_access_key` to go with it",
            ),
            key(
                "aws_secret_access_key = hunter2\n",
                "bad:2: `aws_secret_access_key`: profile `alice` has no `aws_access_key_id` to go with it",
            ),
            key(
                "aws_access_key_id =\naws_secret_access_key =\n",
                "<home>/.aws/config:1: profile `alice` has no access key, no role and no other source of credentials",
            ),
            key(
                "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key =\n",
                "bad:3: `aws_secret_access_key` of profile `alice` is empty, but its `aws_access_key_id` is not",
            ),
            key(
                "aws_access_key_id = hunter 2\naws_secret_access_key = x\n",
                "bad:2: `aws_access_key_id` is not an access key ID, which is one plain word",
            ),
        ],
    );
}

#[test]
fn a_malformed_line_is_reported_in_every_file() {
    let section = "a section such as `[default]` must come first";
    let cases = [
        ("region\n", format!("1: {section}")),
        ("region = x\n", format!("1: {section}")),
        ("[profile bad]\nsource_profile alice\n", "2: there is no `=` after the key".to_owned()),
        ("[profile bad]\n= alice\n", "2: there is no key before the `=`".to_owned()),
        ("# fine\n\n[profile bad\n", "3: a section header must end with `]`".to_owned()),
        ("[profile bad]\n  region\n", "2: there is no `=` after the key".to_owned()),
        (
            "[profile bad]\ns3 =\n  x\n",
            "3: there is no `=` after the nested key (a comment must not be indented here)".to_owned(),
        ),
        // For this one, no code is asked for.
        ("[profile other]\nx\n[profile bad]\nsource_profile = alice\n", "2: there is no `=` after the key".to_owned()),
    ];
    let in_config = cases.iter().map(|(text, error)| bad(*text, PROCESS, 1, format!("error: bad:{error}\n")));
    let words = format!("--credentials-file bad {DEPLOY}");
    let in_credentials = cases.iter().map(|(text, error)| bad(*text, &words, 1, format!("error: bad:{error}\n")));
    all_fail(&signed_in(), &in_config.chain(in_credentials).collect::<Vec<_>>());
}

#[test]
fn an_invalid_option_or_variable_is_reported_before_anything_is_done() {
    let cast = signed_in();
    let option = |words: &str, stderr: &str| bad("", &format!("{DEPLOY} {words}"), 2, stderr);
    let clap = |option: &str, value: &str, why: &str| {
        let stderr =
            format!("error: invalid value '{value}' for '{option}': {why}\n\nFor more information, try '--help'.\n");
        bad("", &format!("{DEPLOY} {} {value}", option.split(' ').next().expect("a flag")), 2, stderr)
    };
    all_fail(
        &cast,
        &[
            clap(
                "--role-arn <ARN>",
                "deploy",
                "a role is written `arn:PARTITION:iam::ACCOUNT:role/NAME`, `ACCOUNT:ROLE` or `PARTITION:ACCOUNT:ROLE`",
            ),
            clap("--mfa-serial <SERIAL>", "x", "an MFA serial number has 9 to 256 characters of `A-Za-z0-9_+=/:,.@-`"),
            clap("--duration <DURATION>", "abc", "a duration is written `900`, `15m`, `1h30m` or `12h`"),
            clap("--session-name <NAME>", "x", "it must have 2 to 64 characters of `A-Za-z0-9_+=,.@-`"),
            clap("--tag <KEY=VALUE>", "team", "a tag is written `KEY=VALUE`"),
            clap("--region <REGION>", "A;b", "a region consists of a-z, 0-9 and `-`"),
            option("--duration 5m", "error: `--duration` is 5m; AWS accepts 15m to 12h here\n"),
            option("--duration 13h", "error: `--duration` is 13h; AWS accepts 15m to 12h here\n"),
            option("--tag a=1 --tag A=2", "error: `--tag` has two tags with the same key (AWS ignores case)\n"),
            option("--transitive-tag a", "error: `--transitive-tag` names a key that no tag has\n"),
            option("--policy-arn x", "error: `--policy-arn` is not a policy ARN\n"),
            option("--session-policy {", "error: `--session-policy` is not JSON (line 1, column 1)\n"),
            bad(
                "",
                &format!("{DEPLOY} --session-policy @missing"),
                1,
                "error: `--session-policy`: missing cannot be read: No such file or directory (os error 2)\n",
            ),
            bad(
                "",
                &format!("{DEPLOY} --source-profile nobody"),
                1,
                "error: `--source-profile` names a profile that does not exist: `nobody`\n",
            ),
            bad(
                "",
                "process alice --tag a=b",
                2,
                "error: `--tag` applies to a role session, but profile `alice` has no role\n",
            ),
        ],
    );
    for (name, value, stderr) in [
        ("MFA_CRED_DURATION", "abc", "a duration is written `900`, `15m`, `1h30m` or `12h`"),
        ("MFA_CRED_REGION", "A;b", "a region consists of a-z, 0-9 and `-`"),
        ("MFA_CRED_STORE", "cupboard", "expected one of `auto`, `kernel`, `keyring`, `passphrase`, `none`"),
        ("MFA_CRED_NO_PROMPT", "perhaps", "expected `true` or `false`"),
    ] {
        cast.world.set(name, value);
        all_fail(&cast, &[bad("", DEPLOY, 2, format!("error: `{name}` in the environment: {stderr}\n"))]);
        cast.world.set(name, "");
    }
    for (name, value, exit, stderr) in [
        ("AWS_REGION", "A;b", 1, "`AWS_REGION` in the environment: a region consists of a-z, 0-9 and `-`"),
        (
            "AWS_ROLE_SESSION_NAME",
            "x",
            1,
            "`AWS_ROLE_SESSION_NAME` in the environment: it must have 2 to 64 characters of `A-Za-z0-9_+=,.@-`",
        ),
    ] {
        // A profile's own region takes precedence over the variable.
        cast.world.edit_config("region = ap-northeast-1", "region =");
        cast.world.set(name, value);
        all_fail(&cast, &[bad("", DEPLOY, exit, format!("error: {stderr}\n"))]);
        cast.world.edit_config("region =", "region = ap-northeast-1");
        cast.world.set(name, "");
    }
}
