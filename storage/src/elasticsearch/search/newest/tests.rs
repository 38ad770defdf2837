use super::*;

#[test]
fn traces_are_collapsed_newest_first_without_what_is_known() {
    let query = json!({"match_all": {}});
    let expect = json!({
        "query": query,
        "size": 20,
        "stored_fields": "_none_",
        "track_total_hits": false,
        "collapse": {"field": "traceID"},
        "sort": [
            {"startTime": {"order": "desc", "unmapped_type": "long"}},
            {"traceID": {"order": "asc", "unmapped_type": "keyword"}},
        ],
    });
    let newest = Order::NewestFirst;
    assert_eq!(body(&query, newest, &[], 20), expect);
    let known = ["1a".to_owned()];
    assert_eq!(
        body(&query, newest, &known, 20)["query"],
        json!({"bool": {"filter": [query], "must_not": [{"terms": {"traceID": ["1a"]}}]}})
    );
}

#[test]
fn other_orders_are_sorted_by_what_they_compare() {
    let sort = |order| body(&json!({}), order, &[], 1)["sort"].clone();
    assert_eq!(sort(Order::OldestFirst)[0]["startTime"]["order"], "asc");
    let by_duration = sort(Order::LongestFirst);
    assert_eq!(by_duration[0]["duration"]["order"], "desc");
    assert_eq!(by_duration[2]["startTime"]["order"], "desc");
    assert_eq!(sort(Order::ShortestFirst)[0]["duration"]["order"], "asc");
}

fn at(key_us: u64) -> First {
    First {
        key_us,
        start_us: key_us,
    }
}

#[test]
fn spellings_of_one_id_are_one_trace() {
    let hit = |id: &str, start: Value| Hit {
        index: "i".into(),
        id: "".into(),
        source: None,
        sort: vec![start, json!(id)],
        fields: [("traceID".to_owned(), vec![json!(id)])].into(),
    };
    let mut page = Page::default();
    for (id, start) in [
        ("000000000000001a", json!(5)),
        ("1a", json!(9)),
        ("0000000000000000000000000000001a", json!(7)),
        ("2b", json!(9)),
        ("none", json!(8)),
        ("3c", Value::Null),
    ] {
        page.add(Order::NewestFirst, &hit(id, start));
    }
    assert_eq!(
        (page.hits, page.spelled.len(), page.traces.len()),
        (6, 6, 4)
    );
    let said = page.trouble.reason().unwrap();
    assert!(
        said.starts_with("a span of index \"i\" was passed over: its trace id is \"none\""),
        "{said}"
    );
    let mut traces = Traces::default();
    for (id, first) in page.traces {
        traces.add(id, first);
    }
    let found = traces.first(10);
    let found: Vec<_> = found
        .iter()
        .map(|f| (f.trace_id.low(), f.start_ns))
        .collect();
    assert_eq!(found, [(0x1a, 9_000), (0x2b, 9_000)]);
    assert_eq!(traces.first(1).len(), 1);
}

#[test]
fn only_what_stands_before_the_last_wanted_one_is_compared() {
    let mut traces = Traces::default();
    for (id, start) in [(1, 5), (2, 9), (3, 7)] {
        traces.add(TraceId::from_halves(0, id), at(start));
    }
    for (wanted, since) in [
        (1, Some(9)),
        (2, Some(7)),
        (3, Some(5)),
        (4, None),
        (0, None),
    ] {
        assert_eq!(traces.until_us(wanted), since, "{wanted}");
    }
    traces.order = Order::OldestFirst;
    assert_eq!(traces.until_us(1), Some(5));
}

#[test]
fn a_refusal_is_known_from_other_failures() {
    let with = |what: &str| {
        let mut traces = Traces::default();
        traces.trouble.note(what.to_owned());
        Ok(traces)
    };
    assert!(is_refused(&with(
        "shard 0 of i failed: query_shard_exception: no"
    )));
    assert!(!is_refused(&with("shard 0 of i failed: node_disconnected")));
    assert!(is_refused(&Err(Error::Invalid("no".to_owned()))));
    assert!(!is_refused(&Err(Error::Busy("later".to_owned()))));
}
