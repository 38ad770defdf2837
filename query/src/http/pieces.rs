//! The body of an answer that is made of traces: given piece by piece, and let go piece by piece.
//!
//! In: pieces of JSON, and the turn that the request waited for. Out: a body of known length; one that is indented is so as it is read, since it is twice as long. The turn ends when the last piece was taken or
//! the client went away, so that what answers hold in memory is bounded by the number of turns, however slowly they are read. A client that
//! reads too slowly is cut off, so that it does not keep others from their turn.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use super::indent::Indent;
use crate::service::Turn;

/// Every client may take this long,
const PATIENCE: Duration = Duration::from_secs(60);
/// and this many bytes a second beyond.
const LEAST_RATE: u64 = 256 << 10;
/// So much is indented at once.
const STRETCH: usize = 256 << 10;

/// A body in pieces.
pub(super) struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
    until: Instant,
    indent: Option<Indent>,
    /// Held until the body is gone.
    _turn: Option<Turn>,
}

/// The client took longer than anyone may.
#[derive(Debug, thiserror::Error)]
#[error("the client read slower than {} KiB a second", LEAST_RATE >> 10)]
pub(super) struct TooSlow;

// === impl Pieces ===

impl Pieces {
    /// A body of these pieces, in this order; `pretty`: indented.
    pub(super) fn body(pieces: Vec<Vec<u8>>, pretty: bool, turn: Option<Turn>) -> Body {
        let pieces: VecDeque<Bytes> = pieces.into_iter().map(Bytes::from).collect();
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        let until = Instant::now() + PATIENCE + Duration::from_secs(left / LEAST_RATE);
        Body::new(Self {
            pieces,
            left,
            until,
            indent: pretty.then(Indent::default),
            _turn: turn,
        })
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = TooSlow;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooSlow>>> {
        let this = self.get_mut();
        let Some(mut piece) = this.pieces.pop_front() else {
            return Poll::Ready(None);
        };
        if Instant::now() > this.until {
            this.pieces.clear();
            return Poll::Ready(Some(Err(TooSlow)));
        }
        if this.indent.is_some() && piece.len() > STRETCH {
            this.pieces.push_front(piece.split_off(STRETCH));
        }
        this.left -= piece.len() as u64;
        let data = match &mut this.indent {
            Some(indent) => Bytes::from(indent.add(&piece)),
            None => piece,
        };
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.indent {
            Some(_) => SizeHint::default(),
            None => SizeHint::with_exact(self.left),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_come_in_order_with_their_length() {
        let body = Pieces::body(vec![b"ab".to_vec(), b"c".to_vec()], false, None);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn a_long_piece_is_indented_stretch_by_stretch() {
        let text = "x".repeat(STRETCH);
        let long = format!("[\"{text}\",1]").into_bytes();
        let mut body = Pieces::body(vec![long], true, None);
        assert_eq!(body.size_hint().exact(), None);
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(first.len() < STRETCH + 64, "{}", first.len());
        let rest = body.collect().await.unwrap().to_bytes();
        let whole = [first, rest].concat();
        let wanted = format!("[\n    \"{text}\",\n    1\n]");
        assert!(whole == wanted.as_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_drips_is_cut_off() {
        let mut body = Pieces::body(vec![b"ab".to_vec(), b"c".to_vec()], false, None);
        assert!(body.frame().await.unwrap().is_ok());
        tokio::time::advance(PATIENCE * 2).await;
        assert!(body.frame().await.unwrap().is_err());
        assert!(body.frame().await.is_none());
    }
}
