//! The source chain: from a profile along `source_profile` to the base, collecting roles on the way.
//!
//! The base is never substituted: a source that cannot be resolved is an error. `[default]` and the environment are
//! used only if a profile says so.

use std::path::Path;

use super::endpoint::Caller;
use super::error::{Likely, Origin, PlanError};
use super::{Ambient, Base, Device, PlanRequest};
use super::{include, login, metadata, sso, web};
use crate::names::variables;
use crate::names::{AccountId, MfaSerial, Partition, ProfileName, RoleArn, is_access_key_id, is_temporary_key};
use crate::os::processes::words;
use crate::profile::{Overlooked, Presence, Profile, ProfileSet, Property, WhichFile};

/// The maximum number of profiles in a chain. Real chains have fewer than ten, and following a chain must end.
const MOST_PROFILES: usize = 64;

pub(super) const LOGIN_SESSION: &str = "login_session";

/// How many ignored sections an error lists if all sections are ignored: the rest are similar.
const MOST_TOLD: usize = 3;

/// The profiles from the requested one to the one with the base.
pub(super) struct Chain<'a> {
    /// In order; the requested profile comes first.
    pub(super) links: Vec<Profile<'a>>,
    /// The roles to assume, in the same order.
    pub(super) roles: Vec<RoleLink<'a>>,
    /// The base at the end of the chain.
    pub(super) base: Base,
}

/// A role, and the profile that names it.
pub(super) struct RoleLink<'a> {
    pub(super) profile: Profile<'a>,
    pub(super) role: RoleArn,
}

impl<'a> Chain<'a> {
    pub(super) fn walk(
        set: &'a ProfileSet,
        name: &ProfileName,
        request: &PlanRequest,
        ambient: &Ambient,
    ) -> Result<Self, PlanError> {
        let first = super::existing(set, name)?;
        let (mut links, mut roles) = (Vec::new(), Vec::new());
        let mut profile = first;
        loop {
            links.push(profile);
            if let Some(property) = include::of(profile) {
                let (origin, profile) = (origin(&property), profile_name(profile));
                return Err(PlanError::IncludeProfile { origin, profile });
            }
            let asked = links.len() == 1;
            // A source profile's own keys end the chain, even if it also names a role, as in the SDKs.
            if !asked && has_key(profile) {
                break;
            }
            let role = role_of(profile, request.role_arn.as_ref().filter(|_| asked))?;
            // It comes before every other source in the same profile, as in the SDKs.
            let is_replaced = asked && request.source_profile.is_some();
            if let Some(property) = profile.filled("web_identity_token_file").filter(|_| !is_replaced) {
                let Some((_, role)) = role else {
                    return Err(half(profile, &property, "web_identity_token_file", "role_arn"));
                };
                roles.push(RoleLink { profile, role });
                return Ok(Self { links, roles, base: web::of_profile(set, &property) });
            }
            let source = match request.source_profile.as_ref().filter(|_| asked) {
                Some(source) => Some((Origin::Flag("--source-profile"), source.to_string())),
                None => profile.filled("source_profile").map(|p| (origin(&p), p.value().into_owned())),
            };
            let named_source =
                profile.filled("credential_source").filter(|_| !asked || request.source_profile.is_none());
            if let (Some(_), Some(property)) = (&source, &named_source) {
                let profile = profile.name().to_owned();
                return Err(PlanError::TwoSources { origin: origin(property), profile });
            }
            let is_role = role.is_some();
            // Without a role, the SDKs sign in with it, even if the profile also has a source or keys.
            if sign_in(profile).is_some() && !is_role {
                match source {
                    Some((origin @ Origin::Flag(_), _)) => {
                        return Err(PlanError::NoRole { origin, profile: profile_name(profile) });
                    }
                    _ => break,
                }
            }
            if let Some((origin, role)) = role {
                // With `--role-arn`, a profile that has neither signs with its own credentials.
                let lends_itself = origin == Origin::Flag("--role-arn");
                if source.is_none() && named_source.is_none() && !lends_itself {
                    return Err(PlanError::NoSource {
                        origin,
                        profile: profile.name().to_owned(),
                        overlooked: profile.overlooked().into(),
                    });
                }
                roles.push(RoleLink { profile, role });
            }
            match source {
                // A profile that names itself signs with its own keys; without keys, that is the shortest cycle.
                Some((_, source)) if source == profile.name() && is_role && has_key(profile) => break,
                // It is never guessed whose credentials were meant.
                Some((origin @ Origin::Flag(_), _)) if !is_role && has_key(profile) => {
                    return Err(PlanError::NoRole { origin, profile: profile_name(profile) });
                }
                // Without a role, a profile's own keys are its credentials, whatever source it names.
                Some(_) if !is_role && has_key(profile) => break,
                Some(source) => profile = follow(set, &links, source, request)?,
                None => break,
            }
        }
        let met: Vec<&str> = links.iter().map(|link| link.name()).collect();
        let base = base_of(set, profile, (&met, !roles.is_empty()), (request, ambient))?;
        // AWS refuses roles to the root user, whatever a trust policy says.
        if let (Some(link), Base::Login(session)) = (roles.first(), &base)
            && session.is_root()
        {
            let of_profile = link.profile.filled("role_arn").filter(|_| request.role_arn.is_none());
            let origin = of_profile.map_or(Origin::Flag("--role-arn"), |property| origin(&property));
            return Err(PlanError::RootSession { origin, profile: session.profile.clone() });
        }
        Ok(Self { links, roles, base })
    }

