//! `serve`: the endpoint that SDKs read credentials from.

mod command;
mod hostile;
pub(crate) mod order;
#[cfg(target_os = "linux")]
mod recall;
mod renewal;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::aws::AccessKey;
use crate::support::files::files_below;
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, calls, json, variable};

/// A running server. Its stderr is a file of the home, where secrets are looked for.
pub(crate) struct Serving<'w> {
    world: &'w World,
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
}

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl<'w> Serving<'w> {
    /// Starts `serve` with these words, without a terminal.
    pub(crate) fn start(world: &'w World, words: &[&str]) -> Self {
        Self::start_with(world, words, Stdio::null())
    }

    /// The same with this stdin.
    pub(crate) fn start_with(world: &'w World, words: &[&str], stdin: Stdio) -> Self {
        let log = world.home().join("serve.log");
        let mut command = world.command(&[&["serve"], words].concat());
        command.stdin(stdin).stdout(Stdio::piped()).stderr(fs::File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("it starts");
        let start = Instant::now();
        let (profile, port) = loop {
            let said = fs::read_to_string(&log).expect("a log");
            if said.contains("Ctrl-C ends this server") {
                let (_, rest) = said.split_once("serving `").expect("a profile");
                let (profile, rest) = rest.split_once("` at http://127.0.0.1:").expect("an address");
                let port = rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port");
                break (profile.to_owned(), port);
            }
            let status = child.try_wait().expect("a child of ours");
            assert!(status.is_none() && start.elapsed() < PATIENCE, "serve: {status:?} {said}");
            thread::sleep(Duration::from_millis(5));
        };
        let mut serving = Self { world, child, port, token: String::new() };
        let told = serving.variables("json", Some(&profile));
        told["AWS_CONTAINER_AUTHORIZATION_TOKEN"].as_str().expect("a token").clone_into(&mut serving.token);
        serving
    }

    /// What `--print-env json` says.
    pub(crate) fn variables(&self, format: &str, profile: Option<&str>) -> Value {
        let words: Vec<&str> = ["serve", "--print-env", format, "--"].into_iter().chain(profile).collect();
        let told = self.world.run(&words);
        assert_eq!((told.status.code(), &*told.stderr), (Some(0), ""), "{told:?}");
        json(&told)
    }

    /// Sends bytes and reads all that comes back.
    pub(crate) fn send(&self, bytes: &[u8]) -> String {
        send(self.port, bytes)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.port)
    }

    /// The head of a request as an SDK sends it.
    pub(crate) fn head(&self, path: &str) -> String {
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAccept: application/json\r\nAuthorization: {}\r\n\r\n",
            self.port, self.token
        )
    }

    /// Asks as an SDK does.
    pub(crate) fn ask(&self, path: &str) -> Answer {
        Answer::read(&self.send(self.head(path).as_bytes()))
    }

    /// Who the credentials of that path are, by STS. They must be there.
    pub(crate) fn who(&self, path: &str) -> String {
        let answer = self.ask(path);
        assert_eq!(answer.status, 200, "{answer:?}");
        self.world.who(&answer.body)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it runs");
    }

    pub(crate) fn end(mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "it does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Sends bytes to a port and reads all that comes back.
pub(crate) fn send(port: u16, bytes: &[u8]) -> String {
    let mut stream = connect(port);
    // Perhaps it is told to go away before everything was sent.
    let _ = stream.write_all(bytes);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8(text).expect("UTF-8")
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    stream
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let hidden = |bytes: &[u8]| !bytes.windows(self.token.len()).any(|part| part == self.token.as_bytes());
        if !thread::panicking() && !self.token.is_empty() {
            for file in files_below(self.world.home())
                .into_iter()
                .filter(|file| file.extension().is_none_or(|it| it != "secret"))
            {
                assert!(hidden(&fs::read(&file).unwrap_or_default()), "the token is in {}", file.display());
            }
        }
    }
}

impl Answer {
    pub(crate) fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
        assert_eq!(length.parse(), Ok(body.len()), "{text}");
        assert!(head.contains("\r\nContent-Type: application/json\r\n"), "{head}");
        assert!(head.contains("\r\nCache-Control: no-store\r\n") && head.contains("\r\nConnection: close"), "{head}");
        Self { status, head: head.to_owned(), body: serde_json::from_str(body).expect("JSON") }
    }

    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["Code"].as_str().expect("a code"))
    }
}

impl World {
    /// Who the credentials of an answer are, by STS.
    fn who(&self, body: &Value) -> String {
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned();
        let key = AccessKey { id: text("AccessKeyId"), secret: text("SecretAccessKey"), token: Some(text("Token")) };
        let answer = self.aws.call(&key, "GetCallerIdentity", &[]).expect("an answer");
        answer.text("Arn").unwrap_or_default()
    }
}

