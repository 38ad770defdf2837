//! Traces of several instances by their ids, in the order asked for.
//!
//! In: ids, and which sources are asked. Out: items of a [`TraceStream`](crate::TraceStream). A few traces are asked of all sources at once, and joined. A span that lies in several comes
//! once: as the same is known what would be one document of an index, for a cluster gives back no more than that. Sources that fail are not asked again.

use std::collections::{BTreeMap, HashSet, VecDeque};

use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use model::{Span, TraceId};

use super::{Answers, SHARE, Union};
use crate::elasticsearch::config::Documents;
use crate::elasticsearch::document::{DocumentId, Encoder, KeyBook};
use crate::given::Given;
use crate::port::{
    Completeness, FoundTrace, GetTrace, HOUR_NS, ReadContext, ReadError, ReadItem, ReadLimits,
};
use crate::query::TraceQuery;
use crate::trouble::Trouble;

/// Traces that are asked for together.
const GROUP: usize = 20;
/// Spans in one item at most.
const CHUNK: usize = 512;
/// How far the spans of a trace may lie from the one that was found.
const AROUND_NS: u64 = 23 * HOUR_NS;

/// What one source has of a group.
type Parts = (BTreeMap<TraceId, Vec<Span>>, Completeness);

/// The traces that are given.
pub(super) struct Traces<'a> {
    union: &'a Union,
    cx: &'a ReadContext,
    wanted: VecDeque<GetTrace>,
    /// Places of the sources that are asked.
    places: Vec<usize>,
    /// Chunks that are ready.
    ready: VecDeque<Vec<Span>>,
    given: Given,
    /// What was given, to be taken from what sources may still give.
    spans: usize,
    bytes: usize,
    trouble: Trouble,
    /// A limit was reached.
    is_cut: bool,
    has_begun: bool,
    has_ended: bool,
}

// === impl Traces ===

impl<'a> Traces<'a> {
    pub(super) fn new(
        union: &'a Union,
        cx: &'a ReadContext,
        wanted: Vec<GetTrace>,
        places: Vec<usize>,
        trouble: Trouble,
    ) -> Self {
        let mut asked = HashSet::new();
        let wanted = wanted.into_iter();
        Self {
            union,
            cx,
            wanted: wanted.filter(|get| asked.insert(get.trace_id)).collect(),
            places,
            ready: VecDeque::new(),
            given: Given::default(),
            spans: 0,
            bytes: 0,
            trouble,
            is_cut: false,
            has_begun: false,
            has_ended: false,
        }
    }

    /// Those that answer `query`.
    pub(super) fn finding(
        union: &'a Union,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> impl Stream<Item = Result<ReadItem, ReadError>> + Send + 'a {
        let found = union.newest(cx, query);
        let items = move |found| match found {
            Ok((found, places, trouble)) => {
                let found: Vec<FoundTrace> = found;
                let wanted = found.iter().map(|f| wanted(f, query)).collect();
                Self::new(union, cx, wanted, places, trouble)
                    .into_stream()
                    .boxed()
            }
            Err(error) => stream::iter([Err::<ReadItem, _>(error)]).boxed(),
        };
        stream::once(found.boxed()).flat_map(items)
    }

    pub(super) fn into_stream(self) -> impl Stream<Item = Result<ReadItem, ReadError>> + Send + 'a {
        stream::unfold(Box::new(self), |mut traces| async move {
            if traces.has_ended {
                return None;
            }
            let item = traces.next().boxed().await;
            traces.has_ended = !matches!(item, Ok(ReadItem::Spans(_)));
            Some((item, traces))
        })
    }

