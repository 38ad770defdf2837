//! A bar that says how far a command is: on a terminal, and nowhere else.

use std::io::{self, IsTerminal as _, Read};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    /// Bytes.
    Bytes,
    /// Things.
    Things,
}

/// How far a command is.
pub(super) struct Progress(ProgressBar);

// === impl Progress ===

impl Progress {
    /// Of so many; `None`: nobody knows. `shares_terminal` when what is written goes to the terminal as well.
    pub(super) fn of(
        what: &'static str,
        all: Option<u64>,
        unit: Unit,
        shares_terminal: bool,
    ) -> Self {
        let target = if io::stderr().is_terminal() && !shares_terminal {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(all, target);
        let template = match (all, unit) {
            (Some(_), Unit::Bytes) => "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left",
            (Some(_), Unit::Things) => "{msg} {wide_bar} {pos} of {len}, {eta} left",
            (None, Unit::Bytes) => "{msg} {bytes}, {bytes_per_sec}",
            (None, Unit::Things) => "{msg} {pos}",
        };
        // the templates are ours; one that is wrong is no reason to stop
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// It is here now.
    pub(super) fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// It is here now, of so many.
    pub(super) fn at_of(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    /// A reader whose bytes are counted.
    pub(super) fn counting<R: Read>(&self, reader: R) -> impl Read + use<R> {
        self.0.wrap_read(reader)
    }

    /// Says something beside the bar.
    pub(super) fn beside<T>(&self, say: impl FnOnce() -> T) -> T {
        self.0.suspend(say)
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}
