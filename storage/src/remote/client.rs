//! Calls to a store in another process.
//!
//! In: a method, its message as bytes, and whose it is. Out: the stream of its answer. The first call finds out how the store is spoken to, and says so in the
//! log; a store that no longer knows a method is asked anew. It remembers whether the last call reached the store, for `/ready`.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use model::Instance;
use parking_lot::Mutex;
use prost::Message as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::codec::Streaming;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, IntoStreamingRequest as _, Request, Status};
use trust::Dialer;
use wire::r#gen::storage::v1::CapabilitiesResponse;

use super::Config;
use super::protocol::{Method, Protocol};
use crate::peers::{Peers, explain};
use crate::port::{ReadError, WriteError};
use crate::raw::Raw;

/// The longest message that is read of an answer: Jaeger's stores send up to a thousand spans in one.
const MAX_MESSAGE: usize = 64 << 20;
/// When senders are told to come back.
const LATER: Duration = Duration::from_secs(1);
/// Between the calls that are made in place of one whose connection ended.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(1),
    Duration::from_millis(20),
    Duration::from_millis(100),
];
/// Where an answer says why it was cut.
const PARTIAL: &str = "spoor-partial";
/// What Jaeger's own clients put a token into.
const TOKEN: &str = "bearer.token";

/// A client of one store.
pub(super) struct Client {
    peers: Peers,
    pub(super) config: Config,
    found: Mutex<Option<Protocol>>,
    /// Why the last call did not reach the store.
    ill: Mutex<Option<String>>,
    /// Somebody is looking whether it is back.
    looking: AtomicBool,
    closed: CancellationToken,
    tracker: TaskTracker,
}

/// Whose a call is, and on whose behalf.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) instance: &'a Instance,
    /// The caller's own token or key, with its scheme.
    pub(super) credentials: Option<&'a SecretString>,
    /// How long the answer is waited for: the store may give up then.
    pub(super) patience: Option<Duration>,
}

// === impl Client ===

impl Client {
    pub(super) fn new(config: Config, dialer: Dialer) -> Self {
        Self {
            peers: Peers::new(config.servers.clone(), dialer),
            config,
            found: Mutex::default(),
            ill: Mutex::default(),
            looking: AtomicBool::new(false),
            closed: CancellationToken::new(),
            tracker: TaskTracker::new(),
        }
    }

    /// How it is spoken to, if that was found.
    pub(super) fn known(&self) -> Option<Protocol> {
        *self.found.lock()
    }

