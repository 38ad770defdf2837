//! Figures of others on the same kind of work: 2 cores shared with the generator, 539 B and 11 attributes a span, traces scattered over four
//! requests of four services, 20 s at full speed; queries over Jaeger's HTTP API, one client, idle store, traces of 16 spans, 20 results.

/// Spans a second and CPU-seconds per million.
pub(super) const INGEST: [(&str, f64, f64); 5] = [
    ("Jaeger 2.20, memory", 144_000.0, 12.5),
    ("VictoriaTraces 2025-07-11", 44_500.0, 43.0),
    ("Tempo 3.0, whole traces", 48_000.0, 55.0),
    ("Jaeger 2.20, Badger", 8_600.0, 217.0),
    ("Jaeger 2.20, Badger, durable", 2_250.0, 344.0),
];

/// Stores of the figures below, with the spans that they held.
pub(super) const STORES: [&str; 3] = [
    "VictoriaTraces, 1 M",
    "Jaeger 2.20 Badger, 200 k",
    "Jaeger 1.76 Elasticsearch 7.17, 300 k",
];

/// The median of each kind of question, in milliseconds, by store.
pub(super) const QUERIES: [(&str, [f64; 3]); 9] = [
    ("Q1 trace by id", [8.3, 2.5, 16.0]),
    ("Q1 unknown id", [184.0, 1.2, 8.0]),
    ("Q2 service, operation", [72.0, 20.0, 107.0]),
    ("Q3 service, common tag", [106.0, 20.0, 97.0]),
    ("Q4 service, unique tag", [8.5, 2.7, 19.0]),
    ("Q4 no match", [1.2, 0.9, 10.0]),
    ("Q5 all filters", [47.0, 66.0, 90.0]),
    ("Q6 services", [1.4, 0.6, 7.0]),
    ("Q6 operations", [0.8, 0.5, 7.0]),
];
