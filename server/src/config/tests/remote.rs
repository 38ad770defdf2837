//! A store in another process: how it is reached, and serving one.

use ::storage::remote::Protocol;

use super::*;

const STORE: [&str; 2] = [
    "--span-storage.type=grpc",
    "--grpc-storage.server=dns:///store:17271",
];

fn told(line: &[&str]) -> (Storage, Vec<String>) {
    let checked = checked(Role::Collector, &[&STORE, line].concat(), &[]);
    assert_eq!(checked.problems, []);
    let warnings = checked.warnings.iter().map(ToString::to_string).collect();
    (checked.config.unwrap().storage, warnings)
}

fn wrong(line: &[&str]) -> Vec<String> {
    problems(Role::Collector, &[&STORE, line].concat())
}

#[test]
fn a_store_has_jaegers_defaults() {
    let (storage, warnings) = told(&[]);
    assert_eq!(storage.backends, [Backend::Grpc]);
    let [store] = &storage.remote[..] else {
        panic!("{:?}", storage.remote);
    };
    assert_eq!(store.servers[0].to_string(), "store:17271");
    assert_eq!(store.patience, std::time::Duration::from_secs(5));
    assert_eq!(
        (store.protocol, &store.tls, &store.tenant_header),
        (None, &None, &None)
    );
    assert!(
        warnings[0].contains("spans go to store:17271 in plaintext"),
        "{warnings:?}"
    );
}

#[test]
fn an_archive_is_a_server_of_its_own() {
    let (storage, _) = told(&[
        "--grpc-storage-archive.enabled",
        "--grpc-storage-archive.server=kept:17271",
        "--grpc-storage-archive.protocol=v1",
    ]);
    assert_eq!(storage.remote[1].prefix, "grpc-storage-archive");
    assert_eq!(
        storage.remote[1].protocol,
        Some(Protocol::V1 { streams: false })
    );
    let (storage, warnings) = told(&["--grpc-storage-archive.server=kept:17271"]);
    assert_eq!(storage.remote.len(), 1);
    assert!(
        warnings.iter().any(|w| w.contains("enabled is false")),
        "{warnings:?}"
    );
}

#[test]
fn namespaces_go_along_and_instances_of_one_cannot() {
    let (storage, _) = told(&[
        "--multi-tenancy.enabled",
        "--multi-tenancy.tenants=a,b",
        "--multi-tenancy.header=X-Scope",
    ]);
    assert_eq!(storage.remote[0].tenant_header.as_deref(), Some("x-scope"));
    let wrong = wrong(&["--instance.by-listener=zipkin=shop/one,otlp-grpc=shop/two"]);
    assert!(
        wrong[0].contains("could not tell shop/one from shop/two"),
        "{wrong:?}"
    );
}

#[test]
fn what_cannot_be_is_named_with_its_setting() {
    for (line, expect) in [
        ("--grpc-storage.server=store", "--grpc-storage.server"),
        ("--grpc-storage.server=store:0", "has no port to call"),
        ("--grpc-storage.protocol=v9", "none of spoor, v2 and v1"),
        (
            "--grpc-storage.connection-timeout=0s",
            "--grpc-storage.connection-timeout",
        ),
        (
            "--grpc-storage.tls.ca=ca.crt",
            "options cannot be used when grpc-storage.tls.enabled is false",
        ),
    ] {
        let wrong = wrong(&[line]);
        assert!(wrong[0].contains(expect), "{line}: {wrong:?}");
    }
}

#[test]
fn a_store_is_served_on_jaegers_ports() {
    let config = checked(Role::RemoteStorage, &[], &[]).config.unwrap();
    let open: Vec<String> = config
        .listeners
        .iter()
        .map(|listener| format!("{} {}", listener.name, listener.addrs[0].port))
        .collect();
    assert_eq!(open, ["storage-grpc 17271", "admin 17270"]);
    assert_eq!(config.storage.backends, [Backend::Embedded]);
}
