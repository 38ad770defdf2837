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
async fn what_a_store_counted_is_a_family_of_points() {
    let cell = |calls, errors, durations| storage::port::Cell {
        calls,
        errors,
        durations,
    };
    // buckets 40 and 44 end at 1,024 and 2,048 µs
    let script = || Script {
        counts: true,
        counted: vec![
            (1_000, cell(1, 1, vec![(40, 1)])),
            (2_500, cell(3, 0, vec![(44, 3)])),
        ],
        ..Script::default()
    };
    let times = "service=svc&endTs=3000&lookback=2000&step=1000&ratePer=1000";
    let ask = async |measure: &str, more: &str| {
        let answer = get(script(), &format!("/api/metrics/{measure}?{times}{more}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        answer.text().to_owned()
    };
    let expect = |head: &str, labels: &str, values: [&str; 3]| {
        let points = ["01", "02", "03"].into_iter().zip(values);
        let points: Vec<String> = points
            .map(|(second, value)| {
                format!(r#"{{"gaugeValue":{{"doubleValue":{value}}},"timestamp":"1970-01-01T00:00:{second}Z"}}"#)
            })
            .collect();
        let points = points.join(",");
        format!(
            r#"{{{head},"metrics":[{{"labels":[{labels}{{"name":"service_name","value":"svc"}}],"metricPoints":[{points}]}}]}}"#
        )
    };
    assert_eq!(
        ask("calls", "").await,
        expect(
            r#""name":"service_call_rate","type":"GAUGE","help":"calls/sec, grouped by service""#,
            "",
            ["0", "1", "3"]
        )
    );
    assert_eq!(
        ask("errors", "&groupByOperation=true").await,
        expect(
            r#""name":"service_operation_error_rate","type":"GAUGE","help":"error rate, computed as a fraction of errors/sec over calls/sec, grouped by service \u0026 operation""#,
            r#"{"name":"operation","value":"op"},"#,
            [r#""NaN""#, "1", "0"]
        )
    );
    assert_eq!(
        ask("latencies", "&quantile=1").await,
        expect(
            r#""name":"service_latencies","type":"GAUGE","help":"1.00th quantile latency, grouped by service""#,
            "",
            [r#""NaN""#, "1.024", "2.048"]
        )
    );
    let answer = get(script(), "/api/metrics/minstep").await;
    assert_eq!(answer.json()["data"], 1);
    for name in ["step", "ratePer"] {
        let none = get(
            script(),
            &format!("/api/metrics/calls?service=svc&{name}=0"),
        )
        .await;
        is_error(&none, 400, &format!("{name} must be greater than 0"));
    }
    let wide = get(
        script(),
        "/api/metrics/calls?service=svc&endTs=99999999&lookback=90000000&step=1&ratePer=1000",
    )
    .await;
    let said = wide.json()["partial"]["reason"].as_str().map(str::to_owned);
    assert!(
        said.is_some_and(|said| said.contains("ms apart")),
        "{}",
        wide.header("spoor-partial")
    );
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
