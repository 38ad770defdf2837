//! What a process that runs takes up of a changed file.

use std::path::Path;

use super::*;

const CLUSTER: &str = "span-storage: {type: elasticsearch}\nmulti-tenancy: {enabled: true}\ninstance: {default: a/jaeger}\n";

fn started(path: &Path, text: &str) -> Again {
    std::fs::write(path, text).unwrap();
    let given = [("config-file".to_owned(), path.display().to_string())];
    let environment = Environment::default();
    let loaded = layers::load(&given, &environment);
    let written = loaded.written.clone();
    let checked = Config::check(Role::AllInOne, loaded, &environment);
    assert_eq!(checked.problems, []);
    Again::new(&checked.config.unwrap(), written, &given, &environment)
}

fn item(namespace: &str, more: &str) -> String {
    format!("  - {{namespace: {namespace}, es: {{index-prefix: {namespace}}}{more}}}\n")
}

#[test]
fn instances_are_as_the_file_has_them_and_the_rest_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoor.yaml");
    let text = format!("{CLUSTER}instances:\n{}", item("a", ""));
    let again = started(&path, &text);
    assert_eq!(again.file().as_deref(), Some(&*path));
    let union = ", query: {union: [a/jaeger]}";
    let more = format!("{text}{}query: {{max-traces: 7}}\n", item("b", union));
    std::fs::write(&path, &more).unwrap();
    assert_ne!(crate::config::again::fingerprint(&path), again.fingerprint);
    let found = again.look().unwrap();
    let kept = found.config.storage.kept;
    let names: Vec<String> = kept.iter().map(|kept| kept.instance.to_string()).collect();
    assert_eq!(names, ["a/jaeger", "b/jaeger"]);
    assert_eq!(kept[1].union, [kept[0].instance.clone()]);
    assert_eq!(found.config.query.unwrap().max_traces, 10_000);
    let waiting = found.waiting;
    assert_eq!(waiting, [format!("query.max-traces in {}", path.display())]);
    assert!(found.config.instances.tenants.unwrap().known.contains("b"));
}

#[test]
fn what_a_start_would_refuse_is_refused_by_instance() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoor.yaml");
    let text = format!("{CLUSTER}instances:\n{}", item("a", ""));
    let again = started(&path, &text);
    for (more, instance, problem) in [
        (
            "  - {namespace: b, es: {index-prefix: a}}\n",
            "a/jaeger",
            "a/jaeger and b/jaeger would share the indices",
        ),
        (
            "  - {namespace: b, es: {index-prefix: b, token-file: /nowhere}}\n",
            "b/jaeger",
            "instances[1].es.token-file",
        ),
        (
            "  - {namespace: b, es: {index-prefix: b}, span-storage: {type: embedded}}\n",
            "",
            "embedded was not in use when this process started",
        ),
        (
            "  - {namespace: b, es: {index-prefix: b}, query: {union: [c/jaeger]}}\n",
            "b/jaeger",
            "there is no instance c/jaeger",
        ),
    ] {
        std::fs::write(&path, format!("{text}{more}")).unwrap();
        let refused = again.look().unwrap_err();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].instance, instance, "{refused:?}");
        assert!(refused[0].problem.contains(problem), "{refused:?}");
    }
}
