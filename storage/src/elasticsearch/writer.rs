//! Spans into documents, and documents into the cluster.
//!
//! In: spans of one instance. Out: `Ok` once the cluster confirmed each document; which can never be stored, each with the cluster's reason; or an error, and then the same spans may be sent
//! again: their ids are made of what they hold, so that a second time leaves one copy.
//!
//! A service's document goes before the spans that need it, and is remembered only when it was confirmed.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/writer.go` v1.76.0, which confirms nothing.

use std::collections::BTreeSet;
use std::time::Instant;

use model::{Batch, Span};

use super::bulk::{Action, Bulk, Documents};
use super::config::{self, TagsAsFields};
use super::document::{Encoder, service};
use super::services::Services;
use super::store::Store;
use super::template::{SERVICE_TYPE, SPAN_TYPE};
use crate::http_client::{Error, Flavour};
use crate::port::{Unstorable, WriteError};

/// Spans that are encoded before others get their turn on the thread.
const TURN: usize = 256;
/// Roughly what a document has, to make room at once.
const DOCUMENT_BYTES: usize = 1_200;

/// What a cluster says when an index can have no further field.
const TOO_MANY_FIELDS: &str = "Limit of total fields";

/// What a document of a bulk is of.
enum Of {
    /// The span at this position.
    Span(usize),
    /// The service that this stands for.
    Service(u128),
}

/// What became of a batch that reached the cluster.
#[derive(Default)]
struct Written {
    unstorable: Vec<Unstorable>,
    /// Positions of spans that are not stored yet, and why.
    waiting: Vec<usize>,
    error: Option<Error>,
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

// === impl Written ===

impl Written {
    fn refuse(&mut self, at: usize, reason: String) {
        self.unstorable.push(Unstorable {
            at,
            reason: reason.into(),
        });
    }
}

// === impl Store ===

impl Store {
    /// Writes the spans of batches, positions counted through all of them; `with_services`: and that there are such services.
    pub(crate) async fn write(
        &self,
        batches: &[&Batch],
        with_services: bool,
    ) -> Result<(), WriteError> {
        let spans: Vec<&Span> = batches.iter().flat_map(|one| one.spans.iter()).collect();
        if spans.is_empty() {
            return Ok(());
        }
        // set already by all but the first
        self.in_use.set(()).ok();
        if self.gate.enter()? {
            self.doubt();
        }
        let written = match self.write_through(&spans, with_services).await {
            Ok(written) => written,
            Err(error) => {
                self.gate.failed(&error);
                return Err(error.into());
            }
        };
        self.gate.passed();
        let Written {
            unstorable,
            waiting,
            error,
        } = written;
        match error {
            Some(error) if !waiting.is_empty() => {
                let reason = error.to_string();
                if let Some(spans) = self.deferred.due(Instant::now(), waiting.len()) {
                    tracing::warn!(
                        instance = %self.instance,
                        spans,
                        error = reason,
                        "the cluster takes some spans and others not yet: senders of these are told to come again"
                    );
                }
                Err(WriteError::Deferred {
                    spans: waiting,
                    rejected: unstorable,
                    reason,
                })
            }
            _ if unstorable.is_empty() => Ok(()),
            _ => Err(WriteError::Rejected(unstorable)),
        }
    }