#[test]
fn a_client_gets_the_credentials_in_the_form_that_every_sdk_reads() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy", "audit"]);
    calls(&world);
    let answer = serving.ask("/profile/deploy");
    assert_eq!(answer.status, 200);
    let names: Vec<&String> = answer.body.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["AccessKeyId", "SecretAccessKey", "Token", "Expiration", "AccountId"]);
    let end = answer.body["Expiration"].as_str().expect("a time");
    assert!(end.len() == 20 && end.ends_with('Z') && end.parse::<jiff::Timestamp>().is_ok(), "{end}");
    assert!(serving.who("/profile/deploy").contains(":assumed-role/deploy/"));
    assert!(serving.who("/profile/audit").contains(":assumed-role/audit/"));
    // Nothing was called for them but to see who they are.
    assert_eq!(calls(&world), ["GetCallerIdentity", "GetCallerIdentity"]);
}

#[test]
fn another_shell_gets_the_variables_of_a_running_server_and_nothing_that_would_win_over_it() {
    let Cast { world, device, .. } = World::cast();
    world.run(&["serve", "--print-env", "posix", "deploy"]).expect(
        1,
        "",
        "error: no running server serves profile `deploy`\n\
         hint: start it in another terminal: `mfa-cred serve deploy`\n",
    );
    world.edit_config("[profile deploy]\n", "[profile deploy]\nregion = eu-west-1\n");
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    let url = format!("http://127.0.0.1:{}/profile/deploy", serving.port);
    let told = serving.variables("json", Some("deploy"));
    assert_eq!(told["AWS_CONTAINER_CREDENTIALS_FULL_URI"], url);
    assert_eq!((&told["AWS_REGION"], &told["AWS_DEFAULT_REGION"]), (&"eu-west-1".into(), &"eu-west-1".into()));
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "MFA_CRED_PROFILE",
    ] {
        assert_eq!(told.get(name), Some(&Value::Null), "{name}");
    }
    let posix = world.run(&["serve", "--print-env", "posix"]).stdout;
    assert_eq!(variable(&posix, "AWS_CONTAINER_CREDENTIALS_FULL_URI"), url);
    assert_eq!(variable(&posix, "AWS_CONTAINER_AUTHORIZATION_TOKEN"), serving.token);
    let lines = world.run(&["serve", "--print-env", "docker", "deploy"]).stdout;
    let token = &serving.token;
    assert_eq!(
        lines,
        format!(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI={url}\nAWS_CONTAINER_AUTHORIZATION_TOKEN={token}\n\
             AWS_REGION=eu-west-1\nAWS_DEFAULT_REGION=eu-west-1\n"
        )
    );
    let other = world.run(&["serve", "--print-env", "json", "audit"]);
    assert_eq!((other.status.code(), &*other.stdout), (Some(1), ""), "{other:?}");
}

#[test]
fn a_signal_ends_the_server_cleanly_and_it_is_no_longer_found() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let serving = Serving::start(&world, &["deploy"]);
        let idle = serving.connect();
        assert_eq!(serving.end(signal).code(), Some(0), "{signal:?}");
        drop(idle);
        assert_eq!(fs::read_dir(world.state().join("servers")).expect("a folder").count(), 0, "{signal:?}");
        assert_eq!(world.run(&["serve", "--print-env", "json", "deploy"]).status.code(), Some(1));
    }
    // One that was killed leaves its socket, which misleads nobody.
    let killed = Serving::start(&world, &["deploy"]);
    let port = killed.port.to_string();
    drop(killed);
    assert_eq!(world.run(&["serve", "--print-env", "json", "deploy"]).status.code(), Some(1));
    let again = Serving::start(&world, &["deploy", "--port", &port]);
    assert!(again.who("/profile/deploy").contains("role/deploy/"));
}

#[test]
fn a_token_file_outlives_the_server_and_only_a_private_one_is_used() {
    use std::os::unix::fs::PermissionsExt;
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let file = world.home().join("my.secret");
    let path = file.to_str().expect("UTF-8");
    let first = Serving::start(&world, &["deploy", "--token-file", path]);
    let token = fs::read_to_string(&file).expect("it was made");
    assert_eq!((token.len(), &token), (64, &first.token));
    assert_eq!(fs::metadata(&file).expect("it").permissions().mode() & 0o777, 0o600);
    drop(first);
    let second = Serving::start(&world, &["deploy", "--token-file", path]);
    assert_eq!(second.token, token);
    drop(second);
    for (text, mode, why) in [
        (format!("{token}\n"), 0o600, "contains a line break, which SDKs refuse"),
        ("short".to_owned(), 0o600, "contains a token that is too short: 32 characters are needed"),
        (format!("{token} x"), 0o600, "contains other characters than letters, digits and `+/=._-`"),
        (token.clone(), 0o640, "can be read or written by other users"),
    ] {
        fs::write(&file, text).expect("it is written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is ours");
        let done = world.run(&["serve", "deploy", "--token-file", path]);
        let error = format!("error: the token file {path} {why}\n");
        assert_eq!((done.status.code(), &*done.stdout), (Some(1), ""), "{done:?}");
        assert!(done.stderr.starts_with(&error), "{done:?}");
    }
}

