use std::collections::{BTreeSet, HashMap};

use http::HeaderMap;
use trust::{Names, Tenants};

use trust::Stranger;

use super::*;
use crate::caller::Way;

const LISTENER: &str = "otlp-grpc";

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

/// Five namespaces with a store each, and the default.
fn served() -> Instances {
    let mut instances = Instances::one(Instance::default());
    let with_store = (1..=5).map(|n| instance(&format!("team-{n}/jaeger")));
    instances.with_store = with_store.collect();
    instances
}

fn guard(instances: Instances, lines: &[&str], signs_in: bool) -> Guard {
    let grants = Grants::parse(lines.iter().copied()).unwrap();
    Guard::new(Rules::new(instances), grants, signs_in)
}

fn caller(name: &str) -> Caller {
    Caller {
        name: name.to_owned(),
        groups: BTreeSet::from([format!("{name}s")]),
        way: Way::Bearer,
    }
}

fn shown<'a>(headers: &'a HeaderMap, names: Option<Names<'a>>) -> Shown<'a> {
    Shown {
        listener: LISTENER,
        names,
        headers,
    }
}

#[test]
fn of_five_namespaces_and_their_people_only_the_diagonal_is_let_in() {
    let lines: Vec<String> = (1..=5)
        .map(|n| format!("group:user-{n}s read+write team-{n}"))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let guard = guard(served(), &lines, true);
    let headers = HeaderMap::new();
    let shown = shown(&headers, None);
    let mut let_in = 0;
    for n in 1..=5 {
        let caller = caller(&format!("user-{n}"));
        let own = instance(&format!("team-{n}/jaeger"));
        // one has to say no more than who one is
        assert_eq!(guard.question(shown, Some(&caller), None), Ok(own.clone()));
        assert_eq!(guard.writing(shown, Some(&caller)), Ok(own.clone()));
        assert_eq!(guard.choices(shown, Some(&caller)), Ok(vec![own]));
        for m in 1..=5 {
            let other = instance(&format!("team-{m}/jaeger"));
            let answer = guard.question(shown, Some(&caller), Some(&other));
            match answer {
                Ok(found) => {
                    assert_eq!((found, n), (other, m));
                    let_in += 1;
                }
                Err(denied) => assert_eq!(denied, Denied::Astray(Astray::Elsewhere)),
            }
        }
        let unknown = instance("nowhere/jaeger");
        let answer = guard.question(shown, Some(&caller), Some(&unknown));
        assert_eq!(answer, Err(Denied::Astray(Astray::Elsewhere)), "told alike");
    }
    assert_eq!(let_in, 5);
    assert_eq!(guard.question(shown, None, None), Err(Denied::SignIn));
    assert_eq!(guard.choices(shown, None), Err(Denied::SignIn));
    assert_eq!(guard.writing(shown, None), Err(Denied::SignIn));
    let stranger = caller("stranger");
    let denied = guard.question(shown, Some(&stranger), None).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "\"stranger\" may read nothing here: see access.grants"
    );
    let denied = guard.writing(shown, Some(&stranger)).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "\"stranger\" may not write to default/jaeger: see access.grants"
    );
}

#[test]
fn a_rule_and_a_grant_have_to_agree() {
    let mut instances = served();
    instances.certificates = vec![
        (
            "spiffe://mesh/ns/team-1/*".parse().unwrap(),
            instance("team-1/jaeger"),
        ),
        (
            "spiffe://mesh/ns/team-2/*".parse().unwrap(),
            instance("team-2/jaeger"),
        ),
    ];
    let lines = [
        "certificate:spiffe://mesh/ns/team-1/* write team-1",
        "user:tool write team-2 team-3",
        "user:tool read team-3",
    ];
    let guard = guard(instances, &lines, true);
    let headers = HeaderMap::new();
    let uris = |team: u8| [format!("spiffe://mesh/ns/team-{team}/sa/a")];
    let names = |uris: &'static [String]| Names { dns: &[], uris };
    let first: &'static [String] = Box::leak(Box::new(uris(1)));
    let second: &'static [String] = Box::leak(Box::new(uris(2)));
    let third: &'static [String] = Box::leak(Box::new(uris(3)));
    let tool = caller("tool");
    let first = shown(&headers, Some(names(first)));
    let second = shown(&headers, Some(names(second)));
    let third = shown(&headers, Some(names(third)));
    let nameless = shown(&headers, None);
    let team = |n: u8| instance(&format!("team-{n}/jaeger"));
    assert_eq!(guard.writing(first, None), Ok(team(1)));
    let denied = guard.writing(second, None).unwrap_err();
    assert_eq!(
        denied.to_string(),
        "\"spiffe://mesh/ns/team-2/sa/a\" may not write to team-2/jaeger: see access.grants"
    );
    // its certificate places it, its token lets it
    assert_eq!(guard.writing(second, Some(&tool)), Ok(team(2)));
    assert!(matches!(
        guard.writing(third, Some(&tool)),
        Err(Denied::Astray(Astray::Stranger(Stranger::Certificate(_))))
    ));
    // two are the tool's, and nothing says which
    assert!(matches!(
        guard.writing(nameless, Some(&tool)),
        Err(Denied::Astray(Astray::Stranger(Stranger::Nameless)))
    ));
    assert_eq!(guard.question(nameless, Some(&tool), None), Ok(team(3)));
    assert!(guard.question(first, None, None).is_err());
}

