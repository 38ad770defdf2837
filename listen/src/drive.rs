//! One HTTP connection, from its first request to its end.
//!
//! In: a stream that speaks HTTP/1 or HTTP/2, and the router. Out: why it ended. The deadlines of [`Activity`], the age, the shutdown and a removed
//! authority all meet here, so that there is one place that closes connections.

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use crate::accept::Shared;
use crate::activity::{Activity, Overdue};
use crate::config::Limits;
use crate::io::Io;
use crate::metrics::{Closed, Counters, Refused};
use crate::peer::Peer;
use crate::service::Requests;
use crate::sniff::Opening;
use crate::tls::Session;

/// What a client gets that was asked to go, before it is cut off.
const LEAVE: Duration = Duration::from_secs(5);

/// How often a head is looked at that was on its way when the shutdown began.
const MID_HEAD: Duration = Duration::from_millis(20);

/// What a refused client is said to have done.
const STALLED: &str = "a request's body stopped coming";

/// Runs hyper's tasks of one HTTP/2 stream each, all owned by the listener.
#[derive(Clone)]
struct Owned(TaskTracker);

impl<F> hyper::rt::Executor<F> for Owned
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// A connection that can be asked to finish what it has and take no more.
trait Gracious: Future<Output = hyper::Result<()>> {
    fn finish(self: Pin<&mut Self>);
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Gracious
    for http1::Connection<TokioIo<Io<S>>, Requests>
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Gracious
    for http2::Connection<TokioIo<Io<S>>, Requests, Owned>
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Serves `stream`, of which `front` was read already, until it ends.
pub(crate) async fn serve<S>(
    shared: &Shared,
    stream: S,
    opening: Opening,
    front: Bytes,
    peer: Peer,
    session: Option<Session>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &shared.limits;
    let is_http2 = opening == Opening::Http2;
    let activity = Arc::new(Activity::new(!is_http2));
    let addr = peer.addr;
    let io = TokioIo::new(Io::new(stream, front, Some(Arc::clone(&activity))));
    let requests = Requests {
        router: shared.router.clone(),
        peer,
        activity: Arc::clone(&activity),
        counters: Arc::clone(&shared.counters),
        body_progress: limits.body_progress,
    };
    if is_http2 {
        let connection =
            http2_builder(limits, shared.tracker.clone()).serve_connection(io, requests);
        watch(shared, connection, &activity, addr, session).await;
    } else {
        let connection =
            http1_builder(limits, !shared.stop.is_cancelled()).serve_connection(io, requests);
        watch(shared, connection, &activity, addr, session).await;
    }
}

fn http1_builder(limits: &Limits, keep_alive: bool) -> http1::Builder {
    let mut builder = http1::Builder::new();
    let header_bytes = usize::try_from(limits.max_header_bytes).unwrap_or(usize::MAX);
    builder
        .timer(TokioTimer::new())
        .keep_alive(keep_alive)
        // Activity keeps this deadline: hyper's would end idle connections as well.
        .header_read_timeout(None)
        .max_header_size(header_bytes)
        .max_buf_size(header_bytes.saturating_mul(2).max(256 << 10));
    builder
}

fn http2_builder(limits: &Limits, tracker: TaskTracker) -> http2::Builder<Owned> {
    let mut builder = http2::Builder::new(Owned(tracker));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_concurrent_streams)
        .max_header_list_size(limits.max_header_bytes)
        .max_pending_accept_reset_streams(limits.max_pending_reset_streams)
        .max_local_error_reset_streams(limits.max_local_reset_streams)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .max_frame_size(limits.max_frame_bytes)
        .keep_alive_interval(limits.keep_alive)
        .keep_alive_timeout(limits.keep_alive_timeout);
    builder
}

async fn watch(
    shared: &Shared,
    connection: impl Gracious,
    activity: &Activity,
    peer: SocketAddr,
    mut session: Option<Session>,
) {
    let mut connection = pin!(connection);
    let mut judge = Judge::new(shared, activity, peer);
    let mut look_at = Instant::now();
    loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => return judge.ended(result),
            () = shared.stop.cancelled(), if !judge.stopping => {
                judge.stopping = true;
                look_at = Instant::now();
            }
            () = revoked(&mut session) => return shared.counters.close(Closed::ClientCaRemoved),
            () = activity.stalled_now.notified() => look_at = Instant::now(),
            () = sleep_until(look_at) => match judge.look(connection.as_mut()) {
                Some(next) => look_at = next,
                None => return,
            },
        }
    }
}

