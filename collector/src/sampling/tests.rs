//! What Jaeger answered under the recorded file, and what its rules say beside.

use base64::Engine as _;
use prost::Message as _;
use serde_json::Value;

use super::file::File;
use super::strategies::Strategies;
use super::*;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/golden");

fn recorded(name: &str) -> Value {
    let path = format!("{GOLDEN}/{name}");
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_slice(&text).unwrap()
}

fn of_text(text: &str) -> Strategies {
    Strategies::new(&File::parse(text.as_bytes()).unwrap(), 0.001)
}

fn answer(text: &str, service: &str) -> String {
    String::from_utf8(json(of_text(text).of(service))).unwrap()
}

#[test]
fn answers_are_those_that_were_recorded() {
    let golden = recorded("_api/v1.76.0.sampling-14268.json");
    let strategies = of_text(&golden["strategies_file"].to_string());
    let mut compared = 0;
    for (path, answer) in golden["answers"].as_object().unwrap() {
        let Some((_, service)) = path.split_once("?service=") else {
            continue;
        };
        if answer["status"] != 200 {
            continue;
        }
        let got = String::from_utf8(json(strategies.of(service))).unwrap();
        assert_eq!(got, answer["body"].as_str().unwrap(), "{path}");
        compared += 1;
    }
    for service in ["foo", "bar", "baz", "other", "none"] {
        let golden = recorded(&format!("_grpc/v1.76.0.sampling-{service}.json"));
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(golden["responses_base64"][0].as_str().unwrap())
            .unwrap();
        let got = strategies.of(service).encode_to_vec();
        assert_eq!(got, bytes, "{service}");
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn without_a_file_all_have_the_default() {
    for text in ["null", "{}", r#"{"default_strategy":null}"#] {
        assert_eq!(
            answer(text, "any"),
            r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}"#
        );
    }
    assert!(File::parse(b"{").is_err());
    assert!(File::parse(b"7").is_err());
}

#[test]
fn a_type_that_is_not_known_is_the_default() {
    let file = r#"{"service_strategies":[{"service":"a","type":"adaptive","param":5},
        {"service":"b","type":"ratelimiting","param":7.9}]}"#;
    assert_eq!(
        answer(file, "a"),
        r#"{"strategyType":"PROBABILISTIC","probabilisticSampling":{"samplingRate":0.001}}"#
    );
    assert_eq!(
        answer(file, "b"),
        r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":7}}"#
    );
}

#[test]
fn old_clients_get_numbers_and_limits_of_16_bits() {
    let file = r#"{"default_strategy":{"type":"ratelimiting","param":42},
        "service_strategies":[{"service":"much","type":"ratelimiting","param":40000}]}"#;
    let strategies = of_text(file);
    assert_eq!(
        legacy_json(strategies.of("any")).unwrap(),
        br#"{"strategyType":1,"rateLimitingSampling":{"maxTracesPerSecond":42}}"#
    );
    let error = legacy_json(strategies.of("much")).unwrap_err();
    assert!(error.to_string().starts_with("cannot marshall to JSON"));
}

#[tokio::test]
async fn a_file_is_read_again_and_a_wrong_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strategies.json");
    let write = |rate: &str| {
        let text = format!(r#"{{"default_strategy":{{"type":"probabilistic","param":{rate}}}}}"#);
        std::fs::write(&path, text).unwrap();
    };
    write("0.25");
    let config = Config {
        url: None,
        file: Some(path.clone()),
        reload_interval: Duration::from_millis(5),
        default_probability: 0.001,
        adaptive: None,
    };
    let sampling = Arc::new(Watched::open(&config).await.unwrap());
    let rate = || {
        sampling
            .of("a")
            .probabilistic_sampling
            .unwrap()
            .sampling_rate
    };
    assert_eq!(rate(), 0.25);
    let shutdown = CancellationToken::new();
    let mut keeping = tokio::task::JoinSet::new();
    keeping.spawn({
        let (sampling, shutdown) = (sampling.clone(), shutdown.clone());
        async move { sampling.keep(shutdown).await }
    });
    write("wrong");
    assert!(sampling.load().await.is_err());
    assert_eq!(rate(), 0.25);
    write("0.75");
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    while rate() != 0.75 {
        assert!(tokio::time::Instant::now() < until, "not read again");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    shutdown.cancel();
    keeping.join_next().await.unwrap().unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = Watched::open(&config).await.err().unwrap().to_string();
    assert!(error.contains("sampling.strategies-file"), "{error}");
}

#[test]
fn the_example_of_the_documentation_says_what_is_said_of_it() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ways-in.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, example) = page.split_once("```json\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    assert_eq!(
        answer(example, "checkout"),
        r#"{"strategyType":"RATE_LIMITING","rateLimitingSampling":{"maxTracesPerSecond":5},"operationSampling":{"defaultSamplingProbability":0.1,"defaultLowerBoundTracesPerSecond":0,"perOperationStrategies":[{"operation":"GET /health","probabilisticSampling":{"samplingRate":0}}],"defaultUpperBoundTracesPerSecond":0}}"#
    );
}
