//! `audit --report FILE`: a credential report that somebody saved. No call, no profile.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::pty::{Finished, PATIENCE, Pty, Stream};
use crate::support::tools::{find, skip_without};
use crate::support::world::{MFA_CRED, World, json};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// The time so many days ago, as the report writes it, and as a finding names the day.
fn ago(days: i64) -> (String, String) {
    let time = Timestamp::now() - SignedDuration::from_hours(days * 24);
    (time.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(), time.strftime("%Y-%m-%d").to_string())
}

/// A cell: a word as it is, and days ago as a time.
fn cell(text: &str) -> String {
    text.strip_suffix('d').and_then(|days| days.parse().ok()).map_or_else(|| text.to_owned(), |days| ago(days).0)
}

/// A row from what tells it from others: password, its last use, MFA, and for each key active, made and used.
fn row(name: &str, cells: [&str; 9]) -> String {
    let [password, used, mfa, active_1, made_1, used_1, active_2, made_2, used_2] = cells.map(cell);
    let arn = match name {
        "<root_account>" => "arn:aws:iam::123456789012:root".to_owned(),
        name => format!("arn:aws:iam::123456789012:user/{name}"),
    };
    let changed = if password == "true" { cell("300d") } else { "N/A".to_owned() };
    let created = cell("400d");
    format!(
        "{name},{arn},{created},{password},{used},{changed},N/A,{mfa},{active_1},{made_1},{used_1},eu-west-1,s3,\
         {active_2},{made_2},{used_2},N/A,N/A,false,N/A,false,N/A"
    )
}

const NO_KEY: [&str; 3] = ["false", "N/A", "N/A"];

fn cells(head: [&'static str; 3], one: [&'static str; 3], two: [&'static str; 3]) -> [&'static str; 9] {
    [head[0], head[1], head[2], one[0], one[1], one[2], two[0], two[1], two[2]]
}

/// An account in which every question that a report answers has an answer, and one nearby that is well.
fn rows() -> Vec<String> {
    let table = [
        ("<root_account>", cells(["not_supported", "1d", "false"], ["true", "10d", "1d"], NO_KEY)),
        ("zoe", cells(["true", "1d", "true"], NO_KEY, NO_KEY)),
        ("alice", cells(["true", "1d", "false"], NO_KEY, NO_KEY)),
        ("bob", cells(["true", "44d", "TRUE"], ["true", "89d", "44d"], NO_KEY)),
        ("carol", cells(["true", "46d", "true"], ["true", "91d", "46d"], NO_KEY)),
        ("ci", cells(["false", "N/A", "false"], ["true", "50d", "N/A"], ["true", "10d", "N/A"])),
        ("dave", cells(["TRUE", "no_information", "true"], ["false", "500d", "400d"], NO_KEY)),
        ("erin", cells(["false", "N/A", "FALSE"], ["false", "500d", "N/A"], NO_KEY)),
    ];
    table.iter().map(|(name, cells)| row(name, *cells)).collect()
}

fn csv() -> String {
    HEADER.to_owned() + "\n" + &rows().join("\n")
}

/// The same by hand: severity, id, user.
const FOUND: [(&str, &str, &str); 10] = [
    ("critical", "root-without-mfa", "<root_account>"),
    ("critical", "root-key", "<root_account>"),
    ("high", "console-without-mfa", "alice"),
    ("high", "key-without-mfa", "ci"),
    ("medium", "old-key", "carol"),
    ("medium", "unused-key", "carol"),
    ("medium", "unused-key", "ci"),
    ("medium", "unused-password", "carol"),
    ("medium", "unused-password", "dave"),
    ("low", "two-active-keys", "ci"),
];

fn found() -> Vec<(String, String, String)> {
    let owned = |(a, b, c): &(&str, &str, &str)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned());
    FOUND.iter().map(owned).collect()
}

fn triples(report: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().expect("findings").iter();
    findings.map(|it| (text(&it["severity"]), text(&it["id"]), text(&it["user"]))).collect()
}

fn audit(world: &World, words: &[&str]) -> Finished {
    world.run(&[&["audit", "--report", "report.csv"], words].concat())
}

