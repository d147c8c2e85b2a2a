//! Names, durations, the command line and `config.ini`: nothing panics, and an accepted value means what it says.
//!
//! The first byte of the input says what the rest is. A name that was accepted reads back from its own text to an equal
//! one and holds no character that could end a line, a header or a word.
#![no_main]

use std::ffi::OsString;
use std::fmt::{Debug, Display};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use mfa_cred::cli::{self, Global, Obtain};
use mfa_cred::host::{Env, Files, Folders};
use mfa_cred::names::{
    AccountId, ExternalId, Lifetime, MfaSerial, Partition, ProfileName, Region, RoleArn, SessionName, Tag,
};
use mfa_cred::output::Format;
use mfa_cred::secret::{Code, Secret};
use mfa_cred::names::variables;
use mfa_cred::settings::Settings;
use mfa_cred::shell::Shell;
use mfa_cred::vault::Store;

fuzz_target!(|input: &[u8]| {
    let Some((what, rest)) = input.split_first() else { return };
    let text = std::str::from_utf8(rest);
    match (what % 4, text) {
        (0, Ok(text)) => names(text),
        (1, Ok(text)) => lifetimes(text),
        (2, _) => settings(rest),
        (3, Ok(text)) => command_line(text),
        _ => {}
    }
});

fn names(text: &str) {
    read_back::<AccountId>(text);
    read_back::<Partition>(text);
    if let Some(serial) = read_back::<MfaSerial>(text) {
        assert!((9..=256).contains(&serial.as_str().len()));
        assert!(serial.as_str().ends_with(serial.device()));
        let _ = (serial.kind(), serial.partition(), serial.account());
    }
    if let Some(region) = read_back::<Region>(text) {
        let home = Partition::of_region(&region).default_region();
        assert_eq!(
            Partition::of_region(&home),
            Partition::of_region(&region),
            "a default region lies in its partition"
        );
    }
    if let Some(role) = read_back::<RoleArn>(text) {
        assert!(role.as_str().starts_with("arn:") && role.as_str().ends_with(text.rsplit(':').next().expect("a part")));
        assert!(!role.name().is_empty() && !role.name().contains('/'));
        assert!(role.as_str().contains(role.account().as_str()) && role.as_str().contains(role.partition().as_str()));
    }
    read_back::<SessionName>(text);
    read_back::<ExternalId>(text);
    let made = SessionName::for_user(text);
    assert_eq!(read_back::<SessionName>(made.as_str()), Some(made), "a name that was made is legal");
    if let Ok(tag) = text.parse::<Tag>() {
        assert_eq!(format!("{}={}", tag.key, tag.value), text);
        assert!(!text.chars().any(char::is_control));
    }
    if let Some(name) = ProfileName::new(text) {
        assert_eq!(name.as_str(), text);
    }
    if let Some(code) = Code::parse(text) {
        assert!(code.expose().len() == 6 && code.expose().bytes().all(|byte| byte.is_ascii_digit()));
        assert!(!format!("{code:?}").contains(code.expose()));
    }
    let _ = (Shell::of_program(text), text.parse::<Format>(), text.parse::<Store>());
}

/// What was accepted, once it is known that its text gives it again.
fn read_back<T: FromStr<Err: Debug> + Display + Debug + PartialEq>(text: &str) -> Option<T> {
    let name: T = text.parse().ok()?;
    let written = name.to_string();
    assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{written:?} could end a line or a header");
    assert_eq!(written.parse::<T>().expect("it reads back"), name);
    Some(name)
}

fn lifetimes(text: &str) {
    if let Ok(lifetime) = text.parse::<Lifetime>() {
        assert_eq!(lifetime.to_string().parse(), Ok(lifetime), "{text:?}");
        assert!(text.bytes().all(|byte| byte.is_ascii_digit() || b"hms".contains(&byte)));
    }
    if let Some(bytes) = text.as_bytes().first_chunk::<4>() {
        let lifetime = Lifetime::from_secs(u32::from_le_bytes(*bytes));
        assert_eq!(lifetime.to_string().parse(), Ok(lifetime));
    }
}

/// One file, and a folder to look for it in.
struct Home<'a>(&'a [u8]);

impl Files for Home<'_> {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        assert_eq!(path, Path::new("/config/mfa-cred/config.ini"), "no other file is read");
        Ok(Secret::new(self.0.to_vec()))
    }
}

/// Variables that all have one value.
struct Same<'a>(Option<&'a str>);

impl Env for Same<'_> {
    fn os(&self, name: &str) -> Option<OsString> {
        let value = self.0.filter(|value| !value.is_empty())?;
        (name.starts_with("MFA_CRED_") && name != variables::CONFIG_FILE).then(|| value.into())
    }
}

/// A `config.ini`, read under an environment without and with values of our variables: the file's first line.
fn settings(file: &[u8]) {
    let folders = Folders {
        home: Some(PathBuf::from("/home/alice")),
        config: Some(PathBuf::from("/config")),
        state: Some(PathBuf::from("/state")),
        data: Some(PathBuf::from("/data")),
    };
    let first = file.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    for env in [Same(None), Same(first)] {
        let settled = Settings::resolve(&Global::default(), &env, &Home(file), &folders);
        let error = match settled {
            Ok(settings) => match settings.how(&Obtain::default(), &env, &Home(file)) {
                Ok(_) => continue,
                Err(error) => error,
            },
            Err(error) => error,
        };
        assert!(!error.to_string().is_empty());
        let _ = Settings::voice(&Global::default(), &env);
    }
}

/// A line of words with line feeds between them.
fn command_line(text: &str) {
    let argv = ["mfa-cred"].into_iter().chain(text.split('\n')).map(OsString::from);
    match cli::parse(argv) {
        Ok(args) => assert!(!format!("{args:?}").is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
