//! Manifests for Kubernetes: put together by kustomize, held against Kubernetes' schemas, and against what Spoor knows and listens on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use settings::ports;

use super::container::{self, Spoor};
use super::{EXAMPLES, STRATEGIES, files_below, items, manifests, root, word};

/// What a role listens on, its admin port last.
fn ports_of(role: &str) -> Vec<u16> {
    let receivers = [
        ports::OTLP_GRPC,
        ports::OTLP_HTTP,
        ports::COLLECTOR_GRPC,
        ports::COLLECTOR_HTTP,
        ports::ZIPKIN,
    ];
    let more: &[u16] = match role {
        "collector" => &[ports::COLLECTOR_ADMIN],
        "query" => return vec![ports::QUERY_HTTP, ports::QUERY_GRPC, ports::QUERY_ADMIN],
        "ingester" => return vec![ports::INGESTER_ADMIN],
        "all-in-one" => &[
            ports::SAMPLING_HTTP,
            ports::SAMPLING_GRPC,
            ports::QUERY_HTTP,
            ports::QUERY_GRPC,
            ports::COLLECTOR_ADMIN,
        ],
        other => panic!("no role {other}"),
    };
    [&receivers, more].concat()
}

/// A pod's template, and what it is of.
struct Workload {
    folder: &'static str,
    name: String,
    template: Value,
}

impl Workload {
    fn container(&self) -> &Value {
        let containers = items(&self.template, "/spec/containers");
        assert_eq!(containers.len(), 1, "{}", self.name);
        &containers[0]
    }

    fn role(&self) -> &str {
        word(self.container(), "/args/0")
    }

    fn labels(&self) -> &Value {
        &self.template["metadata"]["labels"]
    }

    fn is_selected(&self, selector: &Value) -> bool {
        let selector = selector.as_object().unwrap();
        selector
            .iter()
            .all(|(k, v)| self.labels().get(k) == Some(v))
    }

    /// The ports by name, as the container has them.
    fn ports(&self) -> BTreeMap<&str, u64> {
        items(self.container(), "/ports")
            .iter()
            .map(|port| (word(port, "/name"), port["containerPort"].as_u64().unwrap()))
            .collect()
    }
}

fn workloads(folder: &'static str, documents: &[Value]) -> Vec<Workload> {
    documents
        .iter()
        .filter(|d| matches!(word(d, "/kind"), "Deployment" | "StatefulSet"))
        .map(|d| Workload {
            folder,
            name: format!("{folder}: {}", word(d, "/metadata/name")),
            template: d["spec"]["template"].clone(),
        })
        .collect()
}

fn folders() -> impl Iterator<Item = &'static str> {
    STRATEGIES.into_iter().chain(EXAMPLES)
}

/// Each folder's documents and workloads.
fn each(mut look: impl FnMut(&[Value], &[Workload])) {
    for folder in folders() {
        let documents = manifests(folder);
        let workloads = workloads(folder, &documents);
        look(&documents, &workloads);
    }
}

