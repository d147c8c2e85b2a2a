//! Policies and their attachments → the sets of policies to judge, and for whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::Reading;
use super::ignored::Ignored;
use super::tree::{Node, Value};
use super::written;
use crate::policy::document::{Document, DocumentError, File, Origin, PolicyKind};

/// For whom a set of policies is judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    /// A user with all these policies: no file says what they are attached to.
    Anybody,
    /// This user.
    User {
        /// The name.
        name: String,
        /// The path; `/` for most users.
        path: String,
    },
    /// A user in this group and in no other.
    Group(String),
    /// A role.
    Role(String),
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

/// What a policy is attached to.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Holder {
    User,
    Group,
    Role,
}

#[derive(Clone, Debug)]
enum Attached {
    Document(usize),
    /// A managed policy, by its ARN or its name in the file.
    Named(Arc<Origin>, String),
}

/// All policies and attachments that were found.
#[derive(Default)]
pub(super) struct Inventory {
    documents: Vec<Document>,
    pub(super) has_containers: bool,
    plain: Vec<usize>,
    /// Managed policies, by ARN and by name.
    named: HashMap<String, Vec<usize>>,
    managed: Vec<usize>,
    attached: Vec<(Holder, String, Attached)>,
    boundaries: Vec<(String, Attached)>,
    trusts: Vec<usize>,
    members: BTreeSet<(String, String)>,
    paths: HashMap<String, String>,
    /// Are all users listed, so that a group is judged only through its members?
    pub(super) is_whole: bool,
    pub(super) notes: Vec<String>,
    /// Are an organization's policies taken, in place of those of users?
    pub(super) wants_organization: bool,
    ignored: Ignored,
}

impl Inventory {
    pub(super) fn len(&self) -> usize {
        self.documents.len() + self.paths.len() + self.attached.len() + self.ignored.len()
    }

    fn push(&mut self, document: Document) -> usize {
        self.documents.push(document);
        self.documents.len() - 1
    }

    /// Adds a file that is a policy.
    pub(super) fn add_plain(&mut self, document: Document) {
        let at = self.push(document);
        self.plain.push(at);
    }

    /// Adds a policy with its holder.
    pub(super) fn attach(&mut self, whom: (Holder, &str), document: Document) {
        let at = self.push(document);
        self.attached.push((whom.0, whom.1.to_owned(), Attached::Document(at)));
    }

    /// Adds a managed policy, with the names under which it is attached.
    pub(super) fn add_managed(&mut self, names: &[String], document: Document) {
        let at = self.push(document);
        self.managed.push(at);
        for name in names {
            self.named.entry(name.clone()).or_default().push(at);
        }
    }

    /// Attaches a managed policy by name; the file and the node are the place of the reference.
    pub(super) fn attach_named(&mut self, whom: (Holder, &str), name: &str, at: (&Arc<File>, &Node)) {
        let attached = Attached::Named(Arc::new(missing(name, at)), name.to_owned());
        self.attached.push((whom.0, whom.1.to_owned(), attached));
    }

    /// Sets a user's permissions boundary, by name.
    pub(super) fn bound(&mut self, user: &str, name: &str, at: (&Arc<File>, &Node)) {
        let attached = Attached::Named(Arc::new(missing(name, at)), name.to_owned());
        self.boundaries.push((user.to_owned(), attached));
    }

    pub(super) fn add_trust(&mut self, document: Document) {
        let at = self.push(document);
        self.trusts.push(at);
    }

    pub(super) fn add_member(&mut self, user: &str, group: &str) {
        self.members.insert((user.to_owned(), group.to_owned()));
    }

    pub(super) fn add_user(&mut self, name: &str, path: Option<String>) {
        self.paths.insert(name.to_owned(), path.unwrap_or_else(|| "/".to_owned()));
    }

    /// Records something with policies that are not checked, perhaps a service control policy.
    pub(super) fn ignore(&mut self, what: &str, is_service_control: bool) {
        self.ignored.add(what, is_service_control);
    }

    /// Adds a policy without a known attachment: its elements determine its kind.
    pub(super) fn add_loose(&mut self, file: &Arc<File>, label: &str, node: &Node) -> Result<(), DocumentError> {
        if node.get("Statement").is_some_and(|it| matches!(&it.value, Value::List(items) if items.is_empty())) {
            return Ok(());
        }
        match written::kind_of(file, node) {
            None => self.notes.push(format!(
                "{label} in {} is a resource-based policy, which says nothing about users' MFA devices: skipped",
                file.name
            )),
            Some(PolicyKind::Trust) => self.add_trust(written::document(file, label, node, PolicyKind::Trust)?),
            Some(kind) => self.add_plain(written::document(file, label, node, kind)?),
        }
        Ok(())
    }

