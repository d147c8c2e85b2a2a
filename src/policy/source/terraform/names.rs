//! References between resources → what they name, if the files determine it.

use super::{Called, Holder, Inventory, Node, Resource, Resources, Value, without_index, words_of};
use crate::policy::source::holder::Whom;

/// The results of these depend on the instance that asks.
const OF_INSTANCE: [&str; 3] = ["each.key", "each.value", "count.index"];

impl Resource {
    /// What a user, a group or a role of the files is called.
    pub(super) fn own(&self) -> Called {
        let name = self.values.text_of("name");
        name.map_or_else(|| Called::Resource(self.address.clone()), Called::Name)
    }
}

impl Resources {
    /// The users, groups or roles that an argument names.
    pub(super) fn whom(
        &self,
        resource: &Resource,
        field: &str,
        holder: Holder,
        inventory: &mut Inventory,
    ) -> Vec<Whom> {
        let nodes = resource.values.get(field).map_or(&[][..], Node::each);
        let whom = |node: &Node| {
            let whom = (holder, self.called(resource, node)?);
            inventory.note_place(&whom, (&resource.file, node));
            Some(whom)
        };
        nodes.iter().filter_map(whom).collect()
    }

    /// What a value of that resource calls a user, a group or a role; `None` if there is no value.
    pub(super) fn called(&self, by: &Resource, node: &Node) -> Option<Called> {
        if let Some(name) = node.text() {
            return Some(Called::Name(name));
        }
        match &node.value {
            Value::Null => return None,
            Value::Number(number) => return Some(Called::Name(number.clone())),
            Value::Unknown(what) => {
                if let Some(called) = self.referred(by, what) {
                    return Some(called);
                }
            }
            _ => {}
        }
        let what = words_of(node).unwrap_or_else(|| "an object".to_owned());
        let is_fixed = match &node.value {
            Value::Unknown(what) => is_fixed(what),
            Value::Text(text) => text.unknown().all(is_fixed),
            _ => false,
        };
        Some(Called::Unknown { what, by: (!is_fixed).then(|| by.address.clone()) })
    }

    /// The resource of the files that a reference to its name means.
    fn referred(&self, by: &Resource, what: &str) -> Option<Called> {
        let what: String = what.split_whitespace().collect();
        let whole = what.strip_prefix("values(").and_then(|rest| rest.strip_suffix(")[*].name"));
        let what = whole.map_or(what.clone(), |address| format!("{address}[*].name"));
        let (address, _) = what.rsplit_once('.').filter(|(_, last)| ["name", "id"].contains(last))?;
        if let Some(at) = self.exactly(address) {
            return Some(self.all[at].own());
        }
        let base = without_index(address);
        let [at] = self.by_address.get(&base)?[..] else { return None };
        let own = self.all[at].own();
        let index = address.strip_prefix(base.as_str())?.strip_prefix('[')?.strip_suffix(']')?;
        let is_same = self.all[at].each.is_some() && self.all[at].each == by.each;
        match (own, index) {
            (Called::Name(name), _) => Some(Called::Name(name)),
            (all, "*") => Some(all),
            (all, index) if is_same && OF_INSTANCE.contains(&index) => Some(all),
            (_, index) if is_literal(index) => Some(Called::Resource(address.to_owned())),
            _ => None,
        }
    }

    /// The name by which a managed policy was added, or the words in its place.
    pub(super) fn policy_name(&self, node: &Node) -> Option<String> {
        let words = words_of(node)?;
        let Value::Unknown(what) = &node.value else { return Some(words) };
        let address = what.rsplit_once('.').filter(|(_, last)| ["arn", "id"].contains(last));
        let found = address.and_then(|(address, _)| self.found(address));
        Some(found.map_or(words, |at| self.all[at].address.clone()))
    }

    /// The resource at that address, whatever its index if the files have only one of them.
    pub(super) fn found(&self, address: &str) -> Option<usize> {
        let only = || match self.by_address.get(&without_index(address)).map(Vec::as_slice) {
            Some([only]) => Some(*only),
            _ => None,
        };
        self.exactly(address).or_else(only)
    }

    fn exactly(&self, address: &str) -> Option<usize> {
        let all = self.by_address.get(&without_index(address))?;
        all.iter().copied().find(|at| self.all[*at].address == address)
    }

    /// What decides whether a resource applies to somebody; nothing if they exist together.
    pub(super) fn only_if<'a>(&self, resource: &'a Resource, whom: &Called) -> &'a [String] {
        let is_together = match whom {
            Called::Unknown { by, .. } => by.is_some(),
            Called::Resource(address) => self
                .exactly(address)
                .is_some_and(|at| self.all[at].each.is_some() && self.all[at].each == resource.each),
            Called::Name(_) => false,
        };
        if is_together { &[] } else { &resource.only_if }
    }
}

/// Does a reference mean the same wherever it stands?
fn is_fixed(what: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-[]\"".contains(c);
    let first = what.split('.').next().unwrap_or_default();
    what.chars().all(is_part) && what.contains('.') && !["each", "count", "self"].contains(&first) && {
        let mut indices = what.split('[').skip(1).map(|rest| rest.split(']').next().unwrap_or_default());
        indices.all(is_literal)
    }
}

/// Is the index a number or a string?
fn is_literal(index: &str) -> bool {
    let is_string = index.len() > 1 && index.starts_with('"') && index.ends_with('"') && !index.contains("${");
    is_string || !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit())
}
