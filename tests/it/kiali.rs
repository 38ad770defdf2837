//! Kiali, page by page, over HTTP and over gRPC: what it asks, its filters behind that, and the spans that it shows beside those that were sent.
//!
//! What a page has to show is counted from what was sent, by the workload that sent it and the service that it called; Kiali's own filters, on names and
//! tags of what comes back, have to arrive at the same spans. On the embedded store here, on Elasticsearch in `elasticsearch/kiali.rs`.
//!
//! Source: `kiali/kiali: business/tracing.go`, `tracing/client.go`, as the contract's list of clients has them.

mod asking;
mod mesh;
mod pages;
mod sending;

use std::collections::BTreeSet;

use model::TraceId;
use serde_json::Value;
use tests::spoor::Spoor;

use self::asking::Kiali;
use self::mesh::{Ask, Mesh, Sent};
use self::pages::{Filter, Shown, Shows, show};
pub(crate) use self::sending::send;
use crate::golden::AT_ITS_TIME;
use crate::support::{get, setup, soak};

/// What `internal_url` ends in.
pub(crate) const BASE_PATH: &str = "/jaeger";

/// The home cluster, and a scope that an operator has put on all queries.
const EAST: &[(&str, &str)] = &[
    ("istio.cluster_id", "east"),
    ("istio.mesh_id", "cluster.local"),
];
const WEST: &[(&str, &str)] = &[("istio.cluster_id", "west")];
/// Kiali leaves the cluster away where nothing has such a tag.
const NO_CLUSTER: &[(&str, &str)] = &[];

/// A page of Kiali's.
struct Page {
    title: &'static str,
    service: &'static str,
    tags: &'static [(&'static str, &'static str)],
    min_us: u64,
    limit: usize,
    shows: Shows,
    filter: Filter,
    /// Which of the sent spans it is of.
    is_of: fn(&Sent) -> bool,
}

/// The requests of a mesh: some, or so many that limits are reached.
pub(crate) fn mesh() -> Mesh {
    Mesh::new(if soak() { 1_000 } else { 120 })
}

fn page(
    title: &'static str,
    service: &'static str,
    shows: Shows,
    filter: Filter,
    is_of: fn(&Sent) -> bool,
) -> Page {
    Page {
        title,
        service,
        tags: EAST,
        min_us: 0,
        limit: 100,
        shows,
        filter,
        is_of,
    }
}

/// Every page that the list of clients has, of a gateway, plain applications, several workloads and services of one application, and waypoints.
fn pages() -> Vec<Page> {
    use Filter::{None, Service, Workload};
    use Shows::{Spans, SpansOfWaypoint, Traces};
    const GATEWAY: &str = "istio-ingressgateway.istio-system";
    const AT_GATEWAY: Filter = Workload(["istio-ingressgateway", "istio-system"]);
    let is_gateway = |span: &Sent| span.from.service == GATEWAY;
    let is_second =
        |span: &Sent| (span.from.name, span.from.namespace) == ("reviews-v2", "bookinfo");
    let is_canary = |span: &Sent| (span.from.name, span.from.namespace) == ("reviews-v2", "canary");
    let is_ratings =
        |span: &Sent| (span.from.name, span.from.namespace) == ("ratings-v1", "bookinfo");
    let is_admin =
        |span: &Sent| span.from.service == "cart.shop" && span.to == ["cart-admin", "shop"];
    let to_stock = |span: &Sent| span.to == ["stock", "ambient"];
    let second = Workload(["reviews-v2", "bookinfo"]);
    let ratings = Workload(["ratings-v1", "bookinfo"]);
    let (admin, stock) = (Service("cart-admin.shop"), Service("stock.ambient"));
    let mut pages = vec![
        page("app traces of a gateway", GATEWAY, Traces, None, |_| true),
        page("app spans of a gateway", GATEWAY, Spans, None, is_gateway),
        page(
            "workload traces of a gateway",
            GATEWAY,
            Traces,
            AT_GATEWAY,
            is_gateway,
        ),
        page(
            "workload spans of a gateway",
            GATEWAY,
            Spans,
            AT_GATEWAY,
            is_gateway,
        ),
        page("app traces", "productpage.bookinfo", Traces, None, |_| true),
        page("app spans", "reviews.bookinfo", Spans, None, |span| {
            span.from.service == "reviews.bookinfo"
        }),
        page(
            "app spans of a namesake",
            "reviews.canary",
            Spans,
            None,
            |span| span.from.service == "reviews.canary",
        ),
        page(
            "workload traces",
            "reviews.bookinfo",
            Traces,
            second,
            is_second,
        ),
        page(
            "workload spans",
            "reviews.bookinfo",
            Spans,
            second,
            is_second,
        ),
        page(
            "workload spans of a namesake",
            "reviews.canary",
            Spans,
            Workload(["reviews-v2", "canary"]),
            is_canary,
        ),
        page(
            "workload spans, its own too",
            "ratings.bookinfo",
            Spans,
            ratings,
            is_ratings,
        ),
        page(
            "service spans of its app",
            "cart.shop",
            Spans,
            None,
            |span| span.from.service == "cart.shop",
        ),
        // a span of it is one of the gateway or of the cart
        page("service traces", "cart.shop", Traces, admin, is_admin),
        page("service spans", "cart.shop", Spans, admin, is_admin),
        page(
            "app traces by a waypoint",
            "waypoint.ambient",
            Traces,
            stock,
            to_stock,
        ),
        page(
            "app spans by a waypoint",
            "waypoint.ambient",
            SpansOfWaypoint,
            stock,
            to_stock,
        ),
        page(
            "app traces of nobody",
            "nobody.bookinfo",
            Traces,
            None,
            |_| true,
        ),
    ];
    let first = |title, like: &str| {
        let found = pages.iter().find(|page| page.title == like).unwrap();
        Page { title, ..*found }
    };
    let more = [
        Page {
            tags: WEST,
            ..first("app spans in another cluster", "app spans")
        },
        Page {
            limit: 10_000,
            ..first("all traces of a gateway", "app traces of a gateway")
        },
        Page {
            limit: 5,
            ..first("the newest of a gateway", "app traces of a gateway")
        },
        Page {
            min_us: 45_000,
            ..first("slow app traces", "app traces")
        },
        // the gateway of an older release, whose service has no namespace behind it
        Page {
            tags: NO_CLUSTER,
            service: "istio-ingressgateway",
            is_of: |span| span.from.service == "istio-ingressgateway",
            ..first("app spans of an older gateway", "app spans of a gateway")
        },
        Page {
            tags: NO_CLUSTER,
            service: "jaeger-query",
            is_of: |span| span.from.service == "jaeger-query",
            ..first("app spans of the tracing itself", "app spans")
        },
        Page {
            tags: NO_CLUSTER,
            service: "travels.travel",
            filter: Workload(["travels-v1", "travel"]),
            is_of: |span| span.from.name == "travels-v1",
            ..first("workload spans without a proxy", "workload spans")
        },
    ];
    pages.extend(more);
    pages
}

