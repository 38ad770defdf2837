//! What a client speaks, from its first bytes.
//!
//! In: a fresh stream. Out: an [`Opening`] and the bytes read so far; and what a client is told that chose the wrong scheme. Source: RFC 9113
//! §3.4 (the preface), RFC 8446 §5.1 (a record begins with its type, 22 for a handshake).

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes are the beginning of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// A TLS handshake.
    Tls,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// A word such as `GET`: HTTP/1, or something that HTTP/1 will refuse.
    Http1,
    /// No protocol of ours.
    Unknown,
}

/// Reads until it is clear what the client speaks. `None`: it closed without a word.
pub(crate) async fn opening(
    stream: &mut (impl AsyncRead + Unpin),
    mut read: BytesMut,
) -> io::Result<Option<(Opening, Bytes)>> {
    loop {
        if let Some(opening) = classify(&read) {
            return Ok(Some((opening, read.freeze())));
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(None);
        }
    }
}

fn classify(bytes: &[u8]) -> Option<Opening> {
    let first = *bytes.first()?;
    if first == 22 {
        return Some(Opening::Tls);
    }
    if bytes.starts_with(PREFACE) {
        return Some(Opening::Http2);
    }
    if PREFACE.starts_with(bytes) {
        return None;
    }
    Some(
        if first.is_ascii_alphabetic() || first == b'\r' || first == b'\n' {
            Opening::Http1
        } else {
            Opening::Unknown
        },
    )
}

/// What is said in plaintext to a client of a TLS port, in its own protocol; empty when it has none.
pub(crate) fn answer_to_plaintext(opening: Opening) -> Bytes {
    match opening {
        Opening::Http1 => bad_request("client sent an HTTP request to an HTTPS server: use https"),
        Opening::Http2 => {
            goaway(b"client sent plaintext HTTP/2 to a TLS port: turn TLS on in the client")
        }
        Opening::Tls | Opening::Unknown => Bytes::new(),
    }
}

/// What is said to a client that opens TLS on a plaintext port: most TLS libraries know an HTTP answer when they meet one, and say so.
pub(crate) fn answer_to_tls() -> Bytes {
    bad_request(
        "client sent a TLS handshake to a plaintext port: use http, or turn TLS off in the client",
    )
}

fn bad_request(sentence: &str) -> Bytes {
    let length = sentence.len() + 1;
    Bytes::from(format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{sentence}\n"
    ))
}

/// An empty SETTINGS frame, which a client awaits first, and a GOAWAY with `INADEQUATE_SECURITY` whose debug data clients show.
fn goaway(debug: &[u8]) -> Bytes {
    const INADEQUATE_SECURITY: u32 = 0xc;
    let mut out = Vec::with_capacity(26 + debug.len());
    out.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let length = u8::try_from(8 + debug.len()).unwrap_or(u8::MAX);
    out.extend_from_slice(&[0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&INADEQUATE_SECURITY.to_be_bytes());
    out.extend(debug.iter().take(usize::from(length) - 8));
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_protocol() {
        for (bytes, expect) in [
            (&b""[..], None),
            (b"P", None),
            (b"PRI * HT", None),
            (PREFACE, Some(Opening::Http2)),
            (b"PO", Some(Opening::Http1)),
            (b"PRI * HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"GET / HTTP/1.1\r\n", Some(Opening::Http1)),
            (b"\x16\x03\x01", Some(Opening::Tls)),
            (b"\x00\x00\x00\x04", Some(Opening::Unknown)),
        ] {
            assert_eq!(classify(bytes), expect, "{bytes:?}");
        }
    }

    #[test]
    fn the_goaway_frame_has_the_length_it_declares() {
        let frames = goaway(b"why");
        assert_eq!(frames.len(), 9 + 9 + 8 + 3);
        assert_eq!(frames[11], 11);
    }
}
