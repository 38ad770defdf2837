//! Reading a request's body within its limits, charging for it before it takes room.
//!
//! In: a body as it arrives. Out: its bytes in one buffer of just their size. Knows neither gRPC nor HTTP: the receivers say how long the
//! body is, where they know. A sender that stops is cut off by the listener.
//!
//! What a declared length will need is held from the beginning, so that what is let in is seldom refused later. A body that is not there soon
//! loses that place, or senders that declare much and send nothing would hold all the room at no cost: it holds what has arrived, and takes the
//! rest when it is complete.

use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;

use crate::admission::{Permit, STEP};
use crate::fault::Fault;

/// How long a body holds room for more than has arrived.
const SOON: Duration = Duration::from_millis(100);

/// A body that is being read.
pub(crate) struct Inflow {
    body: Body,
    rest: Bytes,
}

/// How much of a body is taken, and how the refusal of more is worded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// In bytes, on the wire and inflated.
    pub(crate) bytes: usize,
    /// The setting that moves it.
    pub(crate) setting: &'static str,
}

/// A body that was not there soon: it holds what has arrived and no more.
struct Slow<'a> {
    bytes: Vec<u8>,
    permit: &'a mut Permit,
}

// === impl Inflow ===

impl Inflow {
    /// Nothing of `body` is read yet.
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body,
            rest: Bytes::new(),
        }
    }

    /// The next bytes, never empty; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        if !self.rest.is_empty() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| Fault::Broken(root_cause(&error)))?;
            match frame.into_data() {
                Ok(data) if !data.is_empty() => return Ok(Some(data)),
                // an empty frame, or trailers, which end the body
                Ok(_) | Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The first `N` bytes; `None` when the body ends before the first.
    pub(crate) async fn head<const N: usize>(&mut self) -> Result<Option<[u8; N]>, Fault> {
        let mut head = [0; N];
        let mut filled = 0;
        while let Some(room) = head.get_mut(filled..).filter(|room| !room.is_empty()) {
            let Some(mut data) = self.next().await? else {
                return match filled {
                    0 => Ok(None),
                    _ => Err(ended(filled, N)),
                };
            };
            let n = room.len().min(data.len());
            for (to, from) in room.iter_mut().zip(data.split_to(n)) {
                *to = from;
            }
            filled += n;
            self.rest = data;
        }
        Ok(Some(head))
    }

    /// The next `len` bytes, which `permit` holds already.
    pub(crate) async fn exactly(
        &mut self,
        len: usize,
        permit: &mut Permit,
    ) -> Result<Vec<u8>, Fault> {
        let whole = permit.held();
        let mut bytes = Vec::with_capacity(len);
        let soon = tokio::time::timeout(SOON, async {
            while bytes.len() < len {
                let data = self.at_most(len - bytes.len()).await?;
                bytes.extend_from_slice(&data.ok_or_else(|| ended(bytes.len(), len))?);
            }
            Ok(())
        });
        match soon.await {
            Ok(read) => read.map(|()| bytes),
            Err(_) => {
                let mut slow = Slow::new(bytes, permit)?;
                while slow.bytes.len() < len {
                    let data = self.at_most(len - slow.bytes.len()).await?;
                    let data = data.ok_or_else(|| ended(slow.bytes.len(), len))?;
                    slow.push(&data, len)?;
                }
                slow.complete(whole)
            }
        }
    }

    /// The next bytes, no more than `most`.
    async fn at_most(&mut self, most: usize) -> Result<Option<Bytes>, Fault> {
        let Some(mut data) = self.next().await? else {
            return Ok(None);
        };
        self.rest = data.split_off(data.len().min(most));
        Ok(Some(data))
    }

    /// All that is left, of a length that nobody declared: charged in steps, each before it takes room.
    pub(crate) async fn rest_of_it(
        &mut self,
        limit: Limit,
        permit: &mut Permit,
    ) -> Result<Vec<u8>, Fault> {
        let beside = permit.held();
        let mut bytes = Vec::new();
        let mut paid = 0;
        let too_long = |len: usize, more: usize| len + more > limit.bytes;
        let soon = tokio::time::timeout(SOON, async {
            while let Some(data) = self.next().await? {
                if too_long(bytes.len(), data.len()) {
                    return Err(limit.exceeded("request body"));
                }
                make_room(&mut bytes, data.len(), &mut paid, permit)?;
                bytes.extend_from_slice(&data);
            }
            Ok(())
        });
        match soon.await {
            Ok(read) => read.map(|()| bytes),
            Err(_) => {
                let mut slow = Slow::new(bytes, permit)?;
                while let Some(data) = self.next().await? {
                    if too_long(slow.bytes.len(), data.len()) {
                        return Err(limit.exceeded("request body"));
                    }
                    slow.push(&data, limit.bytes)?;
                }
                let whole = slow.bytes.capacity() + beside;
                slow.complete(whole)
            }
        }
    }

    /// Whether something follows, once that is known. Waiting for it in vain takes nothing away.
    pub(crate) async fn has_more(&mut self) -> Result<bool, Fault> {
        match self.next().await? {
            Some(data) => self.rest = data,
            None => return Ok(false),
        }
        Ok(true)
    }

    /// `Ok` when nothing follows.
    pub(crate) async fn at_end(&mut self) -> Result<bool, Fault> {
        Ok(self.next().await?.is_none())
    }

    /// Reads on and throws away, at most `most` bytes: HTTP/1.1 senders that are still writing when the connection closes never see the
    /// answer.
    pub(crate) async fn discard(&mut self, most: usize) {
        let mut seen = 0;
        while seen < most
            && let Ok(Some(data)) = self.next().await
        {
            seen += data.remaining();
        }
    }
}