    /// What was found, to be set by a test.
    #[cfg(test)]
    pub(super) fn found_for_tests(&self) -> parking_lot::MutexGuard<'_, Option<Protocol>> {
        self.found.lock()
    }

    /// Finds out how it is spoken to, within the time of a write.
    pub(super) async fn find(&self, instance: &Instance) -> Result<Protocol, String> {
        let whose = Whose {
            instance,
            credentials: None,
            patience: Some(self.config.patience),
        };
        let found = tokio::time::timeout(self.config.patience, self.protocol(whose)).await;
        let found = found.unwrap_or_else(|_| Err(self.late()));
        found.map_err(|status| self.reason(&status))
    }

    /// How it is spoken to.
    pub(super) async fn protocol(&self, whose: Whose<'_>) -> Result<Protocol, Status> {
        self.open()?;
        if let Some(found) = self.known() {
            return Ok(found);
        }
        let found = self.ask(whose).await?;
        if self.found.lock().replace(found) != Some(found) {
            let server = self.peers.shown();
            tracing::info!(server, protocol = %found, "found how the remote store is spoken to");
        }
        Ok(found)
    }

    async fn ask(&self, whose: Whose<'_>) -> Result<Protocol, Status> {
        let ways = match self.config.protocol {
            Some(one) => vec![one],
            None => vec![
                Protocol::Spoor,
                Protocol::V2,
                Protocol::V1 { streams: false },
            ],
        };
        for way in ways {
            if let Protocol::V1 { .. } = way {
                return Ok(Protocol::V1 {
                    streams: self.streams(whose).await?,
                });
            }
            // nothing is asked for: whatever is answered, the method is there
            match self
                .only(whose, way.path(Method::GetTraces), Bytes::new())
                .await
            {
                Err(status) if status.code() == Code::Unimplemented => {}
                Err(status) if !is_of_the_method(&status) => return Err(status),
                Ok(_) | Err(_) => return Ok(way),
            }
        }
        Err(Status::unimplemented(format!(
            "it does not speak {}.protocol={}",
            self.config.prefix,
            self.config
                .protocol
                .map_or_else(String::new, |way| way.to_string())
        )))
    }

    /// Whether a store of version 1 takes many spans in one stream.
    async fn streams(&self, whose: Whose<'_>) -> Result<bool, Status> {
        let path = Protocol::V1 { streams: false }.path(Method::Capabilities);
        match self.only(whose, path, Bytes::new()).await {
            Ok((Some(message), _)) => {
                let says = CapabilitiesResponse::decode(message);
                Ok(says.is_ok_and(|says| says.streaming_span_writer))
            }
            Ok((None, _)) => Ok(false),
            Err(status) if status.code() == Code::Unimplemented => {
                // the oldest stores do not say what they can; what is no store at all knows no traces either
                let path = Protocol::V1 { streams: false }.path(Method::GetTraces);
                match self.only(whose, path, Bytes::new()).await {
                    Err(status) if status.code() == Code::Unimplemented => {
                        Err(Status::unimplemented(
                            "it speaks neither jaeger.storage.v2 nor jaeger.storage.v1: is it a store?",
                        ))
                    }
                    Err(status) if !is_of_the_method(&status) => Err(status),
                    Ok(_) | Err(_) => Ok(false),
                }
            }
            Err(status) => Err(status),
        }
    }

    /// Begins a call with one message.
    pub(super) async fn call(
        &self,
        whose: Whose<'_>,
        path: &'static str,
        message: Bytes,
    ) -> Result<Streaming<Bytes>, Status> {
        unless_cut(|| self.begin(whose, path, message.clone())).await
    }

    async fn begin(
        &self,
        whose: Whose<'_>,
        path: &'static str,
        message: Bytes,
    ) -> Result<Streaming<Bytes>, Status> {
        let mut grpc = self.grpc().await?;
        let request = self.request(whose, message)?;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.server_streaming(request, path, Raw).await;
        let answer = answer.map(tonic::Response::into_inner);
        self.noted(answer)
    }

    /// A call with one message each way, and why its answer lacks something.
    pub(super) async fn only(
        &self,
        whose: Whose<'_>,
        path: &'static str,
        message: Bytes,
    ) -> Result<(Option<Bytes>, Option<String>), Status> {
        unless_cut(|| self.whole(whose, path, message.clone())).await
    }

    async fn whole(
        &self,
        whose: Whose<'_>,
        path: &'static str,
        message: Bytes,
    ) -> Result<(Option<Bytes>, Option<String>), Status> {
        let mut answer = self.begin(whose, path, message).await?;
        let mut first = None;
        while let Some(message) = self.noted(answer.message().await)? {
            first.get_or_insert(message);
        }
        Ok((first, partial(&mut answer).await))
    }

    /// A call with many messages, which are answered as one.
    pub(super) async fn many<S>(
        &self,
        whose: Whose<'_>,
        path: &'static str,
        messages: impl Fn() -> S,
    ) -> Result<(), Status>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        unless_cut(|| self.all(whose, path, messages())).await
    }

    async fn all<S>(&self, whose: Whose<'_>, path: &'static str, messages: S) -> Result<(), Status>
    where
        S: Stream<Item = Bytes> + Send + 'static,
    {
        let mut grpc = self.grpc().await?;
        let head = self.request(whose, ())?;
        let mut request = messages.into_streaming_request();
        *request.metadata_mut() = head.metadata().clone();
        let path = PathAndQuery::from_static(path);
        let answered = grpc.client_streaming(request, path, Raw).await;
        self.noted(answered.map(drop))
    }

    fn open(&self) -> Result<(), Status> {
        match self.closed.is_cancelled() {
            true => Err(Status::unavailable("storage is closed")),
            false => Ok(()),
        }
    }

    async fn grpc(&self) -> Result<tonic::client::Grpc<Channel>, Status> {
        self.open()?;
        let peer = self.peers.next().await.map_err(Status::unavailable);
        let peer = self.noted(peer)?;
        let (channel, origin) = (peer.channel.clone(), peer.origin.clone());
        let mut grpc = tonic::client::Grpc::with_origin(channel, origin)
            .max_decoding_message_size(MAX_MESSAGE);
        let ready = grpc.ready().await;
        self.noted(ready.map_err(|error| Status::from_error(Box::new(error))))?;
        Ok(grpc)
    }

    fn request<T>(&self, whose: Whose<'_>, message: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        if let Some(patience) = whose.patience {
            request.set_timeout(patience);
        }
        let metadata = request.metadata_mut();
        if let Some(header) = &self.config.tenant_header {
            let tenant = whose.instance.namespace();
            let header = header.parse::<MetadataKey<Ascii>>();
            let tenant = tenant.parse::<MetadataValue<Ascii>>();
            match (header, tenant) {
                (Ok(header), Ok(tenant)) => drop(metadata.insert(header, tenant)),
                _ => return Err(Status::internal("the tenant header cannot be sent")),
            }
        }
        if let Some(credentials) = whose.credentials {
            let text = credentials.expose_secret();
            let (key, text) = match text.strip_prefix("Bearer ") {
                Some(token) => (TOKEN, token),
                None => ("authorization", text),
            };
            // what is no text is not handed on
            if let Ok(mut value) = text.parse::<MetadataValue<Ascii>>() {
                value.set_sensitive(true);
                metadata.insert(key, value);
            }
        }
        Ok(request)
    }

    /// Remembers what a call says of the store.
    pub(super) fn noted<T>(&self, answer: Result<T, Status>) -> Result<T, Status> {
        self.note(answer.as_ref().err());
        answer
    }

    fn note(&self, error: Option<&Status>) {
        match error {
            Some(status) if is_away(status) => {
                self.peers.doubt();
                *self.ill.lock() = Some(self.reason(status));
            }
            // whatever it said, it is there
            Some(_) | None => drop(self.ill.lock().take()),
        }
    }

    /// Why the last call did not reach the store. Asking has it looked for again.
    pub(super) fn health(self: &Arc<Self>) -> Result<(), String> {
        let ill = self.ill.lock().clone();
        let Some(ill) = ill else { return Ok(()) };
        let runtime = tokio::runtime::Handle::try_current();
        if let Ok(runtime) = runtime
            && !self.closed.is_cancelled()
            && !self.looking.swap(true, Ordering::AcqRel)
        {
            let client = self.clone();
            let look = async move {
                let instance = Instance::default();
                let whose = Whose {
                    instance: &instance,
                    credentials: None,
                    patience: Some(client.config.patience),
                };
                // what it answers is noted
                let asking = tokio::time::timeout(client.config.patience, client.ask(whose));
                tokio::select! {
                    _ = asking => {}
                    () = client.closed.cancelled() => {}
                }
                client.looking.store(false, Ordering::Release);
            };
            drop(self.tracker.spawn_on(look, &runtime));
        }
        Err(ill)
    }

    /// Later calls are refused.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// What failed, and the setting to look at.
    pub(super) fn reason(&self, status: &Status) -> String {
        format!(
            "the remote store at {} ({}.server): {}",
            self.peers.shown(),
            self.config.prefix,
            explain(status)
        )
    }

    /// It did not answer a write in time.
    pub(super) fn late(&self) -> Status {
        Status::deadline_exceeded(format!(
            "no answer within {}.connection-timeout={}",
            self.config.prefix,
            settings::GoDuration::from(self.config.patience)
        ))
    }

    /// A method is not there any more: another version has taken the store's place.
    fn ask_anew(&self, status: &Status) {
        if status.code() == Code::Unimplemented {
            self.found.lock().take();
        }
    }

    pub(super) fn write_error(&self, status: &Status) -> WriteError {
        self.ask_anew(status);
        let reason = self.reason(status);
        match status.code() {
            Code::ResourceExhausted => WriteError::Throttled {
                after: LATER,
                reason,
            },
            _ => WriteError::Unavailable { reason },
        }
    }

    pub(super) fn read_error(&self, status: &Status) -> ReadError {
        self.ask_anew(status);
        match status.code() {
            Code::InvalidArgument => ReadError::Invalid(status.message().to_owned()),
            Code::DeadlineExceeded => ReadError::Cancelled("the deadline passed"),
            _ => ReadError::Unavailable {
                reason: self.reason(status),
            },
        }
    }
}

