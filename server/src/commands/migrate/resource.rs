//! A custom resource of Jaeger's operator, `kind: Jaeger`.
//!
//! In: a resource. Out: each of its keys in a draft. Options are flags of Jaeger 1, whatever the nesting. What says how pods run stays with Kubernetes. What the operator added by itself is
//! added where it changes what is stored. No resource is fetched: what a ConfigMap or a Secret holds is told as something to do.
//!
//! Source: `jaegertracing/jaeger-operator: apis/v1/jaeger_types.go, pkg/strategy, pkg/storage/elasticsearch.go, pkg/util/util.go` at v1.57.

mod table;

use serde_json::Value as Json;

use super::apply::apply;
use super::draft::{Draft, Fate};
use super::leaf::{Given, Leaf, leaves};
use super::pattern;

/// Where the operator puts the strategies, and the configuration of the UI.
const STRATEGIES: &str = "/etc/jaeger/sampling/sampling.json";
const UI: &str = "/etc/config/ui.json";

/// Whether a document is such a resource.
pub(super) fn is_one(document: &Json) -> bool {
    text(document, "/kind").as_deref() == Some("Jaeger")
        || text(document, "/apiVersion")
            .is_some_and(|version| version.starts_with("jaegertracing.io/"))
}

/// Namespace and name, as far as the resource says them.
pub(super) fn identity(document: &Json) -> (Option<String>, Option<String>) {
    (
        text(document, "/metadata/namespace"),
        text(document, "/metadata/name"),
    )
}

fn text(document: &Json, pointer: &str) -> Option<String> {
    let value = document.pointer(pointer)?.as_str()?;
    Some(value.to_owned()).filter(|text| !text.is_empty())
}

/// How its pods are arranged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Strategy {
    AllInOne,
    Production,
    Streaming,
}

/// What is known of the whole resource.
struct Resource {
    strategy: Strategy,
    identity: (Option<String>, Option<String>),
    /// A cluster that the operator made: what is said of it.
    cluster: bool,
    cluster_name: String,
    aliases: bool,
    cleans: bool,
    cleaner_is_on: bool,
}

/// Reads the resource.
pub(super) fn translate(document: &Json, draft: &mut Draft) {
    let mut all = leaves(document);
    // what a component says goes before what is said for all
    all.sort_by_key(|leaf| !is_of_component(&leaf.key));
    let resource = Resource::read(document, &all);
    resource.start(draft);
    for leaf in &all {
        resource.leaf(leaf, draft);
    }
    resource.defaults(draft);
}

fn is_of_component(key: &str) -> bool {
    key.starts_with("spec.") && key.contains(".options") && !key.starts_with("spec.storage.")
}

// === impl Resource ===

impl Resource {
    fn read(document: &Json, all: &[Leaf]) -> Self {
        let strategy = text(document, "/spec/strategy")
            .unwrap_or_default()
            .to_lowercase();
        let storage = text(document, "/spec/storage/type")
            .unwrap_or_default()
            .to_lowercase();
        let said = |name: &str| {
            all.iter().find(|leaf| {
                leaf.key.starts_with("spec.") && leaf.key.ends_with(&format!("options.{name}"))
            })
        };
        let cleaner = document.pointer("/spec/storage/esIndexCleaner/enabled");
        Self {
            strategy: match strategy.as_str() {
                "production" => Strategy::Production,
                "streaming" => Strategy::Streaming,
                _ => Strategy::AllInOne,
            },
            identity: identity(document),
            cluster: storage == "elasticsearch" && said("es.server-urls").is_none(),
            cluster_name: text(document, "/spec/storage/elasticsearch/name")
                .unwrap_or_else(|| "elasticsearch".to_owned()),
            aliases: said("es.use-aliases")
                .and_then(|leaf| leaf.given.text())
                .as_deref()
                == Some("true"),
            cleans: storage == "elasticsearch" && cleaner != Some(&Json::Bool(false)),
            cleaner_is_on: cleaner == Some(&Json::Bool(true)),
        }
    }

    fn start(&self, draft: &mut Draft) {
        let roles: &[&str] = match self.strategy {
            Strategy::AllInOne => &["all-in-one"],
            Strategy::Production => &["collector", "query"],
            Strategy::Streaming => &["collector", "ingester", "query"],
        };
        for role in roles {
            let start = format!("spoor {role}");
            if !draft.roles.contains(&start) {
                draft.roles.push(start);
            }
        }
        if self.strategy == Strategy::Streaming {
            draft.decide("spec.strategy: the collector of strategy streaming writes to Kafka: start it with the variable SPAN_STORAGE_TYPE=kafka, which wins over the file; ingester and query use the store that the file names. Without Kafka, one collector writes to that store itself");
        }
    }

