//! Keys at a prompt, and what happens to the keys that arrive after the answer.

use std::time::Duration;

use super::{ASK_LINE, PROMPT, ask, bash};
use crate::support::pty::{PATIENCE, Pty};

/// Longer than the gaps within one paste on a slow line, and shorter than a person takes to type something else.
const APART: Duration = Duration::from_millis(50);

#[test]
fn text_pasted_after_an_answer_never_reaches_the_shell() {
    let shown = "\"$ASK\" shown 'Your co''de: ' 60; echo \"end=$?\"\n";
    let long = format!("123456\n{}", "echo pwn''ed\n".repeat(1500));
    for (line, pieces) in [
        (ASK_LINE, &["123456\necho pwn''ed\n"][..]),
        (ASK_LINE, &[&long[..]]),
        // On a slow line it arrives in pieces.
        (ASK_LINE, &["123456\n", "echo pwn", "''ed\n"]),
        (ASK_LINE, &["\u{1b}[200~123456\necho", " ", " ", " ", " ", " pwn''ed\n\u{1b}[201~"]),
        // Even more slowly within paste brackets: the paste continues until its end mark.
        (ASK_LINE, &["\u{1b}[200~123456\n", "", "", "", "", "", "echo pwn''ed\n\u{1b}[201~"]),
        // Also if the answer was invalid, or not secret.
        (ASK_LINE, &["\u{4}echo pwn''ed\n"]),
        (shown, &["y\necho pwn''ed\n"]),
    ] {
        let mut session = bash();
        session.type_text(line);
        session.wait_for("Your code: ", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        for piece in pieces {
            session.type_text(piece);
            std::thread::sleep(APART);
        }
        session.wait_for("end=0", PATIENCE);
        session.type_text("echo al''l\n");
        session.wait_for("all", PATIENCE);
        assert!(!session.screen().contains("pwned"), "{pieces:?}: {}", session.screen());
        session.type_text("exit\n");
        session.finish(PATIENCE);
    }
}

#[test]
fn text_pasted_after_a_key_that_ends_the_prompt_never_reaches_the_shell() {
    // Longer than the terminal's queue, and not at once: that key empties the queue, and the rest arrives afterward.
    let rest = [&vec!["x".repeat(200); 40][..], &["echo pwn''ed".to_owned()]].concat();
    for key in ["\u{3}", "\u{1a}", "\u{1c}", "\u{1b}", "\u{4}"] {
        let mut session = bash();
        session.type_text(ASK_LINE);
        session.wait_for("Your code: ", PATIENCE);
        session.wait_for_echo(false, PATIENCE);
        session.type_text(key);
        for line in &rest {
            session.type_text(&format!("{line}\n"));
            std::thread::sleep(Duration::from_millis(2));
        }
        session.wait_for("ready> ", PATIENCE);
        session.type_text("echo al''l\n");
        session.wait_for("all", PATIENCE);
        assert!(!session.screen().contains("pwned"), "{key:?}: {}", session.screen());
    }
}

#[test]
fn bracketed_paste_markers_are_not_part_of_the_answer() {
    let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
    session.wait_for(PROMPT, PATIENCE);
    session.type_text("\u{1b}[200~123456\u{1b}[201~\n");
    assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456\n");
}

#[test]
fn escape_cancels_and_keys_that_begin_with_it_do_not() {
    for how in ["hidden", "shown"] {
        let mut session = Pty::default().spawn(ask(&[how, PROMPT, "60"]));
        session.wait_for(PROMPT, PATIENCE);
        session.type_text("12\u{1b}");
        assert_eq!(session.finish(PATIENCE).stdout, "error: Canceled\n", "{how}");

        let mut session = Pty::default().spawn(ask(&[how, PROMPT, "60"]));
        session.wait_for(PROMPT, PATIENCE);
        session.type_text("1\u{1b}[A2\u{1b}OP3\u{1b}[3~4\u{1b}[1;5D5\u{1b}b\u{1b}");
        std::thread::sleep(APART);
        session.type_text("[C6\n");
        assert_eq!(session.finish(PATIENCE).stdout, "answer: 123456\n", "{how}");
    }
}

#[test]
fn asterisks_reveal_neither_the_keys_nor_their_number() {
    for keys in ["1", "123456", "12345678901234567890", "123\u{7f}\u{7f}\u{7f}\u{7f}"] {
        let mut session = Pty::default().spawn(ask(&["hidden", PROMPT, "60"]));
        session.wait_for(PROMPT, PATIENCE);
        for key in keys.chars() {
            session.type_text(&key.to_string());
        }
        session.wait_for("**", PATIENCE);
        session.type_text("\n");
        assert_eq!(session.finish(PATIENCE).terminal, format!("{PROMPT}**\r\n"), "{keys:?}");
    }
}

#[test]
fn a_line_that_is_not_secret_is_visible_and_editable() {
    let mut session = Pty::default().spawn(ask(&["shown", "Name: ", "60"]));
    session.wait_for("Name: ", PATIENCE);
    session.type_text("nn\u{7f}o\u{15}yes\n");
    let finished = session.finish(PATIENCE);
    assert_eq!(finished.stdout, "answer: yes\n");
    let mut screen = vt100::Parser::new(24, 80, 0);
    screen.process(finished.terminal.as_bytes());
    assert_eq!(screen.screen().contents().trim_end(), "Name: yes");
}
