//! A file's attributes: owner, group, mode, ACL, extended attributes, SELinux label.
//!
//! Replacing a file creates a new file, and any attribute that is not copied is lost. Losing an ACL is worse than not
//! writing: the group bits of the mode are the ACL's mask, and without the ACL they open the file to the whole group.
//! So either everything is copied or the file is not replaced.

// Where rustix supports extended attributes. The ACLs of macOS are not extended attributes.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod extended;

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The attribute that could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// Only root may change a file's owner.
    #[error("cannot copy its owner or group")]
    Owner(#[source] io::Error),
    /// The permission bits.
    #[error("cannot copy its mode")]
    Mode(#[source] io::Error),
    /// An ACL or another extended attribute.
    #[error("cannot copy its `{name}`")]
    Attribute {
        /// The system's name for it, such as `system.posix_acl_access`.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// The attributes cannot be read.
    #[error("cannot read its attributes")]
    Unreadable(#[source] io::Error),
}

/// Copies all of `old`'s attributes to `new`.
///
/// # Errors
/// [`Lost`]
pub fn keep_attributes(old: &File, new: &File) -> Result<(), Lost> {
    let (found, ours) = (metadata(old)?, metadata(new)?);
    if (ours.uid(), ours.gid()) != (found.uid(), found.gid()) {
        std::os::unix::fs::fchown(new, Some(found.uid()), Some(found.gid())).map_err(Lost::Owner)?;
    }
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    extended::keep(old, new)?;
    // After the owner, since changing that may clear bits; and after the ACL, since the group bits are its mask.
    new.set_permissions(found.permissions()).map_err(Lost::Mode)
}

fn metadata(file: &File) -> Result<std::fs::Metadata, Lost> {
    file.metadata().map_err(Lost::Unreadable)
}
