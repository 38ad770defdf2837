//! Services, operations, dependencies, and the envelope around them.

use super::*;

#[tokio::test]
async fn successes_are_json_without_a_newline() {
    let script = Script {
        services: vec!["a&b".into(), "c".into()],
        ..Script::default()
    };
    let answer = get(script, "/api/services").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.text(),
        r#"{"data":["a\u0026b","c"],"total":2,"limit":0,"offset":0,"errors":null}"#
    );
    let empty = get(Script::default(), "/api/services").await;
    assert_eq!(empty.json()["data"], json!([]));
}

#[tokio::test]
async fn pretty_print_indents_by_four() {
    for (query, pretty) in [
        ("?prettyPrint=1", true),
        ("?prettyPrint=false", false),
        ("?prettyPrint=", false),
    ] {
        let answer = get(Script::default(), &format!("/api/services{query}")).await;
        assert_eq!(
            answer.text().contains("\n    \"data\": []"),
            pretty,
            "{query}"
        );
    }
}

#[tokio::test]
async fn operations_are_listed_by_name_and_by_kind() {
    let script = || Script {
        operations: vec![
            operation("a", SpanKind::Client),
            operation("a", SpanKind::Server),
            operation("b", SpanKind::Unspecified),
        ],
        ..Script::default()
    };
    let names = get(script(), "/api/services/x%2Fy/operations").await;
    assert_eq!(
        names.text(),
        r#"{"data":["a","b"],"total":2,"limit":0,"offset":0,"errors":null}"#
    );
    let none = get(Script::default(), "/api/services/x/operations").await;
    assert_eq!(none.json()["data"], Value::Null);

    let all = get(script(), "/api/operations?service=x").await.json();
    let expect = json!([
        {"name": "a", "spanKind": "client"}, {"name": "a", "spanKind": "server"}, {"name": "b", "spanKind": ""},
    ]);
    assert_eq!((&all["data"], &all["total"]), (&expect, &json!(3)));
    let servers = get(script(), "/api/operations?service=x&spanKind=server")
        .await
        .json();
    assert_eq!(
        servers["data"],
        json!([{"name": "a", "spanKind": "server"}])
    );
    let unknown = get(script(), "/api/operations?service=x&spanKind=odd")
        .await
        .json();
    assert_eq!(unknown["data"], json!([]));
    is_error(
        &get(script(), "/api/operations").await,
        400,
        "parameter 'service' is required",
    );
}

#[tokio::test]
async fn dependencies_are_summed_and_filtered() {
    let link = |parent: &str, child: &str| DependencyLink::calls(parent.into(), child.into(), 2);
    let database = DependencyLink {
        kind: LinkKind::Database,
        error_count: 1,
        durations: Durations {
            sum_us: 14,
            buckets: [(7, 2)].into(),
        },
        ..link("a", "mysql")
    };
    let script = || Script {
        links: vec![
            link("b", "c"),
            link("a", "b"),
            link("a", "b"),
            database.clone(),
        ],
        ..Script::default()
    };
    let answer = get(script(), "/api/dependencies?endTs=5&lookback=1").await;
    assert_eq!(
        answer.text(),
        concat!(
            r#"{"data":[{"parent":"a","child":"b","callCount":4},{"parent":"b","child":"c","callCount":2}],"#,
            r#""total":0,"limit":0,"offset":0,"errors":null}"#
        )
    );
    let one = get(script(), "/api/dependencies?service=c").await.json();
    assert_eq!(
        one["data"],
        json!([{"parent": "b", "child": "c", "callCount": 2}])
    );
    let details = get(script(), "/api/dependencies?service=a&details=true").await;
    assert_eq!(
        details.json()["data"],
        json!([
            {"parent": "a", "child": "b", "kind": "call", "callCount": 4, "errorCount": 0},
            {
                "parent": "a", "child": "mysql", "kind": "database", "callCount": 2, "errorCount": 1,
                "duration": {"mean": 7, "p50": 7, "p95": 7, "p99": 7},
            },
        ])
    );
    let odd = get(script(), "/api/dependencies?details=null").await;
    is_error(
        &odd,
        400,
        "unable to parse param 'details': strconv.ParseBool: parsing \"null\": invalid syntax",
    );
    let none = get(Script::default(), "/api/dependencies").await.json();
    assert_eq!(none["data"], json!([]));
    let negative = get(script(), "/api/dependencies?lookback=-5").await;
    is_error(
        &negative,
        400,
        "unable to parse param 'lookback': -5 is negative",
    );

    let script = Arc::new(script());
    let period = "/api/dependencies?endTs=5&lookback=1";
    send(app(&script, &Config::default()), request("GET", period)).await;
    assert_eq!(*script.periods.lock().unwrap(), [(4_000_000, 5_000_000)]);
}
