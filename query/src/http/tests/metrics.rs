//! Rates and latencies, deep dependencies, quality: what is answered beside envelopes, and what is not yet.

use super::*;

#[tokio::test]
async fn metrics_are_checked_before_they_are_said_to_be_off() {
    for (path, code, msg) in [
        (
            "latencies?service=a&quantile=0.95",
            501,
            "metrics querying is currently disabled",
        ),
        (
            "calls?service=a",
            501,
            "metrics querying is currently disabled",
        ),
        (
            "errors?service=a",
            501,
            "metrics querying is currently disabled",
        ),
        ("minstep", 501, "metrics querying is currently disabled"),
        (
            "latencies?service=a",
            400,
            "unable to parse param 'quantile': strconv.ParseFloat: parsing \"\": invalid syntax",
        ),
        (
            "calls",
            400,
            "unable to parse param 'service': please provide at least one service name",
        ),
        (
            "errors?service=a&spanKind=odd",
            400,
            "unable to parse param 'spanKind': unsupported span kind: 'odd'",
        ),
    ] {
        let answer = get(Script::default(), &format!("/api/metrics/{path}")).await;
        is_error(&answer, code, msg);
    }
}

#[tokio::test]
async fn deep_dependencies_are_paths_through_a_service() {
    let link = |parent: &str, child: &str| DependencyLink::calls(parent.into(), child.into(), 2);
    let script = || Script {
        links: vec![link("a", "b"), link("b", "c"), link("x", "c")],
        ..Script::default()
    };
    let answer = get(script(), "/api/deep-dependencies?service=b").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.text(),
        concat!(
            r#"{"dependencies":[{"path":[{"service":"a","operation":""},"#,
            r#"{"service":"b","operation":""},{"service":"c","operation":""}],"attributes":[]}]}"#
        )
    );
    let pretty = get(script(), "/api/deep-dependencies?service=b&prettyPrint=1").await;
    assert!(pretty.text().starts_with("{\n    \"dependencies\": [\n"));
    assert_eq!(pretty.json(), answer.json());
    let nobody = get(script(), "/api/deep-dependencies?service=nobody").await;
    assert_eq!(nobody.text(), r#"{"dependencies":[]}"#);
    let bad = get(script(), "/api/deep-dependencies?service=b&lookback=x").await;
    is_error(
        &bad,
        400,
        "unable to parse param 'lookback': strconv.ParseInt: parsing \"x\": invalid syntax",
    );
    let no_service = get(script(), "/api/deep-dependencies").await;
    is_error(&no_service, 400, "parameter 'service' is required");
}

#[tokio::test]
async fn quality_is_not_made_up() {
    let answer = get(Script::default(), "/api/quality-metrics?service=a&hours=1").await;
    assert_eq!(answer.status, 404);
    let said = answer.json();
    let said = said["errors"][0]["msg"].as_str().unwrap();
    assert!(
        said.starts_with("quality metrics are not computed"),
        "{said}"
    );
}
