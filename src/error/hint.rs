//! What to do about an error: one hint for one fault, whichever command met it.
//!
//! A command that a hint names runs as it is printed.

use super::Error;
use crate::code::CodeError;
use crate::disk::trust::Distrust;
use crate::execute::base::BaseError;
use crate::execute::{ExecuteError, StsError};
use crate::host::TerminalError;
use crate::iam::{DeviceError, IamError};
use crate::messages::ours;
use crate::names::ProfileName;
use crate::names::variables;
use crate::output::Format;
use crate::plan::{AssumeRole, Origin, PlanError, Step};
use crate::settings::SettingsError;
use crate::vault::VaultError;
use crate::vault::passphrase::PassphraseError;

/// The hint for an error of a command that was for this profile.
pub(super) fn of(error: &Error, profile: Option<&ProfileName>) -> Option<String> {
    match error {
        Error::Concerning(about) => of(&about.cause, Some(&about.profile)),
        Error::Plan(error) => plan_hint(error, profile),
        Error::Execute(error) => execute_hint(error, profile),
        Error::Device(DeviceError::Code(error)) if code_hint(error).is_some() => code_hint(error),
        Error::Device(
            DeviceError::Who(error)
            | DeviceError::Client(error)
            | DeviceError::Call { error: IamError::Call(error), .. },
        ) => call_hint(None, error, profile),
        Error::Device(error) => error.hint(profile),
        Error::Vault(error) => vault_hint(error),
        Error::Picker(error) => terminal_hint(error),
        Error::DeviceOrProfile { verb, word, .. } => {
            let command = ours(&format!("device {verb}"), Some(word));
            Some(format!("{command} takes it as the profile; a device can be named by its serial"))
        }
        Error::Inexpressible(_) => Some("`--format json` holds any value".to_owned()),
        Error::Untaken { profile, format } => Some(take(profile.as_ref(), *format)),
        Error::NoSegment => Some(format!("let its prompt run {}", ours("prompt", None))),
        Error::Settings(SettingsError::NoHome) => {
            Some("set HOME, or name the files with `--config-file` and `--credentials-file`".to_owned())
        }
        Error::Settings(SettingsError::Distrusted(Distrust::Open { path })) => {
            let path = path.to_string_lossy();
            Some(format!("`chmod go-w {}` closes it", shlex::try_quote(&path).unwrap_or_default()))
        }
        Error::Settings(SettingsError::Token) => {
            Some("`--mfa-token -` reads the code from stdin, which keeps it out of the process list".to_owned())
        }
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
            format!("name a device whose codes AWS takes: {}", usable.join(" or "))
        }
        PlanError::Fido { .. } => {
            let enroll = ours("device enroll", profile);
            format!(
                "register a TOTP device beside it ({enroll}), which is then named in `mfa_serial`; or sign in with \
                 `aws login` and use its `login_session` profile"
            )
        }
        PlanError::SerialCannotBeMet { .. } => {
            "take `mfa_serial` out, or let a profile with a user's access key be the source".to_owned()
        }
        PlanError::NoToken { origin } => {
            let (verb, key) = match origin {
                Origin::Variable(_) => ("export", variables::aws::SESSION_TOKEN),
                _ => ("copy", "aws_session_token"),
            };
            format!("{verb} the token as well, as `{key}`, or take the keys from where they came again")
        }
        PlanError::OwnExports { .. } => "take them out of this shell first: `eval $(mfa-cred unset)`".to_owned(),
        PlanError::IncludeProfile { .. } => "copy what it includes into the profile".to_owned(),
        PlanError::NoSource { .. } => {
            "add `source_profile = PROFILE` (whose keys sign) or `credential_source`".to_owned()
        }
        PlanError::InClear { .. } => {
            "use an `https://` address; where you trust the whole way there, put `allow_http = true` into mfa-cred's \
             own config.ini"
                .to_owned()
        }
        PlanError::TwoSources { .. } => "keep the one that is meant".to_owned(),
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
            Some("unlock or start that store, or let `--store auto` choose another".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Terminal(TerminalError::Absent | TerminalError::Background)) => {
            Some("run mfa-cred in a terminal once: the key is then unlocked for this login".to_owned())
        }
        VaultError::Passphrase(PassphraseError::Refused | PassphraseError::Damaged) => {
            Some(format!("{} forgets the passphrase, and all that it sealed", ours("clear --all", None)))
        }
        VaultError::Left { .. } => Some("run it again when that store works".to_owned()),
        _ => None,
    }
}

