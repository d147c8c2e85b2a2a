//! What to do about an error: one hint for one fault, whichever command met it.
//!
//! A command that a hint names runs as it is printed.

mod sources;

use super::Error;
use crate::aws::{CallError, Obstacle};
use crate::code::CodeError;
use crate::console::ConsoleError;
use crate::disk::trust::Distrust;
use crate::execute::base::BaseError;
use crate::execute::{ExecuteError, StsError};
use crate::host::TerminalError;
use crate::iam::{DeviceError, IamError, damaged_key_hint, safe_hint};
use crate::messages::{aws_login, ours};
use crate::names::ProfileName;
use crate::names::variables;
use crate::output::Format;
use crate::plan::{AssumeRole, Origin, PlanError, SsoFault, SsoSession, Step};
use crate::settings::SettingsError;
use crate::sso::login::LoginError;
use crate::sso::oidc::TokenError;
use crate::sso::turn::TurnError;
use crate::vault::VaultError;
use crate::vault::passphrase::PassphraseError;

/// The hint for an error of a command that was for this profile.
pub(super) fn of(error: &Error, profile: Option<&ProfileName>) -> Option<String> {
    match error {
        Error::Concerning(about) => of(&about.cause, Some(&about.profile)),
        Error::Plan(error) => plan_hint(error, profile),
        Error::Execute(error) => execute_hint(error, profile),
        Error::Device(DeviceError::Code(error)) if code_hint(error, profile).is_some() => code_hint(error, profile),
        Error::Device(
            DeviceError::Who(error)
            | DeviceError::Client(error)
            | DeviceError::Call { error: IamError::Call(error), .. },
        ) => call_hint(None, error, profile),
        Error::Device(DeviceError::Safe(error)) => safe_hint(error, profile),
        Error::Device(error) => error.hint(profile),
        Error::Keys(error) => error.hint(),
        Error::Setup(error) => error.hint(),
        Error::SignOut(error) => error.hint(),
        Error::Wire(error) => error.hint(),
        Error::Serve(error) => error.hint(),
        Error::Console(ConsoleError::Call(error)) if !matches!(error, CallError::Refused { .. }) => {
            call_hint(None, error, profile)
        }
        Error::Console(error) => error.hint(profile),
        Error::SsoSignIn { session, why } => sign_in_hint(session, why, profile),
        Error::Vault(error) => vault_hint(error),
        Error::Picker(error) => terminal_hint(error),
        Error::DeviceOrProfile { verb, word, .. } => {
            let command = ours(&format!("device {verb}"), Some(word));
            Some(format!("{command} uses it as the profile; name a device by its serial"))
        }
        Error::Inexpressible(_) => Some("`--format json` can hold any value".to_owned()),
        Error::Untaken { profile, is_by_name, format } => Some(take(profile.as_ref(), *is_by_name, *format)),
        Error::NoRenewal => Some("a profile that `wire` adds lets SDKs renew their credentials themselves".to_owned()),
        Error::NoSegment => Some(format!("call {} in its prompt", ours("prompt", None))),
        Error::Settings(SettingsError::NoHome) => {
            Some("set HOME, or name the files with `--config-file` and `--credentials-file`".to_owned())
        }
        Error::Settings(SettingsError::Distrusted(Distrust::Open { path })) => {
            let path = path.to_string_lossy();
            Some(format!("run `chmod go-w {}`", shlex::try_quote(&path).unwrap_or_default()))
        }
        Error::Settings(SettingsError::Token) => {
            Some("`--mfa-token -` reads the code from stdin, which keeps it out of the process list".to_owned())
        }
        _ => None,
    }
}