    /// Sections that do not count but contain keys or a serial for one of these profiles. If no device was found, a
    /// profile whose name differs in case may have it.
    pub(super) fn overlooked(&self, set: &'a ProfileSet, has_no_device: bool) -> impl Iterator<Item = Overlooked> {
        let of = move |link: &Profile<'a>| {
            if has_no_device { set.mistaken_for(link.name()) } else { link.overlooked() }
        };
        let matters = move |section: &Overlooked| section.holds.serial || section.holds.keys && section.is_ignored();
        self.links.iter().flat_map(of).filter(matters)
    }

    /// The value of `key` in the profile, else the nearest one along its source chain.
    pub(super) fn nearest(&self, key: &str) -> Option<Property<'a>> {
        self.links.iter().find_map(|profile| profile.filled(key))
    }

    /// Where the profile says that codes come from a kept seed.
    pub(super) fn kept_seed(&self) -> Result<Option<Origin>, PlanError> {
        match self.nearest("mfa_source") {
            None => Ok(None),
            Some(property) if property.value() == "seed" => Ok(Some(origin(&property))),
            Some(property) => {
                let why = "has a value other than `seed`, the only one that is supported";
                Err(PlanError::Refused { origin: origin(&property), why })
            }
        }
    }

    /// The account of the base's credentials, as far as something says so that comes with them.
    pub(super) fn account(&self, ambient: &Ambient) -> Result<Option<AccountId>, PlanError> {
        match (&self.base, &ambient.account) {
            (Base::AccessKey { .. } | Base::SealedKey { .. } | Base::CredentialProcess { .. } | Base::Login(_), _) => {
                let property = self.links.last().and_then(|link| link.filled("aws_account_id"));
                Ok(property.map(|property| parse(&property)).transpose()?.or_else(|| self.base.account()))
            }
            (Base::Environment(_), Some(account)) => {
                let origin = Origin::Variable(variables::aws::ACCOUNT_ID);
                account.parse().map(Some).map_err(|why| PlanError::BadValue { origin, why })
            }
            _ => Ok(self.base.account()),
        }
    }

    /// The serial that means nothing to a session of `aws login`, which its sign-in has given whatever MFA there was.
    pub(super) fn skipped_serial(&self) -> Option<Origin> {
        let property = self.nearest("mfa_serial").filter(|_| matches!(self.base, Base::Login(_)))?;
        Some(origin(&property))
    }

    /// The user's MFA device.
    pub(super) fn device(&self, request: &PlanRequest) -> Result<Option<Device>, PlanError> {
        use crate::names::DeviceKind;
        if request.leaves_device_open || request.mfa_serial.is_none() && matches!(self.base, Base::Login(_)) {
            return Ok(None);
        }
        let is_role = self.base.kind() == super::BaseKind::RoleSession;
        let (origin, serial) = match (&request.mfa_serial, self.nearest("mfa_serial")) {
            (Some(serial), _) => (Origin::Flag("--mfa-serial"), serial.clone()),
            (None, None) => return Ok(None),
            (None, Some(property)) if property.value() == "auto" => {
                if is_role {
                    let (origin, base) = (origin(&property), self.base.to_string());
                    return Err(PlanError::SerialCannotBeMet { origin, device: Device::Auto, base });
                }
                return Ok(Some(Device::Auto));
            }
            (None, Some(property)) => (origin(&property), parse::<MfaSerial>(&property)?),
        };
        // An ARN with an unknown partition tells that the usual STS is the wrong one, but not which is the right one.
        if let (Some(arn), None) = (serial.as_str().strip_prefix("arn:"), serial.partition()) {
            let partition = arn.split(':').next().unwrap_or_default();
            partition.parse::<Partition>().map_err(|why| PlanError::BadValue { origin: origin.clone(), why })?;
        }
        if serial.kind() == DeviceKind::Fido {
            return Err(PlanError::Fido { origin, serial, usable: Vec::new() });
        }
        if is_role {
            let (device, base) = (Device::Named(serial), self.base.to_string());
            return Err(PlanError::SerialCannotBeMet { origin, device, base });
        }
        Ok(Some(Device::Named(serial)))
    }
}

