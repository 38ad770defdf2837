//! Reading traces and sending them, while both go on.
//!
//! In: which traces, and how they become messages. Out: messages, then how many traces there were and whether that is all. What has to be looked at as a
//! whole is held for as long as one trace is read; else pieces go out as the store gives them.

use storage::{Completeness, GetTrace, ReadError, TraceQuery, TraceReader};

use super::answer::Outlet;
use crate::Adjuster;
use crate::service::{Call, Prepare, Traces, prepared};
use crate::short_ids::Asked;
use crate::v3::{Summaries, TraceSummary};

/// How traces become messages.
pub(super) struct Form {
    /// Only traces as a whole can be made into messages.
    pub(super) whole: bool,
    /// Makes the messages of a trace, or of a piece of one.
    pub(super) messages: Prepare<Vec<Vec<u8>>>,
}

/// What was sent.
pub(super) struct Sent {
    /// So many traces.
    pub(super) traces: usize,
    /// Whether there were no more.
    pub(super) completeness: Completeness,
}

/// The trace of one id, from the archive when the store has none.
pub(super) async fn by_id(
    call: &Call<'_>,
    get: GetTrace,
    form: &Form,
    out: &Outlet,
) -> Result<Sent, ReadError> {
    let _turn = call.turn().await?;
    let asked = Asked::of(&[get]);
    let timer = call.timer("get_trace");
    let mut sent = send(call.reading(&asked), form, out).await;
    if let Ok(none) = &sent
        && none.traces == 0
        && none.completeness == Completeness::Complete
        && let Some(archive) = call.archive_reader()
    {
        sent = send(call.reading_from(&*archive, &asked), form, out).await;
    }
    timer.end(&sent);
    sent
}

/// The traces of `ids` that `reader` has, each as it is stored.
pub(super) async fn stored(
    call: &Call<'_>,
    reader: &dyn TraceReader,
    ids: &[GetTrace],
    form: &Form,
    out: &Outlet,
) -> Result<Sent, ReadError> {
    let _turn = call.turn().await?;
    let timer = call.timer("get_trace");
    let sent = send(call.stored_in(reader, ids), form, out).await;
    timer.end(&sent);
    sent
}

/// The traces that answer `query`.
pub(super) async fn found(
    call: &mut Call<'_>,
    query: TraceQuery,
    form: &Form,
    out: &Outlet,
) -> Result<Sent, ReadError> {
    let search = call.search(query).await?;
    let mut sent = send(search.traces(), form, out).await;
    let _turn = search.end(&mut sent, |sent| (sent.traces, &mut sent.completeness));
    sent
}

/// The summaries of the traces that answer `query`, each in a message.
pub(super) async fn summaries(
    call: &mut Call<'_>,
    query: TraceQuery,
    adjuster: Option<Adjuster>,
    message: fn(TraceSummary) -> Vec<u8>,
    out: &Outlet,
) -> Result<Sent, ReadError> {
    let search = call.search(query).await?;
    let summaries = Summaries::new(search.outlines(), adjuster);
    let mut sent = send_summaries(summaries, message, out).await;
    let _turn = search.end(&mut sent, |sent| (sent.traces, &mut sent.completeness));
    sent
}

async fn send_summaries(
    mut summaries: Summaries<'_>,
    message: fn(TraceSummary) -> Vec<u8>,
    out: &Outlet,
) -> Result<Sent, ReadError> {
    while let Some(summary) = summaries.next().await? {
        out.send(message(summary)).await?;
    }
    Ok(Sent {
        traces: summaries.count(),
        completeness: summaries.completeness(),
    })
}

async fn send(mut reading: Traces<'_>, form: &Form, out: &Outlet) -> Result<Sent, ReadError> {
    loop {
        let next = match form.whole {
            true => reading.next_trace().await?,
            false => reading.next_piece().await?,
        };
        let Some(next) = next else { break };
        let (_, messages) = prepared(next, &form.messages).await?;
        for message in messages {
            out.send(message).await?;
        }
    }
    Ok(Sent {
        traces: reading.count(),
        completeness: reading.completeness(),
    })
}
