//! The files of a web UI, all of them in memory.
//!
//! In: a folder. Out: what lies below its `static/`, by name, each with its type and a tag by which a browser asks whether it has changed. What a
//! link leads to outside of the folder is left out. A file that is there packed alone, as `name.gz`, is unpacked.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::HeaderValue;
use listen::{Encoding, inflate};

use super::{INDEX, SiteError};

/// A web UI has a few hundred files and some 20 MiB.
const MOST_FILES: usize = 10_000;
const MOST_BYTES: usize = 256 << 20;
const DEEPEST: usize = 16;
const SETTING: &str = "query.static-files";

/// By their names below `static/`, with `/` between folders.
#[derive(Default)]
pub(super) struct Files(HashMap<String, Asset>);

/// One file.
pub(super) struct Asset {
    pub(super) bytes: Bytes,
    pub(super) content_type: &'static str,
    pub(super) tag: HeaderValue,
}

/// A file that was found, before it is read.
struct Found {
    name: String,
    path: PathBuf,
    len: u64,
}

// === impl Files ===

impl Files {
    pub(super) fn read(root: &Path) -> Result<Self, SiteError> {
        let mut files = Self::default();
        let mut bytes = 0;
        let found = walk(root)?;
        for one in &found {
            bytes += usize::try_from(one.len).unwrap_or(MOST_BYTES);
            if bytes > MOST_BYTES {
                return Err(too_large(root, format!("over {MOST_BYTES} bytes")));
            }
            let content = read(&one.path, "a file of the web UI", SETTING)?;
            files
                .0
                .insert(one.name.clone(), Asset::new(&one.name, content));
        }
        files.unpack(root, MOST_BYTES - bytes)?;
        Ok(files)
    }

    /// Adds what is there packed alone.
    fn unpack(&mut self, root: &Path, mut left: usize) -> Result<(), SiteError> {
        let packed: Vec<(String, Vec<u8>)> = self
            .0
            .iter()
            .filter_map(|(name, asset)| {
                let plain = name.strip_suffix(".gz")?;
                (!self.0.contains_key(plain)).then(|| (plain.to_owned(), asset.bytes.to_vec()))
            })
            .collect();
        for (name, bytes) in packed {
            let room = &mut |_: &mut Vec<u8>, _| Ok::<(), std::convert::Infallible>(());
            let plain = inflate(Encoding::Gzip, bytes, left, room);
            let plain = plain.map_err(|why| too_large(root, format!("{name}.gz: {why}")))?;
            left = left.saturating_sub(plain.len());
            let asset = Asset::new(&name, plain);
            self.0.insert(name, asset);
        }
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Asset> {
        self.0.get(name)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

// === impl Asset ===

impl Asset {
    pub(super) fn new(name: &str, bytes: Vec<u8>) -> Self {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        // weak: it may be sent compressed
        let tag = format!("W/\"{:x}-{:016x}\"", bytes.len(), hasher.finish());
        Self {
            bytes: Bytes::from(bytes),
            content_type: content_type(name),
            tag: HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\"")),
        }
    }
}

/// The whole of a file that an operator named.
pub(super) fn read(
    path: &Path,
    what: &'static str,
    setting: &'static str,
) -> Result<Vec<u8>, SiteError> {
    let unreadable = |why: String| SiteError::Unreadable {
        what,
        path: path.display().to_string(),
        setting,
        why,
    };
    let file = fs::File::open(path).map_err(|why| unreadable(why.to_string()))?;
    let mut bytes = Vec::new();
    let most = MOST_BYTES as u64;
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|why| unreadable(why.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(unreadable(format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// What tells one state of the files from another: names, lengths and times of all, and what page and configuration hold. What cannot be read
/// counts for nothing: reading it will say so.
pub(super) fn stamp(root: &Path, config: Option<&Path>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let index = root.join(INDEX);
    stamp_of(config.into_iter().chain([index.as_path()])).hash(&mut hasher);
    for found in walk(root).unwrap_or_default() {
        let changed = fs::metadata(&found.path).and_then(|meta| meta.modified());
        (&found.name, found.len, changed.ok()).hash(&mut hasher);
    }
    hasher.finish()
}

/// The same of what single files hold.
pub(super) fn stamp_of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        read(path, "", SETTING).ok().hash(&mut hasher);
    }
    hasher.finish()
}

/// All files below `static/`, by name.
fn walk(root: &Path) -> Result<Vec<Found>, SiteError> {
    let unreadable = |path: &Path, why: &std::io::Error| SiteError::Unreadable {
        what: "the web UI's folder",
        path: path.display().to_string(),
        setting: SETTING,
        why: why.to_string(),
    };
    let inside = fs::canonicalize(root).map_err(|why| unreadable(root, &why))?;
    let mut found = Vec::new();
    let mut folders = vec![(inside.join("static"), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        let entries = fs::read_dir(&folder).map_err(|why| unreadable(&folder, &why))?;
        for entry in entries {
            let entry = entry.map_err(|why| unreadable(&folder, &why))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // follows links, which Kubernetes makes of mounted files
            let Ok(path) = fs::canonicalize(entry.path()) else {
                continue;
            };
            if !path.starts_with(&inside) {
                continue;
            }
            let meta = fs::metadata(&path).map_err(|why| unreadable(&path, &why))?;
            let name = format!("{prefix}{name}");
            if meta.is_dir() {
                if depth == DEEPEST {
                    return Err(too_large(root, format!("folders deeper than {DEEPEST}")));
                }
                folders.push((path, format!("{name}/"), depth + 1));
            } else if meta.is_file() {
                let len = meta.len();
                found.push(Found { name, path, len });
            }
            if found.len() + folders.len() > MOST_FILES {
                return Err(too_large(root, format!("over {MOST_FILES} files")));
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn too_large(root: &Path, why: String) -> SiteError {
    SiteError::TooLarge {
        path: root.display().to_string(),
        why,
    }
}

/// By the end of its name; nothing is guessed from what it holds.
fn content_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    match end.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        "xml" => "text/xml; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/vnd.microsoft.icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "wasm" => "application/wasm",
        "gz" => "application/gzip",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_names() {
        for (name, expect) in [
            ("a.JS", "text/javascript; charset=utf-8"),
            ("index-BjK3.css", "text/css; charset=utf-8"),
            ("a.b.woff2", "font/woff2"),
            ("LICENSE", "application/octet-stream"),
            ("a.exe", "application/octet-stream"),
        ] {
            assert_eq!(content_type(name), expect, "{name}");
        }
    }
}
