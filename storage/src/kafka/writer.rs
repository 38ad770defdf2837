//! Spans into records, and records to the brokers.
//!
//! In: a batch. Out: `Ok` once the brokers took each record; which spans can never be taken; or an error, and then the same spans may be sent again: stores behind Kafka keep one copy.
//! Each record says in a header whose it is, and its key, the trace's id, says which partition.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/kafka/writer.go` v1.76.0, which hears of failures when the spans have long been acknowledged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{Batch, Span};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::{Header, OwnedHeaders};
use wire::encoding::{Encoder, Written, encode_key};

use super::config::Config;
use super::delivery::{Delivery, Failed};
use super::letters::Letter;
use super::live::{Live, Record};
use super::metrics::Metrics;
use super::producer::{self, Producer};
use super::turns::Turns;
use crate::port::{Unstorable, WriteError};

/// The header that says whose a record is, as `namespace/name`.
pub const INSTANCE_HEADER: &str = "spoor-instance";

/// Spans that are encoded before others get their turn on the thread.
const TURN: usize = 256;
/// How often a write begins again because the producer was replaced under it, or batches had to be smaller.
const ANEW: usize = 8;
/// What a record has beside its value, at most: a key, a header, numbers.
const AROUND: usize = 256;
/// How long room among the records on their way is waited for, and when whoever finds none is told to come again.
const ROOM_PATIENCE: Duration = Duration::from_secs(2);
const ROOM_PAUSE: Duration = Duration::from_millis(5);
const LATER: Duration = Duration::from_secs(1);

/// The way of one instance's spans.
pub(super) struct Channel {
    config: Config,
    encoder: Encoder,
    producer: Arc<Producer>,
    turns: Arc<Turns>,
    metrics: Metrics,
}

/// A record that is still to be taken: which spans, and where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    start: usize,
    end: usize,
    /// How long the record was that was made of it last.
    bytes: usize,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is in the topic.
    Whole,
    /// No record of the topic may be so large.
    TooLarge,
}

/// Where records are written, one after the other.
#[derive(Default)]
struct Room {
    key: Vec<u8>,
    value: Vec<u8>,
    written: Written,
}

// === impl Channel ===

impl Channel {
    pub(super) fn new(
        config: Config,
        encoder: Encoder,
        producer: Arc<Producer>,
        metrics: Metrics,
    ) -> Self {
        Self {
            config,
            encoder,
            producer,
            turns: Arc::default(),
            metrics,
        }
    }

    pub(super) fn producer(&self) -> &Arc<Producer> {
        &self.producer
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Writes the spans of a batch.
    pub(super) async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let began = Instant::now();
        let _turn = self.turns.turn(batch.retained_bytes).await;
        let mut left = self.pieces(&batch.spans);
        let mut never = Vec::new();
        for _ in 0..ANEW {
            let again = self.write_pieces(&batch.spans, left, &mut never).await?;
            if again.is_empty() {
                self.metrics
                    .written(batch.len() - never.len(), began.elapsed());
                if never.is_empty() {
                    return Ok(());
                }
                never.sort_by_key(|one: &Unstorable| one.at);
                return Err(WriteError::Rejected(never));
            }
            left = again;
        }
        Err(made_anew())
    }

    fn pieces(&self, spans: &[Span]) -> Vec<Piece> {
        match self.encoder {
            Encoder::Span(_) => (0..spans.len())
                .map(|start| Piece {
                    start,
                    end: start + 1,
                    bytes: 0,
                })
                .collect(),
            Encoder::Batch(_) if spans.is_empty() => Vec::new(),
            Encoder::Batch(_) => vec![Piece {
                start: 0,
                end: spans.len(),
                bytes: 0,
            }],
        }
    }

    /// Those that have to be written again: in smaller pieces, or because their producer is gone.
    async fn write_pieces(
        &self,
        spans: &[Span],
        pieces: Vec<Piece>,
        never: &mut Vec<Unstorable>,
    ) -> Result<Vec<Piece>, WriteError> {
        let live = self.producer.live();
        let batch_bytes = live.batch_bytes();
        let delivery = Delivery::new();
        let mut room = Room::default();
        let mut sent = pieces;
        let mut nth = 0;
        while let Some(piece) = sent.get(nth).copied() {
            if nth % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let of = spans.get(piece.start..piece.end).unwrap_or_default();
            let has_key = self.encode(of, &mut room);
            if let Some(piece) = sent.get_mut(nth) {
                piece.bytes = room.value.len();
            }
            if room.value.len() > self.config.tuning.max_message_bytes {
                if let [only] = of {
                    never.push(self.too_large(piece.start, only, room.value.len()));
                } else {
                    let middle = piece.start + of.len() / 2;
                    sent.extend(piece.halves(middle));
                }
            } else {
                let topic = &self.config.topic;
                let key = has_key.then_some(room.key.as_slice());
                self.hand_over(&live, &delivery, nth, topic, key, &room.value)
                    .await?;
            }
            nth += 1;
        }
        drop(live);
        let failed = delivery.ended().await;
        self.metrics.failed(failed.len());
        let (again, is_batch_too_large) = self.sort(&sent, &failed, batch_bytes, never)?;
        if is_batch_too_large {
            self.producer.narrow(batch_bytes).await;
        }
        Ok(again)
    }

