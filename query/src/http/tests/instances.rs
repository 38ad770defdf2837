//! Several instances behind one port: which of them a path asks, and that nobody is shown what is another's.

use std::collections::{BTreeSet, HashMap};

use model::Instance;
use trust::{Instances, Rules, Tenants};

use super::openapi::REQUESTS;
use super::*;
use crate::{Readers, Stores, Ui};

/// What only the traces of `acme` hold.
const CANARY: &str = "canary";
const INSTANCES: &str = "/api/spoor/instances";

fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

/// A store whose every answer holds `word`.
fn holding(word: &str) -> Arc<Script> {
    let mut told = span(1, 1);
    told.name = word.into();
    Arc::new(Script {
        services: vec![word.into()],
        operations: vec![operation(word, SpanKind::Server)],
        links: vec![DependencyLink::calls(word.into(), "a".into(), 1)],
        ..Script::of(vec![spans(vec![told]), complete()])
    })
}

/// Of `acme` with the canary, and of all others.
fn stores() -> Stores {
    let (acme, others) = (holding(CANARY).stores(), holding("theirs").stores());
    Arc::new(move |instance: &Instance| -> Readers {
        match instance.namespace() {
            "acme" => acme(instance),
            _ => others(instance),
        }
    })
}

fn open() -> Instances {
    Instances {
        with_store: ["acme/jaeger", "umbrella/jaeger"].map(instance).into(),
        ..Instances::one(Instance::default())
    }
}

fn by_header() -> Instances {
    Instances {
        tenants: Some(Tenants {
            header: "x-tenant".to_owned(),
            known: ["acme", "umbrella"].map(str::to_owned).into(),
            listeners: BTreeSet::new(),
        }),
        ..open()
    }
}

fn by_listener(text: &str) -> Instances {
    Instances {
        listeners: HashMap::from([("query-http".to_owned(), instance(text))]),
        ..open()
    }
}

fn config(rules: Instances) -> Config {
    Config {
        guard: Rules::new(rules).into(),
        ..Config::default()
    }
}

async fn ask(config: &Config, tenant: Option<&str>, method: &str, uri: &str) -> Answer {
    let metrics = Metrics::register(&mut Registry::default());
    let service = Service::new(stores(), config, metrics);
    let app = router(service, config, Site::open(config).unwrap());
    let mut request = request(method, uri);
    if let Some(tenant) = tenant {
        request
            .headers_mut()
            .insert("x-tenant", tenant.parse().unwrap());
    }
    send(app, request).await
}

#[tokio::test]
async fn each_instance_has_the_whole_api_below_its_name() {
    let base = BasePath::parse("/jaeger").unwrap();
    let plain = Config {
        base_path: base.clone(),
        ..config(by_listener("acme/jaeger"))
    };
    let several = Config {
        base_path: base,
        ..config(open())
    };
    for (method, uri) in REQUESTS {
        let expect = ask(&plain, None, method, &format!("/jaeger{uri}")).await;
        if uri == INSTANCES {
            // there are more of them
            continue;
        }
        let named = format!("/jaeger/ns/acme/jaeger{uri}");
        let answer = ask(&several, None, method, &named).await;
        let (got, wanted) = (
            (answer.status, answer.shown()),
            (expect.status, expect.shown()),
        );
        assert_eq!(got, wanted, "{method} {uri}");
        let escaped = format!("/jaeger/ns/%61cme/j%61eger{uri}");
        let answer = ask(&several, None, method, &escaped).await;
        let got = (answer.status, answer.shown());
        assert_eq!(got, wanted, "{method} {escaped}");
        let other = format!("/jaeger/ns/umbrella/jaeger{uri}");
        let answer = ask(&several, None, method, &other).await;
        assert_eq!(answer.status, expect.status, "{method} {other}");
        assert!(!answer.shown().contains(CANARY), "{}", answer.shown());
    }
}

