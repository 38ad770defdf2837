//! Moves what describes the instrumentation library from the span to its process.
//!
//! Rule: the span tags `telemetry.sdk.{language,name,version}` and `telemetry.distro.{name,version}` become process tags, which are then
//! sorted again. A tag that the process has already, equal in key and value, is not added a second time, and spans that share a process
//! do not fill it with each other's (Jaeger's shared process collects duplicates).
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster otel_tag.go`.

use std::sync::Arc;

use wire::jaeger::{Process, Span, Tag};

const MOVED: [&str; 5] = [
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "telemetry.distro.name",
    "telemetry.distro.version",
];

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans {
        if !span.tags.iter().any(is_moved) {
            continue;
        }
        let (moved, kept): (Vec<Tag>, Vec<Tag>) = std::mem::take(&mut span.tags)
            .into_iter()
            .partition(is_moved);
        span.tags = kept;
        let mut process = Process::clone(&span.process);
        process.tags.extend(moved);
        super::sort::sort_tags(&mut process.tags);
        // sorted, equal ones stand together: hostile spans can have many
        process.tags.dedup_by(|a, b| is_moved(a) && a == b);
        span.process = Arc::new(process);
    }
}

/// Whether a tag of this name describes the instrumentation library.
pub(crate) fn is_library(key: &str) -> bool {
    MOVED.contains(&key)
}

fn is_moved(tag: &Tag) -> bool {
    is_library(&tag.key)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn library_tags_move_to_the_span_s_own_process() {
        let shared = process("s", vec![tag("z", 1)]);
        let mut spans = vec![span(1, 0), span(2, 1), span(3, 1)];
        for span in &mut spans {
            span.process = shared.clone();
        }
        spans[0].tags = vec![tag("a", 1), tag("telemetry.sdk.name", "otel"), tag("b", 1)];
        spans[1].tags = vec![tag("telemetry.sdk.name", "otel")];
        adjust(&mut spans);
        assert_eq!(spans[0].tags, [tag("a", 1), tag("b", 1)]);
        assert!(spans[1].tags.is_empty());
        for span in &spans[..2] {
            assert_eq!(
                span.process.tags,
                [tag("telemetry.sdk.name", "otel"), tag("z", 1)]
            );
        }
        assert_eq!(spans[2].process.tags, [tag("z", 1)]);
    }

    #[test]
    fn what_the_process_has_is_not_added_again() {
        let mut spans = vec![span(1, 0)];
        spans[0].process = process("s", vec![tag("telemetry.distro.name", "d")]);
        spans[0].tags = vec![
            tag("telemetry.distro.name", "d"),
            tag("telemetry.distro.name", "e"),
        ];
        adjust(&mut spans);
        assert_eq!(
            spans[0].process.tags,
            [
                tag("telemetry.distro.name", "d"),
                tag("telemetry.distro.name", "e")
            ]
        );
    }
}
