//! What a person sees, and what is left of it.

use super::{ENROLL, FIRST, NEXT, WRITE, answer, finish, laptop, newcomer};
use crate::support::pty::{PATIENCE, Pty, Session};
use crate::support::world::{MFA_CRED, World};

const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// A terminal that got these bytes and keeps a thousand lines.
fn terminal(bytes: &str) -> vt100::Parser {
    let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 1000);
    terminal.process(bytes.as_bytes());
    terminal
}

/// All that can be seen and scrolled back to.
fn everything(terminal: &mut vt100::Parser) -> String {
    let mut text = terminal.screen().contents();
    for back in 0..=1000 {
        terminal.screen_mut().set_scrollback(back);
        text += &terminal.screen().contents();
    }
    text
}

/// The program below a shell on one terminal, as people have it, with a line on the screen before it.
fn below_sh(world: &World, words: &[&str]) -> Session {
    let mut command = std::process::Command::new("sh");
    world.dress(&mut command);
    command.args(["-c", "i=0; while [ $i -lt 30 ]; do echo before $i; i=$((i+1)); done; \"$@\"; echo after", "sh"]);
    command.arg(MFA_CRED).args(words);
    Pty::default().streams(crate::support::pty::Stream::Terminal, crate::support::pty::Stream::Terminal).spawn(command)
}

