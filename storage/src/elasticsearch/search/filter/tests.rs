use super::*;

fn query() -> TraceQuery {
    TraceQuery {
        start_min_ns: 1_795_420_469_123_456_789,
        start_max_ns: 1_795_420_470_000_000_000,
        limit: 20,
        ..TraceQuery::default()
    }
}

fn tag(key: &str, value: &str) -> Filter {
    Filter::Tag {
        key: key.into(),
        value: Pattern::new(value),
    }
}

/// The clause of a filter, without the time that stands before it.
fn filtered(filter: Filter, expressions: Expressions) -> (Value, Option<Value>) {
    let query = TraceQuery { filter, ..query() };
    let condition = condition(&query, "@", expressions);
    let last = |clause: &Clause| match clause {
        Clause::Query(query) => query["bool"]["filter"][1].clone(),
        Clause::Never => json!("never"),
        Clause::Always => json!("always"),
    };
    (last(&condition.sure), condition.may.as_ref().map(last))
}

#[track_caller]
fn check(query: &TraceQuery, expect: Value) {
    let condition = condition(query, "@", Expressions::There);
    assert_eq!(condition.sure, Clause::Query(expect));
    assert_eq!(condition.may, None);
}

fn times_of_query() -> Value {
    json!({"bool": {"filter": [
        {"range": {"startTimeMillis": {"gte": 1_795_420_469_123_u64, "lte": 1_795_420_470_000_u64}}},
        {"range": {"startTime": {"gte": 1_795_420_469_123_456_u64, "lte": 1_795_420_470_000_000_u64}}},
    ]}})
}

#[test]
fn times_and_names_are_exact() {
    check(&query(), times_of_query());
    let named = TraceQuery {
        service: Some("s".into()),
        operation: Some("".into()),
        ..query()
    };
    let expect = json!({"bool": {"filter": [
        times_of_query(),
        {"term": {"process.serviceName": "s"}},
        {"term": {"operationName": ""}},
    ]}});
    check(&named, expect);
}

#[test]
fn a_duration_has_the_bounds_that_were_asked_for() {
    for (min, max, expect) in [
        (Some(1_999), None, json!({"gte": 1})),
        (None, Some(2_000), json!({"lte": 2})),
        (
            Some(0),
            Some(u64::MAX),
            json!({"gte": 0, "lte": u64::MAX / 1_000}),
        ),
    ] {
        let query = TraceQuery {
            duration_min_ns: min,
            duration_max_ns: max,
            ..query()
        };
        let expect =
            json!({"bool": {"filter": [times_of_query(), {"range": {"duration": expect}}]}});
        check(&query, expect);
    }
}

fn in_list(path: &str, key: &str, value: &Value) -> Value {
    let key = json!({"term": {format!("{path}.key"): key}});
    json!({"nested": {"path": path, "query": {"bool": {"filter": [key, value]}}}})
}

#[test]
fn a_value_is_looked_for_in_lists_and_fields() {
    let field = |name: &str| json!({"match": {name: {"query": "GET", "lenient": true}}});
    let list = |path: &str| {
        in_list(
            path,
            "a.b",
            &json!({"term": {format!("{path}.value"): "GET"}}),
        )
    };
    let expect = json!({"bool": {
        "should": [
            field("tag.a@b"),
            field("process.tag.a@b"),
            list("tags"),
            list("process.tags"),
            list("logs.fields"),
        ],
        "minimum_should_match": 1,
    }});
    assert_eq!(
        filtered(tag("a.b", "GET"), Expressions::There),
        (expect, None)
    );
}

