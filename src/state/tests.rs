//! The state folder and its locks, in a real folder.

mod folders;
mod turns;

use tempfile::TempDir;

use super::Folder;

struct Home {
    _place: TempDir,
    folder: Folder,
}

impl Home {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&place.path().join("state"))).expect("it is made");
        Self { _place: place, folder }
    }
}
