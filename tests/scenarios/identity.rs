//! The identity of an entry: editing anything that could change the answer is a miss, anything else is not.
//!
//! First as a table for [`keys`], then as a person experiences it: sign in, edit, and see which calls are made.

use std::collections::HashMap;

use mfa_cred::cache::keys;
use mfa_cred::plan::{AssumeRole, Device, Plan, Step, Steps};

use crate::support::texts::Texts;

const CONFIG: &str = "\
[profile deploy]
role_arn = arn:aws:iam::123456789012:role/deploy
source_profile = alice
external_id = ext1
role_session_name = name1
source_identity = person1
duration_seconds = 1800
session_tags = a=1,b=2
transitive_session_tags = a
region = eu-west-1
[profile alice]
mfa_serial = arn:aws:iam::123456789012:mfa/alice
session_duration = 8h
";
const CREDENTIALS: &str = "[alice]\naws_access_key_id = AKIAALICE00000000001\naws_secret_access_key = s1\n";

enum Edit {
    Config(&'static str, &'static str),
    Credentials(&'static str, &'static str),
    Typed(&'static str),
    Exported(&'static str, &'static str),
}

fn texts(config: &str, credentials: &str, words: &str) -> Texts {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let words = shlex::split(words).expect("words");
    Texts { files: vec![file("config", config), file("credentials", credentials)], words, ..Texts::default() }
}

fn edited(edit: &Edit) -> Texts {
    let mut texts = texts(CONFIG, CREDENTIALS, "deploy --session-policy {} --policy-arn arn:aws:iam::aws:policy/P1");
    match edit {
        Edit::Config(from, to) | Edit::Credentials(from, to) => {
            let file = &mut texts.files[usize::from(matches!(edit, Edit::Credentials(..)))].1;
            assert!(file.contains(from), "{from} is not in\n{file}");
            *file = file.replacen(from, to, 1);
        }
        Edit::Typed(words) => texts.words.extend(shlex::split(words).expect("words")),
        Edit::Exported(name, value) => texts.env.push(((*name).to_owned(), (*value).to_owned())),
    }
    texts
}

fn names(plan: &Plan) -> Vec<String> {
    keys(plan, plan.steps.given(true)).iter().map(|key| key.file_name().to_owned()).collect()
}

fn names_of(texts: &Texts) -> Vec<String> {
    names(&texts.plan().unwrap_or_else(|refusal| panic!("{refusal:?} of {texts:?}")))
}

#[test]
fn what_cannot_change_the_answer_is_not_part_of_the_identity() {
    let before = names_of(&edited(&Edit::Typed("")));
    assert_eq!(before.len(), 2, "an MFA session and a role");
    for edit in [
        Edit::Config("external_id = ext1", "external_id = ext1 # as agreed"),
        Edit::Config("[profile alice]", "\n; the user\n[profile alice]"),
        Edit::Config(
            "external_id = ext1\nrole_session_name = name1\n",
            "ROLE_SESSION_NAME = name1\nexternal_id=ext1\n",
        ),
        Edit::Config("a=1,b=2", "b=2 , a=1"),
        Edit::Config("[profile deploy]", "[profile deploy]\noutput = json"),
        Edit::Config("region = eu-west-1", "region = us-east-2"),
        Edit::Config("region = eu-west-1\n", ""),
        Edit::Config("region = eu-west-1", "use_fips_endpoint = true\nuse_dualstack_endpoint = true"),
        Edit::Config("region = eu-west-1", "ca_bundle = /corporate.pem\nmfa_process = code"),
        // A longer MFA session serves a shorter request, and its duration is not part of the identity of the roles
        // after it.
        Edit::Config("session_duration = 8h", "session_duration = 2h"),
        Edit::Credentials("secret_access_key = s1", "secret_access_key = s2"),
        Edit::Typed("--region ap-northeast-1"),
        Edit::Typed("--duration 30m --external-id ext1 --tag a=1"),
        Edit::Exported("AWS_REGION", "ap-northeast-1"),
        Edit::Exported("AWS_USE_FIPS_ENDPOINT", "true"),
        Edit::Exported("AWS_USE_DUALSTACK_ENDPOINT", "true"),
    ] {
        let texts = edited(&edit);
        assert_eq!(names_of(&texts), before, "{texts:?}");
    }
    let renamed = texts(
        &CONFIG.replace("alice]", "user]").replace("= alice", "= user").replace("profile deploy", "profile prod"),
        &CREDENTIALS.replace("[alice]", "[user]"),
        "prod --session-policy {} --policy-arn arn:aws:iam::aws:policy/P1",
    );
    assert_eq!(names_of(&renamed), before, "a profile's name");
}

#[test]
fn what_could_change_the_answer_makes_another_entry() {
    use Entries::{Both, Role};
    #[derive(Clone, Copy, PartialEq)]
    enum Entries {
        Role,
        Both,
    }
    let before = names_of(&edited(&Edit::Typed("")));
    let mut seen = HashMap::from([(before[1].clone(), "before".to_owned())]);
    for (missed, edit) in [
        (Role, Edit::Config("role/deploy", "role/audit")),
        (Role, Edit::Config("role/deploy", "role/team/deploy")),
        (Role, Edit::Config("123456789012:role", "210987654321:role")),
        (Role, Edit::Config("external_id = ext1", "external_id = ext2")),
        (Role, Edit::Config("external_id = ext1\n", "")),
        (Role, Edit::Config("role_session_name = name1", "role_session_name = name2")),
        (Role, Edit::Config("role_session_name = name1\n", "")),
        (Role, Edit::Config("source_identity = person1", "source_identity = person2")),
        (Role, Edit::Config("source_identity = person1\n", "")),
        // The same text in another position.
        (Role, Edit::Config("external_id = ext1\nrole_session_name = name1", "external_id = name1")),
        (Role, Edit::Config("duration_seconds = 1800", "duration_seconds = 1801")),
        (Role, Edit::Config("a=1,b=2", "a=1,b=3")),
        (Role, Edit::Config("a=1,b=2", "a=1,c=2")),
        (Role, Edit::Config("a=1,b=2", "a=1")),
        (Role, Edit::Config("a=1,b=2", "a=1,b=2,c=")),
        (Role, Edit::Config("a=1,b=2", "a=12,b=")),
        (Role, Edit::Config("transitive_session_tags = a", "transitive_session_tags = a,b")),
        (Role, Edit::Config("transitive_session_tags = a\n", "")),
        (Role, Edit::Typed("--policy-arn arn:aws:iam::aws:policy/P2")),
        (Role, Edit::Typed("--external-id typed")),
        (Role, Edit::Typed("--session-name typed")),
        (Role, Edit::Typed("--tag c=3")),
        (Role, Edit::Typed("--duration 20m")),
        (Role, Edit::Exported("AWS_ROLE_SESSION_NAME", "exported")),
        (Both, Edit::Config("mfa/alice", "mfa/other")),
        (Both, Edit::Config("arn:aws:iam::123456789012:mfa/alice", "GAHT12345678")),
        (Both, Edit::Config("arn:aws:iam::123456789012:role", "arn:aws-cn:iam::123456789012:role")),
        (Both, Edit::Config("region = eu-west-1", "endpoint_url = https://profile")),
        (Both, Edit::Credentials("AKIAALICE00000000001", "AKIAALICE00000000002")),
        (Both, Edit::Exported("AWS_ENDPOINT_URL", "https://all")),
        (Both, Edit::Exported("AWS_ENDPOINT_URL_STS", "https://sts")),
        (Both, Edit::Typed("--mfa-serial arn:aws:iam::123456789012:mfa/typed")),
    ] {
        let texts = edited(&edit);
        let after = names_of(&texts);
        assert_ne!(after[1], before[1], "{texts:?}");
        assert_eq!(after[0] == before[0], missed == Role, "the MFA session of {texts:?}");
        // No two edits lead to the same entry, either.
        let other = seen.insert(after[1].clone(), format!("{texts:?}"));
        assert_eq!(other, None, "{texts:?}");
    }
}

/// The same for the step itself, so that a field that no text sets today is not forgotten tomorrow.
#[test]
fn every_field_of_assume_role_counts_except_the_profile_name() {
    let plan = edited(&Edit::Typed("")).plan().expect("a plan");
    let Steps::Fixed(steps) = &plan.steps else { panic!("{plan:?}") };
    let [_, Step::AssumeRole(call)] = &steps[..] else { panic!("{steps:?}") };
    let name = |call: AssumeRole| {
        let steps = [steps[0].clone(), Step::AssumeRole(Box::new(call))];
        keys(&plan, &steps)[1].file_name().to_owned()
    };
    let AssumeRole { profile, role, device, duration, .. } = &**call;
    let AssumeRole { session_name, external_id, source_identity, tags, .. } = &**call;
    let AssumeRole { transitive_tags, session_policy, policy_arns, .. } = &**call;
    let other = AssumeRole {
        profile: mfa_cred::names::ProfileName::new("other").expect("a name"),
        role: "210987654321:other".parse().expect("a role"),
        device: Some(Device::Named("GAHT12345678".parse().expect("a serial"))),
        duration: mfa_cred::names::Lifetime::from_secs(7200),
        session_name: Some("other".parse().expect("a name")),
        external_id: Some("other".parse().expect("an id")),
        source_identity: Some("other".parse().expect("a name")),
        tags: vec!["other=1".parse().expect("a tag")],
        transitive_tags: vec!["other".to_owned()],
        session_policy: Some("[]".to_owned()),
        policy_arns: Vec::new(),
    };
    // Each differs from `other` in one field; if the field were not part of the key, the two would be equal.
    let back = [
        AssumeRole { role: role.clone(), ..other.clone() },
        AssumeRole { device: device.clone(), ..other.clone() },
        AssumeRole { duration: *duration, ..other.clone() },
        AssumeRole { session_name: session_name.clone(), ..other.clone() },
        AssumeRole { external_id: external_id.clone(), ..other.clone() },
        AssumeRole { source_identity: source_identity.clone(), ..other.clone() },
        AssumeRole { tags: tags.clone(), ..other.clone() },
        AssumeRole { transitive_tags: transitive_tags.clone(), ..other.clone() },
        AssumeRole { session_policy: session_policy.clone(), ..other.clone() },
        AssumeRole { policy_arns: policy_arns.clone(), ..other.clone() },
    ];
    for call in back {
        assert_ne!(name(call.clone()), name(other.clone()), "{call:?}");
    }
    assert_eq!(name(AssumeRole { profile: profile.clone(), ..other.clone() }), name(other));
}

#[test]
fn the_identity_of_a_step_covers_all_steps_before_it() {
    let config = "\
[profile inner]
role_arn = arn:aws:iam::123456789012:role/inner
source_profile = outer
[profile outer]
role_arn = arn:aws:iam::123456789012:role/outer
source_profile = alice
external_id = ext1
[profile alice]
mfa_serial = arn:aws:iam::123456789012:mfa/alice
";
    let before = names_of(&texts(config, CREDENTIALS, "inner"));
    let after = names_of(&texts(&config.replace("ext1", "ext2"), CREDENTIALS, "inner"));
    assert_eq!((before.len(), after.len()), (3, 3));
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
    assert_ne!(before[2], after[2]);
    let outer = names_of(&texts(config, CREDENTIALS, "outer"));
    assert_eq!(outer, before[..2], "a chain shares what its first role has");
    let code = names_of(&texts(config, CREDENTIALS, "outer --duration 2h"));
    assert_eq!(code.len(), 1);
    assert!(!before.contains(&code[0]), "a role that took the code itself is another entry");
}

#[test]
fn a_base_is_identified_by_whose_credentials_it_gives() {
    let role = |base: &str| {
        let config = format!("[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\n{base}\n");
        texts(&config, CREDENTIALS, "deploy")
    };
    let with = |mut texts: Texts, variables: &[(&str, &str)]| {
        texts.env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        texts
    };
    let environment = |id| {
        with(role("credential_source = Environment"), &[("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", "s")])
    };
    let container =
        |uri| with(role("credential_source = EcsContainer"), &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri)]);
    let process = |name: &str, command: &str| {
        role(&format!("source_profile={name}\n[profile {name}]\ncredential_process={command}"))
    };
    let last = |texts: &Texts| names_of(texts).pop().expect("a role");

    let file = last(&role("source_profile = alice"));
    assert_eq!(file, last(&environment("AKIAALICE00000000001")), "the same key is the same user, wherever it stands");
    assert_eq!(last(&process("a", "vend x")), last(&process("b", "vend x")), "the same command is the same base");

    let bases = [
        role("source_profile = alice"),
        environment("AKIAOTHER00000000001"),
        with(
            role("credential_source = Environment"),
            &[
                ("AWS_ACCESS_KEY_ID", "ASIAOTHER00000000001"),
                ("AWS_SECRET_ACCESS_KEY", "s"),
                ("AWS_SESSION_TOKEN", "t"),
            ],
        ),
        role("credential_source = Ec2InstanceMetadata"),
        role("credential_source = EcsContainer"),
        container("http://127.0.0.1/1"),
        container("http://127.0.0.1/2"),
        process("a", "vend x"),
        process("a", "vend y"),
    ];
    let mut found: Vec<String> = bases.iter().map(last).collect();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), bases.len(), "two bases are one entry");
}

