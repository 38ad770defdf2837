//! Real Kafka brokers, each alone in its cluster, a process of its own with its own folder, on free ports of 127.0.0.1; and who speaks to
//! them that is not ours.
//!
//! In: a version and what is special about it. Out: a broker that answers. The plain one that many tests may use is started once a process,
//! by the first that asks. Topics are made and offsets asked by [`Admin`], records are written and read by [`records`], members of groups
//! are [`sarama`]'s, and what became of groups is in the broker's [`log`].
//!
//! Source: the documentation of Kafka's and ZooKeeper's settings; how to start either is in their own start scripts.

pub mod admin;
mod broker;
mod jvm;
pub mod log;
pub mod options;
pub mod records;
pub mod sarama;
pub mod version;
mod zookeeper;

use std::sync::OnceLock;

pub use self::admin::Admin;
pub use self::broker::Broker;
pub use self::options::{Mechanism, Options};
pub use self::records::Record;
pub use self::version::Version;
use crate::servers::started_once;

/// The broker of `version` that all tests of this process share: plaintext, no passwords. Use topics and groups of your own.
///
/// # Panics
///
/// If it can't be had.
pub fn shared(version: Version) -> &'static Broker {
    static BROKERS: [OnceLock<Result<Broker, String>>; Version::V4_0 as usize + 1] =
        [const { OnceLock::new() }; Version::V4_0 as usize + 1];
    started_once(&BROKERS[version as usize], || {
        Broker::start(version, &Options::default())
    })
}
