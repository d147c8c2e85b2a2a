//! Policies and their attachments → the sets of policies to judge, and for whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Attached, Inventory, Membership, What};
use crate::policy::document::{Document, PolicyKind};
use crate::policy::source::Reading;
use crate::policy::source::holder::{Called, Holder, Whom};

/// For whom a set of policies is judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    /// A user with all these policies: no file says what they are attached to.
    Anybody,
    /// This user.
    User {
        /// The name; if the files do not determine it, the resource's name in them.
        name: String,
        /// The path; `/` for most users.
        path: String,
    },
    /// A user in this group and in no other.
    Group(String),
    /// A role.
    Role(String),
    /// Somebody that the files do not determine.
    Unknown {
        /// The kind of identity.
        holder: Holder,
        /// What stands in place of a name: `each.key`.
        what: String,
        /// Where it does: `main.tf:3`.
        place: String,
    },
    /// The trust policies of all roles.
    Trusts,
}

/// Policies that apply together.
#[derive(Clone, Debug)]
pub struct Case {
    /// For whom.
    pub whose: Whose,
    /// The kind of the policies.
    pub kind: PolicyKind,
    /// The policies that allow and deny, as indexes into the documents.
    pub identity: Vec<usize>,
    /// The permissions boundary.
    pub boundary: Vec<usize>,
}

type Held = BTreeMap<Whom, Vec<Attached>>;

impl Inventory {
    pub(in crate::policy::source) fn reading(mut self) -> Reading {
        self.place_answers();
        let mut cases = Vec::new();
        let mut held = Held::new();
        for (whom, attached) in std::mem::take(&mut self.attached) {
            held.entry(whom).or_default().push(attached);
        }
        let (mut anybody, trusts) = self.loose(&held);
        let of_organization = |documents: &[Document], one: &Attached| matches!(one.what, What::Document(at) if documents[at].kind == PolicyKind::Organization);
        if anybody.iter().any(|one| of_organization(&self.documents, one)) {
            anybody.retain(|one| of_organization(&self.documents, one));
        }
        self.notes.extend(self.ignored.notes());
        let identity = self.of(&anybody, PolicyKind::User, &[]);
        if let Some(first) = identity.first() {
            let kind = self.documents[*first].kind;
            cases.push(Case { whose: Whose::Anybody, kind, identity, boundary: Vec::new() });
        }
        self.users(&held, &mut cases);
        self.groups(&held, &mut cases);
        for (whom, attached) in held.iter().filter(|((holder, _), _)| *holder == Holder::Role) {
            let identity = self.of(attached, PolicyKind::Role, &[]);
            let whose = self.whose(whom, "/");
            cases.push(Case { whose, kind: PolicyKind::Role, identity, boundary: Vec::new() });
        }
        if !trusts.is_empty() {
            cases.push(Case { whose: Whose::Trusts, kind: PolicyKind::Trust, identity: trusts, boundary: Vec::new() });
        }
        let Self { documents, has_containers, notes, .. } = self;
        Reading { documents, cases, has_containers, notes }
    }

    /// Answers about one user are judged together with everything that has no attachment, as the person who asked for
    /// them expects; answers about several are not, since no user has them all.
    fn place_answers(&mut self) {
        let answers = std::mem::take(&mut self.answers);
        let whom: BTreeSet<&Whom> = answers.iter().map(|(whom, _)| whom).collect();
        if whom.len() > 1 {
            self.attached.extend(answers);
        } else {
            self.plain.extend(answers.into_iter().map(|(_, one)| one));
        }
    }

    /// The policies without an attachment, and the trust policies.
    fn loose(&mut self, held: &Held) -> (Vec<Attached>, Vec<usize>) {
        let used: BTreeSet<usize> = held.values().flatten().flat_map(|one| self.documents_of(one)).collect();
        let bounding: BTreeSet<usize> = self.boundaries.iter().flat_map(|(_, one)| self.documents_of(one)).collect();
        let is_loose = |one: &Attached| {
            let own = self.documents_of(one);
            !own.iter().any(|at| used.contains(at) || bounding.contains(at))
        };
        // In a whole account, a policy without attachments applies to no one.
        let managed: Vec<Attached> =
            if self.is_whole { Vec::new() } else { self.managed.iter().filter(|one| is_loose(one)).cloned().collect() };
        let mut trusts = Vec::new();
        let mut loose = Vec::new();
        for one in std::mem::take(&mut self.plain) {
            match one.what {
                What::Document(at) if self.documents[at].kind == PolicyKind::Trust => trusts.push(at),
                _ => loose.push(one),
            }
        }
        loose.extend(managed);
        trusts.append(&mut self.trusts);
        (loose, trusts)
    }

    fn documents_of(&self, attached: &Attached) -> Vec<usize> {
        match &attached.what {
            What::Document(at) => vec![*at],
            What::Named(_, name) => self.named.get(name).cloned().unwrap_or_default(),
            What::Missing(_) => Vec::new(),
        }
    }

