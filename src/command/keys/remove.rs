//! `mfa-cred keys remove PROFILE`: a sealed key is deleted here, and stays valid at AWS.

use super::KeysWork;
use crate::command::Done;
use crate::error::Error;
use crate::host::Usual;
use crate::iam::KeysError;
use crate::names::ProfileName;
use crate::safe::SafeError;

pub(super) fn run(work: &KeysWork<'_>, named: Option<ProfileName>) -> Result<Done, Error> {
    let profile = work.profile(named)?;
    remove(work, &profile).map_err(|error| Error::from(error).about(&profile))?;
    Ok(Done::Well)
}

fn remove(work: &KeysWork<'_>, profile: &ProfileName) -> Result<(), KeysError> {
    let id = match work.shelf()?.header(profile) {
        Ok(Some(header)) => Some(header.access_key_id),
        Ok(None) => return Err(SafeError::Missing(profile.clone()).into()),
        // It opens no more, and may be removed.
        Err(SafeError::Damaged { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let key = id.as_ref().map_or_else(|| "the damaged sealed access key".to_owned(), |id| format!("access key {id}"));
    let question = format!("Delete {key} of profile `{profile}`? Its secret cannot be recovered.");
    work.confirm(&question, Usual::No, "the removal must be confirmed")?;
    work.context.with_safe(|safe| safe.remove(profile))?;
    work.context.folder().into_iter().for_each(|folder| work.context.recall(folder));
    work.note(&format!("{profile}: deleted {key} from this machine"));
    if let Some(id) = id {
        work.context
            .settings
            .messages
            .hint(&format!("AWS still accepts it: `aws iam delete-access-key --access-key-id {id}` deletes it there"));
    }
    Ok(())
}
