//! A call of IAM's query protocol: a form with the action, the API version, and the parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The API version, the only one since 2010.
const VERSION: &str = "2010-05-08";

/// Every character except those that RFC 3986 calls unreserved; the query protocol escapes them.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call, ready to be signed. It borrows its values, which may include a code.
#[derive(Clone)]
pub(super) struct Call<'a> {
    action: &'static str,
    parameters: Vec<(&'static str, &'a str)>,
    is_repeatable: bool,
}

impl<'a> Call<'a> {
    /// A call that may be sent again when its answer is lost: it only reads, or it is idempotent.
    pub(super) fn repeatable(action: &'static str) -> Self {
        Self { action, parameters: Vec::new(), is_repeatable: true }
    }

    /// A call that is sent at most once.
    pub(super) fn once(action: &'static str) -> Self {
        Self { is_repeatable: false, ..Self::repeatable(action) }
    }

    /// The same call with a parameter.
    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        self.parameters.push((name, value));
        self
    }

    /// The same call, with a parameter if there is a value.
    pub(super) fn with_some(self, name: &'static str, value: Option<&'a str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// `GetUser`
    pub(super) fn action(&self) -> &'static str {
        self.action
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    /// The form. It may contain a code, so the caller sends it at once and keeps no copy.
    pub(super) fn form(&self) -> String {
        let parameters = self.parameters.iter().map(|(name, value)| {
            // Our own names need no escaping: they consist of letters and digits.
            format!("&{name}={}", utf8_percent_encode(value, RESERVED))
        });
        format!("Action={}&Version={VERSION}{}", self.action, parameters.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::Call;

    #[test]
    fn a_form_keeps_every_value_whole() {
        for (value, sent) in [
            ("alice", "alice"),
            ("a b", "a%20b"),
            ("a+b=c,d.e@f-g_h~", "a%2Bb%3Dc%2Cd.e%40f-g_h~"),
            ("&Action=DeleteUser", "%26Action%3DDeleteUser"),
            ("é\n", "%C3%A9%0A"),
            ("", ""),
        ] {
            let call = Call::once("GetUser").with("UserName", value).with_some("Marker", None);
            assert_eq!(call.form(), format!("Action=GetUser&Version=2010-05-08&UserName={sent}"));
        }
        assert!(Call::repeatable("GetUser").is_repeatable() && !Call::once("GetUser").is_repeatable());
    }
}
