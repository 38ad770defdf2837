use std::io::Write as _;

use proptest::prelude::*;

use super::*;
use crate::flag::{Flag, Kind};
use crate::layers::{Loaded, load};
use crate::{Environment, flags};

fn reread(ending: &str, text: &str) -> Loaded {
    let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let given = (
        "config-file".to_owned(),
        file.path().to_string_lossy().into_owned(),
    );
    load(&[given], &Environment::default())
}

fn values(settings: &Settings) -> Vec<(&'static str, String)> {
    settings
        .iter()
        .filter(|s| s.flag.name != "config-file")
        .map(|s| (s.flag.name, format!("{:?}", s.value)))
        .collect()
}

#[test]
fn the_source_stands_beside_each_value() {
    let given = [
        ("collector.grpc-server.host-port", "9"),
        ("query.additional-headers", "A: \"1\""),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()));
    let loaded = load(&given, &[("LOG_LEVEL", "warn")].into_iter().collect());
    let yaml = to_yaml(&loaded.settings, &loaded.instances);
    for line in [
        "collector:\n",
        "  grpc-server:\n",
        "    host-port: \":9\" # --collector.grpc-server.host-port\n",
        "log-level: \"warn\" # LOG_LEVEL (environment)\n",
        "  max-traces: 10000 # default\n",
        "  additional-headers: [\"A: \\\"1\\\"\"] # --query.additional-headers\n",
    ] {
        assert!(yaml.contains(line), "{line}\n{yaml}");
    }
    let json: Json = serde_json::from_str(&to_json(&loaded.settings, &loaded.instances)).unwrap();
    assert_eq!(json["#sources"]["log-level"], "LOG_LEVEL (environment)");
    assert_eq!(json["query"]["max-traces"], 10_000);
}

#[test]
fn a_secret_is_stars_and_stays_stars() {
    let given = [("es.password".to_owned(), "canary".to_owned())];
    let first = to_yaml(&load(&given, &Environment::default()).settings, &[]);
    assert!(
        first.contains("password: \"********\"") && !first.contains("canary"),
        "{first}"
    );
    let again = to_yaml(&reread(".yaml", &first).settings, &[]);
    assert!(again.contains("password: \"********\""), "{again}");
}

#[test]
fn a_header_that_lets_somebody_in_keeps_its_name_alone() {
    let given = [
        "Authorization: Bearer canary",
        "set-cookie:canary=1; Path=/",
        "X-Api-Key: canary",
        "X-Frame-Options: deny",
    ]
    .map(|line| ("query.additional-headers".to_owned(), line.to_owned()));
    let loaded = load(&given, &Environment::default());
    for text in [
        to_yaml(&loaded.settings, &loaded.instances),
        to_json(&loaded.settings, &loaded.instances),
    ] {
        assert!(!text.contains("canary"), "{text}");
        for shown in [
            "\"Authorization: ********\"",
            "\"set-cookie: ********\"",
            "\"X-Api-Key: ********\"",
            "\"X-Frame-Options: deny\"",
        ] {
            assert!(text.contains(shown), "{text}");
        }
    }
    let again = reread(".yaml", &to_yaml(&loaded.settings, &loaded.instances));
    assert!(
        again.warnings.len() == 1 && again.warnings[0].note.contains("stars"),
        "{:?}",
        again.warnings
    );
}

#[test]
fn a_password_in_a_url_is_stars() {
    for (text, shown) in [
        (
            "http://u:canary@es:9200/x?y@z",
            "http://u:********@es:9200/x?y@z",
        ),
        ("http://es:9200", "http://es:9200"),
        ("http://u@es", "http://u@es"),
        ("a:b@c", "a:b@c"),
    ] {
        assert_eq!(without_password(text), shown);
    }
}

fn a_value(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(|v| v.to_string()).boxed(),
        Kind::Int => any::<i32>().prop_map(|v| v.to_string()).boxed(),
        // as people write them: JSON's reader may miss the last bit of others
        Kind::Float => (0..=10_000_u32)
            .prop_map(|v| (f64::from(v) / 10_000.0).to_string())
            .boxed(),
        Kind::Duration => (0_i64..1 << 52).prop_map(crate::format_ns).boxed(),
        Kind::Bytes => any::<u64>().prop_map(|v| v.to_string()).boxed(),
        // A password in a URL does not come back, on purpose.
        Kind::Text | Kind::Lines | Kind::Secret => any::<String>()
            .prop_filter("no URL", |v| !v.contains("://"))
            .boxed(),
        Kind::List => prop::collection::vec("[^,:]{0,8}", 0..4)
            .prop_map(|v| v.join(","))
            .boxed(),
        Kind::HostPort => "(|[a-z]{1,9}|10\\.0\\.0\\.1|\\[::1\\]):[1-9][0-9]{0,3}".boxed(),
    }
}

