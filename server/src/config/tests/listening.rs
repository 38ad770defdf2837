//! What listens where, and with what TLS.

use settings::ListenerName;

use super::*;

#[test]
fn jaegers_behaviour_is_two_variables_with_a_warning_a_listener() {
    let checked = checked(
        Role::AllInOne,
        &[],
        &[("LISTEN_HOST", "::"), ("PLAINTEXT_LISTENERS", "all")],
    );
    assert_eq!(checked.problems, []);
    let listeners = checked.config.unwrap().listeners;
    assert!(
        listeners
            .iter()
            .all(|l| l.addrs.len() == 1 && l.addrs[0].to_string().starts_with("[::]:"))
    );
    assert_eq!(checked.warnings.len(), 12, "{:?}", checked.warnings);
    let checked = super::checked(
        Role::AllInOne,
        &[],
        &[
            ("JAEGER_LISTEN_HOST", "0.0.0.0"),
            ("PLAINTEXT_LISTENERS", "all"),
        ],
    );
    assert_eq!(
        checked.config.unwrap().listeners.admin.addrs[0].to_string(),
        "0.0.0.0:14269"
    );
}

#[test]
fn what_reaches_further_speaks_tls_with_a_certificate_of_its_own_making() {
    let all = checked(
        Role::AllInOne,
        &[
            "--listen.host=::",
            "--instance.default=prod/traces",
            "--certs.directory=/certs",
        ],
        &[],
    );
    assert_eq!((all.problems, all.warnings), (vec![], vec![]));
    let listeners = all.config.unwrap().listeners;
    for listener in listeners.iter() {
        match &listener.tls {
            Some(tls) => {
                assert!(tls.own, "{listener}");
                assert_eq!(tls.cert, Some("/certs/prod/traces/tls.crt".into()));
                assert_eq!(tls.key, Some("/certs/prod/traces/tls.key".into()));
            }
            // datagrams stay on this machine
            None => assert!(listener.name.is_datagram() || listener.name == ListenerName::Admin),
        }
    }
    // switched on without files, it is the same on loopback
    let on = config(&["--collector.grpc.tls.enabled"], &[]).listeners;
    assert!(on.jaeger_grpc.unwrap().tls.unwrap().own);
    assert_eq!(on.query_http.unwrap().tls, None);
}

#[test]
fn every_listener_that_may_not_open_is_told() {
    let off = [
        "--listen.host=::",
        "--collector.grpc.tls.enabled=false",
        "--query.http.tls=false",
    ];
    let told = problems(Role::AllInOne, &off);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("--listen.host: [::]:14250 is reachable from other machines and collector.grpc.tls.enabled is false: leave that out"), "{told:?}");
    assert_eq!(
        problems(Role::AllInOne, &["--listen.host=:80"]),
        ["--listen.host: \":80\" is no host: give a name or an address without a port, such as ::"]
    );
    let bad = problems(
        Role::AllInOne,
        &[
            "--instance.default=prod",
            "--certs.names=a b",
            "--certs.validity=1s",
        ],
    );
    assert!(
        bad[0].starts_with("--instance.default: instance \"prod\" is not namespace/name"),
        "{bad:?}"
    );
    assert!(
        bad[1].starts_with("--certs.names: \"a b\" is neither"),
        "{bad:?}"
    );
    assert_eq!(bad[2..], ["--certs.validity: give 1m or more"]);
}

#[test]
fn what_nobody_asked_for_is_off_in_a_collector_and_datagrams_stay_on_this_machine() {
    let alone = checked(Role::Collector, &[], &[]).config.unwrap().listeners;
    assert!(alone.jaeger_thrift.is_some());
    let off = [
        &alone.zipkin,
        &alone.jaeger_compact,
        &alone.jaeger_binary,
        &alone.zipkin_compact,
        &alone.sampling_http,
        &alone.sampling_grpc,
    ];
    assert!(off.iter().all(|l| l.is_none()));
    let asked = checked(
        Role::Collector,
        &[
            "--collector.zipkin.host-port=127.0.0.1:9411",
            "--processor.jaeger-compact.server-host-port=:6831",
            "--plaintext.listeners=jaeger-udp",
        ],
        &[],
    );
    let asked = asked.config.unwrap().listeners;
    assert!(asked.zipkin.is_some() && asked.jaeger_compact.unwrap().is_exposed());
    let told = problems(
        Role::AllInOne,
        &["--processor.jaeger-binary.server-host-port=:6832"],
    );
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("datagrams have no TLS"), "{told:?}");
    let all = [
        "--listen.host=::",
        "--plaintext.listeners=otlp-grpc,otlp-http,jaeger-grpc,jaeger-thrift,query-http",
    ];
    let all = checked(Role::AllInOne, &all, &[]);
    assert_eq!(all.problems, []);
    let listeners = all.config.unwrap().listeners;
    assert!(listeners.otlp_grpc.unwrap().is_exposed());
    assert!(listeners.zipkin.unwrap().tls.unwrap().own);
    assert!(!listeners.jaeger_compact.unwrap().is_exposed());
}

#[test]
fn two_listeners_never_share_a_port() {
    assert_eq!(
        problems(
            Role::AllInOne,
            &["--query.http-server.host-port=127.0.0.1:4317"]
        ),
        [
            "collector.otlp.grpc.host-port: 127.0.0.1:4317 is taken by --query.http-server.host-port as well: give each a port of its own"
        ]
    );
}