/// The role that a profile names, or the one given in its place, and what names it.
fn role_of(profile: Profile<'_>, given: Option<&RoleArn>) -> Result<Option<(Origin, RoleArn)>, PlanError> {
    match given {
        Some(role) => Ok(Some((Origin::Flag("--role-arn"), role.clone()))),
        None => profile.filled("role_arn").map(|p| Ok((origin(&p), whole_arn(&p)?))).transpose(),
    }
}

fn follow<'a>(
    set: &'a ProfileSet,
    links: &[Profile<'a>],
    (origin, source): (Origin, String),
    request: &PlanRequest,
) -> Result<Profile<'a>, PlanError> {
    if let Some(start) = links.iter().position(|link| link.name() == source) {
        let circle = links[start..].iter().map(|link| link.name().to_owned());
        return Err(PlanError::Cycle(circle.chain([source]).collect()));
    }
    if links.len() >= MOST_PROFILES {
        return Err(PlanError::LongChain { origin, most: MOST_PROFILES });
    }
    let Some(profile) = set.get(&source) else {
        // This looks at all names, which would take quadratic time for callers that plan every profile.
        let likely = Box::new(if request.at_a_glance { Likely::default() } else { likely(set, &source) });
        return Err(PlanError::UnknownSource { origin, source_profile: source, likely });
    };
    Ok(profile)
}

/// The property by which a profile signs in through a browser, and how: the SDKs look at it before any key.
/// `sso_region` alone is not among them, since it does not say where credentials come from.
pub(super) fn sign_in(profile: Profile<'_>) -> Option<(Property<'_>, &'static str)> {
    const SSO: &str = "IAM Identity Center (SSO)";
    let keys = ["sso_session", "sso_start_url", "sso_account_id", "sso_role_name"].map(|key| (key, SSO));
    let mut keys = keys.into_iter().chain([(LOGIN_SESSION, "`aws login`")]);
    keys.find_map(|(key, what)| Some((profile.filled(key)?, what)))
}

