//! The plan cases of `tests/cases/plan/*.txt`, each a sentence and data; one function runs them all.
//!
//! A file may begin with `-- config` and `-- credentials` blocks that stand behind those of each of its cases, so that
//! a case's own lines are numbered from 1. A case is `== SENTENCE`, then blocks: `-- run WORDS` (what is typed after
//! `mfa-cred env`), `-- env NAME=VALUE`, `-- config`, `-- credentials`, `-- settings` (our `config.ini`), `-- file NAME`,
//! and what is expected: `-- plan`, or `-- error EXIT` with the error and its hint. `<<N TEXT>>` is TEXT for N times,
//! with a `#` in it counted from 1.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use mfa_cred::plan::{Plan, Step};

use crate::support::texts::{Refusal, Texts};

/// In every case's files: it must not come out of any plan or error.
const SECRET: &str = "never/shown+7Hq2";

#[derive(Debug)]
struct Case {
    sentence: String,
    texts: Texts,
    expected: String,
}

#[test]
fn every_case_is_planned_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/plan");
    let mut files: Vec<_> = fs::read_dir(folder).expect("the cases").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let (mut sentences, mut wrong) = (HashSet::new(), String::new());
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        for case in cases(&fs::read_to_string(&path).expect("a text")) {
            let planned = case.texts.plan();
            let debug = format!("{planned:?}");
            let found = rendered(planned);
            assert!(!debug.contains(SECRET) && !found.contains(SECRET), "{}: a secret is shown", case.sentence);
            if found != case.expected {
                let _ = write!(wrong, "{name}: {}\n-- found\n{found}-- expected\n{}\n", case.sentence, case.expected);
            }
            assert!(sentences.insert(case.sentence.clone()), "{name}: said twice: {}", case.sentence);
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(sentences.len() >= 120, "{} cases", sentences.len());
}

/// What a command about devices signs in with: one call, by the device that was found, and nothing of the roles.
#[test]
fn the_session_of_a_device_asks_for_no_device_and_warns_of_no_role() {
    let config = "[profile user]\nmfa_serial = auto\n\
                  [profile first]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = user\n\
                  [profile second]\nrole_arn = arn:aws:iam::123456789012:role/second\nsource_profile = first\n\
                  duration_seconds = 7200\n";
    let credentials = format!("[user]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n");
    let files = vec![("config".to_owned(), config.to_owned()), ("credentials".to_owned(), credentials)];
    let texts = Texts { files, words: vec!["second".to_owned()], ..Texts::default() };
    let plan = texts.plan().expect("a plan");
    assert!(plan.asks_for_device() && !plan.warnings.is_empty(), "{plan}");
    let serial = "arn:aws:iam::123456789012:mfa/phone".parse().expect("a serial");
    let session = plan.session_of(&serial);
    let found = session.device.as_ref().and_then(mfa_cred::plan::Device::serial);
    assert_eq!((session.asks_for_device(), found), (false, Some(&serial)));
    assert!(session.warnings.is_empty(), "{session}");
    assert!(matches!(session.steps.given(true), [Step::SessionToken { .. }]), "{session}");
    assert!(!plan.clone().with_device(&serial).asks_for_device());
}

/// The plan as `show` prints it, then what only the call shows.
fn rendered(planned: Result<Plan, Refusal>) -> String {
    let plan = match planned {
        Ok(plan) => plan,
        Err(Refusal { exit, text, hint }) => {
            let hint = hint.map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
            return format!("error {exit}\n{text}\n{hint}");
        }
    };
    let mut text = format!("plan\n{plan}\nregion: {}\n", plan.region.as_ref().map_or("none", |region| region.as_str()));
    let mut line = |name: &str, value: Option<String>| {
        text += &value.map(|value| format!("{name}: {}\n", value.trim_end())).unwrap_or_default();
    };
    let list = |values: Vec<String>| (!values.is_empty()).then(|| values.join(", "));
    for step in plan.steps.given(true) {
        let Step::AssumeRole(call) = step else { continue };
        let of = |what: &str| format!("{what} of {}", call.role.name());
        line(&of("external id"), call.external_id.as_ref().map(ToString::to_string));
        line(&of("session name"), call.session_name.as_ref().map(ToString::to_string));
        line(&of("source identity"), call.source_identity.as_ref().map(ToString::to_string));
        line(&of("tags"), list(call.tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()));
        line(&of("transitive tags"), list(call.transitive_tags.clone()));
        line(&of("session policy"), call.session_policy.clone());
        line(&of("policies"), list(call.policy_arns.clone()));
    }
    line("mfa_process", plan.mfa_process.as_ref().map(|process| process.command.clone()));
    line("ca bundle", plan.service.ca_bundle.as_ref().map(|path| path.display().to_string()));
    for warning in &plan.warnings {
        line("warning", Some(warning.to_string()));
    }
    text
}

fn cases(text: &str) -> Vec<Case> {
    let mut parts = text.split("\n== ");
    let common = blocks(parts.next().unwrap_or_default());
    parts.map(|part| case(part, &common)).collect()
}

fn case(part: &str, common: &[(String, String)]) -> Case {
    let (sentence, rest) = part.split_once('\n').expect("a case has more than its sentence");
    let (mut texts, mut expected) = (Texts::default(), String::new());
    for (head, body) in blocks(rest) {
        let (kind, rest) = head.split_once(' ').unwrap_or((&head, ""));
        match kind {
            "run" => texts.words = shlex::split(rest).expect("words"),
            "env" => {
                let (name, value) = rest.split_once('=').expect("NAME=VALUE");
                texts.env.push((name.to_owned(), value.to_owned()));
            }
            "config" | "credentials" => texts.files.push((kind.to_owned(), body)),
            "settings" => texts.files.push(("config.ini".to_owned(), body)),
            "file" => texts.files.push((rest.to_owned(), body)),
            "plan" | "error" => expected = format!("{head}\n{body}"),
            _ => panic!("{sentence}: no block is named {kind}"),
        }
    }
    assert!(!expected.is_empty(), "{sentence}: nothing is expected");
    for (name, body) in common {
        match texts.files.iter_mut().find(|(known, _)| known == name) {
            Some((_, text)) => *text += body,
            None => texts.files.push((name.clone(), body.clone())),
        }
    }
    Case { sentence: sentence.to_owned(), texts, expected }
}

/// The blocks of a text: what stands behind each `-- `, and the lines below it without the blank ones at their end.
fn blocks(text: &str) -> Vec<(String, String)> {
    let text = format!("\n{}\n", repeated(text));
    let block = |block: &str| {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        let body = body.trim_end();
        (head.to_owned(), if body.is_empty() { String::new() } else { format!("{body}\n") })
    };
    text.split("\n-- ").skip(1).map(block).collect()
}

/// The text with every `<<N TEXT>>` written out.
fn repeated(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<<") else { return text.to_owned() };
    let (inner, after) = rest.split_once(">>").expect("what is opened is closed");
    let (times, piece) = inner.split_once(' ').expect("a number and a text");
    let times: usize = times.parse().expect("a number");
    let written: String = (1..=times).map(|n| piece.replace('#', &n.to_string())).collect();
    format!("{before}{written}{}", repeated(after))
}