#[tokio::test]
async fn of_several_one_has_to_be_named() {
    let config = config(open());
    let why = "several instances are served here: put /ns/{namespace}/{name} of one before the path, or bind this listener to one with instance.by-listener. There are default/jaeger, acme/jaeger, umbrella/jaeger";
    for (method, uri) in REQUESTS {
        let answer = ask(&config, None, method, uri).await;
        match uri {
            "/api/openapi.json" => assert_eq!(answer.status, 200),
            INSTANCES => {
                let instance = |namespace| json!({"namespace": namespace, "name": "jaeger"});
                let all = ["default", "acme", "umbrella"].map(instance);
                let expect = json!({"instances": all, "current": null});
                assert_eq!(answer.json(), expect);
            }
            v3 if v3.starts_with("/api/v3/") || v3.starts_with("/api/spoor/") => {
                let error = json!({"error": {"httpCode": 400, "message": why}});
                assert_eq!((answer.status, answer.json()), (400, error), "{uri}");
            }
            _ => is_error(&answer, 400, why),
        }
    }
    for uri in ["/", "/search"] {
        let page = ask(&config, None, "GET", uri).await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-security-policy").contains("'none'"));
        // Kiali reads the version of whatever page there is
        for expect in [
            "const JAEGER_VERSION = {",
            "<a href=\"ns/acme/jaeger/\">acme/jaeger</a>",
            "<a href=\"ns/umbrella/jaeger/\">",
            "<base href=\"/\">",
        ] {
            assert!(
                page.text().contains(expect),
                "no {expect} in {}",
                page.text()
            );
        }
    }
    assert_eq!(
        ask(&config, None, "GET", "/static/spoor.css").await.status,
        200
    );
}

#[tokio::test]
async fn pages_know_below_which_name_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("static")).unwrap();
    let index = "<head><base href=\"/\" data-inject-target=\"BASE_URL\" /></head>";
    std::fs::write(folder.path().join("index.html"), index).unwrap();
    std::fs::write(folder.path().join("static/a.js"), "1").unwrap();
    let bundle = Config {
        ui: Ui {
            static_files: Some(folder.path().to_owned()),
            ..Ui::default()
        },
        ..config(open())
    };
    for config in [&bundle, &config(open())] {
        for path in ["", "/", "/search?service=a", "/trace/1"] {
            let uri = format!("/ns/acme/jaeger{path}");
            let page = ask(config, None, "GET", &uri).await;
            assert_eq!(page.status, 200, "{uri}");
            let base = "<base href=\"/ns/acme/jaeger/\"";
            assert!(page.text().contains(base), "{}", page.text());
        }
    }
    let list = ask(&bundle, None, "GET", "/").await;
    assert!(list.text().contains("ns/acme/jaeger/"), "{}", list.text());
    for (uri, status) in [
        ("/ns/acme/jaeger/static/a.js", 200),
        ("/static/a.js", 200),
        ("/static/spoor.css", 200),
        ("/ns/nothing/jaeger/static/a.js", 404),
        ("/ns/nothing/jaeger/", 404),
        ("/ns/acme", 404),
        ("/ns", 404),
    ] {
        let answer = ask(&bundle, None, "GET", uri).await;
        assert_eq!(answer.status, status, "{uri}");
    }
}

