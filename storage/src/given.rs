//! What an answer has given, held against its limits.
//!
//! In: traces and spans, one by one. Out: whether there is room for one more; if not, the limit and its setting in words.

use crate::port::ReadLimits;

#[derive(Debug, Default)]
pub(crate) struct Given {
    traces: usize,
    spans: usize,
    bytes: usize,
}

/// What the end of an answer says that reached a limit.
pub(crate) fn cut(limit: &str) -> String {
    format!("the answer was cut at its limit of {limit}")
}

pub(crate) fn traces(limit: usize) -> String {
    format!("{limit} traces (query.max-traces)")
}

// === impl Given ===

impl Given {
    /// One more trace.
    pub(crate) fn trace(&mut self, limits: &ReadLimits) -> Result<(), String> {
        if self.traces >= limits.traces {
            return Err(cut(&traces(limits.traces)));
        }
        self.traces += 1;
        Ok(())
    }

    /// One more span, of so many bytes.
    pub(crate) fn span(&mut self, bytes: usize, limits: &ReadLimits) -> Result<(), String> {
        if self.spans >= limits.spans {
            return Err(cut(&format!("{} spans (query.max-spans)", limits.spans)));
        }
        let bytes = self.bytes.saturating_add(bytes);
        if bytes > limits.bytes {
            return Err(cut(&format!("{} bytes (query.max-bytes)", limits.bytes)));
        }
        self.spans += 1;
        self.bytes = bytes;
        Ok(())
    }
}