/// The credentials that a profile's own properties give. The host's credentials, if a role names them, come first, as
/// in the AWS CLI and the SDKs; then the profile's keys, unless it is the requested profile and the SDKs would sign in
/// elsewhere.
fn base_of(
    set: &ProfileSet,
    profile: Profile<'_>,
    (met, for_a_role): (&[&str], bool),
    world: (&PlanRequest, &Ambient),
) -> Result<Base, PlanError> {
    let name = || profile_name(profile);
    let is_source = met.len() > 1;
    if let Some(property) = profile.filled("credential_source").filter(|_| for_a_role && !is_source) {
        return named_source(set, profile, &property, world);
    }
    let elsewhere = || sign_in(profile).map(|(property, _)| signed_in(set, profile, met[0], &property, world));
    if let Some(base) = elsewhere().filter(|_| !is_source) {
        return base;
    }
    if let Some(access_key_id) = access_key(profile)?.filter(|_| is_source || !process_first(profile)) {
        let is_session = profile.session_token().is_some();
        return Ok(Base::AccessKey { profile: name(), access_key_id, is_session });
    }
    if let Some(access_key_id) = sealed_key(profile)? {
        return Ok(Base::SealedKey { profile: name(), access_key_id });
    }
    if let Some(property) = profile.filled("credential_source") {
        return named_source(set, profile, &property, world);
    }
    if let Some(base) = elsewhere() {
        return base;
    }
    if let Some(property) = profile.filled("credential_process") {
        let command = property.value().into_owned();
        let origin = origin(&property);
        return match leads_back(set, &command, met) {
            Leads::Elsewhere => Ok(Base::CredentialProcess { profile: name(), command }),
            Leads::BackTo(profile) => Err(PlanError::ProcessLoop { origin, profile }),
            Leads::TooFar => Err(PlanError::LongChain { origin, most: MOST_PROFILES }),
            Leads::WhereTheShellSays => {
                let why = "starts mfa-cred without naming a profile, so it might start itself forever";
                Err(PlanError::Refused { origin, why })
            }
        };
    }
    Err(PlanError::NoCredentials {
        place: profile.place(),
        profile: profile.name().to_owned(),
        overlooked: set.mistaken_for(profile.name()).into(),
    })
}

/// A login through a browser. The requested profile configures the calls, whichever profile has the login.
fn signed_in(
    set: &ProfileSet,
    profile: Profile<'_>,
    requested: &str,
    property: &Property<'_>,
    (request, ambient): (&PlanRequest, &Ambient),
) -> Result<Base, PlanError> {
    let caller = Caller { set, profile: set.get(requested), request, ambient };
    if property.key() == LOGIN_SESSION {
        return Ok(Base::Login(Box::new(login::of_profile(profile, property, caller)?)));
    }
    Ok(Base::Sso(Box::new(sso::role(profile, property, caller)?)))
}

fn named_source(
    set: &ProfileSet,
    profile: Profile<'_>,
    property: &Property<'_>,
    (request, ambient): (&PlanRequest, &Ambient),
) -> Result<Base, PlanError> {
    let origin = origin(property);
    match property.value().as_ref() {
        "Environment" => {
            let keys = match (&ambient.keys, &ambient.web_identity) {
                // Keys first, as in the SDKs.
                (None, Some(token)) => return web::of_environment(set, token),
                _ if ambient.held.is_some() => return Err(PlanError::OwnExports { origin }),
                (keys, _) => keys.clone().ok_or(PlanError::NoAmbientKeys { origin })?,
            };
            legal_key(&keys.access_key_id, keys.is_session, &|| Origin::Variable(variables::aws::ACCESS_KEY_ID))?;
            Ok(Base::Environment(keys))
        }
        "Ec2InstanceMetadata" => metadata::instance(profile, (request, ambient)),
        "EcsContainer" => metadata::container((request, ambient)),
        _ => Err(PlanError::Refused { origin, why: "must be `Environment`, `Ec2InstanceMetadata` or `EcsContainer`" }),
    }
}

/// In the AWS CLI and the SDK for Rust, `credential_process` comes before keys in the config file; in the AWS CLI, keys
/// in the credentials file come before it.
fn process_first(profile: Profile<'_>) -> bool {
    let id = profile.filled("aws_access_key_id");
    profile.filled("credential_process").is_some() && id.is_some_and(|id| id.origin() == WhichFile::Config)
}

/// Has the profile an access key of its own, in the files or sealed? One whose file cannot be read counts: nothing else may
/// take its place.
pub(super) fn has_key(profile: Profile<'_>) -> bool {
    has_key_in_files(profile) || !matches!(profile.sealed_key(), Ok(None))
}