    /// An error is the cluster's: it stored nothing at all.
    async fn write_through(&self, spans: &[&Span], with_services: bool) -> Result<Written, Error> {
        let flavour = self.ready().await?;
        self.mark(spans).await?;
        let began = Instant::now();
        let Made { documents, of } = self.make(spans, with_services, flavour).await;
        let mut sent = self.bulk().send(documents).await;
        if sent.stored == 0
            && !sent.is_blocked
            && let Some(error) = sent.error.take()
        {
            return Err(error);
        }
        let mut written = Written::default();
        let mut is_missing = vec![false; of.len()];
        let mut too_many_fields = Vec::new();
        for one in sent.refused {
            if let Some(is_missing) = is_missing.get_mut(one.at) {
                *is_missing = true;
            }
            match of.get(one.at) {
                Some(Of::Span(at)) if one.reason.contains(TOO_MANY_FIELDS) => {
                    too_many_fields.push((*at, one.reason));
                }
                Some(Of::Span(at)) => written.refuse(*at, one.reason),
                // the spans are there all the same
                Some(Of::Service(_)) => tracing::warn!(
                    instance = %self.instance,
                    reason = one.reason,
                    "the document of a service was refused: it will be missing in lists"
                ),
                None => {}
            }
        }
        for at in sent.waiting {
            if let Some(is_missing) = is_missing.get_mut(at) {
                *is_missing = true;
            }
            if let Some(Of::Span(at)) = of.get(at) {
                written.waiting.push(*at);
            }
        }
        written.error = sent.error;
        for (of, is_missing) in of.iter().zip(is_missing) {
            if let (Of::Service(key), false) = (of, is_missing) {
                self.services.confirm(*key);
            }
        }
        if !too_many_fields.is_empty() {
            self.write_in_lists(spans, too_many_fields, flavour, &mut written)
                .await;
        }
        self.mark_again(spans, began).await?;
        written.unstorable.sort_by_key(|one| one.at);
        written.waiting.sort_unstable();
        self.metrics.refused(written.unstorable.len());
        Ok(written)
    }

    /// Writes spans with all of their tags in lists: their index has no room for more fields, whoever filled it.
    async fn write_in_lists(
        &self,
        spans: &[&Span],
        which: Vec<(usize, String)>,
        flavour: Flavour,
        written: &mut Written,
    ) {
        let documents = config::Documents {
            tags_as_fields: TagsAsFields {
                all: false,
                include: BTreeSet::new(),
                ..self.place.documents.tags_as_fields.clone()
            },
            ..self.place.documents.clone()
        };
        let mut encoder = Encoder::new(&documents, &self.keys);
        let mut lines = Documents::new(flavour.has_types(), which.len() * DOCUMENT_BYTES);
        let mut index = Last::default();
        for span in which.iter().filter_map(|(at, _)| spans.get(*at)) {
            let index = index.at(&self.names.spans, span.start_ns);
            push_span(&mut lines, &mut encoder, index, span);
        }
        let sent = self.bulk().send(lines).await;
        let at = |nth: usize| which.get(nth).map(|(at, _)| *at);
        for one in sent.refused {
            if let Some(at) = at(one.at) {
                written.refuse(at, one.reason);
            }
        }
        written
            .waiting
            .extend(sent.waiting.into_iter().filter_map(at));
        written.error = written.error.take().or(sent.error);
    }

    /// How documents are sent to this place.
    pub(crate) fn bulk(&self) -> Bulk<'_> {
        Bulk {
            client: &self.client,
            limits: &self.place.limits,
            metrics: &self.metrics,
            told: &self.told,
            requires_alias: self.place.indices.use_aliases,
            refreshes: false,
        }
    }

    /// The same, to indices that have no aliases.
    pub(crate) fn bulk_to_indices(&self) -> Bulk<'_> {
        Bulk {
            requires_alias: false,
            ..self.bulk()
        }
    }

    async fn make(&self, spans: &[&Span], with_services: bool, flavour: Flavour) -> Made {
        let mut documents = Documents::new(flavour.has_types(), spans.len() * DOCUMENT_BYTES);
        let mut of = Vec::with_capacity(spans.len());
        let mut encoder = Encoder::new(&self.place.documents, &self.keys);
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
            push_span(&mut documents, &mut encoder, index, span);
            of.push(Of::Span(at));
        }
        Made { documents, of }
    }
}

fn push_span(documents: &mut Documents, encoder: &mut Encoder<'_>, index: &str, span: &Span) {
    documents.push_identified(Action::Create, index, SPAN_TYPE, |out| {
        encoder.encode(index, span, out)
    });
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