#[test]
fn an_expression_is_sent_in_lucenes_spelling_and_long_values_are_looked_at() {
    let matching = |name: &str| json!({"regexp": {name: {"value": "a\\@.*", "flags": "NONE"}}});
    let either = |equal: Value, name: &str| json!({"bool": {"should": [equal, matching(name)], "minimum_should_match": 1}});
    let field = |name: &str| {
        either(
            json!({"match": {name: {"query": "a@.*", "lenient": true}}}),
            name,
        )
    };
    let list = |path: &str| {
        let value = format!("{path}.value");
        in_list(
            path,
            "k",
            &either(json!({"term": {&value: "a@.*"}}), &value),
        )
    };
    let sure = json!({"bool": {
        "should": [field("tag.k"), field("process.tag.k"), list("tags"), list("process.tags"), list("logs.fields")],
        "minimum_should_match": 1,
    }});
    let long = |path: &str| {
        let value = json!({"exists": {"field": format!("{path}.value")}});
        in_list(path, "k", &json!({"bool": {"must_not": [value]}}))
    };
    let may = json!({"bool": {
        "should": [
            sure,
            {"bool": {
                "should": [
                    long("tags"),
                    long("process.tags"),
                    long("logs.fields"),
                    {"term": {"_ignored": "tag.k"}},
                    {"term": {"_ignored": "process.tag.k"}},
                ],
                "minimum_should_match": 1,
            }},
        ],
        "minimum_should_match": 1,
    }});
    assert_eq!(
        filtered(tag("k", "a@.*"), Expressions::There),
        (sure, Some(may))
    );
}

#[test]
fn an_expression_that_is_not_sent_may_match_all_that_have_the_key() {
    let (sure, may) = filtered(tag("k", "a.*"), Expressions::Here);
    assert!(!sure.to_string().contains("regexp"));
    assert!(
        sure.to_string().contains("a.*"),
        "the very text is found all the same"
    );
    let may = may.unwrap()["bool"]["should"][1].clone();
    let key = |path: &str| json!({"nested": {"path": path, "query": {"term": {format!("{path}.key"): "k"}}}});
    let expect = [
        key("tags"),
        key("process.tags"),
        key("logs.fields"),
        json!({"exists": {"field": "tag.k"}}),
        json!({"exists": {"field": "process.tag.k"}}),
    ];
    assert_eq!(may["bool"]["should"], json!(expect));
    // one that the cluster would refuse for its length is not sent either
    let long = format!("{}.*", "@".repeat(600));
    let there = filtered(tag("k", &long), Expressions::There);
    assert_eq!(there, filtered(tag("k", &long), Expressions::Here));
}

#[test]
fn what_is_too_long_for_the_index_is_looked_at() {
    let long = "x".repeat(257);
    let (sure, may) = filtered(tag("k", &long), Expressions::There);
    assert_eq!(sure, json!("never"));
    assert!(may.is_some_and(|may| !may.to_string().contains(&long)));
    let (_, may) = filtered(tag("k", &"x".repeat(256)), Expressions::There);
    assert_eq!(may, None);
    // the cluster counts in UTF-16
    let (_, may) = filtered(tag("k", &"\u{1f600}".repeat(129)), Expressions::There);
    assert!(may.is_some());
    let (_, may) = filtered(tag("k", &"ä".repeat(256)), Expressions::There);
    assert_eq!(may, None);

    let (_, may) = filtered(tag(&long, "v"), Expressions::There);
    let unknown = json!({"nested": {"path": "tags", "query":
        {"bool": {"must_not": [{"exists": {"field": "tags.key"}}]}}}});
    assert!(may.is_some_and(|may| may.to_string().contains(&unknown.to_string())));

    let named = TraceQuery {
        service: Some(long.as_str().into()),
        ..query()
    };
    let condition = condition(&named, "@", Expressions::There);
    assert_eq!(condition.sure, Clause::Never);
    let expect = json!({"bool": {"filter": [
        times_of_query(),
        {"bool": {"must_not": [{"exists": {"field": "process.serviceName"}}]}},
    ]}});
    assert_eq!(condition.may, Some(Clause::Query(expect)));
}

