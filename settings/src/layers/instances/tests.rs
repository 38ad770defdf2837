//! What a file says of single instances.

use super::super::tests::{file, loaded, told, warned};
use super::super::{Loaded, Source};
use super::*;

fn of_file(ending: &str, text: &str, line: &str, variables: &[(&str, &str)]) -> (Loaded, String) {
    let file = file(ending, text);
    let path = file.path().display().to_string();
    (
        loaded(&format!("--config-file={path} {line}"), variables),
        path,
    )
}

#[test]
fn what_an_item_says_goes_before_what_holds_for_all() {
    let (got, path) = of_file(
        ".yaml",
        "es: {index-prefix: all, num-replicas: 2}
instances:
  - namespace: prod
    es: {server-urls: ['https://a:9200', 'https://b:9200'], index-prefix: prod, tls.enabled: true, tls: {ca: /a.crt}}
  - {namespace: staging, name: traces, es.timeout: 9s, es-archive: {enabled: true}}
",
        "--es.username=flag --es.timeout=1s",
        &[("ES_INDEX_DATE_SEPARATOR", "."), ("ES_NUM_REPLICAS", "3")],
    );
    assert_eq!((told(&got), warned(&got)), (vec![], vec![]));
    let [prod, staging] = &got.instances[..] else {
        panic!("{:?}", got.instances)
    };
    let named = |item: &Item| format!("{}/{}", item.namespace, item.name);
    assert_eq!(
        (named(prod), named(staging)),
        ("prod/jaeger".to_owned(), "staging/traces".to_owned())
    );
    let (prod, staging) = (&prod.settings, &staging.settings);
    assert_eq!(
        prod.list("es.server-urls"),
        ["https://a:9200", "https://b:9200"]
    );
    assert_eq!(staging.list("es.server-urls"), ["http://127.0.0.1:9200"]);
    let tls = prod.client_tls("es.tls").unwrap().unwrap();
    assert_eq!(tls.ca, Some("/a.crt".into()));
    assert_eq!(staging.client_tls("es.tls"), Ok(None));
    for (settings, name, value, at) in [
        (
            prod,
            "es.index-prefix",
            "prod",
            format!("instances[0].es.index-prefix in {path}"),
        ),
        (
            staging,
            "es.index-prefix",
            "all",
            format!("es.index-prefix in {path}"),
        ),
        (staging, "es.username", "flag", "--es.username".to_owned()),
        (
            prod,
            "es.index-date-separator",
            ".",
            "ES_INDEX_DATE_SEPARATOR (environment)".to_owned(),
        ),
        // what nobody wrote is named where it would be written
        (
            staging,
            "es.token-file",
            "",
            format!("instances[1].es.token-file in {path}"),
        ),
        (prod, "log-level", "info", "log-level".to_owned()),
    ] {
        assert_eq!((settings.text(name), settings.at(name)), (value, at));
    }
    assert_eq!(
        (
            prod.int("es.num-replicas"),
            prod.duration("es.timeout").to_string()
        ),
        (3, "1s".to_owned())
    );
    assert_eq!(staging.duration("es.timeout").to_string(), "9s");
    assert_eq!(
        staging.at("es.timeout"),
        format!("instances[1].es.timeout in {path}")
    );
    assert!(staging.bool("es-archive.enabled") && !prod.bool("es-archive.enabled"));
    assert_eq!(
        (
            prod.called("es.tls"),
            staging.called("es"),
            got.settings.called("es")
        ),
        (
            "instances[0].es.tls".to_owned(),
            "instances[1].es".to_owned(),
            "es".to_owned()
        )
    );
    // and the process has what holds for all
    assert_eq!(got.settings.text("es.index-prefix"), "all");
    assert!(!got.settings.bool("es.tls.enabled"));
}

