//! What becomes of a batch that a collector takes, refuses, or is not there for: against a gRPC server in this process.

#![allow(
    clippy::disallowed_methods,
    reason = "a server of a test ends with its runtime"
)]

use std::collections::VecDeque;

use model::{Batch, Span};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::codegen::tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};
use wire::r#gen::api_v2::collector_service_server::{CollectorService, CollectorServiceServer};
use wire::r#gen::api_v2::{PostSpansRequest, PostSpansResponse};

use super::*;

/// Answers with what it was told to, one after the other, then with success.
#[derive(Clone, Default)]
struct Collector {
    answers: Arc<Mutex<VecDeque<Code>>>,
    taken: Arc<Mutex<Vec<usize>>>,
}

#[tonic::async_trait]
impl CollectorService for Collector {
    async fn post_spans(
        &self,
        request: Request<PostSpansRequest>,
    ) -> Result<Response<PostSpansResponse>, Status> {
        if let Some(code) = self.answers.lock().pop_front() {
            return Err(Status::new(code, "as the test wants it"));
        }
        let spans = request.into_inner().batch.unwrap_or_default().spans;
        self.taken.lock().push(spans.len());
        Ok(Response::new(PostSpansResponse {}))
    }
}

impl Collector {
    async fn listen(&self) -> HostPort {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let service = CollectorServiceServer::new(self.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        at.to_string().parse().unwrap()
    }
}

fn forward(targets: Vec<HostPort>) -> Forward {
    let config = Config {
        targets,
        retries: 3,
        attempt: Duration::from_secs(5),
    };
    Forward::new(config, Dialer::plaintext())
}

fn batch() -> Batch {
    let spans = vec![Span::default(), Span::default()];
    Batch::new(Instance::default(), spans, 0)
}

/// What is answered when the collector answers so before it takes anything, and how many spans it took.
async fn answered(codes: &[Code]) -> (Result<(), WriteError>, Vec<usize>) {
    let collector = Collector::default();
    collector.answers.lock().extend(codes);
    let forward = forward(vec![collector.listen().await]);
    let answer = forward.writer().write(batch()).await;
    let taken = collector.taken.lock().clone();
    (answer, taken)
}

#[tokio::test]
async fn what_fails_for_now_is_sent_again() {
    assert_eq!(answered(&[]).await, (Ok(()), vec![2]));
    for code in [Code::Unavailable, Code::ResourceExhausted, Code::Internal] {
        assert_eq!(answered(&[code; 3]).await, (Ok(()), vec![2]), "{code:?}");
    }
}

#[tokio::test]
async fn the_answer_says_what_can_be_done() {
    let (throttled, _) = answered(&[Code::ResourceExhausted; 4]).await;
    assert!(
        matches!(throttled, Err(WriteError::Throttled { .. })),
        "{throttled:?}"
    );
    let (rejected, taken) = answered(&[Code::InvalidArgument]).await;
    let Err(WriteError::Rejected(spans)) = rejected else {
        panic!("{rejected:?}");
    };
    assert_eq!((spans[0].at, spans[1].at, taken.len()), (0, 1, 0));
    assert!(
        spans[0].reason.contains("as the test wants it"),
        "{spans:?}"
    );
    // asking again would change nothing
    let (refused, taken) = answered(&[Code::Unauthenticated]).await;
    assert!(
        matches!(refused, Err(WriteError::Unavailable { .. })),
        "{refused:?}"
    );
    assert_eq!(taken, Vec::<usize>::new());
}

#[tokio::test]
async fn an_address_that_is_dead_does_not_hold_up_the_others() {
    let collector = Collector::default();
    let alive = collector.listen().await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead: HostPort = gone.local_addr().unwrap().to_string().parse().unwrap();
    drop(gone);
    let forward = forward(vec![dead, alive]);
    for _ in 0..4 {
        forward.writer().write(batch()).await.unwrap();
    }
    assert_eq!(collector.taken.lock().len(), 4);
}

#[tokio::test]
async fn a_collector_that_is_not_there_is_named_with_the_setting() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at: HostPort = gone.local_addr().unwrap().to_string().parse().unwrap();
    drop(gone);
    let answer = forward(vec![at.clone()]).writer().write(batch()).await;
    let text = answer.unwrap_err().to_string();
    for part in [
        at.to_string().as_str(),
        "reporter.grpc.host-port",
        "cannot connect to",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let nowhere: HostPort = "no-such-host.invalid:14250".parse().unwrap();
    let answer = forward(vec![nowhere]).writer().write(batch()).await;
    let text = answer.unwrap_err().to_string();
    assert!(
        text.contains("cannot look up no-such-host.invalid"),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_is_read_here() {
    use crate::port::{ReadContext, ReadError};

    let forward = forward(vec!["127.0.0.1:1".parse().unwrap()]);
    let reader = forward.reader(&Instance::default());
    let answer = reader.get_services(&ReadContext::default()).await;
    let Err(ReadError::Unavailable { reason }) = answer else {
        panic!("{answer:?}");
    };
    assert!(
        reason.contains("an agent forwards to 127.0.0.1:1"),
        "{reason}"
    );
}
