//! The SDKs that people use, each with its default chain of credentials: the AWS CLI, boto3, JavaScript, Rust and Go.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::clients::client;
use super::serve::order;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, MFA_CRED, World, calls, install};

/// Our clients in the SDKs' languages, and where `tests/run` installs the SDKs.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
const JS_SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/js/node_modules");

/// An SDK, or the AWS CLI.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sdk {
    Cli,
    Boto3,
    JavaScript,
    Rust,
    Go,
}

impl Sdk {
    pub(crate) const ALL: [Self; 5] = [Self::Cli, Self::Boto3, Self::JavaScript, Self::Rust, Self::Go];

    /// Asks AWS `count` times who it is, and prints the answers; in between it waits. `None` if it is not installed.
    pub(crate) fn asking(self, count: u32, pause: Duration) -> Option<Command> {
        let source = |name: &str| Path::new(SOURCES).join(name);
        let mut command = match self {
            // It is a process for each question.
            Self::Cli => {
                let aws = client("the AWS CLI", "aws", &["--version"])?;
                let mut shell = Command::new("sh");
                let script = "n=0; while [ $n -lt \"$1\" ]; do [ $n = 0 ] || sleep \"$2\"; \"$0\" sts get-caller-identity --query Arn --output text || exit 1; n=$((n + 1)); done";
                shell.args(["-c", script]).arg(aws);
                shell.args([count.to_string(), pause.as_secs_f64().to_string()]);
                return Some(shell);
            }
            Self::Boto3 => {
                let mut python = Command::new(client("boto3", "python3", &["-c", "import boto3"])?);
                python.arg(source("who.py"));
                python
            }
            Self::JavaScript => {
                let Some(node) = find("node", &["--version"]).filter(|_| Path::new(JS_SDK).exists()) else {
                    skip_without("the AWS SDK for JavaScript", "@aws-sdk/client-sts");
                    return None;
                };
                let mut node = Command::new(node);
                node.arg("--no-warnings").arg(source("who.cjs"));
                node
            }
            Self::Rust => Command::new(client("the AWS SDK for Rust", "aws-rust-client", &["0", "0"])?),
            Self::Go => Command::new(client("the AWS SDK for Go", "aws-go-client", &["0", "0"])?),
        };
        command.args([count.to_string(), pause.as_millis().to_string()]);
        Some(command)
    }

    /// The role that the SDK finds itself in, or why it is in none. `None` if it is not installed.
    fn role(self, world: &World) -> Option<Result<String, Finished>> {
        self.role_as(world, &|command| command)
    }

    /// The same when it is started like this.
    fn role_as(self, world: &World, around: &dyn Fn(Command) -> Command) -> Option<Result<String, Finished>> {
        let mut command = around(self.asking(1, Duration::ZERO)?);
        dress(world, &mut command);
        let finished = pty::run(command, b"", PATIENCE);
        let role = finished.stdout.split("assumed-role/").nth(1).and_then(|rest| rest.split('/').next());
        Some(role.map(str::to_owned).ok_or(finished))
    }
}

/// Gives a client this home, and what each of them needs besides.
pub(crate) fn dress(world: &World, command: &mut Command) {
    world.dress(command);
    command.env("NODE_PATH", JS_SDK);
}

/// Roles that the loopback AWS was asked by, which it never is with expired credentials.
fn assert_calls(world: &World, sdk: Sdk, expected: &[&str]) {
    assert_eq!(calls(world), expected, "{sdk:?}");
}

#[test]
fn every_sdk_uses_a_wired_profile() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    assert!(world.run(&["wire", "deploy", "--yes"]).status.success());
    calls(&world);
    world.set("AWS_PROFILE", "deploy-mfa");
    for sdk in Sdk::ALL {
        let Some(role) = sdk.role(&world) else { continue };
        assert_eq!(role.ok().as_deref(), Some("deploy"), "{sdk:?}");
        // Nobody but the client itself called: what the command gave came from the cache.
        assert_calls(&world, sdk, &["GetCallerIdentity"]);
    }
}

