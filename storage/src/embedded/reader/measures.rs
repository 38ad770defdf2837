//! Counting spans by their columns: when they start, how long they take, whether they failed, of which operation they are.
//!
//! In: services, kinds, a grid. Out: what the port says of it. No payload is read, and no trace put together: a span that was written twice counts twice until
//! a merge of segments has made one of it. Blocks are looked at from the newest to the oldest; when time or memory is out the rest is left, and that is said.

use std::io;
use std::time::Instant;

use futures_util::future::BoxFuture;
use model::SpanKind;

use super::{Damage, Reader};
use crate::embedded::batch::flags;
use crate::embedded::head::{Snapshot, Source};
use crate::given;
use crate::port::{Counter, MeasureQuery, MeasureReader, Measured, ReadContext, ReadError};
use crate::trouble::Trouble;

/// Of the time that there is, what counting may take: the rest is for the answer.
const SHARE: f64 = 0.8;

/// A block of a part, or a row group of a segment.
struct Block {
    latest_ns: u64,
    source: usize,
    number: usize,
}

struct Count<'a> {
    counter: Counter<'a>,
    /// For each source the line of each of its operations.
    lines: Vec<Vec<Option<u32>>>,
    /// The one with the newest span is the last.
    blocks: Vec<Block>,
}

impl MeasureReader for Reader {
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a MeasureQuery,
    ) -> BoxFuture<'a, Result<Measured, ReadError>> {
        let (query, snapshot, mut damage) = (query.clone(), self.snapshot(), self.damage());
        Box::pin(self.blocking(&self.shared.searches, cx, move |cx| {
            count(cx, &query, &snapshot, &mut damage)
        }))
    }
}

fn count(
    cx: &ReadContext,
    query: &MeasureQuery,
    snapshot: &Snapshot,
    damage: &mut Damage,
) -> Result<Measured, ReadError> {
    let until = cx.deadline.map(|deadline| {
        let left = deadline.saturating_duration_since(Instant::now());
        Instant::now() + left.mul_f64(SHARE)
    });
    let (from_ms, until_ms) = query.grid.window_ms();
    let mut count = Count {
        counter: Counter::new(query),
        lines: Vec::with_capacity(snapshot.len()),
        blocks: Vec::new(),
    };
    for source in snapshot {
        cx.check()?;
        if let Err(error) = count.plan(source, from_ms, until_ms) {
            damage.note(source, 0, &error);
        }
    }
    count.blocks.sort_unstable_by_key(|block| block.latest_ns);
    let mut trouble = Trouble::default();
    while let Some(block) = count.blocks.pop() {
        cx.check()?;
        if let Some(cut) = cut(cx, until, count.counter.bytes()) {
            let since_ms = block.latest_ns / 1_000_000;
            trouble.note(format!(
                "{cut}: of the spans that start before {since_ms} (milliseconds since 1970) not all were counted"
            ));
            break;
        }
        let Some(source) = snapshot.get(block.source) else {
            continue;
        };
        if let Err(error) = count.look(source, &block) {
            damage.note(source, block.number as u64, &error);
        }
    }
    if let Some(reason) = damage.first.take() {
        trouble.note(reason);
    }
    cx.lacks.note(trouble);
    Ok(count.counter.finish())
}

/// Why no further block is looked at.
fn cut(cx: &ReadContext, until: Option<Instant>, bytes: usize) -> Option<String> {
    if bytes > cx.limits.bytes {
        let limit = format!("{} bytes (query.max-bytes)", cx.limits.bytes);
        return Some(given::cut(&limit));
    }
    let is_late = until.is_some_and(|until| Instant::now() >= until);
    is_late.then(|| given::cut("its time (query.timeout)"))
}

// === impl Count ===

impl Count<'_> {
    /// The lines of a source's operations, and those of its blocks that may have spans of them in time.
    fn plan(&mut self, source: &Source, from_ms: u64, until_ms: u64) -> io::Result<()> {
        let is_in_time = |(earliest, latest): (u64, u64)| {
            latest / 1_000_000 >= from_ms && earliest / 1_000_000 < until_ms
        };
        let number = self.lines.len();
        let counter = &mut self.counter;
        let mut lines: Vec<Option<u32>> = Vec::new();
        let mut blocks: Vec<(u64, usize)> = Vec::new();
        let mut planned = Ok(());
        match source {
            Source::Open { part, .. } => part.with(|columns| {
                let catalogue = columns.catalogue();
                lines.extend(catalogue.operations().iter().map(|o| {
                    let service = catalogue.service(o.service)?;
                    counter.line(service, o.kind, &o.name)
                }));
                let starts = columns.blocks().iter().enumerate();
                let starts = starts.filter_map(|(n, block)| Some((n, block.starts()?)));
                let wanted = starts.filter(|(_, starts)| is_in_time(*starts));
                blocks.extend(wanted.map(|(n, (_, latest))| (latest, n)));
            }),
            Source::Sealed(segment) if is_in_time(segment.summary.starts) => {
                let each = |at: u32, service: &str, kind: SpanKind, name: &str| {
                    let at = at as usize;
                    if at >= lines.len() {
                        lines.resize(at + 1, None);
                    }
                    if let Some(line) = lines.get_mut(at) {
                        *line = counter.line(service, kind, name);
                    }
                };
                planned = segment.for_each_operation(each).and_then(|()| {
                    let footer = segment.footer()?;
                    let is_counted = |n: &u32| lines.get(*n as usize).copied().flatten().is_some();
                    let groups = footer.row_groups.iter().enumerate();
                    let wanted = groups.filter(|(_, group)| {
                        is_in_time(group.starts) && group.operations.iter().any(is_counted)
                    });
                    blocks.extend(wanted.map(|(n, group)| (group.starts.1, n)));
                    Ok(())
                });
            }
            Source::Sealed(_) => {}
        }
        if lines.iter().all(Option::is_none) {
            blocks.clear();
        }
        self.lines.push(lines);
        self.blocks
            .extend(blocks.into_iter().map(|(latest_ns, block)| Block {
                latest_ns,
                source: number,
                number: block,
            }));
        planned
    }

    /// Counts the rows of a block.
    fn look(&mut self, source: &Source, block: &Block) -> io::Result<()> {
        let Some(lines) = self.lines.get(block.source) else {
            return Ok(());
        };
        let counter = &mut self.counter;
        let line = |number: u32| lines.get(number as usize).copied().flatten();
        match source {
            Source::Open { part, .. } => part.with(|columns| {
                let Some(rows) = columns.blocks().get(block.number) else {
                    return;
                };
                for key in rows.keys() {
                    if let Some(line) = line(key.operation) {
                        let is_error = key.flags & flags::ERROR != 0;
                        counter.add(line, key.start_ns, key.duration_ns, is_error);
                    }
                }
            }),
            Source::Sealed(segment) => {
                let footer = segment.footer()?;
                let Some(group) = footer.row_groups.get(block.number) else {
                    return Ok(());
                };
                let keys = segment.keys(group)?;
                let of_group = group.operations.iter().map(|number| line(*number));
                let of_group: Vec<Option<u32>> = of_group.collect();
                let columns = keys
                    .start_ns
                    .iter()
                    .zip(&keys.duration_ns)
                    .zip(&keys.operation)
                    .zip(&keys.flags);
                for (((start, duration), operation), bits) in columns {
                    let line = of_group.get(*operation as usize).copied().flatten();
                    if let Some(line) = line {
                        counter.add(line, *start, *duration, bits & flags::ERROR != 0);
                    }
                }
            }
        }
        Ok(())
    }
}
