//! The web UI: the one that is built in, or a bundle of Jaeger's that an operator gave, or the plain page where there is neither.
//!
//! In: a folder with `index.html` and `static/`, and the UI's own configuration. Out: its files, and for every other path its page with our facts put
//! into it. All of it is in memory, so that no path of a request ever reaches the disk. The files are compared now and then; when they cannot be
//! used any more, what was good before is shown on.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/static_handler.go` v1.76.0. Different on purpose: values are put in as they are (there `$name` is
//! expanded and lost), a failed reload does not empty the page, folders are not listed and parts of files (`Range`) are not given.

mod built;
mod config;
mod files;
mod index;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use model::Instance;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::form::unescape_path;
use super::named;
use super::page::{self, Page};
use crate::Config;
use built::Built;
use config::UiConfig;
use files::{Asset, Files};
use index::Facts;

/// How often the files are compared with what is shown.
const EVERY: Duration = Duration::from_secs(2);
const INDEX: &str = "index.html";

/// What is shown to browsers. Clones show the same.
#[derive(Clone)]
pub struct Site(Shown);

#[derive(Clone)]
enum Shown {
    Own(Page),
    Built(Arc<Built>),
    Bundle(Arc<Bundle>),
}

/// Why a web UI cannot be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteError {
    /// A file or folder cannot be read.
    #[error("cannot read {what} {path} ({setting}): {why}")]
    Unreadable {
        /// Which file that is.
        what: &'static str,
        /// Where it is.
        path: String,
        /// The setting that names it, or its folder.
        setting: &'static str,
        /// What the system says.
        why: String,
    },
    /// A bundle of other things than a web UI.
    #[error("{path} (query.static-files) is too large for a web UI: {why}")]
    TooLarge {
        /// Where it is.
        path: String,
        /// Which bound it passes.
        why: String,
    },
    /// The UI's configuration is no JSON object.
    #[error("cannot parse UI config file {path} (query.ui-config): {why}")]
    NoJson {
        /// Where it is.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The UI's configuration is a script without the function that the UI calls.
    #[error("UI config file must define function UIConfig(): {0}")]
    NoFunction(String),
    /// The UI's configuration is a script, and the UI that is built in runs none.
    #[error(
        "{0} (query.ui-config) is a script, which the web UI that is built in does not run: give it JSON, or Jaeger's bundle with query.static-files"
    )]
    Script(String),
    /// Neither JSON nor a script.
    #[error("unrecognized UI config file format, expecting .js or .json file: {0}")]
    Unrecognized(String),
}

/// A bundle, as it is shown now.
struct Bundle {
    root: PathBuf,
    config: Option<PathBuf>,
    facts: Facts,
    now: ArcSwap<Loaded>,
}

/// One reading of all files.
struct Loaded {
    /// Of the files that were read.
    stamp: u64,
    index: Bytes,
    files: Files,
}

// === impl Site ===

impl Site {
    /// The plain page.
    pub fn own(config: &Config) -> Self {
        Self(Shown::Own(Page::new(config)))
    }

    /// The bundle that `config` names, else the one that is built in, else the plain page. Blocks while files are read.
    ///
    /// # Errors
    /// The files cannot be used.
    pub fn open(config: &Config) -> Result<Self, SiteError> {
        let Some(root) = &config.ui.static_files else {
            if let Some(built) = Built::open(config)? {
                tracing::info!(files = built.len(), "serving the web UI");
                return Ok(Self(Shown::Built(Arc::new(built))));
            }
            if let Some(path) = &config.ui.config {
                tracing::warn!(path = %path.display(), "query.ui-config does nothing: this program was built without its web UI, and query.static-files names none");
            }
            return Ok(Self::own(config));
        };
        let facts = Facts::new(config);
        let loaded = Loaded::read(root, config.ui.config.as_deref(), &facts)?;
        tracing::info!(folder = %root.display(), files = loaded.files.len(), "serving a web UI");
        Ok(Self(Shown::Bundle(Arc::new(Bundle {
            root: root.clone(),
            config: config.ui.config.clone(),
            facts,
            now: ArcSwap::from_pointee(loaded),
        }))))
    }