fn a_setting() -> BoxedStrategy<(String, String)> {
    let rows: Vec<&'static Flag> = flags::all()
        .filter(|flag| {
            flag.effect == Effect::Acts
                && flag.name != "config-file"
                && !flag.name.contains(".tls.")
        })
        .collect();
    prop::sample::select(rows)
        .prop_flat_map(|flag| {
            a_value(flag.kind).prop_map(move |value| (flag.name.to_owned(), value))
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_printed_reads_back_as_the_same_settings(given in prop::collection::vec(a_setting(), 0..8)) {
        let first = load(&given, &Environment::default());
        prop_assert_eq!(&first.problems, &[]);
        for (ending, text) in [(".yaml", to_yaml(&first.settings, &first.instances)), (".json", to_json(&first.settings, &first.instances))] {
            let second = reread(ending, &text);
            prop_assert_eq!(&second.problems, &[], "{}", text);
            prop_assert_eq!(values(&first.settings), values(&second.settings), "{}", text);
        }
    }
}

#[test]
fn what_instances_have_of_their_own_is_printed_and_reads_back() {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(
        b"es: {index-prefix: all}
instances:
- namespace: prod
  es: {password: canary, server-urls: 'https://u:canary@a:9200', tls: {enabled: true, ca: /a.crt}, tags-as-fields.include: [x, y]}
- {namespace: staging, name: traces, es: {index-prefix: all, log-level: info}, es-archive: {enabled: true, password: canary}}
",
    )
    .unwrap();
    let given = [
        ("config-file", file.path().to_str().unwrap()),
        ("es.username", "u"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()));
    let first = load(&given, &Environment::default());
    assert_eq!(first.problems, []);
    let yaml = to_yaml(&first.settings, &first.instances);
    let json = to_json(&first.settings, &first.instances);
    let at = |key: &str| format!(" # instances{key} in {}\n", file.path().display());
    for line in [
        format!("instances:\n  - namespace: \"prod\"{}", at("[0].namespace")),
        "    es:\n".to_owned(),
        format!("      password: \"********\"{}", at("[0].es.password")),
        format!(
            "      server-urls: [\"https://u:********@a:9200\"]{}",
            at("[0].es.server-urls")
        ),
        format!("        ca: \"/a.crt\"{}", at("[0].es.tls.ca")),
        "      num-shards: 1 # default\n".to_owned(),
        format!("    name: \"traces\"{}", at("[1].name")),
        format!("      index-prefix: \"all\"{}", at("[1].es.index-prefix")),
        format!("      log-level: \"info\"{}", at("[1].es.log-level")),
    ] {
        assert!(yaml.contains(&line), "{line}\n{yaml}");
    }
    let of = |text: &str| text.matches("instances[1].es.password").count();
    assert!(!yaml.contains("canary") && !json.contains("canary") && of(&yaml) == 0);
    let tree: Json = serde_json::from_str(&json).unwrap();
    assert_eq!(tree["instances"][0]["es"]["tls"]["ca"], "/a.crt");
    assert_eq!(tree["instances"][1]["name"], "traces");
    assert!(
        tree["#sources"]["instances[0].es.tls.ca"]
            .as_str()
            .unwrap()
            .starts_with("instances[0].es.tls.ca in "),
        "{json}"
    );
    for (ending, text) in [(".yaml", yaml), (".json", json)] {
        let second = reread(ending, &text);
        assert_eq!(second.problems, [], "{text}");
        let stars = |warning: &&crate::Warning| warning.note.contains("stars");
        let warned: Vec<_> = second.warnings.iter().filter(stars).collect();
        assert_eq!(warned.len(), 1, "{:?}", second.warnings);
        assert!(
            warned[0]
                .settings
                .iter()
                .any(|at| at.contains("[0].es.server-urls"))
        );
        assert_eq!(first.instances.len(), second.instances.len());
        for (first, second) in first.instances.iter().zip(&second.instances) {
            assert_eq!(
                (&first.namespace, &first.name),
                (&second.namespace, &second.name)
            );
            assert_eq!(values(&first.settings), values(&second.settings), "{text}");
        }
    }
}
