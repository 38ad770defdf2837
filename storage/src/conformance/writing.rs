//! Promises of [`TraceWriter`](crate::TraceWriter).

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use model::{Batch, Instance, Span, SpanId, SpanKind, Status, StatusCode};

use super::Subject;
use super::data::{batch, child, full_jaeger, full_otlp, later, span};
use super::reads::{collect, everything, ids};
use crate::port::{DeadLetter, ReadContext, WriteError};

/// Every field of both dialects comes back as it was written, floats by their bits.
pub async fn written_spans_come_back_whole(s: Subject) {
    let spans = vec![full_otlp(1, 1), full_jaeger(1, 2), span(1, 3)];
    let bare = Span {
        trace_id: super::data::trace_id(2),
        span_id: SpanId::from_u64(1),
        start_ns: super::data::t0(),
        end_ns: super::data::t0(),
        resource: span(2, 1).resource,
        ..Span::default()
    };
    let mut all = spans.clone();
    all.push(bare.clone());
    s.store(all).await;
    let read = s.trace(1).await;
    assert_eq!(read.len(), spans.len());
    for written in &spans {
        let same_id = read.iter().find(|r| r.span_id == written.span_id);
        let same_id = same_id.expect("it is there");
        assert_eq!(s.text(same_id), s.text(written));
    }
    assert_eq!(s.texts(&s.trace(2).await), s.stored(&[bare]));
}

/// The same batch twice, and the same span twice in a batch, leave one copy of each span.
pub async fn writing_twice_leaves_one_copy(s: Subject) {
    // made anew each time, so that nothing is shared, as after a retry by the client
    let spans = || {
        vec![
            full_otlp(1, 1),
            full_jaeger(1, 2),
            span(1, 3),
            full_otlp(1, 1),
        ]
    };
    let (first, again) = (batch(spans()), batch(spans()));
    let writer = s.backend.writer();
    writer.write(first.clone()).await.expect("it is stored");
    writer.write(first).await.expect("it is stored again");
    writer.write(again).await.expect("an equal one is stored");
    s.settle().await;
    assert_eq!(s.texts(&s.trace(1).await), s.stored(&spans()[..3]));
    let found = s.find(&everything()).await;
    assert_eq!(s.texts(&found.traces[0].1), s.stored(&spans()[..3]));
}

/// Only wholly equal spans are one: two halves with one id (Zipkin's shared spans) both stay.
pub async fn spans_that_differ_anywhere_both_stay(s: Subject) {
    let one = child(1, 1, 0, "svc");
    let variants = vec![
        one.clone(),
        later(one.clone(), 1),
        Span {
            end_ns: one.end_ns + 1,
            ..one.clone()
        },
        Span {
            kind: SpanKind::Server,
            ..one.clone()
        },
        Span {
            name: "other".into(),
            ..one.clone()
        },
        Span {
            status: Status {
                code: StatusCode::Ok,
                ..Status::default()
            },
            ..one.clone()
        },
        child(1, 1, 0, "other"),
        child(1, 1, 5, "svc"),
        Span {
            warnings: vec!["odd".into()],
            ..one
        },
    ];
    s.store(variants.clone()).await;
    assert_eq!(s.texts(&s.trace(1).await), s.stored(&variants));
}

/// A batch without spans is nothing to store, and no error.
pub async fn an_empty_batch_is_taken(s: Subject) {
    s.store(Vec::new()).await;
    s.store(vec![span(1, 1)]).await;
    assert_eq!(s.trace(1).await.len(), 1);
}

/// Writers do not get into each other's way, whether they write to the same trace or not.
pub async fn concurrent_writers_lose_nothing(s: Subject) {
    const WRITERS: u64 = 8;
    const BATCHES: u64 = 25;
    let tracker = tokio_util::task::TaskTracker::new();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let port = s.backend.writer();
            tracker.spawn(async move {
                for number in 0..BATCHES {
                    let id = 1 + writer * BATCHES + number;
                    let spans = vec![span(1, id), span(100 + writer, id), span(200, id)];
                    port.write(batch(spans)).await.expect("it is stored");
                }
            })
        })
        .collect();
    for task in join_all(tasks).await {
        task.expect("the writer ends well");
    }
    s.settle().await;
    let total = (WRITERS * BATCHES) as usize;
    assert_eq!(s.trace(1).await.len(), total);
    assert_eq!(s.trace(200).await.len(), total);
    for writer in 0..WRITERS {
        assert_eq!(s.trace(100 + writer).await.len(), BATCHES as usize);
    }
}

