//! Patterns → the classes of words that they distinguish, each with its shortest word and the patterns that match it.
//!
//! All patterns are followed at once, letter by letter, from every possible position in each of them (the subset
//! construction). So the classes are complete: whatever holds for each class holds for every word.

use std::collections::{HashMap, HashSet};

use super::Budget;
use crate::policy::evaluate::pattern::PatternPart;

/// Words that are matched by the same patterns.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Class {
    /// One of the shortest of them.
    pub(super) word: String,
    /// The indexes of the patterns that match them, ascending.
    pub(super) of: Vec<usize>,
}

/// Candidates for a character that no pattern names, in order of preference. No pattern that people write names all of
/// them; if one does, the search gives up.
const OTHERS: &str =
    "xyzabcdefghijklmnopqrstuvw0123456789-_XYZABCDEFGHIJKLMNOPQRSTUVW.,+=@/\u{fc}\u{e4}\u{f6}\u{df}\u{e9}";

/// The classes of the words that match one of `universe`.
///
/// # Errors
/// `Spent` if it takes more steps than the budget has.
pub(super) fn classes(
    universe: &[Vec<PatternPart>],
    patterns: &[Vec<PatternPart>],
    budget: &mut Budget,
) -> Result<Vec<Class>, super::Spent> {
    let machine = Machine::of(universe, patterns);
    let start = machine.closed(machine.starts.clone());
    let (mut states, mut came) = (vec![start.clone()], vec![(0_usize, '\0')]);
    let mut known = HashSet::from([start]);
    let (mut found, mut signatures) = (Vec::new(), HashSet::new());
    let mut at = 0;
    while at < states.len() {
        let state = states[at].clone();
        budget.spend(state.len() + 1)?;
        if let Some(of) = machine.accepted(&state, universe.len())
            && signatures.insert(of.clone())
        {
            found.push(Class { word: word(&came, at), of });
        }
        for (c, next) in machine.steps(&state).ok_or(super::Spent)? {
            budget.spend(next.len())?;
            if !next.is_empty() && known.insert(next.clone()) {
                states.push(next);
                came.push((at, c));
            }
        }
        at += 1;
    }
    Ok(found)
}

/// The letters that lead to a state.
fn word(came: &[(usize, char)], mut at: usize) -> String {
    let mut letters = Vec::new();
    while at > 0 {
        letters.push(came[at].1);
        at = came[at].0;
    }
    letters.iter().rev().collect()
}

/// All patterns one after another, each with an end after its last step.
struct Machine {
    /// `None` marks the end of a pattern.
    steps: Vec<Option<PatternPart>>,
    /// The pattern of each end.
    ends: HashMap<u32, usize>,
    starts: Vec<u32>,
}

impl Machine {
    fn of(universe: &[Vec<PatternPart>], patterns: &[Vec<PatternPart>]) -> Self {
        let mut machine = Self { steps: Vec::new(), ends: HashMap::new(), starts: Vec::new() };
        for (index, pattern) in universe.iter().chain(patterns).enumerate() {
            machine.starts.push(place(machine.steps.len()));
            machine.steps.extend(pattern.iter().copied().map(Some));
            machine.ends.insert(place(machine.steps.len()), index);
            machine.steps.push(None);
        }
        machine
    }

