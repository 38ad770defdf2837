//! Resource and scope from bytes, OTLP's and the store's own.
//!
//! In: a cursor over the message. Out: a [`ResourceReader`] or [`Scope`] that further occurrences of the field are merged into, as
//! protobuf has it. The service's name is taken out of a foreign resource: the first `service.name`, if it is text; others stay.
//!
//! Source: `opentelemetry/proto/resource/v1/resource.proto`, `common.proto`.

use model::{Resource, Scope, Str};

use super::attribute::{Attributes, text};
use crate::DecodeError;
use crate::budget::Budget;
use crate::cursor::Cursor;

/// The attribute that names the service.
pub(crate) const SERVICE_NAME: &str = "service.name";

/// Private field of a resource: the service's name, there when the resource has one.
pub(crate) const OWN_SERVICE_NAME: u32 = 1000;
/// Private field of a resource and of a scope: the schema, which OTLP keeps beside them.
pub(crate) const OWN_SCHEMA_URL: u32 = 1001;

/// A resource that is being read.
pub(crate) struct ResourceReader {
    attributes: Attributes,
    resource: Resource,
}

/// A scope that is being read.
pub(crate) struct ScopeReader {
    attributes: Attributes,
    scope: Scope,
}

// === impl ResourceReader ===

impl ResourceReader {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            attributes: Attributes::empty(),
            resource: Resource::default(),
        }
    }

    /// Merges one occurrence.
    pub(crate) fn read<const MODE: bool>(
        &mut self,
        mut cursor: Cursor<'_>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let [count] = cursor.count([1])?;
        self.attributes.grow(count, budget)?;
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => {
                    let attribute = cursor.message(wire, "resource's attribute")?;
                    self.attributes.read(attribute, budget)?;
                }
                2 => {
                    self.resource.dropped_attributes_count =
                        cursor.varint(wire, "resource's dropped attributes count")? as u32;
                }
                OWN_SERVICE_NAME if MODE => {
                    let name = cursor.slice(wire, "service's name")?;
                    self.resource.service_name = Some(text(name, budget)?);
                }
                OWN_SCHEMA_URL if MODE => {
                    let url = cursor.slice(wire, "resource's schema url")?;
                    self.resource.schema_url = text(url, budget)?;
                }
                _ => cursor.skip(number, wire)?,
            }
        }
        Ok(())
    }

    /// The resource of a foreign message.
    pub(crate) fn finish_foreign(mut self, schema_url: Str) -> Resource {
        let service_name = self.attributes.take_text(SERVICE_NAME);
        Resource {
            service_name,
            attributes: self.attributes.finish(),
            schema_url,
            ..self.resource
        }
    }

    /// The resource of an own message.
    pub(crate) fn finish_own(self) -> Resource {
        Resource {
            attributes: self.attributes.finish(),
            ..self.resource
        }
    }
}

// === impl ScopeReader ===

impl ScopeReader {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            attributes: Attributes::empty(),
            scope: Scope::default(),
        }
    }

    /// Merges one occurrence.
    pub(crate) fn read<const MODE: bool>(
        &mut self,
        mut cursor: Cursor<'_>,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let [count] = cursor.count([3])?;
        self.attributes.grow(count, budget)?;
        while let Some((number, wire)) = cursor.key()? {
            match number {
                1 => self.scope.name = text(cursor.slice(wire, "scope's name")?, budget)?,
                2 => self.scope.version = text(cursor.slice(wire, "scope's version")?, budget)?,
                3 => {
                    let attribute = cursor.message(wire, "scope's attribute")?;
                    self.attributes.read(attribute, budget)?;
                }
                4 => {
                    self.scope.dropped_attributes_count =
                        cursor.varint(wire, "scope's dropped attributes count")? as u32;
                }
                OWN_SCHEMA_URL if MODE => {
                    let url = cursor.slice(wire, "scope's schema url")?;
                    self.scope.schema_url = text(url, budget)?;
                }
                _ => cursor.skip(number, wire)?,
            }
        }
        Ok(())
    }

    /// The scope of an own message.
    pub(crate) fn finish_own(self) -> Scope {
        Scope {
            attributes: self.attributes.finish(),
            ..self.scope
        }
    }

    /// The scope of a foreign message.
    pub(crate) fn finish_foreign(self, schema_url: Str) -> Scope {
        Scope {
            attributes: self.attributes.finish(),
            schema_url,
            ..self.scope
        }
    }
}
