//! Groups of statements → what they allow without MFA.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::actions::{Leave, rank};
use super::contexts::{Base, Clause, Met, meet};
use super::groups::{Groups, Side};
use super::names::{Action, actions};
use super::resources::{Marks, Resources};
use super::{Budget, Opening, OpeningKind, Question, Spent};
use crate::policy::document::Document;
use crate::policy::evaluate::{Context, Reason, StatementId, Truth, condition_holds, matches_action};
use crate::policy::journey::Way;

/// The ways without MFA.
const WAYS: [Way; 3] = [Way::Key, Way::Session, Way::Console];

/// What is allowed, with one or a few openings for each statement that allows it.
pub(in crate::policy) fn find(question: &Question<'_>, budget: &mut Budget) -> Result<Vec<Opening>, Spent> {
    let groups = Groups::of(question);
    if groups.all.iter().all(|group| group.side != Side::Allow) {
        return Ok(Vec::new());
    }
    let mut search = Search::new(question, &groups);
    for action in actions(&groups, budget)? {
        search.action(&action, budget)?;
    }
    Ok(search.gathered())
}

/// The groups that cover an action.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Covering {
    allows: Vec<usize>,
    limits: Vec<usize>,
    denies: Vec<usize>,
}

/// The result of the search on one way: one request for each group of Allows that allows something.
type Hits = Vec<Hit>;

#[derive(Clone, Debug)]
struct Hit {
    group: usize,
    resource: String,
    met: Met,
    roles: Vec<String>,
}

/// A request on one way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Asked {
    covering: Covering,
    way: Way,
    is_iam: bool,
    leave: Leave,
    is_of_users: bool,
}

/// What allows a request, by way: the better example is kept.
struct Found {
    rank: (bool, usize),
    action: String,
    pattern: Option<String>,
    hit: Hit,
}

/// The clauses that must hold and those that must not, the way, and whether the action is IAM's.
type Tried = (Vec<usize>, Vec<usize>, Way, bool);

/// A document and its statement, the kind of opening, and the way.
type OpeningKey = (Option<(usize, usize)>, OpeningKind, usize);

struct Search<'a, 'b> {
    question: &'b Question<'a>,
    groups: &'b Groups<'a>,
    contexts: Vec<[Context; 2]>,
    resources: Resources<'b, 'a>,
    answered: HashMap<Asked, Rc<Hits>>,
    /// By clause, way, and whether the action is IAM's.
    truths: HashMap<(usize, Way, bool), Truth>,
    met: HashMap<Tried, Option<Met>>,
    found: BTreeMap<OpeningKey, Found>,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(question: &'b Question<'a>, groups: &'b Groups<'a>) -> Self {
        let contexts = WAYS.map(|way| [false, true].map(|is_iam| question.subject.context(way, is_iam)));
        Self {
            question,
            groups,
            contexts: contexts.into(),
            resources: Resources::new(groups, question.subject),
            answered: HashMap::new(),
            truths: HashMap::new(),
            met: HashMap::new(),
            found: BTreeMap::new(),
        }
    }

    fn action(&mut self, action: &Action, budget: &mut Budget) -> Result<(), Spent> {
        let (covering, members) = self.covering(action, budget)?;
        if covering.allows.is_empty() || self.groups.is_limited && covering.limits.is_empty() {
            return Ok(());
        }
        let (is_iam, is_sts) = (action.name.starts_with("iam:"), action.name.starts_with("sts:"));
        for way in WAYS {
            // STS's own limits: a session without MFA cannot call IAM, and of STS only AssumeRole.
            if way == Way::Session && (is_iam || is_sts && action.name != "sts:assumerole") {
                continue;
            }
            let is_of_users = is_iam
                && ["user", "loginprofile", "accesskey", "mfadevice", "password", "credential"]
                    .iter()
                    .any(|word| action.name.contains(word));
            let asked = Asked { covering: covering.clone(), way, is_iam, leave: action.leave, is_of_users };
            let answered = self.answered.get(&asked).cloned();
            let hits = if let Some(hits) = answered {
                hits
            } else {
                let hits = Rc::new(self.hits(&asked, budget)?);
                self.answered.insert(asked, hits.clone());
                hits
            };
            for hit in hits.iter() {
                budget.spend(1)?;
                self.keep(action, way, hit, members.get(&hit.group).copied());
            }
        }
        Ok(())
    }

