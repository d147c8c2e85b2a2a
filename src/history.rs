//! Which profiles a person used, for `mfa-cred -` and for the picker, most used first.
//!
//! In: the state folder. Its file `history` has one line per use, newest last: a profile's name and nothing else, no
//! account, no time, no secret. Lines are appended, so that many shells can write at once and the warm path does not
//! rewrite the file. Profiles used by an SDK are not recorded, since the user did not choose them. Losing the file
//! loses only the order.

use std::collections::HashMap;

use crate::names::ProfileName;
use crate::state::Folder;

const FILE: &str = "history";
/// Above this the older half is dropped.
const LONGEST: u64 = 32 << 10;

/// Adds a use. A folder that takes none has no history.
pub fn note(folder: &Folder, profile: &ProfileName) {
    let name = profile.as_str();
    // A name in two lines would be two other names.
    if name.contains('\n') {
        return;
    }
    if folder.append(FILE, format!("{name}\n").as_bytes()).is_ok_and(|length| length > LONGEST) {
        let uses = History::read(folder).uses;
        let newer = uses[uses.len() / 2..].iter().map(|name| format!("{name}\n")).collect::<String>();
        let _ = folder.write("", FILE, newer.as_bytes());
    }
}

/// The uses that are remembered.
#[derive(Debug, Default)]
pub struct History {
    /// The oldest first.
    uses: Vec<String>,
}

impl History {
    /// What the folder remembers.
    pub fn read(folder: &Folder) -> Self {
        let text = folder.read(FILE).unwrap_or_default();
        Self { uses: String::from_utf8_lossy(&text).lines().map(str::to_owned).collect() }
    }

    /// The profile before this one: the last use of another than `held`, or, where the shell holds none, the last use.
    pub fn previous(&self, held: Option<&str>) -> Option<ProfileName> {
        let other = self.uses.iter().rev().find(|name| Some(name.as_str()) != held)?;
        ProfileName::new(other)
    }

    /// Brings the names that were used most to the front; of two that were used as often, the one used last. The others
    /// keep their order.
    pub fn sort<T>(&self, rows: &mut [T], name: impl Fn(&T) -> &str) {
        let mut uses: HashMap<&str, (usize, usize)> = HashMap::new();
        for (time, used) in self.uses.iter().enumerate() {
            let (count, last) = uses.entry(used).or_default();
            (*count, *last) = (*count + 1, time + 1);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(uses.get(name(row)).copied().unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::{FILE, History, LONGEST, note};
    use crate::names::ProfileName;
    use crate::state::Folder;

    fn of(uses: &[&str]) -> History {
        History { uses: uses.iter().map(|&name| name.to_owned()).collect() }
    }

    #[test]
    fn the_one_before() {
        for (uses, held, previous) in [
            (&[][..], None, None),
            (&["a"], None, Some("a")),
            (&["a"], Some("a"), None),
            (&["a", "b"], Some("b"), Some("a")),
            (&["a", "b", "b"], Some("b"), Some("a")),
            (&["a", "b"], Some("c"), Some("b")),
        ] {
            let found = of(uses).previous(held);
            assert_eq!(found.as_ref().map(ProfileName::as_str), previous, "{uses:?} {held:?}");
        }
    }

    #[test]
    fn most_used_first_and_of_two_the_last_used() {
        let mut names = ["never", "once", "twice", "also-twice", "nor-this"];
        of(&["twice", "also-twice", "once", "also-twice", "twice"]).sort(&mut names, |name| name);
        assert_eq!(names, ["twice", "also-twice", "once", "never", "nor-this"]);
    }

    #[test]
    fn it_is_kept_and_does_not_grow_for_ever() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&place.path().join("state"))).expect("a state folder");
        let name = |text: &str| ProfileName::new(text).expect("a name");
        for n in 0..5000 {
            note(&folder, &name(&format!("profile-{n}")));
        }
        note(&folder, &name("two\nlines"));
        let length = std::fs::metadata(folder.path().join(FILE)).expect("the file").len();
        assert!(length <= LONGEST, "{length}");
        assert_eq!(History::read(&folder).uses.last().map(String::as_str), Some("profile-4999"));
    }
}
