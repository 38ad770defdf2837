//! Several instances counted as one.
//!
//! In: a question, and what counts each instance. Out: the sums. One that fails or is late is said to lack; it is an error only when all fail. When one can only count on a
//! coarser grid, all are asked again on that one, so that what is added covers the same time.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use model::Instance;

use super::{SHARE, in_time};
use crate::port::{MeasureQuery, MeasureReader, Measured, ReadContext, ReadError};
use crate::trouble::Trouble;

/// Grids that are tried.
const ROUNDS: usize = 3;

/// One counter over several.
pub(crate) struct Sum {
    sources: Vec<(Instance, Option<Arc<dyn MeasureReader>>)>,
}

// === impl Sum ===

impl Sum {
    /// Of these instances; where nothing counts the spans of one, that is said.
    pub(crate) fn new(sources: Vec<(Instance, Option<Arc<dyn MeasureReader>>)>) -> Self {
        Self { sources }
    }

    /// What each counts, and what is lacking.
    async fn ask(
        &self,
        cx: &ReadContext,
        query: &MeasureQuery,
        trouble: &mut Trouble,
    ) -> Result<Vec<Measured>, ReadError> {
        let within = cx.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            left.mul_f64(SHARE)
        });
        let cx = ReadContext {
            deadline: within.map(|within| Instant::now() + within),
            ..cx.clone()
        };
        let asked = self.sources.iter().map(|(instance, reader)| {
            let cx = &cx;
            async move {
                let answer = match reader {
                    Some(reader) => in_time(within, reader.measure(cx, query)).await,
                    None => Err(ReadError::Unavailable {
                        reason: "nothing counts its spans".to_owned(),
                    }),
                };
                (instance, answer)
            }
        });
        let (mut given, mut failed) = (Vec::new(), None);
        for (instance, answer) in join_all(asked).await {
            match answer {
                Ok(measured) => given.push(measured),
                Err(error) => {
                    trouble.note(format!("{instance}: {error}"));
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) if given.is_empty() => Err(error),
            _ => Ok(given),
        }
    }
}

impl MeasureReader for Sum {
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a MeasureQuery,
    ) -> BoxFuture<'a, Result<Measured, ReadError>> {
        async move {
            cx.check()?;
            let mut query = query.clone();
            let mut rounds = 0;
            loop {
                rounds += 1;
                let mut trouble = Trouble::default();
                let mut given = self.ask(cx, &query, &mut trouble).await?;
                let coarsest = (given.iter().map(|measured| measured.grid))
                    .max_by_key(|grid| (grid.step_ms(), grid.rate_ms()));
                let grid = coarsest.unwrap_or(query.grid);
                if rounds < ROUNDS && given.iter().any(|measured| measured.grid != grid) {
                    query.grid = grid;
                    continue;
                }
                if given.iter().any(|measured| measured.grid != grid) {
                    trouble.note("some instances can only be counted on a coarser grid and are left out: ask for a longer step".to_owned());
                    given.retain(|measured| measured.grid == grid);
                }
                let mut sum = Measured::empty(grid);
                given.into_iter().for_each(|measured| sum.add(measured));
                cx.lacks.note(trouble);
                return Ok(sum);
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use model::{Batch, Resource, Span, SpanId, SpanKind};

    use super::*;
    use crate::memory::{Config, Memory};
    use crate::port::{Backend as _, Grid, Measure};

    /// Counts on no grid whose steps are shorter than a second.
    struct Coarse(Arc<dyn MeasureReader>);

    impl MeasureReader for Coarse {
        fn measure<'a>(
            &'a self,
            cx: &'a ReadContext,
            query: &'a MeasureQuery,
        ) -> BoxFuture<'a, Result<Measured, ReadError>> {
            async move {
                let mut query = query.clone();
                if query.grid.step_ms() < 1_000 {
                    query.grid = query.grid.coarser(1_000_u64.div_ceil(query.grid.step_ms()));
                }
                self.0.measure(cx, &query).await
            }
            .boxed()
        }
    }

    async fn counted(start_ms: u64) -> Arc<dyn MeasureReader> {
        let memory = Memory::new(Config::default());
        let span = Span {
            span_id: SpanId::from_u64(start_ms),
            start_ns: start_ms * 1_000_000,
            resource: Arc::new(Resource::of_service("shop")),
            ..Span::default()
        };
        let batch = Batch::new(Instance::default(), vec![span], 0);
        memory.writer().write(batch).await.unwrap();
        memory.measures(&Instance::default()).unwrap().reader
    }

    #[tokio::test]
    async fn counts_are_added_on_a_grid_that_all_can_count_on() {
        let of = |name: &str| Instance::parse(name).unwrap();
        let sum = Sum::new(vec![
            (of("a/jaeger"), Some(counted(9_100).await)),
            (of("b/jaeger"), Some(Arc::new(Coarse(counted(9_900).await)))),
            (of("c/jaeger"), None),
        ]);
        let query = MeasureQuery {
            measure: Measure::Calls,
            services: vec!["shop".into()],
            kinds: vec![SpanKind::Unspecified],
            by_operation: false,
            grid: Grid::new(10_000, 1_000, 100, 200).unwrap(),
        };
        let cx = ReadContext::default();
        let sums = sum.measure(&cx, &query).await.unwrap();
        assert_eq!(sums.grid, query.grid.coarser(10));
        let cells = &sums.lines[&query.line("shop", "")];
        let calls: Vec<(u64, u64)> = cells.iter().map(|(at, c)| (*at, c.calls)).collect();
        assert_eq!(calls, [(1, 2)]);
        let said = cx.lacks.reason().unwrap_or_default();
        assert!(
            said.contains("c/jaeger: storage is unavailable: nothing counts"),
            "{said}"
        );
        let nobody = Sum::new(vec![(of("c/jaeger"), None)]);
        assert!(nobody.measure(&cx, &query).await.is_err());
    }
}