#[test]
fn a_header_chooses_among_what_is_granted() {
    let mut instances = served();
    let known = (1..=5).map(|n| format!("team-{n}")).collect();
    instances.tenants = Some(Tenants {
        header: "x-tenant".to_owned(),
        known,
        listeners: BTreeSet::new(),
    });
    let guard = guard(instances, &["user:tool read+write team-1 team-2"], true);
    let tool = caller("tool");
    for (tenant, expect) in [("team-1", true), ("team-2", true), ("team-3", false)] {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", tenant.parse().unwrap());
        let shown = shown(&headers, None);
        let own = instance(&format!("{tenant}/jaeger"));
        assert_eq!(
            guard.question(shown, Some(&tool), None).ok(),
            expect.then(|| own.clone())
        );
        assert_eq!(
            guard.writing(shown, Some(&tool)).ok(),
            expect.then_some(own)
        );
        assert!(guard.question(shown, None, None).is_err());
    }
    // what is not granted and what is not there are told alike
    let told = |tenant: &str, caller: Option<&Caller>| {
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", tenant.parse().unwrap());
        let shown = shown(&headers, None);
        [
            guard.question(shown, caller, None).unwrap_err(),
            guard.choices(shown, caller).unwrap_err(),
            guard.writing(shown, caller).unwrap_err(),
        ]
    };
    for caller in [None, Some(&tool)] {
        assert_eq!(told("team-3", caller), told("team-9", caller));
    }
    assert_eq!(told("team-3", None), [const { Denied::SignIn }; 3]);
}

#[test]
fn without_grants_whoever_is_known_may_read_one_namespace_and_nobody_several() {
    let headers = HeaderMap::new();
    let shown = shown(&headers, None);
    let alice = caller("alice");
    let alone = guard(Instances::one(Instance::default()), &[], true);
    assert_eq!(alone.question(shown, None, None), Err(Denied::SignIn));
    assert!(alone.question(shown, Some(&alice), None).is_ok());
    assert!(alone.writing(shown, None).is_ok());
    let several = guard(served(), &[], true);
    let own = instance("team-1/jaeger");
    let denied = several.question(shown, Some(&alice), Some(&own));
    assert!(matches!(denied, Err(Denied::Nothing { .. })), "{denied:?}");
    let open = guard(served(), &[], false);
    assert_eq!(open.question(shown, None, Some(&own)), Ok(own));
}

#[test]
fn a_listener_that_is_bound_stays_bound() {
    let mut instances = served();
    instances.listeners = HashMap::from([(LISTENER.to_owned(), instance("team-1/jaeger"))]);
    let guard = guard(instances, &["user:tool read+write team-2"], true);
    let headers = HeaderMap::new();
    let shown = shown(&headers, None);
    let tool = caller("tool");
    let other = instance("team-2/jaeger");
    assert!(guard.writing(shown, Some(&tool)).is_err());
    assert!(guard.question(shown, Some(&tool), None).is_err());
    assert!(guard.question(shown, Some(&tool), Some(&other)).is_err());
}

#[test]
fn grants_that_take_others_place_count_at_once() {
    let guard = guard(served(), &["user:tool read team-1"], true);
    let headers = HeaderMap::new();
    let shown = shown(&headers, None);
    let tool = caller("tool");
    assert!(guard.question(shown, Some(&tool), None).is_ok());
    guard.replace_grants(Grants::parse(["user:tool read team-2"]).unwrap());
    assert_eq!(
        guard.question(shown, Some(&tool), None),
        Ok(instance("team-2/jaeger"))
    );
}
