//! What an archive has from its store.

use super::super::tests::{file, loaded, told};
use super::*;

#[track_caller]
fn check(line: &str, expect: &[(&str, &str, &str)]) {
    let got = loaded(line, &[]);
    assert_eq!(told(&got), [""; 0]);
    for (name, value, at) in expect {
        let setting = got.settings.get(name).unwrap();
        assert_eq!(
            (setting.value.to_string().as_str(), got.settings.at(name)),
            (*value, (*at).to_owned()),
            "{name}"
        );
    }
}

#[test]
fn what_nobody_wrote_for_the_archive_is_the_stores() {
    check(
        "--es.server-urls=https://es:9200 --es.index-prefix=p --es.tls.enabled --es.tls.ca=/ca --es.token-file=/t --es.tags-as-fields.all --es.num-shards=2 --es.use-aliases",
        &[
            (
                "es-archive.server-urls",
                "https://es:9200",
                "--es.server-urls",
            ),
            ("es-archive.index-prefix", "p", "--es.index-prefix"),
            ("es-archive.tls.ca", "/ca", "--es.tls.ca"),
            ("es-archive.token-file", "/t", "--es.token-file"),
            (
                "es-archive.tags-as-fields.all",
                "true",
                "--es.tags-as-fields.all",
            ),
            // these are about indices, which an archive has of its own
            ("es-archive.num-shards", "5", "es-archive.num-shards"),
            ("es-archive.use-aliases", "false", "es-archive.use-aliases"),
        ],
    );
}

#[test]
fn an_archive_with_servers_of_its_own_has_what_jaegers_has() {
    check(
        "--es.username=u --es.index-prefix=p --es.tls.enabled --es.tls.ca=/ca --es.token-file=/t --es-archive.server-urls=http://old:9200 --es-archive.index-prefix=q",
        &[
            ("es-archive.username", "u", "--es.username"),
            ("es-archive.index-prefix", "q", "--es-archive.index-prefix"),
            ("es-archive.token-file", "", "es-archive.token-file"),
            ("es-archive.tls.enabled", "false", "es-archive.tls.enabled"),
            ("es-archive.tls.ca", "", "es-archive.tls.ca"),
        ],
    );
}

#[test]
fn a_password_of_its_own_is_not_joined_by_the_stores() {
    check(
        "--es.password=a --es-archive.password-file=/f",
        &[("es-archive.password", "", "es-archive.password")],
    );
    check(
        "--es.password-file=/f --es-archive.password=b",
        &[("es-archive.password-file", "", "es-archive.password-file")],
    );
    let got = loaded("--es.password=a --es.username=u", &[]);
    assert_eq!(
        got.settings
            .secret("es-archive.password")
            .map(crate::Secret::reveal),
        Some("a")
    );
}

#[test]
fn an_items_archive_takes_from_the_items_store() {
    let file = file(
        ".yaml",
        "instances: [{namespace: a, es: {index-prefix: own, password: p}}]",
    );
    let path = file.path().display();
    let line = format!("--config-file={path} --es.index-prefix=all --es.username=u");
    let got = loaded(&line, &[]);
    let settings = &got.instances[0].settings;
    assert_eq!(settings.text("es-archive.index-prefix"), "own");
    assert_eq!(settings.text("es-archive.username"), "u");
    assert_eq!(
        settings.at("es-archive.password"),
        format!("instances[0].es.password in {path}")
    );
    assert_eq!(got.settings.text("es-archive.index-prefix"), "all");
}

#[test]
fn a_block_is_not_half_on_when_the_stores_is_on() {
    let got = loaded("--es.tls.enabled --es-archive.tls.cert=/c", &[]);
    assert_eq!(told(&got), [""; 0]);
    assert!(got.settings.bool("es-archive.tls.enabled"));
    let got = loaded(
        "--es.tls.enabled --es-archive.tls.cert=/c --es-archive.tls.enabled=false",
        &[],
    );
    assert_eq!(
        told(&got),
        ["es-archive.tls.* options cannot be used when es-archive.tls.enabled is false"]
    );
}

#[test]
fn every_part_is_a_setting_of_both() {
    let got = loaded("", &[]);
    for part in ALWAYS.iter().chain(&WITH_SERVERS) {
        for prefix in [STORE, ARCHIVE] {
            assert!(got.settings.get(&format!("{prefix}{part}")).is_some());
        }
    }
}
