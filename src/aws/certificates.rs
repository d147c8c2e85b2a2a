//! The certificates in configured files and folders, as PEM in which every certificate is usable.
//!
//! Certificates that the TLS library cannot parse are left out, as are other contents: bundles have keys, comments and
//! the oddities of old authorities. A file or a list of folders without any usable certificate is an error.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use aws_smithy_types::base64;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::CallError;
use crate::host::read_regular;
use crate::secret::shown;

/// The certificates of a bundle.
///
/// # Errors It is not a regular file of at most 16 MB, or has no usable certificate.
pub(super) fn of_file(path: &Path) -> Result<Vec<u8>, CallError> {
    let found = read(path).map_err(|error| unusable("bundle", path, &error.to_string()))?;
    if found.is_empty() { Err(unusable("bundle", path, "it has no usable certificate")) } else { Ok(pem(&found)) }
}

/// The certificates of all files in these folders, which are separated as in `PATH`.
///
/// # Errors A folder cannot be read, or no file in any of them has a usable certificate.
pub(super) fn of_folders(paths: &Path) -> Result<Vec<u8>, CallError> {
    let mut found = BTreeSet::new();
    for folder in std::env::split_paths(paths).filter(|folder| !folder.as_os_str().is_empty()) {
        let entries = fs::read_dir(&folder).map_err(|error| unusable("folder", &folder, &error.to_string()))?;
        // A dangling link, a pipe or a private key beside the certificates is none of our business.
        found.extend(entries.flatten().filter_map(|entry| read(&entry.path()).ok()).flatten());
    }
    if found.is_empty() {
        return Err(unusable("folder", paths, "no file in it has a usable certificate"));
    }
    Ok(pem(&found))
}

fn read(path: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let bytes = read_regular(path)?;
    let is_usable = |certificate: &CertificateDer<'static>| RootCertStore::empty().add(certificate.clone()).is_ok();
    let certificates = CertificateDer::pem_slice_iter(bytes.expose()).flatten().filter(is_usable);
    Ok(certificates.map(|certificate| certificate.to_vec()).collect())
}

fn pem(certificates: &BTreeSet<Vec<u8>>) -> Vec<u8> {
    let one =
        |der: &Vec<u8>| format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64::encode(der));
    certificates.iter().map(one).collect::<String>().into_bytes()
}

fn unusable(kind: &str, path: &Path, why: &str) -> CallError {
    let path = path.display().to_string();
    CallError::Unusable(format!("the CA {kind} {}: {why}", shown::value("ca_bundle", &path)))
}
