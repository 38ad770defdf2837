//! Spans that may answer a query, looked at one by one: an index does not know values longer than 256 characters.
//!
//! In: the query for their documents, in its order. Out: the traces of those that answer by [`TraceQuery::matches`](crate::TraceQuery::matches), among the others that were
//! found. Bounded: at most [`MAX_SPANS`] spans and [`MAX_BYTES`] bytes are looked at; then the answer says that there may be more.

use model::TraceId;
use serde_json::{Value, json};

use super::filter::{ordered_by, standing_until};
use super::newest::{First, Search, Traces};
use super::{PAGE_BYTES, Position, one, read, span, with};
use crate::elasticsearch::document::Decoder;
use crate::http_client::Error;
use crate::query::us;
use crate::trouble::Trouble;

/// Spans that are looked at.
const MAX_SPANS: usize = 10_000;
/// Bytes of documents that are looked at.
const MAX_BYTES: usize = 64 << 20;
/// Spans of the first page: documents with long values are large.
const FIRST_PAGE: usize = 100;

/// Candidates that were looked at.
#[derive(Default)]
struct Compared {
    hits: usize,
    bytes: usize,
    answering: Vec<(TraceId, First)>,
    last: Option<Position>,
    trouble: Trouble,
}

// === impl Search ===

impl Search<'_> {
    /// Adds the traces of those of `unsure` that answer. What stands behind `wanted` traces that are found is not looked at.
    pub(super) async fn compare(
        &self,
        unsure: &Value,
        wanted: usize,
        traces: &mut Traces,
    ) -> Result<(), Error> {
        let (mut spans, mut bytes, mut size) = (0, 0, FIRST_PAGE.min(self.page));
        let mut after: Option<Position> = None;
        loop {
            let body = self.body(unsure, traces.until_us(wanted), after.as_ref(), size);
            let answer = match self.searches.ask(self.cx, &self.indices, body).await {
                // fewer of larger documents
                Err(Error::TooLarge(_)) if size > 1 => {
                    size = size.div_ceil(8);
                    continue;
                }
                Err(Error::TooLarge(said)) => {
                    traces
                        .trouble
                        .note(format!("a span was not compared: {said}"));
                    return Ok(());
                }
                answer => answer?,
            };
            bytes += answer.as_bytes().len();
            let compared = self.look_at(answer).await?;
            spans += compared.hits;
            traces.trouble.add(compared.trouble);
            for (id, first) in compared.answering {
                traces.add(id, first);
            }
            if compared.hits < size {
                return Ok(());
            }
            if spans >= MAX_SPANS || bytes >= MAX_BYTES || compared.last == after {
                traces.trouble.note(format!(
                    "values that the index does not hold were compared for the first {spans} spans only: ask for less time"
                ));
                return Ok(());
            }
            let each = (compared.bytes / compared.hits.max(1)).max(1);
            size = (PAGE_BYTES / each).clamp(1, 1_000).min(self.page);
            after = compared.last;
        }
    }

    async fn look_at(&self, answer: model::Buffer) -> Result<Compared, Error> {
        let (query, searches) = (self.query.clone(), self.searches.clone());
        read(answer, move |answer| {
            let hits = one(answer, searches.shown())?;
            let mut decoder = Decoder::new(answer, &searches.documents);
            let mut compared = Compared {
                hits: hits.hits.len(),
                bytes: answer.as_bytes().len(),
                trouble: hits.trouble,
                ..Compared::default()
            };
            for hit in &hits.hits {
                match span(&mut decoder, hit) {
                    Ok(span) if query.matches(&span) => {
                        let key_ns = query.order.key(span.start_ns, span.duration_ns());
                        let first = First {
                            key_us: us(key_ns),
                            start_us: us(span.start_ns),
                        };
                        compared.answering.push((span.trace_id, first));
                    }
                    Ok(_) => {}
                    Err(odd) => {
                        searches.metrics.odd();
                        compared.trouble.note(format!("{odd}, and was passed over"));
                    }
                }
                compared.last = Position::of(hit);
            }
            Ok(compared)
        })
        .await
    }

    fn body(
        &self,
        unsure: &Value,
        until_us: Option<u64>,
        after: Option<&Position>,
        size: usize,
    ) -> Value {
        let order = self.query.order;
        let mut filter = vec![unsure.clone()];
        filter.extend(until_us.map(|key_us| standing_until(order, key_us)));
        let falling = if order.is_falling() { "desc" } else { "asc" };
        let body = json!({
            "query": {"bool": {"filter": filter}},
            "size": size,
            "track_total_hits": false,
            "sort": Position::sort_by(ordered_by(order), "long", falling),
        });
        let next = if order.is_falling() {
            Position::and_older
        } else {
            Position::and_newer
        };
        with(body, "search_after", after.map(next))
    }
}