#[test]
fn an_item_has_one_shard_unless_somebody_asks_for_more() {
    let shards = |line: &str, item: &str| {
        let (got, _) = of_file(
            ".yaml",
            &format!("instances: [{{namespace: a{item}}}]"),
            line,
            &[],
        );
        assert_eq!(told(&got), [""; 0]);
        let settings = &got.instances[0].settings;
        assert!(!settings.is_written("log-level"));
        (
            got.settings.int("es.num-shards"),
            settings.int("es.num-shards"),
            settings.int("es-archive.num-shards"),
        )
    };
    assert_eq!(shards("", ""), (5, 1, 1));
    assert_eq!(shards("--es.num-shards=5", ""), (5, 5, 1));
    assert_eq!(
        shards(
            "--es.num-shards=3",
            ", es: {num-shards: 2}, es-archive: {num-shards: 4}"
        ),
        (3, 2, 4)
    );
}

#[test]
fn every_format_has_items() {
    for (ending, text) in [
        (
            ".yaml",
            "log-level: warn\ninstances:\n- namespace: a\n  es:\n    index-prefix: a\n    tls: {enabled: true}\n- namespace: b\n  name: x\n",
        ),
        (
            ".json",
            r#"{"log-level": "warn", "instances": [{"namespace": "a", "es": {"index-prefix": "a", "tls": {"enabled": true}}}, {"namespace": "b", "name": "x"}]}"#,
        ),
        (
            ".toml",
            "log-level = 'warn'\n[[instances]]\nnamespace = 'a'\nes.index-prefix = 'a'\n[instances.es.tls]\nenabled = true\n[[instances]]\nnamespace = 'b'\nname = 'x'\n",
        ),
        (
            ".hcl",
            "log-level = \"warn\"\ninstances {\n  namespace = \"a\"\n  es {\n    index-prefix = \"a\"\n    tls {\n      enabled = true\n    }\n  }\n}\ninstances {\n  namespace = \"b\"\n  name = \"x\"\n}\n",
        ),
        (
            ".properties",
            "log-level=warn\ninstances[0].namespace=a\ninstances[0].es.index-prefix=a\ninstances[0].es.tls.enabled=true\ninstances[1].namespace=b\ninstances[1].name=x\n",
        ),
    ] {
        let (got, path) = of_file(ending, text, "", &[]);
        assert_eq!((told(&got), warned(&got)), (vec![], vec![]), "{ending}");
        let [a, b] = &got.instances[..] else {
            panic!("{ending}: {:?}", got.instances)
        };
        assert_eq!(
            (a.namespace.as_str(), a.name.as_str()),
            ("a", "jaeger"),
            "{ending}"
        );
        assert_eq!(
            (b.namespace.as_str(), b.name.as_str()),
            ("b", "x"),
            "{ending}"
        );
        assert_eq!(
            a.settings.at("es.index-prefix"),
            format!("instances[0].es.index-prefix in {path}")
        );
        assert_eq!(
            (
                a.settings.text("es.index-prefix"),
                a.settings.bool("es.tls.enabled"),
                b.settings.bool("es.tls.enabled")
            ),
            ("a", true, false),
            "{ending}"
        );
        assert_eq!(got.settings.text("log-level"), "warn", "{ending}");
    }
    // a list of one, as HCL has it
    let (got, _) = of_file(".hcl", "instances {\n  namespace = \"a\"\n}\n", "", &[]);
    assert_eq!(got.instances.len(), 1);
    for text in ["instances: []", "instances:", "Instances: ~"] {
        let (got, _) = of_file(".yaml", text, "", &[]);
        assert_eq!((told(&got), got.instances.len()), (vec![], 0), "{text}");
    }
}

