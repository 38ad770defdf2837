//! A mesh as Istio makes it: what its proxies and its applications send, and which of it answers a question.
//!
//! In: how many requests. Out: every span that was sent, with the workload that sent it and the service that was called, by which the pages are counted.
//! Two clusters have the same namespaces, and two namespaces the same applications. Proxies report over Zipkin, a call's two sides with one span id, and in
//! the shop over OTLP; applications over Jaeger's gRPC, with a `hostname` in their process and without a `node_id`.
//!
//! Source: the spans of Envoy's tracers with the tags that Istio adds to them, as the golden corpus has one of them.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{SpanKind, TraceId};

/// What is reported to: Envoy's Zipkin tracer, its OpenTelemetry tracer, or a Jaeger client in the application.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum By {
    Zipkin,
    Otlp,
    Jaeger,
}

/// Pods that are alike, and what in them reports.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) namespace: &'static str,
    /// The name of the service of its spans.
    pub(super) service: &'static str,
    /// What its `node_id` begins with; empty: no proxy reports.
    proxy: &'static str,
    pub(super) by: By,
}

/// A span, as it was sent.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) from: &'static Workload,
    /// The service that was called and its namespace; empty: none was.
    pub(super) to: [&'static str; 2],
    pub(super) operation: String,
    pub(super) trace: TraceId,
    pub(super) id: u64,
    pub(super) parent: Option<u64>,
    pub(super) kind: SpanKind,
    /// It has the id of the other side of the call.
    pub(super) is_shared: bool,
    pub(super) start_us: u64,
    pub(super) duration_us: u64,
    pub(super) is_error: bool,
    pub(super) tags: Vec<(&'static str, String)>,
}

/// A search, as Kiali makes it.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) service: &'static str,
    pub(super) tags: &'static [(&'static str, &'static str)],
    pub(super) start_s: u64,
    pub(super) end_s: u64,
    pub(super) min_us: u64,
    /// 0: not said.
    pub(super) limit: usize,
}

/// All that was sent, trace by trace, and the window that pages look at.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(super) traces: Vec<Vec<Sent>>,
    pub(super) start_s: u64,
    pub(super) end_s: u64,
}

const fn workload(
    name: &'static str,
    namespace: &'static str,
    service: &'static str,
    proxy: &'static str,
    by: By,
) -> Workload {
    Workload {
        name,
        namespace,
        service,
        proxy,
        by,
    }
}

const fn sidecar(name: &'static str, namespace: &'static str, service: &'static str) -> Workload {
    workload(name, namespace, service, "sidecar", By::Zipkin)
}

static GATEWAY: Workload = workload(
    "istio-ingressgateway",
    "istio-system",
    "istio-ingressgateway.istio-system",
    "router",
    By::Zipkin,
);
/// As releases before 1.7 named it.
static OLD_GATEWAY: Workload = workload(
    "istio-ingressgateway-old",
    "istio-system",
    "istio-ingressgateway",
    "router",
    By::Zipkin,
);
static PRODUCTPAGE: Workload = sidecar("productpage-v1", "bookinfo", "productpage.bookinfo");
static DETAILS: Workload = sidecar("details-v1", "bookinfo", "details.bookinfo");
static REVIEWS: [Workload; 3] = [
    sidecar("reviews-v1", "bookinfo", "reviews.bookinfo"),
    sidecar("reviews-v2", "bookinfo", "reviews.bookinfo"),
    sidecar("reviews-v3", "bookinfo", "reviews.bookinfo"),
];
static RATINGS: Workload = sidecar("ratings-v1", "bookinfo", "ratings.bookinfo");
/// The application beside the proxy.
static RATINGS_OWN: Workload =
    workload("ratings-v1", "bookinfo", "ratings.bookinfo", "", By::Jaeger);
static CANARY_REVIEWS: Workload = sidecar("reviews-v2", "canary", "reviews.canary");
static CANARY_RATINGS: Workload = sidecar("ratings-v1", "canary", "ratings.canary");
static CART: Workload = workload("cart-v1", "shop", "cart.shop", "sidecar", By::Otlp);
static PAYMENT: Workload = workload("payment-v1", "shop", "payment.shop", "sidecar", By::Otlp);
static WAYPOINT: Workload = workload(
    "waypoint",
    "ambient",
    "waypoint.ambient",
    "waypoint",
    By::Zipkin,
);
static TRAVELS: Workload = workload("travels-v1", "travel", "travels.travel", "", By::Jaeger);
static TRACING: Workload = workload("jaeger", "istio-system", "jaeger-query", "", By::Otlp);

// === impl Workload ===

impl Workload {
    pub(super) fn pod(&self) -> String {
        format!("{}-6c5bf657cf-abcde", self.name)
    }

