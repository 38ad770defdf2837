//! Reads one instance of a store in another process.
//!
//! In: questions of the port. Out: its answers. A search that another Spoor answers just so is handed on as it comes. Any other is decided here: the store is asked
//! for what may answer, each of its spans is held against the query as it passes, and the traces that stand first are then got by their ids, in order. So every
//! store finds the same; one that lets only so many traces through says so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use model::{Instance, Str, TraceId};
use prost::Message as _;
use tonic::Status;
use wire::r#gen::storage::{v1, v2};
use wire::times::timestamp;

use super::answer::{Ask, Messages, traces, within};
use super::client::{Client, Whose};
use super::names;
use super::protocol::{Method, Protocol};
use super::search::Search;
use crate::port::{
    DependencyLink, DependencyReader, Found, FoundTrace, GetTrace, Operation, OperationQuery,
    ReadContext, ReadError, TraceReader, TraceStream,
};
use crate::query::TraceQuery;
use crate::trouble::Trouble;

/// Traces that are asked for with one call, where a call takes many.
const IDS: usize = 1000;
/// Traces that are looked through for a query that the store cannot be asked for.
const CANDIDATES: usize = 10_000;

/// A reader of one instance.
pub(super) struct Reader {
    client: Arc<Client>,
    instance: Instance,
}

// === impl Reader ===

impl Reader {
    pub(super) fn new(client: Arc<Client>, instance: Instance) -> Self {
        Self { client, instance }
    }

    fn whose<'a>(&'a self, cx: &'a ReadContext) -> Whose<'a> {
        let now = std::time::Instant::now();
        Whose {
            instance: &self.instance,
            credentials: cx.credentials.as_ref(),
            patience: cx.deadline.map(|at| at.saturating_duration_since(now)),
        }
    }

    async fn protocol(&self, cx: &ReadContext) -> Result<Protocol, ReadError> {
        let asked = within(cx, self.client.protocol(self.whose(cx))).await?;
        asked.map_err(|status| self.client.read_error(&status))
    }

    fn messages<'a>(
        &'a self,
        cx: &'a ReadContext,
        protocol: Protocol,
        calls: impl IntoIterator<Item = Ask>,
    ) -> Messages<'a> {
        Messages::new(&self.client, cx, self.whose(cx), protocol, calls)
    }

    /// One message for one message, and what it lacks.
    async fn only(
        &self,
        cx: &ReadContext,
        method: Method,
        message: impl FnOnce(Protocol) -> Vec<u8>,
    ) -> Result<(Protocol, Bytes), ReadError> {
        let protocol = self.protocol(cx).await?;
        let message = Bytes::from(message(protocol));
        let call = self
            .client
            .only(self.whose(cx), protocol.path(method), message);
        let answered = within(cx, call).await?;
        let (answer, lacks) = answered.map_err(|status| self.client.read_error(&status))?;
        if let Some(reason) = lacks {
            let mut trouble = Trouble::default();
            trouble.note(reason);
            cx.lacks.note(trouble);
        }
        Ok((protocol, answer.unwrap_or_default()))
    }

    fn unreadable(&self, error: &prost::DecodeError) -> ReadError {
        let status = Status::unknown(format!("its answer cannot be read: {error}"));
        self.client.read_error(&status)
    }

    /// The traces with these ids, each once and in this order.
    async fn by_id<'a>(
        &'a self,
        cx: &'a ReadContext,
        ids: Vec<GetTrace>,
        trouble: Trouble,
    ) -> Result<TraceStream<'a>, ReadError> {
        let protocol = self.protocol(cx).await?;
        let mut asked = HashSet::new();
        let ids = ids.into_iter().filter(|get| asked.insert(get.trace_id));
        let ids: Vec<GetTrace> = ids.collect();
        let path = protocol.path(Method::GetTraces);
        // the order of many is promised by Spoor alone
        let many = if protocol == Protocol::Spoor { IDS } else { 1 };
        let calls = ids.chunks(many).map(|some| Ask {
            path,
            message: request_for(protocol, some),
        });
        let mut messages = self.messages(cx, protocol, calls);
        messages.trouble.add(trouble);
        Ok(traces(messages))
    }

    async fn find<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> Result<TraceStream<'a>, ReadError> {
        let protocol = self.protocol(cx).await?;
        let search = Search::of(query);
        if protocol == Protocol::Spoor && search.is_exact && !finds_nothing(query, &search) {
            // one more than is let through, so that it is known whether there are more
            let depth = query.limit.min(cx.limits.traces.saturating_add(1));
            let calls = [search.ask(protocol, depth)];
            return Ok(traces(self.messages(cx, protocol, calls)));
        }
        let (found, trouble) = self.places(cx, query).await?;
        let ids = found.iter().map(|found| GetTrace::by_id(found.trace_id));
        // one more than is let through here, too
        let ids = ids.take(cx.limits.traces.saturating_add(1)).collect();
        self.by_id(cx, ids, trouble).await
    }

    /// The traces that answer `query`, in its order and as many as it asks for, and what may be missing.
    async fn places(
        &self,
        cx: &ReadContext,
        query: &TraceQuery,
    ) -> Result<(Vec<FoundTrace>, Trouble), ReadError> {
        let search = Search::of(query);
        if finds_nothing(query, &search) {
            cx.check()?;
            return Ok((Vec::new(), Trouble::default()));
        }
        let protocol = self.protocol(cx).await?;
        let depth = match search.is_exact {
            // the store leaves out the same ones; one more than is let through, so that it is known whether there are more
            true => query.limit.min(cx.limits.traces.saturating_add(1)),
            false => CANDIDATES.max(query.limit),
        };
        let mut messages = self.messages(cx, protocol, [search.ask(protocol, depth)]);
        let mut seen: HashSet<TraceId> = HashSet::new();
        let mut best: HashMap<TraceId, FoundTrace> = HashMap::new();
        while let Some((spans, _)) = messages.next().await? {
            for span in &spans {
                seen.insert(span.trace_id);
                if !query.matches(span) {
                    continue;
                }
                let found = FoundTrace {
                    trace_id: span.trace_id,
                    start_ns: span.start_ns,
                    key_ns: query.order.key(span.start_ns, span.duration_ns()),
                };
                let known = best.entry(span.trace_id).or_insert(found);
                if query.order.compare(&found.place(), &known.place()).is_lt() {
                    *known = found;
                }
            }
        }
        let mut trouble = messages.trouble;
        if !search.is_exact && seen.len() >= depth {
            trouble.note(format!(
                "the remote store gave {depth} traces that may answer, and has perhaps more: give the search a service, an operation, tags or a shorter time"
            ));
        }
        let mut found: Vec<FoundTrace> = best.into_values().collect();
        found.retain(|found| query.is_wanted(&found.place()));
        found.sort_by(|a, b| query.order.compare(&a.place(), &b.place()));
        found.truncate(query.limit);
        Ok((found, trouble))
    }
}

