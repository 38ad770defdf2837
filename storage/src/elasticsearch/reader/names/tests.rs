use super::*;

#[test]
fn names_are_asked_for_page_by_page() {
    let expect = json!({"size": 0, "aggs": {"names": {"composite": {
        "size": 7,
        "sources": [{"name": {"terms": {"field": "serviceName"}}}],
    }}}});
    assert_eq!(page(SERVICE, None, None, 7), expect);
    let next = page(OPERATION, Some("s"), Some(&json!({"name": "m"})), 7);
    assert_eq!(
        next["aggs"]["names"]["composite"]["after"],
        json!({"name": "m"})
    );
    assert_eq!(
        next["query"],
        json!({"bool": {"filter": [{"term": {"serviceName": "s"}}]}})
    );
}

#[test]
fn long_names_are_those_that_are_not_indexed() {
    let without = |field: &str| json!([{"exists": {"field": field}}]);
    let query = |field, service| long_names(field, service, None, 7)["query"]["bool"].clone();
    assert_eq!(query(SERVICE, None), json!({"must_not": without(SERVICE)}));
    assert_eq!(
        query(OPERATION, Some("s")),
        json!({"filter": [{"term": {"serviceName": "s"}}], "must_not": without(OPERATION)})
    );
    let next = long_names(SERVICE, None, Some(41), 7);
    assert_eq!(
        (&next["search_after"], &next["size"]),
        (&json!([41]), &json!(7))
    );
    let long = "s".repeat(257);
    assert_eq!(
        query(OPERATION, Some(&long)),
        json!({"must_not": without(SERVICE)})
    );
}
