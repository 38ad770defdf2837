//! Who belongs where, and who nowhere.

use super::*;

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

fn rules() -> Instances {
    Instances {
        listeners: HashMap::from([("zipkin".to_owned(), instance("edge/jaeger"))]),
        certificates: vec![
            (
                "spiffe://mesh/ns/shop/*".parse().unwrap(),
                instance("shop/jaeger"),
            ),
            ("*.bank.svc".parse().unwrap(), instance("bank/traces")),
        ],
        tenants: Some(Tenants {
            header: "x-tenant".to_owned(),
            known: ["acme", "shop"].map(str::to_owned).into(),
            listeners: BTreeSet::new(),
        }),
        ..Instances::one(Instance::default())
    }
}

/// URIs have `://` in them.
fn of(
    rules: &Instances,
    listener: &str,
    names: Option<&[&'static str]>,
    tenants: &[&'static str],
) -> Result<String, Stranger> {
    let tenants = tenants.iter().map(|tenant| Some(*tenant));
    let (uris, dns): (Vec<String>, Vec<String>) = names
        .unwrap_or_default()
        .iter()
        .map(|name| (*name).to_owned())
        .partition(|name| name.contains("://"));
    let names = names.map(|_| Names {
        dns: &dns,
        uris: &uris,
    });
    rules
        .of(listener, names, tenants)
        .map(|instance| instance.to_string())
}

#[test]
fn a_uri_does_not_pass_for_a_host_nor_a_host_for_another() {
    let rules = rules();
    for stranger in [
        "spiffe://mesh/ns/evil/sa/x.bank.svc",
        "a.b.bank.svc",
        "bank.svc",
        "spiffe://mesh/ns/shopping/x",
    ] {
        let refused = of(&rules, "otlp-grpc", Some(&[stranger]), &[]);
        assert_eq!(refused, Err(Stranger::Certificate(stranger.to_owned())));
    }
    let upper = of(&rules, "otlp-grpc", Some(&["Ledger.Bank.SVC"]), &[]);
    assert_eq!(upper, Ok("bank/traces".to_owned()));
}

#[test]
fn without_rules_everything_is_the_default_instances() {
    let one = Instances::one(instance("prod/jaeger"));
    assert_eq!(
        of(&one, "otlp-grpc", None, &["acme"]),
        Ok("prod/jaeger".to_owned())
    );
    assert_eq!(one.all(), [instance("prod/jaeger")]);
    // a rule for a listener alone refuses nobody
    let bound = Instances {
        listeners: rules().listeners,
        ..one
    };
    assert_eq!(
        of(&bound, "zipkin", None, &[]),
        Ok("edge/jaeger".to_owned())
    );
    assert_eq!(
        of(&bound, "otlp-grpc", None, &[]),
        Ok("prod/jaeger".to_owned())
    );
}

#[test]
fn an_instance_with_a_store_is_one_of_all_and_no_rule_leads_there() {
    let kept = Instances {
        with_store: [instance("kept/jaeger"), Instance::default()].into(),
        ..rules()
    };
    let (with, without) = (kept.all(), rules().all());
    assert_eq!((with.len(), &with[0]), (without.len() + 1, &without[0]));
    assert!(with.contains(&instance("kept/jaeger")));
    assert!(of(&kept, "otlp-grpc", None, &["kept"]).is_err());
}

#[test]
fn the_listener_then_the_certificate_then_the_header_decides() {
    let rules = rules();
    let shop: &[&str] = &["frontend", "spiffe://mesh/ns/shop/sa/frontend"];
    for (listener, names, tenants, expected) in [
        ("zipkin", Some(shop), &["acme"][..], Ok("edge/jaeger")),
        ("otlp-grpc", Some(shop), &[], Ok("shop/jaeger")),
        ("otlp-grpc", Some(shop), &["shop"], Ok("shop/jaeger")),
        (
            "otlp-grpc",
            Some(shop),
            &["acme"],
            Err(Stranger::Contradiction),
        ),
        (
            "otlp-grpc",
            Some(&["ledger.bank.svc"]),
            &[],
            Ok("bank/traces"),
        ),
        (
            "otlp-grpc",
            Some(&[".bank.svc"]),
            &[],
            Err(Stranger::Certificate(".bank.svc".to_owned())),
        ),
        (
            "otlp-grpc",
            Some(&["spiffe://mesh/ns/shop/"]),
            &["acme"],
            Err(Stranger::Certificate("spiffe://mesh/ns/shop/".to_owned())),
        ),
        ("otlp-grpc", None, &["acme"], Ok("acme/jaeger")),
        ("otlp-grpc", None, &[], Err(Stranger::Missing)),
        ("otlp-grpc", None, &["other"], Err(Stranger::Unknown)),
        ("otlp-grpc", None, &["../acme"], Err(Stranger::Unknown)),
        (
            "otlp-grpc",
            None,
            &["acme", "acme"],
            Err(Stranger::Repeated),
        ),
    ] {
        assert_eq!(
            of(&rules, listener, names, tenants),
            expected.map(str::to_owned),
            "{listener} {names:?} {tenants:?}"
        );
    }
    let binary = rules.of("otlp-grpc", None, [None].into_iter());
    assert_eq!(binary, Err(Stranger::Unknown));
    assert_eq!(
        rules.all(),
        [
            "default/jaeger",
            "acme/jaeger",
            "bank/traces",
            "edge/jaeger",
            "shop/jaeger"
        ]
        .map(instance)
    );
}

#[test]
fn where_a_header_is_not_believed_it_opens_nothing() {
    let mut rules = rules();
    rules.tenants.as_mut().unwrap().listeners = BTreeSet::from(["query-http".to_owned()]);
    assert_eq!(
        of(&rules, "query-http", None, &["acme"]),
        Ok("acme/jaeger".to_owned())
    );
    assert_eq!(
        of(&rules, "otlp-grpc", None, &["acme"]),
        Err(Stranger::Nameless)
    );
    rules.tenants = None;
    assert_eq!(
        of(&rules, "otlp-grpc", None, &["acme"]),
        Err(Stranger::Nameless)
    );
    assert_eq!(
        of(&rules, "jaeger-compact", None, &[]),
        Err(Stranger::Nameless)
    );
}

#[test]
fn a_pattern_has_one_star_where_it_may_be() {
    for good in ["a.b", "*.b", "*.b.c", "spiffe://x/*", "spiffe://x/y"] {
        assert!(good.parse::<Pattern>().is_ok(), "{good}");
    }
    for bad in [
        "", "*", "**", "*a*", "a*b", "a*", "*a", "*://x", "a b", "a,b", "ü",
    ] {
        assert!(bad.parse::<Pattern>().is_err(), "{bad}");
    }
}