#[test]
fn a_report_gives_the_findings_of_a_handmade_table_and_the_same_bytes_twice() {
    let world = World::empty();
    world.write("report.csv", csv());
    let done = audit(&world, &["--json"]);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), ""));
    assert_eq!(triples(&json(&done)), found());
    assert_eq!(done.stdout, audit(&world, &["--json"]).stdout);
    let account = &json(&done)["accounts"][0];
    assert_eq!(
        (&account["account"], &account["users"], &account["source"]),
        (&json!("123456789012"), &json!(7), &json!("report"))
    );
    let old = json(&done)["findings"].as_array().expect("findings").iter().find(|it| it["id"] == "old-key").cloned();
    let old = old.expect("carol's");
    let made = ago(91).1;
    assert_eq!(old["what"], format!("user `carol` has access key 1 from {made}, more than 90 days old"));
    let cis = json!({"1.4": "1.14", "1.5": "1.14", "2.0": "1.14", "3.0": "1.14", "4.0.1": "1.14", "5.0": "1.13", "6.0": "2.13", "7.0": "2.12"});
    assert_eq!(
        (&old["config_rule"], &old["security_hub"], &old["cis"]),
        (&json!("access-keys-rotated"), &json!("IAM.3"), &cis)
    );
    // Rows in another order are the same account, and so are CRLF and columns that AWS may add or move.
    let mut turned = rows();
    turned.reverse();
    let more = turned.iter().map(|row| format!("\"a \"\"b\"\", c\",{row}\r\n")).collect::<String>();
    world.write("report.csv", format!("\u{feff}additional_credentials_info,{HEADER}\r\n{more}"));
    assert_eq!(audit(&world, &["--json"]).stdout, done.stdout);
    assert!(world.aws.take_calls().is_empty(), "no call is made");
}

#[test]
fn what_the_aws_cli_prints_is_read_and_judged_as_of_then() {
    let world = World::empty();
    let (generated, _) = ago(10);
    let content = BASE64.encode(csv().as_bytes());
    world.write(
        "report.csv",
        format!("\u{feff}{}", json!({"Content": content, "ReportFormat": "text/csv", "GeneratedTime": generated})),
    );
    let done = audit(&world, &["--json"]);
    // Ten days ago, what is 91, 50 and 46 days old now was not too old yet.
    let users: Vec<_> = triples(&json(&done)).into_iter().filter(|(severity, ..)| severity == "medium").collect();
    assert_eq!(users, [("medium".to_owned(), "unused-password".to_owned(), "dave".to_owned())]);
    let page = audit(&world, &[]).stdout;
    let day = ago(10).1;
    assert!(
        page.starts_with(&format!("Account 123456789012: 7 users, according to the credential report of {day}")),
        "{page}"
    );
}

#[test]
fn only_ignore_and_a_file_of_findings_accepted_until_a_date() {
    let world = World::empty();
    world.write("report.csv", csv());
    let ids = |words: &[&str]| -> Vec<String> {
        let done = audit(&world, &[words, &["--json"]].concat());
        triples(&json(&done)).into_iter().map(|(_, id, user)| format!("{id}={user}")).collect()
    };
    assert_eq!(ids(&["--only", "old-key,root-key"]), ["root-key=<root_account>", "old-key=carol"]);
    assert_eq!(ids(&["--only", "unused-key", "--ignore", "unused-key=ci"]), ["unused-key=carol"]);
    assert_eq!(ids(&["--only", "unused-key", "--unused", "60d"]), [""; 0]);
    assert_eq!(ids(&["--only", "old-key", "--key-age", "30"]), ["old-key=bob", "old-key=carol", "old-key=ci"]);
    let tomorrow = (Timestamp::now() + SignedDuration::from_hours(24)).strftime("%Y-%m-%d").to_string();
    let yesterday = ago(1).1;
    world.write("accept", format!("unused-key=ci until {tomorrow} # a program\nold-key until {yesterday}\n"));
    let words = ["--only", "unused-key,old-key", "--accept", "accept"];
    assert_eq!(ids(&words), ["old-key=carol", "unused-key=carol"]);
    let done = audit(&world, &words);
    assert_eq!(done.stderr, format!("warning: accept:2 was accepted until {yesterday} and counts again\n"));
    assert!(
        done.stdout.contains(&format!("1 finding accepted; the first counts again after {tomorrow}.")),
        "{}",
        done.stdout
    );
    let accepted = &json(&audit(&world, &[&words[..], &["--json"]].concat()))["accepted"];
    assert_eq!((&accepted[0]["user"], &accepted[0]["until"]), (&json!("ci"), &json!(tomorrow)));
    // Nothing is left: all is well.
    let done = audit(&world, &["--only", "old-key", "--ignore", "old-key"]);
    assert_eq!((done.status.code(), done.stdout.contains("No findings.")), (Some(0), true), "{done:?}");
}

