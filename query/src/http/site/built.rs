//! The web UI that is built in.
//!
//! In: the files of `ui/dist`, as they were when this was built, and the UI's configuration. Out: its page with our facts in it, under a strict policy, and its files. Facts stand in
//! the page as data: no script of it is run but those of its files. A file whose name has a hash of what it holds is kept by browsers for good; each is there plain, and packed
//! for who takes it so.
//!
//! Deliberately absent: scripts of an operator (`query.ui-config` as `.js`), which that policy has no room for.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, HeaderValue, VARY,
};
use http::request::Parts;
use model::Instance;
use rust_embed::RustEmbed;

use super::files::{self, Asset};
use super::index::{self, Facts};
use super::{INDEX, SiteError, UiConfig};
use crate::Config;
use crate::http::named;
use crate::http::page;
use crate::http::page::policy::{Nonce, Policy};

/// What lies beside the page.
const STATIC: &str = "static/";
/// Smaller ones are not worth packing.
const PACKED: usize = 512;
const FOR_GOOD: HeaderValue = HeaderValue::from_static("max-age=31536000, immutable");

#[derive(RustEmbed)]
#[folder = "../ui/dist"]
#[allow_missing = true]
struct Dist;

/// The UI, as it is shown now.
pub(super) struct Built {
    template: String,
    files: HashMap<String, File>,
    facts: Facts,
    policy: Policy,
    config: Option<PathBuf>,
    now: ArcSwap<Told>,
}

/// The UI's configuration, as it was read.
#[derive(Default)]
struct Told {
    stamp: u64,
    config: Option<UiConfig>,
}

/// One file.
struct File {
    plain: Asset,
    gzip: Option<Bytes>,
    brotli: Option<Bytes>,
    is_for_good: bool,
}

// === impl Built ===

impl Built {
    /// The one of this program; `None`: it was built without.
    pub(super) fn open(config: &Config) -> Result<Option<Self>, SiteError> {
        let files = Dist::iter().filter_map(|name| {
            let file = Dist::get(&name)?;
            Some((name.into_owned(), file.data.into_owned()))
        });
        Self::of(files, config)
    }

    /// Of these files by name; `None`: there is no page among them.
    pub(super) fn of(
        files: impl Iterator<Item = (String, Vec<u8>)>,
        config: &Config,
    ) -> Result<Option<Self>, SiteError> {
        let mut all: HashMap<String, Vec<u8>> = files.collect();
        let Some(page) = all.remove(INDEX) else {
            return Ok(None);
        };
        let built = Self {
            template: String::from_utf8_lossy(&page).into_owned(),
            files: packed(all),
            facts: Facts::new(config),
            policy: Policy::of_built(&config.ui.frame_ancestors),
            config: config.ui.config.clone(),
            now: ArcSwap::default(),
        };
        built.compare()?;
        Ok(Some(built))
    }

    /// Reads the configuration again when it has changed; whether it had.
    pub(super) fn compare(&self) -> Result<bool, SiteError> {
        let Some(path) = &self.config else {
            return Ok(false);
        };
        let stamp = files::stamp_of([path.as_path()]);
        if stamp == self.now.load().stamp {
            return Ok(false);
        }
        let config = read(path)?;
        self.now.store(Told { stamp, config }.into());
        Ok(true)
    }

    /// The page, below the path of an instance.
    pub(super) fn html(&self, instance: Option<&Instance>) -> Response {
        let now = self.now.load();
        let html = index::fill(&self.template, now.config.as_ref(), &self.facts);
        let html = index::moved(&Bytes::from(html), &self.facts, &named::prefix(instance));
        let nonce = Nonce::new();
        let facts = self.facts.json(now.config.as_ref(), instance);
        let told = format!(
            "<meta property=\"csp-nonce\" nonce=\"{nonce}\" />\n<script type=\"application/json\" id=\"spoor\">{facts}</script>\n"
        );
        let html = index::before_end_of_head(&String::from_utf8_lossy(&html), &told);
        let mut response = page::file(Bytes::from(html), "text/html; charset=utf-8");
        self.policy.guard(&mut response, Some(&nonce));
        response
    }