/// The program's path and the profile's name, as people and their systems have them.
#[test]
fn every_sdk_runs_a_program_and_a_profile_with_any_name() {
    let Cast { world, device, .. } = World::cast();
    let folder = world.home().join("it's \"my\" (x86) & $HOME;C:\\Program Files #1");
    std::fs::create_dir(&folder).expect("a folder");
    let program = install(&folder);
    let (serial, account) = (device.serial(), world.aws.account());
    let run = |words: &[&str]| {
        let mut command = pty::off_terminal(&program);
        world.dress(&mut command);
        command.args(words);
        pty::run(command, b"", PATIENCE)
    };
    for name in ["two  words", "say `hi` $(x)", "a&b|c d", "100%", "ünï 1", "it (x)", "it [x", "it {x"] {
        world.add_config(&format!(
            "[profile \"{name}\"]\nrole_arn = arn:aws:iam::{account}:role/deploy\nsource_profile = alice\nmfa_serial = {serial}\n"
        ));
    }
    world.sign_in(&device, &["login", "--profile=two  words"]);
    // Different profiles whose second names would be the same get different ones.
    let wired = run(&["wire", "--yes", "two  words", "say `hi` $(x)", "a&b|c d", "100%", "ünï 1", "it (x)", "it {x"]);
    let names =
        ["two--words-mfa", "say--hi----x--mfa", "a-b-c-d-mfa", "100%-mfa", "-n--1-mfa", "it--x--mfa", "it--x-mfa"];
    let listed = names.map(|name| format!("`{name}`")).join(", ");
    assert!(wired.stderr.contains(&format!("wrote {listed} to ")), "{wired:?}");
    let again = run(&["wire", "--yes", "it [x"]);
    assert!(again.stderr.contains("wrote `it--x-mfa-2` to "), "{again:?}");
    assert!(run(&["wire", "--yes", "it [x"]).stderr.contains("has it already: `it--x-mfa-2`"));
    for name in names.into_iter().chain(["it--x-mfa-2"]) {
        world.set("AWS_PROFILE", name);
        for sdk in Sdk::ALL {
            let Some(role) = sdk.role(&world) else { continue };
            assert!(
                matches!(&role, Ok(role) if role == "deploy"),
                "{sdk:?} {name} {role:?} {}",
                world.read(".aws/config")
            );
        }
    }
    world.aws.take_calls();
}

#[test]
fn a_name_that_some_sdks_do_not_read_is_mentioned() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let wired = world.run(&["wire", "deploy", "--as", "for sdks", "--yes"]);
    let warning = "warning: only the AWS CLI and boto3 read a profile named `for sdks`: \
                   other SDKs accept only ASCII letters, digits and `_-./%@:+`\n";
    assert!(wired.status.success() && wired.stderr.contains(warning), "{wired:?}");
    world.set("AWS_PROFILE", "for sdks");
    for sdk in Sdk::ALL {
        let Some(role) = sdk.role(&world) else { continue };
        assert_eq!(role.is_ok(), matches!(sdk, Sdk::Cli | Sdk::Boto3), "{sdk:?}: {role:?}");
    }
    world.aws.take_calls();
}

/// How long the role's credentials live here, and how often and how long they are used: across five expirations.
const LIFE: i64 = 8;
const QUESTIONS: u32 = 24;
const PAUSE: Duration = Duration::from_millis(2000);

/// A person whose MFA session lives for hours, while the credentials of roles live for seconds.
fn short_lived() -> Cast {
    let cast = World::cast();
    cast.world.sign_in(&cast.device, &["login", "audit"]);
    cast.world.aws.lifetime(Some(LIFE));
    calls(&cast.world);
    cast
}

/// All of them at once; each asks again and again. AWS accepts no credentials that have expired.
fn across_expirations(world: &World, around: &dyn Fn(Command) -> Command) {
    let asking = Sdk::ALL.into_iter().filter_map(|sdk| {
        let mut command = around(sdk.asking(QUESTIONS, PAUSE)?);
        dress(world, &mut command);
        Some((sdk, command))
    });
    let asking: Vec<_> = asking.collect();
    let count = asking.len();
    thread::scope(|scope| {
        for (sdk, command) in asking {
            scope.spawn(move || {
                let done = pty::run(command, b"", 3 * PATIENCE);
                let roles = done.stdout.matches("assumed-role/deploy/").count();
                assert!(done.status.success() && roles == QUESTIONS as usize, "{sdk:?} {roles}: {}", done.stderr);
            });
        }
    });
    let made = calls(world);
    let of = |action: &str| made.iter().filter(|made| *made == action).count();
    assert_eq!((of("GetCallerIdentity"), of("GetSessionToken")), (count * QUESTIONS as usize, 0), "{made:?}");
    assert!(of("AssumeRole") > 5, "{made:?}");
}

#[test]
fn every_sdk_renews_through_a_wired_profile_across_five_expirations() {
    let Cast { world, .. } = short_lived();
    assert!(world.run(&["wire", "deploy", "--yes"]).status.success());
    world.set("AWS_PROFILE", "deploy-mfa");
    across_expirations(&world, &|command| command);
}

/// The same client with an endpoint of its own.
#[expect(clippy::needless_pass_by_value, reason = "others give the command back as it is")]
fn with_endpoint(client: Command) -> Command {
    let mut command = pty::off_terminal(MFA_CRED);
    command.args(["exec", "--server", "deploy", "--"]).arg(client.get_program()).args(client.get_args());
    command
}

#[test]
fn every_sdk_renews_through_an_endpoint_of_its_own_across_five_expirations() {
    let Cast { world, .. } = short_lived();
    across_expirations(&world, &with_endpoint);
}

/// Whatever the shell holds for them.
#[test]
fn every_sdk_uses_the_endpoint_although_the_shell_has_what_it_would_use_before() {
    let Cast { world, device, .. } = World::cast();
    for name in order::names() {
        world.set(name, order::value(name));
    }
    world.sign_in(&device, &["login", "deploy"]);
    calls(&world);
    for sdk in Sdk::ALL {
        let Some(role) = sdk.role_as(&world, &with_endpoint) else { continue };
        assert!(matches!(&role, Ok(role) if role == "deploy"), "{sdk:?} {role:?}");
        assert_calls(&world, sdk, &["GetCallerIdentity"]);
    }
}
