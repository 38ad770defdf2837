//! What becomes of traces, rule by rule, and what a summary says of them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use model::{
    Event, KeyValue, Link, RefType, Resource, SpanId, SpanKind, Status, StatusCode, TraceId,
};
use proptest::prelude::*;

use super::*;

const MS: u64 = 1_000_000;

fn resource(service: &str, attributes: &[(&str, Value)]) -> Arc<Resource> {
    Arc::new(Resource {
        attributes: list(attributes),
        ..Resource::of_service(service)
    })
}

fn list(attributes: &[(&str, Value)]) -> Vec<KeyValue> {
    let one = |(key, value): &(&str, Value)| KeyValue::new(*key, value.clone());
    attributes.iter().map(one).collect()
}

fn span(id: u64, parent: u64, resource: &Arc<Resource>) -> Span {
    Span {
        trace_id: TraceId::from_halves(7, 1),
        span_id: SpanId::from_u64(id),
        parent_span_id: (parent != 0).then(|| SpanId::from_u64(parent)),
        name: format!("op{id}").into(),
        resource: resource.clone(),
        ..Span::default()
    }
}

fn whole(spans: Vec<Span>) -> Assembled {
    Assembled {
        trace_id: TraceId::from_halves(7, 1),
        spans,
        short: None,
    }
}

fn adjusted(spans: Vec<Span>) -> Vec<Span> {
    let max_clock_skew = Duration::from_secs(3600);
    super::spans(whole(spans), Some(Adjuster { max_clock_skew }))
}

fn raw(spans: Vec<Span>) -> Vec<Span> {
    super::spans(whole(spans), None)
}

/// Of spans that come one by one.
fn summary(spans: &[Span], adjuster: Option<Adjuster>) -> TraceSummary {
    let mut outline = summary::Outline::of(TraceId::from_halves(7, 1));
    spans
        .iter()
        .for_each(|span| outline.add(std::slice::from_ref(span)));
    outline.summary(adjuster)
}

/// What a summary says of spans that are whole and corrected already.
fn counted(spans: &[Span]) -> TraceSummary {
    let failed = |span: &&Span| span.status.code == StatusCode::Error;
    let ids: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
    let roots = spans.iter().filter(|span| span.parent_span_id.is_none());
    let root = roots.min_by_key(|span| span.start_ns);
    let names: BTreeSet<&str> = spans.iter().map(|s| service_name(&s.resource)).collect();
    let service = |name: &&str| {
        let own = spans.iter().filter(|s| service_name(&s.resource) == *name);
        summary::ServiceSummary {
            name: (*name).into(),
            spans: own.clone().count(),
            errors: own.filter(failed).count(),
        }
    };
    let is_orphan = |span: &&Span| span.parent_span_id.is_some_and(|id| !ids.contains(&id));
    TraceSummary {
        trace_id: TraceId::from_halves(7, 1),
        root_service: root.map_or_else(Str::default, |s| service_name(&s.resource).into()),
        root_operation: root.map(|root| root.name.clone()).unwrap_or_default(),
        start_min_ns: spans.iter().map(|s| s.start_ns).min().unwrap_or_default(),
        end_max_ns: spans.iter().map(|s| s.end_ns).max().unwrap_or_default(),
        spans: spans.len(),
        errors: spans.iter().filter(failed).count(),
        orphans: spans.iter().filter(is_orphan).count(),
        services: names.iter().map(service).collect(),
    }
}

