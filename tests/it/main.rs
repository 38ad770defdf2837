//! Scenarios: real clients, real processes, real sockets. One module a subject.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod access;
mod access_oidc;
mod agent;
mod archive;
mod bench_loads;
mod big_trace;
mod clients;
mod commands;
mod crash;
mod deploy;
mod elasticsearch;
mod golden;
mod graph;
mod hostile;
mod kafka;
mod kiali;
mod limits;
mod namespaces;
mod openapi;
mod own_spans;
mod prometheus;
mod query_grpc;
mod remote_storage;
mod rooms;
mod search;
mod span_metrics;
mod strategies;
mod support;
mod tls;
mod tls_by_default;
mod trust_bundles;
mod ways_in;
mod web_ui;
