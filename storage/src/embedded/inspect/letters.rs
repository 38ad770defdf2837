//! Dead letters, read back from the folder.
//!
//! In: a folder, a query. Out: letters of sealed generations and of the journal, the oldest first, a page for each file. They go with their file, by age: none is let go of by itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::Instance;

use super::{Files, look};
use crate::disk::Disk;
use crate::embedded::batch::Reader;
use crate::embedded::journal::{self, Generation, Kind};
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

    /// The files that may have any. Each is open, and stays as it is.
    fn files(&self) -> Result<Vec<Generation>, ReadError> {
        let looked = look(&self.directory, self.disk.clone());
        let looked = looked.map_err(|error| ReadError::Unavailable {
            reason: error.to_string(),
        })?;
        let Files {
            letters,
            generations,
            ..
        } = looked.files;
        Ok(letters.into_iter().chain(generations).collect())
    }
}

impl DeadLetterReader for Letters {
    fn read<'a>(&'a self, query: &'a LetterQuery) -> LetterStream<'a> {
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => return stream::once(std::future::ready(Err(error))).boxed(),
        };
        let pages = stream::iter(files).map(|file| Ok(of_file(&file, query)));
        let is_some = |page: &Result<Vec<Buried>, ReadError>| {
            let is_empty = matches!(page, Ok(page) if page.is_empty());
            std::future::ready(!is_empty)
        };
        pages.filter(is_some).boxed()
    }

    fn forgets(&self) -> bool {
        false
    }

    fn forget<'a>(
        &'a self,
        _: &'a Instance,
        _: Vec<String>,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// The letters of one file; records that are damaged are `verify`'s to tell.
fn of_file(file: &Generation, query: &LetterQuery) -> Vec<Buried> {
    let mut found = Vec::new();
    journal::scan(&*file.file, |visit| {
        let header = visit.header;
        if header.kind == Kind::DeadLetters as u8 {
            let at = format!("{}:{}", file.path.display(), visit.offset);
            // what is damaged is for `verify` to tell
            let _damaged = of_record(visit.payload, &at, header.received_ns, query, &mut found);
        }
    });
    found
}

/// None: it ends within a letter.
fn of_record(
    record: &[u8],
    at: &str,
    time_ns: u64,
    query: &LetterQuery,
    found: &mut Vec<Buried>,
) -> Option<()> {
    let mut reader = Reader(record);
    for nth in 0..reader.varint()? {
        let [instance, reason, origin] = [reader.text()?, reader.text()?, reader.text()?];
        let payload = reader.bytes()?;
        if instance == query.instance.as_str() && query.wants(time_ns, reason) {
            found.push(Buried {
                id: format!("{at}:{nth}"),
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
        assert!(!letters.forgets());
    }
}
