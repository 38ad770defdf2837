//! Real Elasticsearch and OpenSearch servers, and what stands between them and us. One module a subject.

mod big_trace;
mod check;
mod conformance;
mod fault_proxy;
mod faults;
mod golden;
mod housekeeping;
mod letters;
mod many;
mod namespaces;
mod reading;
mod ready;
mod rotation;
mod sampling;
mod sender;
mod servers;
mod upkeep;
