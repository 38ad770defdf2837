//! Which tags the spans of a service have, and with which values: for whoever writes a search.
//!
//! In: a service, an operation, a time. Out: keys with their most frequent values, as the newest traces have them. No store lists its tags, so a few traces are read; what they have is kept for a
//! moment as other lists are. Where a search finds a tag it is found here: among the tags of a span, of its process, and the fields of its logs.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use model::{Span, Str};
use storage::{Completeness, Filter, ReadError, ReadItem, TraceQuery};
use wire::jaeger::{Tag, TagValue};

use super::cache::Question;
use super::{Bound, Call};
use crate::Trace;

/// So many traces are looked at,
const TRACES: usize = 50;
/// of so many spans at most, in so many bytes.
const SPANS: usize = 5000;
const BYTES: usize = 32 << 20;
/// So many keys are told,
const KEYS: usize = 1000;
/// and so many values of each,
const VALUES: usize = 100;
/// of which so many are told apart before the most frequent are known.
const SEEN: usize = 1000;
/// A longer value helps nobody to write a search.
const LONGEST: usize = 256;

/// A key and its values, the most frequent first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tagged {
    /// The key.
    pub(crate) key: Str,
    /// What people read in its place.
    pub(crate) values: Vec<Str>,
}

/// Whose tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    /// Empty: of any service.
    pub(crate) service: String,
    /// Empty: of any operation.
    pub(crate) operation: String,
    /// How far back, in nanoseconds.
    pub(crate) lookback_ns: u64,
}

/// What was seen: how often each value of each key.
#[derive(Default)]
struct Seen {
    keys: HashMap<Str, HashMap<Str, usize>>,
    spans: usize,
}

// === impl Call ===

impl Call<'_> {
    /// The tags of the newest traces, by key. `now_ns` is the end of the time that is looked at.
    pub(crate) async fn get_tags(
        &mut self,
        whose: Whose,
        now_ns: u64,
    ) -> Result<Vec<Tagged>, ReadError> {
        let bound = Bound::Setting("query.search-timeout", self.service.search_timeout);
        self.bound = self.bound.or_sooner(Some(bound));
        self.cx.deadline = self.began.checked_add(self.bound.time());
        let limits = &mut self.cx.limits;
        limits.traces = limits.traces.min(TRACES);
        limits.spans = limits.spans.min(SPANS);
        limits.bytes = limits.bytes.min(BYTES);
        let some = |text: &str| (!text.is_empty()).then(|| Str::from(text));
        let query = TraceQuery {
            service: some(&whose.service),
            operation: some(&whose.operation),
            filter: Filter::And(Vec::new()),
            start_min_ns: now_ns.saturating_sub(whose.lookback_ns),
            start_max_ns: now_ns,
            limit: TRACES,
            ..TraceQuery::default()
        };
        let call: &Self = self;
        let question = Question::Tags(whose.clone());
        let read = call.read_tags(&whose, &query);
        call.listed("get_tags", Some(question), read).await
    }

    async fn read_tags(&self, whose: &Whose, query: &TraceQuery) -> Result<Vec<Tagged>, ReadError> {
        let mut stream = self.readers.traces.find_traces(&self.cx, query);
        let mut seen = Seen::default();
        loop {
            match self.within(stream.next()).await {
                Some(Some(Ok(ReadItem::Spans(spans)))) => seen.add(&spans, whose),
                Some(Some(Ok(ReadItem::End(Completeness::Complete))) | None) => break,
                Some(Some(Ok(ReadItem::End(Completeness::Partial { reason })))) => {
                    // that there are more traces than are looked at is no lack
                    if seen.spans == 0 {
                        self.cut.get_or_init(|| reason);
                    }
                    break;
                }
                None | Some(Some(Err(ReadError::Cancelled(_)))) if seen.spans > 0 => {
                    self.cut.get_or_init(|| self.late_reason());
                    break;
                }
                None => return Err(self.late()),
                Some(Some(Err(error))) => return Err(error),
            }
        }
        Ok(seen.told())
    }
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, spans: &[Span], whose: &Whose) {
        let is_any = |wanted: &str, text: &str| wanted.is_empty() || wanted == text;
        for span in Trace::from_model(spans).spans {
            if is_any(&whose.service, &span.process.service_name)
                && is_any(&whose.operation, &span.operation_name)
            {
                self.spans += 1;
                self.tags(&span.tags);
                self.tags(&span.process.tags);
                span.logs.iter().for_each(|log| self.tags(&log.fields));
            }
        }
    }

    fn tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            if !self.keys.contains_key(&tag.key) {
                if self.keys.len() >= KEYS || tag.key.len() > LONGEST {
                    continue;
                }
                self.keys.insert(tag.key.detach(), HashMap::new());
            }
            let shown = match &tag.value {
                TagValue::String(text) if text.chars().count() <= LONGEST => text.detach(),
                // nobody searches for bytes by hand
                TagValue::String(_) | TagValue::Binary(_) => continue,
                TagValue::Bool(value) => value.to_string().into(),
                TagValue::Int(value) => value.to_string().into(),
                TagValue::Double(value) => wire::go_json::float_text(*value).into(),
            };
            let Some(values) = self.keys.get_mut(&tag.key) else {
                continue;
            };
            if values.len() < SEEN || values.contains_key(&shown) {
                *values.entry(shown).or_default() += 1;
            }
        }
    }

    fn told(self) -> Vec<Tagged> {
        let mut told: Vec<Tagged> = self
            .keys
            .into_iter()
            .map(|(key, values)| {
                let mut values: Vec<(Str, usize)> = values.into_iter().collect();
                values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                values.truncate(VALUES);
                let values = values.into_iter().map(|(value, _)| value).collect();
                Tagged { key, values }
            })
            .collect();
        told.sort_by(|a, b| a.key.cmp(&b.key));
        told
    }
}
