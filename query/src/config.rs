//! What the query service can be told.
//!
//! Plain values; reading flags, files and the environment is the binary's.

mod frames;

use std::path::PathBuf;
use std::time::Duration;

use access::{Door, Guard};
use http::{HeaderName, HeaderValue};
use model::Instance;
use storage::ReadLimits;
use trust::{Instances, Rules};

pub use frames::{FrameAncestors, InvalidOrigin};

use crate::Tracing;
use crate::inflow::Inflow;
use crate::service::{CacheConfig, Counted, KeptConfig};

/// Settings of the query service. `Default` is what the documentation says, on no address.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the HTTP API listens (`query.http-server.host-port`).
    pub http: listen::Config,
    /// Where the same is asked over gRPC (`query.grpc-server.host-port`); `None`: nowhere.
    pub grpc: Option<listen::Config>,
    /// What stands before every path: `/`, or text that starts with `/` and does not end with it (`query.base-path`).
    pub base_path: BasePath,
    /// Headers of every answer that has no such header of its own (`query.additional-headers`).
    pub additional_headers: Vec<(HeaderName, HeaderValue)>,
    /// How far a span may be moved to fit into its parent; zero moves none (`query.max-clock-skew-adjustment`).
    pub max_clock_skew: Duration,
    /// How long a request may read from the store; then it is answered with what there is (`query.timeout`, 30 s).
    pub timeout: Duration,
    /// How long of that a search for traces may take (`query.search-timeout`, 3.5 s).
    pub search_timeout: Duration,
    /// Bounds of one answer. A search's `limit` beyond `traces` is clamped, never refused (`query.max-traces`, `query.max-spans`,
    /// `query.max-bytes`).
    pub limits: ReadLimits,
    /// How many requests for traces are answered at once; more wait, within their time (`query.max-concurrent-reads`, 4).
    pub max_concurrent_reads: usize,
    /// How lists of names and calls are kept for who asks again (`query.cache-ttl`, `query.cache-bytes`).
    pub cache: CacheConfig,
    /// How whole traces are kept for who asks for their parts (`query.trace-cache-ttl`, `query.trace-cache-bytes`).
    pub kept: KeptConfig,
    /// A tag's value that holds an operator also finds what it matches as an expression (`query.tag-expressions`, on).
    pub tag_expressions: bool,
    /// Whether Spoor's own requests become spans (`query.enable-tracing`); `None`: they do not.
    pub tracing: Option<Tracing>,
    /// Whether a caller's own token or key goes on to the store with what it asks, wherever that may be.
    pub passes_credentials_on: bool,
    /// A Prometheus that is asked for rates and latencies in place of a store (`METRICS_STORAGE_TYPE`).
    pub counted: Option<Counted>,
    /// Whether there are rates and latencies at all, for the page.
    pub has_metrics: bool,
    /// Who may read what.
    pub guard: Guard,
    /// How whoever asks proves who they are.
    pub door: Door,
    /// Whether traces can be archived, for the page.
    pub archive: bool,
    /// What is known of spans on their way in.
    pub inflow: Inflow,
    /// What is shown to browsers.
    pub ui: Ui,
    /// What the page and Kiali are told of the version.
    pub version: Version,
    /// What the page at `/` says of other ports, in this order.
    pub places: Vec<Place>,
}

/// The web UI.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ui {
    /// A folder with a bundle of Jaeger's UI (`query.static-files`); `None`: Spoor's own.
    pub static_files: Option<PathBuf>,
    /// The UI's own configuration, `.json` or `.js` (`query.ui-config`).
    pub config: Option<PathBuf>,
    /// Whether requests for its files are logged (`query.log-static-assets-access`).
    pub logs_assets: bool,
    /// Who may show our own pages in a frame (`query.frame-ancestors`).
    pub frame_ancestors: FrameAncestors,
}

/// A prefix of every path, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(String);

/// Why a text is no base path, in Jaeger's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid base path '{0}'. Must start but not end with a slash '/', e.g. '/jaeger/ui'")]
pub struct InvalidBasePath(String);

/// The version as clients of Jaeger read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Spoor's own version, for people.
    pub spoor: String,
    /// The commit it was built from; may be empty.
    pub git_commit: String,
    /// The version of Jaeger whose API this is: clients choose by it.
    pub git_version: String,
    /// When it was built, RFC 3339; may be empty.
    pub build_date: String,
}

/// Another port of this process, for the page at `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is for, such as `OTLP over gRPC`.
    pub what: String,
    /// Where it is, such as `127.0.0.1:4317`.
    pub address: String,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            http: listen::Config::new("query-http", "query.http-server.host-port", Vec::new()),
            grpc: None,
            base_path: BasePath::default(),
            additional_headers: Vec::new(),
            max_clock_skew: Duration::ZERO,
            timeout: Duration::from_secs(30),
            search_timeout: Duration::from_millis(3500),
            limits: ReadLimits::default(),
            max_concurrent_reads: 4,
            cache: CacheConfig::default(),
            kept: KeptConfig::default(),
            tag_expressions: true,
            tracing: None,
            passes_credentials_on: false,
            counted: None,
            has_metrics: false,
            archive: false,
            inflow: Inflow::default(),
            ui: Ui::default(),
            version: Version::default(),
            guard: Rules::new(Instances::one(Instance::default())).into(),
            door: Door::default(),
            places: Vec::new(),
        }
    }
}

// === impl BasePath ===

impl BasePath {
    /// Checks `text`; the empty text and `/` are no prefix.
    pub fn parse(text: &str) -> Result<Self, InvalidBasePath> {
        let inner = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        match text {
            "" | "/" => Ok(Self::default()),
            _ if text.starts_with('/')
                && !text.ends_with('/')
                && !text.contains("//")
                && text.chars().all(inner) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidBasePath(text.to_owned())),
        }
    }

    /// The prefix, empty when there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rest of `path`, with its leading `/`; `None` when `path` lies elsewhere.
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        match path.strip_prefix(self.as_str())? {
            "" => Some("/"),
            rest if rest.starts_with('/') => Some(rest),
            _ => None,
        }
    }
}

// === impl Version ===

impl Default for Version {
    fn default() -> Self {
        Self {
            spoor: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: String::new(),
            git_version: "v1.76.0".to_owned(),
            build_date: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_starts_but_does_not_end_with_a_slash() {
        for good in ["", "/", "/jaeger", "/jaeger/ui-1.x"] {
            assert!(BasePath::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "jaeger", "/jaeger/", "//", "/a//b", "/a b", "/a\"b", "/a?b", "/%41", "/{a}",
        ] {
            let error = BasePath::parse(bad).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!(
                    "invalid base path '{bad}'. Must start but not end with a slash '/', e.g. '/jaeger/ui'"
                )),
                "{error}"
            );
        }
    }

    #[test]
    fn only_whole_segments_are_stripped() {
        let base = BasePath::parse("/jaeger").unwrap();
        for (path, expect) in [
            ("/jaeger", Some("/")),
            ("/jaeger/", Some("/")),
            ("/jaeger/api/services", Some("/api/services")),
            ("/jaegerx", None),
            ("/", None),
            ("/api/services", None),
        ] {
            assert_eq!(base.strip(path), expect, "{path}");
        }
        assert_eq!(BasePath::default().strip("/x"), Some("/x"));
    }
}
