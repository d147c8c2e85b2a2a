//! Resources that carry policies, but not those of IAM users, groups and roles: they are named, not checked.

use super::tree::{Node, Value};

/// The number of names in the note.
const MOST: usize = 10;

/// What was left out.
#[derive(Default)]
pub(super) struct Ignored {
    names: Vec<String>,
    /// Modules, nested stacks and includes.
    elsewhere: Vec<String>,
    has_service_control: bool,
}

impl Ignored {
    pub(super) fn len(&self) -> usize {
        self.names.len() + self.elsewhere.len()
    }

    /// Adds something that is in another file.
    pub(super) fn add_elsewhere(&mut self, name: &str) {
        self.elsewhere.push(name.to_owned());
    }

    pub(super) fn add(&mut self, name: &str, is_service_control: bool) {
        self.has_service_control |= is_service_control;
        self.names.push(name.to_owned());
    }

    /// A note for each reason.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let how = if self.has_service_control { "; use `--scp FILE` to add service control policies" } else { "" };
        let note = |why: &str, names: &[String], how: &str| {
            Some(format!("not checked, because {why}: {}{how}", listed(names)?))
        };
        let own = note("only the policies of IAM users, groups and roles are", &self.names, how);
        own.into_iter().chain(note("the resources are in other files", &self.elsewhere, ""))
    }
}

fn listed(names: &[String]) -> Option<String> {
    let named: Vec<String> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST);
    Some(match (&named[..], more) {
        ([], _) => return None,
        ([one], _) => one.clone(),
        ([all @ .., last], 0) => format!("{} and {last}", all.join(", ")),
        (all, more) => format!("{} and {more} more", all.join(", ")),
    })
}

/// Does an argument of the resource contain a policy, or name a managed one?
pub(super) fn carries_policy(values: &Node) -> bool {
    values.members().iter().any(|(name, node)| {
        let is_named = ["managed_policy_arn", "ManagedPolicies"].contains(&name.text.as_str());
        is_named || node.each().iter().any(is_policy)
    })
}

fn is_policy(node: &Node) -> bool {
    match &node.value {
        Value::Object(_) => node.get("Statement").is_some() || node.get("PolicyDocument").is_some(),
        Value::Text(text) => {
            let text = text.marked().0;
            text.trim_start().starts_with('{') && text.contains("\"Statement\"")
        }
        Value::Unknown(what) => what.contains("aws_iam_policy_document."),
        _ => false,
    }
}
