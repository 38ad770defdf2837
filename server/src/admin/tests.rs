//! The admin port through its router.

use std::sync::Mutex;
use std::time::Duration;

use http_body_util::BodyExt;
use prometheus_client::metrics::counter::Counter;
use time::macros::datetime;
use tower::ServiceExt;

use super::*;

struct Port {
    health: Health,
    store: Arc<Mutex<Result<(), String>>>,
    router: Router,
}

fn port() -> Port {
    let health = Health::default();
    let store = Arc::new(Mutex::new(Ok(())));
    let mut registry = Registry::default();
    let spans = Counter::<u64>::default();
    spans.inc_by(3);
    registry.register("jaeger_collector_spans_received", "Spans received", spans);
    let asked = Arc::clone(&store);
    let admin = Admin {
        health: health.clone(),
        ready: Arc::new(move || asked.lock().unwrap().clone()),
        registry: Arc::new(OnceLock::from(registry)),
        metrics_path: Some("/metrics".to_owned()),
        version: Version {
            git_commit: "abc".to_owned(),
            git_version: "v1.2.3".to_owned(),
            build_date: "2026-01-01T00:00:00Z".to_owned(),
        },
    };
    Port {
        health,
        store,
        router: router(admin),
    }
}

impl Port {
    async fn ask(&self, request: http::Request<axum::body::Body>) -> (u16, String, String) {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let content_type = answer.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (
            status,
            content_type,
            String::from_utf8(body.to_vec()).unwrap(),
        )
    }

    async fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(
            http::Request::get(path)
                .body(axum::body::Body::empty())
                .unwrap(),
        )
        .await
    }
}

const NOT_UP: &str =
    r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;

#[tokio::test]
async fn health_is_503_before_the_first_ready_and_from_the_stop_on() {
    let port = port();
    for path in ["/", "/healthz", "/any/thing?x=1"] {
        assert_eq!(
            port.get(path).await,
            (503, "application/json".to_owned(), NOT_UP.to_owned())
        );
    }
    port.health.ready(Moment::now());
    let (status, content_type, body) = port.get("/").await;
    assert_eq!((status, content_type.as_str()), (200, "application/json"));
    assert!(
        body.starts_with(r#"{"status":"Server available","upSince":"20"#),
        "{body}"
    );
    let post = http::Request::post("/")
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(port.ask(post).await.0, 200);
    port.health.stopping();
    assert_eq!(port.get("/").await.2, NOT_UP);
    port.health.ready(Moment::now());
    assert_eq!(port.get("/").await.0, 503);
}

#[tokio::test]
async fn health_says_since_when_and_how_long_as_go_writes_it() {
    let health = Health::default();
    let since = Moment {
        wall: datetime!(2020-01-02 03:04:05.678901234 UTC),
        instant: Instant::now(),
    };
    health.ready(since);
    // Being ready again does not forget since when.
    health.ready(Moment::now());
    let answer = health
        .answer(since.instant + Duration::from_millis(62_345))
        .into_response();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let expect = r#"{"status":"Server available","upSince":"2020-01-02T03:04:05.678901234Z","uptime":"1m2.345s"}"#;
    assert_eq!(body, expect.as_bytes());
}

#[tokio::test]
async fn an_outage_of_the_store_shows_in_ready_and_not_in_health() {
    let port = port();
    let json = "application/json".to_owned();
    assert_eq!(
        port.get("/ready").await,
        (
            503,
            json.clone(),
            r#"{"status":"not ready","reason":"starting"}"#.to_owned()
        )
    );
    port.health.ready(Moment::now());
    assert_eq!(
        port.get("/ready").await,
        (200, json.clone(), r#"{"status":"ready"}"#.to_owned())
    );
    *port.store.lock().unwrap() = Err("the disk \"data\" is full".to_owned());
    let reason = r#"{"status":"not ready","reason":"the disk \"data\" is full"}"#;
    assert_eq!(
        port.get("/ready").await,
        (503, json.clone(), reason.to_owned())
    );
    assert_eq!(port.get("/").await.0, 200);
    port.health.stopping();
    assert_eq!(
        port.get("/ready").await,
        (
            503,
            json,
            r#"{"status":"not ready","reason":"stopping"}"#.to_owned()
        )
    );
}

#[tokio::test]
async fn metrics_come_in_the_format_that_is_asked_for() {
    let port = port();
    let (status, content_type, body) = port.get("/metrics").await;
    assert_eq!(
        (status, content_type.as_str()),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let expect = "# HELP jaeger_collector_spans_received_total Spans received.\n\
        # TYPE jaeger_collector_spans_received_total counter\njaeger_collector_spans_received_total 3\n";
    assert_eq!(body, expect);
    let request =
        http::Request::get("/metrics").header(ACCEPT, "application/openmetrics-text;version=1.0.0");
    let (_, content_type, body) = port
        .ask(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(
        content_type,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(
        body.contains("# TYPE jaeger_collector_spans_received counter\n")
            && body.ends_with("# EOF\n"),
        "{body}"
    );
}

#[tokio::test]
async fn version_is_one_line_of_json_as_plain_text() {
    let body = r#"{"gitCommit":"abc","gitVersion":"v1.2.3","buildDate":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(
        port().get("/version").await,
        (200, "text/plain; charset=utf-8".to_owned(), body.to_owned())
    );
}

#[test]
fn a_path_that_could_not_be_a_route_is_told_apart() {
    for (path, expect) in [
        ("/metrics", true),
        ("/a/b", true),
        ("/", false),
        ("metrics", false),
        ("/{x}", false),
        ("/ready", false),
    ] {
        assert_eq!(is_plain_path(path), expect, "{path}");
    }
}

#[tokio::test]
async fn a_process_that_is_still_opening_its_store_says_so() {
    let port = Port {
        router: router(Admin {
            health: Health::default(),
            ready: Arc::new(|| Ok(())),
            registry: Arc::default(),
            metrics_path: Some("/metrics".to_owned()),
            version: Version {
                git_commit: String::new(),
                git_version: String::new(),
                build_date: String::new(),
            },
        }),
        ..port()
    };
    assert_eq!(port.get("/").await.0, 503);
    assert_eq!(port.get("/ready").await.0, 503);
    let (status, _, text) = port.get("/metrics").await;
    assert_eq!((status, text.as_str()), (503, "starting: no metrics yet\n"));
}
