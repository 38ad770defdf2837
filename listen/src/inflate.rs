//! Inflating the bodies of requests, with the limit on their inflated size enforced while inflating.
//!
//! In: a compressed body, how long it may become, and who makes room for it. Out: the body, or why not. Decoders run on bounded memory: gzip and
//! zlib need 32 KiB, a zstd window is at most 8 MiB (what RFC 8878 asks every decoder to support), an lz4 block at most 8 MiB, a framed snappy
//! chunk 64 KiB. What room costs, and how a refusal is worded, is the caller's.
//!
//! Source: the encodings of the OpenTelemetry Collector, `config/confighttp: compression.go` v0.140. `deflate` means zlib there, and so
//! it does here. `snappy` is taken framed or raw: senders differ, and the framed form begins with words of its own.

use std::io::Read;

use http::HeaderValue;

/// Largest window of zstd, as a power of two.
const ZSTD_WINDOW_LOG: u32 = 23;
/// How a framed snappy stream begins.
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// What is read at a time.
const CHUNK: usize = 16 << 10;

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// Members of gzip, one after the other.
    Gzip,
    /// Zstandard.
    Zstd,
    /// Also named deflate.
    Zlib,
    /// Framed or raw.
    Snappy,
    /// Frames of lz4.
    Lz4,
}

/// Makes room in an output for so many bytes more, or refuses.
pub type Room<'a, E> = dyn FnMut(&mut Vec<u8>, usize) -> Result<(), E> + 'a;

/// Why a body could not be inflated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError<E> {
    /// It is not what its encoding says.
    #[error("{0}")]
    Corrupt(String),
    /// It becomes longer than it may.
    #[error("it inflates to more than {0} bytes")]
    TooLong(usize),
    /// There is no room for it.
    #[error(transparent)]
    NoRoom(E),
}

// === impl Encoding ===

impl Encoding {
    /// What senders may use, for headers that say so.
    pub const ACCEPTED: &'static str = "identity,gzip,zstd,deflate,snappy,lz4";

    /// From `content-encoding` or `grpc-encoding`; no header is the identity.
    ///
    /// # Errors
    /// The name of an encoding that is not known here, in lower case.
    pub fn from_header(value: Option<&HeaderValue>) -> Result<Self, String> {
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
            _ => Err(name),
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

/// Inflates `input` to at most `most` bytes. Before anything is added to the output, `room` is asked to make room in it for so many bytes more.
///
/// # Errors
/// The input is corrupt, too long, or `room` refused. The identity is handed back as it is, and asks for no room.
pub fn inflate<E>(
    encoding: Encoding,
    input: Vec<u8>,
    most: usize,
    room: &mut Room<'_, E>,
) -> Result<Vec<u8>, InflateError<E>> {
    let source = input.as_slice();
    let bad = |error: std::io::Error| corrupt(encoding, &error);
    let mut decoder: Box<dyn Read + '_> = match encoding {
        Encoding::Identity => return Ok(input),
        Encoding::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        Encoding::Zlib => Box::new(flate2::bufread::ZlibDecoder::new(source)),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source).map_err(bad)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(bad)?;
            Box::new(decoder)
        }
        Encoding::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(source)),
        Encoding::Snappy if source.starts_with(SNAPPY_FRAMES) => {
            Box::new(snap::read::FrameDecoder::new(source))
        }
        Encoding::Snappy => return raw_snappy(source, most, room),
    };
    let mut output = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        let n = match decoder.read(&mut chunk) {
            Ok(0) => return Ok(output),
            Ok(n) => n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(corrupt(encoding, &error)),
        };
        if output.len() + n > most {
            return Err(InflateError::TooLong(most));
        }
        room(&mut output, n).map_err(InflateError::NoRoom)?;
        output.extend_from_slice(chunk.get(..n).unwrap_or_default());
    }
}

/// It says at its beginning how long it becomes.
fn raw_snappy<E>(
    source: &[u8],
    most: usize,
    room: &mut Room<'_, E>,
) -> Result<Vec<u8>, InflateError<E>> {
    let bad = |error: snap::Error| corrupt(Encoding::Snappy, &error);
    let len = snap::raw::decompress_len(source).map_err(bad)?;
    if len > most {
        return Err(InflateError::TooLong(most));
    }
    let mut output = Vec::new();
    room(&mut output, len).map_err(InflateError::NoRoom)?;
    output.resize(len, 0);
    let written = snap::raw::Decoder::new()
        .decompress(source, &mut output)
        .map_err(bad)?;
    output.truncate(written);
    Ok(output)
}

fn corrupt<E>(encoding: Encoding, error: &dyn std::fmt::Display) -> InflateError<E> {
    InflateError::Corrupt(format!("not valid {}: {error}", encoding.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_headers() {
        let of = |name: &str| Encoding::from_header(Some(&name.parse().unwrap()));
        for (name, expect) in [
            ("", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("GZIP", Encoding::Gzip),
            ("zstd", Encoding::Zstd),
            ("zlib", Encoding::Zlib),
            ("deflate", Encoding::Zlib),
            ("snappy", Encoding::Snappy),
            ("lz4", Encoding::Lz4),
        ] {
            assert_eq!(of(name), Ok(expect));
        }
        assert_eq!(of("br"), Err("br".to_owned()));
        assert_eq!(Encoding::from_header(None), Ok(Encoding::Identity));
    }

    #[test]
    fn room_is_asked_for_before_it_is_taken() {
        let plain = vec![7; 100_000];
        let packed = zstd::encode_all(&plain[..], 1).unwrap();
        let mut asked = 0;
        let inflated = inflate(
            Encoding::Zstd,
            packed.clone(),
            100_000,
            &mut |bytes, more| {
                assert_eq!(bytes.len(), asked);
                asked += more;
                Ok::<(), ()>(())
            },
        );
        assert!(inflated == Ok(plain));
        assert_eq!(asked, 100_000);
        let refused = inflate(Encoding::Zstd, packed.clone(), 100_000, &mut |_, _| {
            Err("full")
        });
        assert_eq!(refused, Err(InflateError::NoRoom("full")));
        let long = inflate(Encoding::Zstd, packed, 99_999, &mut |_, _| Ok::<(), ()>(()));
        assert_eq!(long, Err(InflateError::TooLong(99_999)));
    }
}
