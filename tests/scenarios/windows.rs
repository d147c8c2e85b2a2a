//! The real program on Windows, driven by pipes and by `cmd`. The console is tried from outside, by `tests/platforms`.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::support::aws::{Aws, Device, RoleSpec};

const MFA_CRED: &str = env!("CARGO_BIN_EXE_mfa-cred");

/// A user with a device and a role, and files of their own. The folders of Windows are the same for all.
struct Place {
    aws: Aws,
    device: Device,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let aws = Aws::start();
        let key = aws.add_user("alice");
        let device = aws.add_device("alice", "alice-phone");
        let arn = aws.add_role(RoleSpec::new("deploy").trust_user("alice").require_mfa());
        let place = Self { aws, device, folder: tempfile::tempdir().expect("a folder") };
        let serial = place.device.serial();
        // As Notepad writes it: a byte order mark, and two characters at the end of a line.
        let config = format!(
            "\u{feff}[profile alice]\r\nregion = eu-west-1\r\n\
             [profile deploy]\r\nsource_profile = alice\r\nrole_arn = {arn}\r\nmfa_serial = {serial}\r\n"
        );
        fs::write(place.config(), config).expect("it is written");
        let keys = format!("[alice]\r\naws_access_key_id = {}\r\naws_secret_access_key = {}\r\n", key.id, key.secret);
        fs::write(place.path("credentials"), keys).expect("it is written");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("config")
    }

    fn add_config(&self, text: &str) {
        let config = fs::read_to_string(self.config()).expect("it is there");
        fs::write(self.config(), config + text).expect("it is written");
    }

    /// Any program, with the variables that lead to this place.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let ours = Path::new(MFA_CRED).parent().expect("a folder").to_owned();
        let folders = [self.folder.path().to_owned(), ours].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).expect("paths"));
        command.env("AWS_ENDPOINT_URL", self.aws.url());
        command.env("AWS_CONFIG_FILE", self.config()).env("AWS_SHARED_CREDENTIALS_FILE", self.path("credentials"));
        command.stdin(Stdio::null());
        command
    }

    fn mfa_cred(&self, words: &[&str]) -> Output {
        self.command(MFA_CRED).args(words).output().expect("it starts")
    }

    /// The same with a code on stdin.
    fn with_code(&self, words: &[&str]) -> Output {
        let mut command = self.command(MFA_CRED);
        command
            .args(words)
            .args(["--mfa-token", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let code = self.device.fresh_code() + "\r\n";
        child.stdin.take().expect("it is piped").write_all(code.as_bytes()).expect("it is read");
        child.wait_with_output().expect("it ends")
    }
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The stdout of a program that succeeded.
fn said(output: &Output) -> String {
    let (code, stdout, stderr) = texts(output);
    assert_eq!(code, Some(0), "{stderr}");
    stdout
}

#[test]
fn a_code_is_needed_once_and_the_cache_is_under_a_key_in_credential_manager() {
    let place = Place::new();
    let (code, _, stderr) = texts(&place.mfa_cred(&["process", "deploy", "--no-prompt"]));
    assert_eq!(code, Some(3), "{stderr}");
    let first = said(&place.with_code(&["process", "deploy"]));
    assert!(first.contains("\"SessionToken\""), "{first}");
    assert_eq!(said(&place.mfa_cred(&["process", "deploy", "--no-prompt"])), first);
    assert_eq!((place.aws.count("GetSessionToken"), place.aws.count("AssumeRole")), (1, 1));
    let show = said(&place.mfa_cred(&["doctor", "--offline"]));
    assert!(show.contains("Credential Manager"), "{show}");
    said(&place.mfa_cred(&["clear", "deploy"]));
    let (code, ..) = texts(&place.mfa_cred(&["process", "deploy", "--no-prompt"]));
    assert_eq!(code, Some(0), "the session of the user is still there");
    assert_eq!(place.aws.count("GetSessionToken"), 1);
}

#[test]
fn cmd_takes_the_variables_by_the_line_of_the_documentation() {
    let place = Place::new();
    said(&place.with_code(&["process", "deploy"]));
    let script = place.path("try.cmd");
    let text = "@for /f \"delims=\" %%i in ('mfa-cred deploy') do @%%i\r\n\
                @echo id=%AWS_ACCESS_KEY_ID%\r\n@echo region=%AWS_REGION%\r\n\
                @for /f \"delims=\" %%i in ('mfa-cred unset') do @%%i\r\n@echo after=%AWS_ACCESS_KEY_ID%.\r\n";
    fs::write(&script, text).expect("it is written");
    let mut cmd = place.command("cmd");
    let text = said(&cmd.arg("/d").arg("/c").arg(&script).output().expect("it starts"));
    assert!(text.contains("id=ASIA") && text.contains("region=eu-west-1") && text.contains("after=."), "{text}");
}

#[test]
fn exec_finds_scripts_as_a_shell_does_and_ends_with_any_code() {
    let place = Place::new();
    said(&place.with_code(&["process", "deploy"]));
    let tool = place.path("a folder");
    fs::create_dir(&tool).expect("it is made");
    fs::write(place.path("tool.cmd"), "@echo %1 %AWS_ACCESS_KEY_ID:~0,4%\r\n@exit /b 300\r\n").expect("it is written");
    fs::write(tool.join("other.bat"), "@echo other %~1\r\n").expect("it is written");
    let (code, stdout, stderr) = texts(&place.mfa_cred(&["exec", "deploy", "--", "tool", "word"]));
    assert_eq!((code, stdout.trim()), (Some(300), "word ASIA"), "{stderr}");
    let other = tool.join("other.bat");
    let text = said(&place.mfa_cred(&["exec", "deploy", "--", other.to_str().expect("text"), "two words"]));
    assert_eq!(text.trim(), "other two words");
    let (code, _, stderr) = texts(&place.mfa_cred(&["exec", "deploy", "--", "no-such-tool"]));
    assert_eq!(code, Some(127), "{stderr}");
    let text = said(&place.mfa_cred(&[
        "exec",
        "deploy",
        "--server",
        "--",
        "cmd",
        "/c",
        "echo %AWS_CONTAINER_CREDENTIALS_FULL_URI%",
    ]));
    assert!(text.starts_with("http://127.0.0.1:"), "{text}");
}

#[test]
fn a_command_for_the_code_may_have_a_path_with_blanks_and_quotes() {
    let place = Place::new();
    let folder = place.path("the codes");
    fs::create_dir(&folder).expect("it is made");
    let script = folder.join("code of.cmd");
    fs::write(&script, format!("@if \"%~1\"==\"of alice\" echo {}\r\n", place.device.fresh_code()))
        .expect("it is written");
    place.add_config(&format!("mfa_process = \"{}\" \"of alice\"\r\n", script.display()));
    let text = said(&place.mfa_cred(&["process", "deploy"]));
    assert!(text.contains("\"SessionToken\""), "{text}");
}

#[test]
fn ten_at_once_need_one_code() {
    let place = Place::new();
    let count = place.path("count");
    let script = place.path("code.cmd");
    let text = format!("@echo x>>\"{}\"\r\n@echo {}\r\n", count.display(), place.device.fresh_code());
    fs::write(&script, text).expect("it is written");
    place.add_config(&format!("mfa_process = \"{}\"\r\n", script.display()));
    let start = || {
        let mut command = place.command(MFA_CRED);
        command.args(["process", "deploy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let children: Vec<Child> = (0..10).map(|_| start()).collect();
    let all: Vec<String> =
        children.into_iter().map(|child| said(&child.wait_with_output().expect("it ends"))).collect();
    assert!(all.iter().all(|text| text == &all[0] && text.contains("\"SessionToken\"")), "{all:?}");
    assert_eq!(fs::read_to_string(count).expect("it ran").lines().count(), 1);
}

#[test]
fn a_profile_that_starts_itself_is_found_in_a_path_with_backslashes() {
    let place = Place::new();
    place.add_config(&format!("[profile loop]\r\ncredential_process = {MFA_CRED} process loop\r\n"));
    place.add_config(&format!("[profile quoted]\r\ncredential_process = \"{MFA_CRED}\" process quoted\r\n"));
    for name in ["loop", "quoted"] {
        let (code, _, stderr) = texts(&place.mfa_cred(&["process", name]));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains("would never end"), "{stderr}");
    }
}

#[test]
fn a_wired_profile_is_a_command_line_that_windows_splits() {
    let place = Place::new();
    said(&place.with_code(&["process", "deploy"]));
    said(&place.mfa_cred(&["wire", "deploy", "--as", "wired", "--yes"]));
    let config = fs::read_to_string(place.config()).expect("it is there");
    let line =
        config.lines().find_map(|line| line.trim().strip_prefix("credential_process = ")).expect("it is written");
    // As botocore and the others do on Windows: the rules of the C library.
    let mut cmd = place.command("cmd");
    std::os::windows::process::CommandExt::raw_arg(cmd.args(["/d", "/s", "/c"]), format!("\"{line}\""));
    let text = said(&cmd.output().expect("it starts"));
    assert!(text.contains("\"SessionToken\""), "{line}: {text}");
    said(&place.mfa_cred(&["unwire", "wired", "--yes"]));
    assert!(!fs::read_to_string(place.config()).expect("it is there").contains("credential_process"));
}

#[test]
fn a_server_answers_who_has_its_token() {
    let place = Place::new();
    said(&place.with_code(&["process", "deploy"]));
    let token = place.path("token");
    let mut command = place.command(MFA_CRED);
    command.args(["serve", "deploy", "--token-file"]).arg(&token).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = command.spawn().expect("it starts");
    let stderr = server.stderr.as_mut().expect("it is piped");
    let mut lines = BufReader::new(stderr).lines().map(|line| line.expect("it says where it is"));
    let line = lines.find(|line| line.contains("http://127.0.0.1:")).expect("an address");
    let url = line.split("http://127.0.0.1:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let url = url.unwrap_or_else(|| panic!("no address in {line}")).trim_matches(['"', '\'']).to_owned();
    let (port, path) = url.split_once('/').expect("a path");
    let ask = |token: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port.parse().expect("a port"))).expect("it listens");
        let head = format!("GET /{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {token}\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("it is sent");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    let right = ask(fs::read_to_string(&token).expect("it is written").trim());
    let wrong = ask("not-the-token-but-one-of-32-characters");
    server.kill().expect("it runs");
    server.wait().expect("it ends");
    assert!(right.starts_with("HTTP/1.1 200") && right.contains("\"AccessKeyId\""), "{right}");
    assert!(!wrong.starts_with("HTTP/1.1 200") && !wrong.contains("AccessKeyId"), "{wrong}");
}

#[test]
fn keys_are_sealed_and_used_from_there() {
    let place = Place::new();
    // Sealed keys are in one folder for all.
    let name =
        format!("alice-{}", place.folder.path().file_name().expect("a name").to_string_lossy().trim_start_matches('.'));
    for file in [place.config(), place.path("credentials")] {
        let text = fs::read_to_string(&file).expect("it is there").replace("alice]", &format!("{name}]"));
        fs::write(&file, text.replace("= alice\r", &format!("= {name}\r"))).expect("it is written");
    }
    let (_, stdout, stderr) = texts(&place.mfa_cred(&["keys", "import", &name, "--yes"]));
    assert!(
        !fs::read_to_string(place.path("credentials")).expect("it is there").contains("aws_secret"),
        "{stdout}{stderr}"
    );
    assert!(said(&place.with_code(&["process", "deploy"])).contains("\"SessionToken\""));
    said(&place.mfa_cred(&["keys", "remove", &name, "--yes"]));
}

#[test]
fn every_shell_and_page_is_written() {
    let place = Place::new();
    assert!(said(&place.mfa_cred(&["init", "powershell"])).contains("function"));
    assert!(said(&place.mfa_cred(&["completions", "powershell"])).contains("Register-ArgumentCompleter"));
    let pages = place.path("pages");
    said(&place.mfa_cred(&["man", pages.to_str().expect("text")]));
    said(&place.mfa_cred(&["man", pages.to_str().expect("text")]));
    assert!(fs::read_dir(pages).expect("it is made").count() > 30);
    let listed = said(&place.mfa_cred(&["list", "--names"]));
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["alice", "deploy"]);
}
