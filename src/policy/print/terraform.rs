//! HCL in the style of `terraform fmt`: the document as a data source, a managed policy, its attachment to a group, and
//! for a quarantine the group itself.
//!
//! A policy variable is written `&{…}`, because `${…}` is Terraform's own syntax; the data source converts it back.
//! Nothing else is escaped: no part of the policy can contain a quote, a backslash or a `%{`.

use super::{Actions, MFA_PRESENT, Names, Policy, Statement};

pub(super) fn print(policy: &Policy<'_>) -> String {
    let statements: Vec<String> = policy.statements.iter().map(|one| statement(policy, one)).collect();
    let Names { policy: name, label, group: purpose } = policy.names();
    let is_quarantine = policy.choices.is_quarantine;
    let (variable, group) = if let Some(group) = &policy.choices.group {
        (String::new(), format!("\"{group}\""))
    } else {
        let default = if is_quarantine { format!("  default     = \"{name}\"\n") } else { String::new() };
        let variable =
            format!("variable \"group\" {{\n  type        = string\n  description = \"{purpose}\"\n{default}}}\n\n");
        (variable, "var.group".to_owned())
    };
    let (made, group) = if is_quarantine {
        let made = format!("resource \"aws_iam_group\" \"{label}\" {{\n  name = {group}\n}}\n\n");
        (made, format!("aws_iam_group.{label}.name"))
    } else {
        (String::new(), group)
    };
    format!(
        "{variable}data \"aws_iam_policy_document\" \"{label}\" {{\n\
         {statements}\
         }}\n\
         \n\
         resource \"aws_iam_policy\" \"{label}\" {{\n  \
           name        = \"{name}\"\n  \
           description = \"{description}\"\n  \
           policy      = data.aws_iam_policy_document.{label}.json\n\
         }}\n\
         \n\
         {made}resource \"aws_iam_group_policy_attachment\" \"{label}\" {{\n  \
           group      = {group}\n  \
           policy_arn = aws_iam_policy.{label}.arn\n\
         }}\n",
        statements = statements.join("\n"),
        description = policy.description(),
    )
}

fn statement(policy: &Policy<'_>, statement: &Statement) -> String {
    let Statement { sid, effect, .. } = statement;
    let (name, actions) = match &statement.actions {
        Actions::These(actions) => ("actions", actions),
        Actions::AllBut(actions) => ("not_actions", actions),
    };
    let actions: String = actions.iter().map(|action| format!("      \"{action}\",\n")).collect();
    let resource = policy.arn(statement.resource, &policy.spelling("&{aws:username}"));
    let resources = if statement.resource.is_all_but() { "not_resources" } else { "resources" };
    let condition = statement.condition.map_or_else(String::new, |condition| {
        format!(
            "\n    condition {{\n      test     = \"{}\"\n      variable = \"{MFA_PRESENT}\"\n      values   = [\"{}\"]\n    }}\n",
            condition.operator, condition.value
        )
    });
    format!(
        "  statement {{\n    sid    = \"{sid}\"\n    effect = \"{effect}\"\n\n    {name} = [\n{actions}    ]\n\n    \
         {resources} = [\"{resource}\"]\n{condition}  }}\n"
    )
}
