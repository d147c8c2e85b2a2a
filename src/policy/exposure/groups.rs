//! Groups equivalent statements by effect, resources and conditions, so that a policy that occurs five hundred times is
//! evaluated once.

use std::collections::{HashMap, HashSet};

use super::Question;
use super::contexts::Clause;
use crate::policy::document::{Document, Scope as Element, Statement};
use crate::policy::evaluate::StatementId;

/// What a statement does.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Side {
    Allow,
    /// An Allow of a limiting policy, such as the permissions boundary.
    Limit,
    Deny,
}

/// The resources of a statement.
pub(super) struct Scope {
    pub(super) is_all_but: bool,
    /// Indexes into the patterns of resources.
    pub(super) patterns: Vec<usize>,
    /// Is it every resource, whatever the context?
    pub(super) is_everything: bool,
}

/// Statements with the same side, scope and clause.
pub(super) struct Group {
    pub(super) side: Side,
    pub(super) scope: usize,
    pub(super) clause: usize,
    /// The unreadable document that may contain this statement.
    pub(super) unread: Option<String>,
}

/// One statement.
pub(super) struct Member {
    pub(super) at: Option<StatementId>,
    pub(super) group: usize,
    pub(super) is_all_but: bool,
}

/// All groups.
#[derive(Default)]
pub(super) struct Groups<'a> {
    /// Patterns of actions, in lower case, each with its original text.
    pub(super) actions: Vec<(String, &'a str)>,
    /// The members that list each pattern of actions.
    pub(super) listed: Vec<Vec<usize>>,
    pub(super) members: Vec<Member>,
    /// The members of `NotAction`, by group.
    pub(super) all_but: Vec<(usize, Vec<usize>)>,
    pub(super) all: Vec<Group>,
    /// Patterns of resources, each with its document's version.
    pub(super) resources: Vec<(crate::policy::document::Version, &'a str)>,
    pub(super) scopes: Vec<Scope>,
    pub(super) clauses: Vec<Clause<'a>>,
    /// Is there a limiting policy, and is all of it known?
    pub(super) is_limited: bool,
}

/// Indexes of what was added before, so that each is added once.
#[derive(Default)]
struct Seen<'a> {
    actions: HashMap<String, usize>,
    resources: HashMap<(bool, &'a str), usize>,
    scopes: HashMap<(bool, Vec<usize>), usize>,
    clauses: HashMap<Vec<&'a str>, usize>,
    groups: HashMap<(Side, usize, usize, bool), usize>,
    members: HashSet<(usize, Vec<usize>)>,
    all_but: HashMap<usize, usize>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(question: &Question<'a>) -> Self {
        let (mut groups, mut seen) = (Self::default(), Seen::default());
        let policies = question.policies;
        let every = [(policies.identity, false), (policies.boundary, true)];
        for (documents, is_boundary) in every {
            for (document, of) in documents.iter().enumerate() {
                for (statement, one) in of.statements.iter().enumerate() {
                    let at = StatementId { is_boundary, document, statement };
                    groups.add(&mut seen, of, one, at);
                }
            }
        }
        let is_unread = |documents: &[Document]| documents.iter().any(|document| document.is_unread);
        groups.is_limited = !policies.boundary.is_empty() && !is_unread(policies.boundary);
        let unread = policies.identity.iter().filter(|document| document.is_unread);
        let mut others: Vec<Option<String>> = unread.map(|document| Some(document.unknown())).collect();
        if question.is_allowed_elsewhere {
            others.push(None);
        }
        for unread in others {
            groups.everything(unread);
        }
        groups
    }

    /// An Allow of everything that is in none of the given documents.
    fn everything(&mut self, unread: Option<String>) {
        const NONE: &[crate::policy::document::Condition] = &[];
        self.scopes.push(Scope { is_all_but: true, patterns: Vec::new(), is_everything: true });
        self.clauses.push(Clause { version: crate::policy::document::Version::V2012, conditions: NONE });
        let (scope, clause) = (self.scopes.len() - 1, self.clauses.len() - 1);
        self.all.push(Group { side: Side::Allow, scope, clause, unread });
        let group = self.all.len() - 1;
        self.members.push(Member { at: None, group, is_all_but: true });
        self.all_but.push((group, vec![self.members.len() - 1]));
    }

    fn add(&mut self, seen: &mut Seen<'a>, document: &'a Document, statement: &'a Statement, at: StatementId) {
        let side = match (statement.is_deny, at.is_boundary) {
            (true, _) => Side::Deny,
            (false, true) => Side::Limit,
            (false, false) => Side::Allow,
        };
        let is_all_but = statement.action.is_all_but;
        let scope = self.scope(seen, document, statement.resource.as_ref());
        let clause = self.clause(seen, document, statement);
        let group = *seen.groups.entry((side, scope, clause, is_all_but)).or_insert_with(|| {
            self.all.push(Group { side, scope, clause, unread: None });
            self.all.len() - 1
        });
        let mut actions: Vec<usize> = Vec::with_capacity(statement.action.list.items.len());
        for item in &statement.action.list.items {
            let lower = item.value.to_ascii_lowercase();
            let pattern = seen.actions.get(&lower).copied();
            actions.push(pattern.unwrap_or_else(|| {
                self.actions.push((lower.clone(), &item.value));
                self.listed.push(Vec::new());
                seen.actions.insert(lower, self.actions.len() - 1);
                self.actions.len() - 1
            }));
        }
        actions.sort_unstable();
        actions.dedup();
        if !seen.members.insert((group, actions.clone())) {
            return;
        }
        self.members.push(Member { at: Some(at), group, is_all_but });
        let member = self.members.len() - 1;
        for pattern in actions {
            self.listed[pattern].push(member);
        }
        if is_all_but {
            let place = *seen.all_but.entry(group).or_insert_with(|| {
                self.all_but.push((group, Vec::new()));
                self.all_but.len() - 1
            });
            self.all_but[place].1.push(member);
        }
    }

    fn scope(&mut self, seen: &mut Seen<'a>, document: &Document, element: Option<&'a Element>) -> usize {
        let (is_all_but, items) = match element {
            Some(element) => (element.is_all_but, &element.list.items[..]),
            // A trust policy applies only to its role.
            None => (true, &[][..]),
        };
        let is_old = document.version == crate::policy::document::Version::V2008;
        let mut patterns: Vec<usize> = items
            .iter()
            .map(|item| {
                *seen.resources.entry((is_old, item.value.as_str())).or_insert_with(|| {
                    self.resources.push((document.version, &item.value));
                    self.resources.len() - 1
                })
            })
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        *seen.scopes.entry((is_all_but, patterns.clone())).or_insert_with(|| {
            let has_all = items.iter().any(|item| item.value == "*");
            let is_everything = if is_all_but { items.is_empty() } else { has_all };
            self.scopes.push(Scope { is_all_but, patterns, is_everything });
            self.scopes.len() - 1
        })
    }

    fn clause(&mut self, seen: &mut Seen<'a>, document: &'a Document, statement: &'a Statement) -> usize {
        let mut texts = vec![if document.version == crate::policy::document::Version::V2012 { "2012" } else { "2008" }];
        for condition in &statement.conditions {
            texts.push(&document.text()[condition.operator_span.clone()]);
            texts.push(&condition.key.value);
            texts.extend(condition.values.items.iter().map(|item| item.value.as_str()));
            // Operators and keys are never empty, so an empty text separates conditions.
            texts.push("");
        }
        *seen.clauses.entry(texts).or_insert_with(|| {
            self.clauses.push(Clause { version: document.version, conditions: &statement.conditions });
            self.clauses.len() - 1
        })
    }
}
