//! Real Elasticsearch and OpenSearch servers, and what stands between them and us. One module a subject.

mod fault_proxy;
mod faults;
mod golden;
mod rotation;
mod sender;
mod servers;
