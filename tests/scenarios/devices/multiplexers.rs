//! The page with the seed in programs that keep a history: GNU screen as it comes, and tmux without a second screen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::{ENROLL, laptop, newcomer};
use crate::support::pty::PATIENCE;
use crate::support::tools;
use crate::support::world::{MFA_CRED, World};

/// One of them, and how it is talked to.
struct Multiplexer<'a> {
    world: &'a World,
    program: PathBuf,
    /// Before every word of a command.
    here: Vec<String>,
    is_tmux: bool,
}

impl Multiplexer<'_> {
    fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        self.world.dress(&mut command);
        command.env("SCREENDIR", self.world.home().join("sockets")).args(&self.here).args(words);
        let output = command.output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn start(&self, script: &str) {
        if self.is_tmux {
            fs::write(self.world.home().join("conf"), "setw -g alternate-screen off\nset -g history-limit 5000\n")
                .expect("conf");
            self.run(&["-f", "conf", "new-session", "-d", "-x", "80", "-y", "24", "sh", "-c", script]);
        } else {
            fs::create_dir(self.world.home().join("sockets")).expect("a folder");
            fs::set_permissions(self.world.home().join("sockets"), PermissionsExt::from_mode(0o700)).expect("its mode");
            self.run(&["-c", "/dev/null", "-h", "5000", "-dm", "sh", "-c", script]);
        }
    }

    fn type_line(&self, text: &str) {
        if self.is_tmux {
            self.run(&["send-keys", text, "Enter"]);
        } else {
            self.run(&["-p", "0", "-X", "stuff", &format!("{text}\r")]);
        }
    }

    /// The screen, and before it the history, where that is asked for.
    fn shown(&self, history: bool) -> String {
        if self.is_tmux {
            let start: &[&str] = if history { &["-S", "-", "-E", "-"] } else { &[] };
            return self.run(&[&["capture-pane", "-p"], start].concat());
        }
        let copy = self.world.home().join("copy");
        let _ = fs::remove_file(&copy);
        let path = copy.display().to_string();
        let whole: &[&str] = if history { &["-h"] } else { &[] };
        self.run(&[&["-p", "0", "-X", "hardcopy"], whole, &[&path]].concat());
        std::thread::sleep(Duration::from_millis(150));
        let text = fs::read(&copy).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let _ = fs::remove_file(&copy);
        text
    }

    fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.shown(false).contains(text) {
            assert!(start.elapsed() < PATIENCE, "`{text}` did not appear on: {}", self.shown(true));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn in_gnu_screen_and_tmux_neither_seed_nor_code_stays_in_the_history() {
    for (name, version) in [("screen", "--version"), ("tmux", "-V")] {
        let Some(program) = tools::find(name, &[version]) else {
            tools::skip_without("the history of a multiplexer", name);
            continue;
        };
        let (world, _) = newcomer();
        let is_tmux = name == "tmux";
        let socket = world.home().join("socket").display().to_string();
        let here = if is_tmux { vec!["-S".to_owned(), socket] } else { vec!["-S".to_owned(), "mfa".to_owned()] };
        let it = Multiplexer { world: &world, program, here, is_tmux };
        let words = ENROLL.join(" ");
        let before = "i=0; while [ $i -lt 40 ]; do echo before $i; i=$((i+1)); done";
        let program = Path::new(MFA_CRED).display();
        it.start(&format!("{before}; '{program}' {words} --seed --yes; echo all done; sleep 100"));
        it.wait_for("First MFA code:");
        let device = laptop(&world);
        let seed = device.seed_base32();
        assert!(it.shown(false).contains(&seed[..4]), "{name}: {}", it.shown(false));
        it.type_line("12345");
        it.wait_for("six digits");
        it.type_line(&device.fresh_code());
        it.wait_for("next MFA code:");
        it.type_line(&device.fresh_code());
        it.wait_for("all done");
        let text = it.shown(true);
        if is_tmux {
            it.run(&["kill-server"]);
        } else {
            it.run(&["-X", "quit"]);
        }
        for forbidden in ["█", "▀", "▄", &seed[..4], &seed[20..24], &seed[60..], "Scan this"] {
            assert!(!text.contains(forbidden), "{name}: {forbidden}: {text}");
        }
        assert!(text.contains("before 5") && text.contains("before 39"), "{name}: {text}");
    }
}

#[test]
fn in_tmux_a_window_that_shrinks_leaves_nothing_of_the_page_in_its_history() {
    let Some(program) = tools::find("tmux", &["-V"]) else {
        return tools::skip_without("the history of a multiplexer", "tmux");
    };
    let (world, _) = newcomer();
    let here = vec!["-S".to_owned(), world.home().join("socket").display().to_string()];
    let it = Multiplexer { world: &world, program, here, is_tmux: true };
    let program = Path::new(MFA_CRED).display();
    it.start(&format!("'{program}' {} --seed --yes; echo all done; sleep 100", ENROLL.join(" ")));
    it.wait_for("First MFA code:");
    let seed = laptop(&world).seed_base32();
    it.run(&["resize-window", "-x", "50", "-y", "12"]);
    it.wait_for("The window is too small");
    let while_asked = it.shown(true);
    it.run(&["send-keys", "Escape"]);
    it.wait_for("all done");
    let afterward = it.shown(true);
    it.run(&["kill-server"]);
    for (when, text) in [("while it asks", while_asked), ("afterward", afterward)] {
        for forbidden in ["█", "▀", "▄", &seed[..4], &seed[20..24], &seed[60..], "Scan this"] {
            assert!(!text.contains(forbidden), "{when}: {forbidden}: {text}");
        }
    }
}
