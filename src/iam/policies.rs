//! Everything in IAM that says what a user may do: own policies, those of the groups, the permissions boundary.
//!
//! In: who signs, and a user's name. Out: documents as IAM holds them, each with a name that a person knows, and what
//! could not be read. A call that is denied ends nothing: whoever reads the result must take what is missing for
//! unknown. Nothing is judged or parsed here; `policy` does. What an organization's policies add, IAM does not tell.

use std::fmt;

use super::IamError;
use crate::secret::Credentials;

/// What applies to a user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applying {
    /// The user's ARN, with the path that only IAM knows; `None` where GetUser is denied.
    pub arn: Option<String>,
    /// What grants and denies: inline policies and managed ones, each once.
    pub identity: Vec<Document>,
    /// The permissions boundary, if there is one that could be read.
    pub boundary: Option<Document>,
    /// What could not be read.
    pub missing: Vec<Missing>,
}

/// A document, not read yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// `inline:NAME of user USER`, `inline:NAME of group GROUP`, or a managed policy's ARN.
    pub name: String,
    /// The text.
    pub text: Vec<u8>,
}

/// Something that somebody's policy kept from being read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// A document's name as in [`Document`], or a list: `the groups of user USER`.
    pub what: String,
    /// Is it the permissions boundary, and not what grants and denies?
    pub is_boundary: bool,
    /// `GetGroupPolicy`
    pub call: &'static str,
    /// AWS's refusal, which is always [`IamError::Denied`].
    pub error: IamError,
}

/// Why a user's policies could not be fetched at all.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{call}: {error}")]
pub struct FetchError {
    /// `GetUser`
    pub call: &'static str,
    /// Why it failed.
    pub error: IamError,
}

/// Who has policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holder<'a> {
    /// A user.
    User(&'a str),
    /// A group.
    Group(&'a str),
}

/// A user as IAM describes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Described {
    /// `arn:P:iam::ACCOUNT:user/PATH/NAME`
    pub arn: String,
    /// The managed policy that is the permissions boundary.
    pub boundary: Option<String>,
}

/// The calls of IAM that read policies.
pub trait PolicyReader {
    /// GetUser.
    fn describe(&self, signer: &Credentials, user: &str) -> Result<Described, IamError>;

    /// ListGroupsForUser, all pages: the names.
    fn groups(&self, signer: &Credentials, user: &str) -> Result<Vec<String>, IamError>;

