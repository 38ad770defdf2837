use std::collections::BTreeMap;

use super::*;

const ES7: Flavour = flavour(Product::Elasticsearch, 7);
const ES8: Flavour = flavour(Product::Elasticsearch, 8);
const OPENSEARCH: Flavour = flavour(Product::OpenSearch, 2);

const fn flavour(product: Product, major: u8) -> Flavour {
    Flavour { product, major }
}

fn templates(indices: &Indices, flavour: Flavour) -> BTreeMap<String, Template> {
    let names = Names::new("es", indices).unwrap();
    let all = all(indices, &names, flavour).into_iter();
    all.map(|template| (template.path[1].clone(), template))
        .collect()
}

fn prefixed(use_ilm: bool, is_archive: bool) -> Indices {
    Indices {
        prefix: "p".to_owned(),
        use_ilm,
        is_archive,
        span_priority: 500,
        ..Indices::default()
    }
}

/// Members by their path, and values as text: what a cluster makes of settings.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn add(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    add(format!("{path}/{name}"), value, found);
                }
            }
            Value::Array(items) => {
                for (nth, value) in items.iter().enumerate() {
                    add(format!("{path}/{nth}"), value, found);
                }
            }
            Value::String(text) => drop(found.insert(path, text.clone())),
            other => drop(found.insert(path, other.to_string())),
        }
    }
    let mut found = BTreeMap::new();
    add(String::new(), value, &mut found);
    found
}