/// Spans whose ids are often shared or lost, on a few hosts whose clocks differ, no two of which start together.
fn tangle() -> impl Strategy<Value = Vec<Span>> {
    let one = (
        1..12_u64,
        0..14_u64,
        0..40_u64,
        0..40_u64,
        0..4_usize,
        0..16_u8,
    );
    proptest::collection::vec(one, 0..12).prop_map(|all| {
        let host =
            |n: usize| KeyValue::new(["host.id", "host.name"][n % 2], format!("h{n}").as_str());
        let resources: Vec<Arc<Resource>> = (0..4)
            .map(|n| resource(&format!("s{}", n / 2), &[]).as_ref().clone())
            .enumerate()
            .map(|(n, r)| {
                Arc::new(Resource {
                    attributes: vec![host(n)],
                    ..r
                })
            })
            .collect();
        let spans = all.into_iter().enumerate();
        let spans = spans.map(|(nth, (id, parent, start, took, from, bits))| {
            let mut span = span(id, parent, &resources[from]);
            span.name = format!("op{nth}").into();
            span.start_ns = (start * 100 + nth as u64) * MS;
            span.end_ns = span.start_ns + took * 100 * MS;
            let (kind, failed) = (
                [SpanKind::Client, SpanKind::Server][usize::from(bits & 1)],
                bits & 2 != 0,
            );
            if bits & 4 == 0 {
                span.kind = kind;
                span.status.code = if failed {
                    StatusCode::Error
                } else {
                    StatusCode::Unset
                };
            } else {
                span.dialect = Dialect::Jaeger;
                span.attributes = list(&[
                    ("span.kind", kind.as_str().into()),
                    ("error", failed.into()),
                    ("x", "y".into()),
                ]);
            }
            span
        });
        spans.collect()
    })
}

fn ids(spans: &[Span]) -> Vec<u64> {
    spans.iter().map(|s| s.span_id.to_u64()).collect()
}

fn warnings(span: &Span) -> Vec<&str> {
    span.warnings.iter().map(Str::as_str).collect()
}

#[test]
fn spans_of_equal_resources_and_scopes_stand_together_in_their_order() {
    let (a, also_a) = (resource("a", &[]), resource("a", &[]));
    let b = resource("b", &[]);
    let scope = Arc::new(model::Scope {
        name: "s".into(),
        ..model::Scope::default()
    });
    let mut spans = vec![
        span(1, 0, &a),
        span(2, 1, &b),
        span(3, 1, &also_a),
        span(4, 1, &a),
        span(5, 1, &b),
    ];
    spans[2].scope = scope;
    let grouped = raw(spans);
    assert_eq!(ids(&grouped), [1, 4, 3, 2, 5]);
    assert!(Arc::ptr_eq(&grouped[0].resource, &grouped[2].resource));
}

#[test]
fn jaegers_form_becomes_opentelemetrys() {
    let mut spans = vec![span(1, 0, &resource("a", &[("hostname", "h".into())]))];
    spans[0].dialect = Dialect::Jaeger;
    spans[0].attributes = list(&[("span.kind", "server".into()), ("k", 1_i64.into())]);
    let spans = raw(spans);
    assert_eq!(spans[0].dialect, Dialect::Otlp);
    assert_eq!(spans[0].kind, SpanKind::Server);
    assert_eq!(spans[0].attributes, list(&[("k", 1_i64.into())]));
    assert_eq!(
        spans[0].resource.attributes,
        list(&[("host.name", "h".into())])
    );
}

#[test]
fn attributes_are_sorted_and_of_equal_keys_the_last_stays() {
    let mut spans = vec![span(1, 0, &resource("a", &[("z", 1_i64.into())]))];
    spans[0].attributes = list(&[
        ("k", "1".into()),
        ("a", true.into()),
        ("k", "2".into()),
        ("k", "1".into()),
    ]);
    let event = |name: &str, time_ns| Event {
        name: name.into(),
        time_ns,
        ..Event::default()
    };
    spans[0].events = vec![event("b", 1), event("a", 3), event("b", 0)];
    let before = spans.clone();
    assert_eq!(raw(spans.clone()), before);
    let spans = adjusted(spans);
    assert_eq!(
        spans[0].attributes,
        list(&[("a", true.into()), ("k", "1".into())])
    );
    let times: Vec<_> = spans[0].events.iter().map(|e| e.time_ns).collect();
    assert_eq!(times, [3, 1, 0]);
    assert_eq!(
        spans[0].resource.attributes,
        list(&[("service.name", "a".into()), ("z", 1_i64.into())])
    );
    assert_eq!(spans[0].resource.service_name, None);
}

#[test]
fn a_server_that_shares_its_clients_id_gets_one_of_its_own() {
    let a = resource("a", &[]);
    let mut spans = vec![span(5, 0, &a), span(5, 0, &a), span(6, 5, &a)];
    spans[0].kind = SpanKind::Client;
    spans[1].kind = SpanKind::Server;
    let spans = adjusted(spans);
    assert_eq!(ids(&spans), [5, 1, 6]);
    let parents: Vec<_> = spans.iter().map(|s| s.parent_span_id).collect();
    let id = |n| Some(SpanId::from_u64(n));
    assert_eq!(parents, [None, id(5), id(1)]);
}

