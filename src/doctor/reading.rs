//! Why a file cannot be read, and the command that changes that.

use std::fs;
use std::path::Path;

use crate::os::files;

/// A path, quoted for a shell.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| "FILE".to_owned(), std::borrow::Cow::into_owned)
}

/// Is it missing, or a regular file that this user can read?
pub(super) fn is_readable(file: &Path) -> bool {
    match fs::metadata(file) {
        Ok(found) => found.is_file() && files::may_read(file),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// What makes the file readable.
pub(super) fn repair(file: &Path) -> String {
    let mut folders: Vec<&Path> = file.ancestors().skip(1).filter(|folder| folder.is_absolute()).collect();
    folders.reverse();
    if let Some(folder) = folders.into_iter().find(|folder| folder.is_dir() && !files::may_enter(folder)) {
        let path = quoted(folder);
        return if files::is_ours(folder) { format!("`chmod u+rwx {path}`") } else { owned(&path) };
    }
    let path = quoted(file);
    match fs::metadata(file) {
        // Moving a device away would break the system.
        _ if file.starts_with("/dev") || file.starts_with("/proc") => "name a regular file instead".to_owned(),
        Ok(found) if !found.is_file() => {
            format!("`mv {path} {path}.old` moves it out of the way; then restore the file")
        }
        Ok(_) if !files::is_ours(file) => owned(&path),
        Ok(_) if !files::may_read(file) => format!("`chmod u+rw {path}`"),
        _ => "make it a regular file that you can read".to_owned(),
    }
}

fn owned(path: &str) -> String {
    format!("`sudo chown \"$(id -u)\" {path}`")
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::{is_readable, repair};

    #[test]
    fn the_repair_fits_what_keeps_a_file_from_being_read() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |name: &str| home.path().join(name);
        fs::create_dir(at("folder")).expect("made");
        fs::write(at("a file"), "").expect("written");
        fs::write(at("closed"), "").expect("written");
        fs::set_permissions(at("closed"), fs::Permissions::from_mode(0o000)).expect("ours");
        let shown = |name: &str| repair(&at(name)).replace(&home.path().display().to_string(), "~");
        assert_eq!(shown("folder"), "`mv ~/folder ~/folder.old` moves it out of the way; then restore the file");
        assert_eq!(repair(Path::new("/dev/null")), "name a regular file instead");
        assert!(is_readable(&at("a file")) && is_readable(&at("missing")) && !is_readable(&at("folder")));
        // The superuser can read it.
        if !rustix::process::geteuid().is_root() {
            assert_eq!(shown("closed"), "`chmod u+rw ~/closed`");
            assert!(!is_readable(&at("closed")));
            fs::set_permissions(at("folder"), fs::Permissions::from_mode(0o000)).expect("ours");
            assert_eq!(shown("folder/config"), "`chmod u+rwx ~/folder`");
        }
    }
}
