//! Reads all policies of a user from IAM: the user's own, those of the groups, and the permissions boundary.
//!
//! In: the signer and a user's name. Out: the documents, each with a readable name, and the documents that could not be
//! read. A denied call does not stop the rest: the caller must treat what is missing as unknown. Nothing is evaluated
//! or parsed here; `policy` does that. IAM does not return an organization's policies.

use std::fmt;

use super::IamError;
use crate::secret::Credentials;

/// The policies that apply to a user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applying {
    /// The user's ARN with its path, which only IAM knows; `None` where GetUser is denied.
    pub arn: Option<String>,
    /// The identity-based policies, inline and managed, each once.
    pub identity: Vec<Document>,
    /// The permissions boundary, if the user has one and it could be read.
    pub boundary: Option<Document>,
    /// The documents and lists that could not be read.
    pub missing: Vec<Missing>,
}

/// An unparsed document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// `inline:NAME of user USER`, `inline:NAME of group GROUP`, or a managed policy's ARN.
    pub name: String,
    /// The JSON.
    pub text: Vec<u8>,
}

/// A document or list that the signer may not read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// A document's name as in [`Document`], or a list: `the groups of user USER`.
    pub what: String,
    /// Is it the permissions boundary, not an identity-based policy?
    pub is_boundary: bool,
    /// The API action, such as `GetGroupPolicy`.
    pub call: &'static str,
    /// Always [`IamError::Denied`].
    pub error: IamError,
}

/// Why a user's policies could not be fetched at all.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{call}: {error}")]
pub struct FetchError {
    /// The API action, such as `GetUser`.
    pub call: &'static str,
    /// The reason.
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
    /// The ARN of the managed policy that is the permissions boundary.
    pub boundary: Option<String>,
}

/// The IAM calls that read policies.
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

    /// GetPolicy: the default version.
    fn default_version(&self, signer: &Credentials, arn: &str) -> Result<String, IamError>;

    /// GetPolicyVersion: the document.
    fn version_text(&self, signer: &Credentials, arn: &str, version: &str) -> Result<Vec<u8>, IamError>;
}

/// Fetches everything that applies to a user.
///
/// # Errors
/// The user does not exist, or a call failed for a reason other than a denial.
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

/// Fetches the policies of a group. A group that does not exist has none.
///
/// # Errors
/// A call failed for a reason other than a denial.
pub fn applying_to_group(group: &str, signer: &Credentials, iam: &dyn PolicyReader) -> Result<Applying, FetchError> {
    let mut fetch = Fetch { iam, signer, found: Applying::default() };
    fetch.of_holder(Holder::Group(group))?;
    Ok(fetch.found)
}

/// A fetch in progress.
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
            // A user and several groups may share it.
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

    /// A list. If a group was deleted since it was listed, the list is empty; a user must exist.
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

    /// What was deleted since it was listed no longer applies.
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
