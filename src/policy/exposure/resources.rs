//! Scopes → the classes of resources that they distinguish.

use std::collections::HashMap;
use std::rc::Rc;

use super::groups::Groups;
use super::words::classes;
use super::{Budget, Spent};
use crate::policy::evaluate::pattern::{PatternPart, Piece, Resolved, has_wild_type, resolve, steps_of_arn, widest};
use crate::policy::evaluate::{Context, Reason};
use crate::policy::journey::Subject;

/// What a resource is, independent of the policies.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Marks(u8);

impl Marks {
    /// The user themselves.
    const OWN: u8 = 1;
    /// Another user.
    pub(super) const FOREIGN: u8 = 2;
    /// A resource with a familiar name.
    const PLAIN: u8 = 4;
    /// No resource at all.
    const NONE: u8 = 8;

    pub(super) fn contains(self, mark: u8) -> bool {
        self.0 & mark != 0
    }

    /// The order in which resources are preferred as examples.
    pub(super) fn order(self, is_of_users: bool) -> u8 {
        let rest = [Self::PLAIN, Self::NONE].iter().filter(|mark| !self.contains(**mark)).count();
        match is_of_users {
            true if self.contains(Self::OWN | Self::FOREIGN) && self.contains(Self::PLAIN) => {
                u8::from(!self.contains(Self::OWN))
            }
            true if self.contains(Self::OWN | Self::FOREIGN) => 2,
            _ => 3 + u8::try_from(rest).unwrap_or_default(),
        }
    }
}

/// Resources that are covered by the same scopes.
pub(super) struct Class {
    /// One of them.
    pub(super) word: String,
    pub(super) marks: Marks,
    /// The scopes that may cover them, and those that certainly do.
    pub(super) may: Vec<usize>,
    pub(super) surely: Vec<usize>,
    /// The patterns that may match them.
    pub(super) of: Vec<usize>,
}

/// How much a pattern matches.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Reach {
    Nothing,
    Everything,
    Steps(Vec<PatternPart>),
}

/// A pattern in one context: what it certainly matches, and what it may match.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Compiled {
    surely: Reach,
    may: Reach,
    /// Does a variable have no value? Then the effect of a `NotResource` is unknown.
    has_no_value: bool,
}

/// Scopes, and their compiled patterns.
type Asked = (Vec<usize>, Vec<Compiled>);

pub(super) struct Resources<'b, 'a> {
    groups: &'b Groups<'a>,
    /// Marks, each with its steps.
    marks: Vec<(u8, Vec<PatternPart>)>,
    answered: HashMap<Asked, Rc<Vec<Class>>>,
}

impl<'b, 'a> Resources<'b, 'a> {
    pub(super) fn new(groups: &'b Groups<'a>, subject: &Subject) -> Self {
        let user = |name: &[PatternPart]| {
            let any = PatternPart::Any { over_colons: false };
            let mut steps: Vec<PatternPart> = "arn:".chars().map(PatternPart::Is).collect();
            steps.push(any);
            steps.extend(":iam::".chars().map(PatternPart::Is));
            steps.push(any);
            steps.extend(":user/".chars().map(PatternPart::Is));
            steps.extend(name);
            steps
        };
        // No user's name and no path has a colon.
        let all = [PatternPart::Any { over_colons: false }];
        let plain = |text: &str| text.chars().map(PatternPart::Is).collect::<Vec<PatternPart>>();
        let behind_a_path: Vec<PatternPart> =
            all.iter().copied().chain(plain("/")).chain(plain(subject.name())).collect();
        let marks = vec![
            (Marks::OWN, user(&plain(subject.name()))),
            (Marks::OWN, user(&behind_a_path)),
            (Marks::FOREIGN, user(&all)),
            (Marks::PLAIN, plain(&subject.user_arn(subject.name()))),
            (Marks::PLAIN, plain(&subject.user_arn(&format!("not-{}", subject.name())))),
            (Marks::PLAIN, plain(&subject.device_arn(subject.name()))),
        ];
        Self { groups, marks, answered: HashMap::new() }
    }

