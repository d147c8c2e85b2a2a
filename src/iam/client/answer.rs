//! Parses IAM's responses strictly: a response that is cut off, is not well-formed XML, belongs to another action, or
//! lacks what AWS always sends is not from AWS. Anything else in it is ignored, because AWS extends its responses.

use aws_smithy_types::base64;
use aws_smithy_types::error::ErrorMetadata;
use jiff::Timestamp;
use roxmltree::{Document, Node};

use crate::aws::CallError;
use crate::names::moment;
use crate::secret::Secret;

/// A value, or [`CallError::Unreadable`].
pub(super) type Read<T> = Result<T, CallError>;

/// The most attributes in a whole answer. AWS's have one, which names the API.
const MOST_ATTRIBUTES: usize = 16;

/// An element of an answer.
#[derive(Clone, Copy)]
pub(super) struct Element<'a>(Node<'a, 'a>);

/// Checks that the answer belongs to this action, and reads it.
pub(super) fn read<T>(body: &Secret<Vec<u8>>, action: &str, reader: &dyn Fn(Element<'_>) -> Read<T>) -> Read<T> {
    let text = std::str::from_utf8(body.expose()).map_err(|_| CallError::Unreadable)?;
    let document = parse(text).ok_or(CallError::Unreadable)?;
    let root = document.root_element();
    if root.tag_name().name().strip_suffix("Response") != Some(action) {
        return Err(CallError::Unreadable);
    }
    reader(Element(root))
}

/// Parses an answer, unless it has more attributes than any of AWS's: the parser compares each with all before it.
fn parse(text: &str) -> Option<Document<'_>> {
    let of_tag = |tag: &str| tag.split('>').next().unwrap_or_default().matches('=').count();
    let attributes: usize = text.split('<').skip(1).map(of_tag).sum();
    if attributes > MOST_ATTRIBUTES { None } else { Document::parse(text).ok() }
}

/// The code and message of an error; neither is present when the answer is not from AWS.
pub(super) fn refusal(body: &[u8]) -> ErrorMetadata {
    let read = || {
        let document = parse(std::str::from_utf8(body).ok()?)?;
        let root = Some(document.root_element()).filter(|root| root.has_tag_name_of("ErrorResponse"))?;
        let error = Element(root).child("Error").ok()?;
        let metadata = ErrorMetadata::builder().code(error.text("Code").ok()?);
        Some(metadata.message(error.text("Message").unwrap_or_default()).build())
    };
    read().unwrap_or_else(|| ErrorMetadata::builder().build())
}

impl<'a> Element<'a> {
    /// How long the whole answer is, in bytes.
    pub(super) fn length_of_answer(self) -> usize {
        self.0.document().input_text().len()
    }

    /// The required child of that name.
    pub(super) fn child(self, name: &str) -> Read<Self> {
        self.optional_child(name)?.ok_or(CallError::Unreadable)
    }

    /// The optional child of that name. Two with the same name are an error.
    pub(super) fn optional_child(self, name: &str) -> Read<Option<Self>> {
        let mut named = self.0.children().filter(|child| child.has_tag_name_of(name));
        match (named.next(), named.next()) {
            (child, None) => Ok(child.map(Self)),
            (_, Some(_)) => Err(CallError::Unreadable),
        }
    }