    /// The groups that cover the action, and for each group of Allows a member that covers it.
    fn covering(&self, action: &Action, budget: &mut Budget) -> Result<(Covering, HashMap<usize, usize>), Spent> {
        let (mut groups, mut members) = (HashSet::new(), HashMap::new());
        let mut excepted: HashSet<usize> = HashSet::new();
        for pattern in &action.of {
            budget.spend(self.groups.listed[*pattern].len())?;
            for member in &self.groups.listed[*pattern] {
                let one = &self.groups.members[*member];
                if one.is_all_but {
                    excepted.insert(*member);
                } else if groups.insert(one.group) {
                    members.insert(one.group, *member);
                }
            }
        }
        for (group, of) in &self.groups.all_but {
            let first = of.iter().position(|member| !excepted.contains(member));
            budget.spend(first.unwrap_or(of.len()) + 1)?;
            if let Some(first) = first {
                groups.insert(*group);
                members.insert(*group, of[first]);
            }
        }
        let mut covering = Covering::default();
        for group in groups {
            match self.groups.all[group].side {
                Side::Allow => covering.allows.push(group),
                Side::Limit => covering.limits.push(group),
                Side::Deny => covering.denies.push(group),
            }
        }
        for list in [&mut covering.allows, &mut covering.limits, &mut covering.denies] {
            list.sort_unstable();
            budget.spend(list.len())?;
        }
        Ok((covering, members))
    }

    fn hits(&mut self, asked: &Asked, budget: &mut Budget) -> Result<Hits, Spent> {
        let Covering { allows, limits, denies } = &asked.covering;
        let mut kept = [Vec::new(), Vec::new(), Vec::new()];
        for (list, kept) in [allows, limits, denies].into_iter().zip(&mut kept) {
            for group in list {
                let truth = self.truth(self.groups.all[*group].clause, asked, budget)?;
                if truth != Truth::No {
                    kept.push(*group);
                }
                let is_everything = self.groups.scopes[self.groups.all[*group].scope].is_everything;
                if self.groups.all[*group].side == Side::Deny && truth == Truth::Yes && is_everything {
                    return Ok(Vec::new());
                }
            }
        }
        let [allows, limits, denies] = kept;
        if allows.is_empty() || self.groups.is_limited && limits.is_empty() {
            return Ok(Vec::new());
        }
        let mut by_scope: HashMap<usize, [Vec<usize>; 3]> = HashMap::new();
        for (side, list) in [&allows, &limits, &denies].into_iter().enumerate() {
            for group in list {
                by_scope.entry(self.groups.all[*group].scope).or_default()[side].push(*group);
            }
        }
        let mut scopes: Vec<usize> = by_scope.keys().copied().collect();
        scopes.sort_unstable();
        let context = &self.contexts[way_at(asked.way)][usize::from(asked.is_iam)];
        let classes = self.resources.classes(&scopes, context, budget)?;
        let mut hits: HashMap<usize, Hit> = HashMap::new();
        let mut order: Vec<usize> = (0..classes.len()).collect();
        order.sort_by_key(|at| classes[*at].marks.order(asked.is_of_users));
        for class in order.into_iter().map(|at| &classes[at]) {
            if asked.leave == Leave::OwnUser && !class.marks.contains(Marks::FOREIGN) {
                continue;
            }
            budget.spend(class.may.len() + class.surely.len() + 1)?;
            let of = |scopes: &[usize], side: usize| -> Vec<usize> {
                scopes.iter().filter_map(|scope| by_scope.get(scope)).flat_map(|it| it[side].iter().copied()).collect()
            };
            let denies = of(&class.surely, 2);
            let limits = of(&class.may, 1);
            let deny_clauses = self.clauses_of(&denies);
            // What is uncertain counts as allowing the request, and is reported.
            let is_unsure = |scope: &&usize| {
                let [_, limits, denies] = &by_scope[*scope];
                class.surely.binary_search(scope).is_err() && !(limits.is_empty() && denies.is_empty())
            };
            let unsure: Vec<usize> = class.may.iter().filter(is_unsure).copied().collect();
            for group in of(&class.may, 0) {
                // What is certainly open makes the better example.
                let is_known = |hit: &Hit| hit.met.undecided.is_empty() && asked.leave != Leave::Role;
                if hits.get(&group).is_some_and(is_known) {
                    continue;
                }
                let Some(mut met) = self.let_through(group, &limits, &deny_clauses, asked, budget)? else { continue };
                let own = Some(self.groups.all[group].scope).filter(|scope| class.surely.binary_search(scope).is_err());
                for scope in own.iter().chain(&unsure) {
                    let context = &self.contexts[way_at(asked.way)][usize::from(asked.is_iam)];
                    let reason = self.resources.reason(*scope, context);
                    met.undecided.extend(reason.filter(|reason| !met.undecided.contains(reason)));
                }
                let hit = hits.entry(group).or_insert_with(|| Hit {
                    group,
                    resource: class.word.clone(),
                    met: met.clone(),
                    roles: Vec::new(),
                });
                if met.undecided.is_empty() && !hit.met.undecided.is_empty() {
                    (hit.resource, hit.met) = (class.word.clone(), met);
                }
                if asked.leave == Leave::Role {
                    let roles = self.resources.roles(self.groups.all[group].scope, &class.of);
                    budget.spend(roles.len() + 1)?;
                    for role in roles {
                        if !hit.roles.contains(&role) {
                            hit.roles.push(role);
                        }
                    }
                }
            }
            let is_certain = hits.values().all(|hit| hit.met.undecided.is_empty());
            if asked.leave != Leave::Role && hits.len() == allows.len() && is_certain {
                break;
            }
        }
        let mut hits: Hits = hits.into_values().collect();
        hits.sort_by_key(|hit| hit.group);
        Ok(hits)
    }

