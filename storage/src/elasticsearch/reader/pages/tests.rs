use serde_json::value::RawValue;

use super::*;

#[track_caller]
fn check(id: &str, expect: &[&str]) {
    assert_eq!(spellings(TraceId::parse(id).unwrap()), expect);
}

#[test]
fn an_id_is_spelled_as_every_version_did() {
    check(
        "1a",
        &["0000000000000000000000000000001a", "000000000000001a", "1a"],
    );
    check(
        "fa00000000000000",
        &["0000000000000000fa00000000000000", "fa00000000000000"],
    );
    check(
        "1b00000000000000fa",
        &["000000000000001b00000000000000fa", "1b00000000000000fa"],
    );
    let full = "fb0000000000000000000000000000fa";
    check(full, &[full]);
}

#[test]
fn a_page_is_asked_for_by_id_and_place() {
    let id = TraceId::from_halves(u64::MAX, 5);
    let terms = json!({"terms": {"traceID": ["ffffffffffffffff0000000000000005"]}});
    let sort = json!([
        {"startTime": {"order": "asc", "unmapped_type": "long"}},
        {"_seq_no": {"order": "asc", "unmapped_type": "long"}},
    ]);
    let expect = json!({
        "query": {"bool": {"filter": [&terms]}},
        "size": 7,
        "track_total_hits": false,
        "sort": sort,
    });
    assert_eq!(body(id, None, None, 7), expect);
    let hit = hit("", "{}", vec![json!(11), json!(4)]);
    let within = json!({"range": {}});
    let next = body(id, Some(within.clone()), Position::of(&hit).as_ref(), 7);
    assert_eq!(next["query"], json!({"bool": {"filter": [terms, within]}}));
    assert_eq!(next["search_after"], json!([11, 3]));
}

fn hit<'a>(id: &'a str, source: &'a str, sort: Vec<Value>) -> Hit<'a> {
    let raw: &RawValue = serde_json::from_str(source).unwrap();
    Hit {
        index: "i".into(),
        id: id.into(),
        source: Some(raw),
        sort,
        fields: Default::default(),
    }
}

#[test]
fn equal_documents_come_once_and_so_do_those_of_one_id_of_ours() {
    let kept = |id, source| Kept::new(Span::default(), &hit(id, source, Vec::new()), Detail::Whole);
    let mut seen = Seen::default();
    let (ours, other) = ("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB");
    let spans = [
        (ours, "[1]"),
        // as fields of another index have it
        (ours, "[2]"),
        (other, "[1]"),
        // the cluster made these up
        ("aaaaaaaaaaaaaaaaaaaa", "[1]"),
        ("aaaaaaaaaaaaaaaaaaaa", "[3]"),
    ];
    let new = seen.new_of(spans.map(|(id, source)| kept(id, source)).into());
    assert_eq!(new.len(), 2);
    let again = seen.new_of(vec![kept("x", "[3]"), kept("x", "[4]")]);
    assert_eq!(again.len(), 1);
}

#[test]
fn outlines_of_ours_are_told_apart_by_their_ids_and_others_by_what_is_read() {
    let kept = |(id, source)| {
        let hit = hit(id, source, Vec::new());
        Kept::new(Span::default(), &hit, Detail::Outline)
    };
    let (ours, other) = ("AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB");
    let spans = [
        (ours, "[1]"),
        // it may differ in what was not read
        (other, "[1]"),
        (ours, "[1]"),
        ("aaaaaaaaaaaaaaaaaaaa", "[2]"),
        ("bbbbbbbbbbbbbbbbbbbb", "[2]"),
    ];
    let new = Seen::default().new_of(spans.map(kept).into());
    assert_eq!(new.len(), 3);
    assert!(new.iter().all(|kept| kept.bytes == 0));
}

#[test]
fn an_outline_is_asked_for_by_the_names_of_its_fields() {
    let mut documents = Documents::default();
    assert_eq!(Detail::Whole.ask(json!({}), &documents), json!({}));
    let fields = |documents: &Documents| {
        let body = Detail::Outline.ask(json!({}), documents);
        let all = body["_source"].as_array().unwrap().clone();
        let text = |value: Value| value.as_str().unwrap().to_owned();
        all.into_iter().map(text).collect::<Vec<_>>()
    };
    documents.tags_as_fields.dot_replacement = "@".to_owned();
    let named = fields(&documents);
    for name in ["tags", "tag.span@kind", "process.tag.host@id", "references"] {
        assert!(named.iter().any(|field| field == name), "{name}");
    }
    assert!(!named.iter().any(|field| field == "logs" || field == "tag"));
    documents.tags_as_fields.dot_replacement = ".".to_owned();
    assert!(fields(&documents).contains(&"process.tag".to_owned()));
}
