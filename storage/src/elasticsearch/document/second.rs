//! What Jaeger 2 says in another way than 1.76: warnings in a tag, a failure in one tag of two.
//!
//! In: a document, and the tags that were read of it. Out: the tags that Jaeger 2's own reader shows, and warnings in their place. Tags of one key stay all: its reader shows one of them.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/elasticsearch/tracestore/{from,to}_dbmodel.go` v2.20.0.

use model::{KeyValue, Value};
use wire::jaeger::tags::{ERROR, STATUS_CODE};

use super::scalar::Scalar;
use super::source::Document;

/// The tag that holds a list of warnings, as JSON.
const WARNINGS: &str = "@jaeger@warnings";
/// It writes all digits of every id.
const TRACE_ID_DIGITS: usize = 32;

/// Whether it was Jaeger 2 that wrote `document`: 1.76 never names a parent, and writes empty lists. Before 1.8 a parent was named too, of traces with
/// shorter ids.
pub(super) fn wrote(document: &Document<'_>) -> bool {
    let is_full = document
        .trace_id
        .as_str()
        .is_some_and(|id| id.len() == TRACE_ID_DIGITS);
    let has_null = document.references.is_null || document.logs.is_null || document.tags.is_null;
    is_full && (has_null || !matches!(document.parent_span_id, Scalar::Absent))
}

/// Puts `tags` and `warnings` as they are elsewhere.
pub(super) fn mend(tags: &mut Vec<KeyValue>, warnings: &mut Vec<model::Str>) {
    tags.retain(|tag| {
        let said = (tag.key == WARNINGS)
            .then(|| tag.value.as_str())
            .flatten()
            .and_then(|json| serde_json::from_str::<Vec<String>>(json).ok());
        let is_said = said.is_some();
        warnings.extend(said.into_iter().flatten().map(|one| one.as_str().into()));
        !is_said
    });
    let has_code = tags.iter().any(|tag| tag.key == STATUS_CODE);
    let failed = |tag: &KeyValue| tag.key == ERROR && matches!(tag.value, Value::Bool(true));
    if !has_code && let Some(at) = tags.iter().position(failed) {
        tags.insert(at, KeyValue::new(STATUS_CODE, "ERROR"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_leave_the_tags_and_a_failure_has_its_code() {
        let mut tags = vec![
            KeyValue::new("a", "b"),
            KeyValue::new(WARNINGS, "[\"one\",\"two\"]"),
            KeyValue::new(ERROR, true),
        ];
        let mut warnings = Vec::new();
        mend(&mut tags, &mut warnings);
        assert_eq!(warnings, ["one", "two"]);
        let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
        assert_eq!(keys, ["a", STATUS_CODE, ERROR]);
        mend(&mut tags, &mut warnings);
        assert_eq!((tags.len(), warnings.len()), (3, 2));
    }

    #[test]
    fn what_is_no_list_of_warnings_stays_a_tag() {
        for odd in ["", "[1]", "{}"] {
            let mut tags = vec![KeyValue::new(WARNINGS, odd), KeyValue::new(ERROR, "true")];
            mend(&mut tags, &mut Vec::new());
            assert_eq!(tags.len(), 2, "{odd}");
        }
    }
}
