//! Other people's programs on both sides: a second server (moto), and the clients that people use.
//!
//! `moto_server` shares no code with the strict AWS of these tests, so it reveals mistakes in the wire format that our
//! server and our client have in common. The AWS CLI and boto3 run the binary as their `credential_process`.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::aws::{AccessKey, Device, Signer};
use crate::support::pty::{Finished, PATIENCE, Pty};
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, MFA_CRED, World, variable};

/// The identity that GetCallerIdentity returns after the role `deploy` was assumed as these profiles say.
const ARN: &str = "arn:aws:sts::123456789012:assumed-role/deploy/a-client";

/// moto's server on a port of the loopback. It stops when this value is dropped.
pub(crate) struct Moto {
    child: Child,
    log: PathBuf,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start(program: PathBuf, world: &World) -> Self {
        let log = world.home().join("moto.log");
        let file = fs::File::create(&log).expect("a log");
        let mut command = Command::new(program);
        // Port 0: the system picks a port, and the log names it.
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a second handle")).stderr(file);
        let child = command.spawn().expect("moto_server starts");
        let mut moto = Self { child, log, url: String::new() };
        let start = Instant::now();
        moto.url = loop {
            let text = moto.log();
            let url = text.split_once("Running on ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((url, _)) = url {
                break url.trim().to_owned();
            }
            let status = moto.child.try_wait().expect("a child of ours");
            assert!(status.is_none() && start.elapsed() < PATIENCE, "moto_server: {status:?} {text}");
            thread::sleep(Duration::from_millis(20));
        };
        moto
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// The HTTP status codes of the answers so far.
    fn answers(&self) -> Vec<String> {
        let status = |line: &str| Some(line.split_once("\"POST / HTTP/1.1\" ")?.1.split(' ').next()?.to_owned());
        self.log().lines().filter_map(status).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself; in either case it is reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The usual cast, with another profile for SDKs: in the role's own profile they would never run the command.
fn cast() -> Cast {
    let cast = World::cast();
    // Version 2 of the AWS CLI would start `less`.
    cast.world.set("AWS_PAGER", "");
    cast.world.edit_config("[profile deploy]\n", "[profile deploy]\nrole_session_name = a-client\n");
    cast.world.add_config(&format!(
        "[profile deploy-mfa]\nregion = ap-northeast-1\ncredential_process = \"{MFA_CRED}\" process deploy\n"
    ));
    cast
}

/// `program` without a terminal, in this home.
fn run(world: &World, program: &PathBuf, words: &[&str]) -> Finished {
    let finished = world.run_other(program, words, PATIENCE);
    world.heard(&format!("{} {}", program.display(), words.join(" ")), &finished);
    finished
}

/// Runs `aws sts get-caller-identity`.
const WHO: [&str; 6] = ["--profile", "deploy-mfa", "--output", "json", "sts", "get-caller-identity"];

fn arn(finished: &Finished) -> String {
    assert!(finished.status.success(), "{finished:?}");
    let answer: serde_json::Value = serde_json::from_str(&finished.stdout).expect("JSON");
    answer["Arn"].as_str().expect("an ARN").to_owned()
}

/// The calls to the strict AWS and their callers: a role's name, or empty for a user or its session.
fn calls(world: &World) -> Vec<String> {
    let role = |signer: Signer| match signer {
        Signer::Role { arn, .. } => format!(" as {}", arn.rsplit('/').next().unwrap_or_default()),
        _ => String::new(),
    };
    world.aws.take_calls().into_iter().map(|call| call.action + &role(call.signer)).collect()
}

/// Finds a working program; if there is none, prints what is skipped.
pub(crate) fn client(what: &str, program: &str, words: &[&str]) -> Option<PathBuf> {
    let found = find(program, words);
    if found.is_none() {
        skip_without(what, &format!("a working `{program} {}`", words.join(" ")));
    }
    found
}

/// moto with an administrator, whose profile is `admin`, and the AWS CLI for changing the account.
pub(crate) struct MotoAccount<'a> {
    pub(crate) moto: Moto,
    aws: PathBuf,
    world: &'a World,
}

impl<'a> MotoAccount<'a> {
    /// Starts the server and points the world to it; `None` if a program is not installed.
    pub(crate) fn start(world: &'a World) -> Option<Self> {
        let program = client("a second IAM", "moto_server", &["--help"])?;
        let aws = aws_cli()?;
        let moto = Moto::start(program, world);
        world.set("AWS_ENDPOINT_URL", &moto.url);
        world.set("AWS_DEFAULT_REGION", "us-east-1");
        world.set("AWS_PAGER", "");
        world.write(".aws/config", "[profile admin]\nregion = us-east-1\n");
        world.write_key("admin", &AccessKey { id: "AKIAADMIN00000000001".into(), secret: "x".repeat(40), token: None });
        Some(Self { moto, aws, world })
    }

    /// Runs `aws iam WORDS` as the administrator and returns the JSON that it prints, if any.
    pub(crate) fn iam(&self, words: &[&str]) -> serde_json::Value {
        let words = [&["--profile", "admin", "--output", "json", "iam"], words].concat();
        let done = self.world.run_other(&self.aws, &words, PATIENCE);
        assert!(done.status.success(), "{words:?} {} {}", done.stderr, self.moto.log());
        serde_json::from_str(&done.stdout).unwrap_or_default()
    }
}

fn aws_cli() -> Option<PathBuf> {
    client("the AWS CLI", "aws", &["--version"])
}

/// A Python that has boto3.
fn boto3() -> Option<PathBuf> {
    client("boto3", "python3", &["-c", "import boto3"])
}

/// Signs in, so that the next call finds cached credentials.
fn sign_in(world: &World, device: &Device) {
    world.sign_in(device, &["login", "deploy"]);
    assert_eq!(calls(world), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn moto_accepts_our_requests() {
    let Some(program) = client("a second STS", "moto_server", &["--help"]) else { return };
    let Some(aws) = aws_cli() else { return };
    let Cast { world, device, .. } = cast();
    let moto = Moto::start(program, &world);
    world.set("AWS_ENDPOINT_URL", &moto.url);

    let first = world.sign_in(&device, &["env", "deploy"]);
    assert_eq!(first.stderr, "");
    assert_eq!(moto.answers(), ["200", "200"], "GetSessionToken and AssumeRole: {}", moto.log());
    assert!(variable(&first.stdout, "AWS_ACCESS_KEY_ID").starts_with("ASIA"));
    let end: jiff::Timestamp = variable(&first.stdout, "AWS_CREDENTIAL_EXPIRATION").parse().expect("a time");
    let left = end.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3500..=3605).contains(&left), "{left}");

    // moto understood the request: the role and the session name arrived, and its secrets came back unchanged.
    let who = ["exec", "deploy", "--", aws.to_str().expect("a path"), "--output", "json", "sts", "get-caller-identity"];
    let told = world.run(&who);
    assert_eq!(arn(&told), ARN);
    assert_eq!(moto.answers(), ["200", "200", "200"], "the second run called nobody but for the client's own question");

    let warm = world.run(&["env", "deploy"]);
    assert!(warm.status.success(), "{warm:?}");
    assert_eq!((warm.stderr.as_str(), &warm.stdout, moto.answers().len()), ("", &first.stdout, 3));
    let (token, secret) =
        (variable(&first.stdout, "AWS_SESSION_TOKEN"), variable(&first.stdout, "AWS_SECRET_ACCESS_KEY"));
    let entries = world.entries();
    assert_eq!(entries.len(), 2, "{entries:?}");
    for entry in entries {
        let bytes = fs::read(entry).expect("an entry");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&token) && !text.contains(&secret), "{text}");
    }
    assert_eq!(calls(&world), Vec::<String>::new(), "our own server was not asked");
}