#[test]
fn a_socket_that_systemd_opened_is_served_if_it_is_of_this_machine_alone() {
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("an address").port();
    let serving = Serving::start_with(&world, &["deploy"], OwnedFd::from(socket).into());
    assert_eq!(serving.port, port);
    assert!(serving.who("/profile/deploy").contains("role/deploy/"));
    drop(serving);
    let open = TcpListener::bind("0.0.0.0:0").expect("a port");
    let address = open.local_addr().expect("an address");
    let mut command = world.command(&["serve", "deploy"]);
    command.stdin(OwnedFd::from(open)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let done = command.output().expect("it ends");
    let said = String::from_utf8_lossy(&done.stderr);
    let error = format!("the socket that this program was started with listens on {address}; only 127.0.0.1 is served");
    assert_eq!((done.status.code(), &*said), (Some(1), &*format!("error: {error}\n")));
}

#[test]
fn the_units_of_systemd_are_valid() {
    let Some(program) = crate::support::tools::find("systemd-analyze", &["--version"]) else {
        return crate::support::tools::skip_without("the units of systemd", "systemd-analyze");
    };
    let world = World::empty();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/systemd");
    let mut words = vec!["verify".to_owned(), "--user".to_owned(), "--man=no".to_owned()];
    for name in ["mfa-cred-serve.socket", "mfa-cred-serve.service"] {
        let text = fs::read_to_string(folder.join(name)).expect("a unit");
        let own = format!("ExecStart={} ", crate::support::world::MFA_CRED);
        world.write(name, text.replace("ExecStart=mfa-cred ", &own));
        words.push(world.home().join(name).display().to_string());
    }
    world.set("XDG_RUNTIME_DIR", world.home().display().to_string());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = world.run_other(program, &words, PATIENCE);
    assert_eq!((done.status.code(), &*done.stderr), (Some(0), ""), "{done:?}");
}

#[test]
fn what_cannot_be_served_is_said_before_a_code_is_asked_for() {
    let Cast { world, key, .. } = World::cast();
    let endless = world.run(&["-q", "serve", "alice"]);
    endless.expect(
        1,
        "",
        "error: the credentials of profile `alice` do not expire, and are not served\n\
         hint: name a profile with an MFA device or a role: its credentials expire\n",
    );
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let done = world.run(&["serve", "deploy", "--port", &port]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        done.stderr.starts_with(&format!("error: cannot listen on 127.0.0.1:{port}: "))
            && done.stderr.ends_with("hint: choose another port, or leave out `--port` to get any free one\n"),
        "{done:?}"
    );
    world.run(&["serve", "deploy", "deploy"]).expect(1, "", "error: profile `deploy` is named twice\n");
    world.add_config("[profile ..]\nsource_profile = alice\n");
    let dots = world.run(&["serve", ".."]);
    assert_eq!(
        (dots.status.code(), &*dots.stderr),
        (Some(1), "error: profile `..` cannot be served: a URL drops a path segment that is only dots\n")
    );
    assert_eq!(world.run(&["serve", "nobody"]).status.code(), Some(1));
    assert!(calls(&world).is_empty());
    drop(key);
}

#[test]
fn names_of_every_kind_have_a_path() {
    let Cast { world, device, .. } = World::cast();
    let names = ["two words", "a/b", "ü-東京", "100%", "a?b#c", "-dash", "...", "q\"uote"];
    let role = world.read(".aws/config").lines().find(|line| line.starts_with("role_arn")).expect("a role").to_owned();
    for name in names {
        let serial = device.serial();
        let quoted = if name.contains('"') { name.to_owned() } else { format!("\"{name}\"") };
        world.add_config(&format!("[profile {quoted}]\nsource_profile = alice\n{role}\nmfa_serial = {serial}\n"));
    }
    world.sign_in(&device, &["login", "deploy"]);
    let names: Vec<&str> = names.into_iter().filter(|name| world.run(&["show", "--", name]).status.success()).collect();
    assert!(names.len() > 5, "{names:?}");
    let serving = Serving::start(&world, &[&["--"], &names[..]].concat());
    for name in &names {
        let told = json(&world.run(&["serve", "--print-env", "json", "--", name]));
        let url = told["AWS_CONTAINER_CREDENTIALS_FULL_URI"].as_str().expect("a URL").to_owned();
        let (_, path) = url.rsplit_once(&format!("127.0.0.1:{}", serving.port)).expect("the server's");
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic()), "{path}");
        assert!(serving.who(path).contains("assumed-role/deploy/"), "{name}");
    }
}

#[test]
fn a_client_that_closes_its_half_after_the_request_is_answered() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    let mut stream = serving.connect();
    stream.write_all(serving.head("/profile/deploy").as_bytes()).expect("it takes it");
    stream.shutdown(Shutdown::Write).expect("half");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    assert_eq!(Answer::read(&text).status, 200);
}
