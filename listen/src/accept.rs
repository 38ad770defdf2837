//! The accept loop.
//!
//! In: bound sockets, a router, and a token that ends it. Out: one task a connection, owned here, never more than the cap. It ends when every
//! connection has ended: first those that are idle, then those that finish their requests, at last, after the grace, all others.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bind::Listener;
use crate::config::Limits;
use crate::connection;
use crate::metrics::{Closed, Counters, Refused};
use crate::tls;

/// First and longest wait after the system had nothing left to accept with.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Why a listener stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket is broken; trying again would not mend it.
    #[error("listener {listener} on {addr} broke: {source}")]
    Socket {
        /// The listener's name.
        listener: &'static str,
        /// Its address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// What all connections of a listener share.
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tls: Option<tls::Keeper>,
    pub(crate) tracker: TaskTracker,
    /// Finish and take no more.
    pub(crate) stop: CancellationToken,
    /// Time is up.
    cut_off: CancellationToken,
    room: Arc<Semaphore>,
}

impl Listener {
    /// Accepts and serves until `shutdown`, and ends when the last connection has: each is told to finish (GOAWAY, `connection: close`), and cut off
    /// after [`Limits::shutdown_grace`]. Dropping the future cuts all off at once.
    pub async fn serve(
        self,
        router: Router,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let stop = shutdown.child_token();
        let shared = Arc::new(Shared {
            router: router.with_state(()),
            room: Arc::new(Semaphore::new(
                self.limits.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            limits: self.limits,
            counters: self.counters,
            tls: self.tls,
            tracker: TaskTracker::new(),
            stop: stop.clone(),
            cut_off: CancellationToken::new(),
        });
        let _dropped = shared.cut_off.clone().drop_guard();
        let sockets = self
            .sockets
            .into_iter()
            .map(|socket| accept(socket, Arc::clone(&shared)));
        let serving = async {
            let result = try_join_all(sockets).await.map(drop);
            stop.cancel();
            shared.tracker.close();
            if tokio::time::timeout(shared.limits.shutdown_grace, shared.tracker.wait())
                .await
                .is_err()
            {
                shared.cut_off.cancel();
                shared.tracker.wait().await;
            }
            result
        };
        tokio::select! {
            result = serving => result,
            never = keep(&shared) => match never {},
        }
    }
}

/// Takes up changed TLS files as long as there are connections.
async fn keep(shared: &Shared) -> std::convert::Infallible {
    match &shared.tls {
        Some(tls) => tls.keep().await,
        None => std::future::pending().await,
    }
}

async fn accept(socket: TcpListener, shared: Arc<Shared>) -> Result<(), ServeError> {
    let mut back_off = BACK_OFF.0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.stop.cancelled() => break,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                back_off = BACK_OFF.0;
                begin(&shared, stream, peer);
            }
            Err(error) if concerns_one_connection(&error) => {
                shared.counters.accept_errors.inc();
            }
            Err(error) if is_broken(&error) => {
                let addr = socket
                    .local_addr()
                    .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
                return Err(ServeError::Socket {
                    listener: shared.counters.listener,
                    addr,
                    source: error,
                });
            }
            // No descriptor or memory left: only time, or a connection that ends, can help.
            Err(error) => {
                shared.counters.accept_failed(&error);
                tokio::select! {
                    () = shared.stop.cancelled() => break,
                    () = tokio::time::sleep(back_off) => {}
                }
                back_off = (back_off * 2).min(BACK_OFF.1);
            }
        }
    }
    // Who connected before the shutdown is not turned away: the kernel would reset them.
    while let Some(Ok((stream, peer))) = socket.accept().now_or_never() {
        begin(&shared, stream, peer);
    }
    Ok(())
}

fn begin(shared: &Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let counters = &shared.counters;
    let Ok(room) = Arc::clone(&shared.room).try_acquire_owned() else {
        counters.refuse(Refused::Cap, peer, "");
        return;
    };
    counters.accepted.inc();
    counters.connections.inc();
    let shared = Arc::clone(shared);
    shared.tracker.clone().spawn(async move {
        let run: std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> =
            Box::pin(connection::run(&shared, stream, peer));
        tokio::select! {
            ended = AssertUnwindSafe(run).catch_unwind() => if ended.is_err() {
                // A body that panics while it is sent ends its connection, not its neighbours.
                shared.counters.panicked("", "a body panicked while it was sent");
            },
            () = shared.cut_off.cancelled() => shared.counters.close(Closed::ShutdownGrace),
        }
        shared.counters.connections.dec();
        drop(room);
    });
}

/// The client was gone before we had it.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, PermissionDenied,
        TimedOut,
    };
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionRefused
            | ConnectionReset
            | Interrupted
            | PermissionDenied
            | TimedOut
    )
}

/// `EBADF`, `EINVAL`, `ENOTSOCK`: not a listening socket any more.
fn is_broken(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(9 | 22 | 88))
}
