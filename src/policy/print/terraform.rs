//! HCL as `terraform fmt` leaves it: the document as a data source, a managed policy, its attachment to a group.
//!
//! A policy variable is spelled `&{…}` there, as `${…}` is Terraform's own; the data source puts the dollar back.
//! Nothing else is escaped: no part of the policy can hold a quote, a backslash or a `%{`.

use super::{Actions, MFA_PRESENT, NAME, Policy, Statement};

pub(super) fn print(policy: &Policy<'_>) -> String {
    let statements: Vec<String> = policy.statements.iter().map(|one| statement(policy, one)).collect();
    let (variable, group) = match &policy.choices.group {
        Some(group) => (String::new(), format!("\"{group}\"")),
        None => (
            "variable \"group\" {\n  type        = string\n  description = \"The group whose users must use MFA\"\n}\n\n"
                .to_owned(),
            "var.group".to_owned(),
        ),
    };
    format!(
        "{variable}data \"aws_iam_policy_document\" \"require_mfa\" {{\n\
         {statements}\
         }}\n\
         \n\
         resource \"aws_iam_policy\" \"require_mfa\" {{\n  \
           name        = \"{NAME}\"\n  \
           description = \"{description}\"\n  \
           policy      = data.aws_iam_policy_document.require_mfa.json\n\
         }}\n\
         \n\
         resource \"aws_iam_group_policy_attachment\" \"require_mfa\" {{\n  \
           group      = {group}\n  \
           policy_arn = aws_iam_policy.require_mfa.arn\n\
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