#[cfg(unix)]
mod edits {
    //! As a person experiences it.

    use crate::support::aws::RoleSpec;
    use crate::support::world::{Cast, World};

    fn actions(world: &World) -> Vec<String> {
        world.aws.take_calls().into_iter().map(|call| call.action).collect()
    }

    /// A person who is signed in to a role that allows everything that the edits request.
    fn signed_in() -> Cast {
        let cast = World::cast();
        let any = |name: &str| {
            let role = RoleSpec::new(name).trust_user("alice").require_mfa().allow_tags().allow_source_identity();
            cast.world.aws.add_role(role.max_duration(43_200))
        };
        let (free, _) = (any("free"), any("other"));
        let serial = cast.device.serial();
        cast.world.add_config(&format!(
            "[profile free]\nsource_profile = alice\nrole_arn = {free}\nmfa_serial = {serial}\nexternal_id = ext1\n"
        ));
        cast.world.sign_in(&cast.device, &["env", "free"]);
        assert_eq!(actions(&cast.world), ["GetSessionToken", "AssumeRole"]);
        cast
    }

    #[test]
    fn comments_regions_and_other_tools_properties_do_not_invalidate_the_cache() {
        let Cast { world, .. } = signed_in();
        for (from, to) in [
            ("external_id = ext1", "external_id = ext1 # as agreed"),
            ("[profile free]\n", "; mine\n\n[profile free]\noutput = json\n"),
            ("[profile free]\n", "[profile free]\nregion = eu-west-1\n"),
            ("[profile alice]\n", "[profile alice]\nsession_duration = 2h\n"),
        ] {
            world.edit_config(from, to);
            let done = world.run(&["env", "free", "--no-prompt"]);
            assert!(done.status.success(), "{to}: {done:?}");
            assert_eq!((done.stderr.as_str(), actions(&world)), ("", Vec::new()), "{to}");
        }
    }

