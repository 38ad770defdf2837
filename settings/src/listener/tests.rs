use super::*;

struct Case {
    name: ListenerName,
    host_port: Option<&'static str>,
    listen_host: Option<&'static str>,
    tls: bool,
    tls_is_off: bool,
    plaintext: &'static str,
}

const QUIET: Case = Case {
    name: ListenerName::JaegerGrpc,
    host_port: None,
    listen_host: None,
    tls: false,
    tls_is_off: false,
    plaintext: "",
};

fn own() -> OwnFiles {
    OwnFiles {
        cert: "D/NS/NAME/tls.crt".into(),
        key: "D/NS/NAME/tls.key".into(),
    }
}

fn resolve(case: &Case) -> Result<Listener, String> {
    let host_port = case.host_port.map(|text| text.parse::<HostPort>().unwrap());
    let host = case.listen_host.map(|text| text.parse::<Host>().unwrap());
    let tls = ServerTls {
        prefix: case.name.tls_prefix().unwrap_or_default().to_owned(),
        ..ServerTls::default()
    };
    let words = case.plaintext.split(',').filter(|word| !word.is_empty());
    let plaintext = Plaintext::from_words(words).map_err(|e| e.to_string())?;
    let rule = Rule {
        name: case.name,
        default_port: case.name.default_port(),
        host_port: host_port.as_ref(),
        default_host: host.as_ref(),
        tls: case.tls.then_some(&tls),
        tls_is_off: case.tls_is_off,
        own: &own(),
        plaintext: &plaintext,
    };
    rule.resolve().map_err(|e| e.to_string())
}

#[track_caller]
fn listens(case: &Case, addrs: &[&str], exposed: bool) {
    let listener = resolve(case).unwrap_or_else(|e| panic!("{e}"));
    let got: Vec<String> = listener.addrs.iter().map(ToString::to_string).collect();
    assert_eq!(got, addrs);
    assert_eq!(listener.optional, addrs.len() == 2);
    assert_eq!(listener.is_exposed(), exposed);
    assert_eq!(listener.tls.is_some(), case.tls);
}

#[track_caller]
fn protects(case: &Case, setting: &str, at: &str) {
    let own_tls = resolve(case).unwrap().tls.unwrap();
    assert!(own_tls.own && own_tls.cert == Some(own().cert) && own_tls.key == Some(own().key));
    let off = Case {
        tls_is_off: true,
        ..*case
    };
    let error = resolve(&off).err().unwrap_or_else(|| panic!("was allowed"));
    assert!(
        error.starts_with(&format!("{setting}: {at} is reachable")),
        "{error}"
    );
    assert!(
        error.contains(&format!(
            "{}.enabled",
            case.name.tls_prefix().unwrap_or_default()
        )),
        "{error}"
    );
    assert!(
        error.contains(&format!("plaintext.listeners={}", case.name)),
        "{error}"
    );
}

#[test]
fn nothing_given_reaches_this_machine_alone() {
    listens(&QUIET, &["127.0.0.1:14250", "[::1]:14250"], false);
    listens(
        &Case {
            listen_host: Some("localhost"),
            ..QUIET
        },
        &["127.0.0.1:14250", "[::1]:14250"],
        false,
    );
    listens(
        &Case {
            listen_host: Some("::1"),
            ..QUIET
        },
        &["[::1]:14250"],
        false,
    );
    listens(
        &Case { tls: true, ..QUIET },
        &["127.0.0.1:14250", "[::1]:14250"],
        false,
    );
}

#[test]
fn a_loopback_address_is_plaintext_without_a_question() {
    listens(
        &Case {
            host_port: Some("127.0.0.2:9"),
            ..QUIET
        },
        &["127.0.0.2:9"],
        false,
    );
    listens(
        &Case {
            host_port: Some("localhost:9"),
            ..QUIET
        },
        &["127.0.0.1:9", "[::1]:9"],
        false,
    );
    listens(
        &Case {
            host_port: Some("[::1]:0"),
            listen_host: Some("::"),
            ..QUIET
        },
        &["[::1]:0"],
        false,
    );
}