    /// Follows the files until `shutdown`.
    pub(crate) async fn keep(&self, shutdown: &CancellationToken) {
        if matches!(self.0, Shown::Own(_)) {
            return shutdown.cancelled().await;
        }
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let reading = self.0.clone();
            let read = tokio::task::spawn_blocking(move || reading.compare()).await;
            match read.unwrap_or(Ok(false)) {
                Ok(true) => tracing::info!("the web UI was read again"),
                Ok(false) => {}
                Err(error) if told.as_ref() == Some(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "the web UI has changed and cannot be used: the one before is shown on");
                    told = Some(error);
                    continue;
                }
            }
            told = None;
        }
    }

    /// The page, for every path that is nothing else, of an instance that the path names.
    pub(super) fn html(&self, instance: Option<&Instance>) -> Response {
        match &self.0 {
            Shown::Own(page) => page.html(instance),
            Shown::Built(built) => built.html(instance),
            Shown::Bundle(bundle) => {
                let mut html = bundle.now.load().index.clone();
                if instance.is_some() {
                    html = index::moved(&html, &bundle.facts, &named::prefix(instance));
                }
                page::file(html, "text/html; charset=utf-8")
            }
        }
    }

    /// One of its files, by its name as it stands in the URL.
    pub(super) fn asset(&self, name: &str, request: &Parts) -> Response {
        let plain = unescape_path(name).unwrap_or_default();
        let found = match &self.0 {
            Shown::Own(_) => None,
            Shown::Built(built) => built.asset(&plain, request),
            Shown::Bundle(bundle) => {
                let now = bundle.now.load();
                now.files.get(&plain).map(|asset| asset.response(request))
            }
        };
        // the list of instances is a page of ours
        found.unwrap_or_else(|| Page::asset(name))
    }
}

// === impl Shown ===

impl Shown {
    /// Reads again what has changed; whether anything had.
    fn compare(&self) -> Result<bool, SiteError> {
        match self {
            Self::Own(_) => Ok(false),
            Self::Built(built) => built.compare(),
            Self::Bundle(bundle) => bundle.compare(),
        }
    }
}

// === impl Bundle ===

impl Bundle {
    /// Reads the files again when they have changed; whether they had.
    fn compare(&self) -> Result<bool, SiteError> {
        let stamp = files::stamp(&self.root, self.config.as_deref());
        if stamp == self.now.load().stamp {
            return Ok(false);
        }
        let loaded = Loaded::read(&self.root, self.config.as_deref(), &self.facts)?;
        self.now.store(Arc::new(loaded));
        Ok(true)
    }
}

// === impl Loaded ===

impl Loaded {
    fn read(root: &Path, config: Option<&Path>, facts: &Facts) -> Result<Self, SiteError> {
        // taken first: what changes while it is read is read again
        let stamp = files::stamp(root, config);
        let template = files::read(&root.join(INDEX), "the web UI's page", "query.static-files")?;
        let config = config.map(UiConfig::read).transpose()?;
        let template = String::from_utf8_lossy(&template);
        Ok(Self {
            stamp,
            index: Bytes::from(index::fill(&template, config.flatten().as_ref(), facts)),
            files: Files::read(root)?,
        })
    }
}

// === impl Asset ===

impl Asset {
    fn response(&self, request: &Parts) -> Response {
        let known = request.headers.get_all(IF_NONE_MATCH).iter();
        let is_known = known
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim() == "*" || Some(tag.trim()) == self.tag.to_str().ok());
        let mut response = match is_known {
            true => Response::new(Body::empty()),
            false => Response::new(Body::from(self.bytes.clone())),
        };
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        if !is_known {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        // kept, and asked about each time: which names change with what they hold is the bundler's secret
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(ETAG, self.tag.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

#[cfg(test)]
mod tests;
