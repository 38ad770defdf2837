//! The search language on every backend: generated queries over a generated corpus. What the evaluator says of the spans that were sent is what memory,
//! the embedded store, Elasticsearch with tags in lists and Elasticsearch with tags as fields find, in the same order, page by page.

mod corpus;
mod queries;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use model::{Batch, Instance, Span};
use storage::conformance::finding::expect;
use storage::disk::RealDisk;
use storage::elasticsearch::{Config, Elasticsearch};
use storage::embedded::{self, Embedded};
use storage::memory::{self, Memory};
use storage::query::language;
use storage::{Backend, Completeness, ReadContext};
use tests::servers::{Kind, shared};

use super::sender::place;
use crate::support::soak;

/// Numbers that look random and are the same each time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn is_one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Generated queries: some hundreds, or 5,000.
fn count() -> usize {
    if soak() { 5_000 } else { 60 }
}

/// What queries found, by their first page.
#[derive(Default)]
struct Outcomes {
    queries: usize,
    nothing: usize,
    /// All that there is.
    whole: usize,
    /// A full page, behind which another was asked for.
    cut: usize,
    /// Of all queries, next ones included.
    pages: usize,
    traces: usize,
}

// === impl Outcomes ===

impl Outcomes {
    fn add(&mut self, page: usize, found: usize, limit: usize) {
        self.pages += 1;
        self.traces += found;
        if page > 0 {
            return;
        }
        self.queries += 1;
        match found {
            0 => self.nothing += 1,
            _ if found < limit => self.whole += 1,
            _ => self.cut += 1,
        }
    }
}

/// A store on Elasticsearch 7.17 with tags in lists or as fields, holding `spans`.
async fn on_elasticsearch(spans: &[Span], as_fields: bool) -> Elasticsearch {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let prefix = format!("language-{as_fields}");
    let mut main = place(&server.url(), &prefix);
    main.indices.shards = 2;
    main.documents.tags_as_fields.all = as_fields;
    let config = Config {
        instance: Instance::default(),
        main,
        archive: None,
    };
    let store = tokio::task::block_in_place(|| Elasticsearch::new(vec![config])).unwrap();
    write(&store, spans).await;
    let path = format!("/{prefix}-*/_refresh");
    let refreshed = server.client().send(Method::POST, &path, "").await;
    refreshed.unwrap().json().unwrap();
    store
}

async fn write(store: &dyn Backend, spans: &[Span]) {
    for some in spans.chunks(41) {
        let batch = Batch::new(Instance::default(), some.to_vec(), 0);
        store.writer().write(batch).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_backend_finds_what_the_evaluator_says() {
    let mut random = Random(0x005e_ed00_2026);
    let corpus = corpus::spans(&mut random);
    let folder = tempfile::tempdir().unwrap();
    // small files, so that most spans are in segments and some in the journal
    let config = embedded::Config {
        generation_bytes: 32 << 10,
        ..embedded::Config::in_directory(folder.path())
    };
    let embedded = Embedded::open(config, Arc::new(RealDisk)).unwrap();
    write(&embedded, &corpus).await;
    let memory = Memory::new(memory::Config::default());
    write(&memory, &corpus).await;
    let lists = on_elasticsearch(&corpus, false).await;
    let fields = on_elasticsearch(&corpus, true).await;
    let stores: [(&str, &dyn Backend); 4] = [
        ("memory", &memory),
        ("embedded", &embedded),
        ("Elasticsearch", &lists),
        ("Elasticsearch with fields", &fields),
    ];
    let cx = ReadContext::default();
    let mut took = [Duration::ZERO; 4];
    let mut outcomes = Outcomes::default();
    for nth in 0..count() {
        let text = queries::any(&mut random);
        let filter = language::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut query = queries::around(&mut random, filter);
        // the first page and, behind it, the next
        for page in 0..2 {
            let expected = expect(&corpus, &query);
            for ((name, store), took) in stores.iter().zip(&mut took) {
                let reader = store.reader(&Instance::default());
                let began = Instant::now();
                let found = reader.find_trace_ids(&cx, &query).await.unwrap();
                *took += began.elapsed();
                let ids: Vec<_> = found.traces.iter().map(|f| f.trace_id).collect();
                let what = format!("{name}, query {nth}, page {page}: {text}\n{query:?}");
                assert_eq!(found.completeness, Completeness::Complete, "{what}");
                assert_eq!(ids, expected, "{what}");
                query.after = match (found.traces.last(), *name) {
                    (Some(last), "Elasticsearch with fields") => Some(last.place()),
                    _ => query.after,
                };
            }
            outcomes.add(page, expected.len(), query.limit);
            if expected.len() < query.limit {
                break;
            }
        }
    }
    let Outcomes {
        queries,
        nothing,
        whole,
        cut,
        pages,
        traces,
    } = outcomes;
    println!(
        "{queries} queries, each answered by the evaluator and 4 stores alike: {nothing} find nothing, {whole} all on one page, {cut} a full page; {pages} pages, {traces} traces"
    );
    for ((name, _), took) in stores.iter().zip(took) {
        println!(
            "{name}: {:.2} ms a page",
            took.as_secs_f64() * 1e3 / pages as f64
        );
    }
    assert_eq!(queries, count());
    assert!(nothing < queries * 2 / 3, "most queries find nothing");
    embedded.close().await;
}