    /// The clauses of the groups, each once.
    fn clauses_of(&self, groups: &[usize]) -> Vec<usize> {
        let mut clauses: Vec<usize> = groups.iter().map(|group| self.groups.all[*group].clause).collect();
        clauses.sort_unstable();
        clauses.dedup();
        clauses
    }

    /// Is there a context in which that group and one of the limiting ones hold, and no Deny does?
    fn let_through(
        &mut self,
        group: usize,
        limits: &[usize],
        denies: &[usize],
        asked: &Asked,
        budget: &mut Budget,
    ) -> Result<Option<Met>, Spent> {
        let own = self.groups.all[group].clause;
        let musts: Vec<Vec<usize>> = if self.groups.is_limited {
            self.clauses_of(limits).into_iter().map(|limit| vec![own, limit]).collect()
        } else {
            vec![vec![own]]
        };
        for must in musts {
            let key = (must, denies.to_vec(), asked.way, asked.is_iam);
            budget.spend(1 + denies.len())?;
            let answered = self.met.get(&key).cloned();
            let met = if let Some(met) = answered {
                met
            } else {
                let clauses = |of: &[usize]| of.iter().map(|at| self.groups.clauses[*at]).collect::<Vec<Clause<'_>>>();
                let context = &self.contexts[way_at(asked.way)][usize::from(asked.is_iam)];
                let base = Base { context, within: None };
                let met = meet(&base, &clauses(&key.0), &clauses(&key.1), budget)?;
                self.met.insert(key, met.clone());
                met
            };
            if let Some(mut met) = met {
                met.undecided.extend(self.groups.all[group].unread.clone().map(Reason::Unread));
                return Ok(Some(met));
            }
        }
        Ok(None)
    }

    /// The value of a clause when no key is chosen yet.
    fn truth(&mut self, clause: usize, asked: &Asked, budget: &mut Budget) -> Result<Truth, Spent> {
        budget.spend(1)?;
        let key = (clause, asked.way, asked.is_iam);
        if let Some(truth) = self.truths.get(&key) {
            return Ok(truth.clone());
        }
        let of = self.groups.clauses[clause];
        let context = &self.contexts[way_at(asked.way)][usize::from(asked.is_iam)];
        let one = |condition| condition_holds(of.version, condition, context);
        let truth = of.conditions.iter().map(one).fold(Truth::Yes, Truth::and);
        self.truths.insert(key, truth.clone());
        Ok(truth)
    }

    fn keep(&mut self, action: &Action, way: Way, hit: &Hit, member: Option<usize>) {
        let at = member.and_then(|member| self.groups.members[member].at);
        let kind = match action.leave {
            Leave::Role => OpeningKind::Role,
            Leave::Password => OpeningKind::Password,
            Leave::SpareDevice => OpeningKind::SpareDevice,
            Leave::Open | Leave::OwnUser | Leave::Never => OpeningKind::Theft,
        };
        let rank = (!hit.met.undecided.is_empty(), rank(&action.shown, action.is_named));
        let key = (at.map(|at| (at.document, at.statement)), kind, way_at(way));
        if self.found.get(&key).is_none_or(|found| rank < found.rank) {
            let pattern = if action.is_named { None } else { self.pattern(at, action) };
            self.found.insert(key, Found { rank, action: action.shown.clone(), pattern, hit: hit.clone() });
        }
    }

    /// The pattern with which the statement covers the action, as written.
    fn pattern(&self, at: Option<StatementId>, action: &Action) -> Option<String> {
        let at = at?;
        let document: &Document = &self.question.policies.identity[at.document];
        let scope = &document.statements[at.statement].action;
        let covers = |item: &&crate::policy::document::Text| matches_action(&item.value, &action.name);
        scope.list.items.iter().find(covers).filter(|_| !scope.is_all_but).map(|item| item.value.clone())
    }

    /// One opening for each statement and example request, with all its ways.
    fn gathered(self) -> Vec<Opening> {
        let mut openings: Vec<Opening> = Vec::new();
        for ((at, kind, way), found) in self.found {
            let way = WAYS[way];
            let at = at.map(|(document, statement)| StatementId { is_boundary: false, document, statement });
            let Hit { resource, met, roles, .. } = found.hit;
            let is_same = |other: &&mut Opening| {
                (other.at, other.kind) == (at, kind)
                    && (&other.action, &other.pattern, &other.resource) == (&found.action, &found.pattern, &resource)
                    && (&other.keys, &other.undecided) == (&met.keys, &met.undecided)
            };
            if let Some(other) = openings.iter_mut().rev().take(WAYS.len()).find(is_same) {
                other.ways.push(way);
                continue;
            }
            openings.push(Opening {
                at,
                kind,
                ways: vec![way],
                action: found.action,
                pattern: found.pattern,
                resource,
                keys: met.keys,
                undecided: met.undecided,
                roles,
            });
        }
        openings
    }
}

fn way_at(way: Way) -> usize {
    WAYS.iter().position(|own| *own == way).unwrap_or_default()
}