/// What a page shows of what was sent.
fn expected(mesh: &Mesh, ask: &Ask, page: &Page) -> Vec<Shown> {
    let mut shown = Vec::new();
    for trace in mesh.found(ask) {
        let is_whole = page.shows == Shows::Traces && trace.iter().any(page.is_of);
        let chosen = trace.iter().filter(|span| match page.shows {
            Shows::Traces => is_whole,
            _ => (page.is_of)(span),
        });
        shown.extend(chosen.map(|span| Shown::of_sent(span, trace.len())));
    }
    shown.sort();
    shown
}

/// Every page over one of Kiali's clients.
async fn every_page(what: &str, kiali: &mut Kiali, mesh: &Mesh) {
    let (mut shown, mut of_pages) = (0, 0);
    for page in pages() {
        let ask = Ask {
            service: page.service,
            tags: page.tags,
            start_s: mesh.start_s,
            end_s: mesh.end_s,
            min_us: page.min_us,
            limit: page.limit,
        };
        let found = kiali.find(&ask).await;
        let ours = show(&found, page.service, page.shows, page.filter);
        let sent = expected(mesh, &ask, &page);
        println!(
            "{what}, {}: {} traces found, {} spans shown, {} counted",
            page.title,
            found.len(),
            ours.len(),
            sent.len()
        );
        assert_eq!(
            found.len(),
            mesh.found(&ask).len(),
            "{what}, {}",
            page.title
        );
        assert_eq!(ours, sent, "{what}, {}", page.title);
        assert_eq!(sent.is_empty(), page.service.starts_with("nobody"));
        shown += ours.len();
        of_pages += 1;
    }
    println!("{what}: {of_pages} pages, {shown} spans, each as it was sent");
}

/// Traces with errors of an application: as many as there are, and no limit of its own.
async fn errors(kiali: &mut Kiali, mesh: &Mesh) {
    const TAGS: &[(&str, &str)] = &[("error", "true"), ("istio.mesh_id", "cluster.local")];
    for (service, has_errors) in [
        ("ratings.bookinfo", true),
        ("payment.shop", true),
        ("details.bookinfo", false),
    ] {
        let ask = Ask {
            service,
            tags: TAGS,
            start_s: mesh.start_s,
            end_s: mesh.end_s,
            min_us: 0,
            limit: 0,
        };
        let count = kiali.find(&ask).await.len();
        assert_eq!(count, mesh.found(&ask).len(), "{service}");
        assert_eq!(count > 0, has_errors, "{service}");
    }
}

