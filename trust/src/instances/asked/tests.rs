//! Who may ask whom, and what is said to who may not.

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::Tenants;

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

/// With stores for these, and no rule.
fn open(served: &[&str]) -> Instances {
    Instances {
        with_store: served.iter().map(|text| instance(text)).collect(),
        ..Instances::one(Instance::default())
    }
}

/// A header says who is who; `acme` has two instances.
fn by_header() -> Instances {
    Instances {
        tenants: Some(Tenants {
            header: "x-tenant".to_owned(),
            known: ["acme", "shop"].map(str::to_owned).into(),
            listeners: BTreeSet::new(),
        }),
        ..open(&["acme/jaeger", "acme/second", "shop/jaeger"])
    }
}

fn by_certificate() -> Instances {
    let pattern = "spiffe://mesh/ns/shop/*".parse().unwrap();
    Instances {
        certificates: vec![(pattern, instance("shop/jaeger"))],
        ..open(&["acme/jaeger", "shop/jaeger", "shop/second"])
    }
}

#[track_caller]
fn ask(
    rules: &Instances,
    tenant: Option<&'static str>,
    uri: Option<&str>,
    named: Option<&str>,
) -> Result<String, Astray> {
    let mut headers = HeaderMap::new();
    if let Some(tenant) = tenant {
        headers.insert("x-tenant", tenant.parse().unwrap());
    }
    let uris: Vec<String> = uri.into_iter().map(str::to_owned).collect();
    let shown = Shown {
        listener: "query-http",
        names: uri.map(|_| Names {
            dns: &[],
            uris: &uris,
        }),
        headers: &headers,
    };
    let named = named.map(instance);
    let found = rules.of_question(shown, named.as_ref());
    found.map(|instance| instance.to_string())
}

fn ok(text: &str) -> Result<String, Astray> {
    Ok(text.to_owned())
}

#[test]
fn one_alone_needs_no_name_and_may_be_named() {
    for rules in [open(&[]), open(&["default/jaeger"])] {
        assert_eq!(ask(&rules, None, None, None), ok("default/jaeger"));
        let named = ask(&rules, None, None, Some("default/jaeger"));
        assert_eq!(named, ok("default/jaeger"));
        let other = ask(&rules, None, None, Some("acme/jaeger"));
        assert_eq!(other, Err(Astray::Elsewhere));
    }
}

#[test]
fn of_several_one_has_to_be_named_where_nothing_says_who_asks() {
    let rules = open(&["acme/jaeger"]);
    let both = vec![instance("default/jaeger"), instance("acme/jaeger")];
    let refused = ask(&rules, None, None, None).unwrap_err();
    assert_eq!(refused, Astray::Several(both));
    let said = refused.to_string();
    assert!(
        said.contains("/ns/{namespace}/{name}")
            && said.ends_with("There are default/jaeger, acme/jaeger"),
        "{said}"
    );
    for name in ["default/jaeger", "acme/jaeger"] {
        assert_eq!(ask(&rules, None, None, Some(name)), ok(name));
    }
    let many: Vec<_> = (0..30).map(|n| instance(&format!("n{n}/jaeger"))).collect();
    let said = Astray::Several(many).to_string();
    assert!(said.ends_with("n19/jaeger and 10 more"), "{said}");
}

#[test]
fn a_header_opens_its_namespace_and_no_other() {
    let rules = by_header();
    let acme = Some("acme");
    assert_eq!(ask(&rules, acme, None, None), ok("acme/jaeger"));
    for name in ["acme/jaeger", "acme/second"] {
        assert_eq!(ask(&rules, acme, None, Some(name)), ok(name));
    }
    let nowhere = ask(&rules, acme, None, Some("acme/third"));
    assert_eq!(nowhere, Err(Astray::Elsewhere));
    // one that is there and one that is not, in the same words
    for other in ["shop/jaeger", "nothing/jaeger", "default/jaeger"] {
        let refused = ask(&rules, acme, None, Some(other));
        assert_eq!(refused, Err(Astray::Contradiction), "{other}");
    }
    // a path is no proof of who asks
    for named in [None, Some("acme/jaeger"), Some("nothing/jaeger")] {
        let missing = Err(Astray::Stranger(Stranger::Missing));
        assert_eq!(ask(&rules, None, None, named), missing);
        let unknown = Err(Astray::Stranger(Stranger::Unknown));
        assert_eq!(ask(&rules, Some("other"), None, named), unknown);
    }
}

#[test]
fn a_certificate_or_a_listener_leads_to_one_and_others_are_not_there() {
    let shop = Some("spiffe://mesh/ns/shop/sa/frontend");
    let bound = Instances {
        listeners: HashMap::from([("query-http".to_owned(), instance("shop/jaeger"))]),
        ..open(&["acme/jaeger", "shop/second"])
    };
    for (rules, uri) in [(by_certificate(), shop), (bound, None)] {
        for named in [None, Some("shop/jaeger")] {
            assert_eq!(ask(&rules, None, uri, named), ok("shop/jaeger"));
        }
        for other in ["acme/jaeger", "shop/second", "default/jaeger", "no/such"] {
            let refused = ask(&rules, None, uri, Some(other));
            assert_eq!(refused, Err(Astray::Elsewhere), "{other}");
        }
    }
    let nameless = ask(&by_certificate(), None, None, Some("shop/jaeger"));
    assert_eq!(nameless, Err(Astray::Stranger(Stranger::Nameless)));
}

#[test]
fn what_no_rule_leads_to_can_be_asked_by_name_where_a_path_may_name_it() {
    let second = instance("shop/second");
    assert!(open(&["shop/second"]).is_asked(&second));
    assert!(!open(&[]).is_asked(&second));
    assert!(!by_certificate().is_asked(&second), "nobody is led there");
    assert!(by_header().is_asked(&instance("acme/second")));
    assert!(!by_header().is_asked(&instance("default/second")));
}
