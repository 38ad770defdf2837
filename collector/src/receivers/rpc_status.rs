//! `google.rpc.Status` with `RetryInfo`: what an OTLP client reads to learn when to come back.
//!
//! Out: bytes for the header `grpc-status-details-bin`, and for the body of an OTLP/HTTP error. Source: `googleapis/googleapis:
//! google/rpc/{status,error_details}.proto`; which codes OTLP clients retry: the OTLP specification, "Failures" and "Throttling".

use std::time::Duration;

use prost::Message;
use tonic::Code;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<prost_types::Any>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<prost_types::Duration>,
}

// === impl RpcStatus ===

impl RpcStatus {
    /// `retry_after` becomes a `RetryInfo`: without it, a client must not retry `RESOURCE_EXHAUSTED`.
    pub(crate) fn new(code: Code, message: String, retry_after: Option<Duration>) -> Self {
        let info = |after: Duration| prost_types::Any {
            type_url: RETRY_INFO.to_owned(),
            value: RetryInfo {
                retry_delay: Some(prost_types::Duration {
                    seconds: after.as_secs().try_into().unwrap_or(i64::MAX),
                    nanos: after.subsec_nanos() as i32,
                }),
            }
            .encode_to_vec(),
        };
        Self {
            code: code as i32,
            message,
            details: retry_after.map(info).into_iter().collect(),
        }
    }
}

impl From<RpcStatus> for tonic::Status {
    fn from(status: RpcStatus) -> Self {
        if status.details.is_empty() {
            return Self::new(Code::from(status.code), status.message);
        }
        let details = status.encode_to_vec().into();
        Self::with_details(Code::from(status.code), status.message, details)
    }
}
