//! Policies are read as AWS gives them: by page, percent-encoded, and not to everybody.

use super::{ask, assert_refused, bench, session};
use crate::support::aws::Owner;

const DOCUMENT: &str = r#"{"Statement": {"Effect": "Allow", "Action": "a+b:*", "Resource": "100%"}}"#;

#[test]
fn documents_are_encoded_and_have_versions() {
    let (aws, key, _) = bench();
    aws.put_policy(Owner::User("alice"), "own", DOCUMENT);
    let own = ask(&aws, &key, "GetUserPolicy", &[("UserName", "alice"), ("PolicyName", "own")]);
    let text = own.text("PolicyDocument").expect("a document");
    assert!(text.starts_with("%7B%22Statement%22%3A%20%7B") && text.contains("a%2Bb%3A"), "{text}");
    let arn = aws.add_policy("work", &["old", DOCUMENT, "new"], 2);
    assert_eq!(ask(&aws, &key, "GetPolicy", &[("PolicyArn", &arn)]).text("DefaultVersionId").as_deref(), Some("v2"));
    let version = |id: &str| ask(&aws, &key, "GetPolicyVersion", &[("PolicyArn", &arn), ("VersionId", id)]);
    assert_eq!(version("v2").text("Document").as_deref(), Some(text.as_str()));
    assert_eq!(version("v3").text("IsDefaultVersion").as_deref(), Some("false"));
    assert_refused(&version("v4"), 404, "NoSuchEntity", "version v4 does not exist");
    assert_refused(&version("2"), 400, "ValidationError", "malformed");
}

#[test]
fn lists_belong_to_one_user_or_group_and_are_paginated() {
    let (aws, key, _) = bench();
    aws.add_user("bob");
    for group in ["a", "b", "c"] {
        aws.add_group(group, &["alice"]);
    }
    aws.add_group("d", &["bob"]);
    aws.put_policy(Owner::Group("a"), "of-a", DOCUMENT);
    aws.page_size(2);
    let first = ask(&aws, &key, "ListGroupsForUser", &[("UserName", "alice")]);
    let marker = first.text("Marker").expect("there is more");
    assert!(first.body.contains(">a<") && !first.body.contains(">c<"), "{}", first.body);
    let second = ask(&aws, &key, "ListGroupsForUser", &[("UserName", "alice"), ("Marker", &marker)]);
    assert!(second.body.contains(">c<") && !second.body.contains(">d<"), "{}", second.body);
    let of = |action: &str, name: &str, value: &str| ask(&aws, &key, action, &[(name, value)]);
    assert!(of("ListGroupPolicies", "GroupName", "a").body.contains("of-a"));
    assert!(!of("ListGroupPolicies", "GroupName", "b").body.contains("of-a"));
    assert!(!of("ListUserPolicies", "UserName", "alice").body.contains("of-a"));
    assert_refused(&of("ListGroupPolicies", "GroupName", "x"), 404, "NoSuchEntity", "The group with name x");
    assert_refused(&of("ListAttachedUserPolicies", "UserName", "x"), 404, "NoSuchEntity", "The user with name x");
    assert_refused(&ask(&aws, &key, "ListUserPolicies", &[]), 400, "ValidationError", "userName");
}

#[test]
fn a_denied_call_reveals_nothing() {
    let (aws, key, phone) = bench();
    aws.deny("GetUserPolicy");
    let denied = ask(&aws, &key, "GetUserPolicy", &[("UserName", "alice"), ("PolicyName", "none")]);
    assert_refused(&denied, 403, "AccessDenied", "iam:GetUserPolicy on resource: arn:aws:iam::123456789012:user/alice");
    aws.deny_without_mfa("GetPolicy");
    let arn = aws.add_policy("arn:aws:iam::aws:policy/Work", &[DOCUMENT], 1);
    assert_refused(&ask(&aws, &key, "GetPolicy", &[("PolicyArn", &arn)]), 403, "AccessDenied", &arn);
    let with_mfa = session(&aws, &key, Some(&phone));
    assert_eq!(ask(&aws, &with_mfa, "GetPolicy", &[("PolicyArn", &arn)]).status, 200);
    aws.set_boundary("alice", &arn);
    let user = ask(&aws, &key, "GetUser", &[]);
    assert_eq!(user.text("PermissionsBoundaryArn").as_deref(), Some(arn.as_str()));
}
