//! Several instances read as one: what an operator set in `query.union`.
//!
//! In: questions of the port, and readers of instances, whatever their backends. Out: one answer: traces of one id are one trace, spans that several hold come once, names are joined, calls
//! are added. A source that fails, is late or is itself not whole is named in the answer, which is then partial; it is an error only when all fail.
//!
//! Late is who leaves no time to answer: a source has a share of the time that is left, so that one that hangs takes nothing from what the others found.
//!
//! Deliberately absent: whose traces somebody may see. Who joins instances lets everybody who may read the first read all.

mod measures;
mod traces;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt as _, StreamExt as _};
use model::{Instance, Str, TraceId};

use crate::given;
use crate::port::{
    Completeness, DependencyLink, DependencyReader, Found, FoundTrace, GetTrace, Operation,
    OperationQuery, ReadContext, ReadError, ReadItem, TraceReader, TraceStream,
};
use crate::query::{Place, TraceQuery};
use crate::trouble::Trouble;
pub(crate) use measures::Sum;
use traces::Traces;

/// Of the time that is left, what one step may take of a source: the rest is for the answer.
const SHARE: f64 = 0.8;
/// The same while ids are looked for: their traces have to be got after that.
const SEARCH_SHARE: f64 = 0.4;

/// How often sources are asked again behind a cursor, for what turned out to have been given before.
const MAX_ROUNDS: usize = 8;
/// For how many traces at least, so that small pages need few rounds.
const ROUND: usize = 64;

/// One reader over several.
pub(crate) struct Union {
    sources: Vec<Arc<Source>>,
}

/// An instance, as it is read.
struct Source {
    instance: Instance,
    traces: Arc<dyn TraceReader>,
    dependencies: Arc<dyn DependencyReader>,
}

/// What a source will answer.
type Asked<T> = BoxFuture<'static, Result<T, ReadError>>;

/// What the sources of an answer answered, each with its place among them.
struct Answers<T> {
    given: Vec<(usize, T)>,
    trouble: Trouble,
    /// Of the first that failed.
    failed: Option<ReadError>,
}

// === impl Union ===

impl Union {
    /// Of an instance itself. What it holds comes before what others hold.
    pub(crate) fn new(
        instance: &Instance,
        traces: Arc<dyn TraceReader>,
        dependencies: Arc<dyn DependencyReader>,
    ) -> Self {
        let mut union = Self {
            sources: Vec::new(),
        };
        union.add(instance, traces, dependencies);
        union
    }

    /// And of another.
    pub(crate) fn add(
        &mut self,
        instance: &Instance,
        traces: Arc<dyn TraceReader>,
        dependencies: Arc<dyn DependencyReader>,
    ) {
        self.sources.push(Arc::new(Source {
            instance: instance.clone(),
            traces,
            dependencies,
        }));
    }

