//! What an entry of a bulk's answer means.
//!
//! In: status and kind of error. Out: stored; later, for it mends itself; held, for somebody must mend it; or never, for it is the document's own fault. What is not
//! known is the document's fault only where the status says that the request was wrong: it is kept among the dead letters, and holds nothing up.
//!
//! Source: Elasticsearch 8.17 and OpenSearch 2.19: the exceptions that a bulk's item can fail with.

use super::answer::Entry;

/// What an entry means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there.
    Stored,
    /// The same again may succeed.
    Later,
    /// The same again fails until somebody mends the cluster or the settings, whichever document it is.
    Held,
    /// The document can never be stored.
    Never,
    /// The document's fault where others are stored, and else the cluster's.
    Unsure,
}

/// Goes away by itself, or with the cluster's trouble.
const PASSING: [&str; 9] = [
    "cluster_block_exception",
    "index_closed_exception",
    "no_shard_available_action_exception",
    "unavailable_shards_exception",
    "es_rejected_execution_exception",
    "rejected_execution_exception",
    "circuit_breaking_exception",
    "process_cluster_event_timeout_exception",
    "master_not_discovered_exception",
];

/// About the document alone.
const ITS_OWN: [&str; 5] = [
    "mapper_parsing_exception",
    "document_parsing_exception",
    "strict_dynamic_mapping_exception",
    "x_content_parse_exception",
    "parsing_exception",
];

/// What is said of a document under a name that stands for much else.
const ITS_OWN_WORDS: [&str; 4] = [
    "immense term",
    "Limit of",
    "cannot be changed from type",
    "exceeded the allowed limit",
];

/// About one index: others may take documents meanwhile.
const BLOCKS: [&str; 4] = [
    "cluster_block_exception",
    "index_closed_exception",
    "no_shard_available_action_exception",
    "unavailable_shards_exception",
];

/// About the index, the cluster or us.
const OTHERS: [&str; 7] = [
    // too many shards
    "validation_exception",
    "index_not_found_exception",
    "invalid_index_name_exception",
    "security_exception",
    "authentication_exception",
    "authorization_exception",
    "invalid_alias_name_exception",
];

pub(super) fn of(entry: &Entry) -> Verdict {
    match (entry.status, entry.kind()) {
        (200..300, _) if entry.is_written() => Verdict::Stored,
        // its id is made of its content: what is there is the same
        (409, "version_conflict_engine_exception") if entry.created => Verdict::Stored,
        (_, kind) if PASSING.contains(&kind) => Verdict::Later,
        (_, kind) if OTHERS.contains(&kind) => Verdict::Held,
        (401 | 403 | 404, _) => Verdict::Held,
        (413, _) => Verdict::Never,
        (400, kind) if ITS_OWN.contains(&kind) => Verdict::Never,
        (400, _)
            if ITS_OWN_WORDS
                .iter()
                .any(|words| entry.reason().contains(words)) =>
        {
            Verdict::Never
        }
        (400, _) => Verdict::Unsure,
        _ => Verdict::Later,
    }
}

/// Whether it is about one index that takes nothing.
pub(super) fn is_block(entry: &Entry) -> bool {
    BLOCKS.contains(&entry.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(action: &str, status: u16, error: Option<&str>, expect: Verdict) {
        assert_eq!(
            of(&Entry::new(action, status, error)),
            expect,
            "{action} {status} {error:?}"
        );
    }

    #[test]
    fn entries_are_sorted_by_who_can_mend_them() {
        check("create", 201, None, Verdict::Stored);
        check("index", 200, None, Verdict::Stored);
        check("create", 201, Some("odd"), Verdict::Later);
        let conflict = Some("version_conflict_engine_exception");
        check("create", 409, conflict, Verdict::Stored);
        check("index", 409, conflict, Verdict::Later);
        check(
            "create",
            429,
            Some("es_rejected_execution_exception"),
            Verdict::Later,
        );
        check(
            "create",
            503,
            Some("unavailable_shards_exception"),
            Verdict::Later,
        );
        check("create", 500, Some("whatever"), Verdict::Later);
        check(
            "create",
            403,
            Some("cluster_block_exception"),
            Verdict::Later,
        );
        check(
            "create",
            400,
            Some("index_closed_exception"),
            Verdict::Later,
        );
        check("create", 400, Some("validation_exception"), Verdict::Held);
        check(
            "create",
            404,
            Some("index_not_found_exception"),
            Verdict::Held,
        );
        check("create", 403, Some("security_exception"), Verdict::Held);
        check(
            "create",
            400,
            Some("mapper_parsing_exception"),
            Verdict::Never,
        );
        check(
            "create",
            400,
            Some("document_parsing_exception"),
            Verdict::Never,
        );
        check(
            "create",
            400,
            Some("illegal_argument_exception"),
            Verdict::Unsure,
        );
        check("create", 413, None, Verdict::Never);
    }
}
