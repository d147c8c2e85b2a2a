//! What AWS answers: the query protocol's XML, Identity Center's JSON, and refusals in AWS's own words. Pure.

use serde_json::{Value, json};

use super::random;

/// A service. STS and IAM speak the query protocol, Identity Center's two services JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Service {
    Sts,
    Iam,
    Oidc,
    Portal,
    SignIn,
    /// What browsers and brokers call, which has no API.
    Console,
}

impl Service {
    /// The service that speaks this API version.
    pub(super) fn of_version(version: &str) -> Option<Self> {
        [Self::Sts, Self::Iam].into_iter().find(|service| service.version() == version)
    }

    /// As in a credential scope.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Oidc => "sso-oidc",
            Self::Portal => "sso",
            Self::SignIn | Self::Console => "signin",
        }
    }

    /// The API's version, which requests of the query protocol name.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::Sts => "2011-06-15",
            Self::Iam => "2010-05-08",
            Self::Oidc | Self::Portal => "2019-06-10",
            Self::SignIn | Self::Console => "2023-01-01",
        }
    }

    fn namespace(self) -> String {
        format!("https://{}.amazonaws.com/doc/{}/", self.name(), self.version())
    }
}

/// Why AWS does not do what it is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// 403 `AccessDenied`.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    /// 400 `ValidationError`.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    /// 403: no such key, a switched-off one, a session that was revoked, or a session without MFA at IAM.
    pub(super) fn unknown_token() -> Self {
        Self::new(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    }

    /// The fault that 5xx answers carry.
    pub(super) fn server_error(status: u16) -> Self {
        match status {
            503 => Self::new(503, "ServiceUnavailable", "Service is unavailable. Please try again shortly."),
            _ => Self::new(
                status,
                "InternalFailure",
                "The request processing has failed because of an unknown error, exception or failure.",
            ),
        }
    }

    pub(super) fn throttled() -> Self {
        Self::new(400, "Throttling", "Rate exceeded")
    }

    /// The answer that says so.
    pub(super) fn reply(&self, service: Service) -> Reply {
        match service {
            Service::Sts | Service::Iam => self.xml(service),
            Service::Oidc => {
                let exception = format!("{}:http://internal.amazon.com/coral/com.amazonaws.sso.oidc/", self.code);
                let reply = Reply::json(self.status, &json!({"error": self.code, "error_description": self.message}));
                reply.with("x-amzn-ErrorType", exception)
            }
            Service::SignIn => {
                let kind = if self.status == 400 { "ValidationException" } else { "AccessDeniedException" };
                let reply = Reply::json(self.status, &json!({"error": self.code, "message": self.message}));
                reply.with("x-amzn-ErrorType", kind.to_owned())
            }
            Service::Console => Reply { status: self.status, ..Reply::sentence(&self.message) },
            Service::Portal => {
                let kind = format!("com.amazonaws.switchboard.portal#{}", self.code);
                Reply::json(self.status, &json!({"message": self.message, "__type": kind}))
            }
        }
    }

    fn xml(&self, service: Service) -> Reply {
        let request_id = random::uuid();
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        let body = format!(
            "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    {}\n    {}\n    {}\n  </Error>\n  {}\n</ErrorResponse>\n",
            service.namespace(),
            element("Type", fault),
            element("Code", &self.code),
            element("Message", &self.message),
            element("RequestId", &request_id),
        );
        Reply { status: self.status, content_type: "text/xml", request_id, headers: Vec::new(), body }
    }
}

/// An HTTP answer, but for what the connection adds.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) request_id: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Reply {
    /// Gives an element of the body, which must be there, another content.
    pub(super) fn fill(&mut self, element: &str, content: &str) {
        let (open, close) = (format!("<{element}>"), format!("</{element}>"));
        let start = self.body.find(&open).expect("the element") + open.len();
        let end = self.body.find(&close).expect("its end");
        self.body.replace_range(start..end, content);
    }

    /// The answer of an action that was done; `result` is the XML inside `<ActionResult>`, `None` where an action
    /// returns nothing.
    pub(super) fn success(service: Service, action: &str, result: Option<&str>) -> Self {
        let request_id = random::uuid();
        let result = result.map_or_else(String::new, |xml| format!("  <{action}Result>{xml}</{action}Result>\n"));
        let body = format!(
            "<{action}Response xmlns=\"{}\">\n{result}  <ResponseMetadata>{}</ResponseMetadata>\n</{action}Response>\n",
            service.namespace(),
            element("RequestId", &request_id),
        );
        Self { status: 200, content_type: "text/xml", request_id, headers: Vec::new(), body }
    }

    /// An answer in JSON.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        let (content_type, request_id) = ("application/json", random::uuid());
        Self { status, content_type, request_id, headers: Vec::new(), body: value.to_string() }
    }

    /// An answer that claims to be JSON.
    pub(super) fn text(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::json(200, &Value::Null) }
    }

    /// A page for a person.
    pub(super) fn page(text: &str) -> Self {
        let body = format!("<!DOCTYPE html>\n<html><head><title>AWS</title></head><body>{text}</body></html>\n");
        Self { body, ..Self::html() }
    }

    /// Sends a browser elsewhere.
    pub(super) fn redirect(to: &str) -> Self {
        Self { status: 302, ..Self::page("") }.with("Location", to.to_owned())
    }

    /// A sentence.
    pub(super) fn sentence(text: &str) -> Self {
        Self { content_type: "text/plain", body: text.to_owned(), ..Self::html() }
    }

    /// The same answer with another header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What a captive portal or a proxy puts in AWS's place.
    pub(super) fn html() -> Self {
        Self {
            status: 200,
            content_type: "text/html",
            request_id: random::uuid(),
            headers: Vec::new(),
            body: "<!DOCTYPE html>\n<html><head><title>Sign in to Wi-Fi</title></head><body>Accept</body></html>\n"
                .to_owned(),
        }
    }
}

/// `<name>text</name>`, escaped.
pub(super) fn element(name: &str, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    format!("<{name}>{escaped}</{name}>")
}
