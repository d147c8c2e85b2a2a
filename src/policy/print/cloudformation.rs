//! A CloudFormation template in YAML: a managed policy that is attached to a group.
//!
//! Unless chosen, the partition and the account are the stack's, by `!Sub`. There, a policy variable is written
//! `${!…}`, or CloudFormation would look for a parameter of that name. A bare `*` is an alias in YAML, a bare `false` a
//! boolean and a bare date a date, so these are quoted. The policy has no name: a template with named IAM resources
//! needs more capabilities and can be deployed only once per account. The quarantine group does have a name, because
//! `audit --quarantine` needs it.

use super::{Actions, Choices, MFA_PRESENT, Names, Policy, Resource, Spelling, Statement};
use crate::names::{AccountId, Partition};

pub(super) fn print(policy: &Policy<'_>) -> String {
    let description = policy.description();
    let Names { policy: name, group: purpose, .. } = policy.names();
    let is_quarantine = policy.choices.is_quarantine;
    let default = policy.choices.group.as_deref().or(is_quarantine.then_some(name));
    let default = default.map_or_else(String::new, |group| format!("    Default: \"{group}\"\n"));
    let (made, group) = if is_quarantine {
        let made = "  QuarantineGroup:\n    Type: AWS::IAM::Group\n    Properties:\n      GroupName: !Ref Group\n";
        (made, "QuarantineGroup")
    } else {
        ("", "Group")
    };
    let statements: String = policy.statements.iter().map(|one| statement(policy, one)).collect();
    format!(
        "AWSTemplateFormatVersion: \"2010-09-09\"\n\
         Description: {description}\n\
         \n\
         Parameters:\n  \
           Group:\n    \
             Type: String\n    \
             Description: {purpose}\n\
         {default}\
         \n\
         Resources:\n\
         {made}  \
           {name}:\n    \
             Type: AWS::IAM::ManagedPolicy\n    \
             Properties:\n      \
               Description: {description}\n      \
               Groups:\n        \
                 - !Ref {group}\n      \
               PolicyDocument:\n        \
                 Version: \"2012-10-17\"\n        \
                 Statement:\n\
         {statements}"
    )
}

fn statement(policy: &Policy<'_>, statement: &Statement) -> String {
    let Statement { sid, effect, .. } = statement;
    let (element, actions) = match &statement.actions {
        Actions::These(actions) => ("Action", actions),
        Actions::AllBut(actions) => ("NotAction", actions),
    };
    let actions: String = actions.iter().map(|action| format!("              - {action}\n")).collect();
    let Choices { account, partition, .. } = policy.choices;
    // If nothing comes from the stack, `!Sub` is not needed, and neither is the escape of the variable.
    let is_sub = account.is_none() || partition.is_none();
    let spelling = Spelling {
        partition: partition.map_or("${AWS::Partition}", Partition::as_str),
        account: account.as_ref().map_or("${AWS::AccountId}", AccountId::as_str),
        user_name: if is_sub { "${!aws:username}" } else { "${aws:username}" },
    };
    let sub = if is_sub && !matches!(statement.resource, Resource::Everything) { "!Sub " } else { "" };
    let resource = if statement.resource.is_all_but() { "NotResource" } else { "Resource" };
    let arn = policy.arn(statement.resource, &spelling);
    let condition = statement.condition.map_or_else(String::new, |condition| {
        format!(
            "            Condition:\n              {}:\n                {MFA_PRESENT}: \"{}\"\n",
            condition.operator, condition.value
        )
    });
    format!(
        "          - Sid: {sid}\n            Effect: {effect}\n            {element}:\n{actions}            \
         {resource}: {sub}\"{arn}\"\n{condition}"
    )
}
