//! Dead letters, read back from the folder.
//!
//! In: a folder, a query. Out: letters of sealed generations and of the journal, the oldest first, a page for each file. They go with their file, by age; one that is let go of by itself
//! is named in a list beside it, and not given any more. Who forgets has the folder for itself.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::Instance;

use super::{Files, look};
use crate::disk::Disk;
use crate::embedded::batch::Reader;
use crate::embedded::forgotten::{Forgotten, Letter};
use crate::embedded::journal::{self, Generation, Kind};
use crate::embedded::keeper::Folders;
use crate::port::{Buried, DeadLetterReader, LetterQuery, LetterStream, ReadError, WriteError};

/// The dead letters of a store's folder, in which a running Spoor may work meanwhile.
pub struct Letters {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
}

// === impl Letters ===

impl Letters {
    /// Those in `directory`. Nothing is read yet.
    pub fn new(directory: &Path, disk: Arc<dyn Disk>) -> Self {
        Self {
            directory: directory.to_owned(),
            disk,
        }
    }

    /// The files that may have any, each with those that were forgotten. Each is open, and stays as it is.
    fn files(&self) -> Result<Vec<(Generation, Forgotten)>, ReadError> {
        let looked = look(&self.directory, self.disk.clone());
        let looked = looked.map_err(|error| ReadError::Unavailable {
            reason: error.to_string(),
        })?;
        let Files {
            letters,
            generations,
            ..
        } = looked.files;
        let all = letters.into_iter().chain(generations).map(|generation| {
            let folder = &looked.folders.letters;
            // damage is for `verify` to tell
            let list = Forgotten::read_or_none(&looked.disk, folder, generation.number);
            (generation, list)
        });
        Ok(all.collect())
    }

    /// A list for each generation is written anew; nothing is changed in a file that has letters.
    fn forget_all(&self, ids: &[String]) -> io::Result<()> {
        let folder = Folders::of(&self.directory).letters;
        let mut by_generation: BTreeMap<u64, Vec<Letter>> = BTreeMap::new();
        for (generation, letter) in ids.iter().filter_map(|id| Letter::parse(id)) {
            by_generation.entry(generation).or_default().push(letter);
        }
        for (generation, letters) in by_generation {
            let mut list = Forgotten::read_or_none(&*self.disk, &folder, generation);
            list.extend(letters);
            list.write(&*self.disk, &folder, generation)?;
        }
        Ok(())
    }
}

impl DeadLetterReader for Letters {
    fn read<'a>(&'a self, query: &'a LetterQuery) -> LetterStream<'a> {
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return stream::once(std::future::ready(Err(error))).boxed(),
        };
        let pages = stream::iter(files).map(|(file, list)| Ok(of_file(&file, &list, query)));
        let is_some = |page: &Result<Vec<Buried>, ReadError>| {
            let is_empty = matches!(page, Ok(page) if page.is_empty());
            std::future::ready(!is_empty)
        };
        pages.filter(is_some).boxed()
    }

    fn forget<'a>(
        &'a self,
        _: &'a Instance,
        ids: Vec<String>,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        let forgotten = self
            .forget_all(&ids)
            .map_err(|error| WriteError::Unavailable {
                reason: format!(
                    "could not write down in {} which dead letters are forgotten: {error}",
                    self.directory.display()
                ),
            });
        std::future::ready(forgotten).boxed()
    }
}

/// The letters of one file; records that are damaged are `verify`'s to tell.
fn of_file(file: &Generation, list: &Forgotten, query: &LetterQuery) -> Vec<Buried> {
    let mut found = Vec::new();
    journal::scan(&*file.file, |visit| {
        let header = visit.header;
        if header.kind == Kind::DeadLetters as u8 {
            let of =
                |nth| (!list.has(&header, nth)).then(|| Letter::new(&header, nth).id(file.number));
            // what is damaged is for `verify` to tell
            let _damaged = of_record(visit.payload, of, header.received_ns, query, &mut found);
        }
    });
    found
}