    /// The classes of resources that these scopes distinguish in that context.
    pub(super) fn classes(
        &mut self,
        scopes: &[usize],
        context: &Context,
        budget: &mut Budget,
    ) -> Result<Rc<Vec<Class>>, Spent> {
        let mut patterns: Vec<usize> = Vec::new();
        for scope in scopes.iter().map(|scope| &self.groups.scopes[*scope]).filter(|scope| !scope.is_everything) {
            budget.spend(1 + scope.patterns.len())?;
            patterns.extend(&scope.patterns);
        }
        patterns.sort_unstable();
        patterns.dedup();
        let compiled: Vec<Compiled> = patterns.iter().map(|at| self.compiled(*at, context)).collect();
        budget.spend(patterns.len())?;
        let key = (scopes.to_vec(), compiled);
        if let Some(classes) = self.answered.get(&key) {
            return Ok(classes.clone());
        }
        let classes = Rc::new(self.tell_apart(scopes, &patterns, &key.1, budget)?);
        self.answered.insert(key, classes.clone());
        Ok(classes)
    }

    /// The unknown that a scope depends on: a variable in one of its patterns.
    pub(super) fn reason(&self, scope: usize, context: &Context) -> Option<Reason> {
        self.groups.scopes[scope].patterns.iter().find_map(|at| {
            let (version, text) = self.groups.resources[*at];
            match resolve(version, text, context) {
                Resolved::Pattern(_) => None,
                Resolved::NoValue(key) => Some(Reason::NoValue(key)),
                Resolved::Unknown(key) => Some(Reason::Key(key)),
            }
        })
    }

    fn compiled(&self, pattern: usize, context: &Context) -> Compiled {
        let (version, text) = self.groups.resources[pattern];
        let reach = |pieces: &[Piece]| {
            if has_wild_type(pieces) { Reach::Nothing } else { Reach::Steps(steps_of_arn(pieces)) }
        };
        if text == "*" {
            return Compiled { surely: Reach::Everything, may: Reach::Everything, has_no_value: false };
        }
        match resolve(version, text, context) {
            Resolved::Pattern(pieces) => {
                let reach = reach(&pieces);
                Compiled { surely: reach.clone(), may: reach, has_no_value: false }
            }
            Resolved::NoValue(_) => Compiled { surely: Reach::Nothing, may: Reach::Nothing, has_no_value: true },
            // It may also have no value.
            Resolved::Unknown(_) => {
                Compiled { surely: Reach::Nothing, may: reach(&widest(version, text)), has_no_value: true }
            }
        }
    }

    fn tell_apart(
        &self,
        scopes: &[usize],
        patterns: &[usize],
        compiled: &[Compiled],
        budget: &mut Budget,
    ) -> Result<Vec<Class>, Spent> {
        // Each with its pattern, and whether it certainly matches or only may match.
        let mut steps: Vec<Vec<PatternPart>> = Vec::new();
        let mut of: Vec<(usize, bool, bool)> = Vec::new();
        for (at, one) in compiled.iter().enumerate() {
            let is_same = one.may == one.surely;
            for (reach, may, surely) in [(&one.may, true, is_same), (&one.surely, false, true)] {
                if let Reach::Steps(reach) = reach
                    && (may || !is_same)
                {
                    steps.push(reach.clone());
                    of.push((at, may, surely));
                }
            }
        }
        let own = steps.len();
        steps.extend(self.marks.iter().map(|(_, steps)| steps.clone()));
        let any = PatternPart::Any { over_colons: false };
        let mut arn: Vec<PatternPart> = "arn".chars().map(PatternPart::Is).collect();
        for _ in 0..4 {
            arn.extend([PatternPart::Is(':'), any]);
        }
        arn.extend([PatternPart::Is(':'), PatternPart::Any { over_colons: true }]);
        let indexed = Indexed::of(self.groups, scopes, patterns);
        let mut found = Vec::new();
        for class in classes(&[vec![PatternPart::Is('*')], arn], &steps, budget)? {
            let mut marks = Marks(if class.word == "*" { Marks::NONE } else { 0 });
            let (mut may, mut surely) = (Vec::new(), Vec::new());
            for at in class.of {
                if let Some((pattern, is_may, is_sure)) = of.get(at) {
                    may.extend(is_may.then_some(*pattern));
                    surely.extend(is_sure.then_some(*pattern));
                } else {
                    marks.0 |= self.marks[at - own].0;
                }
            }
            if marks.contains(Marks::OWN) {
                marks.0 &= !Marks::FOREIGN;
            }
            let everything = compiled.iter().enumerate().filter(|(_, one)| one.may == Reach::Everything);
            let everything: Vec<usize> = everything.map(|(at, _)| at).collect();
            may.extend(&everything);
            surely.extend(&everything);
            found.push(indexed.class((class.word, marks), [&may, &surely], compiled, patterns, budget)?);
        }
        Ok(found)
    }