/// Details of a trace of each shape, and of one that is not there.
async fn details(kiali: &mut Kiali, mesh: &Mesh) {
    for trace in mesh.traces.iter().take(20) {
        let id = trace[0].trace;
        let found = kiali.trace(id.0, &id.to_string()).await;
        let found = found.unwrap_or_else(|| panic!("{id} is not found"));
        let mut sent: Vec<_> = (trace.iter())
            .map(|span| Shown::of_sent(span, trace.len()))
            .collect();
        sent.sort();
        let found = [found];
        assert_eq!(show(&found, "", Shows::Traces, Filter::None), sent, "{id}");
        // one tree: ids are there once, the side that is called behind the one that calls
        let spans = found[0]["spans"].as_array().unwrap();
        let ids: BTreeSet<&str> = spans
            .iter()
            .map(|s| s["spanID"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), spans.len(), "{id}");
        let parent = |span: &Value| span["references"][0]["spanID"].as_str().map(str::to_owned);
        let roots = spans.iter().filter(|span| parent(span).is_none()).count();
        assert_eq!(
            roots,
            trace
                .iter()
                .filter(|s| s.parent.is_none() && !s.is_shared)
                .count()
        );
        let known = |span: &Value| parent(span).is_none_or(|id| ids.contains(id.as_str()));
        assert!(spans.iter().all(known), "{id}");
    }
    let missing = TraceId([7; 16]);
    assert_eq!(kiali.trace(missing.0, &missing.to_string()).await, None);
}

/// Its start: is it there, which services has it, and does the cluster's tag tell anything of the first of them.
async fn status(kiali: &mut Kiali, mesh: &Mesh) {
    let services = kiali.services().await;
    let names: BTreeSet<&str> = services.iter().map(String::as_str).collect();
    let sent: BTreeSet<&str> = mesh.spans().map(|span| span.from.service).collect();
    assert_eq!((names, services.len()), (sent.clone(), sent.len()));
    for service in sent
        .iter()
        .filter(|s| !s.contains("istio") && !s.contains("jaeger"))
    {
        let ask = Ask {
            service,
            tags: &EAST[..1],
            start_s: mesh.start_s,
            end_s: mesh.end_s,
            min_us: 0,
            limit: 10,
        };
        assert_eq!(
            kiali.find(&ask).await.len(),
            mesh.found(&ask).len(),
            "{service}"
        );
    }
    // values with an operator are expressions, as on Elasticsearch
    let exact = Ask {
        service: "reviews.bookinfo",
        tags: EAST,
        start_s: mesh.start_s,
        end_s: mesh.end_s,
        min_us: 0,
        limit: 10_000,
    };
    let expression = Ask {
        tags: &[
            ("istio.cluster_id", "ea.t|north"),
            ("istio.mesh_id", "cluster.*"),
        ],
        ..exact.clone()
    };
    let found = kiali.find(&expression).await.len();
    assert_eq!(found, mesh.found(&exact).len());
}

/// What only HTTP has: where the API is, the page with the version, and older spellings of a duration.
async fn over_http(spoor: &Spoor, mesh: &Mesh) {
    let query = spoor.url("query-http");
    assert_eq!(
        get(&format!("{query}{BASE_PATH}/api/services")).await.0,
        200
    );
    assert_eq!(get(&format!("{query}/api/services")).await.0, 404);
    let (_, _, page) = get(&format!("{query}{BASE_PATH}")).await;
    let (_, version) = page.split_once("const JAEGER_VERSION = ").unwrap();
    let (version, _) = version.split_once(';').unwrap();
    let version: Value = serde_json::from_str(version).unwrap();
    assert!(version["gitVersion"].is_string(), "{version}");
    let (start, end) = (mesh.start_s * 1_000_000, mesh.end_s * 1_000_000);
    let ask = Ask {
        service: "productpage.bookinfo",
        tags: NO_CLUSTER,
        start_s: mesh.start_s,
        end_s: mesh.end_s,
        min_us: 45_000,
        limit: 100,
    };
    for spelling in ["45ms", "45000us", "45000µs", "0.045s"] {
        let url = format!(
            "{query}{BASE_PATH}/api/traces?end={end}&limit=100&minDuration={spelling}&service={}&start={start}",
            ask.service
        );
        let (status, _, text) = get(&url).await;
        assert_eq!(status, 200, "{spelling}: {text}");
        let found: Value = serde_json::from_str(&text).unwrap();
        let found = found["data"].as_array().unwrap().len();
        assert_eq!(found, mesh.found(&ask).len(), "{spelling}");
    }
}

/// All that Kiali asks, both ways, of a Spoor that holds `mesh` and nothing else.
pub(crate) async fn check(spoor: &Spoor, mesh: &Mesh) {
    let spans = mesh.spans().count();
    println!("{} traces, {spans} spans sent", mesh.traces.len());
    let clients = [
        ("HTTP", Kiali::http(spoor, BASE_PATH)),
        ("gRPC", Kiali::grpc(spoor).await),
    ];
    for (what, mut kiali) in clients {
        status(&mut kiali, mesh).await;
        every_page(what, &mut kiali, mesh).await;
        errors(&mut kiali, mesh).await;
        details(&mut kiali, mesh).await;
    }
    over_http(spoor, mesh).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_shows_the_spans_that_were_sent() {
    let (_folder, setup) = setup();
    let mut setup = setup.arg(format!("--query.base-path={BASE_PATH}"));
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    let mesh = mesh();
    send(&spoor, &mesh).await;
    check(&spoor, &mesh).await;
}