    async fn next(&mut self) -> Result<ReadItem, ReadError> {
        loop {
            self.cx.check()?;
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(ReadItem::Spans(chunk));
            }
            if self.is_cut || self.wanted.is_empty() {
                return Ok(ReadItem::End(self.trouble.completeness()));
            }
            let group: Vec<GetTrace> = self.wanted.drain(..GROUP.min(self.wanted.len())).collect();
            match self.group(&group).await {
                Ok(parts) => self.join(&group, parts),
                // what was given is an answer, and why it ends here is said
                Err(_) if self.has_begun && self.cx.check().is_ok() => self.is_cut = true,
                Err(error) => return Err(error),
            }
        }
    }

    /// What each source has of these traces.
    async fn group(&mut self, group: &[GetTrace]) -> Result<Vec<Parts>, ReadError> {
        let limits = self.cx.limits;
        let left = ReadContext {
            limits: ReadLimits {
                traces: limits.traces,
                // one more, so that what is cut is seen here
                spans: (limits.spans - self.spans.min(limits.spans)).saturating_add(1),
                bytes: limits.bytes - self.bytes.min(limits.bytes),
            },
            ..self.cx.clone()
        };
        let asked = self
            .union
            .ask(&left, self.places.clone(), SHARE, |source, cx| {
                let group = group.to_vec();
                async move { collect(source.traces.get_traces(&cx, &group)).await }.boxed()
            });
        let answers = match asked.await {
            Ok(answers) => answers,
            Err(error) => {
                self.trouble.note(error.to_string());
                return Err(error);
            }
        };
        let Answers { given, trouble, .. } = answers;
        self.places = given.iter().map(|(at, _)| *at).collect();
        self.trouble.add(trouble);
        for (at, (_, completeness)) in &given {
            self.union
                .note(*at, completeness.clone(), &mut self.trouble);
        }
        Ok(given.into_iter().map(|(_, parts)| parts).collect())
    }

    /// Makes one trace of the parts of each, as far as the limits allow.
    fn join(&mut self, group: &[GetTrace], mut parts: Vec<Parts>) {
        let (documents, keys) = (Documents::default(), KeyBook::new(0));
        let mut encoder = Encoder::new(&documents, &keys);
        let mut document = Vec::new();
        for get in group {
            let mut of_each = parts
                .iter_mut()
                .filter_map(|(traces, _)| traces.remove(&get.trace_id))
                .peekable();
            if of_each.peek().is_none() {
                continue;
            }
            if let Err(cut) = self.given.trace(&self.cx.limits) {
                return self.cut(cut);
            }
            self.has_begun = true;
            let mut seen: HashSet<DocumentId> = HashSet::new();
            let mut chunk = Vec::new();
            for spans in of_each {
                // within one source nothing comes twice, and what differs there is not the same
                let before = seen.clone();
                for span in spans {
                    document.clear();
                    let id = encoder.encode("", &span, &mut document);
                    if before.contains(&id) {
                        continue;
                    }
                    seen.insert(id);
                    let bytes = span.size() + document.len();
                    if let Err(cut) = self.given.span(bytes, &self.cx.limits) {
                        self.push(chunk);
                        return self.cut(cut);
                    }
                    self.spans += 1;
                    self.bytes += bytes;
                    chunk.push(span);
                    if chunk.len() == CHUNK {
                        self.push(std::mem::take(&mut chunk));
                    }
                }
            }
            self.push(chunk);
        }
    }

    fn push(&mut self, chunk: Vec<Span>) {
        if !chunk.is_empty() {
            self.ready.push_back(chunk);
        }
    }

    fn cut(&mut self, why: String) {
        self.trouble.note(why);
        self.is_cut = true;
    }
}

/// A trace that was found, with where it lies.
pub(super) fn wanted(found: &FoundTrace, query: &TraceQuery) -> GetTrace {
    let (from, until) = (
        found.start_ns.saturating_sub(AROUND_NS),
        found.start_ns.saturating_add(AROUND_NS),
    );
    GetTrace {
        trace_id: found.trace_id,
        start_ns: Some(query.start_min_ns.min(from)),
        end_ns: Some(query.start_max_ns.max(until)),
    }
}

/// All that a stream gives, by trace.
async fn collect(mut stream: crate::port::TraceStream<'_>) -> Result<Parts, ReadError> {
    let mut traces: BTreeMap<TraceId, Vec<Span>> = BTreeMap::new();
    while let Some(item) = stream.next().await {
        match item? {
            ReadItem::Spans(spans) => {
                if let Some(first) = spans.first() {
                    traces.entry(first.trace_id).or_default().extend(spans);
                }
            }
            ReadItem::End(completeness) => return Ok((traces, completeness)),
        }
    }
    Ok((
        traces,
        Completeness::Partial {
            reason: "it stopped answering".to_owned(),
        },
    ))
}
