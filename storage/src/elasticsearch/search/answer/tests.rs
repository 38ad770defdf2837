use super::*;

fn buffer(json: &str) -> Buffer {
    Buffer::new(Bytes::copy_from_slice(json.as_bytes())).unwrap()
}

const HITS: &str = r#""hits":{"hits":[{"_index":"i","_id":"1","_source":{"a":[1]},"sort":[5,7],"fields":{"traceID":["1a"]}}]}"#;

fn with_shards(shards: &str) -> String {
    format!(r#"{{"timed_out":false,"_shards":{shards},{HITS}}}"#)
}

#[track_caller]
fn check(json: &str, expect: Option<&str>) {
    let buffer = buffer(json);
    let answer = one(&buffer, "es").unwrap();
    assert_eq!(answer.trouble.reason().as_deref(), expect);
    assert_eq!(answer.hits.len(), 1);
}

#[track_caller]
fn check_error(json: &str, expect: &str) {
    let buffer = buffer(json);
    let said = one(&buffer, "es").unwrap_err().to_string();
    assert!(said.starts_with(expect), "{said}");
}

#[test]
fn hits_are_what_they_are() {
    let json = with_shards(r#"{"total":3,"successful":3,"skipped":1,"failed":0}"#);
    check(&json, None);
    let buffer = buffer(&json);
    let answer = one(&buffer, "es").unwrap();
    let hit = &answer.hits[0];
    assert_eq!((&*hit.index, &*hit.id), ("i", "1"));
    assert_eq!(hit.source.map(RawValue::get), Some(r#"{"a":[1]}"#));
    assert_eq!(hit.sort, [Value::from(5), Value::from(7)]);
    assert_eq!(hit.fields["traceID"], ["1a"]);
}

#[test]
fn what_failed_is_told_with_index_and_reason() {
    let failure = |reason: &str| {
        let failures =
            format!(r#"[{{"shard":2,"index":"i-1","reason":{{"type":"t","reason":"{reason}"}}}}]"#);
        with_shards(&format!(
            r#"{{"total":5,"failed":1,"failures":{failures}}}"#
        ))
    };
    check(&failure("why"), Some("shard 2 of i-1 failed: t: why"));
    check(
        &failure("no mapping found for `traceID` in order to collapse on"),
        None,
    );
    check(
        &with_shards(r#"{"total":5,"failed":2}"#),
        Some("2 of 5 shards did not answer"),
    );
    check(
        &with_shards(r#"{"total":5,"failed":0}"#).replace("false", "true"),
        Some("the cluster did not finish the search in time (es.timeout)"),
    );
    let clusters = r#"{"_clusters":{"total":3,"successful":2,"skipped":1},"#;
    check(
        &with_shards(r#"{"total":5,"failed":0}"#).replacen('{', clusters, 1),
        Some("1 of the clusters that are read too did not answer (es.remote-read-clusters)"),
    );
}

#[test]
fn silence_is_no_answer() {
    let odd = "es answered a search with something else";
    for json in [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"hits":{"hits":[]}}"#,
        r#"{"_shards":{"total":1,"failed":0}}"#,
        &with_shards(r#"{"total":5}"#),
    ] {
        check_error(json, odd);
    }
    check_error(
        &with_shards(
            r#"{"total":2,"failed":2,"failures":[{"shard":0,"index":"i","reason":{"reason":"why"}}]}"#,
        ),
        "es: shard 0 of i failed: why",
    );
}

#[test]
fn several_are_answered_each_for_itself() {
    let whole = with_shards(r#"{"total":5,"failed":0}"#);
    let none = r#"{"error":{"type":"search_phase_execution_exception","failed_shards":
        [{"reason":{"reason":"no mapping found for `traceID` in order to collapse on"}}]},"status":400}"#;
    let json = buffer(&format!(r#"{{"responses":[{whole},{none}]}}"#));
    let answers = several(&json, 2, "es").unwrap();
    assert_eq!(
        answers.iter().map(|a| a.hits.len()).collect::<Vec<_>>(),
        [1, 0]
    );
    let said = several(&json, 3, "es").unwrap_err().to_string();
    assert!(said.ends_with("2 answers to 3 searches"), "{said}");

    let error = r#"{"error":{"type":"t","reason":"why"},"status":400}"#;
    let json = buffer(&format!(r#"{{"responses":[{whole},{error}]}}"#));
    let error = several(&json, 2, "es").unwrap_err();
    assert_eq!(error, Error::Invalid("es answered 400: t: why".to_owned()));
}

#[test]
fn a_search_of_indices_without_spans_is_empty() {
    let response = |status, body: &'static str| Response {
        status,
        body: Bytes::from_static(body.as_bytes()),
        product: None,
    };
    let unknown = r#"{"error":{"failed_shards":[{"reason":{"reason":"no mapping found for `traceID` in order to collapse on"}}]}}"#;
    assert!(is_of_no_span(&response(400, unknown)));
    assert!(is_of_no_span(&response(500, unknown)));
    assert!(!is_of_no_span(&response(200, unknown)));
    let mixed = r#"{"error":{"failed_shards":[{"reason":{"reason":"no mapping found for `traceID`"}},{"reason":{"reason":"other"}}]}}"#;
    assert!(!is_of_no_span(&response(400, mixed)));
    assert!(!is_of_no_span(&response(
        400,
        r#"{"error":{"failed_shards":[]}}"#
    )));
    let empty = Buffer::new(Bytes::from_static(EMPTY)).unwrap();
    assert_eq!(one(&empty, "es").unwrap().hits.len(), 0);
}
