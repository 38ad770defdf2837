//! The protocols that a load can be sent in. All carry the same spans: what the generator wrote as OTLP is written anew in each.
//!
//! Written apart from `wire`, so that no mistake of one hides in the other.

mod jaeger;
mod plain;
mod thrift;
mod zipkin;

use std::fmt;
use std::str::FromStr;

use anyhow::bail;
use bytes::Bytes;

use plain::Plain;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    OtlpGrpc,
    /// OTLP over HTTP, protobuf.
    OtlpHttp,
    /// Jaeger's protobuf over gRPC.
    JaegerGrpc,
    /// Jaeger's Thrift over HTTP, binary.
    ThriftHttp,
    /// Jaeger's Thrift over UDP, compact.
    ThriftUdp,
    /// Zipkin's second version, JSON.
    ZipkinJson,
    /// Zipkin's second version, protobuf.
    ZipkinProto,
}

// === impl Protocol ===

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OtlpGrpc,
        Self::OtlpHttp,
        Self::JaegerGrpc,
        Self::ThriftHttp,
        Self::ThriftUdp,
        Self::ZipkinJson,
        Self::ZipkinProto,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "otlp-grpc",
            Self::OtlpHttp => "otlp-http",
            Self::JaegerGrpc => "jaeger-grpc",
            Self::ThriftHttp => "thrift-http",
            Self::ThriftUdp => "thrift-udp",
            Self::ZipkinJson => "zipkin-json",
            Self::ZipkinProto => "zipkin-proto",
        }
    }

    /// Where receivers of it listen.
    pub fn target(self) -> &'static str {
        match self {
            Self::OtlpGrpc => "http://127.0.0.1:4317",
            Self::OtlpHttp => "http://127.0.0.1:4318",
            Self::JaegerGrpc => "http://127.0.0.1:14250",
            Self::ThriftHttp => "http://127.0.0.1:14268",
            Self::ThriftUdp => "udp://127.0.0.1:6831",
            Self::ZipkinJson | Self::ZipkinProto => "http://127.0.0.1:9411",
        }
    }

    /// What a request of OTLP is in this protocol: one message, or as many datagrams as it takes.
    pub fn messages(self, otlp: Vec<u8>) -> Vec<Bytes> {
        let plain = || Plain::read(&otlp);
        let message = match self {
            Self::OtlpGrpc | Self::OtlpHttp => otlp,
            Self::JaegerGrpc => jaeger::request(&plain()),
            Self::ThriftHttp => thrift::batch(&plain()),
            Self::ThriftUdp => return thrift::datagrams(&plain(), otlp.len()),
            Self::ZipkinJson => zipkin::json(&plain()),
            Self::ZipkinProto => zipkin::protobuf(&plain()),
        };
        vec![Bytes::from(message)]
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match Self::ALL.into_iter().find(|p| p.name() == text) {
            Some(protocol) => Ok(protocol),
            None => bail!(
                "protocol {text:?} is none of {}",
                Self::ALL.map(Self::name).join(", ")
            ),
        }
    }
}
