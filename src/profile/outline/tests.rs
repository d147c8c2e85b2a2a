//! Which files have an outline, and that reading with it loses nothing.

use std::io;
use std::path::Path;

use super::{MOST, Outlines, outline};
use crate::host::Files;
use crate::profile::oracle::agree;
use crate::profile::{ProfileSet, SectionKind, WhichFile};
use crate::secret::Secret;

/// An ordinary file has an outline; anything unusual has none and is read as a whole.
#[test]
fn only_plain_files_are_outlined() {
    use WhichFile::{Config, Credentials};
    for (origin, text, starts) in [
        (Config, "", Some(&[][..])),
        (Config, "\n# c\n; c\r\n\r\n \t\n", Some(&[])),
        (Config, "[default]", Some(&[0])),
        (Config, "[default]\nk = v\n\n[profile a]\r\nk=v\r\n", Some(&[0, 17])),
        (
            Config,
            "[profile a]\ns3 =\n  a = b\n\n\tc=d\n[sso-session b]\n[services c]\n[plugins]\n",
            Some(&[0, 31, 47, 60]),
        ),
        (Config, "[profile a]\nk = v\n# c\n w = x # c\n", Some(&[0])),
        (Config, "[profile default]\nk = v\n", Some(&[0])),
        (Config, "[profile a]\nk k = v\n\u{fc}=\n", Some(&[0])),
        (Credentials, "[a]\nk = v\n[profile]\n[b-c/d.e%f@g:h+i_J9]", Some(&[0, 10, 20])),
        // Errors, which only a complete reading reports.
        (Config, "k = v\n", None),
        (Config, "[profile a]\nk\n", None),
        (Config, "[profile a]\nk", None),
        (Config, "[profile a]\n= v\n", None),
        (Config, "[profile a]\nk #= v\n", None),
        (Config, "[profile a]\ns3 =\n c\n", None),
        (Config, "[profile a]\ns3 =\n = c\n", None),
        (Config, "[profile a\n]\n", None),
        (Config, "[profile a", None),
        (Config, "[profile a]\r", None),
        (Config, "[profile a] k = v\n", None),
        (Config, "[profile a]\n\r\r\n", None),
        (Config, "[profile a]\nk = v\n \r", None),
        // Sections that are ignored, or that other tools read differently.
        (Config, "[a]\n", None),
        (Config, "[profile]\n", None),
        (Config, "[profile ]\n", None),
        (Config, "[profile a!]\n", None),
        (Config, "[Profile a]\n", None),
        (Config, "[plugins a]\n", None),
        (Config, "[profile \"a\"]\n", None),
        (Config, "[profile  a]\n", None),
        (Config, "[profile\ta]\n", None),
        (Config, "[ profile a]\n", None),
        (Config, "[profile a] # c\n", None),
        (Config, "[default]\n[profile default]\n", None),
        (Config, "[profile default]\n[profile a]\n[default]\n", None),
        (Config, "\u{feff}[default]\n", None),
        (Config, "[profile a]\n k = v\n", None),
        (Config, " [profile a]\n", None),
        (Config, " # c\n", None),
        (Credentials, "[]\n", None),
        (Credentials, "[two words]\n", None),
        (Credentials, "[profile a]\n", None),
        (Credentials, "[\u{fc}]\n", None),
    ] {
        assert_eq!(outline(origin, text.as_bytes()).as_deref(), starts, "{origin:?} {text:?}");
        agree(if origin == Config { text } else { "" }, if origin == Credentials { text } else { "" });
    }
}

/// Ordinary files are read in parts, so the comparison of the two readers is meaningful.
#[test]
fn a_section_is_read_without_the_others() {
    let config = "[default]\nregion = a\n[profile b]\nregion = c\n[profile default-b]\n[profile b]\nk = w\n";
    let credentials = "[b]\nk = v\n[B]\nk = x\n";
    agree(config, credentials);
    let texts = [config.as_bytes(), credentials.as_bytes()];
    let outlines = Outlines::of(texts).expect("they are plain");
    let part = |name| outlines.part(texts, SectionKind::Profile, name).expect("it is one of a few");
    assert_eq!((part("b").found.headers.len(), part("b").found.entries.len()), (3, 3));
    assert_eq!(part("absent").found.headers.len(), 0);
    for (name, wanted) in
        [("b", true), ("B", true), ("Default", true), ("default", false), ("DEFAULT-b", true), ("", false)]
    {
        assert_eq!(outlines.has_of_other_case(texts, name), wanted, "{name}");
    }
}

/// The text of a config file, and nothing in the credentials file.
struct Config(String);

impl Files for Config {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let is_config = path == Path::new("config");
        Ok(Secret::new(if is_config { self.0.clone().into_bytes() } else { Vec::new() }))
    }
}

#[test]
fn many_sections_are_read_as_a_whole_file() {
    let config: String = (0..3 * MOST).map(|n| format!("[profile p{n}]\nregion = r{n}\n")).collect();
    agree(&config, "");
    let set = ProfileSet::load(&Config(config), Path::new("config"), Path::new("credentials")).expect("plain");
    let region = |n: usize| set.get(&format!("p{n}")).expect("it is there").get("region").expect("it too");
    let first = region(0);
    assert!(set.outlines().is_some());
    (0..3 * MOST).for_each(|n| assert_eq!(region(n).value(), format!("r{n}")));
    assert!(set.outlines().is_none());
    assert_eq!(first.value(), "r0");
}
