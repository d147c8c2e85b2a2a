//! The person's browser: which command opens a page here, if any, and starting it.
//!
//! In: an address, which goes to the browser as one argument and through no shell. Out: whether all commands failed. The
//! browser outlives this process and takes no part in its terminal. What it opens or comes back to on this machine is in
//! `door.rs` and `handover.rs`.

pub(crate) mod door;
pub mod handover;
mod peer;
mod template;

use std::process::{Child, Command, Stdio};

use self::template::{Page, Template};
use crate::host::Env;
use crate::os::files::LIST_SEPARATOR;
use crate::os::processes::set_apart;
use crate::os::{KIND, Kind};

/// A list of commands, in order of preference.
const BROWSER: &str = "BROWSER";
/// Set in a Linux of Windows (WSL), whose browser is Windows's.
const WSL: &str = "WSL_DISTRO_NAME";
/// Set by sshd.
const REMOTE: [&str; 3] = ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"];
/// Set where programs can open windows.
const DISPLAYS: [&str; 3] = ["DISPLAY", "WAYLAND_DISPLAY", WSL];

/// The commands that can open a page here, the best first. There is at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Browser {
    commands: Vec<Template>,
}

/// A page that is being opened.
pub struct Opening<'b> {
    page: Page,
    rest: std::slice::Iter<'b, Template>,
    child: Option<Child>,
}

impl Browser {
    /// The browser; `None` where none could be seen, as over SSH or without a display. `$BROWSER` says that there is one.
    pub fn of(env: &dyn Env) -> Option<Self> {
        let named = env.var(BROWSER).unwrap_or_default();
        // An address in the command may contain the separator, so a command of our own form stands alone.
        let is_one = Template::names_the_address(&named);
        let lines = named.split(|c| c == LIST_SEPARATOR && !is_one);
        let mut commands: Vec<Template> = lines.filter_map(Template::parse).collect();
        if commands.is_empty() && !can_be_seen(env) {
            return None;
        }
        let usual = openers(env.os(WSL).is_some());
        commands.extend(usual.iter().map(|words| Template::of_words(words)));
        Some(Self { commands })
    }

    /// The browser that this command starts, and no other; `None` if it has no words or open quotes. `{url}` and `{profile}`
    /// are replaced in it.
    pub fn named(command: &str) -> Option<Self> {
        Some(Self { commands: vec![Template::parse(command)?] })
    }

    /// Starts to open an address.
    pub fn open(&self, url: &str) -> Opening<'_> {
        self.open_for("", url)
    }

    /// Starts to open an address that belongs to a profile.
    pub fn open_for(&self, profile: &str, url: &str) -> Opening<'_> {
        let page = Page { url: url.to_owned(), profile: profile.to_owned() };
        let mut opening = Opening { page, rest: self.commands.iter(), child: None };
        opening.start_next();
        opening
    }
}

/// Would the person who runs this see a window?
fn can_be_seen(env: &dyn Env) -> bool {
    let has_one_of = |names: [&str; 3]| names.iter().any(|name| env.os(name).is_some());
    let needs_display = KIND == Kind::Unix;
    !has_one_of(REMOTE) && (!needs_display || has_one_of(DISPLAYS))
}

/// The commands of this system.
fn openers(is_wsl: bool) -> &'static [&'static str] {
    match KIND {
        Kind::MacOs => &["open"],
        // Not `cmd /c start`: an address contains `&`.
        Kind::Windows => &["rundll32 url.dll,FileProtocolHandler"],
        Kind::Unix if is_wsl => &["wslview", "rundll32.exe url.dll,FileProtocolHandler", "xdg-open"],
        Kind::Unix => &["xdg-open", "gio open", "x-www-browser", "sensible-browser"],
    }
}

impl Opening<'_> {
    /// Has every command failed? One that still runs has not: it may be the browser itself.
    pub fn has_failed(&mut self) -> bool {
        while let Some(child) = &mut self.child {
            match child.try_wait() {
                Ok(Some(status)) if !status.success() => self.start_next(),
                _ => return false,
            }
        }
        true
    }

    fn start_next(&mut self) {
        self.child = self.rest.by_ref().find_map(|command| started(&command.filled(&self.page)?));
    }
}

fn started(words: &[String]) -> Option<Child> {
    let (program, arguments) = words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C here must not close the person's browser.
    set_apart(&mut command);
    command.spawn().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::collections::BTreeMap;
    use std::ffi::OsString;

    use super::{Browser, Page, Template};
    use crate::host::Env;

    struct Variables(BTreeMap<&'static str, &'static str>);

    impl Env for Variables {
        fn os(&self, name: &str) -> Option<OsString> {
            self.0.get(name).map(OsString::from)
        }
    }

    fn first(variables: &[(&'static str, &'static str)]) -> Option<String> {
        let page = Page { url: "URL".to_owned(), profile: String::new() };
        let browser = Browser::of(&Variables(variables.iter().copied().collect()))?;
        Some(browser.commands[0].filled(&page)?.join(" "))
    }

    #[test]
    fn a_browser_is_where_a_person_would_see_it() {
        for (variables, wanted) in [
            (&[][..], None),
            (&[("DISPLAY", ":0")], Some("xdg-open URL")),
            (&[("WAYLAND_DISPLAY", "wayland-0")], Some("xdg-open URL")),
            (&[("WSL_DISTRO_NAME", "Debian")], Some("wslview URL")),
            (&[("DISPLAY", ":0"), ("SSH_CONNECTION", "a b")], None),
            (&[("DISPLAY", "localhost:10.0"), ("SSH_TTY", "/dev/pts/1")], None),
            (&[("BROWSER", "firefox")], Some("firefox URL")),
            (&[("BROWSER", "code --open"), ("SSH_CLIENT", "a b")], Some("code --open URL")),
            (&[("BROWSER", "'my browser' --new %s:w3m")], Some("my browser --new URL")),
            (&[("BROWSER", ":: :")], None),
            (
                &[("BROWSER", "firefox ext+container:name={profile}&url={url}")],
                Some("firefox ext+container:name=&url=URL"),
            ),
        ] {
            assert_eq!(first(variables).as_deref(), wanted, "{variables:?}");
        }
    }

    #[test]
    fn the_next_command_is_tried_when_one_fails_and_the_address_is_one_argument() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, script) = (folder.path().join("seen"), folder.path().join("script"));
        std::fs::write(&script, format!("printf '%s\\n' \"$@\" > {}", path.display())).expect("it is written");
        let words = |line: &str| Template::of_words(line);
        let browser = Browser {
            commands: vec![
                words("/nonexistent/browser"),
                words("false"),
                words(&format!("sh {} x=%s", script.display())),
            ],
        };
        let url = "https://example.com/?a=1&b=$(touch x);'";
        let mut opening = browser.open(url);
        let seen = || std::fs::read_to_string(&path).unwrap_or_default();
        for _ in 0..500 {
            assert!(!opening.has_failed());
            if seen().ends_with('\n') {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(seen(), format!("x={url}\n"));
        let nothing = Browser { commands: vec![words("/nonexistent/browser")] };
        assert!(nothing.open(url).has_failed());
    }
}
