//! Which keys became fields of an index, so that their number is bounded: a cluster refuses documents with more fields than it maps.
//!
//! In: an index's name and keys of tags. Out: whether a tag of this key may be a field there. Keys beyond the bound stay in the list of tags,
//! where they are found all the same. What is known of an index is forgotten when others are written to; it is not asked of the cluster.
//! An alias is one index here, whatever it leads to.

use std::sync::Arc;

use arc_swap::ArcSwap;
use hashbrown::HashSet;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;

/// Indices that are remembered: the days that spans may be of, with some to spare.
const MOST_INDICES: usize = 48;

/// The keys that are fields, of each index that was written to lately. Shared by all who write.
#[derive(Debug)]
pub struct KeyBook {
    /// Of one index; 0: no limit.
    max_keys: usize,
    /// The one used last comes last.
    pages: Mutex<Vec<Arc<Page>>>,
    left: Counter,
}

/// One index.
#[derive(Debug)]
struct Page {
    index: Box<str>,
    known: ArcSwap<Known>,
    adding: Mutex<()>,
}

/// The fields of one index. A key that spans and processes both have is two fields.
#[derive(Clone, Debug, Default)]
struct Known {
    span: HashSet<Arc<str>>,
    process: HashSet<Arc<str>>,
}

/// Whose tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// `tag`
    Span,
    /// `process.tag`
    Process,
}

/// The page of one index, open before somebody who writes there.
#[derive(Debug)]
pub(super) struct Open {
    page: Arc<Page>,
    seen: Arc<Known>,
    max_keys: usize,
    left: Counter,
}

// === impl KeyBook ===

impl KeyBook {
    /// With at most `max_keys` fields in an index; 0: no limit.
    pub fn new(max_keys: usize) -> Self {
        Self {
            max_keys,
            pages: Mutex::default(),
            left: Counter::default(),
        }
    }

    /// The same, with what [`KeyBook::left_in_lists`] counts in a counter that is shown.
    pub fn counted_by(self, left: Counter) -> Self {
        Self { left, ..self }
    }

    /// Tags that would have become fields and stayed in their list, since their index has as many as it may have.
    pub fn left_in_lists(&self) -> &Counter {
        &self.left
    }

    /// What is known of `index`.
    pub(super) fn open(&self, index: &str) -> Open {
        let mut pages = self.pages.lock();
        let page = match pages.iter().position(|page| *page.index == *index) {
            Some(at) => pages.remove(at),
            None => {
                if pages.len() >= MOST_INDICES {
                    pages.remove(0);
                }
                Arc::new(Page {
                    index: index.into(),
                    known: ArcSwap::default(),
                    adding: Mutex::default(),
                })
            }
        };
        pages.push(page.clone());
        Open {
            seen: page.known.load_full(),
            page,
            max_keys: self.max_keys,
            left: self.left.clone(),
        }
    }
}

// === impl Open ===

impl Open {
    /// Whose page it is.
    pub(super) fn index(&self) -> &str {
        &self.page.index
    }

    /// Whether `field` may be one of the index's. The first so many may.
    pub(super) fn admits(&mut self, owner: Owner, field: &str) -> bool {
        if self.max_keys == 0 || self.seen.of(owner).contains(field) {
            return true;
        }
        // full stays full, so that what was seen then is enough to refuse
        let admitted = self.seen.len() < self.max_keys && self.add(owner, field);
        if !admitted {
            self.left.inc();
        }
        admitted
    }

    #[cold]
    fn add(&mut self, owner: Owner, field: &str) -> bool {
        let adding = self.page.adding.lock();
        let mut known = Known::clone(&self.page.known.load());
        let fits = known.of(owner).contains(field) || known.len() < self.max_keys;
        if fits && known.of_mut(owner).insert(field.into()) {
            self.page.known.store(Arc::new(known));
        }
        drop(adding);
        self.seen = self.page.known.load_full();
        fits
    }
}

// === impl Known ===

impl Known {
    fn len(&self) -> usize {
        self.span.len() + self.process.len()
    }

    fn of(&self, owner: Owner) -> &HashSet<Arc<str>> {
        match owner {
            Owner::Span => &self.span,
            Owner::Process => &self.process,
        }
    }

    fn of_mut(&mut self, owner: Owner) -> &mut HashSet<Arc<str>> {
        match owner {
            Owner::Span => &mut self.span,
            Owner::Process => &mut self.process,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keys_of_an_index_become_fields_and_later_ones_do_not() {
        let book = KeyBook::new(2);
        let (mut one, mut other) = (book.open("i"), book.open("i"));
        assert!(one.admits(Owner::Span, "a"));
        assert!(other.admits(Owner::Process, "a"), "another field");
        assert!(!one.admits(Owner::Span, "b"), "seen by the one, too");
        assert!(!other.admits(Owner::Span, "b"));
        assert!(other.admits(Owner::Span, "a"));
        assert!(book.open("i").admits(Owner::Process, "a"));
        assert!(book.open("next").admits(Owner::Span, "b"));
        assert_eq!(book.left_in_lists().get(), 2);
    }

    #[test]
    fn without_a_limit_nothing_is_remembered() {
        let book = KeyBook::new(0);
        let mut open = book.open("i");
        assert!((0..10_000).all(|n: u32| open.admits(Owner::Span, &n.to_string())));
        assert_eq!(open.seen.len(), 0);
    }

    #[test]
    fn indices_that_nobody_writes_to_are_forgotten() {
        let book = KeyBook::new(1);
        let fills = |index: &str| book.open(index).admits(Owner::Span, index);
        assert!(fills("old") && fills("used"));
        for n in 0..MOST_INDICES {
            assert!(fills(&n.to_string()));
            assert!(!book.open("used").admits(Owner::Span, "b"));
        }
        assert_eq!(book.pages.lock().len(), MOST_INDICES);
        assert!(book.open("old").admits(Owner::Span, "b"));
    }

    #[test]
    fn many_threads_admit_no_more_than_the_limit() {
        let book = KeyBook::new(50);
        let admitted = |thread: usize| {
            let mut open = book.open("i");
            let keys = (0..200).map(|n| format!("key.{}", (n + thread * 37) % 200));
            keys.filter(|key| open.admits(Owner::Span, key))
                .collect::<Vec<_>>()
        };
        let all: HashSet<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|t| scope.spawn(move || admitted(t))).collect();
            threads
                .into_iter()
                .flat_map(|t| t.join().unwrap())
                .collect()
        });
        assert_eq!(all.len(), 50);
    }
}
