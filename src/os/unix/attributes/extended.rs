//! Extended attributes: POSIX ACLs, security labels, and notes from users and programs.

use std::fs::File;
use std::io;

use rustix::fs::{XattrFlags, fgetxattr, fgetxattr_query, flistxattr, flistxattr_query, fremovexattr, fsetxattr};
use rustix::io::Errno;

use super::Lost;

/// The namespace of security modules, each of which labels new files itself.
const SECURITY: &str = "security.";
/// The kernel's digests of a file's text and attributes, which change with the text.
const OF_THE_TEXT: [&str; 2] = ["security.ima", "security.evm"];

pub(super) fn keep(old: &File, new: &File) -> Result<(), Lost> {
    let wanted = names(old).map_err(Lost::Unreadable)?;
    for name in names(new).map_err(Lost::Unreadable)? {
        // The folder's default ACL may have given the new file attributes that the old one never had.
        if !wanted.contains(&name) && !name.starts_with(SECURITY) {
            fremovexattr(new, &name).map_err(|error| lost(&name, error))?;
        }
    }
    for name in wanted.iter().filter(|name| !OF_THE_TEXT.contains(&name.as_str())) {
        let value = value(old, name).map_err(|error| lost(name, error))?;
        if self::value(new, name).ok().as_ref() != Some(&value) {
            fsetxattr(new, name, &value, XattrFlags::empty()).map_err(|error| lost(name, error))?;
        }
    }
    Ok(())
}

fn lost(name: &str, error: Errno) -> Lost {
    Lost::Attribute { name: name.to_owned(), source: error.into() }
}

/// The names of a file's attributes. Empty on a file system without attributes.
fn names(file: &File) -> io::Result<Vec<String>> {
    let read = || {
        let mut names = vec![0; flistxattr_query(file)?];
        let length = flistxattr(file, &mut names[..])?;
        names.truncate(length);
        Ok(names)
    };
    match read() {
        Ok(names) => {
            let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            names.map(|name| String::from_utf8(name.to_vec()).map_err(io::Error::other)).collect()
        }
        Err(Errno::NOTSUP) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn value(file: &File, name: &str) -> rustix::io::Result<Vec<u8>> {
    let mut value = vec![0; fgetxattr_query(file, name)?];
    let length = fgetxattr(file, name, &mut value[..])?;
    value.truncate(length);
    Ok(value)
}
