//! The servers that tests start: their versions, where they come from, and the Java that each wants.
//!
//! Versions stand here and nowhere else. Source: Maven Central's `integ-test-zip` distributions, which carry the core of a server and few modules.

use std::fmt;
use std::ops::RangeInclusive;

/// A server of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The last line of Elasticsearch 6, whose documents have types. Its distribution for tests is without security.
    Elasticsearch6,
    /// The last line of Elasticsearch 7.
    Elasticsearch7,
    /// Elasticsearch 8. Its distribution for tests answers 405 to `GET /`.
    Elasticsearch8,
    /// OpenSearch 2, which can have the security plugin.
    OpenSearch2,
    /// OpenSearch 3.
    OpenSearch3,
}

/// OpenSearch's security plugin, for the version of OpenSearch 2.
pub(super) const SECURITY_PLUGIN: &str = "org.opensearch.plugin:opensearch-security:2.19.1.0:zip";

/// Maven's plugin that downloads and unpacks.
pub(super) const MAVEN_DEPENDENCY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Elasticsearch6,
        Self::Elasticsearch7,
        Self::Elasticsearch8,
        Self::OpenSearch2,
        Self::OpenSearch3,
    ];

    /// `8.17.0`.
    pub fn version(self) -> &'static str {
        match self {
            Self::Elasticsearch6 => "6.8.23",
            Self::Elasticsearch7 => "7.17.28",
            Self::Elasticsearch8 => "8.17.0",
            Self::OpenSearch2 => "2.19.1",
            Self::OpenSearch3 => "3.0.0",
        }
    }

    /// Whether it is OpenSearch, not Elasticsearch.
    pub fn is_opensearch(self) -> bool {
        matches!(self, Self::OpenSearch2 | Self::OpenSearch3)
    }

    /// `elasticsearch` or `opensearch`: its program, its configuration file, its folder.
    pub(super) fn product(self) -> &'static str {
        if self.is_opensearch() {
            "opensearch"
        } else {
            "elasticsearch"
        }
    }

    /// Whether every document has a type, which has to be named.
    pub fn has_types(self) -> bool {
        self == Self::Elasticsearch6
    }

    /// What its variables begin with.
    pub(super) fn variables(self) -> &'static str {
        if self.is_opensearch() {
            "OPENSEARCH"
        } else {
            "ES"
        }
    }

    /// Where Maven finds it.
    pub(super) fn artifact(self) -> String {
        let (product, version) = (self.product(), self.version());
        format!("org.{product}.distribution.integ-test-zip:{product}:{version}:zip")
    }

    /// The versions of Java that run it. Java 24 has no security manager any more, which all but OpenSearch 3 want; since 18 it has to be allowed, which Elasticsearch 6 knows nothing of.
    pub(super) fn java(self) -> RangeInclusive<u32> {
        match self {
            Self::Elasticsearch6 => 8..=17,
            Self::OpenSearch3 => 21..=u32::MAX,
            _ => 17..=23,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.product(), self.version())
    }
}