    /// The text of the required child of that name; it may be empty.
    pub(super) fn text(self, name: &str) -> Read<&'a str> {
        self.child(name)?.own_text()
    }

    /// The text of the optional child of that name.
    fn optional_text(self, name: &str) -> Read<Option<&'a str>> {
        self.optional_child(name)?.map(Self::own_text).transpose()
    }

    /// The members of the required list of that name; it may be empty.
    pub(super) fn list(self, name: &str) -> Read<Vec<Self>> {
        let items = self.child(name)?.0.children().filter(Node::is_element);
        items
            .map(|item| if item.has_tag_name_of("member") { Ok(Self(item)) } else { Err(CallError::Unreadable) })
            .collect()
    }

    /// The members of the optional list of that name; a missing list is empty.
    pub(super) fn optional_list(self, name: &str) -> Read<Vec<Self>> {
        if self.optional_child(name)?.is_some() { self.list(name) } else { Ok(Vec::new()) }
    }

    /// The keys and values of the map of that name.
    pub(super) fn entries(self, name: &str) -> Read<Vec<(&'a str, &'a str)>> {
        let entries = self.child(name)?.0.children().filter(|child| child.has_tag_name_of("entry"));
        entries.map(|entry| Ok((Self(entry).text("key")?, Self(entry).text("value")?))).collect()
    }

    /// `true` or `false`, or `None` where it is absent.
    pub(super) fn optional_flag(self, name: &str) -> Read<Option<bool>> {
        match self.optional_text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(CallError::Unreadable),
        }
    }

    /// A time with a precision of seconds, or `None` where it is absent.
    pub(super) fn optional_time(self, name: &str) -> Read<Option<Timestamp>> {
        let second = |text| moment(text).and_then(|time| Timestamp::from_second(time.as_second()).ok());
        self.optional_text(name)?.map(|text| second(text).ok_or(CallError::Unreadable)).transpose()
    }

    /// A secret that is encoded as base64.
    pub(super) fn secret(self, name: &str) -> Read<Secret<String>> {
        let bytes = Secret::new(base64::decode(self.text(name)?).map_err(|_| CallError::Unreadable)?);
        std::str::from_utf8(bytes.expose()).map(Secret::from).map_err(|_| CallError::Unreadable)
    }

    /// The text of this element, which may contain nothing else.
    pub(super) fn own_text(self) -> Read<&'a str> {
        let mut children = self.0.children();
        match (children.next(), children.next()) {
            (None, _) => Ok(""),
            (Some(child), None) => child.text().filter(|_| child.is_text()).ok_or(CallError::Unreadable),
            _ => Err(CallError::Unreadable),
        }
    }
}

/// Names as in AWS's model; the namespace only identifies the API.
trait Named {
    fn has_tag_name_of(&self, name: &str) -> bool;
}

impl Named for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

#[cfg(test)]
mod tests {
    use super::{Element, Read, read, refusal};
    use crate::aws::CallError;
    use crate::secret::Secret;

    const NAMESPACE: &str = "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"";

