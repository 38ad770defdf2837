//! A dead letter as a document: what an index of dead letters and a topic of them hold.
//!
//! In: a letter. Out: its JSON object, with the payload in base64, and what tells it from others: the same letter has the same, however often it is sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blake3::Hasher;
use serde_json::{Value, json};

use crate::port::DeadLetter;

/// What tells a letter from others: all that is in it but the time.
pub(crate) fn identity(letter: &DeadLetter) -> Hasher {
    let mut hasher = Hasher::new();
    for part in [
        letter.reason.as_bytes(),
        letter.origin.as_bytes(),
        &letter.payload,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher
}

/// The letter, buried at `now_ns`, with `payload` for its own where that is too large.
pub(crate) fn document(letter: &DeadLetter, payload: &[u8], now_ns: u64) -> Value {
    json!({
        "time": now_ns / 1_000_000,
        "instance": letter.instance.to_string(),
        "reason": letter.reason,
        "origin": letter.origin,
        "payload": STANDARD.encode(payload),
    })
}
