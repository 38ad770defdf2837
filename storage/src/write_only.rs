//! The reading half of a store that is only written to.
//!
//! In: any question. Out: the same answer, which says where to ask instead.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::Str;

use crate::port::{
    DependencyLink, DependencyReader, Found, GetTrace, Operation, OperationQuery, ReadContext,
    ReadError, TraceReader, TraceStream,
};
use crate::query::TraceQuery;

/// Reads nothing.
pub(crate) struct WriteOnly {
    /// Where spans went: `they are with the collector at …`.
    pub(crate) elsewhere: String,
}

// === impl WriteOnly ===

impl WriteOnly {
    fn error(&self) -> ReadError {
        ReadError::Unavailable {
            reason: format!("nothing is read here: {}", self.elsewhere),
        }
    }

    fn stream(&self) -> TraceStream<'_> {
        stream::iter([Err(self.error())]).boxed()
    }

    fn answer<T: Send + 'static>(&self) -> BoxFuture<'_, Result<T, ReadError>> {
        std::future::ready(Err(self.error())).boxed()
    }
}

impl TraceReader for WriteOnly {
    fn get_traces<'a>(&'a self, _: &'a ReadContext, _: &'a [GetTrace]) -> TraceStream<'a> {
        self.stream()
    }

    fn find_traces<'a>(&'a self, _: &'a ReadContext, _: &'a TraceQuery) -> TraceStream<'a> {
        self.stream()
    }

    fn find_trace_ids<'a>(
        &'a self,
        _: &'a ReadContext,
        _: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        self.answer()
    }

    fn get_services<'a>(
        &'a self,
        _: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        self.answer()
    }

    fn get_operations<'a>(
        &'a self,
        _: &'a ReadContext,
        _: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        self.answer()
    }
}

impl DependencyReader for WriteOnly {
    fn get_dependencies<'a>(
        &'a self,
        _: &'a ReadContext,
        _: u64,
        _: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        self.answer()
    }
}