#[test]
fn what_an_item_cannot_say_is_told_with_item_key_and_file() {
    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let (got, path) = of_file(".yaml", text, "", &[]);
        let told: Vec<String> = told(&got).iter().map(|p| p.replace(&path, "F")).collect();
        assert_eq!(told, expect);
    }
    let good = "instances:\n- {namespace: a}\n";
    check(good, &[]);
    check(
        &format!("{good}- {{namespace: b, es.tsl.ca: x, es.indexprefix: y, namespce: z, zzz: 1}}"),
        &[
            "unknown key instances[1].es.tsl.ca in F: did you mean es.tls.ca?",
            "unknown key instances[1].es.indexprefix in F: did you mean es.index-prefix?",
            "unknown key instances[1].namespce in F: did you mean namespace?",
            "unknown key instances[1].zzz in F",
        ],
    );
    check(
        &format!("{good}- {{namespace: b, log-level: warn, embedded: {{directory: x}}}}"),
        &[
            "instances[1].log-level in F: log-level is of the process and not of an instance: an item holds namespace, name, es, es-archive, kafka, span-storage.type and query.union",
            "instances[1].embedded.directory in F: embedded.directory is of the process and not of an instance: an item holds namespace, name, es, es-archive, kafka, span-storage.type and query.union",
        ],
    );
    check(
        &format!(
            "{good}- {{name: b}}\n- {{}}\n- {{namespace: [c], name: {{x: 1}}, es: {{num-shards: many, index-prefix: [p, q]}}}}"
        ),
        &[
            "instances[1] in F: it has no namespace: say whose it is",
            "instances[2] in F: it has no namespace: say whose it is",
            "instances[3].namespace in F: one value belongs here, not a list or a group of keys",
            "unknown key instances[3].name.x in F: did you mean name?",
            "instances[3].es.num-shards in F: \"many\" is no whole number",
            "instances[3].es.index-prefix in F: one value belongs here, not a list or a group of keys",
        ],
    );
    for text in [
        "instances: a",
        "instances: [a, b]",
        "instances: [{namespace: a}, ~]",
    ] {
        check(
            text,
            &[
                "instances in F: a list of groups belongs here, each with namespace, and name, es, es-archive, kafka, span-storage.type and query.union where they differ",
            ],
        );
    }
}

#[test]
fn a_block_that_an_item_leaves_half_on_is_told_with_the_item() {
    let (got, path) = of_file(
        ".yaml",
        "instances:
- {namespace: a, es: {tls: {ca: x}}}
- {namespace: b, es: {tls: {enabled: true, ca: x}}, es-archive: {tls: {cert: y}}}
- {namespace: c, es: {tls: {enabled: true}}, es-archive: {server-urls: 'https://z', tls: {cert: y}}}
",
        "",
        &[],
    );
    assert_eq!(
        told(&got),
        [
            format!(
                "instances[0] in {path}: es.tls.* options cannot be used when es.tls.enabled is false"
            ),
            format!(
                "instances[2] in {path}: es-archive.tls.* options cannot be used when es-archive.tls.enabled is false"
            ),
        ]
    );
    // what holds for all is told once, not for each item
    let (got, _) = of_file(
        ".yaml",
        "instances: [{namespace: a}, {namespace: b}]",
        "--es.tls.ca=x",
        &[],
    );
    assert_eq!(
        told(&got),
        ["es.tls.* options cannot be used when es.tls.enabled is false"]
    );
}

#[test]
fn old_names_and_stars_are_told_in_items_too() {
    let (got, path) = of_file(
        ".yaml",
        "instances: [{namespace: a, es: {max-num-spans: 9, password: '********', log-level: info}}]",
        "",
        &[],
    );
    assert_eq!(told(&got), [""; 0]);
    let settings = &got.instances[0].settings;
    assert_eq!(settings.int("es.max-doc-count"), 9);
    let warned = warned(&got);
    assert_eq!(warned.len(), 3, "{warned:?}");
    assert_eq!(
        warned[0],
        format!("instances[0].es.max-num-spans in {path}: an old name: use es.max-doc-count")
    );
    assert!(
        warned[1].starts_with(&format!(
            "instances[0].es.password in {path}: these are the stars"
        )),
        "{warned:?}"
    );
    let source = &settings.get("es.log-level").unwrap().source;
    assert!(matches!(source, Source::File { .. }));
}