    /// Keeps a letter in the topic of dead letters.
    pub(super) async fn bury(&self, letter: &Letter) -> Result<Kept, WriteError> {
        for _ in 0..ANEW {
            let live = self.producer.live();
            let batch_bytes = live.batch_bytes();
            let delivery = Delivery::new();
            let topic = &self.config.dead_letter_topic;
            self.hand_over(
                &live,
                &delivery,
                0,
                topic,
                Some(letter.key.as_bytes()),
                &letter.value,
            )
            .await?;
            drop(live);
            match delivery.ended().await.first() {
                None => return Ok(Kept::Whole),
                Some(failed) if is_purged(failed.code) => {}
                Some(failed) if failed.code == Code::MessageSizeTooLarge => {
                    if is_alone(letter.value.len(), batch_bytes) {
                        return Ok(Kept::TooLarge);
                    }
                    self.producer.narrow(batch_bytes).await;
                }
                Some(failed) => {
                    let said = self.unavailable(failed.code);
                    return Err(WriteError::Unavailable {
                        reason: format!(
                            "no dead letter can be kept in topic {topic} (kafka.producer.dead-letter-topic): {said}"
                        ),
                    });
                }
            }
        }
        Err(made_anew())
    }

    /// Puts a record into `room`; whether it has a key.
    fn encode(&self, of: &[Span], room: &mut Room) -> bool {
        room.key.clear();
        room.value.clear();
        match (self.encoder, of) {
            (Encoder::Span(encode), [span, ..]) => {
                encode(span, &mut room.written, &mut room.value);
                encode_key(span.trace_id, &mut room.key);
                true
            }
            (Encoder::Span(_), []) => false,
            (Encoder::Batch(encode), of) => {
                encode(of, &mut room.value);
                false
            }
        }
    }

    async fn hand_over(
        &self,
        live: &Live,
        delivery: &Arc<Delivery>,
        at: usize,
        topic: &str,
        key: Option<&[u8]>,
        value: &[u8],
    ) -> Result<(), WriteError> {
        let mut mark = delivery.mark(at);
        let mut waited = Duration::ZERO;
        loop {
            let record = Record {
                topic,
                key,
                value,
                headers: self.headers(),
            };
            match live.send(record, mark) {
                Ok(()) => return Ok(()),
                Err((Code::QueueFull, back)) if waited < ROOM_PATIENCE => {
                    mark = back;
                    tokio::time::sleep(ROOM_PAUSE).await;
                    waited += ROOM_PAUSE;
                }
                Err((Code::QueueFull, _)) => {
                    return Err(WriteError::Throttled {
                        after: LATER,
                        reason: self.producer.trouble.said().unwrap_or_else(|| {
                            "records wait for Kafka: it takes them slower than they come".to_owned()
                        }),
                    });
                }
                Err((code, back)) => {
                    back.report(Some(code));
                    return Ok(());
                }
            }
        }
    }

    fn headers(&self) -> OwnedHeaders {
        OwnedHeaders::new_with_capacity(1).insert(Header {
            key: INSTANCE_HEADER,
            value: Some(self.config.instance.as_str()),
        })
    }

    /// Which of the records that failed are written again, and whether batches of up to `batch_bytes` were too large for the topic.
    fn sort(
        &self,
        sent: &[Piece],
        failed: &[Failed],
        batch_bytes: usize,
        never: &mut Vec<Unstorable>,
    ) -> Result<(Vec<Piece>, bool), WriteError> {
        let mut again = Vec::new();
        let mut worst = None;
        let mut is_batch_too_large = false;
        for Failed { at, code } in failed {
            let Some(piece) = sent.get(*at) else { continue };
            match code {
                code if is_purged(*code) => again.push(*piece),
                // a broker says so of all that came in one batch
                Code::MessageSizeTooLarge if !is_alone(piece.bytes, batch_bytes) => {
                    is_batch_too_large = true;
                    again.push(*piece);
                }
                Code::MessageSizeTooLarge | Code::InvalidMessage | Code::InvalidRecord => {
                    if piece.end - piece.start > 1 {
                        again.extend(piece.halves(piece.start + (piece.end - piece.start) / 2));
                    } else {
                        never.push(Unstorable {
                            at: piece.start,
                            reason: self
                                .producer
                                .trouble
                                .sentence(Some(*code), "a record is refused")
                                .into(),
                        });
                    }
                }
                code => worst = Some(*code),
            }
        }
        match worst {
            None => Ok((again, is_batch_too_large)),
            Some(code) => Err(self.unavailable(code)),
        }
    }

    fn unavailable(&self, code: Code) -> WriteError {
        let trouble = &self.producer.trouble;
        let reason = match (code, trouble.said()) {
            // why it took so long is what helps
            (Code::MessageTimedOut, Some(said)) => said,
            (code, _) => trouble.sentence(Some(code), &format!("records were not taken: {code}")),
        };
        WriteError::Unavailable { reason }
    }

    fn too_large(&self, at: usize, span: &Span, bytes: usize) -> Unstorable {
        Unstorable {
            at,
            reason: format!(
                "span {} is a record of {bytes} bytes, more than {}.max-message-bytes={}",
                span.span_id, self.config.connection.settings, self.config.tuning.max_message_bytes
            )
            .into(),
        }
    }
}

/// The producer that had a record is gone.
fn is_purged(code: Code) -> bool {
    matches!(code, Code::PurgeQueue | Code::PurgeInflight)
}

/// Whether a record of so many bytes had no other beside it in its batch, or no batch can be smaller.
fn is_alone(bytes: usize, batch_bytes: usize) -> bool {
    bytes + AROUND >= batch_bytes || batch_bytes <= producer::SMALLEST_BATCH
}

fn made_anew() -> WriteError {
    WriteError::Throttled {
        after: LATER,
        reason: "the connection to Kafka was made anew again and again".to_owned(),
    }
}

// === impl Piece ===

impl Piece {
    fn halves(self, middle: usize) -> [Self; 2] {
        [
            Self {
                end: middle,
                ..self
            },
            Self {
                start: middle,
                ..self
            },
        ]
    }
}
