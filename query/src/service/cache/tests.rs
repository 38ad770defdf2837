//! That no answer crosses: over a store that says of every answer whose it is, any sequence of questions gets what an empty cache would give.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::StreamExt as _;
use http::HeaderMap;
use http::request::Parts;
use prometheus_client::registry::Registry;
use proptest::prelude::*;
use storage::{
    DependencyReader, Found, GetTrace, OperationQuery, ReadContext, ReadError, TraceQuery,
    TraceReader, TraceStream,
};
use trust::{Instances, Rules};

use super::*;
use crate::service::{Readers, Service};
use crate::{Config as QueryConfig, Metrics};

/// Answers with its instance, the credentials and the question.
struct Echo {
    instance: Instance,
    reads: Arc<AtomicUsize>,
    /// Whether it has nothing.
    is_empty: bool,
}

// === impl Echo ===

impl Echo {
    fn says<T: Send + 'static>(
        &self,
        cx: &ReadContext,
        question: &str,
        make: impl Fn(Str) -> T,
    ) -> BoxFuture<'static, Result<Vec<T>, ReadError>> {
        let token = cx
            .credentials
            .as_ref()
            .map(secrecy::ExposeSecret::expose_secret);
        let said = format!("{} {} {question}", self.instance, token.unwrap_or("-"));
        let list = match self.is_empty {
            true => Vec::new(),
            false => vec![make(said.as_str().into())],
        };
        let reads = self.reads.clone();
        async move {
            reads.fetch_add(1, Ordering::Relaxed);
            Ok(list)
        }
        .boxed()
    }
}

impl TraceReader for Echo {
    fn get_traces<'a>(&'a self, _cx: &'a ReadContext, _ids: &'a [GetTrace]) -> TraceStream<'a> {
        futures_util::stream::empty().boxed()
    }

    fn find_traces<'a>(&'a self, cx: &'a ReadContext, query: &'a TraceQuery) -> TraceStream<'a> {
        let asked = format!(
            "{:?} {:?} {}",
            query.service, query.operation, query.start_min_ns
        );
        let said = self.says(cx, &asked, |said| {
            let mut span = crate::testing::span(1, 1);
            span.name = query.operation.clone().unwrap_or_default();
            let service = query.service.as_deref().unwrap_or_default();
            span.resource = Arc::new(model::Resource::of_service(service));
            span.attributes
                .push(model::KeyValue::new("said", said.as_str()));
            span
        });
        futures_util::stream::once(said)
            .map(|spans| Ok(storage::ReadItem::Spans(spans?)))
            .boxed()
    }

    fn find_trace_ids<'a>(
        &'a self,
        _cx: &'a ReadContext,
        _query: &'a TraceQuery,
    ) -> BoxFuture<'a, Result<Found, ReadError>> {
        let why = "nobody asks".to_owned();
        std::future::ready(Err(ReadError::Invalid(why))).boxed()
    }

    fn get_services<'a>(
        &'a self,
        cx: &'a ReadContext,
    ) -> BoxFuture<'a, Result<Vec<Str>, ReadError>> {
        self.says(cx, "services", |said| said)
    }

    fn get_operations<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a OperationQuery,
    ) -> BoxFuture<'a, Result<Vec<Operation>, ReadError>> {
        let kind = query.kind.unwrap_or(SpanKind::Unspecified);
        self.says(cx, &format!("{} {:?}", query.service, query.kind), |name| {
            Operation { name, kind }
        })
    }
}

impl DependencyReader for Echo {
    fn get_dependencies<'a>(
        &'a self,
        cx: &'a ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> BoxFuture<'a, Result<Vec<DependencyLink>, ReadError>> {
        self.says(cx, &format!("{start_ns} {end_ns}"), |parent| {
            DependencyLink::calls(parent, "c".into(), 1)
        })
    }
}

const INSTANCES: [&str; 3] = ["a/jaeger", "b/jaeger", "a/second"];
const TOKENS: [Option<&str>; 3] = [None, Some("Bearer s"), Some("Bearer t")];

fn service(ttl: Duration, kind: &'static str, is_empty: bool) -> (Service, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = reads.clone();
    let stores = move |instance: &Instance| {
        let echo = Arc::new(Echo {
            instance: instance.clone(),
            reads: counted.clone(),
            is_empty,
        });
        Readers {
            kind,
            traces: echo.clone(),
            dependencies: echo,
            archive: None,
            measures: None,
            takes_credentials: true,
        }
    };
    let config = QueryConfig {
        cache: Config {
            ttl,
            ..Config::default()
        },
        guard: Rules::new(Instances {
            with_store: INSTANCES.map(|text| Instance::parse(text).unwrap()).into(),
            ..Instances::one(Instance::default())
        })
        .into(),
        ..QueryConfig::default()
    };
    let metrics = Metrics::register(&mut Registry::default());
    (Service::new(Arc::new(stores), &config, metrics), reads)
}