    fn leaf(&self, leaf: &Leaf, draft: &mut Draft) {
        let Leaf { key, given } = leaf;
        let Some(below) = key.strip_prefix("spec.") else {
            return self.outside(leaf, draft);
        };
        let (component, rest) = below.split_once('.').unwrap_or((below, ""));
        match rest.strip_prefix("options.") {
            Some(name) if component == "storage" => return draft.take(key, name, name, given),
            Some(name) if table::COMPONENTS.contains(&component) => {
                if self.uses(component) {
                    draft.take(key, name, name, given);
                } else {
                    draft.note(
                        key,
                        Fate::idle(
                            "its strategy has no such component, so the operator did not read it",
                        ),
                    );
                }
                return;
            }
            Some(_) if component == "sampling" => {
                return content(
                    leaf,
                    "sampling.strategies-file",
                    STRATEGIES,
                    "sampling",
                    draft,
                );
            }
            Some(_) if component == "ui" => {
                return content(leaf, "query.ui-config", UI, "ui", draft);
            }
            _ => {}
        }
        match below {
            "strategy" => drop(draft.note(
                key,
                Fate::Mapped(format!(
                    "the roles that are started: {}",
                    draft.roles.join(", ")
                )),
            )),
            "storage.type" => draft.take(key, "", "span-storage.type", given),
            "storage.secretName" | "storage.elasticsearch.secretName" => self.secret(leaf, draft),
            _ if below.starts_with("storage.elasticsearch.") && !self.cluster => {
                draft.note(
                    key,
                    Fate::elsewhere(
                        "es.server-urls names a cluster that the operator did not make",
                    ),
                );
            }
            _ if below.starts_with("storage.elasticsearch.") => self.cluster(leaf, draft),
            _ if below.starts_with("storage.esIndexCleaner.") && !self.cleans => {
                draft.note(
                    key,
                    Fate::elsewhere(
                        "nothing was deleted: it is not enabled, or there is no Elasticsearch",
                    ),
                );
            }
            _ if below.starts_with("storage.esRollover.") && !self.aliases => {
                draft.note(
                    key,
                    Fate::elsewhere("es.use-aliases is not true, so nothing was rolled over"),
                );
            }
            _ => match pattern::find(&[table::ROWS, table::PODS], below) {
                Some(row) => apply(draft, row, leaf, str::to_owned),
                None if *given == Given::Nothing && table::is_group(below) => {
                    draft.note(key, Fate::elsewhere("it is empty, which sets nothing"));
                }
                None => {
                    let hint = pattern::nearest(&[table::ROWS, table::PODS], below);
                    draft.note(key, Fate::Unknown(hint.unwrap_or_default()));
                }
            },
        }
    }

    fn outside(&self, leaf: &Leaf, draft: &mut Draft) {
        let key = leaf.key.as_str();
        let fate = match key {
            "metadata.namespace" | "metadata.name" => {
                Fate::Mapped("namespace and name of the instance".to_owned())
            }
            "apiVersion" | "kind" => Fate::elsewhere("it says what the file is"),
            "spec" => Fate::elsewhere("it is empty, which sets nothing"),
            _ if key.starts_with("metadata.") => Fate::elsewhere("it is for Kubernetes"),
            _ if key == "status" || key.starts_with("status.") => {
                Fate::elsewhere("the operator writes it")
            }
            _ => Fate::Unknown(String::new()),
        };
        draft.note(key, fate);
    }

    fn uses(&self, component: &str) -> bool {
        match component {
            "allInOne" | "all-in-one" => self.strategy == Strategy::AllInOne,
            "collector" | "query" => self.strategy != Strategy::AllInOne,
            "ingester" => self.strategy == Strategy::Streaming,
            _ => true,
        }
    }

    fn secret(&self, leaf: &Leaf, draft: &mut Draft) {
        draft.note(
            &leaf.key,
            Fate::Mapped("the variables ES_USERNAME and ES_PASSWORD".to_owned()),
        );
        draft.decide(format!("{}: its variables (ES_USERNAME, ES_PASSWORD) are not in the file: have Spoor's pod take them from the same Secret, or mount it and write es.username and es.password-file, which alone tells several instances apart", leaf.key));
    }

