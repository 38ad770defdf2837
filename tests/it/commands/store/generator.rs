//! Lines of OTLP JSON that say all that OTLP can say.

use bench::rng::Rng;
use serde_json::{Value, json};

/// Messages with everything that OTLP can say, in the spelling that we write.
pub(super) struct Generator(pub(super) Rng);

// === impl Generator ===

impl Generator {
    fn text(&mut self) -> String {
        let words = [
            "a",
            "GET /cart",
            "ümläut \u{1f980}",
            "line\nbreak",
            "<&>\u{2028}",
            "\"quoted\" \\ back",
        ];
        words[self.0.below(words.len() as u64) as usize].to_owned()
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.0.below(if depth == 0 { 8 } else { 10 }) {
            0 => json!({}),
            1 => json!({"stringValue": self.text()}),
            2 => json!({"stringValue": ""}),
            3 => json!({"boolValue": self.0.below(2) == 1}),
            4 => json!({"intValue": (self.0.next_u64() as i64).to_string()}),
            5 => json!({"doubleValue": (self.0.unit() - 0.5) * 1e300}),
            6 => {
                json!({"doubleValue": (["NaN", "Infinity", "-Infinity"][self.0.below(3) as usize])})
            }
            7 => json!({"bytesValue": "AP8Q"}),
            8 => {
                let values: Vec<_> = (0..self.0.below(3))
                    .map(|_| self.value(depth - 1))
                    .collect();
                json!({"arrayValue": {"values": values}})
            }
            _ => {
                let values: Vec<_> = (0..self.0.below(3))
                    .map(|_| self.attribute(depth - 1))
                    .collect();
                json!({"kvlistValue": {"values": values}})
            }
        }
    }

    fn attribute(&mut self, depth: u64) -> Value {
        json!({"key": self.text(), "value": self.value(depth)})
    }

    /// Adds attributes and the count of those that are not there, or neither.
    fn with_attributes(&mut self, mut to: Value, first: Option<Value>) -> Value {
        let more = self.0.below(4);
        let mut list: Vec<Value> = first.into_iter().collect();
        list.extend((0..more).map(|_| self.attribute(2)));
        if !list.is_empty() {
            to["attributes"] = list.into();
        }
        if self.0.below(2) == 0 {
            to["droppedAttributesCount"] = (self.0.below(9) + 1).into();
        }
        to
    }

    fn time(&mut self) -> String {
        // within the days that a segment is made for, and one beyond 2^53 µs
        let base = 1_795_420_469_123_456_789_u64;
        (base + self.0.below(200_000_000_000_000)).to_string()
    }

    fn span(&mut self, trace: u64, id: u64) -> Value {
        let start = self.time();
        let end = start.parse::<u64>().unwrap() + self.0.below(1 << 40);
        let mut span = json!({
            "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "status": {},
            "startTimeUnixNano": start, "endTimeUnixNano": end.to_string(),
        });
        if self.0.below(2) == 0 {
            span["parentSpanId"] = format!("{:016x}", id / 2 + 1).into();
            span["traceState"] = "rojo=00f067aa0ba902b7".into();
            span["flags"] = (self.0.below(1 << 32)).into();
            span["droppedEventsCount"] = 3.into();
            span["droppedLinksCount"] = u32::MAX.into();
            span["status"] = json!({"message": "no\nroute", "code": 2});
        }
        if self.0.below(3) > 0 {
            span["name"] = self.text().into();
            span["kind"] = (self.0.below(5) + 1).into();
        }
        let events: Vec<_> = (0..self.0.below(3))
            .map(|_| {
                let event = json!({"timeUnixNano": self.time(), "name": self.text()});
                self.with_attributes(event, None)
            })
            .collect();
        if !events.is_empty() {
            span["events"] = events.into();
        }
        let links: Vec<_> = (0..self.0.below(3))
            .map(|_| {
                let link = json!({
                    "traceId": format!("{:032x}", self.0.next_u64()), "spanId": format!("{:016x}", self.0.next_u64()),
                    "traceState": "a=b", "flags": self.0.below(255) + 1,
                });
                self.with_attributes(link, None)
            })
            .collect();
        if !links.is_empty() {
            span["links"] = links.into();
        }
        self.with_attributes(span, None)
    }

    /// A message of a few resources, whose spans are of a few traces.
    pub(super) fn line(&mut self, first: u64) -> String {
        let resources = (0..=self.0.below(2)).map(|nth| {
            let service = format!("service-{}", self.0.below(3));
            let service = json!({"key": "service.name", "value": {"stringValue": service}});
            let scopes = (0..=self.0.below(2)).map(|scope| {
                let spans: Vec<_> = (0..=self.0.below(4))
                    .map(|span| {
                        let trace = self.0.below(40) + 1;
                        self.span(trace, first + nth * 100 + scope * 10 + span + 1)
                    })
                    .collect();
                let of = json!({"name": self.text(), "version": "1.2"});
                let of = self.with_attributes(of, None);
                json!({"scope": of, "spans": spans, "schemaUrl": "https://opentelemetry.io/schemas/1.21.0"})
            });
            let scopes: Vec<_> = scopes.collect();
            let resource = self.with_attributes(json!({}), Some(service));
            json!({"resource": resource, "scopeSpans": scopes, "schemaUrl": "https://example.com/schema"})
        });
        let resources: Vec<_> = resources.collect();
        json!({"resourceSpans": resources}).to_string()
    }
}