#[test]
fn of_equal_spans_one_stays() {
    let a = resource("a", &[]);
    let mut other = span(1, 0, &a);
    other.attributes = list(&[("n", f64::NAN.into())]);
    let spans = vec![span(1, 0, &a), other.clone(), span(1, 0, &a), other];
    assert_eq!(raw(spans.clone()).len(), 4);
    let spans = adjusted(spans);
    assert_eq!(ids(&spans), [1, 1]);
    assert_eq!(
        warnings(&spans[1]),
        ["duplicate span IDs; skipping clock skew adjustment"]
    );
}

#[test]
fn a_span_is_moved_whole_by_api_v3s_own_keys_of_hosts() {
    let check = |parent: (&str, Value), child: (&str, Value), moved: bool| {
        let mut spans = vec![
            span(1, 0, &resource("p", &[parent])),
            span(2, 1, &resource("c", &[child])),
        ];
        (spans[0].start_ns, spans[0].end_ns) = (100 * MS, 200 * MS);
        (spans[1].start_ns, spans[1].end_ns) = (50 * MS, 100 * MS);
        spans[1].events = vec![Event {
            time_ns: 60 * MS,
            ..Event::default()
        }];
        let spans = adjusted(spans);
        let times = [
            spans[1].start_ns,
            spans[1].events[0].time_ns,
            spans[1].end_ns,
        ];
        let expect = if moved {
            [125, 135, 175]
        } else {
            [50, 60, 100]
        };
        assert_eq!(times, expect.map(|ms| ms * MS));
        assert_eq!(spans[1].warnings.len(), usize::from(moved));
    };
    check(("host.id", "a".into()), ("host.id", "b".into()), true);
    check(("host.id", "a".into()), ("host.id", "a".into()), false);
    check(("host.name", "a".into()), ("host.name", "a".into()), false);
    check(("host.name", "a".into()), ("host.name", "b".into()), true);
    let ips = |ip: &str| Value::Array([Value::from(ip)].into());
    check(
        ("host.ip", ips("1.1.1.1")),
        ("host.ip", "1.1.1.1".into()),
        false,
    );
    // Jaeger's own key is not asked, and an unknown host is every host
    check(("ip", "a".into()), ("ip", "a".into()), true);
}

#[test]
fn a_lost_parent_is_told_of_in_api_v3s_words() {
    let spans = adjusted(vec![span(2, 9, &resource("a", &[]))]);
    assert_eq!(
        warnings(&spans[0]),
        ["parent span ID=0000000000000009 is not in the trace; skipping clock skew adjustment"]
    );
}

#[test]
fn numbers_become_addresses_and_links_to_nothing_go() {
    let ip: Value = 0x0a00_0001_i64.into();
    let mut spans = vec![span(1, 0, &resource("a", &[("ip", ip.clone())]))];
    spans[0].attributes = list(&[("peer.ipv4", ip), ("port", 80_i64.into())]);
    spans[0].links = vec![Link {
        ref_type: RefType::FollowsFrom,
        ..Link::default()
    }];
    let spans = adjusted(spans);
    assert_eq!(
        spans[0].attributes,
        list(&[("peer.ipv4", "10.0.0.1".into()), ("port", 80_i64.into())])
    );
    assert_eq!(spans[0].resource.attributes[0].value, "10.0.0.1".into());
    assert!(spans[0].links.is_empty());
    assert_eq!(warnings(&spans[0]), ["Invalid span link removed"]);
}