#[test]
fn what_is_no_report_is_named_with_exit_2() {
    let world = World::empty();
    let short = format!("{HEADER}\nalice,arn");
    let binary = [HEADER.as_bytes(), b"\n\xff", &[b','; 21]].concat();
    world.write("report.csv", binary);
    let said = "error: report.csv: not a credential report: line 2 is not UTF-8\n";
    assert_eq!(audit(&world, &[]).stderr, said);
    for (text, said) in [
        ("", "report.csv: not a credential report: it has no column `user`"),
        ("a,b\n1,2\n", "report.csv: not a credential report: it has no column `user`"),
        (HEADER, "report.csv: the credential report has no rows"),
        ("{\"State\": \"STARTED\"}", "report.csv: not a credential report: the JSON has no `Content`"),
        ("{\"Content\": \"%\"}", "report.csv: not a credential report: its `Content` is not base64"),
        (&short, "report.csv: not a credential report: line 2 has 2 fields, but the header has 22"),
    ] {
        world.write("report.csv", text);
        let done = audit(&world, &[]);
        let first = done.stderr.lines().next().unwrap_or_default();
        assert_eq!((done.status.code(), done.stdout.as_str(), first), (Some(2), "", format!("error: {said}").as_str()));
    }
    let done = world.run(&["audit", "--report", "nowhere.csv"]);
    assert_eq!(
        (done.status.code(), done.stderr.as_str()),
        (Some(2), "error: nowhere.csv cannot be read: No such file or directory (os error 2)\n")
    );
    world.write("report.csv", csv());
    world.write("accept", "old-keys=a until 2030-01-01\n");
    let done = audit(&world, &["--accept", "accept"]);
    assert_eq!(
        (done.status.code(), done.stderr.as_str()),
        (Some(2), "error: accept: line 1: unknown check `old-keys`; `audit --help` lists them\n")
    );
}

/// A value that is none is not taken for "all is well".
#[test]
fn a_value_missing_from_a_row_is_a_finding() {
    let world = World::empty();
    let odd = row("odd", cells(["true", "1d", "perhaps"], NO_KEY, NO_KEY));
    world.write("report.csv", format!("{HEADER}\n{odd}\n"));
    let done = audit(&world, &["--json"]);
    let report = json(&done);
    assert_eq!(triples(&report), [("unknown".to_owned(), "not-asked".to_owned(), "odd".to_owned())]);
    assert_eq!(
        report["findings"][0]["what"],
        "column `mfa_active` of `odd` could not be read: it is neither `true` nor `false`; not checked: \
         console-without-mfa, key-without-mfa"
    );
    assert_eq!(audit(&world, &["--only", "old-key"]).status.code(), Some(0), "nothing of it is about keys");
    // Columns that are not there are questions that are not asked, and said so.
    world.write("report.csv", "user,password_enabled,mfa_active\nalice,false,true\n");
    let done = audit(&world, &["--json"]);
    let open = json(&done)["accounts"][0]["unanswerable"].as_array().expect("ids").len();
    assert_eq!((done.status.code(), open), (Some(0), 13), "{}", done.stdout);
}

#[test]
fn csv_is_read_back_with_the_same_findings() {
    let world = World::empty();
    world.write("report.csv", csv());
    let done = audit(&world, &["--csv"]);
    let mut lines = done.stdout.lines();
    assert_eq!(lines.next(), Some("account,id,user,group,severity,what,repair,config_rule,security_hub,cis"));
    let read: Vec<_> = lines
        .map(|line| {
            let cells: Vec<&str> = line.splitn(6, ',').collect();
            (cells[4].to_owned(), cells[1].to_owned(), cells[2].to_owned())
        })
        .collect();
    assert_eq!(read, found());
}

