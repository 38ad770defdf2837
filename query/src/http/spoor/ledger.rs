//! `/api/spoor/ledger` and `/api/spoor/receivers`: where spans went, and where they can be sent to.
//!
//! In: an instance. Out: JSON: what became of its spans in this process since it began, which requests were turned away, what was set aside of them in the last days, with examples; the ports that take spans.
//! A process that takes none knows only what was set aside.

use serde::Serialize;
use storage::layers::Account;
use storage::layers::ledger::{Reasons, TurnedAway};
use wire::go_json;

use crate::http::bare::Bare;
use crate::http::metrics::timestamp;
use crate::http::params::ns;
use crate::http::v3::Error;
use crate::inflow::{Inflow, Receiver};
use crate::service::{Call, Example};

#[derive(Serialize)]
struct LedgerJson<'a> {
    since: Option<String>,
    here: bool,
    received: u64,
    durable: u64,
    in_flight: u64,
    refused: Vec<LossJson<'a>>,
    set_aside: Vec<AsideJson<'a>>,
    lost: Vec<LossJson<'a>>,
    turned_away: Vec<AwayJson<'a>>,
    examples: Vec<ExampleJson<'a>>,
}

#[derive(Serialize)]
struct LossJson<'a> {
    reason: &'a str,
    spans: u64,
}

#[derive(Serialize)]
struct AsideJson<'a> {
    reason: &'a str,
    spans: u64,
    letters: u64,
}

#[derive(Serialize)]
struct AwayJson<'a> {
    receiver: &'a str,
    reason: &'a str,
    requests: u64,
    last: String,
    said: &'a str,
}

#[derive(Serialize)]
struct ExampleJson<'a> {
    at: String,
    reason: &'a str,
    service: &'a str,
    operation: &'a str,
    trace_id: &'a str,
    detail: &'a str,
}

#[derive(Serialize)]
struct ReceiverJson<'a> {
    protocol: &'a str,
    address: &'a str,
    tls: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
}

/// Where the spans of the instance went.
pub(super) async fn ledger(call: &Call<'_>, inflow: &Inflow) -> Result<Bare, Error> {
    let account = call.account();
    let here = account.is_some();
    let account = account.as_deref();
    let counts = account.map(Account::counts).unwrap_or_default();
    let turned_away = account.map(Account::turned_away).unwrap_or_default();
    let Reasons {
        refused,
        dead_lettered,
        dropped,
    } = account.map(Account::reasons).unwrap_or_default();
    let letters = call.set_aside().await?;
    let set_aside = match &letters {
        Some(letters) => (letters.reasons.iter())
            .map(|(reason, count)| AsideJson::of(reason, *count as u64))
            .collect(),
        // they lie where nobody here can read them, such as in a topic
        None => (dead_lettered.iter())
            .map(|(reason, spans)| AsideJson::of(reason, *spans))
            .collect(),
    };
    let examples = letters.iter().flat_map(|letters| &letters.examples);
    let json = LedgerJson {
        since: inflow.since.map(|since| rfc3339(ns(since))),
        here,
        received: counts.received,
        durable: counts.durable,
        in_flight: counts.in_flight,
        refused: LossJson::all(&refused),
        set_aside,
        lost: LossJson::all(&dropped),
        turned_away: turned_away.iter().map(AwayJson::of).collect(),
        examples: examples.map(ExampleJson::of).collect(),
    };
    let cut = letters.as_ref().and_then(|letters| letters.cut.clone());
    Ok(object(&json).cut(cut))
}

/// Where spans can be sent to.
pub(super) fn receivers(inflow: &Inflow) -> Bare {
    let receivers: Vec<_> = inflow.receivers.iter().map(ReceiverJson::of).collect();
    Bare::member("receivers", &go_json::to_vec(&receivers))
}

pub(super) fn object<T: Serialize>(value: &T) -> Bare {
    let mut json = go_json::to_vec(value);
    json.pop();
    Bare::new(vec![json])
}

/// A moment as people and browsers read it, to the millisecond.
fn rfc3339(time_ns: u64) -> String {
    timestamp(i64::try_from(time_ns / 1_000_000).unwrap_or(i64::MAX))
}

// === impl AsideJson ===

impl<'a> AsideJson<'a> {
    /// A letter holds one span.
    fn of(reason: &'a str, letters: u64) -> Self {
        Self {
            reason,
            spans: letters,
            letters,
        }
    }
}

// === impl LossJson ===

impl LossJson<'_> {
    fn all(reasons: &[(&'static str, u64)]) -> Vec<LossJson<'static>> {
        let one = |(reason, spans): &(&'static str, u64)| LossJson {
            reason,
            spans: *spans,
        };
        reasons.iter().map(one).collect()
    }
}

// === impl AwayJson ===

impl<'a> AwayJson<'a> {
    fn of(away: &'a TurnedAway) -> Self {
        Self {
            receiver: away.receiver,
            reason: away.reason,
            requests: away.requests,
            last: rfc3339(ns(away.last)),
            said: &away.said,
        }
    }
}

// === impl ExampleJson ===

impl<'a> ExampleJson<'a> {
    fn of(example: &'a Example) -> Self {
        let text = |(service, operation, trace_id): &'a (String, String, String)| {
            (service.as_str(), operation.as_str(), trace_id.as_str())
        };
        let (service, operation, trace_id) = example.span.as_ref().map(text).unwrap_or_default();
        Self {
            at: rfc3339(example.time_ns),
            reason: &example.reason,
            service,
            operation,
            trace_id,
            detail: &example.detail,
        }
    }
}

// === impl ReceiverJson ===

impl<'a> ReceiverJson<'a> {
    fn of(receiver: &'a Receiver) -> Self {
        Self {
            protocol: receiver.protocol,
            address: &receiver.address,
            tls: receiver.tls,
            path: receiver.path,
        }
    }
}
