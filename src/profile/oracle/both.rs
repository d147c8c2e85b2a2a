//! Compares the two ways of reading the files: everything at once, and section by section on demand.
//!
//! It uses only the public interface, so that `tests/fuzz` compares with exactly the same code as the tests.

use std::io;
use std::path::Path;

use super::{Files, ProfileError, ProfileSet, Property, Secret, Section, SectionKind};

const KINDS: [SectionKind; 4] =
    [SectionKind::Profile, SectionKind::SsoSession, SectionKind::Services, SectionKind::Plugins];

/// Two files in memory.
struct InMemory<'a>([&'a str; 2]);

impl Files for InMemory<'_> {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let [config, credentials] = self.0;
        let text = if path == Path::new("config") { config } else { credentials };
        Ok(Secret::new(text.as_bytes().to_vec()))
    }
}

/// What a section reports about itself and about each of its lines.
fn said_of_section(section: Section<'_>) -> Vec<String> {
    let said = |property: Property<'_>| {
        let (place, spans) = (property.place(), [property.span(), property.lines_span()]);
        let nested: Vec<_> = ["a", "endpoint_url"].into_iter().map(|name| property.nested(name)).collect();
        format!("{place} {} = {:?} {spans:?} {nested:?}", property.key(), property.value())
    };
    let merged = section.properties();
    // Each check looks at the whole section.
    let all =
        merged.iter().take(16).flat_map(|property| section.occurrences(&property.key()).map(said).collect::<Vec<_>>());
    let first = format!("{} {} {:?}", section.place(), section.name(), section.overlooked());
    std::iter::once(first).chain(merged.iter().copied().map(said)).chain(all).collect()
}

/// Panics if the two ways of reading these texts differ in anything that can be queried.
pub(crate) fn agree(config: &str, credentials: &str) {
    let files = InMemory([config, credentials]);
    let load = || ProfileSet::load(&files, Path::new("config"), Path::new("credentials"));
    let about = || format!("{config:?} {credentials:?}");
    let (whole, by_section): (ProfileSet, ProfileSet) = match (ProfileSet::parse(config, credentials), load()) {
        (Ok(whole), Ok(by_section)) => (whole, by_section),
        (Err(whole), Err(by_section)) => {
            let said = |error: &ProfileError| (std::mem::discriminant(error), error.to_string());
            return assert_eq!(said(&by_section), said(&whole), "{}", about());
        }
        (whole, by_section) => panic!("{}: {whole:?}, but by section {by_section:?}", about()),
    };
    let mut names = vec![String::new(), "default".to_owned(), "Default".to_owned(), "no such name]".to_owned()];
    for known in KINDS.into_iter().flat_map(|kind| whole.names_of(kind)) {
        names.extend([known.to_owned(), known.to_uppercase(), known.chars().skip(1).collect(), format!("{known}]")]);
    }
    names.sort();
    names.dedup();
    for (kind, name) in KINDS.into_iter().flat_map(|kind| names.iter().map(move |name| (kind, name))) {
        let said = |set: &ProfileSet| set.section(kind, name).map(said_of_section);
        assert_eq!(said(&by_section), said(&whole), "{kind:?} {name:?} of {}", about());
    }
    for name in &names {
        let asked_first = load().expect("it was read before");
        assert_eq!(asked_first.overlooked(name), whole.overlooked(name), "{name:?} of {}", about());
        assert_eq!(asked_first.mistaken_for(name), whole.mistaken_for(name), "{name:?} of {}", about());
    }
    let all = |set: &ProfileSet| {
        // First, while they are not yet read as a whole.
        let names: Vec<Vec<_>> = KINDS.map(|kind| set.names_of(kind).map(str::to_owned).collect()).into();
        let notes: Vec<_> = set.notes().map(|note| note.to_string()).collect();
        let differences: Vec<_> = set.differences().iter().map(ToString::to_string).collect();
        (notes, differences, names)
    };
    assert_eq!(all(&load().expect("it was read before")), all(&whole), "{}", about());
    assert_eq!(all(&by_section), all(&whole), "{}", about());
    // What was read by section must also be in the whole, once that is read.
    for name in &names {
        let said = |set: &ProfileSet| set.get(name).map(said_of_section);
        assert_eq!(said(&by_section), said(&whole), "{name:?} of {}, read again", about());
    }
}