    fn tags(&self, to: [&str; 2], is_error: bool, trace: &Making) -> Vec<(&'static str, String)> {
        let [service, namespace] = to;
        let status = if is_error { "503" } else { "200" };
        if self.proxy.is_empty() {
            return vec![
                ("component", "net/http".to_owned()),
                ("http.method", "GET".to_owned()),
                ("http.status_code", status.to_owned()),
            ];
        }
        let pod = self.pod();
        let own = self.namespace;
        let node = |proxy: &str| format!("{proxy}~10.128.2.14~{pod}.{own}~{own}.svc.cluster.local");
        let app = self.service.split('.').next().unwrap_or_default();
        vec![
            ("component", "proxy".to_owned()),
            ("node_id", node(self.proxy)),
            (
                "http.url",
                format!("http://{service}.{namespace}:9080/{}?n=1&m=<2>", trace.n),
            ),
            ("http.method", "GET".to_owned()),
            ("http.status_code", status.to_owned()),
            (
                "response_flags",
                if is_error { "UF" } else { "-" }.to_owned(),
            ),
            (
                "upstream_cluster",
                format!("outbound|9080||{service}.{namespace}.svc.cluster.local"),
            ),
            ("peer.address", "10.128.2.15".to_owned()),
            (
                "guid:x-request-id",
                format!("5b3f7a4e-0d3c-9b5e-8d1a-{:012x}", trace.n),
            ),
            ("istio.canonical_service", app.to_owned()),
            ("istio.namespace", own.to_owned()),
            ("istio.mesh_id", "cluster.local".to_owned()),
            ("istio.cluster_id", trace.cluster.to_owned()),
        ]
    }
}

// === impl Sent ===

impl Sent {
    /// What stands in its process.
    pub(super) fn hostname(&self) -> Option<String> {
        (self.from.by == By::Jaeger).then(|| self.from.pod())
    }

    fn answers(&self, ask: &Ask) -> bool {
        let has = |(key, value): &(&str, &str)| match *key {
            "error" => self.is_error && *value == "true",
            _ => self.tags.iter().any(|(k, v)| k == key && v == value),
        };
        self.from.service == ask.service
            && (ask.start_s * 1_000_000..=ask.end_s * 1_000_000).contains(&self.start_us)
            && self.duration_us >= ask.min_us
            && ask.tags.iter().all(has)
    }
}

/// A trace that grows.
struct Making {
    n: u64,
    trace: TraceId,
    cluster: &'static str,
    spans: Vec<Sent>,
}

// === impl Making ===

