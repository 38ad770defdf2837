//! Whose requests are, as an operator says it.

use super::*;

#[test]
fn rules_become_the_instances_that_stores_are_opened_for() {
    let config = config(
        &[
            "--instance.default=prod/traces",
            "--instance.by-listener=zipkin=edge/jaeger, jaeger-udp=edge/jaeger",
            "--instance.by-certificate=spiffe://mesh/ns/shop/*=shop/jaeger,*.bank.svc=bank/jaeger",
            "--multi-tenancy.tenants=acme",
        ],
        &[("MULTI_TENANCY_ENABLED", "true")],
    );
    let all: Vec<String> = config
        .instances
        .all()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        all,
        [
            "prod/traces",
            "acme/traces",
            "bank/jaeger",
            "edge/jaeger",
            "shop/jaeger"
        ]
    );
    assert_eq!(config.instances.listeners.len(), 4);
    let tenants = config.instances.tenants.as_ref().unwrap();
    assert_eq!(tenants.header, "x-tenant");
}

#[test]
fn a_rule_that_cannot_be_is_told_with_its_setting() {
    let told = problems(
        Role::AllInOne,
        &[
            "--instance.by-listener=zipkin,otlp=x/y,jaeger-udp=a/b,jaeger-compact=a/b",
            "--instance.by-certificate=*a*=x/y,b=Shop/x",
            "--multi-tenancy.enabled",
            "--multi-tenancy.header=x y",
            "--multi-tenancy.tenants=Acme",
            "--multi-tenancy.listeners=http",
        ],
    );
    for (index, part) in [
        "--instance.by-listener: \"zipkin\" names no instance",
        "--instance.by-listener: \"otlp\" is no listener: give any of otlp-grpc",
        "--instance.by-listener: jaeger-compact stands twice",
        "--instance.by-certificate: instance \"Shop/x\" is not namespace/name",
        "--instance.by-certificate: \"*a*\" is no name in a certificate",
        "--multi-tenancy.header: \"x y\" is no name of a header",
        "--multi-tenancy.tenants: \"Acme\" is no namespace",
        "--multi-tenancy.tenants: it is empty",
        "--multi-tenancy.listeners: \"http\" is no listener",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(told[index].starts_with(part), "{part}: {told:#?}");
    }
    assert_eq!(told.len(), 9);
}

#[test]
fn a_listener_that_takes_nothing_is_named() {
    let told = |line: &[&str]| -> Vec<String> {
        let checked = checked(Role::AllInOne, line, &[]);
        assert_eq!(checked.problems, []);
        let notes = checked.warnings.into_iter().map(|warning| warning.note);
        notes
            .filter(|note| note.contains("takes nothing"))
            .collect()
    };
    let tenancy = ["--multi-tenancy.enabled", "--multi-tenancy.tenants=acme"];
    let datagrams = told(&tenancy);
    assert_eq!(datagrams.len(), 3, "{datagrams:?}");
    assert!(datagrams[0].starts_with("jaeger-compact takes nothing"));
    let placed = [
        &tenancy[..],
        &["--instance.by-listener=jaeger-udp=acme/jaeger"],
    ]
    .concat();
    assert_eq!(told(&placed), Vec::<String>::new());
    let by_certificate = [
        "--instance.by-certificate=*.shop.svc=shop/jaeger",
        "--collector.grpc.tls.enabled",
        "--collector.grpc.tls.client-ca=x",
    ];
    let others = told(&by_certificate);
    assert!(
        others.len() == 9 && !others.iter().any(|note| note.starts_with("jaeger-grpc")),
        "{others:?}"
    );
    assert_eq!(
        told(&["--instance.by-listener=zipkin=a/b"]),
        Vec::<String>::new()
    );
}

#[test]
fn adaptive_sampling_is_for_one_namespace() {
    let line = [
        "--instance.by-listener=zipkin=a/b",
        "--sampling.config-type=adaptive",
    ];
    let told = problems(Role::AllInOne, &line);
    assert!(
        told[0].contains("would show the operations of one to the others"),
        "{told:?}"
    );
    assert_eq!(problems(Role::AllInOne, &line[1..]), Vec::<String>::new());
}

#[test]
fn tenants_without_tenancy_are_told_to_change_nothing() {
    let checked = checked(Role::AllInOne, &["--multi-tenancy.tenants=a"], &[]);
    assert!(
        checked.warnings[0]
            .note
            .contains("multi-tenancy.enabled is false"),
        "{:?}",
        checked.warnings
    );
    assert_eq!(checked.config.unwrap().instances.all().len(), 1);
}
