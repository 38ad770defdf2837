use super::*;

fn span(dialect: Dialect, service_name: Option<&str>, attributes: Vec<KeyValue>) -> Span {
    let resource = Resource {
        service_name: service_name.map(Str::from),
        attributes,
        ..Resource::default()
    };
    Span {
        dialect,
        resource: Arc::new(resource),
        start_ns: 10,
        end_ns: 20,
        ..Span::default()
    }
}

#[track_caller]
fn check(input: Span, service: &str) {
    let mut list = [input];
    spans(&mut list);
    assert_eq!(list[0].resource.service_name(), service);
    assert!(
        !list[0]
            .resource
            .attributes
            .iter()
            .any(|a| a.key == SERVICE_NAME)
    );
}

#[test]
fn every_span_gets_a_service_name() {
    check(span(Dialect::Otlp, Some("a"), vec![]), "a");
    check(span(Dialect::Otlp, Some(""), vec![]), "empty-service-name");
    check(span(Dialect::Otlp, None, vec![]), "missing-service-name");
    check(
        span(
            Dialect::Otlp,
            None,
            vec![KeyValue::new(SERVICE_NAME, 7_i64)],
        ),
        "service-name-wrong-type",
    );
    check(
        span(Dialect::Jaeger, None, vec![]),
        "null-process-and-service-name",
    );
    check(
        span(Dialect::Jaeger, Some(""), vec![]),
        "empty-service-name",
    );
}

#[test]
fn neighbours_go_on_sharing_their_resource() {
    let one = span(Dialect::Otlp, None, vec![]);
    let mut list = [one.clone(), one];
    spans(&mut list);
    assert!(Arc::ptr_eq(&list[0].resource, &list[1].resource));
}

#[test]
fn a_negative_duration_becomes_a_nanosecond_and_a_zero_one_stays() {
    let mut list = [
        span(Dialect::Jaeger, Some("a"), vec![]),
        span(Dialect::Otlp, Some("a"), vec![]),
        span(Dialect::Jaeger, Some("a"), vec![]),
    ];
    list[0].end_ns = 9;
    list[1].end_ns = 9;
    list[2].end_ns = 10;
    spans(&mut list);
    assert_eq!(list[0].duration_ns(), 1);
    assert_eq!(list[0].attributes[0].key, NEGATIVE_DURATION_TAG);
    assert_eq!(list[1].duration_ns(), 1);
    assert_eq!(list[1].warnings.len(), 1);
    assert!(list[1].attributes.is_empty());
    assert_eq!(list[2].duration_ns(), 0);
    assert!(list[2].attributes.is_empty());
}
