//! What the SDK and this program read from two texts, in a common form.
//!
//! It uses only the public interface and takes its types from the module around it, so that `tests/fuzz` compares with
//! exactly the same code as the tests.

use std::collections::BTreeSet;

use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::property::PropertiesKey;
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_types::os_shim_internal::{Env, Fs};

use super::{Differs, Ignored, ProfileError, ProfileSet, SectionKind};

/// The result of reading, in a form that both readers can be converted to: lines of `section key value`, or the line
/// that was refused.
pub(super) type Reading = Result<BTreeSet<String>, u32>;

pub(super) fn by_sdk(config: &str, credentials: &str) -> Reading {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Config, config)
        .with_contents(EnvConfigFileKind::Credentials, credentials)
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without I/O");
    let source = runtime
        .block_on(source::load(&Env::from_slice(&[]), &Fs::from_slice(&[]), &files))
        .expect("texts in memory are always there");
    let set = EnvConfigSections::parse(source).map_err(|error| {
        let text = error.to_string();
        let line = text.split_once(" on line ").and_then(|(_, rest)| rest.split(':').next()).expect("it says the line");
        line.parse::<u32>().expect("it is a number")
    })?;

    let mut read = BTreeSet::new();
    // The SDK's profiles cannot be enumerated, so every text before a `=` is tried as a key.
    let (keys, all_nested) = candidates(config, credentials);
    for name in set.profiles() {
        read.insert(format!("profile {name:?}"));
        let profile = set.get_profile(name).expect("it was just named");
        for key in &keys {
            read.extend(profile.get(key).map(|value| format!("profile {name:?} {key:?} {value:?}")));
        }
    }
    for name in set.sso_sessions() {
        read.insert(format!("sso-session {name:?}"));
        let session = set.sso_session(name).expect("it was just named");
        for key in &keys {
            read.extend(session.get(key).map(|value| format!("sso-session {name:?} {key:?} {value:?}")));
        }
    }
    for key in &keys {
        for nested in &all_nested {
            let path = PropertiesKey::builder().section_key("services").section_name("s").property_name(key);
            let path = path.sub_property_name(nested).build().expect("it is complete");
            read.extend(set.other_sections().get(&path).map(|value| format!("services {key:?} {nested:?} {value:?}")));
        }
    }
    Ok(read)
}

pub(super) fn by_us(config: &str, credentials: &str) -> Reading {
    let set = match ProfileSet::parse(config, credentials) {
        Ok(set) => set,
        Err(ProfileError::Malformed { place, .. }) => return Err(place.line),
        Err(other) => panic!("{other}"),
    };
    let (keys, all_nested) = candidates(config, credentials);
    let mut read = BTreeSet::new();
    for (kind, word) in [(SectionKind::Profile, "profile"), (SectionKind::SsoSession, "sso-session")] {
        for name in set.names_of(kind) {
            let section = set.section(kind, name).expect("a name that is listed is found");
            read.insert(format!("{word} {name:?}"));
            for property in section.properties() {
                assert!(keys.contains(&*property.key()), "the SDK was not asked for {property:?}");
                read.insert(format!("{word} {name:?} {:?} {:?}", property.key(), property.value()));
            }
        }
    }
    for property in set.section(SectionKind::Services, "s").iter().flat_map(|section| section.properties()) {
        for nested in &all_nested {
            let value = property.nested(nested);
            read.extend(value.map(|value| format!("services {:?} {nested:?} {value:?}", property.key())));
        }
    }
    Ok(read)
}

/// Every text that could be a key, in lowercase, and every text that could be a nested key: on its own line, or after
/// the first `=`.
fn candidates(config: &str, credentials: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut keys, mut nested) = (BTreeSet::new(), BTreeSet::new());
    for line in config.lines().chain(credentials.lines()) {
        let mut parts: Vec<&str> = line.split('=').map(|part| part.trim_matches([' ', '\t'])).collect();
        // The text after the last `=` is a value.
        parts.pop();
        keys.extend(parts.first().map(|key| key.to_ascii_lowercase()));
        nested.extend(parts.into_iter().take(2).map(str::to_owned));
    }
    (keys, nested)
}

/// Do the files contain anything that the table of differences lists? Then the two may read differently.
pub(super) fn is_listed(set: &ProfileSet) -> bool {
    let differs = |what| {
        matches!(
            what,
            Differs::RespelledSection
                | Differs::QuotedName
                | Differs::SpaceInName
                | Differs::Indented
                | Differs::ByteOrderMark
        )
    };
    set.notes().any(|note| matches!(note.what, Ignored::NoName | Ignored::IllegalQuoted))
        || set.differences().iter().any(|difference| differs(difference.what))
}
