//! Namespaces: whose spans are, by header, certificate or listener, and who reads them.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tests::clients;
use tests::spoor::{Setup, Spoor};

use crate::support::client::python;
use crate::support::{eventually, get, root, setup};

/// A span of Zipkin's, whose service is `service`.
fn zipkin(service: &str) -> Value {
    json!([{"traceId": "00000000000000ab", "id": "00000000000000cd", "name": "checkout", "timestamp": 1, "duration": 5,
        "localEndpoint": {"serviceName": service}}])
}

fn otlp(service: &str) -> Value {
    json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{"traceId": "000000000000000000000000000000ab", "spanId": "00000000000000cd", "name": "checkout",
            "startTimeUnixNano": now_ns(), "endTimeUnixNano": now_ns()}]}]}]})
}

fn now_ns() -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    now.as_nanos().to_string()
}

/// Status and text of a POST with these tenant headers.
async fn post(url: &str, body: &Value, tenants: &[&str]) -> (u16, String) {
    let mut request = reqwest::Client::new().post(url).json(body);
    for tenant in tenants {
        request = request.header("x-tenant", *tenant);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Status and text of a GET with these tenant headers.
async fn ask(url: &str, tenants: &[&str]) -> (u16, String) {
    let mut request = reqwest::Client::new().get(url);
    for tenant in tenants {
        request = request.header("X-Tenant", *tenant);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn services(spoor: &Spoor, tenant: &str) -> Value {
    let (status, text) = ask(
        &format!("{}/api/services", spoor.url("query-http")),
        &[tenant],
    )
    .await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["data"].take()
}

fn tenancy(setup: Setup) -> Setup {
    setup
        .arg("--multi-tenancy.enabled")
        .arg("--multi-tenancy.tenants=acme,umbrella")
}

#[tokio::test]
async fn a_header_separates_what_comes_in_and_what_is_asked() {
    let (_folder, setup) = setup();
    let spoor = tenancy(setup).start().unwrap();
    let traces = format!("{}/v1/traces", spoor.url("otlp-http"));
    for (tenant, service) in [("acme", "acme-shop"), ("umbrella", "umbrella-lab")] {
        assert_eq!(post(&traces, &otlp(service), &[tenant]).await.0, 200);
    }
    assert_eq!(services(&spoor, "acme").await, json!(["acme-shop"]));
    assert_eq!(services(&spoor, "umbrella").await, json!(["umbrella-lab"]));
    // the trace of the other one with the same id is nobody's here
    let trace = format!("{}/api/traces/ab", spoor.url("query-http"));
    let (_, text) = ask(&trace, &["acme"]).await;
    assert!(
        text.contains("acme-shop") && !text.contains("umbrella-lab"),
        "{text}"
    );

    let query = format!("{}/api/services", spoor.url("query-http"));
    let spans = format!("{}/api/v2/spans", spoor.url("zipkin"));
    for (tenants, text) in [
        (&[][..], "missing tenant header"),
        (&["other"], "unknown tenant"),
        (&["acme", "umbrella"], "extra tenant header"),
    ] {
        assert_eq!(ask(&query, tenants).await, (401, text.to_owned()));
        let (status, said) = post(&spans, &zipkin("x"), tenants).await;
        assert!(status == 401 && said.contains(text), "{status} {said}");
        let (status, said) = post(&traces, &otlp("x"), tenants).await;
        assert!(status == 401 && said.contains(text), "{status} {said}");
    }
    // what shows no traces is open to all
    assert_eq!(ask(&spoor.url("query-http"), &[]).await.0, 200);
    let (_, _, metrics) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    for line in [
        "spoor_spans_durable_total{namespace=\"acme\",instance=\"jaeger\"} 1",
        "spoor_collector_held_bytes{namespace=\"umbrella\",instance=\"jaeger\"} 0",
        "reason=\"tenant_missing\"",
    ] {
        assert!(metrics.contains(line), "no {line} in {metrics}");
    }
}

#[tokio::test]
async fn over_grpc_strangers_get_jaegers_codes() {
    let (_folder, setup) = setup();
    let spoor = tenancy(setup).start().unwrap();
    let endpoint = spoor.url("otlp-grpc");
    let send = |tenant: &str| {
        let output = Command::new(clients::python("otlp").unwrap())
            .arg(root().join("docs/examples/otlp_python.py"))
            .args(["grpc", &endpoint])
            .env("OTEL_EXPORTER_OTLP_HEADERS", tenant)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert_eq!(send("x-tenant=acme"), "");
    assert_eq!(services(&spoor, "acme").await, json!(["python-grpc"]));
    let (missing, unknown) = (send(""), send("x-tenant=other"));
    assert!(missing.contains("UNAUTHENTICATED"), "{missing}");
    assert!(unknown.contains("PERMISSION_DENIED"), "{unknown}");
}

#[tokio::test]
async fn a_listener_may_belong_to_a_namespace() {
    let (_folder, setup) = setup();
    let spoor = tenancy(setup)
        .arg("--instance.by-listener=jaeger-udp=acme/jaeger,zipkin=umbrella/jaeger")
        .start()
        .unwrap();
    let udp = spoor.address("jaeger-compact");
    python("jaeger_client", "uber_python.py", &["by-udp", udp, "const"]);
    eventually(
        "spans of the datagrams",
        || services(&spoor, "acme"),
        |found| *found == json!(["by-udp"]),
    )
    .await;
    // whatever the header says
    let spans = format!("{}/api/v2/spans", spoor.url("zipkin"));
    let now: u64 = now_ns().parse().unwrap();
    let mut span = zipkin("by-zipkin");
    span[0]["timestamp"] = json!(now / 1000);
    let (status, said) = post(&spans, &span, &["acme"]).await;
    assert_eq!(status, 202, "{said}");
    assert_eq!(services(&spoor, "umbrella").await, json!(["by-zipkin"]));
}

/// A certificate for a client, signed by the authority that Spoor made, with `uri` among its names.
fn client_certificate(certs: &Path, folder: &Path, name: &str, uri: &str) {
    let read = |path: &str| std::fs::read_to_string(certs.join(path)).unwrap();
    let key = rcgen::KeyPair::from_pem(&read("default/ca.key")).unwrap();
    let issuer = rcgen::Issuer::from_ca_cert_pem(&read("default/ca.crt"), key).unwrap();
    let own = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    let uri = rcgen::SanType::URI(uri.try_into().unwrap());
    params.subject_alt_names.push(uri);
    let cert = params.signed_by(&own, &issuer).unwrap();
    std::fs::write(folder.join(format!("{name}.crt")), cert.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), own.serialize_pem()).unwrap();
}

#[tokio::test]
async fn a_certificate_says_whose_its_client_is() {
    let (folder, setup) = setup();
    let certs = folder.path().join("certs");
    // the first start makes the authority, which signs clients' certificates too
    let mut setup = setup.arg(format!("--certs.directory={}", certs.display()));
    setup = setup.arg("--collector.otlp.http.tls.enabled");
    setup.start().unwrap().terminate().unwrap();
    let ca = certs.join("default/ca.crt");
    setup = setup
        .arg(format!("--collector.otlp.http.tls.client-ca={}", ca.display()))
        .arg("--instance.by-certificate=spiffe://mesh/ns/shop/*=shop/jaeger,spiffe://mesh/ns/bank/*=bank/jaeger")
        .arg("--instance.by-listener=query-http=shop/jaeger");
    let spoor = setup.start().unwrap();
    for (name, uri) in [
        ("shop", "spiffe://mesh/ns/shop/sa/frontend"),
        ("bank", "spiffe://mesh/ns/bank/sa/ledger"),
        ("stranger", "spiffe://mesh/ns/other/sa/x"),
    ] {
        client_certificate(&certs, folder.path(), name, uri);
    }
    let send = |name: &str| {
        let at = |ending: &str| folder.path().join(format!("{name}.{ending}"));
        let output = Command::new(clients::python("otlp").unwrap())
            .arg(root().join("docs/examples/otlp_python.py"))
            .arg("http")
            .arg(format!("https://{}/v1/traces", spoor.address("otlp-http")))
            .env("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)
            .env("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", at("crt"))
            .env("OTEL_EXPORTER_OTLP_CLIENT_KEY", at("key"))
            .env_remove("REQUESTS_CA_BUNDLE")
            .env_remove("CURL_CA_BUNDLE")
            .output()
            .unwrap();
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (id, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (shop, said) = send("shop");
    assert_eq!(said, "");
    let (bank, said) = send("bank");
    assert_eq!(said, "");
    let (_, said) = send("stranger");
    assert!(said.contains("403"), "{said}");
    let trace = |id: &str| format!("{}/api/traces/{id}", spoor.url("query-http"));
    assert_eq!(get(&trace(&shop)).await.0, 200);
    assert_eq!(get(&trace(&bank)).await.0, 404);
    // datagrams show no certificate, and nothing says whose they are
    let log = || async { spoor.log().join("\n") };
    let udp = spoor.address("jaeger-compact");
    python(
        "jaeger_client",
        "uber_python.py",
        &["nameless", udp, "const"],
    );
    eventually("a word about it", log, |log| {
        log.contains("nothing says which namespace this is for")
    })
    .await;
}

#[tokio::test]
async fn instances_are_reached_by_their_paths() {
    let (_folder, setup) = setup();
    let spoor = setup
        .arg("--query.base-path=/jaeger")
        .arg("--instance.by-listener=otlp-http=acme/jaeger,zipkin=umbrella/jaeger")
        .start()
        .unwrap();
    let traces = format!("{}/v1/traces", spoor.url("otlp-http"));
    assert_eq!(post(&traces, &otlp("acme-shop"), &[]).await.0, 200);
    let now: u64 = now_ns().parse().unwrap();
    let mut span = zipkin("umbrella-lab");
    span[0]["timestamp"] = json!(now / 1000);
    let spans = format!("{}/api/v2/spans", spoor.url("zipkin"));
    assert_eq!(post(&spans, &span, &[]).await.0, 202);

    let base = format!("{}/jaeger", spoor.url("query-http"));
    for (instance, service, other) in [
        ("acme/jaeger", "acme-shop", "umbrella-lab"),
        ("umbrella/jaeger", "umbrella-lab", "acme-shop"),
    ] {
        // one id, two traces
        for path in ["api/services", "api/traces/ab", "api/v3/services"] {
            let (status, _, text) = get(&format!("{base}/ns/{instance}/{path}")).await;
            assert_eq!(status, 200, "{text}");
            assert!(text.contains(service) && !text.contains(other), "{text}");
        }
        let (_, _, page) = get(&format!("{base}/ns/{instance}/search")).await;
        let href = format!("<base href=\"/jaeger/ns/{instance}/\"");
        assert!(page.contains(&href), "{page}");
    }
    let (status, _, text) = get(&format!("{base}/api/services")).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("default/jaeger, acme/jaeger, umbrella/jaeger"),
        "{text}"
    );
    let (status, _, page) = get(&format!("{base}/")).await;
    assert_eq!(status, 200);
    assert!(page.contains("href=\"ns/umbrella/jaeger/\""), "{page}");
    let (status, _, _) = get(&format!("{base}/ns/nobody/jaeger/api/services")).await;
    assert_eq!(status, 404);
}
