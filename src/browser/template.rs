//! A browser's command: the words that start it, with places for the address and the profile's name. No shell reads them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Every character except those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the address goes; without one of these, it is the last argument. `%s` is the place in `$BROWSER`.
const ADDRESS: [&str; 2] = ["{url}", "%s"];
/// Where the profile's name goes.
const PROFILE: &str = "{profile}";

/// The words of a command, of which there is at least one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Template(Vec<String>);

/// What the places are filled with.
#[derive(Clone, Debug)]
pub(super) struct Page {
    pub(super) url: String,
    /// Empty for a page that belongs to no profile.
    pub(super) profile: String,
}

impl Template {
    /// A command line in a shell's quoting; `None` if it has no words or open quotes.
    pub(super) fn parse(line: &str) -> Option<Self> {
        shlex::split(line).filter(|words| !words.is_empty()).map(Self)
    }

    /// A command without quotes.
    pub(super) fn of_words(line: &str) -> Self {
        Self(line.split(' ').map(str::to_owned).collect())
    }

    /// Does this line say where the address goes, in a way that `$BROWSER` has not?
    pub(super) fn names_the_address(line: &str) -> bool {
        line.contains(ADDRESS[0])
    }

    /// The program and its arguments for a page; `None` if a profile's name would be read as an option.
    pub(super) fn filled(&self, page: &Page) -> Option<Vec<String>> {
        let (program, arguments) = self.0.split_first()?;
        let mut words = vec![program.clone()];
        let mut has_address = false;
        for argument in arguments {
            let (word, is_here) = filled(argument, page);
            if word.starts_with('-') && !argument.starts_with('-') {
                return None;
            }
            has_address |= is_here;
            words.push(word);
        }
        if !has_address {
            words.push(page.url.clone());
        }
        Some(words)
    }
}

/// A word with its places filled, and whether one of them was the address's.
fn filled(word: &str, page: &Page) -> (String, bool) {
    let (mut out, mut rest, mut has_address) = (String::new(), word, false);
    while let Some((place, at)) = next(rest) {
        let value = if place == PROFILE { &page.profile } else { &page.url };
        has_address |= place != PROFILE;
        out.push_str(&rest[..at]);
        // In `ext+container:name=…&url=…` the value is a parameter of another address.
        if is_address(word) && out.ends_with('=') {
            out.extend(utf8_percent_encode(value, RESERVED));
        } else {
            out.push_str(value);
        }
        rest = &rest[at + place.len()..];
    }
    (out + rest, has_address)
}

/// The first place, and where it is.
fn next(text: &str) -> Option<(&'static str, usize)> {
    let places = ADDRESS.into_iter().chain([PROFILE]);
    places.filter_map(|place| Some((place, text.find(place)?))).min_by_key(|(_, at)| *at)
}

/// Does the word begin with a scheme?
fn is_address(word: &str) -> bool {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    word.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_legal)
    })
}

#[cfg(test)]
mod tests {
    use super::{Page, Template};

    fn filled(line: &str, profile: &str) -> Option<Vec<String>> {
        let page = Page { url: "http://127.0.0.1:1/a?b=c&d".to_owned(), profile: profile.to_owned() };
        Template::parse(line)?.filled(&page)
    }

    #[test]
    fn the_address_and_the_profile_go_where_the_command_has_them() {
        let url = "http://127.0.0.1:1/a?b=c&d";
        let encoded = "http%3A%2F%2F127.0.0.1%3A1%2Fa%3Fb%3Dc%26d";
        let container = format!("ext+container:name=my%20role&url={encoded}&color=red");
        for (line, wanted) in [
            ("firefox", vec!["firefox", url]),
            ("firefox --new-tab {url} --x", vec!["firefox", "--new-tab", url, "--x"]),
            ("w3m %s", vec!["w3m", url]),
            ("'my browser' --app={url}", vec!["my browser", &format!("--app={url}")]),
            ("x microsoft-edge:{url}", vec!["x", &format!("microsoft-edge:{url}")]),
            ("firefox 'ext+container:name={profile}&url={url}&color=red'", vec!["firefox", &container]),
            ("chromium '--profile-directory={profile}'", vec!["chromium", "--profile-directory=my role", url]),
            ("{url} x", vec!["{url}", "x", url]),
        ] {
            assert_eq!(filled(line, "my role").expect(line), wanted, "{line}");
        }
    }

    #[test]
    fn no_shell_reads_the_words_and_what_is_filled_in_has_no_places_or_options() {
        assert_eq!(filled("b {profile}", "a{url}$(x);`").expect("words")[1], "a{url}$(x);`");
        assert_eq!(filled("b {profile} {url}", "--renderer-cmd-prefix=x"), None);
        assert!(filled("b --name={profile}", "--x").is_some());
        for line in ["", "  ", "'open", "b \"x"] {
            assert_eq!(filled(line, "p"), None, "{line}");
        }
    }
}
