//! IAM Identity Center (SSO): which login a profile uses, and which role it takes with it.
//!
//! The rules are those of the SDKs. A profile names an `[sso-session]` or, in the older form, has the start URL and the
//! region itself; in both forms it has an account and a role. Where the AWS CLI and the SDK for Rust differ (a URL both
//! in the profile and in its session), equal values are accepted and different ones are an error.

use std::fmt;

use super::endpoint::{Api, Caller, Service};
use super::error::{Origin, PlanError};
use super::sso_fault::SsoFault;
use super::{Ambient, PlanRequest};
use crate::names::{AccountId, Lifetime, NameError, Partition, ProfileName, Region};
use crate::profile::{Profile, ProfileSet, Property, Section, SectionKind};
use crate::secret::shown;

/// The scope that allows a login to obtain role credentials.
const USUAL_SCOPE: &str = "sso:account:access";
/// The longest name of a role, in characters.
const LONGEST_ROLE: usize = 64;

/// A role that a person takes with a login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SsoRole {
    /// The profile that names it.
    pub profile: ProfileName,
    /// `sso_account_id`
    pub account: AccountId,
    /// `sso_role_name`: the permission set.
    pub role: String,
    /// The login.
    pub session: SsoSession,
}

impl SsoRole {
    /// The longest session of a permission set.
    pub const LONGEST: Lifetime = Lifetime::from_secs(43_200);

    /// Could IAM give this name to a role?
    pub fn is_name(name: &str) -> bool {
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        !name.is_empty() && name.len() <= LONGEST_ROLE && name.chars().all(is_legal)
    }
}

/// A login at IAM Identity Center, which any number of profiles share.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SsoSession {
    /// The name of its `[sso-session]`; `None` for a profile in the older form.
    pub name: Option<String>,
    /// `sso_start_url`, as it is written.
    pub start_url: String,
    /// `sso_registration_scopes`, or the scope that role credentials need.
    pub scopes: Vec<String>,
    /// Where role credentials come from.
    pub portal: Service,
    /// Where tokens come from.
    pub oidc: Service,
}

impl SsoSession {
    /// The login that `[sso-session NAME]` describes, apart from any profile.
    ///
    /// # Errors There is no such section, or it lacks something.
    pub fn named(name: &str, set: &ProfileSet, request: &PlanRequest, ambient: &Ambient) -> Result<Self, PlanError> {
        let caller = Caller { set, profile: None, request, ambient };
        of_section(section(name, &|| Origin::Flag("--sso"), caller)?, caller)
    }

    /// The text whose SHA-1 names the token file that the AWS CLI and the SDKs share.
    pub fn token_key(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.start_url)
    }

    fn at(
        name: Option<String>,
        (start_url, region): (&Property<'_>, &Property<'_>),
        scopes: Option<Property<'_>>,
        caller: Caller<'_>,
    ) -> Result<Self, PlanError> {
        let region: Region = parsed(region)?;
        let service = |api| Service::of(api, Partition::of_region(&region), region.clone(), caller);
        let listed = scopes.map(Property::value).unwrap_or_default();
        let mut scopes: Vec<String> =
            listed.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        if scopes.is_empty() {
            scopes.push(USUAL_SCOPE.to_owned());
        }
        let start_url = start_url.value().into_owned();
        Ok(Self { name, start_url, scopes, portal: service(Api::Sso)?, oidc: service(Api::SsoOidc)? })
    }
}

impl fmt::Display for SsoSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "SSO session `{}`", shown::value("sso_session", name)),
            None => write!(f, "the SSO login at {}", shown::value("sso_start_url", &self.start_url)),
        }
    }
}

/// The role of a profile that signs in by SSO, because of `by`, one of its properties.
pub(super) fn role(profile: Profile<'_>, by: &Property<'_>, caller: Caller<'_>) -> Result<SsoRole, PlanError> {
    let session = session_of(profile, caller)?;
    let half = |has: &Property<'_>, missing| {
        let (origin, profile) = (Origin::of(has), profile.name().to_owned());
        Err(SsoFault::Half { origin, profile, missing }.into())
    };
    match (profile.filled("sso_account_id"), profile.filled("sso_role_name")) {
        (Some(account), Some(role)) => Ok(SsoRole {
            profile: ProfileName::new(profile.name()).expect("a section's name is not empty"),
            account: parsed(&account)?,
            role: role_name(&role)?,
            session,
        }),
        (Some(account), None) => half(&account, "sso_role_name"),
        (None, Some(role)) => half(&role, "sso_account_id"),
        (None, None) => Err(SsoFault::TokenOnly { origin: Origin::of(by), profile: profile.name().to_owned() }.into()),
    }
}

/// The login that a profile names or describes.
pub(super) fn session_of(profile: Profile<'_>, caller: Caller<'_>) -> Result<SsoSession, PlanError> {
    let Some(named) = profile.filled("sso_session") else { return described(profile, caller) };
    let section = section(&named.value(), &|| Origin::of(&named), caller)?;
    for key in ["sso_start_url", "sso_region"] {
        if let (Some(own), Some(its)) = (profile.filled(key), section.filled(key))
            && own.value() != its.value()
        {
            return Err(SsoFault::Differs { origin: Origin::of(&own), other: its.place() }.into());
        }
    }
    of_section(section, caller)
}

/// The older form: the profile has everything itself.
fn described(profile: Profile<'_>, caller: Caller<'_>) -> Result<SsoSession, PlanError> {
    let first = ["sso_start_url", "sso_account_id", "sso_role_name"].into_iter().find_map(|key| profile.filled(key));
    let needed = |key: &'static str| {
        profile.filled(key).ok_or_else(|| SsoFault::Half {
            origin: Origin::of(&first.expect("one of them made this an SSO profile")),
            profile: profile.name().to_owned(),
            missing: key,
        })
    };
    SsoSession::at(None, (&needed("sso_start_url")?, &needed("sso_region")?), None, caller)
}

fn section<'a>(name: &str, origin: &dyn Fn() -> Origin, caller: Caller<'a>) -> Result<Section<'a>, PlanError> {
    let Caller { set, request: PlanRequest { at_a_glance, .. }, .. } = caller;
    set.section(SectionKind::SsoSession, name).ok_or_else(|| {
        let similar = || set.nearest_of(SectionKind::SsoSession, name).into_iter().map(str::to_owned).collect();
        let nearest = if *at_a_glance { Vec::new() } else { similar() };
        SsoFault::NoSession { origin: origin(), session: name.to_owned(), nearest }.into()
    })
}

fn of_section(section: Section<'_>, caller: Caller<'_>) -> Result<SsoSession, PlanError> {
    let needed = |key| {
        let (place, session) = (section.place(), section.name().to_owned());
        section.filled(key).ok_or(SsoFault::Incomplete { place, session, missing: key })
    };
    let scopes = section.filled("sso_registration_scopes");
    let place = (&needed("sso_start_url")?, &needed("sso_region")?);
    SsoSession::at(Some(section.name().to_owned()), place, scopes, caller)
}

/// A name that IAM could give to a role.
fn role_name(property: &Property<'_>) -> Result<String, PlanError> {
    let name = property.value();
    if SsoRole::is_name(&name) {
        return Ok(name.into_owned());
    }
    Err(PlanError::Refused { origin: Origin::of(property), why: "is not the name of a role or a permission set" })
}

fn parsed<T: std::str::FromStr<Err = NameError>>(property: &Property<'_>) -> Result<T, PlanError> {
    property.value().parse().map_err(|why| PlanError::BadValue { origin: Origin::of(property), why })
}