    fn cluster(&self, leaf: &Leaf, draft: &mut Draft) {
        let Leaf { key, given } = leaf;
        let text = given.text().unwrap_or_default();
        let nodes = text.trim().parse::<u32>().ok();
        let name = key.rsplit('.').next().unwrap_or_default();
        match (key.strip_prefix("spec.storage.elasticsearch."), nodes) {
            (Some("name"), _) => drop(draft.note(key, Fate::Mapped("es.server-urls".to_owned()))),
            (Some("nodeCount"), Some(_)) => draft.take(key, "", "es.num-shards", given),
            (Some("redundancyPolicy"), _) => match text.as_str() {
                "ZeroRedundancy" => {
                    draft.take(key, "", "es.num-replicas", &Given::Text("0".to_owned()));
                }
                "SingleRedundancy" => {
                    draft.take(key, "", "es.num-replicas", &Given::Text("1".to_owned()));
                }
                "MultipleRedundancy" | "FullRedundancy" => {
                    draft.note(
                        key,
                        Fate::idle("how many copies that is depends on the cluster"),
                    );
                    draft.decide(format!("{key}: write es.num-replicas, the number of copies that {text} was for this cluster"));
                }
                _ => drop(draft.note(key, Fate::Unknown("its value is no policy".to_owned()))),
            },
            _ => match pattern::find(&[table::CLUSTER], name) {
                _ if table::CLUSTER_GROUPS
                    .iter()
                    .any(|group| key.contains(group)) =>
                {
                    draft.note(key, Fate::elsewhere(table::MAKES_CLUSTER));
                }
                Some(row) => apply(draft, row, leaf, str::to_owned),
                None => drop(draft.note(key, Fate::Unknown(String::new()))),
            },
        }
    }

    /// What the operator gave its pods unless the resource said otherwise.
    fn defaults(&self, draft: &mut Draft) {
        if self.cluster {
            let host = match &self.identity.0 {
                Some(namespace) => format!("{}.{namespace}.svc.cluster.local", self.cluster_name),
                None => self.cluster_name.clone(),
            };
            let from = "the cluster that the operator made";
            let certs = match &draft.identity {
                Some((namespace, name)) => format!("/etc/spoor/elasticsearch/{namespace}/{name}"),
                None => "/etc/spoor/elasticsearch".to_owned(),
            };
            draft.derive("es.server-urls", &format!("https://{host}:9200"), from);
            draft.derive("es.timeout", "15s", from);
            draft.derive("es.tls.enabled", "true", from);
            for part in ["ca", "cert", "key"] {
                draft.derive(&format!("es.tls.{part}"), &format!("{certs}/{part}"), from);
            }
            let instance = self.identity.1.as_deref().unwrap_or("NAME");
            draft.decide(format!("spec.storage: the operator made the cluster of Elasticsearch and mounted the Secret {instance}-jaeger-elasticsearch (ca, cert, key) into the pods: mount it at {certs}"));
        }
        if self.cleans {
            if self.cleaner_is_on {
                draft.derive(
                    "es.cleaner.max-age",
                    "168h",
                    "spec.storage.esIndexCleaner.enabled, with the operator's 7 days",
                );
            }
            if draft.lines.contains_key("es.cleaner.max-age") {
                draft.decide("es.cleaner.max-age: Spoor deletes indices by itself, where the operator had a CronJob: remove that job, or this line");
            } else {
                draft.decide("spec.storage.esIndexCleaner says nothing, and the operator then deleted indices after 7 days: write es.cleaner.max-age: 168h to go on so; nothing is deleted without it");
            }
        }
        if self.aliases && !draft.lines.contains_key("es.use-ilm") {
            draft.derive(
                "es.rollover.interval",
                "1h",
                "es.use-aliases, with which the operator had a CronJob",
            );
            draft.decide("es.rollover.interval: Spoor rolls indices over by itself, where the operator had CronJobs: remove those, or this line");
        }
    }
}

/// A key of a group that the operator wrote into a file.
fn content(leaf: &Leaf, name: &str, path: &str, what: &str, draft: &mut Draft) {
    let is_in_use =
        settings::flags::find(name).is_some_and(|flag| flag.effect == settings::flag::Effect::Acts);
    let why = match settings::flags::find(name).map(|flag| flag.effect) {
        Some(settings::flag::Effect::Accepted(why)) => why,
        _ => "Spoor has no setting for it",
    };
    if !is_in_use {
        draft.note(&leaf.key, Fate::idle(why));
        return;
    }
    draft.derive(
        name,
        path,
        &format!("spec.{what}.options, which the operator wrote into a ConfigMap"),
    );
    draft.note(
        &leaf.key,
        Fate::Mapped(format!("{name}: the content of the file")),
    );
    let suffix = if what == "sampling" {
        "sampling-configuration"
    } else {
        "ui-configuration"
    };
    draft.decide(format!("spec.{what}.options: the operator wrote it into the ConfigMap NAME-{suffix}, key {what}: mount it, so that {path} is there for {name}"));
}