    /// Asks the sources at these places at once, each within `share` of the time that is left.
    async fn ask<T>(
        &self,
        cx: &ReadContext,
        places: impl IntoIterator<Item = usize>,
        share: f64,
        ask: impl Fn(Arc<Source>, ReadContext) -> Asked<T>,
    ) -> Result<Answers<T>, ReadError> {
        cx.check()?;
        let within = cx.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            left.mul_f64(share)
        });
        let cx = ReadContext {
            deadline: within.map(|within| Instant::now() + within),
            ..cx.clone()
        };
        let sources = places
            .into_iter()
            .filter_map(|at| self.sources.get(at).map(|s| (at, s)));
        let asked = sources.map(|(at, source)| {
            let answer = in_time(within, ask(source.clone(), cx.clone()));
            async move { (at, source, answer.await) }
        });
        let mut answers = Answers {
            given: Vec::new(),
            trouble: Trouble::default(),
            failed: None,
        };
        for (at, source, answer) in join_all(asked).await {
            match answer {
                Ok(answer) => answers.given.push((at, answer)),
                Err(error) => {
                    answers
                        .trouble
                        .note(format!("{}: {error}", source.instance));
                    answers.failed.get_or_insert(error);
                }
            }
        }
        match (answers.given.is_empty(), &answers.failed) {
            (true, Some(error)) => Err(error.clone()),
            _ => Ok(answers),
        }
    }

    /// Asks all for a list, and says in `cx` what it lacks.
    async fn lists<T>(
        &self,
        cx: &ReadContext,
        ask: impl Fn(Arc<Source>, ReadContext) -> Asked<Vec<T>>,
    ) -> Result<impl Iterator<Item = T>, ReadError> {
        let answers = self.ask(cx, 0..self.sources.len(), SHARE, ask).await?;
        cx.lacks.note(answers.trouble);
        Ok(answers.given.into_iter().flat_map(|(_, list)| list))
    }

    /// The first traces of all, by the first of their spans that answers, wherever it lies. Also the places of those who answered.
    async fn newest(
        &self,
        cx: &ReadContext,
        query: &TraceQuery,
    ) -> Result<(Vec<FoundTrace>, Vec<usize>, Trouble), ReadError> {
        let mut query = query.clone();
        let wanted = query.limit;
        let mut all: Vec<FoundTrace> = Vec::new();
        let mut all_trouble = Trouble::default();
        for _ in 0..MAX_ROUNDS {
            if query.after.is_some() && self.sources.len() > 1 {
                let missing = wanted.saturating_sub(all.len());
                query.limit = missing.max(ROUND.min(cx.limits.traces));
            }
            let (found, places, trouble) = self.merged(cx, &query).await?;
            all_trouble.add(trouble);
            let (Some(after), true) = (query.after, self.sources.len() > 1) else {
                return Ok((found, places, all_trouble));
            };
            let is_last = found.len() < query.limit;
            let last = found.last().map(FoundTrace::place);
            let mut placed = self
                .placed(cx, &query, &found, &places, &mut all_trouble)
                .await?;
            placed.retain(|f| query.order.compare(&f.place(), &after).is_gt());
            all.extend(placed);
            match last {
                Some(last) if !is_last && all.len() < wanted => query.after = Some(last),
                _ => {
                    all.truncate(wanted);
                    return Ok((all, places, all_trouble));
                }
            }
        }
        all_trouble.note(given::cut(&format!("{MAX_ROUNDS} rounds behind a cursor")));
        let places = (0..self.sources.len()).collect();
        Ok((all, places, all_trouble))
    }

    /// What each finds for itself, joined.
    async fn merged(
        &self,
        cx: &ReadContext,
        query: &TraceQuery,
    ) -> Result<(Vec<FoundTrace>, Vec<usize>, Trouble), ReadError> {
        let all = 0..self.sources.len();
        let asked = self.ask(cx, all, SEARCH_SHARE, |source, cx| {
            let query = query.clone();
            async move { source.traces.find_trace_ids(&cx, &query).await }.boxed()
        });
        let Answers {
            given, mut trouble, ..
        } = asked.await?;
        let places = given.iter().map(|(at, _)| *at).collect();
        let mut first: BTreeMap<TraceId, FoundTrace> = BTreeMap::new();
        for (at, found) in given {
            self.note(at, found.completeness, &mut trouble);
            for trace in found.traces {
                let known = first.entry(trace.trace_id).or_insert(trace);
                if query.order.compare(&trace.place(), &known.place()).is_lt() {
                    *known = trace;
                }
            }
        }
        let mut found: Vec<FoundTrace> = first.into_values().collect();
        found.sort_by(|a, b| query.order.compare(&a.place(), &b.place()));
        found.truncate(query.limit);
        Ok((found, places, trouble))
    }

    /// The same traces where all of their spans put them: a source that has only some of a trace's does not know that another has one that
    /// stands before, and was given on a page before.
    async fn placed(
        &self,
        cx: &ReadContext,
        query: &TraceQuery,
        found: &[FoundTrace],
        places: &[usize],
        trouble: &mut Trouble,
    ) -> Result<Vec<FoundTrace>, ReadError> {
        let ids = found.iter().map(|f| traces::wanted(f, query)).collect();
        let whole = Traces::new(self, cx, ids, places.to_vec(), Trouble::default());
        let mut stream = whole.into_stream().boxed();
        let mut first: BTreeMap<TraceId, Place> = BTreeMap::new();
        while let Some(item) = stream.next().await {
            let spans = match item? {
                ReadItem::Spans(spans) => spans,
                ReadItem::End(Completeness::Complete) => break,
                ReadItem::End(Completeness::Partial { reason }) => {
                    trouble.note(reason);
                    break;
                }
            };
            if let Some(place) = query.place(&spans) {
                let known = first.entry(place.trace_id).or_insert(place);
                if query.order.compare(&place, known).is_lt() {
                    *known = place;
                }
            }
        }
        let placed = found.iter().map(|f| FoundTrace {
            key_ns: first.get(&f.trace_id).map_or(f.key_ns, |p| p.key_ns),
            ..*f
        });
        Ok(placed.collect())
    }

    /// Says of which source it is that an answer lacks something.
    fn note(&self, at: usize, completeness: Completeness, trouble: &mut Trouble) {
        if let (Completeness::Partial { reason }, Some(source)) =
            (completeness, self.sources.get(at))
        {
            trouble.note(format!("{}: {reason}", source.instance));
        }
    }
}

/// What `ask` answers in time.
async fn in_time<T>(
    within: Option<Duration>,
    ask: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    let Some(within) = within else {
        return ask.await;
    };
    let late = || ReadError::Late {
        reason: format!(
            "it did not answer within {:.1}s, its share of the time that there is",
            within.as_secs_f64()
        ),
    };
    match tokio::time::timeout(within, ask).await {
        Err(_) | Ok(Err(ReadError::Cancelled(_))) => Err(late()),
        Ok(answer) => answer,
    }
}

impl TraceReader for Union {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        let places = (0..self.sources.len()).collect();
        Traces::new(self, cx, ids.to_vec(), places, Trouble::default())
            .into_stream()
            .boxed()
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        Traces::finding(self, cx, query).boxed()
    }

    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        async move {
            let (traces, _, trouble) = self.newest(cx, query).await?;
            Ok(trouble.found(traces, cx.limits.traces))
        }
        .boxed()
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        async move {
            let all = self.lists(cx, |source, cx| {
                async move { source.traces.get_services(&cx).await }.boxed()
            });
            let mut all: Vec<Str> = all.await?.collect();
            all.sort_unstable();
            all.dedup();
            Ok(all)
        }
        .boxed()
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        async move {
            let all = self.lists(cx, |source, cx| {
                let query = query.clone();
                async move { source.traces.get_operations(&cx, &query).await }.boxed()
            });
            let mut all: Vec<Operation> = all.await?.collect();
            all.sort_unstable();
            all.dedup();
            Ok(all)
        }
        .boxed()
    }
}

impl DependencyReader for Union {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        async move {
            let all = self.lists(cx, |source, cx| {
                let dependencies = source.dependencies.clone();
                async move { dependencies.get_dependencies(&cx, start_ns, end_ns).await }.boxed()
            });
            Ok(DependencyLink::sum(all.await?))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