fn has_key_in_files(profile: Profile<'_>) -> bool {
    profile.filled("aws_access_key_id").is_some() || profile.filled("aws_secret_access_key").is_some()
}

/// The identifier of the profile's sealed key, unless a key in the files comes before it.
fn sealed_key(profile: Profile<'_>) -> Result<Option<String>, PlanError> {
    if has_key_in_files(profile) {
        return Ok(None);
    }
    profile.sealed_key().map_err(|why| PlanError::SealedKey { profile: profile.name().to_owned(), why })
}

/// The identifier of the profile's access key, if it has one. Half a key is an error rather than no key, since whatever
/// was used instead would not be what the user meant.
fn access_key(profile: Profile<'_>) -> Result<Option<String>, PlanError> {
    const ID: &str = "aws_access_key_id";
    const SECRET: &str = "aws_secret_access_key";
    for key in [ID, SECRET, "aws_session_token", "aws_security_token"] {
        if let Some(quoted) = profile.filled(key).filter(|property| is_quoted(&property.value())) {
            let why = "is in quotes, which count as part of the value in AWS files: write it without them";
            return Err(PlanError::Refused { origin: origin(&quoted), why });
        }
    }
    match (profile.filled(ID), profile.filled(SECRET)) {
        (Some(id), Some(_)) => {
            legal_key(&id.value(), profile.session_token().is_some(), &|| origin(&id))?;
            Ok(Some(id.value().into_owned()))
        }
        (Some(id), None) => Err(half(profile, &id, ID, SECRET)),
        (None, Some(secret)) => Err(half(profile, &secret, SECRET, ID)),
        (None, None) => Ok(None),
    }
}

/// The error for a property that is useless without another one, which is missing or empty.
fn half(profile: Profile<'_>, property: &Property<'_>, other: &'static str, missing: &'static str) -> PlanError {
    let (name, overlooked) = (profile.name().to_owned(), profile.overlooked().into());
    match profile.get(missing) {
        Some(empty) => PlanError::EmptyHalf { origin: origin(&empty), profile: name, other, overlooked },
        None => PlanError::HalfKey { origin: origin(property), profile: name, missing, overlooked },
    }
}

/// Nothing that AWS generates contains quotes, and no reader of the AWS files strips them: the text between them is not
/// what they would sign with.
fn is_quoted(value: &str) -> bool {
    let between = |quote| value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote);
    between('"') || between('\'')
}

/// A temporary key from AWS is useless without its token.
fn legal_key(id: &str, has_token: bool, origin: &dyn Fn() -> Origin) -> Result<(), PlanError> {
    if !is_access_key_id(id) {
        return Err(PlanError::Refused { origin: origin(), why: "is not an access key ID, which is one plain word" });
    }
    if !has_token && is_temporary_key(id) {
        return Err(PlanError::NoToken { origin: origin() });
    }
    Ok(())
}

/// Where a `credential_process` that starts mfa-cred leads.
enum Leads {
    /// To credentials, or to another program.
    Elsewhere,
    /// To a profile that the chain already contains.
    BackTo(String),
    /// Through more profiles than a chain may contain.
    TooFar,
    /// To whatever profile `AWS_PROFILE` and similar variables select when it runs.
    WhereTheShellSays,
}

/// Would this `credential_process` start mfa-cred for a profile that the chain already contains?
///
/// Such a command would start itself endlessly, adding a process each time. It is found by reading the command, without
/// running it, through as many profiles as necessary. Programs and variables before mfa-cred (`timeout 60`) are
/// skipped.
fn leads_back(set: &ProfileSet, command: &str, met: &[&str]) -> Leads {
    let mut met = met.to_vec();
    let mut profile = match started(set, command) {
        Ok(profile) => profile,
        Err(leads) => return leads,
    };
    loop {
        if met.contains(&profile.name()) {
            return Leads::BackTo(profile.name().to_owned());
        }
        if sign_in(profile).is_some() && profile.filled("role_arn").is_none() {
            return Leads::Elsewhere;
        }
        if has_key(profile) && !process_first(profile) || profile.filled("credential_source").is_some() {
            return Leads::Elsewhere;
        }
        if met.len() >= MOST_PROFILES {
            return Leads::TooFar;
        }
        met.push(profile.name());
        profile = match (profile.filled("source_profile"), profile.filled("credential_process")) {
            (Some(source), _) => match set.get(&source.value()) {
                Some(source) => source,
                None => return Leads::Elsewhere,
            },
            (None, Some(process)) => match started(set, &process.value()) {
                Ok(profile) => profile,
                Err(leads) => return leads,
            },
            (None, None) => return Leads::Elsewhere,
        };
    }
}

