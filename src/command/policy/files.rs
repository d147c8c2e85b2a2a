//! Reads the files on the command line, and stdin.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::ANY_ACCOUNT;
use crate::error::Error;
use crate::host::Host;
use crate::names::Partition;
use crate::policy::source::{Here, Input, account_in, partition_in, read};
use crate::policy::{Document, PolicyKind};

/// The largest file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

pub(super) fn inputs(files: &[PathBuf], host: &Host<'_>) -> Result<Vec<Input>, Error> {
    files.iter().map(|file| input(file, host)).collect()
}

fn input(file: &Path, host: &Host<'_>) -> Result<Input, Error> {
    let name = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes).map(|_| bytes)
    } else {
        host.files.read(file).map(|bytes| bytes.expose().clone())
    };
    match bytes {
        Ok(bytes) => Ok(Input { name, bytes }),
        Err(source) => Err(Error::PolicyFile { name, source }),
    }
}

/// The values of pseudo parameters: the account and the partition from the options, else the first ones that a file
/// names.
pub(super) fn here(args: &crate::cli::CheckArgs, inputs: &[Input]) -> Here {
    let any = || ANY_ACCOUNT.parse().expect("twelve digits");
    Here {
        account: args.account.clone().or_else(|| account_in(inputs)).unwrap_or_else(any),
        partition: args.partition.or_else(|| partition_in(inputs)).unwrap_or(Partition::AWS),
    }
}

/// The documents of one kind, in whatever files contain them.
pub(super) fn load(files: &[PathBuf], kind: PolicyKind, host: &Host<'_>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    for file in files {
        let inputs = [input(file, host)?];
        let here = Here {
            account: account_in(&inputs).unwrap_or_else(|| ANY_ACCOUNT.parse().expect("twelve digits")),
            partition: partition_in(&inputs).unwrap_or(Partition::AWS),
        };
        let reading = read(&inputs, Some(kind), &here)?;
        let has_organization = reading.documents.iter().any(|document| document.kind == PolicyKind::Organization);
        let is_wanted = |document: &Document| match document.kind {
            PolicyKind::Trust => kind == PolicyKind::Trust,
            own => kind != PolicyKind::Trust && (!has_organization || own == PolicyKind::Organization),
        };
        documents.extend(reading.documents.into_iter().filter(is_wanted).map(|document| document.of_kind(kind)));
    }
    Ok(documents)
}