/// `id` gives what a letter is called by its place, and none for one that is forgotten. None: it ends within a letter.
fn of_record(
    record: &[u8],
    id: impl Fn(u64) -> Option<String>,
    time_ns: u64,
    query: &LetterQuery,
    found: &mut Vec<Buried>,
) -> Option<()> {
    let mut reader = Reader(record);
    for nth in 0..reader.varint()? {
        let [instance, reason, origin] = [reader.text()?, reader.text()?, reader.text()?];
        let payload = reader.bytes()?;
        if instance == query.instance.as_str()
            && query.wants(time_ns, reason)
            && let Some(id) = id(nth)
        {
            found.push(Buried {
                id,
                instance: query.instance.clone(),
                time_ns,
                reason: reason.to_owned(),
                origin: origin.to_owned(),
                payload: Bytes::copy_from_slice(payload),
            });
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use model::Span;

    use super::*;
    use crate::disk::RealDisk;
    use crate::embedded::{Config, Embedded};
    use crate::layers::dead_letter::{ORIGIN, open, seal};
    use crate::port::Backend as _;

    async fn read(letters: &Letters, query: &LetterQuery) -> Vec<Buried> {
        let pages: Vec<_> = letters.read(query).collect().await;
        let pages: Result<Vec<_>, _> = pages.into_iter().collect();
        pages.unwrap().concat()
    }

    #[tokio::test]
    async fn what_was_buried_is_read_beside_the_open_store() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            directory: folder.path().to_owned(),
            ..Config::default()
        };
        let store = Embedded::open(config, Arc::new(RealDisk)).unwrap();
        let span = Span {
            name: "op".into(),
            ..Span::default()
        };
        let (ours, other) = (Instance::default(), Instance::parse("prod/jaeger").unwrap());
        let cemetery = store.dead_letters().unwrap();
        let letters = ["too old", "too large"].map(|why| seal(&ours, why.to_owned(), &span));
        cemetery.bury(letters.into()).await.unwrap();
        let others = vec![seal(&other, "too old".to_owned(), &span)];
        cemetery.bury(others).await.unwrap();

        let letters = Letters::new(folder.path(), Arc::new(RealDisk));
        let all = read(&letters, &LetterQuery::all(ours.clone())).await;
        let reasons: Vec<&str> = all.iter().map(|letter| letter.reason.as_str()).collect();
        assert_eq!(reasons, ["too old", "too large"]);
        assert_eq!(open(&all[0].payload).unwrap(), span);
        assert_eq!((all[0].origin.as_str(), &all[0].instance), (ORIGIN, &ours));
        assert!(all[0].time_ns > 0 && all[0].id != all[1].id);
        let large = LetterQuery {
            reason: "LARGE".to_owned(),
            ..LetterQuery::all(ours.clone())
        };
        assert_eq!(read(&letters, &large).await, all[1..]);
        let later = LetterQuery {
            since_ns: u64::MAX,
            ..LetterQuery::all(ours.clone())
        };
        assert_eq!(read(&letters, &later).await, []);
        assert_eq!(read(&letters, &LetterQuery::all(other)).await.len(), 1);
        store.close().await;
        assert_eq!(read(&letters, &LetterQuery::all(ours)).await, all);
    }

    #[tokio::test]
    async fn a_letter_that_was_forgotten_stays_so_when_its_generation_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let open = |index_bytes| {
            let config = Config {
                directory: folder.path().to_owned(),
                index_bytes,
                ..Config::default()
            };
            Embedded::open(config, Arc::new(RealDisk)).unwrap()
        };
        let (ours, other) = (Instance::default(), Instance::parse("prod/jaeger").unwrap());
        let span = Span::default();
        let bury = async |store: &Embedded, instance: &Instance, reasons: &[&str]| {
            let letters = reasons.iter();
            let letters = letters.map(|why| seal(instance, (*why).to_owned(), &span));
            let cemetery = store.dead_letters().unwrap();
            cemetery.bury(letters.collect()).await.unwrap();
        };
        let store = open(Config::default().index_bytes);
        bury(&store, &ours, &["first", "second"]).await;
        bury(&store, &other, &["third"]).await;
        store.close().await;

        let letters = Letters::new(folder.path(), Arc::new(RealDisk));
        let query = LetterQuery::all(ours.clone());
        let reasons = async |query: &LetterQuery| -> Vec<String> {
            let all = read(&letters, query).await;
            all.into_iter().map(|letter| letter.reason).collect()
        };
        let all = read(&letters, &query).await;
        let ids = vec![all[0].id.clone(), "what is no id".to_owned()];
        // once more is no error
        for ids in [ids.clone(), ids] {
            letters.forget(&ours, ids).await.unwrap();
        }
        assert_eq!(reasons(&query).await, ["second"]);
        assert_eq!(reasons(&LetterQuery::all(other)).await, ["third"]);

        // so small that each write seals
        let store = open(1);
        assert_eq!(store.dead_letter_count(), 2);
        let recent = store.recent_dead_letters();
        let recent: Vec<_> = recent.iter().map(|letter| letter.reason.as_str()).collect();
        assert_eq!(recent, ["second", "third"]);
        bury(&store, &ours, &["fourth"]).await;
        let sealed = crate::embedded::journal::path(&folder.path().join("dead-letters"), 1);
        let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !sealed.exists() {
            assert!(std::time::Instant::now() < until, "it is not sealed");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(reasons(&query).await, ["second", "fourth"]);
        store.close().await;
        assert_eq!(reasons(&query).await, ["second", "fourth"]);
        assert_eq!(open(1).dead_letter_count(), 3);
        // damage brings letters back, and harms none
        let list = crate::embedded::forgotten::path(sealed.parent().unwrap(), 1);
        std::fs::write(&list, "damaged").unwrap();
        assert_eq!(reasons(&query).await, ["first", "second", "fourth"]);
    }
}