/// Why an answer that has ended lacks something.
pub(super) async fn partial(answer: &mut Streaming<Bytes>) -> Option<String> {
    let trailers: Option<MetadataMap> = answer.trailers().await.ok().flatten();
    let text = trailers?.get(PARTIAL)?.to_str().ok()?.to_owned();
    Some(text)
}

/// Whether the method itself answered so, rather than what stands before it or a connection that is none.
fn is_of_the_method(status: &Status) -> bool {
    let code = matches!(
        status.code(),
        Code::Unknown
            | Code::Internal
            | Code::InvalidArgument
            | Code::NotFound
            | Code::OutOfRange
            | Code::FailedPrecondition
    );
    code && status.source().is_none()
}

/// Makes a call again, at the next address, when its connection ended before the answer: what is written twice is stored once. A call that fails so may be told of it before the
/// connection itself is, which then fails the one that follows at once: hence the pauses.
async fn unless_cut<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    for pause in PAUSES {
        match call().await {
            Err(status) if is_cut(&status) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
    }
    call().await
}

/// Whether the connection ended before the answer: a store has its connections end now and then, and one that is asked for meanwhile fails.
fn is_cut(status: &Status) -> bool {
    status.source().is_some()
}

/// Whether the store was not reached.
fn is_away(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded) || status.source().is_some()
}
