//! Calls to the collector.
//!
//! In: a batch, or the name of a service. Out: the collector's answer, after as many attempts as are allowed, each at the next of its addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use model::Batch;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use wire::r#gen::api_v2::sampling_manager_client::SamplingManagerClient;
use wire::r#gen::api_v2::{SamplingStrategyParameters, SamplingStrategyResponse};
use wire::jaeger::proto::encode_post_spans;

use super::Config;
use super::metrics::Metrics;
use crate::peers::{Peer, Peers, explain};
use crate::port::WriteError;
use crate::raw::Raw;
use trust::Dialer;

const POST_SPANS: PathAndQuery =
    PathAndQuery::from_static("/jaeger.api_v2.CollectorService/PostSpans");
/// Before the second attempt; each further pause is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// When senders are told to come back.
const LATER: Duration = Duration::from_secs(1);

/// A client of one collector, which may have many addresses.
pub struct Client {
    peers: Peers,
    config: Config,
    pub(super) metrics: Metrics,
}

// === impl Client ===

impl Client {
    pub(super) fn new(config: Config, dialer: Dialer) -> Self {
        Self {
            peers: Peers::new(config.targets.clone(), dialer),
            config,
            metrics: Metrics::default(),
        }
    }

    /// The collector's addresses as they were set.
    pub(super) fn shown(&self) -> String {
        self.peers.shown()
    }

    /// What the collector says about `service`.
    ///
    /// # Errors
    /// What kept it from answering.
    pub async fn sampling_strategy(
        &self,
        service: &str,
    ) -> Result<SamplingStrategyResponse, String> {
        let asked = self.again(|peer| {
            let parameters = SamplingStrategyParameters {
                service_name: service.to_owned(),
            };
            async move {
                SamplingManagerClient::with_origin(peer.channel.clone(), peer.origin.clone())
                    .get_sampling_strategy(parameters)
                    .await
                    .map(tonic::Response::into_inner)
            }
        });
        asked.await.map_err(|status| explain(&status))
    }

    pub(super) async fn post_spans(&self, batch: Batch) -> Result<(), WriteError> {
        let count = batch.len();
        let message = Bytes::from(encode_post_spans(&batch.spans));
        drop(batch);
        let posted = self
            .again(|peer| {
                let message = message.clone();
                async move {
                    let (channel, origin) = (peer.channel.clone(), peer.origin.clone());
                    let mut client = tonic::client::Grpc::with_origin(channel, origin);
                    client.ready().await.map_err(unreachable)?;
                    let request = Request::new(message);
                    client.unary(request, POST_SPANS, Raw).await.map(drop)
                }
            })
            .await;
        self.metrics.sent(posted.is_ok());
        posted.map_err(|status| self.error(&status, count))
    }

    /// Tries until it succeeds, cannot succeed, or was tried often enough.
    async fn again<T, F>(&self, call: impl Fn(Arc<Peer>) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let mut attempt = 0;
        let mut pause = PAUSE;
        loop {
            let asked = AtomicBool::new(false);
            let trying = async {
                let peer = self.peers.next().await.map_err(Status::unavailable)?;
                asked.store(true, Ordering::Relaxed);
                call(peer).await
            };
            let tried = tokio::time::timeout(self.config.attempt, trying).await;
            let tried = tried.unwrap_or_else(|_| {
                let within = self.config.attempt.as_millis();
                Err(Status::deadline_exceeded(if asked.into_inner() {
                    format!("no answer within {within}ms")
                } else {
                    format!("its name was not looked up within {within}ms: see the name server")
                }))
            });
            let Err(status) = tried else { return tried };
            self.peers.doubt();
            if attempt >= self.config.retries || !may_succeed(status.code()) {
                return Err(status);
            }
            attempt += 1;
            self.metrics.retried();
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    fn error(&self, status: &Status, spans: usize) -> WriteError {
        let reason = format!(
            "the collector at {} (reporter.grpc.host-port): {}",
            self.shown(),
            explain(status)
        );
        match status.code() {
            Code::ResourceExhausted => WriteError::Throttled {
                after: LATER,
                reason,
            },
            Code::InvalidArgument | Code::OutOfRange => WriteError::rejected(0..spans, reason),
            _ => WriteError::Unavailable { reason },
        }
    }
}

/// Whether the same call may succeed later.
fn may_succeed(code: Code) -> bool {
    !matches!(
        code,
        Code::InvalidArgument
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::NotFound
            | Code::AlreadyExists
    )
}

fn unreachable(error: tonic::transport::Error) -> Status {
    Status::from_error(Box::new(error))
}