/// On a terminal a long list is cut, and nothing is wider than the window.
#[test]
fn the_page_fits_the_window_with_8_users_and_with_500() {
    let world = World::empty();
    for count in [8, 500] {
        let mut text = csv();
        for number in 8..count {
            let _ =
                write!(text, "\n{}", row(&format!("user-{number:03}"), cells(["true", "1d", "false"], NO_KEY, NO_KEY)));
        }
        world.write("report.csv", text);
        for columns in [60, 100] {
            let mut command = std::process::Command::new(MFA_CRED);
            world.dress(&mut command);
            command.args(["audit", "--report", "report.csv"]);
            let session = Pty::default().sized(40, columns).streams(Stream::Terminal, Stream::Terminal).spawn(command);
            let shown = session.finish(PATIENCE).terminal;
            let mut terminal = vt100::Parser::new(300, columns, 0);
            terminal.process(shown.as_bytes());
            let wrapped = (0..300).filter(|row| terminal.screen().row_wrapped(*row)).count();
            let text = terminal.screen().contents();
            assert_eq!(wrapped, 0, "{columns}:\n{text}");
            assert!(text.lines().count() < 70, "{count} at {columns}:\n{text}");
            assert_eq!(text.contains("shows all"), count == 500, "{text}");
        }
        let whole = audit(&world, &[]).stdout;
        assert_eq!(whole.contains("user-499"), count == 500);
    }
}

#[test]
fn ten_thousand_users_take_seconds_and_less_than_100_mb() {
    let world = World::empty();
    let mut text = csv();
    for number in 0..10_000 {
        let two = ["true", "10d", "N/A"];
        let _ = write!(
            text,
            "\n{}",
            row(&format!("user-{number}"), cells(["true", "100d", "false"], ["true", "100d", "N/A"], two))
        );
    }
    world.write("report.csv", text);
    let start = Instant::now();
    let done = audit(&world, &["--json"]);
    let took = start.elapsed();
    assert_eq!(triples(&json(&done)).len(), found().len() + 6 * 10_000);
    // Unoptimized, on a machine that does other things besides.
    assert!(took < Duration::from_secs(20), "{took:?}");
    let Some(python) = find("python3", &["--version"]) else { return skip_without("peak memory", "python3") };
    for form in ["--json", "--csv", "--quiet"] {
        let done = world.run_other(&python, &["-c", PEAK, MFA_CRED, "audit", "--report", "report.csv", form], PATIENCE);
        let peak: u64 = done.stderr.trim().parse().unwrap_or_else(|_| panic!("{done:?}"));
        assert!(peak < 100 << 10, "{form}: {peak} kB");
    }
}

/// Runs a command, its output discarded, and says how many kilobytes it had in memory at most.
const PEAK: &str = "import resource, subprocess, sys; \
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); \
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)";

#[test]
fn in_csv_no_name_is_a_formula_or_has_control_characters() {
    let world = World::empty();
    let names = ["=1+1", "+1", "-1", "@SUM", "a=b", "\u{1b}[31m", "x\u{202e}y"];
    let mine = cells(["true", "1d", "false"], NO_KEY, NO_KEY);
    let lines: Vec<String> = names.iter().map(|name| row(name, mine)).collect();
    world.write("report.csv", HEADER.to_owned() + "\n" + &lines.join("\n"));
    let done = audit(&world, &["--only", "console-without-mfa", "--csv"]);
    let shown = done.stdout.lines().skip(1).map(|line| line.split(',').nth(2).expect("a user"));
    let mut shown: Vec<&str> = shown.collect();
    shown.sort_unstable();
    assert_eq!(shown, ["'+1", "'-1", "'=1+1", "'@SUM", "\\u{1b}[31m", "a=b", "x\\u{202e}y"], "{}", done.stdout);
    assert!(!done.stdout.contains('\u{1b}'), "{done:?}");
}