fn named<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    documents
        .iter()
        .find(|d| word(d, "/kind") == kind && word(d, "/metadata/name") == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn every_folder_is_looked_at() {
    let place = root().join("deploy/kubernetes");
    let found: BTreeSet<String> = files_below("deploy/kubernetes")
        .into_iter()
        .filter(|path| path.ends_with("kustomization.yaml"))
        .map(|path| {
            let folder = path.parent().unwrap().strip_prefix(&place).unwrap();
            folder.display().to_string()
        })
        .filter(|folder| !folder.starts_with("base/") && !folder.starts_with("components/"))
        .collect();
    assert_eq!(found, folders().map(str::to_owned).collect());
}

#[test]
fn what_spoor_is_told_is_what_it_knows() {
    let certificates = container::certificates();
    let (collector, store) = (
        certificates.join("collector"),
        certificates.join("ingester/prod"),
    );
    let kafka = certificates.join("ingester");
    let places = [
        ("/etc/spoor/tls", collector.as_path()),
        ("/etc/spoor/elasticsearch", store.as_path()),
        ("/etc/spoor/kafka", kafka.as_path()),
    ];
    let mut seen = BTreeSet::new();
    each(|documents, workloads| {
        for workload in workloads {
            let spoor = spoor(workload, documents);
            assert_eq!(spoor.unknown(), [] as [String; 0]);
            let warnings = spoor.validate(&places);
            // a sidecar stands before two listeners there
            let plain = warnings
                .iter()
                .filter(|w| w.contains("--plaintext.listeners"));
            let in_mesh = workload.folder == "examples/istio/tracing" && spoor.role == "collector";
            assert_eq!(plain.count(), if in_mesh { 2 } else { 0 }, "{warnings:?}");
            if !in_mesh {
                assert_eq!(warnings, [] as [String; 0], "{}", workload.name);
            }
            seen.insert(spoor.role);
        }
    });
    assert_eq!(
        seen.iter().map(String::as_str).collect::<Vec<_>>(),
        ["all-in-one", "collector", "ingester", "query"]
    );
}

/// With variables as Kubernetes makes them: those of config maps first, and `$(NAME)` stands for one that came before. One that comes later would stay
/// as it is written.
fn spoor(workload: &Workload, documents: &[Value]) -> Spoor {
    let container = workload.container();
    let mut variables = container::of_the_image();
    for source in items(container, "/envFrom") {
        let map = named(documents, "ConfigMap", word(source, "/configMapRef/name"));
        for (name, value) in map["data"].as_object().unwrap() {
            variables.push((name.clone(), value.as_str().unwrap().to_owned()));
        }
    }
    for variable in items(container, "/env") {
        let mut value = variable["value"].as_str().unwrap_or("prod").to_owned();
        for (name, known) in &variables {
            value = value.replace(&format!("$({name})"), known);
        }
        let name = word(variable, "/name");
        assert!(!value.contains("$("), "{}: {name}={value}", workload.name);
        variables.push((name.to_owned(), value));
    }
    let args = items(container, "/args").iter().skip(1);
    Spoor {
        name: workload.name.clone(),
        role: workload.role().to_owned(),
        args: args.map(|a| a.as_str().unwrap().to_owned()).collect(),
        variables,
    }
}

#[test]
fn containers_have_the_ports_of_their_role_and_probes_ask_the_admin_port() {
    each(|_, workloads| {
        for workload in workloads {
            let expected = ports_of(workload.role());
            let admin = u64::from(*expected.last().unwrap());
            let expected: BTreeSet<u64> = expected.into_iter().map(u64::from).collect();
            let ports = workload.ports();
            assert_eq!(ports.values().copied().collect::<BTreeSet<_>>(), expected);
            for (probe, path) in [("startup", "/"), ("liveness", "/"), ("readiness", "/ready")] {
                let get = &workload.container()[format!("{probe}Probe")]["httpGet"];
                assert_eq!(word(get, "/path"), path, "{} {probe}", workload.name);
                assert_eq!(
                    ports[word(get, "/port")],
                    admin,
                    "{} {probe}",
                    workload.name
                );
            }
            let scraped = &workload.template["metadata"]["annotations"]["prometheus.io/port"];
            assert_eq!(scraped.as_str(), Some(admin.to_string().as_str()));
        }
    });
}

#[test]
fn pods_run_as_anybody_with_nothing() {
    each(|_, workloads| {
        for workload in workloads {
            let (spec, container) = (&workload.template["spec"], workload.container());
            let name = &workload.name;
            assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
            // a number of ours would keep it from running where the cluster gives one
            assert_eq!(spec.pointer("/securityContext/runAsUser"), None, "{name}");
            assert_eq!(
                word(spec, "/securityContext/seccompProfile/type"),
                "RuntimeDefault"
            );
            assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
            assert_eq!(spec["enableServiceLinks"], false, "{name}");
            assert!(
                spec["terminationGracePeriodSeconds"].as_u64() > Some(25),
                "{name}"
            );
            let rights = &container["securityContext"];
            assert_eq!(rights["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(rights["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(rights["capabilities"], serde_json::json!({"drop": ["ALL"]}));
            for amount in ["requests", "limits"] {
                assert!(
                    container["resources"][amount]["memory"].is_string(),
                    "{name}"
                );
            }
            for volume in items(spec, "/volumes") {
                assert!(
                    !word(volume, "/secret/secretName").is_empty(),
                    "{name}: {volume}"
                );
            }
        }
    });
}

#[test]
fn services_have_the_names_and_ports_of_jaegers() {
    each(|documents, workloads| {
        if workloads.is_empty() {
            return;
        }
        let services: Vec<_> = documents
            .iter()
            .filter(|d| word(d, "/kind") == "Service")
            .collect();
        let names: BTreeSet<_> = services.iter().map(|s| word(s, "/metadata/name")).collect();
        for name in [
            "jaeger-collector",
            "jaeger-collector-headless",
            "jaeger-query",
        ] {
            assert!(names.contains(name), "{names:?}");
        }
        for service in services {
            let name = word(service, "/metadata/name");
            let behind: Vec<_> = workloads
                .iter()
                .filter(|w| w.is_selected(&service["spec"]["selector"]))
                .collect();
            assert_eq!(behind.len(), 1, "{name}");
            let ports = behind[0].ports();
            for port in items(service, "/spec/ports") {
                let target = ports.get(word(port, "/targetPort"));
                assert_eq!(target.copied(), port["port"].as_u64(), "{name}: {port}");
            }
            let is_headless = name.ends_with("-headless") || name == "jaeger-ingester";
            assert_eq!(
                word(service, "/spec/clusterIP") == "None",
                is_headless,
                "{name}"
            );
        }
    });
}

#[test]
fn every_pod_is_kept_by_a_policy_that_opens_its_ports_and_by_a_budget() {
    each(|documents, workloads| {
        for workload in workloads {
            let of = |kind: &str, pointer: &str| -> Vec<&Value> {
                documents
                    .iter()
                    .filter(|d| word(d, "/kind") == kind)
                    .filter(|d| d.pointer(pointer).is_some_and(|s| workload.is_selected(s)))
                    .collect()
            };
            let policies = of("NetworkPolicy", "/spec/podSelector/matchLabels");
            assert_eq!(policies.len(), 1, "{}", workload.name);
            assert_eq!(
                policies[0]["spec"]["policyTypes"],
                serde_json::json!(["Ingress", "Egress"])
            );
            let open: BTreeSet<u64> = items(policies[0], "/spec/ingress")
                .iter()
                .flat_map(|rule| {
                    assert!(
                        !items(rule, "/from").is_empty(),
                        "{}: from anywhere",
                        workload.name
                    );
                    items(rule, "/ports")
                })
                .map(|port| port["port"].as_u64().unwrap())
                .collect();
            assert_eq!(
                open,
                workload.ports().into_values().collect(),
                "{}",
                workload.name
            );
            // of one pod a budget could but forbid to drain its node
            let budgets = of("PodDisruptionBudget", "/spec/selector/matchLabels").len();
            assert_eq!(
                budgets,
                usize::from(workload.role() != "all-in-one"),
                "{}",
                workload.name
            );
        }
    });
}

/// Two namespaces with one strategy: nothing of one names the other.
#[test]
fn namespaces_differ_in_all_that_is_theirs() {
    let theirs = |folder, variable: &str| -> BTreeSet<String> {
        let documents = manifests(folder);
        let made: Vec<_> = workloads(folder, &documents)
            .iter()
            .map(|workload| spoor(workload, &documents))
            .collect();
        made.into_iter()
            .flat_map(|spoor| spoor.variables)
            .filter(|(name, _)| name == variable)
            .map(|(_, value)| value)
            .collect()
    };
    let [_, prod, staging, ..] = EXAMPLES;
    let (a, b) = (
        theirs(prod, "ES_SERVER_URLS"),
        theirs(staging, "ES_SERVER_URLS"),
    );
    assert!(!a.is_empty() && a.is_disjoint(&b), "{a:?} {b:?}");
    // what follows from the namespace is made of it, in every strategy
    for variable in [
        "INSTANCE_DEFAULT",
        "ES_INDEX_PREFIX",
        "KAFKA_PRODUCER_TOPIC",
        "KAFKA_CONSUMER_TOPIC",
        "KAFKA_CONSUMER_GROUP_ID",
    ] {
        let values = theirs(prod, variable);
        assert_eq!(values.len(), 1, "{variable}: {values:?}");
        assert!(
            values.iter().all(|v| v.starts_with("prod")),
            "{variable}: {values:?}"
        );
    }
    assert_eq!(
        theirs(prod, "KAFKA_PRODUCER_TOPIC"),
        theirs(prod, "KAFKA_CONSUMER_TOPIC")
    );
    for document in manifests(prod) {
        assert_eq!(word(&document, "/metadata/namespace"), "prod", "{document}");
    }
}