#[test]
fn what_reaches_further_has_tls_or_a_word() {
    for at in [
        ":14250",
        "0.0.0.0:14250",
        "[::]:14250",
        "collector.example:14250",
        "10.0.0.1:14250",
    ] {
        let case = Case {
            host_port: Some(at),
            ..QUIET
        };
        protects(&case, "collector.grpc-server.host-port", at);
        listens(&Case { tls: true, ..case }, &[at], false);
        let case = Case {
            host_port: Some(at),
            ..QUIET
        };
        listens(
            &Case {
                plaintext: "query-http,jaeger-grpc",
                ..case
            },
            &[at],
            true,
        );
        let case = Case {
            host_port: Some(at),
            ..QUIET
        };
        protects(
            &Case {
                plaintext: "query-http,zipkin",
                ..case
            },
            "collector.grpc-server.host-port",
            at,
        );
    }
    protects(
        &Case {
            listen_host: Some("::"),
            ..QUIET
        },
        "listen.host",
        "[::]:14250",
    );
}

#[test]
fn jaegers_behaviour_is_two_settings() {
    let case = Case {
        listen_host: Some("::"),
        plaintext: "all",
        ..QUIET
    };
    listens(&case, &["[::]:14250"], true);
    let warning = resolve(&case).unwrap().warning().unwrap();
    assert!(
        warning.starts_with("jaeger-grpc listens on [::]:14250 in plaintext"),
        "{warning}"
    );
}

#[test]
fn the_admin_port_is_plaintext_by_nature() {
    let admin = Case {
        name: ListenerName::Admin,
        ..QUIET
    };
    listens(&admin, &["127.0.0.1:14269", "[::1]:14269"], false);
    let admin = Case {
        host_port: Some(":14269"),
        ..admin
    };
    listens(&admin, &[":14269"], true);
    assert_eq!(resolve(&admin).unwrap().warning(), None);
}

#[test]
fn an_unknown_word_is_refused_with_the_list() {
    let error = resolve(&Case {
        plaintext: "grpc",
        ..QUIET
    })
    .unwrap_err();
    assert!(
        error.starts_with(
            "plaintext.listeners: \"grpc\" is no listener: give all, or any of otlp-grpc, otlp-http"
        ),
        "{error}"
    );
}

#[test]
fn every_address_becomes_one_socket() {
    let listener = resolve(&Case {
        host_port: Some(":14250"),
        plaintext: "all",
        ..QUIET
    })
    .unwrap();
    let addrs = listener.socket_addrs().unwrap();
    assert_eq!(addrs.len(), 1);
    assert!(addrs[0].ip().is_unspecified());
    let pair = resolve(&QUIET).unwrap().socket_addrs().unwrap();
    assert_eq!(pair.len(), 2);
}

#[test]
fn listeners_collide_on_port_and_address() {
    let at = |text: &'static str| {
        resolve(&Case {
            host_port: Some(text),
            plaintext: "all",
            ..QUIET
        })
        .unwrap()
    };
    assert!(at(":5").collides(&at("127.0.0.1:5")));
    assert!(at("[::]:5").collides(&at("10.0.0.1:5")));
    assert!(!at("127.0.0.1:5").collides(&at("127.0.0.2:5")));
    assert!(!at(":0").collides(&at(":0")));
}

#[test]
fn datagrams_have_no_tls_to_be_protected_by() {
    let at: HostPort = "0.0.0.0:6831".parse().unwrap();
    let rule = |plaintext: &'static Plaintext| {
        Rule {
            name: ListenerName::JaegerCompact,
            default_port: 6831,
            host_port: Some(&at),
            default_host: None,
            tls: None,
            tls_is_off: false,
            own: &own(),
            plaintext,
        }
        .resolve()
    };
    static NONE: std::sync::LazyLock<Plaintext> = std::sync::LazyLock::new(Plaintext::default);
    static UDP: std::sync::LazyLock<Plaintext> =
        std::sync::LazyLock::new(|| Plaintext::from_words(["jaeger-udp"]).unwrap());
    let error = rule(&NONE).unwrap_err();
    assert_eq!(error.setting(), "processor.jaeger-compact.server-host-port");
    assert!(
        error
            .to_string()
            .contains("plaintext.listeners=jaeger-compact"),
        "{error}"
    );
    let listener = rule(&UDP).unwrap();
    assert!(
        listener
            .warning()
            .unwrap()
            .contains("nothing protects datagrams")
    );
    assert!(!UDP.allows(ListenerName::Zipkin));
}

#[test]
fn a_port_of_connections_and_one_of_datagrams_are_two() {
    let at = |name, port| Listener {
        name,
        addrs: vec![format!("127.0.0.1:{port}").parse().unwrap()],
        optional: false,
        tls: None,
    };
    let udp = at(ListenerName::JaegerCompact, 6831);
    assert!(!udp.collides(&at(ListenerName::Zipkin, 6831)));
    assert!(udp.collides(&at(ListenerName::JaegerBinary, 6831)));
}
