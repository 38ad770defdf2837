//! OTLP's answers: success, partial success, and which status a fault becomes.
//!
//! Source: the OTLP specification 1.7, "Full Success", "Partial Success", "Failures"; `opentelemetry/proto/collector/trace/v1`.

use bytes::Bytes;
use prost::Message;
use serde_json::json;
use tonic::Code;
use wire::r#gen::otlp::{ExportTracePartialSuccess, ExportTraceServiceResponse};

use crate::fault::{Fault, code_of, code_of_unproved};
use crate::intake::Stored;
use crate::receivers::rpc_status::RpcStatus;

/// The reply as protobuf; empty when everything was stored.
pub(crate) fn proto(stored: &Stored) -> Bytes {
    let partial = (stored.rejected > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: stored.rejected.try_into().unwrap_or(i64::MAX),
        error_message: stored.first.clone(),
    });
    ExportTraceServiceResponse {
        partial_success: partial,
    }
    .encode_to_vec()
    .into()
}

/// The reply as JSON. 64-bit numbers are strings there.
pub(super) fn json(stored: &Stored) -> Bytes {
    let reply = match stored.rejected {
        0 => json!({"partialSuccess": {}}),
        rejected => json!({"partialSuccess": {
            "rejectedSpans": rejected.to_string(),
            "errorMessage": stored.first,
        }}),
    };
    reply.to_string().into()
}

/// The status of a fault. What may be retried carries when; what carries nothing must not be sent again.
pub(crate) fn status(fault: &Fault) -> RpcStatus {
    let code = match fault {
        Fault::Undecodable(_) => Code::InvalidArgument,
        Fault::TooLarge { .. } => Code::ResourceExhausted,
        Fault::Encoding(_) => Code::Unimplemented,
        Fault::Denied(denied) => code_of(denied),
        Fault::Unproved(unproved) => code_of_unproved(unproved),
        Fault::Full(_) | Fault::Throttled { .. } => Code::ResourceExhausted,
        Fault::Broken(_) | Fault::Crowded | Fault::Unavailable(_) | Fault::Late => {
            Code::Unavailable
        }
    };
    RpcStatus::new(code, fault.to_string(), fault.retry_after())
}
