//! Collects policies, attachments and memberships, in any order.

mod cases;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::holder::{Called, Whom};
use super::ignored::Ignored;
use super::tree::{Node, Value};
use super::written;
use crate::policy::document::{Document, DocumentError, File, Origin, PolicyKind};

pub use self::cases::{Case, Whose};

/// A place in a file.
pub(super) type At<'a> = (&'a Arc<File>, &'a Node);

/// A policy that applies to somebody.
#[derive(Clone, Debug)]
struct Attached {
    what: What,
    /// It applies only if all of these hold, which the files do not say.
    only_if: Vec<String>,
}

#[derive(Clone, Debug)]
enum What {
    Document(usize),
    /// A managed policy, by its ARN or its name in the file.
    Named(Arc<Origin>, String),
    /// Policies that are not in the files.
    Missing(Arc<Origin>),
}

/// A user in the files.
struct Declared {
    path: String,
    only_if: Vec<String>,
}

/// A membership: what it depends on, and where the group is named.
type Membership = (Vec<String>, Arc<Origin>);

/// All policies and attachments that were found.
#[derive(Default)]
pub(super) struct Inventory {
    documents: Vec<Document>,
    pub(super) has_containers: bool,
    /// Policies without an attachment.
    plain: Vec<Attached>,
    /// Managed policies, by ARN and by name.
    named: HashMap<String, Vec<usize>>,
    managed: Vec<Attached>,
    attached: Vec<(Whom, Attached)>,
    boundaries: Vec<(Called, Attached)>,
    /// Answers about one user or one group each.
    answers: Vec<(Whom, Attached)>,
    trusts: Vec<usize>,
    members: BTreeMap<(Called, Called), Membership>,
    users: HashMap<Called, Declared>,
    groups: BTreeSet<Called>,
    /// Groups with members that the files do not determine.
    open_groups: BTreeSet<Called>,
    /// The places of names that the files do not determine.
    places: HashMap<Whom, String>,
    /// Are all users listed, so that a group is judged only through its members?
    pub(super) is_whole: bool,
    pub(super) notes: Vec<String>,
    /// Are an organization's policies taken, in place of those of users?
    pub(super) wants_organization: bool,
    ignored: Ignored,
    /// Documents that stand for something missing, and those that apply only under a condition: each is made once.
    made: HashMap<(usize, Vec<String>), usize>,
    unread: HashMap<String, usize>,
}

impl Inventory {
    pub(super) fn len(&self) -> usize {
        self.documents.len() + self.users.len() + self.attached.len() + self.ignored.len()
    }

    fn push(&mut self, document: Document) -> usize {
        self.documents.push(document);
        self.documents.len() - 1
    }

    fn keep(&mut self, document: Document, only_if: &[String]) -> Attached {
        Attached { what: What::Document(self.push(document)), only_if: only_if.to_vec() }
    }

    /// Adds a policy that is not attached to anybody.
    pub(super) fn add_plain(&mut self, document: Document) {
        let one = self.keep(document, &[]);
        self.plain.push(one);
    }

    /// Adds something with policies of which nothing else is known, as a policy that may say anything.
    pub(super) fn add_unknown(&mut self, what: &str, at: At<'_>) {
        self.add_plain(Document::unread_of(&missing(&format!("`{what}`"), at), PolicyKind::User));
    }

    /// Adds a policy with its holder.
    pub(super) fn attach(&mut self, whom: Whom, only_if: &[String], document: Document) {
        let one = self.keep(document, only_if);
        self.attached.push((whom, one));
    }

    /// Adds a managed policy, with the names under which it is attached.
    pub(super) fn add_managed(&mut self, names: &[String], only_if: &[String], document: Document) {
        let at = self.push(document);
        self.managed.push(Attached { what: What::Document(at), only_if: only_if.to_vec() });
        for name in names {
            self.named.entry(name.clone()).or_default().push(at);
        }
    }