fn finds_nothing(query: &TraceQuery, search: &Search) -> bool {
    query.start_max_ns == 0 || query.limit == 0 || search.finds_nothing()
}

/// The request for traces by their ids; version 1 takes one.
fn request_for(protocol: Protocol, ids: &[GetTrace]) -> Bytes {
    let time = |ns: Option<u64>| ns.map(timestamp);
    if let (Protocol::V1 { .. }, Some(get)) = (protocol, ids.first()) {
        let request = v1::GetTraceRequest {
            trace_id: get.trace_id.0.to_vec(),
            start_time: time(get.start_ns),
            end_time: time(get.end_ns),
        };
        return request.encode_to_vec().into();
    }
    let params = ids.iter().map(|get| v2::GetTraceParams {
        trace_id: get.trace_id.0.to_vec(),
        start_time: time(get.start_ns),
        end_time: time(get.end_ns),
    });
    let query = params.collect();
    v2::GetTracesRequest { query }.encode_to_vec().into()
}

/// A stream that has yet to be begun.
fn begun<'a>(
    beginning: impl Future<Output = Result<TraceStream<'a>, ReadError>> + Send + 'a,
) -> TraceStream<'a> {
    let begun =
        beginning.map(|begun| begun.unwrap_or_else(|error| stream::iter([Err(error)]).boxed()));
    stream::once(begun).flatten().boxed()
}

impl TraceReader for Reader {
    fn get_traces<'a>(&'a self, cx: &'a ReadContext, ids: &'a [GetTrace]) -> TraceStream<'a> {
        begun(self.by_id(cx, ids.to_vec(), Trouble::default()))
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        begun(self.find(cx, query))
    }

    fn find_trace_ids<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        let found = async move {
            let (found, trouble) = self.places(cx, query).await?;
            Ok(trouble.found(found, cx.limits.traces))
        };
        found.boxed()
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        let asked = async move {
            let (_, answer) = self.only(cx, Method::Services, |_| Vec::new()).await?;
            names::services(answer).map_err(|error| self.unreadable(&error))
        };
        asked.boxed()
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        let asked = async move {
            let request = |_| names::operations_request(query);
            let (protocol, answer) = self.only(cx, Method::Operations, request).await?;
            names::operations(protocol, answer, query).map_err(|error| self.unreadable(&error))
        };
        asked.boxed()
    }
}

impl DependencyReader for Reader {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        let asked = async move {
            let request = |_| names::dependencies_request(start_ns, end_ns);
            let (protocol, answer) = self.only(cx, Method::Dependencies, request).await?;
            names::dependencies(protocol, answer).map_err(|error| self.unreadable(&error))
        };
        asked.boxed()
    }
}
