//! Several instances on Elasticsearch, each with what is its own.

use super::setup::{RULES, Setup, two};
use super::*;

#[test]
fn two_instances_of_one_name_have_nothing_in_common() {
    let setup = two();
    setup.warns(&RULES, &[]);
    let stores = setup.stores(&RULES);
    let [prod, staging] = &stores[..] else {
        panic!("{stores:?}")
    };
    assert_eq!(
        (prod.instance.as_str(), staging.instance.as_str()),
        ("prod/jaeger", "staging/jaeger")
    );
    for (store, namespace, index) in [(prod, "prod", 0), (staging, "staging", 1)] {
        let connection = &store.main.connection;
        let tls = connection.tls.as_ref().unwrap();
        let folder = setup.folder.path().join(namespace);
        assert_eq!(tls.ca, Some(folder.join("tls.crt")));
        assert_eq!(tls.cert, Some(folder.join("tls.crt")));
        assert_eq!(tls.key, Some(folder.join("tls.key")));
        // what goes wrong later names the key of the item, too
        assert_eq!(tls.prefix, format!("instances[{index}].es.tls"));
        assert_eq!(connection.settings, format!("instances[{index}].es"));
        assert_eq!(connection.urls, ["https://es:9200"]);
        let authority = format!("spoor-certs/{namespace}/ca.crt");
        let trusted = trust::Store::default().with_authority(authority.into());
        assert_eq!(connection.trust, trusted);
        assert_eq!(store.main.indices.prefix, namespace);
        assert_eq!(store.main.indices.shards, 1);
    }
    assert_eq!(
        (
            prod.main.connection.username.as_str(),
            staging.main.connection.username.as_str()
        ),
        ("p", "")
    );
    assert!(staging.main.connection.password.is_none());
    // and the archive is its store's
    let archive = prod.archive.as_ref().unwrap();
    assert_eq!(archive.connection.settings, "instances[0].es-archive");
    assert_eq!(archive.connection.username, "p");
    let key = |connection: &Connection| connection.tls.clone().unwrap().key;
    assert_eq!(key(&archive.connection), key(&prod.main.connection));
    assert_eq!(archive.indices.prefix, "prod");
    assert!(staging.archive.is_none());
}

#[test]
fn two_hundred_namespaces_with_one_name_are_two_hundred_stores() {
    let names: Vec<String> = (0..200).map(|n| format!("team-{n}")).collect();
    let items: String = names
        .iter()
        .map(|name| format!("- {{namespace: {name}, es: {{index-prefix: {name}}}}}\n"))
        .collect();
    let setup = Setup::new(&format!("instances:\n{items}"));
    let line = [
        "--instance.default=team-0/jaeger",
        "--multi-tenancy.enabled",
    ];
    let stores = setup.stores(&line);
    let instances: std::collections::BTreeSet<_> =
        stores.iter().map(|store| store.instance.as_str()).collect();
    let prefixes: std::collections::BTreeSet<_> = (stores.iter())
        .map(|store| store.main.indices.prefix.as_str())
        .collect();
    assert_eq!(
        (stores.len(), instances.len(), prefixes.len()),
        (200, 200, 200)
    );
}

#[test]
fn without_items_there_is_one_instance() {
    check(
        &RULES,
        &[
            "es.index-prefix: prod/jaeger, staging/jaeger would share their indices: give each an item in the list instances of a config-file, with an es.index-prefix of its own (see docs/elasticsearch.md)",
        ],
    );
    let (stores, _) = stores(&RULES[..1]);
    assert_eq!(stores.len(), 1);
    assert_eq!(stores[0].main.indices.shards, 5);
}

#[test]
fn an_instance_without_an_item_is_as_for_all_and_told() {
    let setup = Setup::new("instances: [{namespace: staging, es: {index-prefix: s}}]");
    setup.warns(
        &RULES,
        &["es.server-urls: prod/jaeger has no item in instances, and is kept as es.* says for all: give it one, or name in instance.default an instance that has one"],
    );
    let line = [&RULES[..], &["--es.index-prefix=all"]].concat();
    let stores = setup.stores(&line);
    let named = |store: &elasticsearch::Config| {
        (
            store.instance.to_string(),
            store.main.indices.prefix.clone(),
        )
    };
    assert_eq!(
        stores.iter().map(named).collect::<Vec<_>>(),
        [
            ("prod/jaeger".to_owned(), "all".to_owned()),
            ("staging/jaeger".to_owned(), "s".to_owned())
        ]
    );
    let third = [
        "--instance.default=x/y",
        "--instance.by-listener=zipkin=prod/jaeger,otlp-http=staging/jaeger",
    ];
    setup.tells(&third, &["es.index-prefix: x/y, prod/jaeger would share their indices: give each an item in the list instances of a config-file, with an es.index-prefix of its own (see docs/elasticsearch.md)",
]);
}

#[test]
fn an_item_that_no_rule_leads_to_is_told_and_known() {
    let setup = Setup::new(
        "instances: [{namespace: default, es: {index-prefix: d}}, {namespace: kept, name: x, es: {index-prefix: k}}]",
    );
    let told = "instances[1] in F: no rule leads to kept/x, so nothing is written there: see instance.by-listener, instance.by-certificate and multi-tenancy.tenants";
    setup.warns(&[], &[told]);
    setup.warns(&["--instance.by-listener=zipkin=kept/x"], &[]);
    let unread = told.replace("there:", "there nor read:");
    setup.warns(
        &["--multi-tenancy.enabled", "--multi-tenancy.tenants=default"],
        &[&unread],
    );
    let config = setup.checked(&[]).config.unwrap();
    let all: Vec<String> = config
        .instances
        .all()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(all, ["default/jaeger", "kept/x"]);
    assert_eq!(config.storage.elasticsearch.len(), 2);
    // what nothing leads to can be counted with nothing
    setup.warns(&["--sampling.config-type=adaptive"], &[told]);
}

