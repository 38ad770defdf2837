//! Which tags describe the resource, and sharing resources and scopes among spans.
//!
//! Source: `open-telemetry/opentelemetry-collector-contrib: pkg/translator/zipkin/zipkinv2/to_translator.go` v0.140.1,
//! `getResourceSemanticConventionAttributeNames` and `nonSpanAttributes`.

use std::sync::Arc;

use model::{KeyValue, Resource, Scope, Str};

use crate::DecodeError;
use crate::budget::Budget;

/// The attribute that names the service.
pub(crate) const SERVICE_NAME: &str = "service.name";

/// Sorted.
const KEYS: [&str; 86] = [
    "aws.ecs.cluster.arn",
    "aws.ecs.container.arn",
    "aws.ecs.launchtype",
    "aws.ecs.task.arn",
    "aws.ecs.task.family",
    "aws.ecs.task.revision",
    "aws.eks.cluster.arn",
    "aws.log.group.arns",
    "aws.log.group.names",
    "aws.log.stream.arns",
    "aws.log.stream.names",
    "cloud.account.id",
    "cloud.availability_zone",
    "cloud.platform",
    "cloud.provider",
    "cloud.region",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "container.name",
    "container.runtime",
    "deployment.environment",
    "device.id",
    "device.manufacturer",
    "device.model.identifier",
    "device.model.name",
    "faas.id",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "host.arch",
    "host.id",
    "host.image.id",
    "host.image.name",
    "host.image.version",
    "host.name",
    "host.type",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.container.restart_count",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "opencensus.exporterversion",
    "opencensus.resourcetype",
    "opencensus.starttime",
    "os.description",
    "os.name",
    "os.type",
    "os.version",
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.executable.name",
    "process.executable.path",
    "process.owner",
    "process.pid",
    "process.runtime.description",
    "process.runtime.name",
    "process.runtime.version",
    "service.instance.id",
    SERVICE_NAME,
    "service.namespace",
    "service.version",
    "telemetry.auto.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "webengine.description",
    "webengine.name",
    "webengine.version",
];

/// How many resources are looked through for one that is the same. Spans of a request mostly come from one or two services.
const RECENT: usize = 8;

/// Whether a tag says something of what made the span, not of the span.
pub(crate) fn is_of_resource(key: &str) -> bool {
    KEYS.binary_search(&key).is_ok()
}

/// The resources and the scope of the latest spans.
#[derive(Default)]
pub(crate) struct Sharing {
    recent: Vec<Arc<Resource>>,
    next: usize,
    scope: Arc<Scope>,
}

// === impl Sharing ===

impl Sharing {
    /// A resource of these parts, shared with an earlier span when that has the same.
    pub(crate) fn resource(
        &mut self,
        service_name: Option<Str>,
        attributes: Vec<KeyValue>,
        budget: &mut Budget,
    ) -> Result<Arc<Resource>, DecodeError> {
        let same = self
            .recent
            .iter()
            .find(|r| r.service_name == service_name && r.attributes == attributes);
        if let Some(resource) = same {
            return Ok(resource.clone());
        }
        budget.charge(1, size_of::<Resource>() + 16)?;
        let resource = Arc::new(Resource {
            service_name,
            attributes,
            ..Resource::default()
        });
        match self.recent.get_mut(self.next) {
            Some(oldest) => *oldest = resource.clone(),
            None => self.recent.push(resource.clone()),
        }
        self.next = (self.next + 1) % RECENT;
        Ok(resource)
    }

    /// A scope of this name and version, shared with the latest span when that has the same.
    pub(crate) fn scope(
        &mut self,
        name: Str,
        version: Str,
        budget: &mut Budget,
    ) -> Result<Arc<Scope>, DecodeError> {
        if self.scope.name != name || self.scope.version != version {
            budget.charge(1, size_of::<Scope>() + 16)?;
            self.scope = Arc::new(Scope {
                name,
                version,
                ..Scope::default()
            });
        }
        Ok(self.scope.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_for_the_search() {
        assert!(KEYS.is_sorted());
        assert!(is_of_resource("telemetry.sdk.name") && is_of_resource("k8s.pod.name"));
        assert!(!is_of_resource("host") && !is_of_resource("http.path"));
    }

    #[test]
    fn equal_resources_are_one() {
        let mut sharing = Sharing::default();
        let mut budget = Budget::of_message(1_000);
        let mut make = |name: &str| {
            let made = sharing.resource(Some(name.into()), Vec::new(), &mut budget);
            made.unwrap()
        };
        let first = make("a");
        for other in 0..RECENT - 1 {
            make(&other.to_string());
        }
        assert!(Arc::ptr_eq(&first, &make("a")));
        make("b");
        assert!(!Arc::ptr_eq(&first, &make("a")));
    }
}
