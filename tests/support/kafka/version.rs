//! The versions of Kafka that tests start. Their numbers stand in `tests/servers/*.xml`, which names their jars.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::clients::server_jars;

/// A line of Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// With ZooKeeper, and with KAFKA-8653: members that join by the first version of the request push each other out, for ever.
    V2_3,
    /// Without ZooKeeper.
    V3_9,
    /// The first whose groups share partitions out by themselves as our clients ask them to (KIP-848). For that alone.
    V4_0,
}

// === impl Version ===

impl Version {
    /// Those that every scenario is for.
    pub const ALL: [Self; 2] = [Self::V2_3, Self::V3_9];

    /// Whether it keeps what it knows of its cluster in ZooKeeper.
    pub(super) fn has_zookeeper(self) -> bool {
        self == Self::V2_3
    }

    /// Whether it reads certificates and keys as PEM.
    pub(super) fn reads_pem(self) -> bool {
        self != Self::V2_3
    }

    /// The versions of Java that run it. Java 24 took away what both ask for about who is logged in.
    pub(super) fn java(self) -> RangeInclusive<u32> {
        17..=23
    }

    /// The folder of its jars, and of ZooKeeper's if it has one.
    pub(super) fn jars(self) -> anyhow::Result<PathBuf> {
        server_jars(match self {
            Self::V2_3 => "kafka-2-3",
            Self::V3_9 => "kafka-3-9",
            Self::V4_0 => "kafka-4-0",
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2_3 => "Kafka 2.3",
            Self::V3_9 => "Kafka 3.9",
            Self::V4_0 => "Kafka 4.0",
        })
    }
}