#[test]
fn items_are_the_tenants_where_nothing_says_who_is() {
    let setup = Setup::new(
        "multi-tenancy.enabled: true
instances: [{namespace: a, es: {index-prefix: a}}, {namespace: b, es: {index-prefix: b}}, {namespace: c, name: other, es: {index-prefix: c}}]",
    );
    let tenants = |line: &[&str]| {
        let checked = setup.checked(&[&["--instance.default=a/jaeger"], line].concat());
        assert_eq!(checked.problems, []);
        let tenants = checked.config.unwrap().instances.tenants.clone();
        tenants.unwrap().known.into_iter().collect::<Vec<_>>()
    };
    // a header names a namespace, and the instance in it has the default's name
    assert_eq!(tenants(&[]), ["a", "b"]);
    assert_eq!(tenants(&["--multi-tenancy.tenants=a"]), ["a"]);
}

#[test]
fn items_that_cannot_be_are_told_with_their_place() {
    let setup = Setup::new(
        "instances:
- {namespace: Prod}
- {namespace: a, name: x_y}
- {namespace: b, es: {num-shards: 0, tags-as-fields.config-file: /nowhere, tls: {enabled: true, cert: x}}}
- {namespace: b, name: jaeger}
- {namespace: default, es: {index-prefix: d, server-urls: 'https://es', tls: {enabled: true, ca: /nowhere}}}
",
    );
    setup.tells(&["--instance.by-listener=zipkin=b/jaeger"], &[
        "instances[0].namespace in F: \"Prod\" is no namespace of an instance: give lower-case letters, digits and inner hyphens, at most 63",
        "instances[1].name in F: \"x_y\" is no name of an instance: give lower-case letters, digits and inner hyphens, at most 63",
        "instances[3] in F: b/jaeger stands in instances[2] already",
        "instances[4].es.tls.ca in F: cannot read /nowhere: No such file or directory (os error 2)",
        "instances[2].es.tls.enabled in F: es.tls.enabled is true, but es.tls.key is not set: give the path of a PEM file",
        "instances[2].es.num-shards in F: 0: give 1 to 1024",
        "instances[2].es.tags-as-fields.config-file in F: cannot read /nowhere: No such file or directory (os error 2)",
    ]);
    // what holds for all is told once
    let setup = Setup::new(
        "instances: [{namespace: prod, es: {index-prefix: a}}, {namespace: staging, es: {index-prefix: b}}]",
    );
    let line = [
        &RULES[..],
        &["--es.num-replicas=-1", "--es.max-doc-count=20000"],
    ]
    .concat();
    setup.tells(&line, &["--es.num-replicas: -1: give 0 to 1000"]);
}

#[test]
fn items_that_no_store_reads_are_told() {
    let setup = two();
    let file = format!("--config-file={}", setup.path);
    let checked = super::super::checked(Role::AllInOne, &[&file], &[]);
    assert_eq!(checked.problems, []);
    let warned: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warned[0].ends_with("an item says how an instance is kept on elasticsearch or kafka, which span-storage.type does not name, so this changes nothing"),
        "{warned:?}"
    );
    let config = checked.config.unwrap();
    assert_eq!(config.instances.all().len(), 1);
    assert!(config.storage.elasticsearch.is_empty());
}

/// The example of `docs/elasticsearch.md` is a configuration, with files where it says.
#[test]
fn the_example_of_the_page_starts() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/elasticsearch.md");
    let page = std::fs::read_to_string(page).unwrap();
    let example = page.split("```yaml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let folder = Folder::new();
    folder.pair("prod");
    folder.pair("staging");
    folder.write("elasticsearch-ca.crt", &folder.pair("ca").cert.pem());
    let setup = Setup::with(folder, &example.replace("/etc/spoor", "DIR"));
    let file = format!("--config-file={}", setup.path);
    let checked = super::super::checked(Role::Collector, &[&file], &[]);
    assert_eq!(
        (&checked.problems[..], &checked.warnings[..]),
        (&[][..], &[][..])
    );
    let config = checked.config.unwrap();
    let of = |store: &elasticsearch::Config| {
        let Place {
            connection,
            indices,
            ..
        } = &store.main;
        let tls = connection.tls.clone().unwrap();
        format!(
            "{} {} {} {} {} {} {} {}",
            store.instance,
            connection.urls.join(","),
            setup.short(&tls.ca.unwrap().display().to_string()),
            setup.short(&tls.key.unwrap().display().to_string()),
            indices.prefix,
            indices.shards,
            indices.replicas,
            store.archive.is_some(),
        )
    };
    let stores: Vec<String> = config.storage.elasticsearch.iter().map(of).collect();
    assert_eq!(
        stores,
        [
            "prod/jaeger https://elasticsearch.logging.svc:9200 DIR/elasticsearch-ca.crt DIR/prod/tls.key prod 1 2 true",
            "staging/jaeger https://elasticsearch-staging.logging.svc:9200 DIR/elasticsearch-ca.crt DIR/staging/tls.key staging 2 2 false",
        ]
    );
    let line = page.split("```sh\n").nth(1).unwrap();
    let line = line.split("```").next().unwrap().replace("\\\n", " ");
    let line = line.replace("/etc/spoor", &setup.folder.path().display().to_string());
    setup.folder.write(
        "prod/ca.crt",
        &std::fs::read_to_string(setup.folder.path().join("prod/tls.crt")).unwrap(),
    );
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let checked = super::super::checked(Role::AllInOne, &words, &[]);
    assert_eq!(
        (&checked.problems[..], &checked.warnings[..]),
        (&[][..], &[][..])
    );
}
