//! The list of what a mirror needs is all that the files name.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{EXAMPLES, STRATEGIES, composed, items, manifests, text, word};

/// Images of `deploy/images.json` of one kind; empty: of all.
fn listed(when: &str) -> BTreeSet<String> {
    let list: Value = serde_json::from_str(&text("deploy/images.json")).unwrap();
    items(&list, "/images")
        .iter()
        .filter(|image| when.is_empty() || word(image, "/when") == when)
        .map(|image| word(image, "/image").to_owned())
        .collect()
}

fn in_compose(variables: &[(&str, &str)]) -> BTreeSet<String> {
    let services = composed(variables);
    let services = services["services"].as_object().unwrap();
    services
        .values()
        .map(|service| word(service, "/image").to_owned())
        .collect()
}

/// What stages of the Dockerfile begin with, but for earlier stages and nothing at all.
fn in_dockerfile() -> BTreeSet<String> {
    text("Dockerfile")
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|image| *image != "scratch")
        .map(|image| image.replace("${REGISTRY}", "docker.io"))
        .collect()
}

/// Without the registry that an example has it from.
fn in_manifests() -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    for folder in STRATEGIES.iter().chain(&EXAMPLES) {
        for document in manifests(folder) {
            for container in items(&document, "/spec/template/spec/containers") {
                let image = word(container, "/image");
                images.insert(image.replace("registry.example.org/tracing/", ""));
            }
        }
    }
    images
}

#[test]
fn the_list_for_mirrors_is_complete_and_no_longer_than_needed() {
    let mut used = in_compose(&[]);
    used.extend(in_manifests());
    assert_eq!(used, listed("run"));
    assert_eq!(in_dockerfile(), listed("build"));
}

#[test]
fn every_image_has_a_version() {
    for image in listed("") {
        let version = image.rsplit_once(':').map(|(_, version)| version);
        let pinned = version.is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        assert!(pinned, "{image}");
    }
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let version = manifest["workspace"]["package"]["version"]
        .as_str()
        .unwrap();
    assert!(listed("run").contains(&format!("spoor:{version}")));
}

#[test]
fn a_mirror_serves_every_image_that_is_not_our_own() {
    let mirror = "registry.example.org/mirror";
    for image in in_compose(&[("REGISTRY", mirror)]) {
        assert!(
            image.starts_with(mirror) || image.starts_with("spoor:"),
            "{image}"
        );
    }
}

/// What is listed beside images: where the list of its parts is, there is a file.
#[test]
fn artefacts_name_files_that_are_there() {
    let list: Value = serde_json::from_str(&text("deploy/images.json")).unwrap();
    for artefact in items(&list, "/artefacts") {
        let listed_in = text(word(artefact, "/list"));
        let version = word(artefact, "/version");
        assert!(listed_in.contains(version), "{artefact}");
    }
    assert_eq!(items(&list, "/at-run-time"), [] as [Value; 0]);
}
