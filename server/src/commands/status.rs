//! Asking a running Spoor for its health.
//!
//! In: addresses to try in order. Out: the status and body of `GET /` on the first that answers. One second for each; the body is cut at 64 KiB. Plain HTTP, as in Jaeger: an
//! admin port with TLS does not answer it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use settings::{Host, HostPort};

const TIMEOUT: Duration = Duration::from_secs(1);
const MAX_BYTES: u64 = 64 << 10;

/// What the admin port answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub code: u16,
    /// The body.
    pub body: String,
}

/// Nobody answered.
#[derive(Debug, thiserror::Error)]
#[error(
    "no health from {at}: {error}; is Spoor running, and is status.http.host-port its admin port?"
)]
pub struct StatusError {
    at: String,
    error: io::Error,
}

// === impl Answer ===

impl Answer {
    /// Whether it is well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == 200
    }
}

/// Asks the first of `targets` that answers.
///
/// # Errors
/// When none does; the error is the first one's.
pub fn ask(targets: &[HostPort]) -> Result<Answer, StatusError> {
    let mut first = None;
    for target in targets {
        match one(target) {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                first.get_or_insert(StatusError {
                    at: target.to_string(),
                    error,
                });
            }
        }
    }
    Err(first.unwrap_or_else(|| StatusError {
        at: "nowhere".to_owned(),
        error: io::Error::other("no address given"),
    }))
}

fn one(target: &HostPort) -> io::Result<Answer> {
    let addrs: Vec<SocketAddr> = match (&target.host, target.socket_addr()) {
        (Host::Name(name), _) => (name.as_str(), target.port).to_socket_addrs()?.collect(),
        (_, addr) => addr.into_iter().collect(),
    };
    let mut last = io::Error::other("the name has no address");
    for addr in addrs {
        match TcpStream::connect_timeout(&addr, TIMEOUT) {
            Ok(stream) => return exchange(stream, target),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// HTTP/1.0, so that the body ends with the connection and comes in one piece.
fn exchange(mut stream: TcpStream, target: &HostPort) -> io::Result<Answer> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET / HTTP/1.0\r\nHost: {target}\r\nAccept: */*\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the answer is no HTTP");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let mut start = head.split(' ');
    let code = match (
        start.next(),
        start.next().and_then(|code| code.get(..3)?.parse().ok()),
    ) {
        (Some(version), Some(code)) if version.starts_with("HTTP/1.") => code,
        _ => return Err(malformed()),
    };
    Ok(Answer {
        code,
        body: body.to_owned(),
    })
}
