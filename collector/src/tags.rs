//! `collector.tags`: what an operator wants on every span's process or resource.
//!
//! In: decoded spans. Out: the same spans with resources that carry the tags. A resource that spans share is built anew once and shared
//! again. Jaeger's two rules are kept apart by dialect: a process gets a tag unless it has the same key with the same value, and is then
//! sorted; a resource gets it unless it has the key.
//!
//! Source: `jaegertracing/jaeger: cmd/collector/app/span_processor.go` (`addCollectorTags`) and `model/keyvalue.go` v1.76.0.

use std::cmp::Ordering;
use std::sync::Arc;

use model::{Dialect, KeyValue, Resource, Span, Str, Value};

const SERVICE_NAME: &str = "service.name";

/// The tags.
#[derive(Debug, Default)]
pub(crate) struct Tags(Vec<(Str, Str)>);

// === impl Tags ===

impl Tags {
    /// From keys and values, in the order in which they are added.
    pub(crate) fn new(tags: &[(String, String)]) -> Self {
        let tags = tags
            .iter()
            .map(|(key, value)| (Str::from(key.as_str()), Str::from(value.as_str())));
        Self(tags.collect())
    }

    /// Adds them to the resources of `spans`.
    pub(crate) fn add_to(&self, spans: &mut [Span]) {
        if self.0.is_empty() {
            return;
        }
        let mut last: Option<(Arc<Resource>, Arc<Resource>)> = None;
        for span in spans {
            let tagged = match &last {
                Some((from, to)) if Arc::ptr_eq(from, &span.resource) => to.clone(),
                _ => {
                    let mut resource = Resource::clone(&span.resource);
                    match span.dialect {
                        Dialect::Jaeger => self.add_to_process(&mut resource),
                        Dialect::Otlp => self.add_to_resource(&mut resource),
                    }
                    Arc::new(resource)
                }
            };
            let from = std::mem::replace(&mut span.resource, tagged.clone());
            last = Some((from, tagged));
        }
    }

    fn add_to_process(&self, process: &mut Resource) {
        let there = process.attributes.len();
        for (key, value) in &self.0 {
            let same =
                |tag: &KeyValue| tag.key == *key && text_of(&tag.value).as_deref() == Some(value);
            if !process.attributes.iter().take(there).any(same) {
                process
                    .attributes
                    .push(KeyValue::new(key.clone(), value.clone()));
            }
        }
        process
            .attributes
            .sort_by(|a, b| a.key.cmp(&b.key).then_with(|| compare(&a.value, &b.value)));
    }

    fn add_to_resource(&self, resource: &mut Resource) {
        for (key, value) in &self.0 {
            if resource.attributes.iter().any(|a| a.key == *key) {
                continue;
            }
            if *key == SERVICE_NAME {
                resource.service_name.get_or_insert_with(|| value.clone());
            } else {
                resource
                    .attributes
                    .push(KeyValue::new(key.clone(), value.clone()));
            }
        }
    }
}

/// A tag's value in Jaeger's words, for comparing; `None` for what no operator can write.
fn text_of(value: &Value) -> Option<Str> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string().into()),
        Value::Int(value) => Some(value.to_string().into()),
        _ => None,
    }
}

/// Jaeger's order: by type (string, bool, int64, float64, binary), then by value.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.as_bytes().cmp(b.as_bytes()),
        _ => rank(a).cmp(&rank(b)),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Empty | Value::String(_) => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 2,
        Value::Double(_) => 3,
        Value::Bytes(_) => 4,
        Value::Array(_) | Value::Map(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(dialect: Dialect, attributes: Vec<KeyValue>) -> Resource {
        let tags = Tags::new(&[
            ("zone".into(), "eu".into()),
            ("cluster".into(), "one".into()),
        ]);
        let resource = Arc::new(Resource {
            attributes,
            ..Resource::of_service("shop")
        });
        let span = || Span {
            dialect,
            resource: resource.clone(),
            ..Span::default()
        };
        let mut spans = [span(), span(), span()];
        tags.add_to(&mut spans);
        assert!(
            spans
                .windows(2)
                .all(|w| Arc::ptr_eq(&w[0].resource, &w[1].resource)),
            "still shared"
        );
        Resource::clone(&spans[0].resource)
    }

    fn keys(resource: &Resource) -> Vec<&str> {
        resource.attributes.iter().map(|a| &*a.key).collect()
    }

    #[test]
    fn a_process_is_tagged_and_sorted_and_keeps_other_values_of_the_key() {
        let process = tagged(
            Dialect::Jaeger,
            vec![
                KeyValue::new("zone", "us"),
                KeyValue::new("cluster", "one"),
                KeyValue::new("a", 1),
            ],
        );
        assert_eq!(keys(&process), ["a", "cluster", "zone", "zone"]);
        assert_eq!(process.attributes[2].value.as_str(), Some("eu"));
    }

    #[test]
    fn a_resource_is_tagged_where_it_lacks_the_key_and_not_sorted() {
        let resource = tagged(
            Dialect::Otlp,
            vec![KeyValue::new("zone", "us"), KeyValue::new("a", 1)],
        );
        assert_eq!(keys(&resource), ["zone", "a", "cluster"]);
    }

    #[test]
    fn a_service_name_is_given_only_to_a_resource_that_has_none() {
        let tags = Tags::new(&[("service.name".into(), "fallback".into())]);
        let of = |resource: Resource| {
            let mut spans = [Span {
                resource: Arc::new(resource),
                ..Span::default()
            }];
            tags.add_to(&mut spans);
            spans[0].resource.service_name().to_owned()
        };
        assert_eq!(of(Resource::default()), "fallback");
        assert_eq!(of(Resource::of_service("own")), "own");
    }
}
