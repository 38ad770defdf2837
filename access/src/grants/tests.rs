use super::*;
use crate::caller::Way;

fn caller(name: &str, groups: &[&str]) -> Caller {
    Caller {
        name: name.to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        way: Way::Bearer,
    }
}

fn grants(lines: &[&str]) -> Grants {
    Grants::parse(lines.iter().copied()).unwrap()
}

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

#[track_caller]
fn check(lines: &[&str], whom: Whom<'_>, verb: Verb, place: &str, expect: bool) {
    let allowed = grants(lines).allow(whom, verb, &instance(place));
    assert_eq!(allowed, expect, "{lines:?} {whom:?} {verb:?} {place}");
}

#[test]
fn nothing_is_granted_but_what_a_line_says() {
    let alice = caller("alice", &["shop devs", "all"]);
    let alice = Whom {
        caller: Some(&alice),
        names: None,
    };
    let nobody = Whom::default();
    let lines = &[
        "group:shop devs read shop",
        "user:alice read+write lab/jaeger",
        "signed-in read open",
        "anyone write inbox",
    ];
    for (whom, verb, place, expect) in [
        (alice, Verb::Read, "shop/jaeger", true),
        (alice, Verb::Read, "shop/other", true),
        (alice, Verb::Write, "shop/jaeger", false),
        (alice, Verb::Read, "shop-2/jaeger", false),
        (alice, Verb::Read, "lab/jaeger", true),
        (alice, Verb::Write, "lab/jaeger", true),
        (alice, Verb::Write, "lab/other", false),
        (alice, Verb::Read, "open/jaeger", true),
        (nobody, Verb::Read, "open/jaeger", false),
        (nobody, Verb::Write, "inbox/jaeger", true),
        (nobody, Verb::Read, "inbox/jaeger", false),
        (alice, Verb::Write, "inbox/jaeger", true),
        (nobody, Verb::Read, "shop/jaeger", false),
    ] {
        check(lines, whom, verb, place, expect);
    }
    check(&[], alice, Verb::Read, "shop/jaeger", false);
}

#[test]
fn a_name_is_compared_whole_and_of_its_own_kind() {
    let bob = caller("shop-devs", &["alice"]);
    let whom = Whom {
        caller: Some(&bob),
        names: None,
    };
    check(&["group:shop-devs read *"], whom, Verb::Read, "a/b", false);
    check(&["user:alice read *"], whom, Verb::Read, "a/b", false);
    check(&["user:shop-dev read *"], whom, Verb::Read, "a/b", false);
    check(&["user:Shop-Devs read *"], whom, Verb::Read, "a/b", false);
    check(&["user:shop-devs read *"], whom, Verb::Read, "a/b", true);
}

#[test]
fn a_certificate_is_known_by_its_names() {
    let uris = ["spiffe://mesh/ns/shop/sa/a".to_owned()];
    let whom = Whom {
        caller: None,
        names: Some(Names {
            dns: &[],
            uris: &uris,
        }),
    };
    let lines = &["certificate:spiffe://mesh/ns/shop/* write shop"];
    check(lines, whom, Verb::Write, "shop/jaeger", true);
    check(lines, whom, Verb::Write, "bank/jaeger", false);
    check(lines, Whom::default(), Verb::Write, "shop/jaeger", false);
    let lines = &["signed-in write shop"];
    check(lines, whom, Verb::Write, "shop/jaeger", false);
}

#[test]
fn a_line_that_says_nothing_is_refused_with_what_it_lacks() {
    for (line, problem) in [
        ("", "it says neither read nor write"),
        ("group:a", "it says neither read nor write"),
        ("group:a reads shop", "it says neither read nor write"),
        ("group:a read", "it does not say where"),
        ("group: read shop", "group: is followed by no name"),
        ("read shop", "nobody is \"\""),
        ("everyone read shop", "nobody is \"everyone\""),
        ("anyone:x read shop", "nobody is \"anyone:x\""),
        ("certificate:*a* write shop", "is no name in a certificate"),
        ("anyone read Shop", "\"Shop\" is no namespace"),
        ("anyone read shop/", "is not namespace/name"),
        ("anyone read shop/*", "is not namespace/name"),
    ] {
        let error = Grants::parse([line]).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("\"{line}\" is no grant: ")),
            "{error}"
        );
        assert!(error.contains(problem), "{line}: {error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_it(line in ".{0,80}") {
        drop(Grants::parse([line.as_str()]));
    }
}
