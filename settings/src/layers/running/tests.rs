use crate::layers::{Loaded, load, load_again};
use crate::{Environment, Settings};

fn settings(text: &str, before: Option<&Settings>) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoor.yaml");
    std::fs::write(&path, text).unwrap();
    let given = [("config-file".to_owned(), "F".to_owned())];
    let given = given.map(|(name, _)| (name, path.display().to_string()));
    let environment = Environment::default();
    let mut loaded = match before {
        None => load(&given, &environment),
        Some(before) => load_again(before, &given, &environment),
    };
    let path = path.display().to_string();
    for at in &mut loaded.waiting {
        *at = at.replace(&path, "F");
    }
    loaded
}

#[test]
fn items_and_rules_are_taken_up_and_all_else_waits_and_is_named() {
    let before = "es: {num-replicas: 2}\nlog-level: info\ninstances: [{namespace: a}]";
    let before = settings(before, None);
    assert_eq!(
        (&before.problems[..], &before.waiting[..]),
        (&[][..], &[][..])
    );
    let now = settings(
        "es: {num-replicas: 3}\nquery: {max-traces: 7}\nmulti-tenancy: {enabled: true}\ninstances: [{namespace: b}, {namespace: a, es: {index-prefix: x}}]",
        Some(&before.written),
    );
    assert_eq!(now.problems, []);
    // the file is another in this test
    let mut waiting = now.waiting;
    waiting.retain(|at| !at.contains("config-file"));
    assert_eq!(waiting, ["es.num-replicas in F", "query.max-traces in F"]);
    assert!(now.settings.bool("multi-tenancy.enabled"));
    assert_eq!(now.settings.int("query.max-traces"), 10_000);
    assert_eq!(now.settings.text("log-level"), "info");
    let of = |nth: usize| {
        let item = &now.instances[nth];
        let settings = &item.settings;
        (
            item.namespace.as_str(),
            settings.int("es.num-replicas"),
            settings.text("es.index-prefix"),
        )
    };
    assert_eq!([of(0), of(1)], [("b", 2, ""), ("a", 2, "x")]);
}