fn golden(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/golden/");
    let text = std::fs::read_to_string(format!("{folder}{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Settings and mappings are those that a cluster said it had got from Jaeger; order and pattern are ours (quirk 80).
#[track_caller]
fn check_recorded(ours: &Template, recorded: &Value, pattern: &str) {
    for part in ["settings", "mappings"] {
        assert_eq!(flat(&ours.body[part]), flat(&recorded[part]), "{part}");
    }
    assert_eq!(recorded["aliases"], json!({}));
    assert_eq!(ours.body.get("aliases"), None);
    assert_eq!(ours.body["index_patterns"], json!([pattern]));
    assert_eq!(
        (&recorded["order"], &ours.body["order"]),
        (&json!(0), &json!(1))
    );
}

#[test]
fn templates_say_what_jaegers_say() {
    let ours = templates(&Indices::default(), ES7);
    for kind in ["span", "service"] {
        let name = format!("jaeger-{kind}");
        let recorded = golden(&format!("_api/v1.76.0.es-template-{kind}"));
        assert_eq!(ours[&name].path, ["_template", &name]);
        check_recorded(&ours[&name], &recorded["body"][&name], &format!("{name}-*"));
    }
    // a collector puts none there
    let recorded = golden("_api/v1.76.0.es-template-dependencies");
    assert_eq!(recorded["status"], 404);
}

#[test]
fn templates_with_a_prefix_say_what_jaegers_say() {
    let ours = Indices {
        prefix: "taf".to_owned(),
        shards: 1,
        replicas: 0,
        ..Indices::default()
    };
    let ours = templates(&ours, ES7);
    let recorded = golden("_variants/v1.76.0-tags-as-fields-prefix");
    for name in ["taf-jaeger-span", "taf-jaeger-service"] {
        let recorded = &recorded["templates"]["_template"][name];
        check_recorded(&ours[name], recorded, &format!("{name}-*"));
    }
}

#[test]
fn templates_for_opensearch_say_what_jaegers_say() {
    let ours = Indices {
        replicas: 0,
        ..Indices::default()
    };
    let ours = templates(&ours, OPENSEARCH);
    let recorded = golden("_variants/v1.76.0-os2");
    for name in ["jaeger-span", "jaeger-service"] {
        let recorded = &recorded["templates"]["_template"][name];
        check_recorded(&ours[name], recorded, &format!("{name}-*"));
    }
}

#[test]
fn newer_elasticsearch_has_templates_with_a_priority() {
    let indices = prefixed(false, false);
    let (old, new) = (templates(&indices, ES7), templates(&indices, ES8));
    let (old, new) = (&old["p-jaeger-span"], &new["p-jaeger-span"]);
    assert_eq!(new.path, ["_index_template", "p-jaeger-span"]);
    assert_eq!(new.body["priority"], 500);
    assert_eq!(new.body["index_patterns"], json!(["p-jaeger-span-*"]));
    for part in ["settings", "mappings"] {
        assert_eq!(new.body["template"][part], old.body[part]);
    }
    assert_eq!(new.body.as_object().unwrap().len(), 3);
}

#[test]
fn old_elasticsearch_has_a_type_around_the_mapping() {
    let old = flavour(Product::Elasticsearch, 6);
    let (old, seven) = (
        templates(&Indices::default(), old),
        templates(&Indices::default(), ES7),
    );
    for (name, kind) in [
        ("jaeger-span", "span"),
        ("jaeger-service", "service"),
        ("spoor-lease", "_doc"),
    ] {
        let ours = &old[name].body;
        assert_eq!(
            ours["mappings"],
            json!({kind: seven[name].body["mappings"]})
        );
    }
    // OpenSearch's first versions are newer than that
    let first = templates(&Indices::default(), flavour(Product::OpenSearch, 1));
    assert_eq!(first, seven);
}

#[test]
fn life_cycles_name_policy_and_alias() {
    let indices = prefixed(true, false);
    let ours = templates(&indices, ES8);
    let span = &ours["p-jaeger-span"].body["template"];
    assert_eq!(
        span["settings"]["index"]["lifecycle"],
        json!({"name": "jaeger-ilm-policy", "rollover_alias": "p-jaeger-span-write"})
    );
    assert_eq!(span["aliases"], json!({"p-jaeger-span-read": {}}));
    let lease = &ours["p-spoor-lease"].body["template"];
    assert_eq!(lease.get("aliases"), None);
    assert_eq!(lease["settings"]["index"].get("lifecycle"), None);

    let ours = templates(&indices, OPENSEARCH);
    let service = &ours["p-jaeger-service"].body;
    let settings = &service["settings"]["index"];
    assert_eq!(
        settings["plugins"]["index_state_management"]["rollover_alias"],
        "p-jaeger-service-write"
    );
    assert_eq!(settings.get("lifecycle"), None);
}

#[test]
fn an_archive_has_a_template_above_that_of_its_store() {
    let ours = templates(&prefixed(true, true), ES8);
    assert_eq!(ours.len(), 1);
    let ours = &ours["p-jaeger-span-archive"].body;
    assert_eq!(ours["index_patterns"], json!(["p-jaeger-span-archive*"]));
    assert_eq!(ours["priority"], 501);
    let lifecycle = &ours["template"]["settings"]["index"]["lifecycle"];
    assert_eq!(lifecycle["rollover_alias"], "p-jaeger-span-archive-write");
    let old = templates(&prefixed(false, true), ES7);
    assert_eq!(old["p-jaeger-span-archive"].body["order"], 2);
}

#[test]
fn names_of_services_are_no_fields_of_a_sampling_index() {
    let ours = templates(&Indices::default(), ES7);
    let properties = &ours["jaeger-sampling"].body["mappings"]["properties"];
    let kept = json!({"type": "object", "enabled": false});
    assert_eq!(
        properties["throughputs"]["properties"]["Probabilities"],
        kept
    );
    assert_eq!(properties["probabilitiesandqps"]["properties"]["QPS"], kept);
    let cache = &ours["jaeger-sampling"].body["settings"]["index"]["requests"]["cache"];
    assert_eq!(cache["enable"], false);
    assert_eq!(
        ours["jaeger-dependencies"].body["index_patterns"],
        json!(["jaeger-dependencies-*"])
    );
}

#[test]
fn own_indices_refuse_nothing() {
    let ours = templates(&prefixed(false, false), ES7);
    for name in ["p-spoor-dead-letter", "p-spoor-lease"] {
        let body = &ours[name].body;
        assert_eq!(body["mappings"]["dynamic"], false);
        assert_eq!(body["index_patterns"], json!([name, format!("{name}-*")]));
    }
    let payload = &ours["p-spoor-dead-letter"].body["mappings"]["properties"]["payload"];
    assert_eq!(*payload, json!({"type": "binary"}));
}
