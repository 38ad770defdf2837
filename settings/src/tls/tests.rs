use super::*;

fn whole() -> ServerTls {
    ServerTls {
        prefix: "collector.grpc.tls".to_owned(),
        cert: Some("a.pem".into()),
        key: Some("a.key".into()),
        ..ServerTls::default()
    }
}

#[track_caller]
fn refuses(tls: &ServerTls, message: &str) {
    assert_eq!(
        tls.check().map_err(|e| e.to_string()),
        Err(message.to_owned())
    );
}

#[test]
fn a_whole_block_passes() {
    assert_eq!(whole().check(), Ok(()));
    assert_eq!(
        ServerTls {
            min_version: Some("1.0".to_owned()),
            ..whole()
        }
        .check(),
        Ok(())
    );
}

#[test]
fn clients_may_be_asked_and_not_forced_for_a_certificate() {
    let optional = ServerTls {
        client_auth: Some("optional".to_owned()),
        client_ca: Some("ca.pem".into()),
        ..whole()
    };
    assert_eq!(optional.check(), Ok(()));
    assert!(optional.is_client_optional() && !whole().is_client_optional());
    refuses(
        &ServerTls {
            client_ca: None,
            ..optional.clone()
        },
        "collector.grpc.tls.enabled is true, but collector.grpc.tls.client-ca is not set: give the path of a PEM file",
    );
    refuses(
        &ServerTls {
            client_auth: Some("maybe".to_owned()),
            ..optional
        },
        "collector.grpc.tls.client-auth is \"maybe\": give required or optional",
    );
}

#[test]
fn a_missing_part_is_named_with_its_setting() {
    refuses(
        &ServerTls {
            cert: None,
            ..whole()
        },
        "collector.grpc.tls.key is set, but collector.grpc.tls.cert is not: give the paths of both PEM files, or of neither and they are made",
    );
    refuses(
        &ServerTls {
            key: None,
            ..whole()
        },
        "collector.grpc.tls.cert is set, but collector.grpc.tls.key is not: give the paths of both PEM files, or of neither and they are made",
    );
    refuses(
        &ServerTls {
            max_version: Some("1.1".to_owned()),
            ..whole()
        },
        "collector.grpc.tls.max-version is \"1.1\": give 1.2 or 1.3",
    );
    refuses(
        &ServerTls {
            min_version: Some("TLS12".to_owned()),
            ..whole()
        },
        "collector.grpc.tls.min-version is \"TLS12\": give 1.2 or 1.3",
    );
    refuses(
        &ServerTls {
            min_version: Some("1.3".to_owned()),
            max_version: Some("1.2".to_owned()),
            ..whole()
        },
        "collector.grpc.tls.min-version is 1.3, above collector.grpc.tls.max-version 1.2",
    );
}

#[test]
fn a_client_certificate_comes_with_its_key() {
    let tls = ClientTls {
        prefix: "es.tls".to_owned(),
        cert: Some("a.pem".into()),
        ..ClientTls::default()
    };
    assert_eq!(
        tls.check().map_err(|e| e.to_string()),
        Err(
            "es.tls.enabled is true, but es.tls.key is not set: give the path of a PEM file"
                .to_owned()
        )
    );
}
