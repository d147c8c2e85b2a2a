//! `docs/audit.md` and the questions: every question has its section, in order, with its severity and whoever else
//! asks.

use mfa_cred::audit::question::Question;

const PAGE: &str = include_str!("../../../docs/audit.md");

/// What comes before is how the command is used.
fn questions() -> &'static str {
    PAGE.split_once("\n## The checks\n").expect("the checks").1
}

#[test]
fn every_question_has_its_section_and_no_section_lacks_a_question() {
    let sections: Vec<(&str, &str)> = questions()
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').expect("a text below its name"))
        .collect();
    let slugs: Vec<&str> = Question::ALL.iter().map(|question| question.slug()).collect();
    let mut names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
    let told = names.clone();
    names.sort_unstable();
    let mut sorted = slugs.clone();
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    assert_eq!(told, slugs, "in the order in which findings are told");
    for (question, (name, text)) in Question::ALL.iter().zip(&sections) {
        let severity = question.severity().name();
        let mut first = severity[..1].to_uppercase() + &severity[1..] + ".";
        first += &question.config_rule().map(|rule| format!(" AWS Config: `{rule}`.")).unwrap_or_default();
        first += &question.security_hub().map(|id| format!(" Security Hub: {id}.")).unwrap_or_default();
        let cis = question.cis().find(|(version, _)| *version == "5.0");
        first += &cis.map(|(_, number)| format!(" CIS 5.0: {number}.")).unwrap_or_default();
        assert_eq!(text.lines().nth(1), Some(first.as_str()), "{name}");
        for part in ["\n**What.** ", "\n**Why.** ", "\n**Repair.** "] {
            assert_eq!(text.matches(part).count(), 1, "{name}: {part}");
        }
    }
}
