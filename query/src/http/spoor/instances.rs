//! Which instances there are to choose from, and which one a request is about.
//!
//! In: who asks, and what the path names. Out: JSON. A caller is told of those alone that it may see.

use access::Denied;
use http::request::Parts;
use model::Instance;
use serde::Serialize;
use trust::Astray;
use wire::go_json;

use crate::http::bare::Bare;
use crate::http::named::Named;
use crate::service::Service;

/// An instance by its two names.
#[derive(Serialize)]
pub(in crate::http) struct InstanceJson<'a> {
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct InstancesJson<'a> {
    instances: Vec<InstanceJson<'a>>,
    current: Option<InstanceJson<'a>>,
}

// === impl InstanceJson ===

impl<'a> InstanceJson<'a> {
    pub(in crate::http) fn of(instance: &'a Instance) -> Self {
        Self {
            namespace: instance.namespace(),
            name: instance.name(),
        }
    }
}

/// Those that whoever sent the request may see.
pub(in crate::http) fn instances(
    service: &Service,
    named: &Named,
    parts: &Parts,
) -> Result<Bare, Denied> {
    let instances = service.instances(parts)?;
    let current = match service.instance(parts, named.instance()?) {
        Ok(instance) => Some(instance),
        Err(Denied::Astray(Astray::Several(_))) => None,
        Err(denied) => return Err(denied),
    };
    let mut json = go_json::to_vec(&InstancesJson {
        instances: instances.iter().map(InstanceJson::of).collect(),
        current: current.as_ref().map(InstanceJson::of),
    });
    json.pop();
    Ok(Bare::new(vec![json]))
}
