//! `docs/policy-rules.md` and the rules: every rule has its section, in order, and each section's example is run
//! through the checker as the page says, which reports that very rule.

use mfa_cred::policy::rules::{Rule, Severity};
use serde_json::Value;

use crate::support::world::World;

const PAGE: &str = include_str!("../../../docs/policy-rules.md");

/// Only a text of thousands of characters triggers these; others of these tests have one.
const WITHOUT_EXAMPLE: [Rule; 2] = [Rule::TooLarge, Rule::Unfinished];

fn sections() -> Vec<(&'static str, &'static str)> {
    PAGE.split("\n## ").skip(1).map(|section| section.split_once('\n').expect("a section below its name")).collect()
}

#[test]
fn every_rule_has_its_section_and_no_section_lacks_a_rule() {
    let slugs: Vec<&str> = Rule::ALL.iter().map(|rule| rule.slug()).collect();
    let names: Vec<&str> = sections().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, slugs);
    for (rule, (name, text)) in Rule::ALL.iter().zip(sections()) {
        let severity = if rule.severity() == Severity::Failure { "Failure" } else { "Note" };
        let number = rule.number().map(|number| format!(", rule {number}")).unwrap_or_default();
        assert!(text.trim_start().starts_with(&format!("{severity}{number}.")), "{name}: {text}");
        for part in ["\n**What.** ", "\n**Why.** ", "\n**Repair.** ", "\n**AWS.** <https://docs.aws.amazon.com/"] {
            assert_eq!(text.matches(part).count(), 1, "{name}: {part}");
        }
        assert_eq!(text.contains("```json"), !WITHOUT_EXAMPLE.contains(rule), "{name}");
    }
}

#[test]
fn every_pages_example_triggers_its_rule() {
    let world = World::empty();
    for (rule, (name, text)) in Rule::ALL.iter().zip(sections()) {
        if WITHOUT_EXAMPLE.contains(rule) {
            continue;
        }
        // One fence is `example.json`, and each further one the file that its command names next.
        let fences: Vec<&str> = text.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        let command = text.lines().find_map(|line| line.strip_prefix("    mfa-cred ")).expect("a command");
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let files = words.iter_mut().filter(|word| word.contains(".json"));
        for (word, fence) in files.zip(&fences) {
            world.write(word, fence);
            *word = world.home().join(&*word).display().to_string();
        }
        words.push("--json".to_owned());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = world.run(&words);
        let json: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{name}: {}", done.stderr));
        let found = json["findings"].as_array().expect("findings").iter().find(|it| it["rule"] == name);
        let found = found.unwrap_or_else(|| panic!("{name} is not among {json:#}"));
        let number = rule.number().map_or(Value::Null, Value::from);
        assert_eq!((&found["severity"], &found["number"]), (&rule.severity().name().into(), &number), "{name}");
    }
}
