//! Promises of service and operation names.

use model::{Span, SpanKind};

use super::Subject;
use super::data::{child, full_jaeger, full_otlp};
use crate::port::{OperationQuery, ReadContext};

/// The names of all services, sorted, each once, whatever the order of writing.
pub async fn services_are_sorted_and_come_once(s: Subject) {
    let names = ["zebra", "Ärger", "a", "zebra", "B", "a-b", "a"];
    for (id, name) in (1..).zip(names) {
        s.store(vec![child(id, 1, 0, name)]).await;
    }
    s.store(vec![full_otlp(50, 1), full_jaeger(51, 1)]).await;
    let services = s.reader().get_services(&ReadContext::default()).await;
    let expect = ["B", "a", "a-b", "full", "full-jaeger", "zebra", "Ärger"];
    assert_eq!(services.unwrap(), expect);
}

/// The operations of one service, sorted by name, then kind, no pair twice; of one kind when asked for. A store that does not know kinds
/// says `Unspecified`.
pub async fn operations_come_with_their_kinds(s: Subject) {
    use SpanKind::{Client, Server, Unspecified};
    let operations = [
        ("put", Server),
        ("get", Server),
        ("get", Client),
        ("get", Server),
        ("", Unspecified),
        ("get", Unspecified),
    ];
    let of = |service, (id, (name, kind)): (u64, (&str, SpanKind))| Span {
        name: name.into(),
        kind,
        ..child(id, 1, 0, service)
    };
    s.store((1..).zip(operations).map(|o| of("svc", o)).collect())
        .await;
    s.store(vec![of("other", (50, ("else", Server)))]).await;
    let kinds_are_known = s.backend.capabilities().operation_kinds;

    let list = async |service: &str, kind| -> Vec<(String, SpanKind)> {
        let query = OperationQuery {
            service: service.into(),
            kind,
        };
        let reader = s.reader();
        let operations = reader.get_operations(&ReadContext::default(), &query).await;
        let pairs = operations.unwrap().into_iter();
        pairs.map(|o| (o.name.to_string(), o.kind)).collect()
    };
    let pairs = |pairs: &[(&str, SpanKind)]| -> Vec<(String, SpanKind)> {
        pairs
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect()
    };
    assert!(list("nobody", None).await.is_empty());
    if !kinds_are_known {
        let expect = ["", "get", "put"].map(|name| (name, Unspecified));
        assert_eq!(list("svc", None).await, pairs(&expect));
        return;
    }
    let expect = [
        ("", Unspecified),
        ("get", Unspecified),
        ("get", Server),
        ("get", Client),
        ("put", Server),
    ];
    assert_eq!(list("svc", None).await, pairs(&expect));
    assert_eq!(list("other", None).await, pairs(&[("else", Server)]));
    let expect = [("get", Server), ("put", Server)];
    assert_eq!(list("svc", Some(Server)).await, pairs(&expect));
    assert!(list("svc", Some(SpanKind::Producer)).await.is_empty());
}