    /// One of the files; `None`: there is none of that name.
    pub(super) fn asset(&self, name: &str, request: &Parts) -> Option<Response> {
        let file = self.files.get(name)?;
        let mut response = file.plain.response(request);
        let headers = response.headers_mut();
        if file.is_for_good {
            headers.insert(CACHE_CONTROL, FOR_GOOD);
        }
        let accepted = Accepted::of(&request.headers);
        let packed = match accepted {
            Accepted { brotli: true, .. } if file.brotli.is_some() => Some(("br", &file.brotli)),
            Accepted { gzip: true, .. } if file.gzip.is_some() => Some(("gzip", &file.gzip)),
            _ => None,
        };
        if file.gzip.is_some() || file.brotli.is_some() {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        let has_body = response.status().is_success();
        if let Some((encoding, Some(bytes))) = packed.filter(|_| has_body) {
            let encoding = HeaderValue::from_static(encoding);
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
            *response.body_mut() = Body::from(bytes.clone());
        }
        Some(response)
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }
}

/// What is below `static/`, by name, with what is there packed, or is packed here.
fn packed(mut all: HashMap<String, Vec<u8>>) -> HashMap<String, File> {
    let names: Vec<String> = all
        .keys()
        .filter_map(|name| name.strip_prefix(STATIC))
        .filter(|name| !is_packed(name, &all))
        .map(str::to_owned)
        .collect();
    let mut files = HashMap::new();
    for name in names {
        let mut take = |end: &str| all.remove(&format!("{STATIC}{name}{end}"));
        let (gzip, brotli) = (take(".gz"), take(".br"));
        let Some(bytes) = take("") else {
            continue;
        };
        let gzip = gzip.or_else(|| pack(&name, &bytes));
        let file = File {
            is_for_good: has_hash(&name),
            gzip: gzip.map(Bytes::from),
            brotli: brotli.map(Bytes::from),
            plain: Asset::new(&name, bytes),
        };
        files.insert(name, file);
    }
    files
}

/// Whether it is another file, packed.
fn is_packed(name: &str, all: &HashMap<String, Vec<u8>>) -> bool {
    let plain = [".gz", ".br"].iter().find_map(|end| name.strip_suffix(end));
    plain.is_some_and(|plain| all.contains_key(&format!("{STATIC}{plain}")))
}

/// `None`: it gains nothing by it.
fn pack(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let is_text = [".js", ".css", ".svg", ".json", ".txt", ".html"]
        .iter()
        .any(|end| name.ends_with(end));
    if !is_text || bytes.len() < PACKED {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder
        .finish()
        .ok()
        .filter(|packed| packed.len() < bytes.len())
}

/// Whether a name ends in a hash, as bundlers write it: `name-BjK3x_9a.js`. One without an upper-case letter or a digit may be a word, and is asked about each time.
fn has_hash(name: &str) -> bool {
    const HASH: usize = 8;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let from = stem.len().checked_sub(HASH + 1);
    let Some(("-", hash)) = from.and_then(|from| stem.get(from..)?.split_at_checked(1)) else {
        return false;
    };
    let is_of_hash = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    hash.chars().all(is_of_hash)
        && hash
            .chars()
            .any(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn read(path: &Path) -> Result<Option<UiConfig>, SiteError> {
    match UiConfig::read(path)? {
        Some(UiConfig::Script(_)) => Err(SiteError::Script(path.display().to_string())),
        config => Ok(config),
    }
}

/// What a client takes packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Accepted {
    gzip: bool,
    brotli: bool,
}

// === impl Accepted ===

impl Accepted {
    fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        for word in values.flat_map(|value| value.split(',')) {
            let (name, quality) = word.split_once(';').unwrap_or((word, ""));
            let quality = quality.trim().strip_prefix("q=");
            let is_taken = quality.is_none_or(|q| q.trim().parse() != Ok(0.0));
            match name.trim().to_ascii_lowercase().as_str() {
                "gzip" => accepted.gzip = is_taken,
                "br" => accepted.brotli = is_taken,
                _ => {}
            }
        }
        accepted
    }
}

#[cfg(test)]
mod tests;
