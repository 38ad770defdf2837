//! `bench table`: what each protocol cost, beside what OTLP over gRPC did.
//!
//! In: figures of `bench load` as JSON. Out: a table in Markdown, a row for each.

use serde_json::Value;

/// Rows in the order of `results`.
pub fn write(results: &[Value]) -> String {
    let cost = |result: &Value| result["cpu_seconds_per_million"].as_f64();
    let otlp = results.iter().find(|r| r["protocol"] == "otlp-grpc");
    let otlp = otlp.and_then(cost);
    let mut out = String::from(
        "| protocol | spans/s | CPU-s per million | beside otlp-grpc | p50 / p99 ms | refused |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for result in results.iter().filter(|r| r["kind"] == "load") {
        let number = |key: &str, digits: usize| match result[key].as_f64() {
            Some(number) => format!("{number:.digits$}"),
            None => "–".to_owned(),
        };
        let beside = match (cost(result), otlp) {
            (Some(cost), Some(otlp)) => format!("{:.0} %", 100.0 * cost / otlp),
            _ => "–".to_owned(),
        };
        let protocol = result["protocol"].as_str().unwrap_or("otlp-grpc");
        out.push_str(&format!(
            "| {protocol} | {} | {} | {beside} | {} / {} | {} |\n",
            number("spans_per_second", 0),
            number("cpu_seconds_per_million", 2),
            number("p50_ms", 2),
            number("p99_ms", 2),
            number("refused_requests", 0),
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn each_is_shown_beside_otlp() {
        let result = |protocol: &str, cost: f64| {
            json!({"kind": "load", "protocol": protocol, "cpu_seconds_per_million": cost,
                "spans_per_second": 1000.4, "p50_ms": 1.0, "p99_ms": 2.5, "refused_requests": 0})
        };
        let table = super::write(&[result("zipkin-json", 15.0), result("otlp-grpc", 10.0)]);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| zipkin-json | 1000 | 15.00 | 150 % | 1.00 / 2.50 | 0 |",
                "| otlp-grpc | 1000 | 10.00 | 100 % | 1.00 / 2.50 | 0 |"
            ]
        );
    }
}
