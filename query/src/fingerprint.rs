//! Fingerprints of spans and processes: equal ones have equal fingerprints, others differ.
//!
//! 128 bits under keys drawn for each use, so that nobody can send spans that collide. They mean nothing outside the process and are
//! never shown or stored. Floats count by their bits: a NaN equals itself here.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, RandomState};
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use wire::jaeger::{Process, Span, Tag, TagValue};

/// Makes fingerprints that can be compared with each other.
#[derive(Default)]
pub(crate) struct Fingerprints {
    keys: (RandomState, RandomState),
    /// Processes seen, kept alive so that no address is used twice.
    processes: HashMap<*const Process, (Arc<Process>, u128)>,
}

struct Both(DefaultHasher, DefaultHasher);

// === impl Fingerprints ===

impl Fingerprints {
    /// Of everything in `span`.
    pub(crate) fn of_span(&mut self, span: &Span) -> u128 {
        let process = self.of_process(&span.process);
        let mut hasher = self.hasher();
        span.trace_id.hash(&mut hasher);
        span.span_id.hash(&mut hasher);
        span.operation_name.hash(&mut hasher);
        span.references.len().hash(&mut hasher);
        for reference in &span.references {
            reference.ref_type.hash(&mut hasher);
            reference.trace_id.hash(&mut hasher);
            reference.span_id.hash(&mut hasher);
        }
        (span.flags, span.start_ns, span.duration_ns).hash(&mut hasher);
        hash_tags(&span.tags, &mut hasher);
        span.logs.len().hash(&mut hasher);
        for log in &span.logs {
            log.time_ns.hash(&mut hasher);
            hash_tags(&log.fields, &mut hasher);
        }
        process.hash(&mut hasher);
        span.warnings.hash(&mut hasher);
        hasher.both()
    }

    /// Of the service's name and the tags. Computed once for each process that spans share.
    pub(crate) fn of_process(&mut self, process: &Arc<Process>) -> u128 {
        let at = Arc::as_ptr(process);
        if let Some((_, known)) = self.processes.get(&at) {
            return *known;
        }
        let mut hasher = self.hasher();
        process.service_name.hash(&mut hasher);
        hash_tags(&process.tags, &mut hasher);
        let fingerprint = hasher.both();
        self.processes.insert(at, (process.clone(), fingerprint));
        fingerprint
    }

    /// Of bytes.
    pub(crate) fn of_bytes(&self, bytes: &[u8]) -> u128 {
        let mut hasher = self.hasher();
        bytes.hash(&mut hasher);
        hasher.both()
    }

    fn hasher(&self) -> Both {
        Both(self.keys.0.build_hasher(), self.keys.1.build_hasher())
    }
}

fn hash_tags(tags: &[Tag], hasher: &mut Both) {
    tags.len().hash(hasher);
    for tag in tags {
        tag.key.hash(hasher);
        std::mem::discriminant(&tag.value).hash(hasher);
        match &tag.value {
            TagValue::String(text) => text.hash(hasher),
            TagValue::Bool(value) => value.hash(hasher),
            TagValue::Int(value) => value.hash(hasher),
            TagValue::Double(value) => value.to_bits().hash(hasher),
            TagValue::Binary(bytes) => bytes.hash(hasher),
        }
    }
}

// === impl Both ===

impl Both {
    fn both(&self) -> u128 {
        (u128::from(self.0.finish()) << 64) | u128::from(self.1.finish())
    }
}

impl Hasher for Both {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
