//! The services and operations of a part, each text once and none of a request's buffer.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use model::{SpanKind, Str};

/// Services and operations by number.
#[derive(Default)]
pub(crate) struct Catalogue {
    services: Vec<Str>,
    operations: Vec<Entry>,
    service_of: HashTable<u32>,
    operation_of: HashTable<u32>,
    hasher: DefaultHashBuilder,
    text_bytes: usize,
}

/// An operation of a service.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The service's number.
    pub(crate) service: u32,
    /// The kind of span.
    pub(crate) kind: SpanKind,
    /// The name.
    pub(crate) name: Str,
}

/// What a [`Str`] of its own buffer takes, beside its text and its handle.
const TEXT_OVERHEAD: usize = 72;

// === impl Catalogue ===

impl Catalogue {
    /// The number of an operation, a new one if it has none.
    pub(super) fn intern(&mut self, service: &str, kind: SpanKind, name: &str) -> u32 {
        let service = self.intern_service(service);
        let hash = |e: &Entry| self.hasher.hash_one((e.service, e.kind, e.name.as_str()));
        let wanted = self.hasher.hash_one((service, kind, name));
        let same = |number: &u32| {
            self.operations
                .get(*number as usize)
                .is_some_and(|e| e.service == service && e.kind == kind && e.name == *name)
        };
        if let Some(number) = self.operation_of.find(wanted, same) {
            return *number;
        }
        let number = self.operations.len() as u32;
        self.operations.push(Entry {
            service,
            kind,
            name: name.into(),
        });
        self.text_bytes += TEXT_OVERHEAD + name.len();
        let operations = &self.operations;
        self.operation_of.insert_unique(wanted, number, |number| {
            operations.get(*number as usize).map_or(0, hash)
        });
        number
    }

    fn intern_service(&mut self, service: &str) -> u32 {
        let hasher = &self.hasher;
        let wanted = hasher.hash_one(service);
        let services = &self.services;
        let same = |number: &u32| {
            services
                .get(*number as usize)
                .is_some_and(|s| *s == *service)
        };
        if let Some(number) = self.service_of.find(wanted, same) {
            return *number;
        }
        let number = self.services.len() as u32;
        self.services.push(service.into());
        self.text_bytes += TEXT_OVERHEAD + service.len();
        let services = &self.services;
        self.service_of.insert_unique(wanted, number, |number| {
            services
                .get(*number as usize)
                .map_or(0, |s| hasher.hash_one(s.as_str()))
        });
        number
    }

    /// A service by number.
    pub(crate) fn service(&self, number: u32) -> Option<&Str> {
        self.services.get(number as usize)
    }

    /// All services.
    pub(crate) fn services(&self) -> &[Str] {
        &self.services
    }

    /// An operation by number.
    pub(crate) fn operation(&self, number: u32) -> Option<&Entry> {
        self.operations.get(number as usize)
    }

    /// All operations.
    pub(crate) fn operations(&self) -> &[Entry] {
        &self.operations
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.services.capacity() * size_of::<Str>()
            + self.operations.capacity() * size_of::<Entry>()
            + self.service_of.allocation_size()
            + self.operation_of.allocation_size()
            + self.text_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_one_number() {
        let mut catalogue = Catalogue::default();
        let first = catalogue.intern("cart", SpanKind::Server, "get");
        let others = [
            catalogue.intern("cart", SpanKind::Client, "get"),
            catalogue.intern("shop", SpanKind::Server, "get"),
            catalogue.intern("cart", SpanKind::Server, "put"),
        ];
        assert_eq!(first, catalogue.intern("cart", SpanKind::Server, "get"));
        assert_eq!((first, others), (0, [1, 2, 3]));
        assert_eq!(catalogue.services(), ["cart", "shop"]);
        for n in 0..1000 {
            catalogue.intern("cart", SpanKind::Server, &n.to_string());
        }
        assert_eq!(catalogue.intern("cart", SpanKind::Server, "0"), 4);
        assert_eq!(catalogue.operations().len(), 1004);
    }
}