/// What a phone's camera reads from the screen.
fn scanned(terminal: &vt100::Parser) -> String {
    let screen = terminal.screen();
    let is_light = |row: u16, column: u16, upper: bool| {
        let cell = screen.cell(row, column).expect("a cell");
        match cell.contents() {
            "█" => true,
            "▀" => upper,
            "▄" => !upper,
            _ => false,
        }
    };
    // Three dots a module, and the border that scanners want.
    let (scale, border) = (3, 12);
    let (wide, high) = (46 * scale + 2 * border, 2 * usize::from(ROWS - 2) * scale + 2 * border);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(wide, high, |x, y| {
        let inside = (x.checked_sub(border), y.checked_sub(border));
        let (Some(x), Some(y)) = inside else { return 255 };
        let (x, y) = (x / scale, y / scale);
        if x >= 45 || y >= 2 * usize::from(ROWS - 2) {
            return 255;
        }
        let place = |n: usize| u16::try_from(n).expect("it is small");
        if is_light(place(y / 2), place(x), y % 2 == 0) { 255 } else { 0 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code: {}", screen.contents());
    grids[0].decode().expect("it can be read").1
}

#[test]
fn the_code_can_be_scanned_and_neither_screen_nor_scroll_back_keep_it() {
    for seed_too in [false, true] {
        let (world, _) = newcomer();
        let more: &[&str] = if seed_too { &["--seed"] } else { &[] };
        let mut session = below_sh(&world, &[&ENROLL[..], more].concat());
        session.wait_for(FIRST, PATIENCE);
        let device = laptop(&world);
        let seed = device.seed_base32();
        let shown = terminal(&session.screen());
        assert_eq!(scanned(&shown), format!("otpauth://totp/laptop@123456789012?secret={seed}"));
        let text = shown.screen().contents();
        let squeezed: String = text.split_whitespace().collect();
        assert_eq!(text.contains(&seed[..4]) && text.contains(&seed[60..]), seed_too, "{text}");
        assert!(squeezed.ends_with("FirstMFAcode:") && !text.contains("before"), "{text}");
        // The prompt is on the last row but one, and nothing has scrolled.
        assert_eq!(shown.screen().cursor_position().0, ROWS - 2);

        session.type_text("12345\n");
        session.wait_for(FIRST, PATIENCE);
        assert!(terminal(&session.screen()).screen().contents().contains("an MFA code is six digits"));
        session.type_text(&format!("{}\n", device.fresh_code()));
        answer(&mut session, NEXT, &device.fresh_code());
        answer(&mut session, WRITE, "y");
        session.wait_for("after", PATIENCE);
        let mut left = terminal(&session.screen());
        let text = everything(&mut left);
        for forbidden in ["█", "▀", "▄", "otpauth", &seed[..4], &seed[60..], "Scan this", FIRST] {
            assert!(!text.contains(forbidden), "{forbidden}: {text}");
        }
        for kept in ["before 0", "before 29", "Write this? [Y/n] y", "laptop is enabled for alice"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        finish(&world, session);
    }
}

#[test]
fn ctrl_c_wipes_the_screen_too_and_leaves_no_device() {
    let (world, _) = newcomer();
    let mut session = below_sh(&world, &ENROLL);
    session.wait_for(FIRST, PATIENCE);
    assert!(terminal(&session.screen()).screen().alternate_screen());
    session.control('c');
    let done = finish(&world, session);
    let mut left = terminal(&done.terminal);
    assert!(!left.screen().alternate_screen());
    let text = everything(&mut left);
    assert!(!text.contains('█') && text.contains("before 29"), "{text}");
    assert_eq!(super::devices(&world), []);
}

#[test]
fn a_small_terminal_is_told_before_anything_is_made() {
    let (world, _) = newcomer();
    let start = |words: &[&str]| {
        let mut command = std::process::Command::new(MFA_CRED);
        world.dress(&mut command);
        command.args(words);
        Pty::default().sized(20, 60).spawn(command)
    };
    let done = finish(&world, start(&ENROLL));
    assert_eq!(
        super::failed(&done),
        (
            Some(1),
            "error: the terminal is too small for the QR code: it needs 24 rows and 76 columns\n\
             hint: enlarge it, or show the seed as text: `--seed`\n"
        )
    );
    assert_eq!(super::calls(&world), ["GetCallerIdentity"]);
    // The seed as text fits nearly everywhere.
    let mut session = start(&[&ENROLL[..], &["--seed", "--yes"]].concat());
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.status.success() && !done.terminal.contains('█'), "{done:?}");
}

/// What GNU screen (as it comes) and tmux with `alternate-screen off` make of it: there is one screen, and what is wiped
/// in one go moves into the history.
fn on_one_screen(bytes: &str) -> String {
    let away = format!("\x1b7\x1b[{ROWS};1H{}\x1b8", "\n".repeat(ROWS.into()));
    bytes.replace("\x1b[?1049h", "").replace("\x1b[?1049l", "").replace("\x1b[2J", &away)
}

#[test]
fn with_a_single_screen_no_exit_leaves_the_seed_in_its_history() {
    for ending in ["codes", "ctrl-c", "escape", "ctrl-d", "term", "stop", "ctrl-z"] {
        let (world, _) = newcomer();
        let mut command = std::process::Command::new("sh");
        world.dress(&mut command);
        let script =
            if ending == "ctrl-z" { "set -m; \"$@\"; echo before 29; read line; fg" } else { "echo before 29; \"$@\"" };
        command.args(["-c", &format!("{script}; echo after"), "sh", MFA_CRED]).args(ENROLL).args(["--seed", "--yes"]);
        let everywhere = crate::support::pty::Stream::Terminal;
        let mut session = Pty::default().streams(everywhere, everywhere).spawn(command);
        session.wait_for(FIRST, PATIENCE);
        let device = laptop(&world);
        let seed = device.seed_base32();
        let squeezed = |bytes: &str| everything(&mut terminal(&on_one_screen(bytes)));
        assert!(squeezed(&session.screen()).contains(&seed[..4]), "it is shown");
        match ending {
            "codes" => {
                session.type_text("12345\n");
                session.wait_for(FIRST, PATIENCE);
                session.type_text(&format!("{}\n", device.fresh_code()));
                answer(&mut session, NEXT, &device.fresh_code());
            }
            "escape" => session.type_text("\x1b"),
            "ctrl-d" => session.control('d'),
            "ctrl-c" => session.control('c'),
            "term" => super::signal_child(&session, rustix::process::Signal::TERM),
            "stop" => {
                super::signal_child(&session, rustix::process::Signal::STOP);
                super::signal_child(&session, rustix::process::Signal::CONT);
                session.wait_for(FIRST, PATIENCE);
                session.control('c');
            }
            _ => {
                session.control('z');
                session.wait_for("before 29", PATIENCE);
                let text = squeezed(&session.screen());
                assert!(!text.contains(&seed[..4]) && !text.contains('█'), "while it is stopped: {text}");
                session.type_text("\n");
                session.wait_for(FIRST, PATIENCE);
                session.control('c');
            }
        }
        let done = finish(&world, session);
        let text = squeezed(&done.terminal);
        for forbidden in ["█", "▀", "▄", &seed[..4], &seed[60..], "Scan this"] {
            assert!(!text.contains(forbidden), "{ending}: {forbidden}: {text}");
        }
        assert!(text.contains("before 29"), "{ending}: {text}");
    }
}

#[test]
fn a_terminal_that_cannot_wipe_is_refused_before_anything_is_made() {
    for (term, rows, columns) in [
        (Some("dumb"), 24, 80),
        (Some("dumb-emacs-ansi"), 24, 80),
        (Some("unknown"), 24, 80),
        (Some("emacs"), 24, 80),
        (Some("vt52"), 24, 80),
        (Some(""), 24, 80),
        (None, 24, 80),
        (Some("xterm"), 0, 0),
        (Some("xterm"), 24, 0),
    ] {
        let (world, _) = newcomer();
        let mut command = std::process::Command::new(MFA_CRED);
        world.dress(&mut command);
        command.env_remove("TERM").args(ENROLL).arg("--seed");
        command.envs(term.map(|term| ("TERM", term)));
        let done = finish(&world, Pty::default().sized(rows, columns).spawn(command));
        let (code, said) = super::failed(&done);
        assert_eq!(code, Some(1), "{term:?}");
        assert!(said.starts_with("error: this terminal cannot wipe what it has shown"), "{term:?}: {said}");
        assert!(said.contains("\nhint: ") && said.contains("set TERM"), "{said}");
        assert_eq!((super::calls(&world), done.terminal.as_str()), (vec!["GetCallerIdentity".to_owned()], ""));
    }
}

#[test]
fn the_page_says_that_a_recording_keeps_it() {
    for seed_too in [false, true] {
        let (world, _) = newcomer();
        let more: &[&str] = if seed_too { &["--seed"] } else { &[] };
        let mut session = below_sh(&world, &[&ENROLL[..], more].concat());
        session.wait_for(FIRST, PATIENCE);
        let text = terminal(&session.screen()).screen().contents();
        let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
        let said =
            ["terminal", "recording", "script", "asciinema", "a", "tmux", "log", "would", "keep", "this", "page"];
        assert!(words.windows(said.len()).any(|part| part == said), "{text}");
        session.control('c');
        finish(&world, session);
    }
}

#[test]
fn the_page_follows_the_size_of_the_window() {
    let (world, _) = newcomer();
    let mut session = below_sh(&world, &[&ENROLL[..], &["--seed", "--yes"]].concat());
    session.wait_for(FIRST, PATIENCE);
    let device = laptop(&world);
    let seed = device.seed_base32();
    let shown = |session: &Session, (rows, columns): (u16, u16)| {
        let bytes = session.screen();
        let last = bytes.rsplit("\u{1b}[?1049h").next().expect("a page");
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        terminal.process(last.as_bytes());
        terminal.screen().contents()
    };
    session.resize(12, 50);
    session.wait_for("The window is too small for this page: make it 17 rows by 31 columns.", PATIENCE);
    session.wait_for(FIRST, PATIENCE);
    let text = shown(&session, (12, 50));
    assert!(!text.contains('█') && !text.contains(&seed[..4]), "{text}");
    // The page before it was erased, and the scrollback, to which a terminal may have moved its rows.
    assert!(session.screen().contains("\u{1b}[24;1H\u{1b}[2K\u{1b}[H\u{1b}[?1049l\u{1b}[3J\u{1b}[?1049h"));
    session.resize(40, 100);
    session.wait_for("Scan this", PATIENCE);
    session.wait_for(FIRST, PATIENCE);
    let text = shown(&session, (40, 100));
    assert!(text.contains('█') && text.contains(&seed[..4]) && text.contains(&seed[60..]), "{text}");
    // A window that grows keeps its scrollback.
    assert_eq!(session.screen().matches("\u{1b}[3J").count(), 1);
    session.type_text(&format!("{}\n", device.fresh_code()));
    answer(&mut session, NEXT, &device.fresh_code());
    let done = finish(&world, session);
    assert!(done.terminal.contains("the window became smaller while the page was shown"), "{}", done.terminal);
    assert!(done.terminal.contains("laptop is enabled for alice"), "{}", done.terminal);
}

#[test]
fn after_fg_the_page_is_drawn_for_the_current_window() {
    let (world, _) = newcomer();
    let mut command = std::process::Command::new("sh");
    world.dress(&mut command);
    command.args(["-c", "set -m; \"$@\"; echo stopped; read line; fg", "sh", MFA_CRED]).args(ENROLL);
    let everywhere = crate::support::pty::Stream::Terminal;
    let mut session = Pty::default().streams(everywhere, everywhere).spawn(command);
    session.wait_for(FIRST, PATIENCE);
    session.control('z');
    session.wait_for("stopped\r\n", PATIENCE);
    session.resize(12, 50);
    session.type_text("\n");
    session.wait_for("The window is too small", PATIENCE);
    session.wait_for(FIRST, PATIENCE);
    session.control('c');
    finish(&world, session);
}

#[test]
fn a_page_whose_process_was_killed_is_erased_before_the_next_prompt() {
    let (world, _) = newcomer();
    let mut command = std::process::Command::new("sh");
    world.dress(&mut command);
    let next = "\"$MFA_CRED\" login alice --mfa-serial arn:aws:iam::123456789012:mfa/phone";
    command.env("MFA_CRED", MFA_CRED).args(["-c", &format!("\"$MFA_CRED\" \"$@\"; {next}"), "sh"]);
    command.args(ENROLL).arg("--seed");
    let everywhere = crate::support::pty::Stream::Terminal;
    let mut session = Pty::default().streams(everywhere, everywhere).spawn(command);
    session.wait_for(FIRST, PATIENCE);
    let seed = laptop(&world).seed_base32();
    super::signal_child(&session, rustix::process::Signal::KILL);
    session.wait_for("MFA code for alice", PATIENCE);
    let text = everything(&mut terminal(&on_one_screen(&session.screen())));
    for forbidden in ["█", "▀", "▄", &seed[..4], &seed[60..], "Scan this"] {
        assert!(!text.contains(forbidden), "{forbidden}: {text}");
    }
    assert!(session.screen().contains("\u{1b}[?1049l\u{1b}[?25h"), "the main screen, with a cursor");
    session.control('c');
    finish(&world, session);
}
