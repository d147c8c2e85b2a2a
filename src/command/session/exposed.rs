//! A warning, once a day, for an access key in a file that others can read.
//!
//! The check runs when a base is needed, which is when the keys are read, and never on the warm path. The state folder
//! records the day, separately for each file.

use std::path::Path;

use jiff::Timestamp;

use crate::messages::Messages;
use crate::names::digest::digest_name;
use crate::os::files::is_readable_by_others;
use crate::profile::ProfileSet;
use crate::state::Folder;

const DAY: i64 = 24 * 3600;

pub(super) fn warn(set: &ProfileSet, folder: Option<&Folder>, messages: Messages, now: Timestamp) {
    for (path, presence) in set.sources() {
        if presence == crate::profile::Presence::Present
            && is_readable_by_others(path)
            && holds_a_key(set, path)
            && is_news(path, folder, now.as_second())
        {
            let shown = path.to_string_lossy();
            let quoted = shlex::try_quote(&shown).unwrap_or_default();
            messages.warn(&format!(
                "{shown} holds an access key, and other users of this machine can read it; run `chmod 600 {quoted}`"
            ));
        }
    }
}

fn holds_a_key(set: &ProfileSet, path: &Path) -> bool {
    let mut secrets = set.profiles().filter_map(|profile| profile.get("aws_secret_access_key"));
    secrets.any(|secret| &*secret.place().file == path)
}

/// Has the file not been reported within a day? If nothing can be recorded, the warning is repeated.
fn is_news(path: &Path, folder: Option<&Folder>, now: i64) -> bool {
    let Some(folder) = folder else { return true };
    let name = format!("warned-{}", digest_name(&path.to_string_lossy()));
    let said: Option<i64> = folder.read_text(&name).and_then(|text| text.trim_end().parse().ok());
    if said.is_some_and(|said| (0..DAY).contains(&(now - said))) {
        return false;
    }
    let _ = folder.write("", &name, format!("{now}\n").as_bytes());
    true
}
