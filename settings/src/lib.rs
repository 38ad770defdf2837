//! The vocabulary of configuration: durations, sizes, addresses, secrets, TLS blocks, the table of every setting, and the layers that a value comes from.
//!
//! In: command-line words, environment variables and a file. Out: values with their source, or problems that name the setting to mend. This room alone reads
//! the environment. It binds nothing and knows no role's wiring. Names are Jaeger's wherever Jaeger has one (`jaegertracing/jaeger` v1.20 to v1.76).

pub mod args;
pub mod duration;
pub mod environment;
pub mod file;
pub mod flag;
pub mod flags;
pub mod host_port;
pub mod layers;
pub mod listener;
pub mod ports;
pub mod print;
pub mod secret;
pub mod size;
pub mod source;
pub mod tls;
pub mod value;

pub use duration::{DurationError, GoDuration, format_ns};
pub use environment::Environment;
pub use host_port::{Host, HostPort, HostPortError};
pub use layers::{Settings, Warning};
pub use listener::{Listener, ListenerName};
pub use secret::Secret;
pub use size::{ByteSize, SizeError};
pub use source::{Problem, Source};
pub use value::Value;