    /// Adds the positions after each `*`, which need no letter; ascending, each once.
    fn closed(&self, mut places: Vec<u32>) -> Vec<u32> {
        let mut at = 0;
        while at < places.len() {
            if let Some(PatternPart::Any { .. }) = self.steps[places[at] as usize] {
                places.push(places[at] + 1);
            }
            at += 1;
        }
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The patterns that end here; `None` if none of the universe ends here.
    fn accepted(&self, state: &[u32], universe: usize) -> Option<Vec<usize>> {
        let mut ended: Vec<usize> = state.iter().filter_map(|place| self.ends.get(place)).copied().collect();
        ended.sort_unstable();
        let is_word = ended.first().is_some_and(|first| *first < universe);
        is_word.then(|| ended.into_iter().filter_map(|index| index.checked_sub(universe)).collect())
    }

    /// Where each letter leads: the named ones, the colon, and one for all others; `None` if none is left for those.
    fn steps(&self, state: &[u32]) -> Option<Vec<(char, Vec<u32>)>> {
        let mut named: Vec<(char, u32)> = Vec::new();
        let (mut inside, mut anywhere) = (Vec::new(), Vec::new());
        for place in state {
            match self.steps[*place as usize] {
                None => {}
                Some(PatternPart::Is(c)) => named.push((c, place + 1)),
                Some(PatternPart::Letter(c)) => {
                    named.push((c.to_ascii_lowercase(), place + 1));
                    if c.is_ascii_alphabetic() {
                        named.push((c.to_ascii_uppercase(), place + 1));
                    }
                }
                Some(PatternPart::One { over_colons }) => {
                    if over_colons { &mut anywhere } else { &mut inside }.push(place + 1);
                }
                Some(PatternPart::Any { over_colons }) => {
                    if over_colons { &mut anywhere } else { &mut inside }.push(*place);
                }
            }
        }
        named.sort_unstable();
        let mut letters: Vec<char> = named.iter().map(|(c, _)| *c).collect();
        letters.dedup();
        if !(inside.is_empty() && anywhere.is_empty()) {
            let other = OTHERS.chars().find(|c| letters.binary_search(c).is_err())?;
            if letters.binary_search(&':').is_err() {
                letters.push(':');
            }
            // Among words of the same length, the one with the letter for all others is preferred.
            letters.insert(0, other);
        }
        let next = letters.into_iter().map(|c| {
            let from = named.partition_point(|(other, _)| *other < c);
            let mut places: Vec<u32> =
                named[from..].iter().take_while(|(other, _)| *other == c).map(|(_, place)| *place).collect();
            places.extend(&anywhere);
            if c != ':' {
                places.extend(&inside);
            }
            (c, self.closed(places))
        });
        Some(next.collect())
    }
}

/// The steps fit into a `u32`: a document has at most 16 MB.
fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Budget, classes};
    use crate::policy::evaluate::pattern::{PatternPart, matches_steps};

    fn steps(pattern: &str) -> Vec<PatternPart> {
        let one = |c| match c {
            '*' => PatternPart::Any { over_colons: true },
            '+' => PatternPart::Any { over_colons: false },
            '?' => PatternPart::One { over_colons: true },
            'A'..='Z' => PatternPart::Letter(c),
            c => PatternPart::Is(c),
        };
        pattern.chars().map(one).collect()
    }

    /// Every word of up to five letters is in a class that the search found.
    #[test]
    fn every_word_is_in_a_class_that_was_found() {
        for patterns in [
            &["a*", "*b", "ab", "a?b", "+:b", "A:B", "", "*"][..],
            &["*a*b*", "*b*a*", "??", "a+", ":*"],
            &["a*a*a", "A*", "*:*:*"],
            &[],
        ] {
            let compiled: Vec<Vec<PatternPart>> = patterns.iter().map(|pattern| steps(pattern)).collect();
            let found = classes(&[steps("*")], &compiled, &mut Budget::new(1_000_000)).expect("few");
            let matched = |word: &str| -> Vec<usize> {
                (0..compiled.len()).filter(|index| matches_steps(&compiled[*index], word)).collect()
            };
            for class in &found {
                assert_eq!(matched(&class.word), class.of, "{patterns:?} {}", class.word);
            }
            let mut words = vec![String::new()];
            for _ in 0..5 {
                let longer: Vec<String> =
                    words.iter().flat_map(|word| ['a', 'b', 'A', ':', '.'].map(|c| format!("{word}{c}"))).collect();
                words.extend(longer);
                words.sort();
                words.dedup();
            }
            for word in words {
                let of = matched(&word);
                assert!(found.iter().any(|class| class.of == of), "{patterns:?}: {word}: {of:?}");
            }
        }
    }

    #[test]
    fn a_search_that_takes_too_long_gives_up() {
        let many: Vec<Vec<PatternPart>> = (0..12).map(|n| steps(&format!("*{}*", "ab".repeat(n)))).collect();
        assert!(classes(&[steps("*")], &many, &mut Budget::new(100)).is_err());
    }
}
