//! The events of all spans of a trace, by time, a page at a time.
//!
//! In: a trace, and which page. Out: JSON: how many events there are, and those of the page. What Jaeger keeps in a log's field `event` is the name.

use model::SpanId;
use serde::{Serialize, Serializer};
use wire::go_json;
use wire::jaeger::{Log, TagValue, tags};

use super::params::Page;
use crate::http::json::TagJson;
use crate::whole::Whole;

#[derive(Serialize)]
struct EventsJson<'a> {
    total: usize,
    events: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct EventJson<'a> {
    #[serde(rename = "spanID")]
    span_id: Text<SpanId>,
    #[serde(rename = "timeUnixNano")]
    time_ns: Text<u64>,
    name: &'a str,
    attributes: Vec<TagJson<'a>>,
}

struct Text<T>(T);

pub(super) fn page(whole: &Whole, page: Page) -> Vec<u8> {
    let mut events: Vec<(u64, SpanId, &Log)> = whole
        .spans()
        .iter()
        .flat_map(|span| {
            let id = span.span_id;
            span.logs.iter().map(move |log| (log.time_ns, id, log))
        })
        .collect();
    // those of one moment stay in the order of their spans
    events.sort_by_key(|(time_ns, _, _)| *time_ns);
    let total = events.len();
    let wanted = events.into_iter().skip(page.from).take(page.limit);
    go_json::to_vec(&EventsJson {
        total,
        events: wanted.map(|(_, id, log)| EventJson::of(id, log)).collect(),
    })
}

// === impl EventJson ===

impl<'a> EventJson<'a> {
    fn of(span_id: SpanId, log: &'a Log) -> Self {
        let name = log.fields.iter().position(|field| {
            field.key == tags::EVENT && matches!(field.value, TagValue::String(_))
        });
        let text = match name.and_then(|at| log.fields.get(at)).map(|f| &f.value) {
            Some(TagValue::String(text)) => text.as_str(),
            _ => "",
        };
        let others = log.fields.iter().enumerate();
        let others = others.filter(|(at, _)| Some(*at) != name);
        Self {
            span_id: Text(span_id),
            time_ns: Text(log.time_ns),
            name: text,
            attributes: others.map(|(_, field)| TagJson(field)).collect(),
        }
    }
}

impl<T: std::fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