    /// The documents of these attachments; a missing one becomes a document that may say anything.
    fn of(&mut self, attached: &[Attached], kind: PolicyKind) -> Vec<usize> {
        let mut found = Vec::new();
        for one in attached {
            match one {
                Attached::Document(at) => found.push(*at),
                Attached::Named(origin, name) => {
                    if let Some(all) = self.named.get(name) {
                        found.extend(all.iter().copied());
                    } else {
                        let at = self.push(Document::unread_of(origin, kind));
                        self.named.insert(name.clone(), vec![at]);
                        found.push(at);
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    pub(super) fn reading(mut self) -> Reading {
        let mut cases = Vec::new();
        let mut held: BTreeMap<(Holder, String), Vec<Attached>> = BTreeMap::new();
        for (holder, name, attached) in std::mem::take(&mut self.attached) {
            held.entry((holder, name)).or_default().push(attached);
        }
        let used: BTreeSet<usize> = held.values().flatten().flat_map(|one| self.places(one)).collect();
        let bounding: BTreeSet<usize> = self.boundaries.iter().flat_map(|(_, one)| self.places(one)).collect();
        let loose = self.managed.iter().copied().filter(|at| !used.contains(at) && !bounding.contains(at));
        // In a whole account, a policy without attachments applies to no one.
        let loose: Vec<usize> = if self.is_whole { Vec::new() } else { loose.collect() };
        let (trusts, own): (Vec<usize>, Vec<usize>) =
            self.plain.iter().copied().partition(|at| self.documents[*at].kind == PolicyKind::Trust);
        let mut anybody: Vec<usize> = own.into_iter().chain(loose).collect();
        let of_organization = |at: &usize| self.documents[*at].kind == PolicyKind::Organization;
        if anybody.iter().any(of_organization) {
            anybody.retain(of_organization);
        }
        self.notes.extend(self.ignored.note());
        if !anybody.is_empty() {
            let kind = self.documents[anybody[0]].kind;
            cases.push(Case { whose: Whose::Anybody, kind, identity: anybody, boundary: Vec::new() });
        }
        self.users_and_groups(&held, &mut cases);
        for ((_, name), attached) in held.iter().filter(|((holder, _), _)| *holder == Holder::Role) {
            let identity = self.of(attached, PolicyKind::Role);
            cases.push(Case {
                whose: Whose::Role(name.clone()),
                kind: PolicyKind::Role,
                identity,
                boundary: Vec::new(),
            });
        }
        let trusts: Vec<usize> = trusts.into_iter().chain(std::mem::take(&mut self.trusts)).collect();
        if !trusts.is_empty() {
            cases.push(Case { whose: Whose::Trusts, kind: PolicyKind::Trust, identity: trusts, boundary: Vec::new() });
        }
        let Self { documents, has_containers, notes, .. } = self;
        Reading { documents, cases, has_containers, notes }
    }

    fn places(&self, attached: &Attached) -> Vec<usize> {
        match attached {
            Attached::Document(at) => vec![*at],
            Attached::Named(_, name) => self.named.get(name).cloned().unwrap_or_default(),
        }
    }

    fn users_and_groups(&mut self, held: &BTreeMap<(Holder, String), Vec<Attached>>, cases: &mut Vec<Case>) {
        let has = |holder: Holder| held.keys().filter(move |(own, _)| *own == holder).map(|(_, name)| name.clone());
        let mut users: BTreeSet<String> = has(Holder::User).collect();
        users.extend(self.members.iter().map(|(user, _)| user.clone()));
        if self.is_whole {
            users.extend(self.paths.keys().cloned());
        }
        let members = std::mem::take(&mut self.members);
        let mut boundaries: HashMap<String, Vec<Attached>> = HashMap::new();
        for (user, one) in std::mem::take(&mut self.boundaries) {
            boundaries.entry(user).or_default().push(one);
        }
        for user in users {
            let groups = members.range((user.clone(), String::new())..).take_while(|(own, _)| *own == user);
            let of_groups = groups.filter_map(|(_, group)| held.get(&(Holder::Group, group.clone()))).flatten();
            let own = held.get(&(Holder::User, user.clone())).into_iter().flatten();
            let all: Vec<Attached> = own.chain(of_groups).cloned().collect();
            let bounds = boundaries.remove(&user).unwrap_or_default();
            let identity = self.of(&all, PolicyKind::User);
            let boundary = self.of(&bounds, PolicyKind::User);
            let path = self.paths.get(&user).cloned().unwrap_or_else(|| "/".to_owned());
            cases.push(Case { whose: Whose::User { name: user, path }, kind: PolicyKind::User, identity, boundary });
        }
        let is_known = |group: &String| self.is_whole || members.iter().any(|(_, own)| own == group);
        let groups: Vec<String> = has(Holder::Group).filter(|group| !is_known(group)).collect();
        for group in groups {
            let identity = self.of(&held[&(Holder::Group, group.clone())], PolicyKind::User);
            cases.push(Case { whose: Whose::Group(group), kind: PolicyKind::User, identity, boundary: Vec::new() });
        }
    }
}

/// The origin of a document of which only the name is known.
fn missing(name: &str, (file, node): (&Arc<File>, &Node)) -> Origin {
    let line = file.place(node.span.start).line;
    let gap = format!("`{name}` ({}:{line})", file.name);
    Origin {
        file: Arc::clone(file),
        label: name.to_owned(),
        map: Some(Arc::new([(0, node.span.start)])),
        gaps: Arc::new([gap]),
    }
}

/// A literal name, or the file's reference to it.
pub(super) fn name_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Unknown(what) => Some(what.clone()),
        Value::Text(_) => node.text(),
        _ => None,
    }
}