#[tokio::test]
async fn an_instance_of_somebody_else_is_not_found_in_the_form_of_the_api() {
    let config = config(by_listener("umbrella/jaeger"));
    let why = "no such instance";
    for name in ["acme/jaeger", "no/such", "ACME/jaeger"] {
        let ask = async |path: &str| ask(&config, None, "GET", &format!("/ns/{name}{path}")).await;
        is_error(&ask("/api/services").await, 404, why);
        let answer = ask("/api/v3/services").await;
        let error = json!({"error": {"httpCode": 404, "message": why}});
        assert_eq!((answer.status, answer.json()), (404, error), "{name}");
        assert_eq!(ask("/search").await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn a_header_that_contradicts_the_path_is_refused() {
    let config = config(by_header());
    for uri in ["/api/services", "/api/v3/services", "/", "/static/spoor.js"] {
        for there in ["acme", "nothing"] {
            let uri = format!("/ns/{there}/jaeger{uri}");
            let answer = ask(&config, Some("umbrella"), "GET", &uri).await;
            let why = "the tenant header names another namespace than the path";
            assert_eq!((answer.status, answer.text()), (403, why), "{uri}");
        }
    }
    // what shows no traces is open to all, and tells nothing by that
    for (uri, status) in [
        ("/ns/acme/jaeger/", 200),
        ("/ns/nothing/jaeger/", 200),
        ("/ns/acme/jaeger/api/services", 401),
        ("/ns/nothing/jaeger/api/services", 401),
    ] {
        assert_eq!(ask(&config, None, "GET", uri).await.status, status, "{uri}");
    }
}

/// Every question of the API, asked by somebody else in every way that a path can be written: nothing of what `acme` has, and no word that tells whether it is there.
#[tokio::test]
async fn no_path_of_another_shows_the_canary() {
    let ways = [
        "",
        "/ns/umbrella/jaeger",
        "/ns/acme/jaeger",
        "/ns/%61cme/jaeger",
        "/ns/acme%2Fjaeger/jaeger",
        "/ns/ACME/jaeger",
        "/ns/acme/jaeger/",
        "/ns//acme/jaeger",
        "//ns/acme/jaeger",
        "/ns/umbrella/jaeger/ns/acme/jaeger",
        "/ns/umbrella/../acme/jaeger",
        "/ns/umbrella/jaeger/../../acme/jaeger",
        "/ns/umbrella/%2e%2e/acme/jaeger",
        "/acme/jaeger",
    ];
    let mut seen = 0;
    for (rules, tenant, mine) in [
        (by_header(), Some("umbrella"), Some("acme")),
        (by_listener("umbrella/jaeger"), None, None),
    ] {
        let config = config(rules);
        for (method, uri) in REQUESTS {
            for way in ways {
                let path = format!("{way}{uri}");
                let answer = ask(&config, tenant, method, &path).await;
                assert!(!answer.shown().contains(CANARY), "{method} {path}");
            }
            let there = ask(&config, tenant, method, &format!("/ns/acme/jaeger{uri}")).await;
            let absent = ask(&config, tenant, method, &format!("/ns/no/such{uri}")).await;
            let (there, absent) = (
                (there.status, there.shown(), &there.headers),
                (absent.status, absent.shown(), &absent.headers),
            );
            assert_eq!(there, absent, "{method} {uri}");
            if let Some(mine) = mine {
                let answer = ask(&config, Some(mine), method, uri).await;
                seen += usize::from(answer.shown().contains(CANARY));
            }
        }
    }
    // the one whose it is sees it, in most answers
    assert!(seen >= 12, "{seen}");
}

#[tokio::test]
async fn only_those_are_told_of_that_the_caller_may_see() {
    let told = async |rules: Instances, tenant: Option<&str>, way: &str| {
        let answer = ask(&config(rules), tenant, "GET", &format!("{way}{INSTANCES}")).await;
        (answer.status, answer.shown())
    };
    let acme = r#"{"namespace":"acme","name":"jaeger"}"#;
    let only = |current: &str| format!(r#"{{"instances":[{acme}],"current":{current}}}"#);
    let by_header = by_header();
    assert_eq!(
        told(by_header.clone(), Some("acme"), "").await,
        (200, only(acme))
    );
    let stranger = told(by_header.clone(), None, "").await;
    assert_eq!(stranger.0, 401);
    let other = told(by_header, Some("umbrella"), "/ns/acme/jaeger").await;
    assert_eq!(other.0, 403);
    let bound = by_listener("acme/jaeger");
    assert_eq!(told(bound.clone(), None, "").await, (200, only(acme)));
    assert_eq!(told(bound, None, "/ns/umbrella/jaeger").await.0, 404);
    let named = told(open(), None, "/ns/acme/jaeger").await;
    assert!(
        named.1.ends_with(&format!("\"current\":{acme}}}")),
        "{named:?}"
    );
}
