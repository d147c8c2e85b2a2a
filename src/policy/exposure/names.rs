//! Patterns of actions → the actions to check: every name that is known or written out, and one for each class that the
//! wildcards distinguish among all other names.

use std::collections::{HashMap, HashSet};

use super::actions::{Leave, are_of_enrolling, known};
use super::groups::{Groups, Side};
use super::words::{Class, classes};
use super::{Budget, Spent};
use crate::policy::evaluate::matches_action;
use crate::policy::evaluate::pattern::PatternPart;

/// A class of actions.
pub(super) struct Action {
    /// In lower case.
    pub(super) name: String,
    /// As written.
    pub(super) shown: String,
    /// Is it a known action, or one that a policy names?
    pub(super) is_named: bool,
    pub(super) leave: Leave,
    /// The patterns of the policies that cover it.
    pub(super) of: Vec<usize>,
}

/// Every class of actions that must not be allowed without MFA: each action that is known or that a policy names, and
/// for all other names the classes that the wildcards distinguish.
pub(super) fn actions(groups: &Groups<'_>, budget: &mut Budget) -> Result<Vec<Action>, Spent> {
    let is_wild = |at: &usize| groups.actions[*at].0.contains(['*', '?']);
    let (wild, plain): (Vec<usize>, Vec<usize>) = (0..groups.actions.len()).partition(is_wild);
    let mut found = Vec::new();
    let names: HashMap<&str, usize> = plain.iter().map(|at| (groups.actions[*at].0.as_str(), *at)).collect();
    let is_allowed = allowed(groups, &wild);
    let known = known().map(|name| (name.to_ascii_lowercase(), name));
    let known: Vec<(String, String)> = known.filter(|(lower, _)| is_allowed(lower)).collect();
    let written = plain.iter().map(|at| (groups.actions[*at].0.clone(), groups.actions[*at].1.to_owned()));
    let seen: HashSet<String> = known.iter().map(|(lower, _)| lower.clone()).collect();
    let unknown = written.filter(|(lower, _)| !seen.contains(lower));
    for (name, shown) in known.into_iter().chain(unknown) {
        budget.spend(wild.len() + 1)?;
        let leave = Leave::of(&name);
        if leave == Leave::Open {
            continue;
        }
        let mut of: Vec<usize> =
            wild.iter().copied().filter(|at| matches_action(&groups.actions[*at].0, &name)).collect();
        of.extend(names.get(name.as_str()));
        found.push(Action { name, shown, is_named: true, leave, of });
    }
    found.extend(unnamed(&Names { groups, wild: &wild, plain: &names }, budget)?);
    Ok(found)
}

/// The patterns of actions: with wildcards, and written out.
struct Names<'b, 'a> {
    groups: &'b Groups<'a>,
    wild: &'b [usize],
    plain: &'b HashMap<&'b str, usize>,
}

/// The classes of names that no policy names and that are not known.
fn unnamed(of_all: &Names<'_, '_>, budget: &mut Budget) -> Result<Vec<Action>, Spent> {
    let Names { groups, wild, .. } = *of_all;
    let patterns: Vec<Vec<PatternPart>> = wild.iter().map(|at| steps(&groups.actions[*at].0)).collect();
    let own = ["iam:", "sts:"].map(|service| {
        let name = [PatternPart::One { over_colons: false }, PatternPart::Any { over_colons: false }];
        service.chars().map(PatternPart::Is).chain(name).collect::<Vec<PatternPart>>()
    });
    let all: Vec<Vec<PatternPart>> = own.into_iter().chain(patterns).collect();
    let mut of_enrolling: HashMap<usize, bool> = HashMap::new();
    let mut found = Vec::new();
    for class in of_unnamed_words(&all, of_all, budget)? {
        let is_own = class.of.iter().any(|at| *at < 2);
        let of: Vec<usize> = class.of.into_iter().filter_map(|at| at.checked_sub(2)).map(|at| wild[at]).collect();
        let texts = || of.iter().map(|at| groups.actions[*at].0.as_str()).collect::<Vec<&str>>();
        let mut is_one =
            |at: &usize| *of_enrolling.entry(*at).or_insert_with(|| are_of_enrolling(&[&groups.actions[*at].0]));
        // Names that do not exist, apart from those that the wildcard is meant for.
        let is_spare = is_own && (of.iter().any(&mut is_one) || are_of_enrolling(&texts()));
        if !is_spare {
            let name = class.word;
            found.push(Action { shown: name.clone(), name, is_named: false, leave: Leave::Never, of });
        }
    }
    Ok(found)
}

/// The classes that these patterns distinguish among the words that no policy names. If the shortest word of a class is
/// named, it is excluded and the next one is searched for: the class may have no other.
fn of_unnamed_words(
    patterns: &[Vec<PatternPart>],
    of_all: &Names<'_, '_>,
    budget: &mut Budget,
) -> Result<Vec<Class>, Spent> {
    let one = PatternPart::One { over_colons: false };
    let any = PatternPart::Any { over_colons: false };
    let universe = [vec![one, any, PatternPart::Is(':'), one, any]];
    let mut aside: Vec<Vec<PatternPart>> = Vec::new();
    loop {
        let all: Vec<Vec<PatternPart>> = patterns.iter().chain(&aside).cloned().collect();
        let mut found = classes(&universe, &all, budget)?;
        found.retain(|class| class.of.iter().all(|at| *at < patterns.len()));
        let named: Vec<Vec<PatternPart>> = found
            .iter()
            .filter(|class| of_all.plain.contains_key(class.word.as_str()))
            .map(|class| steps(&class.word))
            .collect();
        if named.is_empty() {
            return Ok(found);
        }
        aside.extend(named);
    }
}

/// Does some Allow cover that name, or might it?
fn allowed<'a>(groups: &'a Groups<'_>, wild: &[usize]) -> impl Fn(&str) -> bool + 'a {
    let is_allow = |member: &usize| {
        let member = &groups.members[*member];
        !member.is_all_but && groups.all[member.group].side == Side::Allow
    };
    let is_listed = |at: &usize| groups.listed[*at].iter().any(is_allow);
    let wild: Vec<&str> =
        wild.iter().copied().filter(|at| is_listed(at)).map(|at| groups.actions[at].0.as_str()).collect();
    let has_all_but = groups.members.iter().any(|it| it.is_all_but && groups.all[it.group].side == Side::Allow);
    let plain: HashSet<&str> =
        (0..groups.actions.len()).filter(is_listed).map(|at| groups.actions[at].0.as_str()).collect();
    move |name| has_all_but || plain.contains(name) || wild.iter().any(|pattern| matches_action(pattern, name))
}

fn steps(pattern: &str) -> Vec<PatternPart> {
    let one = |c| match c {
        '*' => PatternPart::Any { over_colons: true },
        '?' => PatternPart::One { over_colons: true },
        c => PatternPart::Is(c),
    };
    pattern.chars().map(one).collect()
}
