//! Real Elasticsearch and OpenSearch servers, and what stands between them and us. One module a subject.

mod big_trace;
mod cgroup;
mod check;
mod clocks;
mod collector;
mod conformance;
mod crashes;
mod fault_proxy;
mod faults;
mod golden;
mod housekeeping;
mod letters;
mod many;
mod namespaces;
mod neighbours;
mod outage;
mod overload;
mod reading;
mod ready;
mod restarts;
mod rotation;
mod sampling;
mod sender;
mod servers;
mod upkeep;