    fn of<T>(inner: &str, reader: &dyn Fn(Element<'_>) -> Read<T>) -> Read<T> {
        let body = format!("<GetUserResponse {NAMESPACE}>{inner}</GetUserResponse>");
        read(&Secret::new(body.into_bytes()), "GetUser", reader)
    }

    #[test]
    fn an_incomplete_answer_or_one_to_another_action_is_refused() {
        let whole = format!("<GetUserResponse {NAMESPACE}><A>1</A></GetUserResponse>");
        let text =
            |body: &[u8]| read(&Secret::new(body.to_vec()), "GetUser", &|answer| answer.text("A").map(str::to_owned));
        assert_eq!(text(whole.as_bytes()).as_deref(), Ok("1"));
        for end in 0..whole.len() {
            assert_eq!(text(&whole.as_bytes()[..end]), Err(CallError::Unreadable), "{}", &whole[..end]);
        }
        for other in [
            "<GetGroupResponse><A>1</A></GetGroupResponse>",
            "<GetUser><A>1</A></GetUser>",
            "<GetUserResponse><A>1</A></GetUserResponse><x/>",
            "<GetUserResponse><A>1</B></GetUserResponse>",
            "<!DOCTYPE x [<!ENTITY a \"1\">]><GetUserResponse><A>&a;</A></GetUserResponse>",
            "<GetUserResponse><A>&a;</A></GetUserResponse>",
            "<html><body>Sign in to Wi-Fi</body></html>",
            "{\"A\": 1}",
        ] {
            assert_eq!(text(other.as_bytes()), Err(CallError::Unreadable), "{other}");
        }
        assert_eq!(text(b"<GetUserResponse><A>\xff</A></GetUserResponse>"), Err(CallError::Unreadable));
        // As deep as the limit of 1 MB allows.
        let deep = format!("<GetUserResponse>{}", "<a>".repeat(300_000));
        assert_eq!(text(deep.as_bytes()), Err(CallError::Unreadable));
    }

    #[test]
    fn an_answer_with_too_many_attributes_is_refused_at_once() {
        let many = |tag: &str, count: usize| (0..count).map(|at| tag.replace('#', &at.to_string())).collect::<String>();
        let flat = format!("<GetUserResponse{}/>", many(" a#=\"\"", 60_000));
        let namespaces = format!("<GetUserResponse{}/>", many(" xmlns:a#=\"x\"", 40_000));
        let nested = format!("<GetUserResponse>{}{}", many("<a xmlns:b#=\"x\">", 20_000), "</a>".repeat(20_000));
        let begun = std::time::Instant::now();
        for body in [flat, namespaces, nested + "</GetUserResponse>"] {
            let answer = read(&Secret::new(body.clone().into_bytes()), "GetUser", &|_| Ok(()));
            assert_eq!((answer, refusal(body.as_bytes()).code()), (Err(CallError::Unreadable), None));
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn text_is_kept_as_it_is() {
        for (inner, kept) in [
            ("<A>a b</A>", Ok("a b")),
            ("<A> a\n</A>", Ok(" a\n")),
            ("<A>&lt;&amp;&#233;</A>", Ok("<&é")),
            ("<A><![CDATA[<b>]]></A>", Ok("<b>")),
            ("<A/>", Ok("")),
            ("<New>1</New><A>1</A>", Ok("1")),
            ("", Err(())),
            ("<A>1</A><A>2</A>", Err(())),
            ("<A>1<B/></A>", Err(())),
            ("<A>1<!-- -->2</A>", Err(())),
            ("<B><A>1</A></B>", Err(())),
        ] {
            let text = of(inner, &|answer| answer.text("A").map(str::to_owned));
            assert_eq!(text.as_deref().map_err(drop), kept, "{inner}");
        }
    }

    #[test]
    fn lists_flags_times_and_secrets() {
        let list = |inner| {
            of(inner, &|answer| {
                answer
                    .list("L")?
                    .into_iter()
                    .map(Element::own_text)
                    .map(|text| text.map(str::to_owned))
                    .collect::<Read<Vec<_>>>()
            })
        };
        assert_eq!(list("<L/>"), Ok(vec![]));
        assert_eq!(list("<L>\n <member>1</member>\n <member/>\n</L>"), Ok(vec!["1".to_owned(), String::new()]));
        for inner in ["", "<L><item>1</item></L>", "<L/><L/>"] {
            assert_eq!(list(inner), Err(CallError::Unreadable), "{inner}");
        }
        for (said, flag) in [
            ("<F>true</F>", Ok(Some(true))),
            ("<F>false</F>", Ok(Some(false))),
            ("", Ok(None)),
            ("<F>yes</F>", Err(())),
        ] {
            assert_eq!(of(said, &|answer| answer.optional_flag("F")).map_err(drop), flag, "{said}");
        }
        for (said, second) in [
            ("<T>2026-11-27T03:00:01Z</T>", Ok(Some(1_795_748_401))),
            ("<T>2026-11-27T03:00:01.5+00:00</T>", Ok(Some(1_795_748_401))),
            ("", Ok(None)),
            ("<T>soon</T>", Err(())),
        ] {
            let time = of(said, &|answer| answer.optional_time("T"));
            assert_eq!(time.map(|time| time.map(jiff::Timestamp::as_second)).map_err(drop), second, "{said}");
        }
        let secret = |inner| of(inner, &|answer| answer.secret("S").map(|secret| secret.expose().clone()));
        assert_eq!(secret("<S>YWI=</S>").as_deref(), Ok("ab"));
        for inner in ["<S>no base64</S>", "<S>/w==</S>", ""] {
            assert_eq!(secret(inner), Err(CallError::Unreadable), "{inner}");
        }
    }

    #[test]
    fn a_refusal_has_awss_code_and_text_or_neither() {
        let error =
            "<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>No &lt;such&gt; user.</Message></Error>";
        for (body, code, message) in [
            (
                format!("<ErrorResponse {NAMESPACE}>{error}<RequestId>1</RequestId></ErrorResponse>"),
                Some("NoSuchEntity"),
                Some("No <such> user."),
            ),
            (
                "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>".to_owned(),
                Some("Throttling"),
                Some(""),
            ),
            (format!("<html>{error}</html>"), None, None),
            ("<ErrorResponse><Error><Message>no</Message></Error></ErrorResponse>".to_owned(), None, None),
            ("502 Bad Gateway".to_owned(), None, None),
            (String::new(), None, None),
        ] {
            let refused = refusal(body.as_bytes());
            assert_eq!((refused.code(), refused.message()), (code, message), "{body}");
        }
    }
}