#[test]
fn filters_are_joined_as_they_are_written() {
    let (a, b) = (tag("a", "1"), tag("b", "2"));
    let of = |filter: Filter| filtered(filter, Expressions::There).0;
    let [one, two] = [of(a.clone()), of(b.clone())];
    for (filter, expect) in [
        (
            Filter::And(vec![a.clone(), b.clone()]),
            json!({"bool": {"filter": [one, two]}}),
        ),
        (
            Filter::Or(vec![a.clone(), b]),
            json!({"bool": {"should": [one, two], "minimum_should_match": 1}}),
        ),
        (
            Filter::Not(Box::new(a)),
            json!({"bool": {"must_not": [one]}}),
        ),
        (Filter::Or(Vec::new()), json!("never")),
        (Filter::Not(Box::default()), json!("never")),
    ] {
        assert_eq!(of(filter), expect);
    }
    check(&query(), times_of_query());
    // what an expression may match, another span may lack
    let (sure, may) = filtered(Filter::Not(Box::new(tag("k", "a.*"))), Expressions::There);
    assert!(sure.to_string().contains("_ignored"));
    assert!(may.is_some_and(|may| !may.to_string().contains("_ignored")));
}

#[test]
fn a_key_without_a_name_is_no_field() {
    let (sure, _) = filtered(tag("", "v"), Expressions::There);
    assert_eq!(sure["bool"]["should"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_number_is_compared_as_text_and_those_with_an_exponent_are_looked_at() {
    let filter = |text: &str| Filter::Number {
        key: "k".into(),
        is: Comparison::AtLeast,
        than: text.parse().unwrap(),
    };
    let (sure, may) = filtered(filter("500"), Expressions::There);
    let sure = sure.to_string();
    assert!(sure.contains("[5-9]") || sure.contains("[6-9]"), "{sure}");
    assert!(!sure.contains("[eE]"));
    assert!(may.unwrap().to_string().contains("[eE]"));
    for (text, expressions) in [("500", Expressions::Here), ("1e300", Expressions::There)] {
        let (sure, may) = filtered(filter(text), expressions);
        assert_eq!(sure, json!("never"));
        let key = json!({"nested": {"path": "tags", "query": {"term": {"tags.key": "k"}}}});
        assert!(may.unwrap().to_string().contains(&key.to_string()));
    }
}

#[test]
fn a_key_alone_is_looked_for_in_lists_and_fields() {
    let (sure, may) = filtered(Filter::Has { key: "a.b".into() }, Expressions::There);
    let sure = sure.to_string();
    assert!(
        sure.contains(r#"{"term":{"logs.fields.key":"a.b"}}"#),
        "{sure}"
    );
    assert!(sure.contains(r#"{"exists":{"field":"process.tag.a@b"}}"#));
    let may = may.unwrap().to_string();
    assert!(may.contains(r#"{"term":{"_ignored":"tag.a@b"}}"#), "{may}");
}

#[test]
fn a_tag_of_the_span_is_not_looked_for_elsewhere() {
    let filter = Filter::SpanTag {
        key: "k".into(),
        value: Pattern::literal("v"),
    };
    let (sure, may) = filtered(filter, Expressions::There);
    assert_eq!(may, None);
    assert!(!sure.to_string().contains("process") && !sure.to_string().contains("logs"));
}

#[test]
fn names_and_durations_are_fields() {
    let (sure, may) = filtered(
        Filter::Service(Pattern::expression("a.*").unwrap()),
        Expressions::There,
    );
    let expect = json!({"regexp": {"process.serviceName": {"value": "a.*", "flags": "NONE"}}});
    assert_eq!(sure, expect);
    assert!(may.unwrap().to_string().contains("must_not"));
    for (is, expect) in [
        (Comparison::Less, json!({"range": {"duration": {"lt": 5}}})),
        (Comparison::Equal, json!({"term": {"duration": 5}})),
        (Comparison::More, json!({"range": {"duration": {"gt": 5}}})),
    ] {
        let filter = Filter::Duration { is, than_ns: 5_999 };
        assert_eq!(filtered(filter, Expressions::There), (expect, None));
    }
}
