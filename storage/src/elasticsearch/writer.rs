//! Spans into documents, and documents into the cluster.
//!
//! In: spans of one instance. Out: `Ok` once the cluster confirmed each document; which can never be stored, each with the cluster's reason; or an error, and then the same spans may be sent
//! again: their ids are made of what they hold, so that a second time leaves one copy.
//!
//! A service's document goes before the spans that need it, and is remembered only when it was confirmed.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/writer.go` v1.76.0, which confirms nothing.

use model::Span;

use super::bulk::{Action, Bulk, Documents};
use super::client::{Error, Flavour};
use super::document::{Encoder, service};
use super::services::Services;
use super::store::Store;
use super::template::{SERVICE_TYPE, SPAN_TYPE};
use crate::port::{Unstorable, WriteError};

/// Spans that are encoded before others get their turn on the thread.
const TURN: usize = 256;
/// Roughly what a document has, to make room at once.
const DOCUMENT_BYTES: usize = 1_200;

/// What a document of a bulk is of.
enum Of {
    /// The span at this position.
    Span(usize),
    /// The service that this stands for.
    Service(u128),
}

/// A bulk, made.
struct Made {
    documents: Documents,
    of: Vec<Of>,
}

/// The index of spans that start at about the same time, which most spans of a batch do.
#[derive(Default)]
struct Last {
    period: Option<u64>,
    name: String,
}

// === impl Store ===

impl Store {
    /// Writes spans; `with_services`: and that there are such services.
    pub(crate) async fn write(
        &self,
        spans: &[Span],
        with_services: bool,
    ) -> Result<(), WriteError> {
        if spans.is_empty() {
            return Ok(());
        }
        if self.gate.enter()? {
            self.doubt();
        }
        let unstorable = match self.write_through(spans, with_services).await {
            Ok(unstorable) => unstorable,
            Err(error) => {
                self.gate.failed(&error);
                return Err(error.into());
            }
        };
        self.gate.passed();
        if unstorable.is_empty() {
            return Ok(());
        }
        Err(WriteError::Rejected(unstorable))
    }

    async fn write_through(
        &self,
        spans: &[Span],
        with_services: bool,
    ) -> Result<Vec<Unstorable>, Error> {
        let flavour = self.ready().await?;
        let made = self.make(spans, with_services, flavour).await;
        let refused = self.bulk().send(&made.documents).await?;
        let mut is_refused = vec![false; made.of.len()];
        let mut unstorable = Vec::new();
        for one in refused {
            if let Some(is_refused) = is_refused.get_mut(one.at) {
                *is_refused = true;
            }
            match made.of.get(one.at) {
                Some(Of::Span(at)) => unstorable.push(Unstorable {
                    at: *at,
                    reason: one.reason.into(),
                }),
                // the spans are there all the same
                Some(Of::Service(_)) => tracing::warn!(
                    instance = %self.instance,
                    reason = one.reason,
                    "the document of a service was refused: it will be missing in lists"
                ),
                None => {}
            }
        }
        for (of, is_refused) in made.of.iter().zip(is_refused) {
            if let (Of::Service(key), false) = (of, is_refused) {
                self.services.confirm(*key);
            }
        }
        self.metrics.refused(unstorable.len());
        Ok(unstorable)
    }

    /// How documents are sent to this place.
    pub(crate) fn bulk(&self) -> Bulk<'_> {
        Bulk {
            client: &self.client,
            limits: &self.place.limits,
            metrics: &self.metrics,
            requires_alias: self.place.indices.use_aliases,
            refreshes: false,
        }
    }

    async fn make(&self, spans: &[Span], with_services: bool, flavour: Flavour) -> Made {
        let mut documents = Documents::new(flavour.has_types(), spans.len() * DOCUMENT_BYTES);
        let mut of = Vec::with_capacity(spans.len());
        let mut encoder = Encoder::new(&self.place.documents, &self.keys);
        let mut document = Vec::new();
        let (mut span_index, mut service_index) = (Last::default(), Last::default());
        let mut in_this_bulk = std::collections::HashSet::new();
        for (at, span) in spans.iter().enumerate() {
            if at % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            if with_services {
                let index = service_index.at(&self.names.services, span.start_ns);
                let (name, operation) = (span.resource.service_name(), span.name.as_str());
                let key = Services::key(index, name, operation);
                if !self.services.is_known(key) && in_this_bulk.insert(key) {
                    let id = service::id(name, operation);
                    documents.push(Action::Index, index, &id, SERVICE_TYPE, |out| {
                        out.extend(service::document(name, operation));
                    });
                    of.push(Of::Service(key));
                }
            }
            let index = span_index.at(&self.names.spans, span.start_ns);
            document.clear();
            let id = encoder.encode(index, span, &mut document);
            documents.push(Action::Create, index, id.as_str(), SPAN_TYPE, |out| {
                out.extend_from_slice(&document);
            });
            of.push(Of::Span(at));
        }
        Made { documents, of }
    }
}

// === impl Last ===

impl Last {
    fn at(&mut self, series: &super::index::Series, time_ns: u64) -> &str {
        let period = series.period(time_ns);
        if self.period != Some(period) {
            self.period = Some(period);
            self.name = series.write(time_ns);
        }
        &self.name
    }
}