    /// ListUserPolicies or ListGroupPolicies, all pages: the names of the inline policies.
    fn inline(&self, signer: &Credentials, of: Holder<'_>) -> Result<Vec<String>, IamError>;

    /// GetUserPolicy or GetGroupPolicy: the document.
    fn inline_text(&self, signer: &Credentials, of: Holder<'_>, name: &str) -> Result<Vec<u8>, IamError>;

    /// ListAttachedUserPolicies or ListAttachedGroupPolicies, all pages: the ARNs of the managed policies.
    fn attached(&self, signer: &Credentials, to: Holder<'_>) -> Result<Vec<String>, IamError>;

    /// GetPolicy: the version that applies.
    fn default_version(&self, signer: &Credentials, arn: &str) -> Result<String, IamError>;

    /// GetPolicyVersion: the document.
    fn version_text(&self, signer: &Credentials, arn: &str, version: &str) -> Result<Vec<u8>, IamError>;
}

/// Fetches everything that applies to a user.
///
/// # Errors
/// There is no such user, or a call failed otherwise than by a denial.
pub fn applying_to(user: &str, signer: &Credentials, iam: &dyn PolicyReader) -> Result<Applying, FetchError> {
    let mut fetch = Fetch { iam, signer, found: Applying::default() };
    let own = Holder::User(user);
    let boundary = format!("the permissions boundary of {own}");
    let described = fetch.unless_denied("GetUser", true, &boundary, iam.describe(signer, user))?;
    fetch.of_holder(own)?;
    let groups = iam.groups(signer, user);
    let groups = fetch.unless_denied("ListGroupsForUser", false, &format!("the groups of {own}"), groups)?;
    for group in groups.unwrap_or_default() {
        fetch.of_holder(Holder::Group(&group))?;
    }
    if let Some(arn) = described.as_ref().and_then(|described| described.boundary.as_ref()) {
        let known = fetch.found.identity.iter().find(|document| document.name == *arn).cloned();
        fetch.found.boundary = match known {
            None => fetch.managed(arn, true)?,
            known => known,
        };
    }
    fetch.found.arn = described.map(|described| described.arn);
    Ok(fetch.found)
}

/// A fetch under way.
struct Fetch<'a> {
    iam: &'a dyn PolicyReader,
    signer: &'a Credentials,
    found: Applying,
}

impl Fetch<'_> {
    fn of_holder(&mut self, holder: Holder<'_>) -> Result<(), FetchError> {
        let Self { iam, signer, .. } = *self;
        let (list, get, list_attached) = match holder {
            Holder::User(_) => ("ListUserPolicies", "GetUserPolicy", "ListAttachedUserPolicies"),
            Holder::Group(_) => ("ListGroupPolicies", "GetGroupPolicy", "ListAttachedGroupPolicies"),
        };
        let names =
            self.of_list(list, holder, &format!("the inline policies of {holder}"), iam.inline(signer, holder))?;
        for name in names {
            let (called, text) = (format!("inline:{name} of {holder}"), iam.inline_text(signer, holder, &name));
            if let Some(text) = self.unless_gone(get, false, &called, text)? {
                self.found.identity.push(Document { name: called, text });
            }
        }
        let list = format!("the policies attached to {holder}");
        for arn in self.of_list(list_attached, holder, &list, iam.attached(signer, holder))? {
            // A user and several groups may have the same.
            let is_known = self.found.identity.iter().any(|document| document.name == arn)
                || self.found.missing.iter().any(|missing| missing.what == arn);
            if !is_known {
                let document = self.managed(&arn, false)?;
                self.found.identity.extend(document);
            }
        }
        Ok(())
    }

    fn managed(&mut self, arn: &str, is_boundary: bool) -> Result<Option<Document>, FetchError> {
        let version = self.iam.default_version(self.signer, arn);
        let Some(version) = self.unless_gone("GetPolicy", is_boundary, arn, version)? else { return Ok(None) };
        let text = self.iam.version_text(self.signer, arn, &version);
        let text = self.unless_gone("GetPolicyVersion", is_boundary, arn, text)?;
        Ok(text.map(|text| Document { name: arn.to_owned(), text }))
    }

    /// A list; that of a group that was deleted meanwhile is empty, and a user must be there.
    fn of_list(
        &mut self,
        call: &'static str,
        holder: Holder<'_>,
        what: &str,
        list: Result<Vec<String>, IamError>,
    ) -> Result<Vec<String>, FetchError> {
        let list = match holder {
            Holder::User(_) => self.unless_denied(call, false, what, list),
            Holder::Group(_) => self.unless_gone(call, false, what, list),
        };
        Ok(list?.unwrap_or_default())
    }

    /// What was taken away since it was listed applies to nobody any more.
    fn unless_gone<T>(
        &mut self,
        call: &'static str,
        is_boundary: bool,
        what: &str,
        answer: Result<T, IamError>,
    ) -> Result<Option<T>, FetchError> {
        match answer {
            Err(IamError::Gone(_)) => Ok(None),
            answer => self.unless_denied(call, is_boundary, what, answer),
        }
    }

    fn unless_denied<T>(
        &mut self,
        call: &'static str,
        is_boundary: bool,
        what: &str,
        answer: Result<T, IamError>,
    ) -> Result<Option<T>, FetchError> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error @ IamError::Denied { .. }) => {
                self.found.missing.push(Missing { what: what.to_owned(), is_boundary, call, error });
                Ok(None)
            }
            Err(error) => Err(FetchError { call, error }),
        }
    }
}

impl fmt::Display for Holder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}
