//! Resources that attach policies to users, groups and roles, and users to groups.

use super::{Called, Holder, Inventory, Node, Resource, Resources, Value, holder_of};
use crate::policy::source::holder::Whom;

impl Resources {
    /// Takes a resource that attaches something; `false` if it is none.
    pub(super) fn attaches(&self, resource: &Resource, inventory: &mut Inventory) -> bool {
        let holder = holder_of(&resource.kind);
        match resource.kind.as_str() {
            "aws_iam_user_policy_attachment" | "aws_iam_group_policy_attachment" | "aws_iam_role_policy_attachment" => {
                let whom = self.whom(resource, holder.name(), holder, inventory);
                self.attach(resource, &whom, "policy_arn", inventory);
            }
            "aws_iam_policy_attachment" => {
                for (field, holder) in [("users", Holder::User), ("groups", Holder::Group), ("roles", Holder::Role)] {
                    let whom = self.whom(resource, field, holder, inventory);
                    self.attach(resource, &whom, "policy_arn", inventory);
                }
            }
            "aws_iam_user_policy_attachments_exclusive"
            | "aws_iam_group_policy_attachments_exclusive"
            | "aws_iam_role_policy_attachments_exclusive" => {
                let whom = self.whom(resource, &format!("{}_name", holder.name()), holder, inventory);
                self.attach(resource, &whom, "policy_arns", inventory);
            }
            "aws_iam_user_policies_exclusive"
            | "aws_iam_group_policies_exclusive"
            | "aws_iam_role_policies_exclusive" => {
                let whom = self.whom(resource, &format!("{}_name", holder.name()), holder, inventory);
                self.keep(resource, &whom, inventory);
            }
            "aws_iam_group_membership" | "aws_iam_user_group_membership" => self.members(resource, inventory),
            _ => return false,
        }
        true
    }

    /// Attaches managed policies.
    fn attach(&self, resource: &Resource, whom: &[Whom], field: &str, inventory: &mut Inventory) {
        for node in resource.values.get(field).map_or(&[][..], Node::each) {
            let Some(name) = self.policy_name(node) else { continue };
            for one in whom {
                let only_if = self.only_if(resource, &one.1);
                inventory.attach_named(one.clone(), only_if, &name, (&resource.file, node));
            }
        }
    }

    /// Inline policies that stay: those that are not in the files may say anything.
    fn keep(&self, resource: &Resource, whom: &[Whom], inventory: &mut Inventory) {
        for node in resource.values.get("policy_names").map_or(&[][..], Node::each) {
            for one in whom.iter().filter(|one| !self.has_inline(one, node)) {
                let what = self.policy_name(node).unwrap_or_else(|| "an inline policy".to_owned());
                inventory.attach_named(one.clone(), &[], &what, (&resource.file, node));
            }
        }
    }

    /// Do the files have this inline policy?
    fn has_inline(&self, whom: &Whom, node: &Node) -> bool {
        if let Value::Unknown(what) = &node.value
            && let Some((address, _)) = what.rsplit_once('.')
        {
            return self.found(address).is_some();
        }
        let kind = format!("aws_iam_{}_policy", whom.0.name());
        let is_same = |one: &&Resource| {
            let holder = one.values.get(whom.0.name());
            let is_of = |node: &Node| self.called(one, node).is_some_and(|called| called == whom.1);
            one.kind == kind && one.values.text_of("name") == node.text() && holder.is_some_and(is_of)
        };
        node.text().is_some() && self.all.iter().any(|one| is_same(&one))
    }

    fn members(&self, resource: &Resource, inventory: &mut Inventory) {
        let is_of_user = resource.kind == "aws_iam_user_group_membership";
        let (user, group) = if is_of_user { ("user", "groups") } else { ("users", "group") };
        let users = self.whom(resource, user, Holder::User, inventory);
        for node in resource.values.get(group).map_or(&[][..], Node::each) {
            let Some(group) = self.called(resource, node) else { continue };
            for (_, user) in &users {
                inventory.add_member(user, &group, self.of_member(resource, user, &group), (&resource.file, node));
            }
        }
    }

    /// What decides whether a membership exists; nothing if it exists together with the user or the group.
    fn of_member<'a>(&self, resource: &'a Resource, user: &Called, group: &Called) -> &'a [String] {
        let of_user = self.only_if(resource, user);
        if of_user.is_empty() { of_user } else { self.only_if(resource, group) }
    }
}
