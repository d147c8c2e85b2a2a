//! What an entry's name covers. `tests/scenarios/identity.rs` shows with the real program that every property counts.

use std::collections::BTreeSet;

use super::{keys_of, plan};
use crate::cache::keys;
use crate::names::ProfileName;
use crate::names::digest::digest_name;
use crate::plan::{AmbientKeys, Base, Plan};

#[test]
fn entry_names_stay_the_same_between_versions() {
    // Changing these makes all entries misses, and lets two versions hold one lock at the same time.
    assert_eq!(digest_name("arn:aws:iam::123456789012:mfa/alice"), "be0b19ba8d4e5859324c39aea593c5e7");
    let names = [
        "be230b6a4e447353385d3304bc1cb0ac54383c040854bd6b58cc4031f3953c36",
        "ffb2814f7c698aabd5422c3750303c5ba46e3d5de6fcbb8b991d84381472812a",
    ];
    assert_eq!(keys_of("deploy").map(|key| key.file_name().to_owned()), names);
}

#[test]
fn each_base_has_its_own_entries() {
    let profile = ProfileName::new("alice").expect("a name");
    let key = |id: &str| Base::AccessKey { profile: profile.clone(), access_key_id: id.to_owned(), is_session: false };
    let process = |command: &str| Base::CredentialProcess { profile: profile.clone(), command: command.to_owned() };
    let bases = [
        key("AKIAALICE00000000001"),
        key("AKIAALICE00000000002"),
        Base::Ec2InstanceMetadata("http://169.254.169.254".to_owned()),
        Base::Ec2InstanceMetadata("http://127.0.0.1".to_owned()),
        Base::EcsContainer(None),
        Base::EcsContainer(Some(String::new())),
        Base::EcsContainer(Some("/task".to_owned())),
        process("vendor-login"),
        process("vendor-login --quiet"),
    ];
    let names = |base: &Base| {
        let plan = Plan { base: base.clone(), ..plan("deploy") };
        keys(&plan, plan.steps.given(true)).iter().map(|key| key.file_name().to_owned()).collect::<Vec<_>>()
    };
    let all: BTreeSet<String> = bases.iter().flat_map(names).collect();
    assert_eq!(all.len(), 2 * bases.len());
    let environment =
        Base::Environment(AmbientKeys { access_key_id: "AKIAALICE00000000001".to_owned(), is_session: false });
    assert_eq!(names(&environment), names(&bases[0]), "the same key is the same user, wherever it stands");
}