/// Decides when a connection has had its time.
struct Judge<'a> {
    limits: &'a Limits,
    counters: &'a Counters,
    activity: &'a Activity,
    peer: SocketAddr,
    stopping: bool,
    asked_to_finish: bool,
    /// It was asked to go and will not be waited for any longer than this.
    cut_off_at: Option<Instant>,
    /// When it is of age; gone once it is.
    ages_at: Option<Instant>,
}

impl<'a> Judge<'a> {
    fn new(shared: &'a Shared, activity: &'a Activity, peer: SocketAddr) -> Self {
        Self {
            limits: &shared.limits,
            counters: &shared.counters,
            activity,
            peer,
            stopping: false,
            asked_to_finish: false,
            cut_off_at: None,
            ages_at: shared
                .limits
                .max_connection_age
                .map(|age| Instant::now() + jittered(age)),
        }
    }

    /// When to look again; `None`: the connection is to be dropped.
    fn look(&mut self, mut connection: Pin<&mut impl Gracious>) -> Option<Instant> {
        let now = Instant::now();
        if self.cut_off_at.is_some_and(|at| at <= now) {
            return None;
        }
        if self.ages_at.is_some_and(|at| at <= now) {
            self.ages_at = None;
            self.counters.close(Closed::Age);
            self.ask(connection.as_mut(), self.limits.max_connection_age_grace);
        }
        let standing = self.activity.check(self.limits);
        if self.stopping && !self.asked_to_finish {
            // Hyper would drop a request whose head is still coming, so that is awaited.
            if standing.is_ok() && self.activity.is_hearing_a_head() {
                return Some(now + MID_HEAD);
            }
            self.ask(connection.as_mut(), None);
        }
        let wait = match standing {
            Ok(wait) => wait,
            // It may take its leave; nothing more is held against it.
            Err(Overdue::Idle | Overdue::Body) if self.cut_off_at.is_some() => LEAVE,
            Err(Overdue::Idle) => {
                self.counters.close(Closed::Idle);
                self.ask(connection, Some(LEAVE));
                LEAVE
            }
            Err(Overdue::Body) => {
                self.refuse(Refused::BodyTimeout, STALLED);
                self.ask(connection, Some(LEAVE));
                LEAVE
            }
            Err(Overdue::Headers) => {
                self.refuse(Refused::HeaderTimeout, "a request's head did not end");
                return None;
            }
            Err(Overdue::Send) => {
                self.refuse(Refused::SendTimeout, "an answer was not taken");
                return None;
            }
        };
        let others = [self.cut_off_at, self.ages_at].into_iter().flatten();
        Some(others.fold(now + wait, Instant::min))
    }

    fn ask(&mut self, connection: Pin<&mut impl Gracious>, cut_off_after: Option<Duration>) {
        self.asked_to_finish = true;
        if let Some(after) = cut_off_after {
            self.cut_off_at = Some(Instant::now() + after);
        }
        connection.finish();
    }

    fn refuse(&self, reason: Refused, detail: &str) {
        self.counters.refuse(reason, self.peer, detail);
    }

    fn ended(&self, result: hyper::Result<()>) {
        if let Err(error) = result {
            tracing::debug!(listener = self.counters.listener, %error, "a connection ended with an error");
        }
        // HTTP/1 may end right after its handler's answer, before anyone looked.
        if self.activity.has_stalled() && self.cut_off_at.is_none() {
            self.refuse(Refused::BodyTimeout, STALLED);
        }
    }
}

/// Ends when the authority that vouched for the client is gone; never without one.
async fn revoked(session: &mut Option<Session>) {
    match session {
        Some(session) => session.revoked().await,
        None => std::future::pending().await,
    }
}

/// ± 10 %, so that connections that came together do not leave together.
fn jittered(age: Duration) -> Duration {
    let random = RandomState::new().hash_one(()) % 2001;
    age.mul_f64(0.9 + f64::from(u16::try_from(random).unwrap_or(1000)) / 10_000.0)
}
