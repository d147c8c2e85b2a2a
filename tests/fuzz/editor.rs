//! Edits of any two AWS files: the intended value is read back, everything else reads as before, and the surrounding
//! bytes stay.
//!
//! Three texts with a record separator (U+001E) between them: config, credentials, and the value to write.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use mfa_cred::profile::edit::{Draft, EditError};
use mfa_cred::profile::{ProfileSet, SectionKind, WhichFile};

const KEY: &str = "mfa_serial";
const KINDS: [SectionKind; 4] =
    [SectionKind::Profile, SectionKind::SsoSession, SectionKind::Services, SectionKind::Plugins];

type Properties = BTreeMap<(SectionKind, String, String), String>;

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, '\u{1e}');
    let mut part = || parts.next().unwrap_or_default();
    let (config, credentials, value) = (part(), part(), part());
    let Ok(set) = ProfileSet::parse(config, credentials) else { return };
    let mut names: Vec<String> = set.names().map(str::to_owned).collect();
    names.extend(["default".to_owned(), "two words".to_owned()]);
    let before = properties(&set);
    for name in names {
        let others = |properties: Properties| -> Properties {
            let is_it = |(kind, section, key): &(SectionKind, String, String)| {
                *kind == SectionKind::Profile && *section == name && key == KEY
            };
            properties.into_iter().filter(|(place, _)| !is_it(place)).collect()
        };
        let read = || Draft::new(ProfileSet::parse(config, credentials).expect("it was read"));

        let mut setting = read();
        match setting.set_key(&name, KEY, value) {
            Ok(()) => {
                let section = setting.set().get(&name).expect("it is there");
                assert_eq!(section.get(KEY).expect("it is set").value(), value);
                assert_eq!(others(properties(setting.set())), others(before.clone()));
                assert!(!setting.diff().chars().any(|c| c.is_control() && c != '\n'));
                let is_elsewhere = set.get(&name).and_then(|section| section.get(KEY)).is_none();
                if is_elsewhere {
                    assert_eq!(setting.text(WhichFile::Credentials).expose(), credentials.as_bytes());
                    is_inserted(config.as_bytes(), setting.text(WhichFile::Config).expose());
                }
            }
            Err(EditError::Value | EditError::Name | EditError::Unkept { .. }) => {}
            Err(error) => panic!("{error}"),
        }

        let mut removing = read();
        removing.remove_key(&name, KEY).expect("it is removed");
        assert!(removing.set().get(&name).is_none_or(|section| section.get(KEY).is_none()));
        assert_eq!(others(properties(removing.set())), others(before.clone()));
    }
});

/// The new bytes stand in one place, and all old ones around them.
fn is_inserted(before: &[u8], after: &[u8]) {
    let more = after.len().checked_sub(before.len()).expect("it grew");
    let start = before.iter().zip(after).take_while(|(old, new)| old == new).count();
    assert!((0..=start).any(|start| before[start..] == after[start + more..]), "more than a line changed");
}

fn properties(set: &ProfileSet) -> Properties {
    let mut all = Properties::new();
    for kind in KINDS {
        for name in set.names_of(kind) {
            for property in set.section(kind, name).expect("it is listed").properties() {
                let place = (kind, name.to_owned(), property.key().into_owned());
                all.insert(place, property.value().into_owned());
            }
        }
    }
    all
}
