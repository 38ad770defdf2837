//! The ways in which a store in another process is spoken to, and their methods.
//!
//! In: a word, or what the other side knows. Out: paths. Another Spoor takes the messages of version 2 with spans as they are, private fields included: over
//! either version of Jaeger's a span of the other's model is translated.

use std::fmt;
use std::str::FromStr;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The messages of version 2, with spans as another Spoor keeps them.
    Spoor,
    /// `jaeger.storage.v2`, and OpenTelemetry's `TraceService` for what is written.
    V2,
    /// `jaeger.storage.v1`.
    V1 {
        /// It takes many spans in one stream.
        streams: bool,
    },
}

/// Which method is meant, by what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    GetTraces,
    FindTraces,
    Services,
    Operations,
    Dependencies,
    Write,
    WriteStream,
    Capabilities,
}

/// A word that is no way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is none of spoor, v2 and v1: leave it empty, and the best that the server speaks is used"
)]
pub struct Unknown(String);

macro_rules! v1 {
    ($path:literal) => {
        concat!("/jaeger.storage.v1.", $path)
    };
}
macro_rules! v2 {
    ($path:literal) => {
        concat!("/jaeger.storage.v2.", $path)
    };
}

// === impl Protocol ===

impl Protocol {
    /// Where a method is.
    pub(super) fn path(self, method: Method) -> &'static str {
        match (self, method) {
            (Self::Spoor, Method::GetTraces) => "/spoor.storage.v1.TraceReader/GetTraces",
            (Self::Spoor, Method::FindTraces) => "/spoor.storage.v1.TraceReader/FindTraces",
            (Self::Spoor, Method::Write | Method::WriteStream) => {
                "/spoor.storage.v1.TraceWriter/Export"
            }
            (Self::Spoor, Method::Dependencies) => "/spoor.storage.v1.DependencyReader/GetLinks",
            (Self::V2, Method::GetTraces) => v2!("TraceReader/GetTraces"),
            (Self::V2, Method::FindTraces) => v2!("TraceReader/FindTraces"),
            (Self::V2, Method::Write | Method::WriteStream) => {
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            }
            (Self::Spoor | Self::V2, Method::Services) => v2!("TraceReader/GetServices"),
            (Self::Spoor | Self::V2, Method::Operations) => v2!("TraceReader/GetOperations"),
            (Self::V2, Method::Dependencies) => v2!("DependencyReader/GetDependencies"),
            (Self::Spoor | Self::V2, Method::Capabilities) => v2!("Capabilities/GetCapabilities"),
            (Self::V1 { .. }, Method::GetTraces) => v1!("SpanReaderPlugin/GetTrace"),
            (Self::V1 { .. }, Method::FindTraces) => v1!("SpanReaderPlugin/FindTraces"),
            (Self::V1 { .. }, Method::Services) => v1!("SpanReaderPlugin/GetServices"),
            (Self::V1 { .. }, Method::Operations) => v1!("SpanReaderPlugin/GetOperations"),
            (Self::V1 { .. }, Method::Dependencies) => {
                v1!("DependenciesReaderPlugin/GetDependencies")
            }
            (Self::V1 { .. }, Method::Write) => v1!("SpanWriterPlugin/WriteSpan"),
            (Self::V1 { .. }, Method::WriteStream) => {
                v1!("StreamingSpanWriterPlugin/WriteSpanStream")
            }
            (Self::V1 { .. }, Method::Capabilities) => v1!("PluginCapabilities/Capabilities"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spoor => "spoor",
            Self::V2 => "v2",
            Self::V1 { .. } => "v1",
        })
    }
}

impl FromStr for Protocol {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        match text {
            "spoor" => Ok(Self::Spoor),
            "v2" => Ok(Self::V2),
            // what it takes is asked
            "v1" => Ok(Self::V1 { streams: false }),
            _ => Err(Unknown(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_the_word_for_it() {
        for word in ["spoor", "v2", "v1"] {
            assert_eq!(word.parse::<Protocol>().unwrap().to_string(), word);
        }
        assert!("v3".parse::<Protocol>().is_err());
    }
}
