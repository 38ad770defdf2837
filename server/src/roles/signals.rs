//! The signals that end the program, SIGTERM and SIGINT; and SIGHUP, which has its file of settings looked at.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for signals.
pub(super) struct Signals {
    term: Signal,
    interrupt: Signal,
}

/// Waits for SIGHUP.
pub(super) struct Hangups(Signal);

// === impl Hangups ===

impl Hangups {
    /// From here on it no longer kills the process.
    pub(super) fn catch() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Ends with the next one.
    pub(super) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            // there will be none
            std::future::pending::<()>().await;
        }
    }
}

// === impl Signals ===

impl Signals {
    /// From here on the signals no longer kill the process.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next one.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