/// A caller that goes away in the middle loses nothing that others were told is stored. Its own spans are there whole, or not at all or
/// in part, but never damaged.
pub async fn a_dropped_write_harms_no_other(s: Subject) {
    let writer = s.backend.writer();
    for round in 0..20 {
        let mut gone = writer.write(batch((1..200).map(|id| span(1, id)).collect()));
        for _ in 0..round % 4 {
            if (&mut gone).now_or_never().is_some() {
                gone = writer.write(batch(vec![span(1, 1)]));
            }
        }
        let stays = writer.write(batch(vec![span(2, 1 + round)]));
        drop(gone);
        stays.await.expect("it is stored");
    }
    s.settle().await;
    assert_eq!(s.trace(2).await.len(), 20);
    let expect: Vec<_> = (1..200).map(|id| s.text(&span(1, id))).collect();
    for read in s.trace(1).await {
        let text = s.text(&read);
        assert!(expect.contains(&text), "{text} was never written");
    }
}

/// After closing, writes are answered retryably. Closing twice is no error.
pub async fn a_closed_store_refuses_writes(s: Subject) {
    assert_eq!(s.backend.health(), Ok(()));
    s.store(vec![span(1, 1)]).await;
    let writer = s.backend.writer();
    s.backend.close().await;
    for _ in 0..2 {
        let answer = writer.write(batch(vec![span(2, 1)])).await;
        assert!(
            matches!(answer, Err(WriteError::Unavailable { .. })),
            "{answer:?}"
        );
        s.backend.close().await;
    }
}

/// Nothing of one instance is seen in another: not by id, not by search, not in names, not in calls. Equal names in two namespaces are two
/// instances.
pub async fn instances_never_see_each_other(s: Subject) {
    let instances = ["a/jaeger", "b/jaeger", "a/other"].map(|i| Instance::parse(i).unwrap());
    let writer = s.backend.writer();
    for (number, instance) in (1..).zip(&instances) {
        let service = format!("service-{number}");
        let spans = vec![
            // the same trace in each, and one of its own
            child(1, 1, 0, &service),
            child(1, 2, 1, "callee"),
            child(10 + number, 1, 0, &service),
        ];
        let own = Batch::new(instance.clone(), spans, 0);
        writer.write(own).await.expect("it is stored");
    }
    s.settle().await;
    let cx = ReadContext::default();
    for (number, instance) in (1..).zip(&instances) {
        let service = format!("service-{number}");
        let reader = s.backend.reader(instance);
        let wanted = ids(&[1, 11, 12, 13]);
        let got = collect(reader.get_traces(&cx, &wanted)).await.unwrap();
        assert_eq!(got.numbers(), [1, 10 + number]);
        let names: Vec<_> = got.traces[0]
            .1
            .iter()
            .map(|s| s.resource.service_name())
            .collect();
        assert!(
            names.contains(&service.as_str()) && names.len() == 2,
            "{names:?}"
        );
        let found = collect(reader.find_traces(&cx, &everything()))
            .await
            .unwrap();
        assert_eq!(found.spans(), 3);
        let services = reader.get_services(&cx).await.unwrap();
        assert_eq!(services, ["callee", &service]);
        if !s.backend.capabilities().counts_calls {
            continue;
        }
        let dependencies = s.backend.dependencies(instance);
        let calls = dependencies
            .get_dependencies(&cx, 0, u64::MAX)
            .await
            .unwrap();
        assert_eq!(calls.len(), 1);
        assert_eq!(
            (calls[0].parent.as_str(), calls[0].call_count),
            (service.as_str(), 1)
        );
    }
    assert!(s.trace(1).await.is_empty());
}

/// A store that says so keeps dead letters, and others have no place for them.
pub async fn dead_letters_are_kept_where_the_store_says_so(s: Subject) {
    let says = s.backend.capabilities().dead_letters;
    let Some(dead_letters) = s.backend.dead_letters() else {
        assert!(!says, "it says that it keeps dead letters");
        return;
    };
    assert!(says, "it does not say that it keeps dead letters");
    let letter = |payload: &'static [u8]| DeadLetter {
        instance: Instance::default(),
        reason: "not a span".to_owned(),
        origin: "conformance",
        payload: bytes::Bytes::from_static(payload),
    };
    dead_letters
        .bury(vec![letter(b"one"), letter(b"")])
        .await
        .expect("they are kept");
    dead_letters
        .bury(Vec::new())
        .await
        .expect("none is no error");
    // they are no spans
    assert!(s.find(&everything()).await.traces.is_empty());
}