    /// Attaches a managed policy by name; the place is that of the reference.
    pub(super) fn attach_named(&mut self, whom: Whom, only_if: &[String], name: &str, at: At<'_>) {
        let what = What::Named(Arc::new(missing(&format!("`{name}`"), at)), name.to_owned());
        self.attached.push((whom, Attached { what, only_if: only_if.to_vec() }));
    }

    /// Sets a user's permissions boundary, by name.
    pub(super) fn bound(&mut self, user: &Called, name: &str, at: At<'_>) {
        let what = What::Named(Arc::new(missing(&format!("`{name}`"), at)), name.to_owned());
        self.boundaries.push((user.clone(), Attached { what, only_if: Vec::new() }));
    }

    /// Adds an answer of IAM about one of a user's or a group's policies.
    pub(super) fn add_answer(&mut self, whom: Whom, document: Document) {
        let one = self.keep(document, &[]);
        self.answers.push((whom, one));
    }

    pub(super) fn add_trust(&mut self, document: Document) {
        let at = self.push(document);
        self.trusts.push(at);
    }

    pub(super) fn add_member(&mut self, user: &Called, group: &Called, only_if: &[String], at: At<'_>) {
        if user.is_unknown() {
            self.open_groups.insert(group.clone());
            return;
        }
        let origin = Arc::new(missing(&format!("group `{}`", group.text()), at));
        let membership = (only_if.to_vec(), origin);
        // Of two memberships, the one that depends on less counts.
        let own = self.members.entry((user.clone(), group.clone())).or_insert_with(|| membership.clone());
        if membership.0.len() < own.0.len() {
            *own = membership;
        }
    }

    pub(super) fn add_user(&mut self, name: &Called, path: Option<String>, only_if: &[String]) {
        let path = path.unwrap_or_else(|| "/".to_owned());
        self.users.insert(name.clone(), Declared { path, only_if: only_if.to_vec() });
    }

    pub(super) fn add_group(&mut self, name: &Called) {
        self.groups.insert(name.clone());
    }

    /// Records where a name stands that the files do not determine.
    pub(super) fn note_place(&mut self, whom: &Whom, (file, node): At<'_>) {
        if whom.1.is_unknown() && !self.places.contains_key(whom) {
            let place = format!("{}:{}", file.name, file.place(node.span.start).line);
            self.places.insert(whom.clone(), place);
        }
    }

    /// Records something with policies that are not checked, perhaps a service control policy.
    pub(super) fn ignore(&mut self, what: &str, is_service_control: bool) {
        self.ignored.add(what, is_service_control);
    }

    /// Records something that is in another file.
    pub(super) fn is_elsewhere(&mut self, what: &str) {
        self.ignored.add_elsewhere(what);
    }

    /// Adds a policy without a known attachment: its elements determine its kind.
    pub(super) fn add_loose(
        &mut self,
        file: &Arc<File>,
        label: &str,
        node: &Node,
        only_if: &[String],
    ) -> Result<(), DocumentError> {
        if node.get("Statement").is_some_and(|it| matches!(&it.value, Value::List(items) if items.is_empty())) {
            return Ok(());
        }
        match written::kind_of(file, node) {
            None => self.notes.push(format!(
                "{label} in {} is a resource-based policy, which says nothing about users' MFA devices: skipped",
                file.name
            )),
            Some(PolicyKind::Trust) => self.add_trust(written::document(file, label, node, PolicyKind::Trust)?),
            Some(kind) => {
                let one = self.keep(written::document(file, label, node, kind)?, only_if);
                self.plain.push(one);
            }
        }
        Ok(())
    }
}

/// The origin of a document of which only the name is known.
fn missing(name: &str, (file, node): At<'_>) -> Origin {
    let line = file.place(node.span.start).line;
    let gap = format!("{name} ({}:{line})", file.name);
    Origin {
        file: Arc::clone(file),
        label: name.trim_matches('`').to_owned(),
        map: Some(Arc::new([(0, node.span.start)])),
        gaps: Arc::new([gap]),
    }
}
