//! The part that a process plays.
//!
//! In: a command's word, or the name that the program was called by. Out: the role. Jaeger had one program for each role, so links with those names keep old
//! unit files and images working.

use std::fmt;
use std::path::Path;

use settings::flag::Reader;
use settings::ports;

/// The part that a process plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Receives, stores and answers, in one process.
    AllInOne,
    /// Receives spans and hands them to a store.
    Collector,
    /// Answers from a store.
    Query,
    /// Takes datagrams beside an application and forwards them to a collector.
    Agent,
    /// Takes spans from Kafka to a store.
    Ingester,
    /// Serves a store to other processes.
    RemoteStorage,
}

/// Programs of Jaeger's that are no roles and have no counterpart here, under the names that they are built with.
const TOOLS: [&str; 4] = ["cassandra-schema", "tracegen", "anonymizer", "hotrod"];

/// Whether `name` is `word`, perhaps with the platform that it was built for behind it.
pub(super) fn is_called(name: &str, word: &str) -> bool {
    name.strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether it says no more than a version or a platform: `jaeger-2`, `jaeger-linux-amd64`.
fn is_platform(name: &str) -> bool {
    let name = name.strip_prefix('v').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_digit())
        || ["linux", "darwin", "windows"]
            .iter()
            .any(|platform| is_called(name, platform))
}

// === impl Role ===

impl Role {
    /// The words for the roles of this version.
    pub const WORDS: [&'static str; 6] = [
        "all-in-one",
        "collector",
        "query",
        "agent",
        "ingester",
        "remote-storage",
    ];

    /// The role of a word; none when it is no role at all.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "all-in-one" => Self::AllInOne,
            "collector" => Self::Collector,
            "query" => Self::Query,
            "agent" => Self::Agent,
            "ingester" => Self::Ingester,
            "remote-storage" => Self::RemoteStorage,
            _ => return None,
        })
    }

    /// The role that the program's own name stands for: `jaeger-collector`, `query`, `all-in-one-linux`, with any folder in front. Any other name is all in one,
    /// unless it is that of another program of Jaeger's.
    ///
    /// # Errors
    /// When Jaeger's program of that name has no counterpart here.
    pub fn from_program(program: &str) -> Result<Self, String> {
        let name = Path::new(program)
            .file_stem()
            .map(|name| name.to_string_lossy().to_ascii_lowercase())
            .unwrap_or_default();
        let bare = name.strip_prefix("jaeger-");
        let name = bare.unwrap_or(&name);
        // What follows the role is the platform it was built for.
        for word in [
            "all-in-one",
            "collector",
            "query",
            "ingester",
            "remote-storage",
            "agent",
        ] {
            if is_called(name, word) {
                return Ok(Self::from_word(word).unwrap_or(Self::AllInOne));
            }
        }
        // A job that runs a tool must not find itself running a server.
        let tool = TOOLS.iter().any(|tool| is_called(name, tool));
        if tool || bare.is_some_and(|name| !is_platform(name)) {
            return Err(format!(
                "the program's name stands for Jaeger's \"{name}\", which Spoor is not: its roles are {}; call it spoor, or name a role",
                Self::WORDS.join(", ")
            ));
        }
        Ok(Self::AllInOne)
    }

    /// Whether it receives spans to keep them.
    #[must_use]
    pub const fn collects(self) -> bool {
        matches!(self, Self::AllInOne | Self::Collector)
    }

    /// Whether it answers queries.
    #[must_use]
    pub const fn answers(self) -> bool {
        matches!(self, Self::AllInOne | Self::Query)
    }

    /// Whether it hands spans on to a collector.
    #[must_use]
    pub const fn forwards(self) -> bool {
        matches!(self, Self::Agent)
    }

    /// Whether it takes spans from Kafka.
    #[must_use]
    pub const fn ingests(self) -> bool {
        matches!(self, Self::Ingester)
    }

    /// Whether other processes write to its store and read from it.
    #[must_use]
    pub const fn serves_a_store(self) -> bool {
        matches!(self, Self::RemoteStorage)
    }

    /// Whether spans come to a store through it, so that it keeps house there too.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.collects() || self.ingests() || self.serves_a_store()
    }

    /// Whose settings it reads.
    #[must_use]
    pub const fn readers(self) -> &'static [Reader] {
        match self {
            Self::AllInOne => &[Reader::Collector, Reader::Query],
            Self::Collector => &[Reader::Collector],
            Self::Query => &[Reader::Query],
            Self::Agent => &[Reader::Agent],
            Self::Ingester => &[Reader::Ingester],
            // its bounds are those of the two that it stands in for
            Self::RemoteStorage => &[Reader::RemoteStorage, Reader::Collector, Reader::Query],
        }
    }

    /// The port of health and metrics.
    #[must_use]
    pub const fn admin_port(self) -> u16 {
        match self {
            Self::AllInOne | Self::Collector => ports::COLLECTOR_ADMIN,
            Self::Query => ports::QUERY_ADMIN,
            Self::Agent => ports::AGENT_ADMIN,
            Self::Ingester => ports::INGESTER_ADMIN,
            Self::RemoteStorage => ports::STORAGE_ADMIN,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllInOne => "all-in-one",
            Self::Collector => "collector",
            Self::Query => "query",
            Self::Agent => "agent",
            Self::Ingester => "ingester",
            Self::RemoteStorage => "remote-storage",
        })
    }
}