fn head(token: Option<&str>, cache_control: Option<&str>) -> Parts {
    let mut headers = HeaderMap::new();
    for (name, value) in [("authorization", token), ("cache-control", cache_control)] {
        if let Some(value) = value {
            headers.insert(name, value.parse().unwrap());
        }
    }
    let mut parts = http::Request::new(()).into_parts().0;
    parts.headers = headers;
    parts
}

async fn ask(service: &Service, instance: usize, head: &Parts, question: &Question) -> String {
    let instance = Instance::parse(INSTANCES[instance]).unwrap();
    let call = service.call(head, Some(&instance)).unwrap();
    match question {
        Question::Services => format!("{:?}", call.get_services().await),
        Question::Operations { service, kind } => {
            let kind = kind.map_or("", SpanKind::as_str);
            format!("{:?}", call.get_operations(service, kind).await)
        }
        Question::Dependencies { start_ns, end_ns } => {
            format!("{:?}", call.get_dependencies(*start_ns, *end_ns).await)
        }
        Question::Tags(whose) => {
            let mut call = call;
            format!("{:?}", call.get_tags(whose.clone(), 1_000).await)
        }
    }
}

fn question() -> impl Strategy<Value = Question> {
    let kinds = prop::sample::select(vec![None, Some(SpanKind::Server), Some(SpanKind::Client)]);
    prop_oneof![
        Just(Question::Services),
        ("[ab]{1,2}", kinds).prop_map(|(service, kind)| Question::Operations { service, kind }),
        (0..2u64, 2..4u64)
            .prop_map(|(start_ns, end_ns)| Question::Dependencies { start_ns, end_ns }),
        ("[ab]{0,1}", "[ab]{0,1}", 1..3u64).prop_map(|(service, operation, lookback_ns)| {
            Question::Tags(Whose {
                service,
                operation,
                lookback_ns,
            })
        }),
    ]
}

const LONG: Duration = Duration::from_secs(600);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_crosses_instances_tokens_or_questions(
        asked in prop::collection::vec((0..3usize, 0..3usize, question()), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (cached, reads) = service(LONG, "elasticsearch", false);
            let (plain, _) = service(Duration::ZERO, "elasticsearch", false);
            for (instance, token, question) in &asked {
                let head = head(TOKENS[*token], None);
                let got = ask(&cached, *instance, &head, question).await;
                let expect = ask(&plain, *instance, &head, question).await;
                assert_eq!(got, expect);
            }
            // and each question was asked of the store once
            let mut different = asked.clone();
            different.sort_by_key(|one| format!("{one:?}"));
            different.dedup();
            assert_eq!(reads.load(Ordering::Relaxed), different.len());
        });
    }
}

#[tokio::test]
async fn who_wants_news_gets_them_and_so_does_the_next() {
    let (service, reads) = service(LONG, "elasticsearch", false);
    for (cache_control, expect) in [
        (None, 1),
        (None, 1),
        (Some("no-cache"), 2),
        (Some("max-age=0, must-revalidate"), 3),
        (Some("max-age=60"), 3),
    ] {
        ask(&service, 0, &head(None, cache_control), &Question::Services).await;
        assert_eq!(reads.load(Ordering::Relaxed), expect, "{cache_control:?}");
    }
}

#[tokio::test]
async fn what_was_kept_is_forgotten_when_instances_change() {
    let (service, reads) = service(LONG, "elasticsearch", false);
    for expect in [1, 2] {
        for _ in 0..2 {
            ask(&service, 0, &head(None, None), &Question::Services).await;
            assert_eq!(reads.load(Ordering::Relaxed), expect);
        }
        let rules = service.guard.rules();
        rules.replace((*rules.now()).clone());
    }
}

#[tokio::test]
async fn nothing_is_kept_that_is_empty_or_at_hand_or_where_it_is_off() {
    for (ttl, kind, is_empty) in [
        (LONG, "elasticsearch", true),
        (LONG, "embedded", false),
        (LONG, "memory", false),
        (Duration::ZERO, "elasticsearch", false),
    ] {
        let (service, reads) = service(ttl, kind, is_empty);
        for _ in 0..2 {
            ask(&service, 0, &head(None, None), &Question::Services).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 2, "{kind}");
    }
}

#[test]
fn credentials_are_kept_as_hashes_that_differ_from_start_to_start() {
    let token = SecretString::from("Bearer s".to_owned());
    let starts = [(); 2].map(|()| Owners::new());
    let [one, other] = starts.each_ref().map(|start| start.owner(Some(&token)));
    assert_ne!(one, other);
    assert_eq!(one, starts[0].owner(Some(&token)));
    assert_ne!(one, starts[0].owner(None));
}