fn execute_hint(error: &ExecuteError, profile: Option<&ProfileName>) -> Option<String> {
    Some(match error {
        ExecuteError::Code(CodeError::NobodyToAsk(profile)) => {
            format!("run {} in a terminal", ours("login", Some(profile)))
        }
        ExecuteError::CanceledElsewhere(profile) => {
            format!("run {} when the code is at hand", ours("login", Some(profile)))
        }
        ExecuteError::Code(CodeError::Terminal(TerminalError::TimedOut(_))) => {
            let login = ours("login", profile);
            format!("sign in beforehand with {login}: an SDK waits for no more than a minute")
        }
        ExecuteError::Code(error) => return code_hint(error),
        ExecuteError::Vault(error) => return vault_hint(error),
        ExecuteError::Base(BaseError::Expired { origin, .. }) => match origin {
            Some(Origin::Variable(_)) => {
                "obtain new ones as these were obtained; where that variable is a leftover, unset it"
            }
            Some(_) => "sign in again with the tool that wrote them; where that line is a leftover, take it out",
            None => "sign in again as that program wants it; it must give credentials that still live",
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
        ExecuteError::Call { step, error, without_mfa, .. } => match (&**step, without_mfa) {
            (Step::AssumeRole(call), Some(user)) if is_denied(error) => denied_without_mfa(call, user),
            (step, _) => return call_hint(Some(step), error, profile),
        },
        ExecuteError::Client(error) => return call_hint(None, error, profile),
        _ => return None,
    })
}

/// The same for every command that asks for codes.
fn code_hint(error: &CodeError) -> Option<String> {
    Some(match error {
        CodeError::Terminal(error) => return terminal_hint(error),
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
        "`aws configure` writes an access key into ~/.aws/credentials; the end of {} shows what a role that wants MFA \
         looks like in ~/.aws/config",
        ours("--help", None)
    )
}

/// A hint for each of STS's refusals.
fn call_hint(step: Option<&Step>, error: &StsError, profile: Option<&ProfileName>) -> Option<String> {
    let code_of = || step.and_then(Step::needs_code_of);
    let StsError::Refused { code, message, ahead } = error else {
        return match error {
            StsError::Throttled if code_of().is_none() => Some("wait a moment".to_owned()),
            StsError::Throttled => {
                Some("wait a moment; a code that was sent is spent, so take the next one".to_owned())
            }
            StsError::Lost(_) | StsError::Unavailable(_) if code_of().is_some() => {
                Some("the code may be spent: wait for the device's next one".to_owned())
            }
            StsError::Unreadable | StsError::TooLong => {
                let spent = if code_of().is_some() { "; the code may be spent all the same" } else { "" };
                let what = "something between here and AWS answers in its place: a captive portal, or a proxy";
                Some(format!("{what}{spent}"))
            }
            StsError::Unreachable(obstacle) => Some(obstacle.hint().to_owned()),
            StsError::Over { .. } => {
                let what = "the endpoint's clock and the end that it gives do not agree: set the clock of what answers \
                            there, or see which endpoint the profile and the environment name";
                let spent = if code_of().is_some() { "; the code is spent" } else { "" };
                Some(format!("{what}{spent}"))
            }
            _ => None,
        };
    };
    Some(match (code.as_str(), step) {
        _ if error.is_wrong_code() => {
            let resync = ours("device resync", profile);
            format!("wait for the device's next code; where codes keep failing, the device has drifted: {resync}")
        }
        _ if error.is_wrong_serial() => {
            let serial = code_of().map(ToString::to_string).unwrap_or_default();
            let list = ours("device list", profile);
            format!("{serial} is not a device of this user, or not one with codes; {list} lists them")
        }
        ("AccessDenied", Some(Step::AssumeRole(call))) => denied_role(call),
        ("AccessDenied", Some(Step::SessionToken { .. })) if message.contains("session credentials") => {
            "the profile's access key is that of a session; only a user's own key gets another one".to_owned()
        }
        ("InvalidClientTokenId", _) => {
            "the access key was deleted or deactivated, or belongs to another partition".to_owned()
        }
        ("ExpiredToken" | "ExpiredTokenException", _) => "the session that signs is over: obtain a new one".to_owned(),
        _ if error.is_of_the_clock() => format!("this clock is {} s off AWS's: set it", ahead.abs()),
        ("SignatureDoesNotMatch", _) => "the secret access key was mistyped, or belongs to another key".to_owned(),
        ("ValidationError", Some(Step::AssumeRole(_))) if message.contains("DurationSeconds") => {
            "ask for less: roles allow an hour unless their maximum session duration says more".to_owned()
        }
        ("RegionDisabledException", _) => "STS is switched off in that region: name another with `--region`".to_owned(),
        ("PackedPolicyTooLarge", _) => "shorten the session policies and tags: together they are too large".to_owned(),
        ("MalformedPolicyDocument", _) => "the session policy is no valid IAM policy".to_owned(),
        _ => return None,
    })
}

fn is_denied(error: &StsError) -> bool {
    matches!(error, StsError::Refused { code, .. } if code == "AccessDenied")
}

/// What a trust policy may have missed.
fn denied_role(call: &AssumeRole) -> String {
    format!("{}. Where the MFA may be too old for the role, `--refresh` asks for a new code", forbidden(call))
}

/// The same without a code: the first thing to look at is whether the role demands one.
fn denied_without_mfa(call: &AssumeRole, user: &ProfileName) -> String {
    let (name, enroll) = (user.as_str(), ours("device enroll", Some(user)));
    format!(
        "no MFA was used, and the role may demand it: write `mfa_serial = auto` into profile `{name}`, or run {enroll} \
         where its user has no device yet. Otherwise {}",
        forbidden(call)
    )
}

/// What may forbid a role, and what was sent that may not please it.
fn forbidden(call: &AssumeRole) -> String {
    let sent = [
        ("an external id", call.external_id.is_some()),
        ("a session name", call.session_name.is_some()),
        ("a source identity (which needs `sts:SetSourceIdentity`)", call.source_identity.is_some()),
        ("tags (which need `sts:TagSession`)", !call.tags.is_empty()),
        ("a code", call.device.is_some()),
    ];
    let sent: Vec<&str> = sent.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect();
    let sent = if sent.is_empty() { "no external id and no tags".to_owned() } else { sent.join(", ") };
    format!("the role's trust policy, an own policy or the organization's forbids it; sent were {sent}")
}

/// How a shell takes what `env` prints.
fn take(profile: Option<&ProfileName>, format: Format) -> String {
    let word = |name: &str| if name == "-" { "-".to_owned() } else { argument(name) };
    let argument = profile.map(|name| format!(" {}", word(name.as_str()))).unwrap_or_default();
    let line = format.taking(&format!("mfa-cred{argument}"));
    format!(
        "`{line}` takes them into this shell; with the line of {} in its startup file, `mfa-cred{argument}` does so \
         by itself; `--format` prints them all the same",
        ours("init --help", None)
    )
}

/// A profile's name as an argument in a shell, for a command that a person copies.
fn argument(name: &str) -> String {
    let word = shlex::try_quote(name).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
    if name.starts_with('-') { format!("-- {word}") } else { word }
}