fn sign_in_hint(session: &SsoSession, error: &TurnError, profile: Option<&ProfileName>) -> Option<String> {
    let again = || match (&session.name, profile) {
        (Some(name), None) => ours(&format!("login --sso {}", shlex::try_quote(name).unwrap_or_default()), None),
        (_, profile) => ours("login", profile),
    };
    match error {
        TurnError::NobodyToAsk => Some(format!("run {} in a terminal", again())),
        TurnError::CanceledElsewhere | TurnError::Login(LoginError::TimedOut(_)) => {
            Some(format!("{} starts a new one", again()))
        }
        TurnError::Login(
            LoginError::Register(CallError::Refused { .. })
            | LoginError::Start(TokenError::Call(CallError::Refused { .. }))
            | LoginError::Page(_),
        ) => Some("check `sso_start_url`, `sso_region` and `sso_registration_scopes`".to_owned()),
        TurnError::Login(
            LoginError::Register(error)
            | LoginError::Start(TokenError::Call(error))
            | LoginError::Exchange(TokenError::Call(error)),
        ) => call_hint(None, error, profile),
        _ => None,
    }
}

fn plan_hint(error: &PlanError, profile: Option<&ProfileName>) -> Option<String> {
    if let Some(hint) = overlooked_hint(error) {
        return Some(hint);
    }
    let did_you_mean = |names: &[String]| match names {
        [] => None,
        [one] => Some(format!("did you mean `{one}`?")),
        [most @ .., last] => Some(format!("did you mean `{}` or `{last}`?", most.join("`, `"))),
    };
    Some(match error {
        PlanError::UnknownProfile { likely, name, .. } => {
            let names_one = || {
                let first = if name.as_str() == "default" { "name a profile: " } else { "" };
                format!("{first}{} shows the profiles", ours("list", None))
            };
            return Some(did_you_mean(&likely.nearest).unwrap_or_else(names_one));
        }
        PlanError::NoProfiles { .. } => no_profiles_hint(),
        PlanError::UnknownSource { likely, .. } => return did_you_mean(&likely.nearest),
        PlanError::Fido { usable, .. } if !usable.is_empty() => {
            let usable: Vec<String> = usable.iter().map(|serial| format!("`mfa_serial = {serial}`")).collect();
            format!("use a device whose codes AWS accepts: {}", usable.join(" or "))
        }
        PlanError::Fido { .. } => {
            let enroll = ours("device enroll", profile);
            format!(
                "add a TOTP device ({enroll}), which also sets `mfa_serial`; or sign in with \
                 `aws login` and use its `login_session` profile"
            )
        }
        PlanError::SerialCannotBeMet { .. } => {
            "remove `mfa_serial`, or use a source profile that has a user's access key".to_owned()
        }
        PlanError::RootSession { profile, .. } => {
            format!("sign in as a user or a role: {}", aws_login(profile))
        }
        PlanError::NoToken { origin } => {
            let (verb, key) = match origin {
                Origin::Variable(_) => ("export", variables::aws::SESSION_TOKEN),
                _ => ("copy", "aws_session_token"),
            };
            format!("{verb} the token as well, as `{key}`, or get the keys from their source again")
        }
        PlanError::OwnExports { .. } => "remove them from this shell first: `eval $(mfa-cred unset)`".to_owned(),
        PlanError::IncludeProfile { profile, .. } => {
            format!("{} prints the lines to put in its place", ours("show", Some(profile)))
        }
        PlanError::NoSource { .. } => {
            "add `source_profile = PROFILE` (the profile whose keys sign) or `credential_source`".to_owned()
        }
        PlanError::InClear { .. } => {
            "use an `https://` address; if you trust the whole network path, set `allow_http = true` in mfa-cred's own config.ini"
                .to_owned()
        }
        PlanError::SealedKey { profile, .. } => return ProfileName::new(profile).map(|profile| damaged_key_hint(&profile)),
        PlanError::Sso(SsoFault::NoSession { nearest, .. }) => return did_you_mean(nearest),
        PlanError::Sso(SsoFault::TokenOnly { .. }) => {
            "add both to the profile; `aws configure sso` lists the accounts and roles of the login".to_owned()
        }
        PlanError::TwoSources { .. } => "keep only the one that you want".to_owned(),
        _ => return None,
    })
}