// === impl Slow ===

impl<'a> Slow<'a> {
    /// Gives back what was held for bytes that did not come.
    fn new(mut bytes: Vec<u8>, permit: &'a mut Permit) -> Result<Self, Fault> {
        bytes.shrink_to_fit();
        permit.set(bytes.capacity())?;
        Ok(Self { bytes, permit })
    }

    /// Adds `data` to what will never be longer than `most`.
    fn push(&mut self, data: &[u8], most: usize) -> Result<(), Fault> {
        let (len, needed) = (self.bytes.len(), self.bytes.len() + data.len());
        if needed > self.bytes.capacity() {
            let capacity = needed.max((len + len / 2).min(most));
            self.permit.set(capacity)?;
            self.bytes.reserve_exact(capacity - len);
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    /// Holds `whole` from now on, as a body that came at once.
    fn complete(self, whole: usize) -> Result<Vec<u8>, Fault> {
        self.permit.set(whole.max(self.bytes.capacity()))?;
        Ok(self.bytes)
    }
}

// === impl Limit ===

impl Limit {
    /// The refusal of what is longer.
    pub(crate) fn exceeded(self, what: &'static str) -> Fault {
        Fault::TooLarge {
            what,
            limit: self.bytes,
            setting: self.setting,
        }
    }
}

/// Makes room for `more` in `bytes`, charged first, in whole steps. `paid` is what `permit` was charged for `bytes` so far.
///
/// The buffer grows by half, so that long bodies are not copied over and over; its capacity never passes what was paid for.
pub(crate) fn make_room(
    bytes: &mut Vec<u8>,
    more: usize,
    paid: &mut usize,
    permit: &mut Permit,
) -> Result<(), Fault> {
    let needed = bytes.len() + more;
    if needed <= bytes.capacity() {
        return Ok(());
    }
    let capacity = needed.max(bytes.len() + bytes.len() / 2);
    if capacity > *paid {
        let target = capacity.next_multiple_of(STEP);
        permit.add(target - *paid)?;
        *paid = target;
    }
    bytes.reserve_exact(capacity - bytes.len());
    Ok(())
}

fn ended(at: usize, expected: usize) -> Fault {
    Fault::Undecodable(format!(
        "the body ended after {at} of {expected} bytes that it declared"
    ))
}

/// The innermost words of an error: the outer ones only say that reading failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