    /// The documents of these attachments; a missing one becomes a document that may say anything. What all of them
    /// depend on, or the user does, is certain wherever it matters.
    fn of(&mut self, attached: &[Attached], kind: PolicyKind, given: &[String]) -> Vec<usize> {
        let is_of_all = |what: &String| attached.iter().all(|one| one.only_if.contains(what));
        let first = attached.first().map_or(&[][..], |one| &one.only_if[..]);
        let certain: Vec<&String> = first.iter().filter(|what| is_of_all(what)).chain(given).collect();
        let mut found = Vec::new();
        for one in attached {
            let only_if: Vec<String> = one.only_if.iter().filter(|what| !certain.contains(what)).cloned().collect();
            for at in self.read(one, kind) {
                found.push(self.only_if(at, &only_if));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn read(&mut self, one: &Attached, kind: PolicyKind) -> Vec<usize> {
        let known = self.documents_of(one);
        let origin = match &one.what {
            What::Named(origin, _) | What::Missing(origin) if known.is_empty() => origin,
            _ => return known,
        };
        let gap = origin.gaps.concat();
        if let Some(at) = self.unread.get(&gap) {
            return vec![*at];
        }
        let at = self.push(Document::unread_of(origin, kind));
        self.unread.insert(gap, at);
        vec![at]
    }

    /// The document, as one that applies only if all of these hold.
    fn only_if(&mut self, at: usize, what: &[String]) -> usize {
        if what.is_empty() {
            return at;
        }
        let key = (at, what.to_vec());
        if let Some(made) = self.made.get(&key) {
            return *made;
        }
        let made = self.push(self.documents[at].clone().depending_on(what));
        self.made.insert(key, made);
        made
    }

    fn whose(&self, whom: &Whom, path: &str) -> Whose {
        let name = whom.1.text().to_owned();
        match (whom.0, whom.1.is_unknown()) {
            (holder, true) => {
                Whose::Unknown { holder, what: name, place: self.places.get(whom).cloned().unwrap_or_default() }
            }
            (Holder::User, _) => Whose::User { name, path: path.to_owned() },
            (Holder::Group, _) => Whose::Group(name),
            (Holder::Role, _) => Whose::Role(name),
        }
    }

    fn users(&mut self, held: &Held, cases: &mut Vec<Case>) {
        let mut users: BTreeSet<Called> = of_kind(held, Holder::User).cloned().collect();
        users.extend(self.members.keys().map(|(user, _)| user.clone()));
        if self.is_whole {
            users.extend(self.users.keys().cloned());
        }
        let mut boundaries: HashMap<Called, Vec<Attached>> = HashMap::new();
        for (user, one) in std::mem::take(&mut self.boundaries) {
            boundaries.entry(user).or_default().push(one);
        }
        for user in users {
            let of_all = user.of_all();
            let mut all = Vec::new();
            for own in std::iter::once(&user).chain(&of_all) {
                all.extend(held.get(&(Holder::User, own.clone())).into_iter().flatten().cloned());
                all.extend(self.through_groups(held, own));
            }
            let declared = self.users.get(&user).or_else(|| self.users.get(of_all.as_ref()?));
            let (path, given) =
                declared.map_or(("/".to_owned(), Vec::new()), |it| (it.path.clone(), it.only_if.clone()));
            let bounds = boundaries.remove(&user).unwrap_or_default();
            let identity = self.of(&all, PolicyKind::User, &given);
            let boundary = self.of(&bounds, PolicyKind::User, &[]);
            let whose = self.whose(&(Holder::User, user), &path);
            cases.push(Case { whose, kind: PolicyKind::User, identity, boundary });
        }
    }

    /// The policies of the user's groups; those of a group that is not in the files are missing.
    fn through_groups(&self, held: &Held, user: &Called) -> Vec<Attached> {
        let first = (user.clone(), Called::Name(String::new()));
        let own = self.members.range(first..).take_while(|((own, _), _)| own == user);
        let mut all = Vec::new();
        for ((_, group), (only_if, origin)) in own {
            let before = all.len();
            let mut is_here = false;
            for group in std::iter::once(group).chain(&group.of_all()) {
                let of_group = held.get(&(Holder::Group, group.clone())).into_iter().flatten();
                all.extend(of_group.map(|one| one.also_if(only_if)));
                is_here |= self.groups.contains(group);
            }
            if all.len() == before && !is_here {
                all.push(Attached { what: What::Missing(origin.clone()), only_if: only_if.clone() });
            }
        }
        all
    }

    fn groups(&mut self, held: &Held, cases: &mut Vec<Case>) {
        let members: BTreeSet<&Called> = self
            .members
            .iter()
            .filter(|(_, (only_if, _)): &(_, &Membership)| only_if.is_empty())
            .map(|((_, it), _)| it)
            .collect();
        let is_open = |group: &&Called| self.open_groups.contains(group);
        let is_judged = |group: &&Called| is_open(group) || !self.is_whole && !members.contains(group);
        let groups: Vec<Called> = of_kind(held, Holder::Group).filter(is_judged).cloned().collect();
        for group in groups {
            let whom = (Holder::Group, group);
            let identity = self.of(&held[&whom], PolicyKind::User, &[]);
            let whose = self.whose(&whom, "/");
            cases.push(Case { whose, kind: PolicyKind::User, identity, boundary: Vec::new() });
        }
    }
}

fn of_kind(held: &Held, holder: Holder) -> impl Iterator<Item = &Called> {
    held.keys().filter(move |(own, _)| *own == holder).map(|(_, name)| name)
}

impl Attached {
    fn also_if(&self, only_if: &[String]) -> Self {
        let mut one = self.clone();
        one.only_if.extend(only_if.iter().filter(|what| !self.only_if.contains(what)).cloned());
        one
    }
}
