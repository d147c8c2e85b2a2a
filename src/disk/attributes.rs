//! What a file is besides its text: owner, group, mode, ACL, extended attributes, SELinux label.
//!
//! A file that is replaced is a new file, and whatever it does not take over from the old one is lost. A lost ACL is
//! worse than a lost file: the group's bits of a mode are the mask of an ACL, and without the ACL they open the file to
//! the whole group. So it is all or nothing here.

// Where rustix knows extended attributes; the ACLs of macOS are none.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod extended;

use std::fs::File;
use std::io;

/// What could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Only root gives files away.
    #[error("it would not keep its owner or group")]
    Owner(#[source] io::Error),
    /// The mode.
    #[error("it would not keep its mode")]
    Mode(#[source] io::Error),
    /// An ACL or another extended attribute.
    #[error("it would not keep its `{name}`")]
    Attribute {
        /// As the system calls it, such as `system.posix_acl_access`.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// They cannot be read.
    #[error("its attributes cannot be read")]
    Unreadable(#[source] io::Error),
}

/// Gives `new` everything that `old` is, but its text.
#[cfg(unix)]
pub(super) fn keep(old: &File, new: &File) -> Result<(), Lost> {
    use std::os::unix::fs::MetadataExt;
    let (found, ours) = (metadata(old)?, metadata(new)?);
    if (ours.uid(), ours.gid()) != (found.uid(), found.gid()) {
        std::os::unix::fs::fchown(new, Some(found.uid()), Some(found.gid())).map_err(Lost::Owner)?;
    }
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    extended::keep(old, new)?;
    // After the owner, since a change of that may take bits away, and after the ACL, whose mask it is.
    new.set_permissions(found.permissions()).map_err(Lost::Mode)
}

#[cfg(unix)]
fn metadata(file: &File) -> Result<std::fs::Metadata, Lost> {
    file.metadata().map_err(Lost::Unreadable)
}

/// Windows gives a new file what its folder says, which is what it gave the old one.
#[cfg(not(unix))]
pub(super) fn keep(_: &File, _: &File) -> Result<(), Lost> {
    Ok(())
}
