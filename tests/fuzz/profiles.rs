//! The profile reader and the SDK's own parser, on the same texts.
//!
//! Two texts, config and credentials, with a record separator (U+001E) between them. Both readers must read, ignore and
//! refuse the same, but for what the tests of `profile` list as differences; what is read section by section is what is
//! read at once; and no text may panic the reader, the list of differences, the nearest names or the plan of a profile.
#![no_main]

#[path = "../../src/profile/oracle/both.rs"]
mod both;
#[path = "../../src/profile/oracle/reading.rs"]
mod reading;

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use mfa_cred::host::Files;
use mfa_cred::names::ProfileName;
use mfa_cred::plan::{Ambient, Plan, PlanRequest};
use mfa_cred::profile::{Differs, Ignored, ProfileError, ProfileSet, Property, Section, SectionKind, WhichFile};
use mfa_cred::secret::Secret;

use both::agree;
use reading::{by_sdk, by_us, is_listed};

const SEPARATOR: char = '\u{1e}';
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The same bytes in every file.
struct Same<'a>(&'a [u8]);

impl Files for Same<'_> {
    fn read(&self, _: &Path) -> io::Result<Secret<Vec<u8>>> {
        Ok(Secret::new(self.0.to_vec()))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let read = ProfileSet::load(&Same(bytes), Path::new("config"), Path::new("credentials"));
        assert!(matches!(read, Err(ProfileError::NotUtf8 { .. })), "it is refused as what it is");
        return;
    };
    let (config, credentials) = text.split_once(SEPARATOR).unwrap_or((text, ""));
    agree(config, credentials);
    let has_mark = [config, credentials].iter().any(|file| file.starts_with(BYTE_ORDER_MARK));
    match ProfileSet::parse(config, credentials) {
        Ok(set) => {
            holds_together(&set, config, credentials);
            if is_listed(&set) {
                return;
            }
        }
        Err(error) => assert!(!error.to_string().chars().any(char::is_control)),
    }
    // Also listed, whatever else is in the file: the SDK misses the bracket after a quoted mark.
    let hides_a_bracket = |line: &str| line.contains(['"', '\'', '\\']) && line.contains(['#', ';']);
    if config.lines().any(|line| line.starts_with('[') && hides_a_bracket(line)) {
        return;
    }
    if has_mark {
        let bare = |file: &str| file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file).to_owned();
        let (config_bare, credentials_bare) = (bare(config), bare(credentials));
        // A second mark is a character like any other, but not once the first is gone.
        if ![&config_bare, &credentials_bare].iter().any(|file| file.starts_with(BYTE_ORDER_MARK)) {
            assert_eq!(
                by_us(config, credentials),
                by_us(&config_bare, &credentials_bare),
                "the mark changes the reading"
            );
        }
        return;
    }
    let (ours, sdks) = (by_us(config, credentials), by_sdk(config, credentials));
    // Listed, too: the SDK refuses an indented line below a section's own, and so does not come to a later fault,
    // which may be in the other file.
    let is_indented = |line: u32| {
        let line = (line as usize).saturating_sub(1);
        [config, credentials]
            .iter()
            .any(|file| file.lines().nth(line).is_some_and(|line| line.starts_with([' ', '\t'])))
    };
    if ours.is_err() && sdks.as_ref().is_err_and(|line| is_indented(*line)) {
        return;
    }
    assert_eq!(ours, sdks, "left ours, right the SDK's");
});

/// What must be true of any set that was read.
fn holds_together(set: &ProfileSet, config: &str, credentials: &str) {
    for difference in set.differences() {
        assert!(!difference.to_string().chars().any(char::is_control));
    }
    for note in set.notes() {
        assert!(!note.to_string().chars().any(char::is_control));
    }
    for name in set.names() {
        let profile = set.get(name).expect("a name that is listed is found");
        assert_eq!(profile.name(), name);
        for property in profile.properties() {
            let file = if property.origin() == WhichFile::Config { config } else { credentials };
            let (value, lines) = (&file[property.span()], &file[property.lines_span()]);
            // The properties of a section may be indented.
            let line = lines.trim_start_matches([' ', '\t']).to_ascii_lowercase();
            assert!(lines.contains(value) && line.starts_with(&*property.key()));
            assert_eq!(property.value(), profile.get(&property.key()).expect("it is there").value());
        }
        assert!(set.nearest(name).contains(&name), "a name is near to itself");
        let name = ProfileName::new(name).expect("a name is not empty");
        match Plan::make(set, &name, &PlanRequest::default(), &Ambient::default()) {
            Ok(plan) => assert!(!plan.to_string().is_empty()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