impl Making {
    fn span(
        &mut self,
        from: &'static Workload,
        to: [&'static str; 2],
        kind: SpanKind,
        parent: Option<u64>,
        [start_us, duration_us]: [u64; 2],
    ) -> &mut Sent {
        let [service, namespace] = to;
        let id = (self.n << 8) + self.spans.len() as u64 + 1;
        self.spans.push(Sent {
            from,
            to,
            operation: format!("{service}.{namespace}.svc.cluster.local:9080/*"),
            trace: self.trace,
            id,
            parent,
            kind,
            is_shared: false,
            start_us,
            duration_us,
            is_error: false,
            tags: from.tags(to, false, self),
        });
        self.spans.last_mut().unwrap()
    }

    /// Both sides of a call; the id that what is called has for its parent.
    fn call(
        &mut self,
        from: &'static Workload,
        to: &'static Workload,
        service: &'static str,
        parent: Option<u64>,
        [start_us, duration_us]: [u64; 2],
    ) -> u64 {
        let to_service = [service, to.namespace];
        let client = self.span(
            from,
            to_service,
            SpanKind::Client,
            parent,
            [start_us, duration_us],
        );
        let id = client.id;
        let within = [start_us + 200, duration_us - 400];
        let server = self.span(to, to_service, SpanKind::Server, Some(id), within);
        if (from.by, to.by) == (By::Zipkin, By::Zipkin) {
            (server.id, server.parent, server.is_shared) = (id, parent, true);
        }
        server.id
    }

    /// Both sides of the last call failed.
    fn fail_last(&mut self) {
        let len = self.spans.len();
        for at in len - 2..len {
            let Sent { from, to, .. } = self.spans[at];
            self.spans[at].tags = from.tags(to, true, self);
            self.spans[at].is_error = true;
        }
    }

    fn bookinfo(&mut self, at: u64, takes: u64) {
        let to = |after: u64, share: u64| [at + after, takes * share / 100];
        let page = self.call(&GATEWAY, &PRODUCTPAGE, "productpage", None, to(0, 100));
        let own = Some(page);
        self.call(&PRODUCTPAGE, &DETAILS, "details", own, to(1_000, 10));
        let reviews = &REVIEWS[self.n as usize % 3];
        let review = self.call(&PRODUCTPAGE, reviews, "reviews", own, to(4_000, 60));
        if reviews.name == "reviews-v1" {
            return;
        }
        let rating = self.call(reviews, &RATINGS, "ratings", Some(review), to(5_000, 30));
        if self.n.is_multiple_of(4) {
            self.fail_last();
        }
        let span = self.span(
            &RATINGS_OWN,
            [""; 2],
            SpanKind::Internal,
            Some(rating),
            to(5_500, 10),
        );
        span.operation = "getRatings".to_owned();
    }

    fn canary(&mut self, at: u64, takes: u64) {
        let whole = [at, takes];
        let review = self.call(&GATEWAY, &CANARY_REVIEWS, "reviews", None, whole);
        let part = [at + 1_000, takes / 2];
        self.call(
            &CANARY_REVIEWS,
            &CANARY_RATINGS,
            "ratings",
            Some(review),
            part,
        );
    }

    fn shop(&mut self, at: u64, takes: u64) {
        let services = ["cart", "cart-admin"];
        let service = services[self.n as usize / 10 % 2];
        let cart = self.call(&GATEWAY, &CART, service, None, [at, takes]);
        let part = [at + 1_000, takes / 2];
        self.call(&CART, &PAYMENT, "payment", Some(cart), part);
        if self.n.is_multiple_of(3) {
            self.fail_last();
        }
    }

    fn ambient(&mut self, at: u64, takes: u64) {
        for (nth, service) in ["stock", "orders"].into_iter().enumerate() {
            if nth == 1 && (self.n / 10).is_multiple_of(2) {
                continue;
            }
            let start_us = at + nth as u64 * 1_000;
            let root = self.call(&GATEWAY, &WAYPOINT, service, None, [start_us, takes]);
            let within = [start_us + 500, takes / 2];
            let to = [service, "ambient"];
            self.span(&WAYPOINT, to, SpanKind::Client, Some(root), within);
        }
    }

    fn others(&mut self, at: u64, takes: u64) {
        if (self.n / 10).is_multiple_of(2) {
            self.call(&OLD_GATEWAY, &TRAVELS, "travels", None, [at, takes]);
        } else {
            let span = self.span(&TRACING, [""; 2], SpanKind::Server, None, [at, takes]);
            span.operation = "/api/traces".to_owned();
        }
    }
}

// === impl Mesh ===

impl Mesh {
    /// So many requests in the ten minutes before now, and some before these.
    pub(super) fn new(requests: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end_s = now.as_secs() - 5;
        let start_s = end_s - 600;
        let gap_us = 599_000_000 / requests;
        let traces = (0..requests).map(|n| {
            let mut making = Making {
                n,
                // proxies make ids of 64 bits unless they are told otherwise
                trace: TraceId::from_halves((n % 4) * 0xa1, 0x00b1_0000_0000_0000 + n),
                cluster: if n % 4 == 3 { "west" } else { "east" },
                spans: Vec::new(),
            };
            let mut at = start_s * 1_000_000 + n * gap_us;
            if n % 7 == 6 {
                at -= 7_200_000_000;
            }
            if n == requests - 10 {
                // it begins before the window's end, and is called behind it
                at = end_s * 1_000_000 - 4_500;
            }
            let takes = 30_000 + n * 7_919 % 40 * 1_000;
            match n % 10 {
                0..=4 => making.bookinfo(at, takes),
                5 => making.canary(at, takes),
                6 | 7 => making.shop(at, takes),
                8 => making.ambient(at, takes),
                _ => making.others(at, takes),
            }
            making.spans
        });
        Self {
            traces: traces.collect(),
            start_s,
            end_s,
        }
    }

    /// Every span.
    pub(super) fn spans(&self) -> impl Iterator<Item = &Sent> {
        self.traces.iter().flatten()
    }

    /// The traces that are to be found, newest first: each with all of its spans.
    pub(super) fn found(&self, ask: &Ask) -> Vec<&[Sent]> {
        let newest = |trace: &[Sent]| {
            let answering = trace.iter().filter(|span| span.answers(ask));
            answering.map(|span| span.start_us).max()
        };
        let of = |trace| Some((newest(trace)?, trace));
        let mut found: Vec<(u64, &[Sent])> =
            self.traces.iter().filter_map(|trace| of(trace)).collect();
        found.sort_by_key(|(start, _)| std::cmp::Reverse(*start));
        found.truncate(if ask.limit == 0 { 100 } else { ask.limit });
        found.into_iter().map(|(_, trace)| trace).collect()
    }
}
