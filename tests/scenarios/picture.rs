//! The picture of a session in the README: drawn from the real program on a real terminal, and compared with the file.
//!
//! `MFA_CRED_DRAW=1 cargo test --test all picture` draws it anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::aws::{Device, RoleSpec};
use crate::support::pty::{PATIENCE, Pty, Session, Stream};
use crate::support::world::World;

const FILE: &str = "docs/session.svg";
const ROWS: u16 = 24;
const COLUMNS: u16 = 84;
/// The width of a character and the height of a line, in the picture's units.
const CELL: f32 = 8.4;
const LINE: u16 = 20;

/// What a person types at each prompt.
const SESSION: [&str; 4] = [
    "mfa-cred my-test-role",
    "aws sts get-caller-identity --query Arn --output text",
    "mfa-cred my-other-role   # another role, no second code",
    "mfa-cred list",
];

fn home() -> (World, Device) {
    let world = World::empty();
    let key = world.aws.add_user("my-user");
    let device = world.aws.add_device("my-user", "my-phone");
    let mut config = format!("[profile my-user]\nregion = ap-northeast-1\nmfa_serial = {}\n", device.serial());
    for name in ["my-test-role", "my-other-role"] {
        let arn = world.aws.add_role(RoleSpec::new(name).trust_user("my-user").require_mfa());
        config +=
            &format!("[profile {name}]\nsource_profile = my-user\nrole_arn = {arn}\nrole_session_name = my-user\n");
    }
    world.write(".aws/config", config);
    world.write_key("my-user", &key);
    world.write("rc", "PS1='$ '\neval \"$(mfa-cred init bash --prompt)\"\n");
    world.set("AWS_PAGER", "");
    world.set("TERM", "xterm-256color");
    (world, device)
}

fn play(world: &World, device: &Device) -> Session {
    let mut command = Command::new("bash");
    world.dress(&mut command);
    command.args(["--noprofile", "--rcfile", "rc", "-i"]);
    let mut session = Pty::default().sized(ROWS, COLUMNS).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    session.wait_for("$ ", PATIENCE);
    for line in SESSION {
        session.type_text(&format!("{line}\r"));
        session.wait_for("\n", PATIENCE);
        if line == SESSION[0] {
            session.wait_for("(my-phone): ", PATIENCE);
            session.wait_for_echo(false, PATIENCE);
            session.type_text(&format!("{}\r", device.fresh_code()));
        }
        session.wait_for("\u{1b}[0m$ ", PATIENCE);
    }
    session
}

/// The screen at the end, without the address of the loopback AWS, which prompts name.
fn screen(session: &Session) -> vt100::Parser {
    let text = session.screen();
    let start = text.find("[http://127.0.0.1:").expect("the address");
    let end = start + text[start..].find("] ").expect("its end") + 2;
    let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
    // A few seconds of the hour pass while the picture is taken, or not.
    let text = (text[..start].to_owned() + &text[end..]).replace("11h59m", "12h").replace("59m", "1h");
    parser.process(text.as_bytes());
    parser
}

/// The color of a cell, in a picture with a dark background.
fn color(cell: &vt100::Cell) -> &'static str {
    match cell.fgcolor() {
        vt100::Color::Idx(1 | 9) => "#ff7b72",
        vt100::Color::Idx(2 | 10) => "#7ee787",
        vt100::Color::Idx(3 | 11) => "#e3b341",
        vt100::Color::Idx(6 | 14) => "#76e3ea",
        _ => "#e6edf3",
    }
}

/// One row as text elements, a new one wherever the color or the weight changes.
fn row(screen: &vt100::Screen, row: u16, svg: &mut String) {
    let mut runs: Vec<(u16, &str, bool, String)> = Vec::new();
    for column in 0..COLUMNS {
        let Some(cell) = screen.cell(row, column) else { continue };
        let (color, is_bold) = (color(cell), cell.bold());
        let text = if cell.has_contents() { cell.contents() } else { " " };
        match runs.last_mut() {
            Some((_, last, bold, run)) if *last == color && *bold == is_bold => run.push_str(text),
            _ => runs.push((column, color, is_bold, text.to_owned())),
        }
    }
    for (column, color, is_bold, text) in runs {
        let text = text.trim_end();
        if text.trim().is_empty() {
            continue;
        }
        let (x, y) = (16.0 + f32::from(column) * CELL, 52 + row * LINE);
        let weight = if is_bold { " font-weight=\"bold\"" } else { "" };
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let width = text_width(&text);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y}\" fill=\"{color}\"{weight} textLength=\"{width:.1}\" \
             xml:space=\"preserve\">{text}</text>"
        );
    }
}

/// The width of a run of characters, so that any monospaced font fits the columns.
fn text_width(escaped: &str) -> f32 {
    let characters = escaped.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">").chars().count();
    f32::from(u16::try_from(characters).expect("a row")) * CELL
}

fn draw(screen: &vt100::Screen) -> String {
    let rows = (0..ROWS).rev().find(|row| !screen.contents_between(*row, 0, *row, COLUMNS).trim().is_empty());
    let rows = rows.expect("something on the screen") + 1;
    let (width, height) = (32.0 + f32::from(COLUMNS) * CELL, 52 + rows * LINE);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height}\" role=\"img\" \
         aria-label=\"A terminal: one MFA code, then two roles without another one\" \
         font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{:.0}\" height=\"{}\" rx=\"8\" fill=\"#0d1117\" stroke=\"#30363d\"/>\n\
         <circle cx=\"20\" cy=\"18\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"40\" cy=\"18\" r=\"6\" fill=\"#febc2e\"/>\
         <circle cx=\"60\" cy=\"18\" r=\"6\" fill=\"#28c840\"/>\n",
        // A border, for pages whose background is as dark.
        width - 1.0,
        height - 1
    );
    (0..rows).for_each(|at| row(screen, at, &mut svg));
    svg + "</svg>\n"
}

#[test]
fn the_readmes_picture_shows_what_the_program_does() {
    if super::clients::client("the AWS CLI", "aws", &["--version"]).is_none() {
        return;
    }
    let (world, device) = home();
    let session = play(&world, &device);
    let svg = draw(screen(&session).screen());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var_os("MFA_CRED_DRAW").is_some() {
        fs::write(&file, &svg).expect("it is written");
    }
    let known = fs::read_to_string(&file).unwrap_or_default();
    assert!(known == svg, "{FILE} is not what the program shows today; draw it anew with MFA_CRED_DRAW=1:\n{svg}");
}
