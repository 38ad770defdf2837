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
    assert_eq!(config.instances.header(), Some("x-tenant"));
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