#[test]
fn library_attributes_move_to_the_shared_resource_unless_they_contradict_it() {
    let a = resource("a", &[]);
    let mut spans = vec![span(1, 0, &a), span(2, 1, &a), span(3, 1, &a)];
    let name = "telemetry.sdk.name";
    spans[1].attributes = list(&[(name, "otel".into()), ("k", "v".into())]);
    spans[2].attributes = list(&[(name, "other".into())]);
    let spans = adjusted(spans);
    for span in &spans {
        assert_eq!(
            span.resource.attributes,
            list(&[("service.name", "a".into()), (name, "otel".into())])
        );
    }
    assert_eq!(spans[1].attributes, list(&[("k", "v".into())]));
    assert_eq!(spans[2].attributes, list(&[(name, "other".into())]));
    assert_eq!(
        warnings(&spans[2]),
        ["conflicting values between Span and Resource for attribute telemetry.sdk.name"]
    );
}

#[test]
fn a_short_trace_says_so_in_its_first_span() {
    let trace = Assembled {
        short: Some("query.max-spans=2".to_owned()),
        ..whole(vec![span(1, 0, &resource("a", &[]))])
    };
    let spans = super::spans(trace, None);
    assert_eq!(
        warnings(&spans[0]),
        ["spans may be missing: query.max-spans=2"]
    );
}

#[test]
fn a_summary_counts_spans_errors_and_orphans_by_service() {
    let (a, b) = (resource("a", &[]), resource("b", &[]));
    let mut spans = vec![
        span(3, 9, &b),
        span(2, 1, &b),
        span(4, 0, &b),
        span(1, 0, &a),
    ];
    for (at, start) in [(0, 40), (1, 20), (2, 30), (3, 10)] {
        (spans[at].start_ns, spans[at].end_ns) = (start, start + 5);
    }
    spans[1].status = Status {
        code: StatusCode::Error,
        ..Status::default()
    };
    for adjuster in [None, Some(Adjuster::default())] {
        let summary = summary(&spans, adjuster);
        assert_eq!(summary.trace_id, TraceId::from_halves(7, 1));
        assert_eq!(
            (
                summary.root_service.as_str(),
                summary.root_operation.as_str()
            ),
            ("a", "op1")
        );
        assert_eq!((summary.start_min_ns, summary.end_max_ns), (10, 45));
        assert_eq!((summary.spans, summary.errors, summary.orphans), (4, 1, 1));
        let services: Vec<_> = summary
            .services
            .iter()
            .map(|s| (s.name.as_str(), s.spans, s.errors))
            .collect();
        assert_eq!(services, [("a", 1, 0), ("b", 3, 1)]);
    }
    let orphans = summary(&[span(3, 9, &b)], None);
    assert_eq!(orphans.root_service, "");
    assert_eq!(summary(&[], None).services, []);
}

proptest! {
    #[test]
    fn a_summary_is_that_of_the_corrected_spans(spans in tangle()) {
        prop_assert_eq!(summary(&spans, None), counted(&raw(spans.clone())));
        let max_clock_skew = Duration::from_secs(3600);
        let folded = summary(&spans, Some(Adjuster { max_clock_skew }));
        let whole = counted(&adjusted(spans));
        // which of several spans of one id is moved depends on their order
        prop_assert_eq!((&folded.root_service, &folded.root_operation), (&whole.root_service, &whole.root_operation));
        prop_assert_eq!((folded.spans, folded.errors, folded.orphans), (whole.spans, whole.errors, whole.orphans));
        prop_assert_eq!(folded.services, whole.services);
    }

    #[test]
    fn a_summary_has_the_times_of_the_corrected_spans(spans in tangle()) {
        let mut seen = HashSet::new();
        let spans: Vec<Span> = spans.into_iter().filter(|s| seen.insert(s.span_id)).collect();
        let max_clock_skew = Duration::from_secs(3600);
        let folded = summary(&spans, Some(Adjuster { max_clock_skew }));
        prop_assert_eq!(folded, counted(&adjusted(spans)));
    }

    #[test]
    fn any_trace_keeps_its_spans_and_is_the_same_each_time(spans in proptest::collection::vec(wire::arbitrary::span(), 0..12)) {
        let count = spans.len();
        let one = |adjuster| super::spans(whole(spans.clone()), adjuster);
        prop_assert_eq!(one(None).len(), count);
        let (first, second) = (one(Some(Adjuster::default())), one(Some(Adjuster::default())));
        prop_assert!(first.len() <= count);
        prop_assert_eq!(first.is_empty(), count == 0);
        prop_assert_eq!(wire::otlp::encode(&first), wire::otlp::encode(&second));
    }
}