/// Sections that may have been meant and do not count.
fn overlooked_hint(error: &PlanError) -> Option<String> {
    let overlooked = match error {
        PlanError::UnknownProfile { likely, .. } | PlanError::UnknownSource { likely, .. } => &likely.overlooked[..],
        PlanError::AllIgnored { ignored, .. } => ignored,
        PlanError::NoSource { overlooked, .. }
        | PlanError::NoCredentials { overlooked, .. }
        | PlanError::EmptyHalf { overlooked, .. }
        | PlanError::HalfKey { overlooked, .. } => overlooked,
        _ => return None,
    };
    let all: Vec<String> = overlooked.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn vault_hint(error: &VaultError) -> Option<String> {
    match error {
        VaultError::Demanded { .. } => {
            Some("start or unlock that store, or use `--store auto` to choose another".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Terminal(TerminalError::Absent | TerminalError::Background)) => {
            Some("run mfa-cred once in a terminal: this unlocks the key for your login session".to_owned())
        }
        VaultError::Passphrase(PassphraseError::NoAnswer(_)) => {
            Some("run the command by hand: it must print the passphrase on one line, and exit with 0".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Refused | PassphraseError::WrongAnswer | PassphraseError::Damaged) => {
            Some(format!("{} discards the passphrase and everything sealed under it", ours("clear --all", None)))
        }
        VaultError::Left { .. } => Some("run the command again when that store works".to_owned()),
        _ => None,
    }
}

fn execute_hint(error: &ExecuteError, profile: Option<&ProfileName>) -> Option<String> {
    Some(match error {
        ExecuteError::Code(CodeError::NobodyToAsk(profile)) => {
            format!("run {} in a terminal", ours("login", Some(profile)))
        }
        ExecuteError::CanceledElsewhere(profile) => {
            format!("run {} when you have the code", ours("login", Some(profile)))
        }
        ExecuteError::Code(CodeError::Terminal(TerminalError::TimedOut(_))) => {
            let login = ours("login", profile);
            format!("sign in first with {login}: an SDK waits for one minute at most")
        }
        ExecuteError::Code(CodeError::Terminal(TerminalError::Program { .. })) => {
            format!("check that setting in mfa-cred's own config.ini, or run {} in a terminal", ours("login", profile))
        }
        ExecuteError::Code(error) => return code_hint(error, profile),
        ExecuteError::Vault(error) => return vault_hint(error),
        ExecuteError::Base(BaseError::Sealed(error)) => return safe_hint(error, profile),
        ExecuteError::Base(BaseError::SignIn(error)) => return sources::sign_in(error),
        ExecuteError::Base(BaseError::Sso(error)) => return sources::sso(error, profile),
        ExecuteError::Base(BaseError::Token { path, why, .. }) => return sources::token_file(path, why),
        ExecuteError::Base(BaseError::Expired { origin, .. }) => match origin {
            Some(Origin::Variable(_)) => "obtain new ones the same way; if that variable is a leftover, unset it",
            Some(_) => "sign in again with the tool that wrote them; if that line is a leftover, delete it",
            None => "sign in again the way that program expects; it must return credentials that have not expired",
        }
        .to_owned(),
        ExecuteError::Base(
            BaseError::Provider { .. }
            | BaseError::NoToken { .. }
            | BaseError::Unsendable { .. }
            | BaseError::Process { .. },
        ) => {
            format!("{} shows where it comes from", ours("show", profile))
        }
        ExecuteError::Call { step, error, without_mfa, signed_in, takes_code, .. } => {
            match (&**step, without_mfa, signed_in) {
                (Step::AssumeRole(call), Some(user), _) if is_denied(error) => denied_without_mfa(call, user),
                (Step::AssumeRole(call), _, Some(profile)) if is_denied(error) => denied_to_a_sign_in(call, profile),
                (Step::AssumeRole(call), ..) if is_denied(error) && !takes_code => forbidden(call),
                (step, ..) => return call_hint(Some(step), error, profile),
            }
        }
        ExecuteError::Client(error) => return call_hint(None, error, profile),
        _ => return None,
    })
}

/// The same for every command that asks for codes.
fn code_hint(error: &CodeError, profile: Option<&ProfileName>) -> Option<String> {
    Some(match error {
        CodeError::Terminal(error) => return terminal_hint(error),
        CodeError::Seed(error) => return safe_hint(error, profile),
        CodeError::Process { .. } => "run the command by hand: it must print six digits and nothing else".to_owned(),
        _ => return None,
    })
}

fn terminal_hint(error: &TerminalError) -> Option<String> {
    matches!(error, TerminalError::Background).then(|| "bring it to the foreground".to_owned())
}

/// Where there is nothing yet, not even `default`.
fn no_profiles_hint() -> String {
    format!(
        "{} writes the first one, with your access key and MFA device; the end of {} shows a ~/.aws/config with a role that requires MFA",
        ours("setup", None),
        ours("--help", None)
    )
}

/// A hint for each of STS's refusals.
fn call_hint(step: Option<&Step>, error: &StsError, profile: Option<&ProfileName>) -> Option<String> {
    let code_of = || step.and_then(Step::needs_code_of);
    let StsError::Refused { code, message, ahead } = error else {
        return match error {
            StsError::Throttled if code_of().is_none() => Some("wait a moment and try again".to_owned()),
            StsError::Throttled => {
                Some("wait a moment; the code that was sent is spent, so use the next one".to_owned())
            }
            StsError::Lost(_) | StsError::Unavailable(_) if code_of().is_some() => {
                Some("the code may be spent: wait for the device's next one".to_owned())
            }
            StsError::Unreadable | StsError::TooLong => {
                let spent = if code_of().is_some() { "; the code may still have been spent" } else { "" };
                let what =
                    "something between this machine and AWS answered in its place, such as a captive portal or a proxy";
                Some(format!("{what}{spent}"))
            }
            StsError::Unreachable(obstacle) => Some(obstacle.hint().to_owned()),
            StsError::Over { .. } => {
                let what = "the endpoint's clock and the expiration that it returns do not agree: set that server's clock, or check \
                            which endpoint the profile and the environment name";
                let spent = if code_of().is_some() { "; the code is spent" } else { "" };
                Some(format!("{what}{spent}"))
            }
            StsError::Lost(_) => Some(Obstacle::Other.hint().to_owned()),
            _ => None,
        };
    };
    Some(match (code.as_str(), step) {
        _ if error.is_wrong_code() => {
            let resync = ours("device resync", profile);
            format!(
                "wait for the device's next code; if codes keep failing, the device's clock has drifted: run {resync}"
            )
        }
        _ if error.is_wrong_serial() => {
            let serial = code_of().map(ToString::to_string).unwrap_or_default();
            let list = ours("device list", profile);
            format!("{serial} is not an MFA device of this user, or has no codes; {list} lists the devices")
        }
        (code, Some(Step::WebIdentity(_))) if sources::web_identity(code, message, profile).is_some() => {
            return sources::web_identity(code, message, profile);
        }
        ("AccessDenied", Some(Step::AssumeRole(call))) => denied_role(call),
        ("AccessDenied", Some(Step::SessionToken { .. })) if message.contains("session credentials") => {
            "the profile's access key belongs to a session; GetSessionToken needs a long-term access key".to_owned()
        }
        ("InvalidClientTokenId", _) => {
            "the access key was deleted or deactivated, or belongs to another partition".to_owned()
        }
        ("ExpiredToken" | "ExpiredTokenException", _) => {
            "the session that signed the request has expired: obtain a new one".to_owned()
        }
        _ if error.is_of_the_clock() => format!("this machine's clock is {} s off: set it", ahead.abs()),
        ("SignatureDoesNotMatch", _) if message.contains("not yet current") || message.contains("expired") => {
            "the endpoint's `Date` header and its own clock do not agree: check what stands between here and AWS, or \
             which endpoint the profile and the environment name"
                .to_owned()
        }
        ("SignatureDoesNotMatch", _) => {
            "the secret access key is mistyped, or belongs to another access key ID".to_owned()
        }
        ("ValidationError", Some(Step::AssumeRole(_) | Step::WebIdentity(_)))
            if message.contains("DurationSeconds") =>
        {
            "ask for a shorter duration: a role allows one hour unless its maximum session duration is longer"
                .to_owned()
        }
        ("RegionDisabledException", _) => "STS is not active in that region: choose another with `--region`".to_owned(),
        ("PackedPolicyTooLarge", _) => "shorten the session policies and tags: together they are too large".to_owned(),
        ("MalformedPolicyDocument", _) => "the session policy is not a valid IAM policy".to_owned(),
        _ => return None,
    })
}

fn is_denied(error: &StsError) -> bool {
    matches!(error, StsError::Refused { code, .. } if code == "AccessDenied")
}

/// What a trust policy may have missed.
fn denied_role(call: &AssumeRole) -> String {
    format!("{}. If the role limits the age of the MFA session, `--refresh` asks for a new code", forbidden(call))
}

/// The same without a code: the first thing to look at is whether the role demands one.
fn denied_without_mfa(call: &AssumeRole, user: &ProfileName) -> String {
    let (name, enroll) = (user.as_str(), ours("device enroll", Some(user)));
    format!(
        "no MFA was used, and the role may require it: set `mfa_serial = auto` in profile `{name}`, or run {enroll} if its user has no device yet. Otherwise, {}",
        forbidden(call)
    )
}

/// The same to a session of `aws login`, whose MFA was given, or not, when it was started.
fn denied_to_a_sign_in(call: &AssumeRole, profile: &ProfileName) -> String {
    let login = aws_login(profile);
    format!("{}. If the role requires MFA, sign in with MFA: {login}", forbidden(call))
}

/// What may forbid a role, and what was sent that may not please it.
fn forbidden(call: &AssumeRole) -> String {
    let sent = [
        ("an external ID", call.external_id.is_some()),
        ("a session name", call.session_name.is_some()),
        ("a source identity (which needs `sts:SetSourceIdentity`)", call.source_identity.is_some()),
        ("tags (which need `sts:TagSession`)", !call.tags.is_empty()),
        ("a code", call.device.is_some()),
    ];
    let sent: Vec<&str> = sent.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect();
    let sent = if sent.is_empty() { "no external ID and no tags".to_owned() } else { sent.join(", ") };
    format!("the role's trust policy, your policy or an SCP denies it; the request carried {sent}")
}

/// How a shell takes what `env` prints.
fn take(profile: Option<&ProfileName>, is_by_name: bool, format: Format) -> String {
    let word = |name: &str| if name == "-" { "-".to_owned() } else { argument(name) };
    let argument = profile.map(|name| format!(" {}", word(name.as_str()))).unwrap_or_default();
    let (option, them) = if is_by_name { (" --as-profile", "it") } else { ("", "them") };
    let argument = option.to_owned() + &argument;
    let line = format.taking(&format!("mfa-cred{argument}"));
    format!(
        "`{line}` sets {them} in this shell; with the line from {} in its startup file, `mfa-cred{argument}` alone does so; `--format` prints {them} anyway",
        ours("init --help", None)
    )
}

/// A profile's name as an argument in a shell, for a command that a person copies.
fn argument(name: &str) -> String {
    let word = shlex::try_quote(name).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
    if name.starts_with('-') { format!("-- {word}") } else { word }
}