    /// The roles that a scope names, among the patterns that a class of resources matches; `*` if it names none.
    pub(super) fn roles(&self, scope: usize, of: &[usize]) -> Vec<String> {
        let scope = &self.groups.scopes[scope];
        if scope.is_all_but || scope.is_everything {
            return vec!["*".to_owned()];
        }
        let named = scope.patterns.iter().filter(|pattern| of.contains(pattern));
        named.map(|pattern| self.groups.resources[*pattern].1.to_owned()).collect()
    }
}

/// Which scope lists which patterns.
struct Indexed {
    /// By index of the pattern: the scopes with it in `Resource`, and those with it in `NotResource`.
    listed: Vec<[Vec<usize>; 2]>,
    everything: Vec<usize>,
    all_but: Vec<usize>,
    /// Scopes of `NotResource` in which a variable may have no value.
    places: HashMap<usize, Vec<usize>>,
}

impl Indexed {
    fn of(groups: &Groups<'_>, scopes: &[usize], patterns: &[usize]) -> Self {
        let place: HashMap<usize, usize> = patterns.iter().enumerate().map(|(at, pattern)| (*pattern, at)).collect();
        let mut indexed = Self {
            listed: vec![[Vec::new(), Vec::new()]; patterns.len()],
            everything: Vec::new(),
            all_but: Vec::new(),
            places: HashMap::new(),
        };
        for at in scopes {
            let scope = &groups.scopes[*at];
            if scope.is_everything {
                indexed.everything.push(*at);
                continue;
            }
            let places: Vec<usize> = scope.patterns.iter().map(|pattern| place[pattern]).collect();
            for place in &places {
                indexed.listed[*place][usize::from(scope.is_all_but)].push(*at);
            }
            if scope.is_all_but {
                indexed.all_but.push(*at);
                indexed.places.insert(*at, places);
            }
        }
        indexed
    }

    fn class(
        &self,
        (word, marks): (String, Marks),
        [may, surely]: [&[usize]; 2],
        compiled: &[Compiled],
        patterns: &[usize],
        budget: &mut Budget,
    ) -> Result<Class, Spent> {
        let of = |places: &[usize], side: usize| -> Vec<usize> {
            places.iter().flat_map(|place| self.listed[*place][side].iter().copied()).collect()
        };
        let (mut may_cover, mut surely_cover) = (of(may, 0), of(surely, 0));
        let (may_except, surely_except) = (of(may, 1), of(surely, 1));
        for scope in &self.all_but {
            let has_no_value = self.places[scope].iter().any(|place| compiled[*place].has_no_value);
            if !surely_except.contains(scope) {
                may_cover.push(*scope);
            }
            if !may_except.contains(scope) && !has_no_value {
                surely_cover.push(*scope);
            }
        }
        for list in [&mut may_cover, &mut surely_cover] {
            list.extend(&self.everything);
            list.sort_unstable();
            list.dedup();
            budget.spend(list.len())?;
        }
        let of = may.iter().map(|place| patterns[*place]).collect();
        Ok(Class { word, marks, may: may_cover, surely: surely_cover, of })
    }
}
