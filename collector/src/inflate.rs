//! Inflating bodies, with the limit on their inflated size enforced while inflating and charged to the budget as it grows.
//!
//! In: a compressed body. Out: the body, or why not. Decoders run on bounded memory: gzip and zlib need 32 KiB, a zstd window is at most
//! 8 MiB (what RFC 8878 asks every decoder to support), an lz4 block at most 8 MiB, a framed snappy chunk 64 KiB.
//!
//! Source: the encodings of the OpenTelemetry Collector, `config/confighttp: compression.go` v0.140. `deflate` means zlib there, and so
//! it does here. `snappy` is taken framed or raw: senders differ, and the framed form begins with words of its own.

use std::io::Read;

use crate::admission::Permit;
use crate::fault::Fault;
use crate::inflow::{Limit, make_room};

/// Largest window of zstd, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 23;
/// How a framed snappy stream begins.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// What is read at a time.
const CHUNK: usize = 16 << 10;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    /// Also named deflate.
    Zlib,
    Snappy,
    Lz4,
}

// === impl Encoding ===

impl Encoding {
    /// What senders may use, for headers that say so.
    pub(crate) const ACCEPTED: &'static str = "identity,gzip,zstd,deflate,snappy,lz4";

    /// From `content-encoding` or `grpc-encoding`; no header is the identity.
    pub(crate) fn from_header(value: Option<&http::HeaderValue>) -> Result<Self, Fault> {
        let Some(value) = value else {
            return Ok(Self::Identity);
        };
        let name = String::from_utf8_lossy(value.as_bytes())
            .trim()
            .to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "zlib" | "deflate" => Ok(Self::Zlib),
            "snappy" | "x-snappy-framed" => Ok(Self::Snappy),
            "lz4" => Ok(Self::Lz4),
            _ => Err(Fault::Encoding(name)),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zlib => "deflate",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }
}

/// Inflates `input` to at most `limit` bytes. `permit` pays for `input`; what it grows to is charged too, once what `permit` holds beyond
/// the input, as an advance, is used up.
pub(crate) fn inflate(
    encoding: Encoding,
    input: Vec<u8>,
    limit: Limit,
    permit: &mut Permit,
) -> Result<Vec<u8>, Fault> {
    let bad = |error: std::io::Error| corrupt(encoding, &error);
    let source = input.as_slice();
    let paid = permit.held().saturating_sub(source.len());
    match encoding {
        Encoding::Identity => Ok(input),
        Encoding::Gzip => drain(
            flate2::bufread::MultiGzDecoder::new(source),
            encoding,
            limit,
            paid,
            permit,
        ),
        Encoding::Zlib => drain(
            flate2::bufread::ZlibDecoder::new(source),
            encoding,
            limit,
            paid,
            permit,
        ),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source).map_err(bad)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(bad)?;
            drain(decoder, encoding, limit, paid, permit)
        }
        Encoding::Lz4 => drain(
            lz4_flex::frame::FrameDecoder::new(source),
            encoding,
            limit,
            paid,
            permit,
        ),
        Encoding::Snappy if source.starts_with(SNAPPY_FRAMES) => drain(
            snap::read::FrameDecoder::new(source),
            encoding,
            limit,
            paid,
            permit,
        ),
        Encoding::Snappy => {
            let len = snap::raw::decompress_len(source).map_err(|e| corrupt(encoding, &e))?;
            if len > limit.bytes {
                return Err(limit.exceeded("inflated request"));
            }
            permit.add(len.saturating_sub(paid))?;
            snap::raw::Decoder::new()
                .decompress_vec(source)
                .map_err(|e| corrupt(encoding, &e))
        }
    }
}

fn drain(
    mut decoder: impl Read,
    encoding: Encoding,
    limit: Limit,
    mut paid: usize,
    permit: &mut Permit,
) -> Result<Vec<u8>, Fault> {
    let mut output = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        let n = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(output),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(corrupt(encoding, &error)),
        };
        if output.len() + n > limit.bytes {
            return Err(limit.exceeded("inflated request"));
        }
        make_room(&mut output, n, &mut paid, permit)?;
        output.extend_from_slice(chunk.get(..n).unwrap_or_default());
    }
}

fn corrupt(encoding: Encoding, error: &dyn std::fmt::Display) -> Fault {
    Fault::Undecodable(format!("not valid {}: {error}", encoding.name()))
}

#[cfg(test)]
mod tests;
