//! The document of a service and one of its operations, which lists of names are made of.
//!
//! In: two names. Out: the document, and the id that Jaeger gives it: both writers share one document.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/service_operation.go` v1.76.0. Pairs whose names run
//! together in the same way have the same id there and here (quirk 11).

use super::json;

/// The document.
pub fn document(service: &str, operation: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(service.len() + operation.len() + 40);
    out.extend_from_slice(b"{\"serviceName\":");
    json::text(&mut out, service);
    out.extend_from_slice(b",\"operationName\":");
    json::text(&mut out, operation);
    out.push(b'}');
    out
}

/// Its id: FNV-1a of 64 bits over both names, in lower-case hex without leading zeros.
pub fn id(service: &str, operation: &str) -> String {
    format!("{:x}", hash(service, operation))
}

/// The number that the id is the text of: what caches know a pair by.
pub fn hash(service: &str, operation: &str) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in service.bytes().chain(operation.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_jaegers() {
        for (service, operation, expect) in [
            ("test-service", "test-operation", "cb42af354c445afb"),
            ("golden-bare", "", "f1f9133ad0b02213"),
            ("golden-thrift", "thrift child, both", "dedcb8fa21c4f3e2"),
            ("", "", "cbf29ce484222325"),
        ] {
            assert_eq!(id(service, operation), expect);
        }
        assert_eq!(id("a", "bc"), id("ab", "c"), "quirk 11");
    }

    #[test]
    fn the_document_holds_both_names() {
        assert_eq!(
            document("s\"", "GET /ä"),
            r#"{"serviceName":"s\"","operationName":"GET /ä"}"#.as_bytes()
        );
    }
}
