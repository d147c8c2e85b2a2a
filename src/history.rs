//! The profiles that a person has used, for `mfa-cred -` and for the picker, which lists the most used first.
//!
//! In: the state folder. Its file `history` has one line per use, the newest last: the profile's name and nothing else,
//! no account, no time, no secret. Lines are appended, so that many shells can write at once and the warm path does not
//! rewrite the file. Uses by an SDK are not recorded, since no person chose the profile. Losing the file costs the
//! order of the list, nothing else.

use std::collections::HashMap;

use crate::names::ProfileName;
use crate::state::Folder;

const FILE: &str = "history";
/// In bytes. A longer file loses its older half.
const LONGEST: u64 = 32 << 10;

/// Records a use. If the folder cannot be written, there is no history.
pub fn note(folder: &Folder, profile: &ProfileName) {
    let name = profile.as_str();
    // A name with a line feed would become two other names.
    if name.contains('\n') {
        return;
    }
    if folder.append(FILE, format!("{name}\n").as_bytes()).is_ok_and(|length| length > LONGEST) {
        let uses = History::read(folder).uses;
        let newer = uses[uses.len() / 2..].iter().map(|name| format!("{name}\n")).collect::<String>();
        let _ = folder.write("", FILE, newer.as_bytes());
    }
}

/// The recorded uses.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest first.
    uses: Vec<String>,
}

impl History {
    /// Reads the uses that the folder has recorded.
    pub fn read(folder: &Folder) -> Self {
        let text = folder.read(FILE).unwrap_or_default();
        Self { uses: String::from_utf8_lossy(&text).lines().map(str::to_owned).collect() }
    }

    /// The previous profile: the last one used other than `held`, or the last one used, if the shell holds none.
    pub fn previous(&self, held: Option<&str>) -> Option<ProfileName> {
        let other = self.uses.iter().rev().find(|name| Some(name.as_str()) != held)?;
        ProfileName::new(other)
    }

    /// Moves the names that were used most to the front; of two that were used equally often, the one used last comes
    /// first. The others keep their order.
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
    fn the_previous_profile() {
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
    fn most_used_first_and_then_last_used() {
        let mut names = ["never", "once", "twice", "also-twice", "nor-this"];
        of(&["twice", "also-twice", "once", "also-twice", "twice"]).sort(&mut names, |name| name);
        assert_eq!(names, ["twice", "also-twice", "once", "never", "nor-this"]);
    }

    #[test]
    fn the_history_is_saved_and_stays_small() {
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