#[test]
fn the_aws_cli_gets_cached_credentials() {
    let Some(aws) = aws_cli() else { return };
    let Cast { world, device, .. } = cast();
    sign_in(&world, &device);
    let told = run(&world, &aws, &WHO);
    assert_eq!((arn(&told).as_str(), told.stderr.as_str()), (ARN, ""));
    assert_eq!(calls(&world), ["GetCallerIdentity as deploy"]);
}

#[test]
fn boto3_gets_cached_credentials() {
    let Some(python) = boto3() else { return };
    let script = "import boto3\n\
                  session = boto3.Session(profile_name='deploy-mfa')\n\
                  for _ in range(2): print(session.client('sts').get_caller_identity()['Arn'])\n";
    let Cast { world, device, .. } = cast();
    sign_in(&world, &device);
    let told = run(&world, &python, &["-c", script]);
    assert!(told.status.success(), "{told:?}");
    assert_eq!((told.stdout, told.stderr.as_str()), (format!("{ARN}\n{ARN}\n"), ""));
    assert_eq!(calls(&world), ["GetCallerIdentity as deploy", "GetCallerIdentity as deploy"]);
}

#[test]
fn without_a_terminal_a_client_shows_our_hint() {
    let Some(aws) = aws_cli() else { return };
    let Some(python) = boto3() else { return };
    let script = "import boto3\nboto3.Session(profile_name='deploy-mfa').client('sts').get_caller_identity()\n";
    let Cast { world, .. } = cast();
    for told in [run(&world, &aws, &WHO), run(&world, &python, &["-c", script])] {
        assert!(!told.status.success(), "{told:?}");
        assert_eq!(told.stdout, "");
        assert!(
            told.stderr.contains("profile `deploy` needs an MFA code, but there is no terminal to ask on"),
            "{told:?}"
        );
        assert!(told.stderr.contains("hint: run `mfa-cred login deploy` in a terminal"), "{told:?}");
    }
    assert_eq!(calls(&world), Vec::<String>::new());
}

#[test]
fn on_a_terminal_the_aws_cli_lets_our_prompt_through() {
    let Some(aws) = aws_cli() else { return };
    let Cast { world, device, .. } = cast();
    let mut command = Command::new(aws);
    world.dress(&mut command);
    command.args(WHO);
    let mut session = Pty::default().spawn(command);
    session.wait_for("MFA code for deploy (alice-phone): ", PATIENCE);
    session.wait_for_echo(false, PATIENCE);
    session.type_text(&format!("{}\n", device.fresh_code()));
    let told = session.finish(PATIENCE);
    world.heard("aws", &told);
    assert_eq!((arn(&told).as_str(), told.stderr.as_str()), (ARN, ""));
    assert!(told.terminal.trim_end().ends_with("] MFA code for deploy (alice-phone): **"), "{told:?}");
    assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole", "GetCallerIdentity as deploy"]);
}