/// The profile for which a command line starts mfa-cred, or where else it leads.
fn started<'a>(set: &'a ProfileSet, command: &str) -> Result<Profile<'a>, Leads> {
    let is_us = |word: &String| {
        let file = word.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        file == "mfa-cred" || file == "mfa-cred.exe"
    };
    let words = words(command).unwrap_or_default();
    let mut arguments = words.iter().skip_while(|word| !is_us(word)).skip_while(|word| *word != "process");
    if arguments.next().is_none() {
        return Err(Leads::Elsewhere);
    }
    let arguments: Vec<&String> = arguments.collect();
    arguments.iter().find_map(|word| set.get(word)).ok_or_else(|| {
        let is_bare = arguments.iter().all(|word| word.starts_with('-'));
        if is_bare { Leads::WhereTheShellSays } else { Leads::Elsewhere }
    })
}

/// The profiles along a source chain, as far as it leads; none of them is checked.
pub(super) fn sources<'a>(set: &'a ProfileSet, first: Profile<'a>) -> Vec<Profile<'a>> {
    let mut links = vec![first];
    while let Some(last) = links.last().filter(|_| links.len() < MOST_PROFILES) {
        let ends = has_key(*last) && (links.len() > 1 || last.filled("role_arn").is_none());
        let source = last.filled("source_profile").filter(|_| !ends).and_then(|source| set.get(&source.value()));
        match source.filter(|source| links.iter().all(|link| link.name() != source.name())) {
            Some(source) => links.push(source),
            None => break,
        }
    }
    links
}

/// The error for a profile name that does not exist.
pub(super) fn unknown(set: &ProfileSet, name: &ProfileName) -> PlanError {
    let (name, files) = (name.clone(), set.sources().map(looked_at).to_vec());
    let likely = Box::new(likely(set, name.as_str()));
    if set.names().next().is_none() && likely.overlooked.is_empty() {
        let ignored: Vec<Overlooked> = set.meant_as_profiles().take(MOST_TOLD).collect();
        let is_empty = ignored.is_empty();
        return if is_empty {
            PlanError::NoProfiles { name, files }
        } else {
            PlanError::AllIgnored { name, files, ignored }
        };
    }
    PlanError::UnknownProfile { likely, name, files }
}

fn looked_at((path, presence): (&Path, Presence)) -> String {
    match presence {
        Presence::Present => path.display().to_string(),
        Presence::Missing => format!("{} (which does not exist)", path.display()),
    }
}

fn likely(set: &ProfileSet, name: &str) -> Likely {
    let nearest = set.nearest(name).into_iter().map(str::to_owned).collect();
    Likely { nearest, overlooked: set.mistaken_for(name) }
}

/// The role in a file must be a full ARN: the short forms are only for the command line, and no SDK reads them.
fn whole_arn(property: &Property<'_>) -> Result<RoleArn, PlanError> {
    let role = parse(property)?;
    if property.value().starts_with("arn:") {
        return Ok(role);
    }
    Err(PlanError::Refused { origin: origin(property), why: "is not a role ARN" })
}

pub(super) fn profile_name(profile: Profile<'_>) -> ProfileName {
    ProfileName::new(profile.name()).expect("a section's name is not empty")
}

pub(super) fn origin(property: &Property<'_>) -> Origin {
    Origin::of(property)
}

/// The value of the property, parsed as the given type.
pub(super) fn parse<T: std::str::FromStr<Err = crate::names::NameError>>(
    property: &Property<'_>,
) -> Result<T, PlanError> {
    property.value().parse().map_err(|why| PlanError::BadValue { origin: origin(property), why })
}
