//! Codes and texts, as the contract with Jaeger's clients has them.

use model::Instance;
use trust::{Instances, Rules, Tenants};

use super::*;

#[track_caller]
fn is(answer: &Answer, code: Code, message: &str) {
    assert_eq!((answer.code, answer.message.as_str()), (code, message));
    assert!(answer.messages.is_empty());
}

fn away() -> ReadError {
    ReadError::Unavailable {
        reason: "gone".to_owned(),
    }
}

fn broken() -> Script {
    Script {
        failure: Some(away()),
        ..Script::of(vec![Some(Err(away()))])
    }
}

#[tokio::test]
async fn ids_that_are_none_are_refused() {
    let of = |trace_id: Vec<u8>| api_v2::GetTraceRequest {
        trace_id,
        ..Default::default()
    };
    for method in [GET, "jaeger.api_v2.QueryService/ArchiveTrace"] {
        for none in [vec![], vec![0; 16], vec![0; 8]] {
            let answer = ask(Script::default(), method, &of(none)).await;
            is(
                &answer,
                Code::InvalidArgument,
                "uninitialized TraceID is not allowed",
            );
        }
        for wrong in [vec![1], vec![1; 15], vec![1; 17]] {
            let answer = ask(Script::default(), method, &of(wrong)).await;
            let why = "grpc: failed to unmarshal the received message: invalid length for TraceID";
            is(&answer, Code::Internal, why);
        }
    }
    let asked = api_v3::GetTraceRequest {
        trace_id: "x".to_owned(),
        ..Default::default()
    };
    let why = "malform trace ID: strconv.ParseUint: parsing \"x\": invalid syntax";
    is(
        &ask(Script::default(), GET_V3, &asked).await,
        Code::Unknown,
        why,
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_an_empty_stream_in_api_v3() {
    let nothing = || Script::of(vec![complete()]);
    for raw in [false, true] {
        let answer = ask(nothing(), GET, &get(1, raw)).await;
        is(&answer, Code::NotFound, "trace not found: trace not found");
    }
    for (method, code) in [(GET_V3, Code::Ok), (FIND_V3, Code::Ok), (FIND, Code::Ok)] {
        let answer = match method {
            GET_V3 => ask(nothing(), method, &get_v3(1)).await,
            FIND_V3 => {
                let query = Some(query_v3());
                ask(nothing(), method, &api_v3::FindTracesRequest { query }).await
            }
            _ => ask(nothing(), method, &find(query())).await,
        };
        is(&answer, code, "");
    }
    // it may well be there
    let cut = || Script::of(vec![partial("a bound")]);
    let why = "failed to fetch spans from the backend: a bound";
    is(&ask(cut(), GET, &get(1, false)).await, Code::Internal, why);
    is(
        &ask(cut(), GET_V3, &get_v3(1)).await,
        Code::Unknown,
        "a bound",
    );
}

#[tokio::test]
async fn a_store_that_fails_is_told_of_in_each_methods_words() {
    let why = |what: &str| format!("{what}: storage is unavailable: gone");
    let internal = [
        (GET, "failed to fetch spans from the backend"),
        (FIND, "failed when searching for traces"),
        (
            "jaeger.api_v2.QueryService/GetServices",
            "failed to fetch services",
        ),
        (
            "jaeger.api_v2.QueryService/GetOperations",
            "failed to fetch operations",
        ),
        (
            "jaeger.api_v2.QueryService/GetDependencies",
            "failed to fetch dependencies",
        ),
    ];
    for (method, what) in internal {
        let answer = match method {
            GET => ask(broken(), method, &get(1, false)).await,
            FIND => ask(broken(), method, &find(query())).await,
            m if m.ends_with("Dependencies") => {
                let (start_time, end_time) = (at(1), at(2));
                let asked = api_v2::GetDependenciesRequest {
                    start_time,
                    end_time,
                };
                ask(broken(), method, &asked).await
            }
            _ => ask(broken(), method, &api_v2::GetServicesRequest {}).await,
        };
        is(&answer, Code::Internal, &why(what));
    }
    let raw = "storage is unavailable: gone";
    is(&ask(broken(), GET_V3, &get_v3(1)).await, Code::Unknown, raw);
    for method in ["GetServices", "GetOperations"] {
        let method = format!("jaeger.api_v3.QueryService/{method}");
        is(
            &ask(broken(), &method, &api_v2::GetServicesRequest {}).await,
            Code::Unknown,
            raw,
        );
    }
}

#[tokio::test]
async fn a_search_needs_a_query_and_times_in_order() {
    let answer = ask(
        Script::default(),
        FIND,
        &api_v2::FindTracesRequest { query: None },
    )
    .await;
    is(&answer, Code::InvalidArgument, "missing query");
    let untimed = |min, max| api_v2::TraceQueryParameters {
        start_time_min: min,
        start_time_max: max,
        ..Default::default()
    };
    // of Go's clients, year 1 is no time
    for (min, max) in [(None, None), (at(1), None), (at(-62_135_596_800), at(1))] {
        let answer = ask(Script::default(), FIND, &find(untimed(min, max))).await;
        let why = "failed when searching for traces: start and End Time must be set";
        is(&answer, Code::Internal, why);
    }
    let answer = ask(Script::default(), FIND, &find(untimed(at(2), at(1)))).await;
    let why = "failed when searching for traces: start Time Minimum is above Maximum";
    is(&answer, Code::Internal, why);

    for (method, untimed) in [(FIND_V3, Code::Unknown), (SUMMARIES, Code::InvalidArgument)] {
        let of = |query| async move {
            let asked = api_v3::FindTracesRequest { query };
            ask(Script::default(), method, &asked).await
        };
        is(&of(None).await, Code::InvalidArgument, "missing query");
        let none = Some(api_v3::TraceQueryParameters::default());
        let why = "start time min and max are required parameters";
        is(&of(none).await, untimed, why);
    }
}

#[tokio::test]
async fn calls_need_a_period() {
    let asked = |start_time, end_time| api_v2::GetDependenciesRequest {
        start_time,
        end_time,
    };
    let v2 = "jaeger.api_v2.QueryService/GetDependencies";
    for missing in [asked(None, None), asked(at(1), None), asked(None, at(1))] {
        let answer = ask(Script::default(), v2, &missing).await;
        is(
            &answer,
            Code::InvalidArgument,
            "StartTime and EndTime must be initialized.",
        );
    }
    // the epoch is a time
    assert_eq!(
        ask(Script::default(), v2, &asked(at(0), at(1))).await.code,
        Code::Ok
    );
    let v3 = "jaeger.api_v3.QueryService/GetDependencies";
    for (asked, why) in [
        (asked(None, at(1)), "start_time is required"),
        (asked(at(1), None), "end_time is required"),
        (asked(at(1), at(1)), "end_time must be after start_time"),
    ] {
        is(
            &ask(Script::default(), v3, &asked).await,
            Code::InvalidArgument,
            why,
        );
    }
}

#[tokio::test]
async fn archiving_says_what_it_lacks() {
    let method = "jaeger.api_v2.QueryService/ArchiveTrace";
    let answer = ask(Script::of(vec![complete()]), method, &get(1, false)).await;
    let why = "failed to archive trace: archive span storage was not configured";
    is(&answer, Code::Internal, why);
    let with = |steps| Script {
        archives: true,
        ..Script::of(steps)
    };
    let answer = ask(with(vec![complete()]), method, &get(1, false)).await;
    is(&answer, Code::NotFound, "trace not found: trace not found");
    let cut = vec![spans(vec![span(1, 1)]), partial("a bound")];
    let answer = ask(with(cut), method, &get(1, false)).await;
    let why = "failed to archive trace: spans may be missing: a bound";
    is(&answer, Code::Internal, why);
    let answer = ask(with(vec![Some(Err(away()))]), method, &get(1, false)).await;
    let why = "failed to archive trace: storage is unavailable: gone";
    is(&answer, Code::Internal, why);
    let kept = Arc::new(with(vec![spans(vec![span(1, 1)]), complete()]));
    let answer = ask_with(&kept, &Config::default(), method, &get(1, false)).await;
    let _: api_v2::ArchiveTraceResponse = answer.only();
    assert_eq!(*kept.archived.lock().unwrap(), [span(1, 1)]);
}

#[tokio::test]
async fn there_are_no_metrics_and_no_other_methods() {
    for method in [
        "GetMinStepDuration",
        "GetLatencies",
        "GetCallRates",
        "GetErrorRates",
    ] {
        let method = format!("jaeger.api_v2.metrics.MetricsQueryService/{method}");
        let answer = ask(Script::default(), &method, &api_v2::GetServicesRequest {}).await;
        is(
            &answer,
            Code::Unimplemented,
            "metrics querying is currently disabled",
        );
    }
    let answer = ask(
        Script::default(),
        "jaeger.api_v2.QueryService/Nothing",
        &get(1, false),
    )
    .await;
    let why = "unknown method /jaeger.api_v2.QueryService/Nothing";
    is(&answer, Code::Unimplemented, why);
    let plain = http::Request::post(format!("/{GET}"))
        .body(Body::empty())
        .unwrap();
    let app = app(&Arc::default(), &Config::default()).await;
    assert_eq!(app.oneshot(plain).await.unwrap().status(), 415);
}

#[tokio::test]
async fn whose_traces_are_asked_for_is_said_by_the_same_rules_as_over_http() {
    let mut rules = Instances::one(Instance::default());
    rules.tenants = Some(Tenants {
        header: "x-tenant".to_owned(),
        known: ["shop".to_owned()].into(),
        listeners: Default::default(),
    });
    let config = Config {
        guard: Rules::new(rules).into(),
        ..Config::default()
    };
    let script = Arc::new(Script::default());
    let asked = |tenants: &[&str]| {
        let method = "jaeger.api_v2.QueryService/GetServices";
        let mut request = request(method, &api_v2::GetServicesRequest {});
        for tenant in tenants {
            request
                .headers_mut()
                .append("x-tenant", tenant.parse().unwrap());
        }
        request
    };
    let ask = |tenants: &'static [&'static str]| async {
        send(app(&script, &config).await, asked(tenants)).await
    };
    assert_eq!(ask(&["shop"]).await.code, Code::Ok);
    is(
        &ask(&[]).await,
        Code::Unauthenticated,
        "missing tenant header",
    );
    is(
        &ask(&["other"]).await,
        Code::PermissionDenied,
        "unknown tenant",
    );
    is(
        &ask(&["shop", "shop"]).await,
        Code::PermissionDenied,
        "extra tenant header",
    );
    // health is nobody's
    let health = request(
        "grpc.health.v1.Health/Check",
        &api_v2::GetServicesRequest {},
    );
    assert_eq!(
        send(app(&script, &config).await, health).await.code,
        Code::Ok
    );
}

#[tokio::test]
async fn metadata_that_nobody_knows_is_passed_over_and_two_tokens_are_not() {
    let method = "jaeger.api_v2.QueryService/GetServices";
    let asked = |metadata: &[(&'static str, &str)]| {
        let mut request = request(method, &api_v2::GetServicesRequest {});
        for (name, value) in metadata {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    };
    let (script, config) = (Arc::new(Script::default()), Config::default());
    let known = [
        ("authorization", "Basic dTpw"),
        ("x-any", "thing"),
        ("bearer.token", "t"),
    ];
    let app = || app(&script, &config);
    assert_eq!(send(app().await, asked(&known)).await.code, Code::Ok);
    let two = [("bearer.token", "t"), ("bearer.token", "u")];
    let answer = send(app().await, asked(&two)).await;
    is(
        &answer,
        Code::Unknown,
        "malformed token: multiple tokens found",
    );
}

#[tokio::test]
async fn a_message_that_is_too_long_or_broken_is_refused() {
    let (script, config) = (Arc::new(Script::default()), Config::default());
    let app = || app(&script, &config);
    let framed = |len: u32, body: &[u8]| {
        let mut frame = vec![0];
        frame.extend(len.to_be_bytes());
        frame.extend(body);
        http::Request::post(format!("/{GET}"))
            .header("content-type", "application/grpc")
            .body(Body::from(frame))
            .unwrap()
    };
    let answer = send(app().await, framed((4 << 20) + 1, b"")).await;
    assert_eq!(answer.code, Code::ResourceExhausted, "{}", answer.message);
    let answer = send(app().await, framed(2, b"\x0a\x7f")).await;
    assert_eq!(answer.code, Code::Internal, "{}", answer.message);
}

#[tokio::test]
async fn of_several_instances_nobody_is_asked_for_who_did_not_say_which() {
    let acme = Instance::parse("acme/jaeger").unwrap();
    let config = Config {
        guard: Rules::new(Instances {
            with_store: [acme].into(),
            ..Instances::one(Instance::default())
        })
        .into(),
        ..Config::default()
    };
    let script = Arc::new(Script::of(vec![complete()]));
    let answer = ask_with(&script, &config, GET, &get(1, false)).await;
    assert_eq!(answer.code, Code::InvalidArgument);
    let named = answer.message.ends_with("default/jaeger, acme/jaeger");
    assert!(named, "{}", answer.message);
    assert!(script.got.lock().unwrap().is_empty());
}
