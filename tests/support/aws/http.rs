//! HTTP/1.1 on a raw socket: requests in, answers out, connections kept alive, and broken where a test wants that.
//!
//! A library would not close a connection in the middle of an answer, so this is written by hand. One thread per
//! connection; it knows nothing of AWS.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::reply::Reply;

/// The largest request that is read, in bytes.
const LIMIT: usize = 1 << 20;

/// A request as it arrived. Header names are in lower case.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The first header of that name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// What goes back on the connection.
pub(super) enum Answer {
    /// The whole reply.
    Whole(Reply),
    /// A reply that promises its full length and ends in the middle.
    Cut(Reply),
    /// Nothing: the connection is closed.
    Nothing,
}

/// Serves one connection until it ends. `date` is the server's clock, for the `Date` header.
pub(super) fn converse(
    mut stream: TcpStream,
    date: impl Fn() -> String,
    mut answer: impl FnMut(&Request) -> Answer,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer)? {
        let last = request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        match answer(&request) {
            Answer::Whole(reply) => stream.write_all(&bytes_of(&reply, &date(), last))?,
            Answer::Cut(reply) => {
                let bytes = bytes_of(&reply, &date(), last);
                return stream.write_all(&bytes[..bytes.len() - reply.body.len() / 2]);
            }
            Answer::Nothing => return Ok(()),
        }
        if last {
            break;
        }
    }
    Ok(())
}

fn bytes_of(reply: &Reply, date: &str, last: bool) -> Vec<u8> {
    let reason = match reply.status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    };
    let close = if last { "Connection: close\r\n" } else { "" };
    let more: String = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "HTTP/1.1 {} {reason}\r\nx-amzn-RequestId: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\
         Date: {date}\r\n{close}{more}\r\n{}",
        reply.status,
        reply.request_id,
        reply.content_type,
        reply.body.len(),
        reply.body,
    )
    .into_bytes()
}

/// The next request, or `None` where the client is done. What was read beyond it stays in `buffer`.
fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let (mut request, head, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(buffer).map_err(|e| malformed(&e.to_string()))?;
        if let httparse::Status::Complete(head) = status {
            let (path, query) = parsed.path.unwrap_or("/").split_once('?').unwrap_or((parsed.path.unwrap_or("/"), ""));
            let headers: Vec<(String, String)> = parsed
                .headers
                .iter()
                .map(|h| (h.name.to_ascii_lowercase(), String::from_utf8_lossy(h.value).trim().to_owned()))
                .collect();
            let request = Request {
                method: parsed.method.unwrap_or_default().to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers,
                body: Vec::new(),
            };
            if request.header("transfer-encoding").is_some() {
                return Err(malformed("AWS takes no chunked bodies"));
            }
            let length: usize = match request.header("content-length") {
                Some(length) => length.parse().map_err(|_| malformed("Content-Length"))?,
                None => 0,
            };
            break (request, head, length);
        }
        if !fill(stream, buffer)? {
            return Ok(None);
        }
    };
    if length > LIMIT {
        return Err(malformed("the request is too long"));
    }
    while buffer.len() < head + length {
        if !fill(stream, buffer)? {
            return Ok(None);
        }
    }
    let rest = buffer.split_off(head + length);
    request.body = buffer.split_off(head);
    *buffer = rest;
    Ok(Some(request))
}

/// Reads more; false at the end of the stream.
fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    if buffer.len() > LIMIT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut chunk = [0; 8192];
    let count = stream.read(&mut chunk)?;
    buffer.extend_from_slice(&chunk[..count]);
    Ok(count > 0)
}
