//! `status`: what this shell holds, what is cached, and whether a code is needed.

use serde_json::{Value, json};

use super::{on_a_terminal, on_columns, quietly};
use crate::scenarios::commands::{calls, json, member, seen};
use crate::support::world::World;

/// Headings alone would be confusing.
#[test]
fn an_empty_list_and_status_say_so() {
    let world = World::empty();
    let told = "this shell holds no credentials, and none are cached\r\n";
    assert_eq!(on_a_terminal(&world, &["status"]), told);
    let narrow = "this shell holds no credentials, and\r\n    none are cached\r\n";
    assert_eq!(on_columns(&world, &["status"], 40), narrow);
    assert_eq!(seen(&quietly(&world, &["status"])), (Some(0), "", ""));
}

#[test]
fn status_recognizes_credentials_of_other_tools() {
    let world = World::empty();
    for (id, said) in [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_ACCESS_KEY_ID is not an access key ID"),
    ] {
        world.set("AWS_ACCESS_KEY_ID", id);
        let row = format!("shell\t\tkeys that mfa-cred did not export ({said})\t-\n");
        assert_eq!(seen(&quietly(&world, &["status"])), (Some(0), &*row, ""));
        let shown = on_a_terminal(&world, &["status"]);
        assert!(shown.contains("keys that mfa-cred did not export"), "{shown}");
        assert_eq!(member(&json(&quietly(&world, &["status", "--json"])), "/shell/profile"), &Value::Null);
    }
    // Other tools' credentials may have an expiration.
    world.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-02T03:04:05Z");
    let shell = json(&quietly(&world, &["status", "--json"]));
    assert_eq!(member(&shell, "/shell/expires"), &json!("2020-01-02T03:04:05Z"));
}

#[test]
fn status_reports_what_is_cached_and_whether_a_code_is_needed() {
    let cast = World::cast();
    let world = &cast.world;
    assert_eq!(seen(&quietly(world, &["status"])), (Some(0), "", ""));
    assert_eq!(seen(&quietly(world, &["status", "deploy"])), (Some(3), "", ""));
    let verdict = |words: &[&str]| {
        let done = quietly(world, words);
        (done.status.code(), member(&json(&done), "/available_without_code").clone())
    };
    assert_eq!(verdict(&["status", "--json"]), (Some(0), Value::Null));
    assert_eq!(verdict(&["status", "deploy", "--json"]), (Some(3), json!(false)));

    world.sign_in(&cast.device, &["process", "deploy"]);
    calls(world);
    assert_eq!(verdict(&["status", "deploy", "--json"]), (Some(0), json!(true)));
    // Thanks to the cached session; but not if the role itself needs the code.
    assert_eq!(verdict(&["status", "audit", "--json"]), (Some(0), json!(true)));
    assert_eq!(verdict(&["status", "audit", "--duration", "2h", "--json"]), (Some(3), json!(false)));
    let lines = "cached\talice\tMFA session\t11h59m\n\
                 cached\tdeploy\tarn:aws:iam::123456789012:role/deploy\t59m\n\
                 key\t\tkernel keyring only\t";
    let status = quietly(world, &["status"]);
    // The kernel reports whole hours.
    assert!(["12h\n", "11h\n"].iter().any(|left| status.stdout == format!("{lines}{left}")), "{status:?}");
    assert_eq!((status.status.code(), status.stderr.as_str()), (Some(0), ""));
    assert_eq!(quietly(world, &["status", "audit"]).stdout, "cached\talice\tMFA session\t11h59m\n");
    assert_eq!(quietly(world, &["status", "nobody"]).status.code(), Some(1));

    world.set("MFA_CRED_PROFILE", "deploy");
    world.set("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE");
    world.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    let text = quietly(world, &["status"]).stdout;
    assert!(text.starts_with("shell\tdeploy\tASIAEXAMPLE\texpired\ncached\t"), "{text}");
    let all = json(&quietly(world, &["status", "--json"]));
    assert_eq!(member(&all, "/shell/profile"), "deploy");
    assert_eq!(member(&all, "/shell/expires"), "2020-01-01T00:00:00Z");
    assert!(member(&all, "/shell/left_seconds").as_i64().is_some_and(|left| left < 0));
    let mut role = member(&all, "/cached/1").clone();
    let row = role.as_object_mut().expect("an object");
    assert!(row.remove("expires").is_some_and(|end| end.as_str().is_some_and(|end| end.ends_with('Z'))));
    assert!(
        row.remove("left_seconds").and_then(|left| left.as_i64()).is_some_and(|left| (3_500..=3_600).contains(&left))
    );
    let arn = "arn:aws:iam::123456789012:role/deploy";
    assert_eq!(role, json!({"profile": "deploy", "kind": "role", "role_arn": arn, "account": "123456789012"}));
}

/// A secret pasted into the wrong variable, or text with control characters, is not shown as an access key ID.
#[test]
fn status_shows_an_access_key_id_only_if_there_is_one() {
    let world = World::empty();
    world.set("MFA_CRED_PROFILE", "deploy");
    let not_one = "AWS_ACCESS_KEY_ID is not an access key ID";
    for (value, shown) in [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("test", "test"),
        ("minio-admin_1", "minio-admin_1"),
        ("", "no access key ID"),
        (" ", "no access key ID"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", not_one),
        ("two words", not_one),
        ("\"AKIAIOSFODNN7EXAMPLE\"", not_one),
        ("a\u{1b}[31mred", not_one),
        ("AKIA\nX", not_one),
        ("AKIAIOSFODNN7EXAMPLÉ", not_one),
    ] {
        world.set("AWS_ACCESS_KEY_ID", value);
        let text = quietly(&world, &["status"]).stdout;
        assert!(text.starts_with(&format!("shell\tdeploy\t{shown}\t-\n")), "{value:?}: {text}");
        let id = member(&json(&quietly(&world, &["status", "--json"])), "/shell/access_key_id").clone();
        assert_eq!(id.as_str(), (value == shown).then_some(shown), "{value:?}");
    }
}
