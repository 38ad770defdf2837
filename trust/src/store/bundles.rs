//! The files and folders that an operator gave, look after look.
//!
//! In: their paths. Out: the authorities in them that are valid now, each once, and what is not used and why. A folder stands for the files in it, links followed; names that begin with a dot are
//! passed over, so that secrets as Kubernetes mounts them are read once. A file that is taken away takes its authorities with it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;

use super::file::{File, Stamp};
use super::flaw::{Flaw, Why};
use super::now;

/// Files of one folder.
const MOST_FILES: usize = 2_000;

/// Files and folders, and what was found there last.
#[derive(Debug)]
pub(super) struct Bundles {
    paths: Vec<PathBuf>,
    files: BTreeMap<PathBuf, File>,
    /// What each path stood for when that could last be found out.
    listed: Vec<Listed>,
    /// When an authority begins or ends next.
    turns_at: i64,
    held: Held,
}

/// What a path stands for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Listed {
    files: Vec<PathBuf>,
    flaws: Vec<Flaw>,
}

/// The line, and which block.
type Place = (usize, usize);

/// What bundles come to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) files: usize,
    pub(super) authorities: Vec<CertificateDer<'static>>,
    /// When the first of them ends, in seconds since the Unix epoch.
    pub(super) ends: Option<i64>,
    pub(super) flaws: Vec<Flaw>,
}

// === impl Bundles ===

impl Bundles {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            listed: vec![Listed::default(); paths.len()],
            paths,
            files: BTreeMap::new(),
            turns_at: i64::MAX,
            held: Held::default(),
        }
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    /// Looks at all of them; true: what they come to is not what it was.
    pub(super) fn look(&mut self) -> bool {
        let mut is_news = self.list();
        let mut known = std::mem::take(&mut self.files);
        let mut seen = HashSet::new();
        for path in self.listed.iter().flat_map(|listed| &listed.files) {
            if self.files.contains_key(path) {
                continue;
            }
            let stamp = fs::metadata(path).map(|metadata| Stamp::of(&metadata));
            let before = known.remove(path);
            match stamp {
                // another way to a file that was read
                Ok(stamp) if !seen.insert(stamp.identity()) => is_news |= before.is_some(),
                Ok(stamp) => {
                    is_news |= before.is_none();
                    let mut file = before.unwrap_or_default();
                    is_news |= file.look(path, stamp);
                    self.files.insert(path.clone(), file);
                }
                // it went while we looked
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    is_news |= before.is_some();
                }
                Err(error) => {
                    is_news |= before.is_none();
                    let mut file = before.unwrap_or_default();
                    is_news |= file.fail(&error);
                    self.files.insert(path.clone(), file);
                }
            }
        }
        is_news |= !known.is_empty();
        if !is_news && now() < self.turns_at {
            return false;
        }
        let held = self.sum();
        let differs = held != self.held;
        self.held = held;
        differs
    }

    /// Finds out which files there are; true: others than before, or something else is wrong.
    fn list(&mut self) -> bool {
        let mut is_news = false;
        for (path, listed) in self.paths.iter().zip(&mut self.listed) {
            let found = list(path, listed);
            is_news |= found != *listed;
            *listed = found;
        }
        is_news
    }

    /// What is valid now, each once.
    fn sum(&mut self) -> Held {
        let now = now();
        let mut held = Held {
            files: self.files.len(),
            ..Held::default()
        };
        let mut turns_at = i64::MAX;
        let mut first: HashMap<&[u8], (&Path, Option<Place>)> = HashMap::new();
        let mut told = HashSet::new();
        for listed in &self.listed {
            held.flaws.extend(listed.flaws.iter().cloned());
            for path in listed.files.iter().filter(|path| told.insert(*path)) {
                let Some(file) = self.files.get(path) else {
                    continue;
                };
                let flaw = |at, why, text| Flaw {
                    path: path.clone(),
                    at,
                    why,
                    text,
                };
                let content = file.content();
                let (refused, flaws) = (file.refused(), &content.flaws);
                let refused = refused.iter().chain(flaws);
                let refused = refused.map(|of| flaw(of.at, of.why, of.text.clone()));
                held.flaws.extend(refused);
                for anchor in &content.anchors {
                    let moments = [anchor.begins, anchor.ends.saturating_add(1)];
                    let ahead = moments.into_iter().filter(|at| *at > now).min();
                    turns_at = turns_at.min(ahead.unwrap_or(i64::MAX));
                    if let Err((why, text)) = anchor.lasts(now) {
                        held.flaws.push(flaw(anchor.at, why, text));
                        continue;
                    }
                    if let Some((other, at)) = first.get(anchor.der.as_ref()) {
                        let line =
                            at.map_or_else(String::new, |(line, _)| format!(", line {line}"));
                        let text = format!(
                            "the authority \"{}\" stands in {}{line} already",
                            anchor.subject,
                            other.display()
                        );
                        held.flaws.push(flaw(anchor.at, Why::Duplicate, text));
                        continue;
                    }
                    first.insert(anchor.der.as_ref(), (path, anchor.at));
                    held.ends = Some(held.ends.map_or(anchor.ends, |ends| ends.min(anchor.ends)));
                    held.authorities.push(anchor.der.clone());
                }
            }
        }
        self.turns_at = turns_at;
        held
    }
}

/// What `path` stands for now; where that cannot be found out, what it stood for `before`.
fn list(path: &Path, before: &Listed) -> Listed {
    let flaw = |path: &Path, why, text: String| Flaw {
        path: path.to_owned(),
        at: None,
        why,
        text,
    };
    let stays = |error: &io::Error| Listed {
        files: before.files.clone(),
        flaws: vec![flaw(
            path,
            Why::Unreadable,
            format!("it cannot be read: {error}"),
        )],
    };
    let none = |why, text: &str| Listed {
        files: Vec::new(),
        flaws: vec![flaw(path, why, text.to_owned())],
    };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return none(Why::Missing, "there is no such file or folder");
        }
        Err(error) => return stays(&error),
    };
    if metadata.is_file() {
        return Listed {
            files: vec![path.to_owned()],
            flaws: Vec::new(),
        };
    }
    if !metadata.is_dir() {
        return none(Why::Unreadable, "it is neither a file nor a folder");
    }
    let names = fs::read_dir(path).and_then(|entries| {
        entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<Vec<_>>>()
    });
    let mut names = match names {
        Ok(names) => names,
        Err(error) => return stays(&error),
    };
    names.retain(|name| !name.as_encoded_bytes().starts_with(b"."));
    names.sort();
    let mut listed = Listed::default();
    if names.len() > MOST_FILES {
        let text = format!(
            "it holds {} files, of which the first {MOST_FILES} are read",
            names.len()
        );
        listed.flaws.push(flaw(path, Why::Unreadable, text));
        names.truncate(MOST_FILES);
    }
    for name in names {
        let file = path.join(name);
        match fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() => listed.files.push(file),
            // a folder, or what must not be opened to be read
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = "it is a link to what is not there".to_owned();
                listed.flaws.push(flaw(&file, Why::Missing, text));
            }
            // told when it is read
            Err(_) => listed.files.push(file),
        }
    }
    listed
}