    #[test]
    fn an_empty_session_token_counts_as_none() {
        let Cast { world, device, .. } = signed_in();
        world.edit_config("[profile alice]\n", "[profile alice]\naws_session_token =\n");
        assert!(world.run(&["env", "free", "--no-prompt"]).status.success());
        assert!(actions(&world).is_empty());
        world.sign_in(&device, &["env", "free", "--refresh"]);
        assert_eq!(actions(&world), ["GetSessionToken", "AssumeRole"]);
    }

    #[test]
    fn changing_the_role_needs_one_call_and_changing_it_back_none() {
        let Cast { world, .. } = signed_in();
        for (from, to) in [
            (":role/free", ":role/other"),
            ("external_id = ext1", "external_id = ext2"),
            ("external_id = ext1", "external_id = ext1\nrole_session_name = chosen"),
            ("external_id = ext1", "external_id = ext1\nduration_seconds = 1800"),
            ("external_id = ext1", "external_id = ext1\nsession_tags = team=dev"),
            ("external_id = ext1", "external_id = ext1\nsession_tags = team=ops"),
            ("external_id = ext1", "external_id = ext1\nsource_identity = alice"),
        ] {
            world.edit_config(from, to);
            let done = world.run(&["env", "free", "--no-prompt"]);
            assert!(done.status.success(), "{to}: {done:?}");
            assert_eq!((done.stderr.as_str(), actions(&world)), ("", vec!["AssumeRole".to_owned()]), "{to}");
            world.edit_config(to, from);
            assert!(world.run(&["env", "free", "--no-prompt"]).status.success(), "{to}");
            assert!(actions(&world).is_empty(), "{to}");
        }
    }

    #[test]
    fn changing_the_serial_or_the_key_needs_a_code_and_changing_it_back_none() {
        let Cast { world, key, device } = signed_in();
        let needs_a_code = |what: &str| {
            let done = world.run(&["env", "free", "--no-prompt"]);
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(3), ""), "{what}: {done:?}");
            assert!(actions(&world).is_empty(), "{what}");
        };
        let serves = |what: &str| {
            let done = world.run(&["env", "free", "--no-prompt"]);
            assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{what}: {done:?}");
            assert!(actions(&world).is_empty(), "{what}");
        };
        let other = world.aws.add_device("alice", "alice-tablet");
        let config = world.read(".aws/config");
        world.write(".aws/config", config.replace(device.serial(), other.serial()));
        needs_a_code("another device");
        world.write(".aws/config", &config);
        serves("the device again");

        let second = world.aws.add_user("alice");
        world.write_key("alice", &second);
        needs_a_code("another key");
        world.sign_in(&device, &["env", "free"]);
        assert_eq!(actions(&world), ["GetSessionToken", "AssumeRole"]);
        serves("the new key");
        world.write_key("alice", &key);
        serves("the first key again");
    }
}
