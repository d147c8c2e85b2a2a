//! The dialogs of Debian: pinentries on a terminal of their own, and windows on an X server that nobody sees.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{settings, start};
use crate::support::pty::{PATIENCE, Pty, Session};
use crate::support::tools::{find, skip_without};
use crate::support::world::{Cast, World, calls};

/// A terminal that belongs to nobody but the pinentry, and its path.
fn terminal() -> (Session, String) {
    let mut command = Command::new("sh");
    command.args(["-c", "tty; exec sleep 1000"]);
    let mut session = Pty::default()
        .streams(crate::support::pty::Stream::Terminal, crate::support::pty::Stream::Terminal)
        .spawn(command);
    session.wait_for("/dev/pts/", PATIENCE);
    session.wait_for("\n", PATIENCE);
    let path = session.screen().lines().next().expect("a line").trim().to_owned();
    (session, path)
}

#[test]
fn pinentries_on_a_terminal_give_the_code_and_are_canceled() {
    for program in ["pinentry-tty", "pinentry-curses"] {
        if find(program, &["--version"]).is_none() {
            skip_without("a pinentry on a terminal", program);
            continue;
        }
        let Cast { world, device, .. } = World::cast();
        let (mut session, path) = terminal();
        settings(&world, &format!("pinentry = {program}\n"));
        world.set("GPG_TTY", path);
        let child = start(&world, &["process", "deploy"], "said");
        session.wait_for("MFA code for deploy (alice-phone)", PATIENCE);
        session.wait_for("MFA code:", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text(&format!("{}\r", device.fresh_code()));
        let done = child.wait_with_output().expect("a child of ours");
        assert!(done.status.success(), "{program}: {}", world.read("said"));
        session.wait_for_echo(true, PATIENCE);
        assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"], "{program}");

        let Cast { world, .. } = World::cast();
        let (mut session, path) = terminal();
        settings(&world, &format!("pinentry = {program}\n"));
        world.set("GPG_TTY", path);
        let child = start(&world, &["process", "deploy"], "said");
        session.wait_for("MFA code:", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        // One ends at Ctrl-D, the other has a button.
        session.type_text(if program == "pinentry-tty" { "\x04" } else { "\t\t\r" });
        let done = child.wait_with_output().expect("a child of ours");
        assert_eq!(done.status.code(), Some(130), "{program}: {}", world.read("said"));
        assert_eq!(world.read("said"), "error: no MFA code was given: canceled\n", "{program}");
    }
}

#[test]
fn a_pinentry_without_a_terminal_or_a_display_says_what_it_lacks() {
    if find("pinentry-curses", &["--version"]).is_none() {
        return skip_without("a pinentry without a terminal", "pinentry-curses");
    }
    let Cast { world, .. } = World::cast();
    settings(&world, "pinentry = pinentry-curses\n");
    let done = world.run(&["process", "deploy"]);
    assert_eq!(done.status.code(), Some(3), "{done:?}");
    let start =
        "error: no MFA code was given: `pinentry = pinentry-curses` could not ask: it found no screen to ask on: `";
    assert!(done.stderr.starts_with(start), "{}", done.stderr);
}

/// An X server without a screen.
struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    fn new() -> Self {
        let mut command = Command::new("Xvfb");
        // By itself, it starts over when its last client leaves, and refuses a client that comes meanwhile: between two calls
        // of `xdotool`, that could be the dialog.
        command.args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"]);
        let mut server =
            command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().expect("it starts");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("a pipe")).read_line(&mut number).expect("its number");
        let screen = Self { server, display: format!(":{}", number.trim()) };
        let start = Instant::now();
        while screen.xdotool(&["getdisplaygeometry"]).is_none() {
            assert!(start.elapsed() < PATIENCE, "Xvfb accepts nobody at {}", screen.display);
            std::thread::sleep(Duration::from_millis(50));
        }
        screen
    }

    /// What it prints; `None` if it fails.
    fn xdotool(&self, words: &[&str]) -> Option<String> {
        let output = Command::new("xdotool").env("DISPLAY", &self.display).args(words).output().expect("it starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Types into the window of that program when it is there.
    fn type_into(&self, world: &World, window: &str, keys: &[&str]) {
        let find = || self.xdotool(&["search", "--onlyvisible", "--class", window]).filter(|found| !found.is_empty());
        let start = Instant::now();
        while find().is_none() {
            assert!(start.elapsed() < PATIENCE, "no window: {}", world.read("said"));
            std::thread::sleep(Duration::from_millis(100));
        }
        // A window takes keys only once it has the focus, which it takes by itself.
        std::thread::sleep(Duration::from_millis(500));
        let found = find().expect("it was there");
        let id = found.lines().last().expect("a number");
        self.xdotool(&["windowfocus", id]);
        for key in keys {
            let verb = if key.starts_with(char::is_numeric) { "type" } else { "key" };
            self.xdotool(&[verb, "--delay", "20", key]).expect("keys");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn windows_give_the_code_and_are_closed() {
    for program in ["Xvfb", "xdotool"] {
        if find(program, &["-help"]).or_else(|| find(program, &["version"])).is_none() {
            return skip_without("a dialog in a window", program);
        }
    }
    for (setting, program, window) in
        [("pinentry", "pinentry-gtk-2", "pinentry"), ("askpass", "ssh-askpass", "askpass")]
    {
        if !std::path::Path::new("/usr/bin").join(program).exists() {
            skip_without("a dialog in a window", program);
            continue;
        }
        let screen = Screen::new();
        let Cast { world, device, .. } = World::cast();
        settings(&world, &format!("{setting} = {program}\n"));
        world.set("DISPLAY", &screen.display);
        let child = start(&world, &["process", "deploy"], "said");
        screen.type_into(&world, window, &["Escape"]);
        let done = child.wait_with_output().expect("a child of ours");
        assert_eq!(done.status.code(), Some(130), "{program}: {}", world.read("said"));
        assert!(world.read("said").ends_with("error: no MFA code was given: canceled\n"), "{}", world.read("said"));
        assert!(calls(&world).is_empty());

        let child = start(&world, &["process", "deploy"], "said");
        screen.type_into(&world, window, &[&device.fresh_code(), "Return"]);
        let done = child.wait_with_output().expect("a child of ours");
        assert!(done.status.success(), "{program}: {}", world.read("said"));
        assert_eq!(calls(&world), ["GetSessionToken", "AssumeRole"], "{program}");
        let _ = fs::remove_file(world.home().join("said"));
    }
}

#[test]
fn windows_without_a_display_are_no_cancellation() {
    for (setting, program) in [("pinentry", "pinentry-gtk-2"), ("askpass", "ssh-askpass")] {
        if !std::path::Path::new("/usr/bin").join(program).exists() {
            skip_without("a dialog without a display", program);
            continue;
        }
        let Cast { world, .. } = World::cast();
        settings(&world, &format!("{setting} = {program}\n"));
        for display in ["", ":65000"] {
            world.set("DISPLAY", display);
            let done = world.run(&["process", "deploy"]);
            assert_eq!(done.status.code(), Some(3), "{program}: {done:?}");
            let why = format!("`{setting} = {program}` could not ask: it found no screen to ask on: `");
            assert!(done.stderr.contains(&why), "{done:?}");
        }
    }
}
