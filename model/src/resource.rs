//! Who made a span: the [`Resource`] (Jaeger: process) and the [`Scope`] (instrumentation library). Both are shared by many spans.

use crate::{KeyValue, Str};

/// What produced spans. One a group of spans, shared behind an `Arc`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// The service's name, kept apart from the attributes. `None`: the sender gave none, or one that is not text (then the attribute
    /// `service.name` is still among `attributes`). Always `Some` after [`crate::sanitize`].
    pub service_name: Option<Str>,
    /// Everything else (Jaeger: process tags), in the order received.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema of the attributes, empty when unknown.
    pub schema_url: Str,
}

/// The instrumentation library that made spans.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Its name, empty when unknown.
    pub name: Str,
    /// Its version, empty when unknown.
    pub version: Str,
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// The schema of its spans, empty when unknown.
    pub schema_url: Str,
}

// === impl Resource ===

impl Resource {
    /// A resource of this service, with no attributes.
    pub fn of_service(name: impl Into<Str>) -> Self {
        Self {
            service_name: Some(name.into()),
            ..Self::default()
        }
    }

    /// The service's name, empty when there is none.
    pub fn service_name(&self) -> &str {
        self.service_name.as_deref().unwrap_or_default()
    }

    /// The bytes it keeps in memory, beside what its slices point into.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.attributes.iter().map(KeyValue::size).sum::<usize>()
    }
}

// === impl Scope ===

impl Scope {
    /// The bytes it keeps in memory, beside what its slices point into.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.attributes.iter().map(KeyValue::size).sum::<usize>()
    }
}
