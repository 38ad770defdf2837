//! Where answers differ from those that Jaeger 1.76 gave, and why that is right: the whole list, by API, recording and store.
//!
//! Each comparison is held to it both ways: what differs stands here, and what stands here differs.

use tests::golden::reasons as why;

/// How it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// Jaeger's JSON: traces and every other recorded request.
    V1,
    /// OpenTelemetry's JSON; recordings of 2.20 have its number before their name.
    V3,
    /// Messages of both query services, decoded.
    Grpc,
}

/// Where the spans lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    Embedded,
    /// Elasticsearch, in documents that Spoor wrote.
    Ours,
    /// Elasticsearch, in documents that Jaeger wrote.
    Theirs,
}

const ALL: &[Store] = &[Store::Embedded, Store::Ours, Store::Theirs];
/// It is in what lies there: Jaeger's documents have what Jaeger made of it.
const SENT: &[Store] = &[Store::Embedded, Store::Ours];
/// Jaeger's documents have no room for it, whoever writes them; dependencies and the archive are off on those clusters.
const EMBEDDED: &[Store] = &[Store::Embedded];

const DIFFERENCES: &[(Api, &str, &str, &[Store])] = &[
    (Api::V1, "dependencies", why::DEPENDENCIES, EMBEDDED),
    (Api::V1, "duplicate-spans", why::EQUAL_SPANS, ALL),
    (Api::V1, "duplicate-spans", why::ORDER, ALL),
    (Api::V1, "find-by-ids", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-log-tag", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-max-duration", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-min-duration", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-negative-limit", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-operation", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-process-tag", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-service", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-tag-kv", why::WARNINGS, EMBEDDED),
    (Api::V1, "find-tags-json", why::WARNINGS, EMBEDDED),
    (Api::V1, "jaeger-full", why::WARNINGS, EMBEDDED),
    (Api::V1, "jaeger-no-process-tags", why::ZERO_DURATION, SENT),
    (Api::V1, "negative-duration", why::WARNINGS, EMBEDDED),
    (Api::V1, "operations-kind", why::KINDS, EMBEDDED),
    (Api::V1, "operations-v2", why::KINDS, EMBEDDED),
    (Api::V1, "thrift-128bit", why::ZERO_DURATION, SENT),
    (Api::V1, "unknown-api", why::UNKNOWN_API, ALL),
    (Api::V1, "zipkin-no-timestamp", why::ABSENT_TIME, SENT),
    (Api::V3, "duplicate-spans", why::EQUAL_SPANS, ALL),
    (Api::V3, "events-links", why::DOCUMENTS, EMBEDDED),
    (Api::V3, "jaeger-full", why::WARNINGS, EMBEDDED),
    (Api::V3, "jaeger-no-process-tags", why::ZERO_DURATION, SENT),
    (Api::V3, "negative-duration", why::WARNINGS, EMBEDDED),
    (Api::V3, "thrift-128bit", why::ZERO_DURATION, SENT),
    (Api::V3, "v2.20.0.v3-find-no-time", why::WORDS, ALL),
    (Api::V3, "v2.20.0.v3-operations", why::KINDS, EMBEDDED),
    (Api::V3, "v2.20.0.v3-trace-bad-id", why::WORDS, ALL),
    (Api::V3, "v3-operations", why::KINDS, ALL),
    (Api::V3, "zipkin-no-timestamp", why::ABSENT_TIME, SENT),
    (Api::Grpc, "duplicate-spans", why::EQUAL_SPANS, ALL),
    (Api::Grpc, "duplicate-spans", why::ORDER, ALL),
    (Api::Grpc, "events-links", why::DOCUMENTS, EMBEDDED),
    (Api::Grpc, "events-links", why::EVENT_NAMES, EMBEDDED),
    (Api::Grpc, "jaeger-full", why::WARNINGS, EMBEDDED),
    (
        Api::Grpc,
        "jaeger-no-process-tags",
        why::ZERO_DURATION,
        SENT,
    ),
    (Api::Grpc, "negative-duration", why::WARNINGS, EMBEDDED),
    (Api::Grpc, "thrift-128bit", why::ZERO_DURATION, SENT),
    (Api::Grpc, "v2-ArchiveTrace", why::ARCHIVE, EMBEDDED),
    (Api::Grpc, "v2-FindTraces", why::WARNINGS, EMBEDDED),
    (Api::Grpc, "v2-FindTraces-tag", why::WARNINGS, EMBEDDED),
    (Api::Grpc, "v2-GetDependencies", why::DEPENDENCIES, EMBEDDED),
    (Api::Grpc, "v2-GetOperations", why::KINDS, EMBEDDED),
    (Api::Grpc, "v2-GetOperations-kind", why::KINDS, EMBEDDED),
    (Api::Grpc, "v2-GetTrace", why::WARNINGS, EMBEDDED),
    (Api::Grpc, "v3-GetOperations", why::KINDS, EMBEDDED),
    (Api::Grpc, "v3-GetTrace", why::WARNINGS, EMBEDDED),
    (Api::Grpc, "zipkin-rpc", why::ZIPKIN_ERROR, EMBEDDED),
];

/// What is listed of an API on a store: recordings and reasons.
pub(crate) fn of(api: Api, store: Store) -> impl Iterator<Item = (&'static str, &'static str)> {
    let here = DIFFERENCES.iter().copied();
    let here = here.filter(move |(of, _, _, on)| *of == api && on.contains(&store));
    here.map(|(_, name, reason, _)| (name, reason))
}
