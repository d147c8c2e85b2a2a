//! Steps of the day that do not work and still are no failure, because the policies do not cover them or because they
//! can be done another way.

use super::super::document::{Document, Scope};
use super::super::evaluate::{Context, Request, Verdict, matches_action};
use super::super::evaluate::{Policies, Truth, covers_action, covers_resource};
use super::super::journey::{Journey, Stage, Way};
use super::super::rules::{CheckOptions, Finding, Rule, is_of_mfa};
use super::open::Open;
use super::plain;

const BEFORE: [Way; 2] = [Way::Key, Way::Console];
const WITHOUT: [Way; 3] = [Way::Key, Way::Session, Way::Console];

const MAKES: &str = "iam:CreateVirtualMFADevice";
const ENROLLING: [&str; 4] = [MAKES, "iam:EnableMFADevice", "iam:ListMFADevices", "iam:ResyncMFADevice"];
const ENROLLMENT: [Stage; 5] = [Stage::Find, Stage::CreateNamed, Stage::CreateOther, Stage::Enable, Stage::Resync];

/// Clears the steps that must not count against the policies, and returns a note for each.
pub(super) fn of(policies: Policies<'_>, journey: &mut Journey, open: &Open, options: &CheckOptions) -> Vec<Finding> {
    let mut found = Vec::new();
    let is_allowed =
        |journey: &Journey, step: Stage, way: Way| journey.cell(step, way).verdict() == Some(Verdict::Allowed);
    if journey.work.is_assumed && !is_asked_for_mfa(policies, &journey.work.action, &journey.work.resource) {
        journey.release(&[Stage::Work], &WITHOUT);
        found.push(elsewhere());
    }
    if open.is_for_the_roles() && journey.work.action.eq_ignore_ascii_case("sts:AssumeRole") {
        journey.stop(Stage::Work, &WITHOUT);
    }
    for way in BEFORE {
        if is_allowed(journey, Stage::CreateNamed, way) {
            journey.release(&[Stage::CreateOther], &[way]);
        }
    }
    if BEFORE.iter().all(|way| is_allowed(journey, Stage::Enable, *way)) && !speaks_of(policies, &[MAKES]) {
        journey.release(&[Stage::CreateNamed, Stage::CreateOther], &BEFORE);
        found.push(security_keys());
    }
    if !options.trusts.is_empty() && open.is_for_the_roles() && !speaks_of(policies, &ENROLLING) {
        journey.release(&ENROLLMENT, &BEFORE);
        found.push(by_others());
    }
    found
}

/// Does a statement allow one of the actions, or exempt it from a Deny?
fn speaks_of(policies: Policies<'_>, actions: &[&str]) -> bool {
    let is_about = |scope: &Scope, is_deny: bool| {
        let is_listed = |action: &&str| scope.list.items.iter().any(|item| matches_action(&item.value, action));
        match (is_deny, scope.is_all_but) {
            (false, _) => actions.iter().any(|action| covers_action(scope, action)),
            (true, true) => actions.iter().any(is_listed),
            (true, false) => false,
        }
    };
    let of = |document: &Document| {
        document.is_unread || document.statements.iter().any(|it| is_about(&it.action, it.is_deny))
    };
    policies.identity.iter().any(of)
}

/// Does a Deny that requires MFA cover that request?
fn is_asked_for_mfa(policies: Policies<'_>, action: &str, resource: &str) -> bool {
    let context = Context::default();
    let request = Request { action, resource, context: &context, is_allowed_elsewhere: false };
    policies.identity.iter().chain(policies.boundary).any(|document| {
        let covers = |scope: &Scope| covers_resource(document, scope, &request) != Truth::No;
        document
            .statements
            .iter()
            .filter(|it| it.is_deny && it.conditions.iter().any(is_of_mfa))
            .any(|it| covers_action(&it.action, action) && it.resource.as_ref().is_none_or(covers))
    })
}

fn elsewhere() -> Finding {
    plain(
        Rule::WorkElsewhere,
        "nothing here requires MFA for work that other policies allow".to_owned(),
        "these policies allow no work, and no Deny with an MFA condition covers it: what another policy allows works \
         without MFA",
        "check them together with the policies that allow the work",
    )
}

fn security_keys() -> Finding {
    plain(
        Rule::NoVirtualDevices,
        "users can enroll security keys and hardware tokens, but no virtual devices".to_owned(),
        "nothing here mentions `iam:CreateVirtualMFADevice`, which a device in an authenticator app needs; the other \
         types are enabled without it",
        "to support authenticator apps, allow `iam:CreateVirtualMFADevice` on `arn:aws:iam::*:mfa/*`",
    )
}

fn by_others() -> Finding {
    plain(
        Rule::EnrolledElsewhere,
        "users cannot enroll a device with these policies".to_owned(),
        "they cover only roles: someone else enrolls the devices, or another policy lets users do it",
        "check them together with the policy that lets users enroll, if there is one",
    )
}
