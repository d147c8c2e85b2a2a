//! A small signing client, so that a test can call the server with any key: one request per connection, no retries.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;

use jiff::Timestamp;

use super::http::Request;
use super::reply::Service;
use super::sigv4::{self, Scope};
use super::world::AccessKey;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    /// The text of the first element with this name.
    pub(crate) fn text(&self, element: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("<{element}>"))?;
        let (text, _) = rest.split_once(&format!("</{element}>"))?;
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        Some(plain.replace("&amp;", "&"))
    }

    /// The error code, if the call was refused.
    pub(crate) fn code(&self) -> String {
        self.text("Code").unwrap_or_default()
    }

    /// The credentials in it.
    pub(crate) fn credentials(&self) -> Option<AccessKey> {
        let (id, secret) = (self.text("AccessKeyId")?, self.text("SecretAccessKey")?);
        Some(AccessKey { id, secret, token: Some(self.text("SessionToken")?) })
    }
}

/// Calls `action`, signed with `key` and dated `now`.
pub(super) fn call(
    port: u16,
    key: &AccessKey,
    action: &str,
    params: &[(&str, &str)],
    now: Timestamp,
) -> io::Result<Response> {
    let service = match action {
        "GetSessionToken" | "AssumeRole" | "GetCallerIdentity" => Service::Sts,
        _ => Service::Iam,
    };
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", action).append_pair("Version", service.version()).extend_pairs(params);
    let stamp = sigv4::stamp_of(now);
    let mut headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded; charset=utf-8".to_owned()),
        ("host".to_owned(), format!("127.0.0.1:{port}")),
        ("x-amz-date".to_owned(), stamp.clone()),
    ];
    headers.extend(key.token.iter().map(|token| ("x-amz-security-token".to_owned(), token.clone())));
    let mut request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers,
        body: form.finish().into_bytes(),
    };
    let signed: Vec<String> = request.headers.iter().map(|(name, _)| name.clone()).collect();
    let scope = Scope { date: &stamp[..8], region: "us-east-1", service: service.name() };
    let signature = sigv4::signature(&key.secret, &scope, &stamp, &sigv4::canonical_request(&request, &signed));
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{}/{}/{}/aws4_request, SignedHeaders={}, Signature={signature}",
        key.id,
        scope.date,
        scope.region,
        scope.service,
        signed.join(";"),
    );
    request.headers.push(("authorization".to_owned(), authorization));
    send(port, &request)
}

fn send(port: u16, request: &Request) -> io::Result<Response> {
    let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method, request.path);
    for (name, value) in &request.headers {
        write!(text, "{name}: {value}\r\n").expect("a String takes any text");
    }
    write!(text, "content-length: {}\r\n\r\n", request.body.len()).expect("a String takes any text");
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(&[text.as_bytes(), &request.body].concat())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let length: usize = field("Content-Length:").and_then(|length| length.parse().ok()).ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    if body.len() != length {
        return Err(broken());
    }
    Ok(Response { status, head: head.to_owned(), body: body.to_owned() })
}
