//! The plan cases in `tests/cases/plan/*.txt`: each consists of a sentence and data, and one function runs them all.
//!
//! The grammar is that of [`cases`]. A file's shared `-- config` and `-- credentials` blocks are appended to those of each
//! case, so that a case's own lines are numbered from 1. The blocks of a case: `-- run WORDS` (what is typed after
//! `mfa-cred env`), `-- env NAME=VALUE`, `-- config`, `-- credentials`, `-- settings` (our `config.ini`), `-- file NAME`,
//! and what is expected: `-- plan`, or `-- error EXIT` with the error and its hint.

use std::collections::HashSet;
use std::fmt::Write as _;

use mfa_cred::plan::{Base, Plan, Step};

use crate::support::cases::{self, Block, Case};
use crate::support::texts::{Refusal, Texts};

/// A secret in the files of every case: no plan and no error may contain it.
const SECRET: &str = "never/shown+7Hq2";

#[test]
fn every_case_gives_its_plan() {
    let (mut sentences, mut wrong) = (HashSet::new(), String::new());
    for file in cases::read("plan") {
        for case in &file.cases {
            let (name, sentence) = (&file.name, &case.sentence);
            let (texts, expected) = texts_of(case, &file.common);
            let planned = texts.plan();
            let debug = format!("{planned:?}");
            let found = rendered(planned);
            assert!(!debug.contains(SECRET) && !found.contains(SECRET), "{sentence}: a secret is shown");
            if found != expected {
                let _ = write!(wrong, "{name}: {sentence}\n-- found\n{found}-- expected\n{expected}\n");
            }
            assert!(sentences.insert(sentence.clone()), "{name}: two cases have the sentence: {sentence}");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(sentences.len() >= 120, "{} cases", sentences.len());
}

/// `device` commands sign in with one call, with the device that was found, and without the roles.
#[test]
fn a_device_session_needs_no_device_and_gives_no_role_warning() {
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

/// The plan as `show` prints it, followed by the parameters that only appear in the calls.
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
        let (Step::AssumeRole(call) | Step::WebIdentity(call)) = step else { continue };
        let of = |what: &str| format!("{what} of {}", call.role.name());
        line(&of("external id"), call.external_id.as_ref().map(ToString::to_string));
        line(&of("session name"), call.session_name.as_ref().map(ToString::to_string));
        line(&of("source identity"), call.source_identity.as_ref().map(ToString::to_string));
        line(&of("tags"), list(call.tags.iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()));
        line(&of("transitive tags"), list(call.transitive_tags.clone()));
        line(&of("session policy"), call.session_policy.clone());
        line(&of("policies"), list(call.policy_arns.clone()));
    }
    if let Base::Login(session) = &plan.base {
        let service = session.service.as_ref().map(|service| service.to_string().replacen("sts: ", "", 1));
        line("sign-in", service);
        line("skipped", plan.skipped_serial.as_ref().map(ToString::to_string));
    }
    line("mfa_process", plan.mfa_process.as_ref().map(|process| process.command.clone()));
    line("ca bundle", plan.service.ca_bundle.as_ref().map(|path| path.display().to_string()));
    for warning in &plan.warnings {
        line("warning", Some(warning.to_string()));
    }
    text
}

/// The texts of a case, and the plan or error that it expects.
fn texts_of(case: &Case, common: &[Block]) -> (Texts, String) {
    let sentence = &case.sentence;
    let (mut texts, mut expected) = (Texts::default(), String::new());
    for block in &case.blocks {
        let Block { head, text } = block.clone();
        let (kind, rest) = block.name();
        match kind {
            "run" => texts.words = shlex::split(rest).expect("words"),
            "env" => {
                let (name, value) = rest.split_once('=').expect("NAME=VALUE");
                texts.env.push((name.to_owned(), value.to_owned()));
            }
            "config" | "credentials" => texts.files.push((kind.to_owned(), text)),
            "settings" => texts.files.push(("config.ini".to_owned(), text)),
            "file" => texts.files.push((rest.to_owned(), text)),
            "plan" | "error" => expected = format!("{head}\n{text}"),
            _ => panic!("{sentence}: unknown block {kind}"),
        }
    }
    assert!(!expected.is_empty(), "{sentence}: nothing is expected");
    for Block { head, text } in common {
        match texts.files.iter_mut().find(|(known, _)| known == head) {
            Some((_, own)) => *own += text,
            None => texts.files.push((head.clone(), text.clone())),
        }
    }
    (texts, expected)
}
