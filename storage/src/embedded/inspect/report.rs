//! What is in a store, in numbers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model::Instance;

use super::{Damage, Inspection, OtherFile};
use crate::embedded::RecentDeadLetter;
use crate::embedded::format::VERSION;

/// What is in a store. Times are nanoseconds since the Unix epoch; a range is the earliest and the latest start of a span.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its folder.
    pub directory: PathBuf,
    /// The version of its format; `None`: its file `FORMAT` is damaged, and the next start writes it anew.
    pub format: Option<u32>,
    /// The folder of its archive, when it has one: a store of its own.
    pub archive: Option<PathBuf>,
    /// Whether there is a manifest that is whole. A store that never sealed has none.
    pub has_manifest: bool,
    /// Sums, by instance.
    pub instances: Vec<InstanceReport>,
    /// The oldest first.
    pub segments: Vec<SegmentReport>,
    /// Files of the journal that are not sealed yet, the oldest first.
    pub generations: Vec<GenerationReport>,
    /// Files of dead letters. Those of generations that are not sealed yet are in the journal.
    pub letters: Vec<LettersReport>,
    /// The last dead letters, without their payloads, the newest last.
    pub recent_dead_letters: Vec<RecentDeadLetter>,
    /// Files that do not count: still being written, or about to be removed.
    pub leftovers: Vec<OtherFile>,
    /// Damaged files that an earlier start moved out of the way.
    pub set_aside: Vec<OtherFile>,
    /// What is damaged, as far as opening the files showed it.
    pub damage: Vec<Damage>,
}

/// What there is of an instance. Equal spans that came more than once count each time until their segments are merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceReport {
    /// Which.
    pub instance: Instance,
    /// Spans.
    pub spans: u64,
    /// Those of them that are sealed.
    pub sealed_spans: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of its segments on disk.
    pub segment_bytes: u64,
    /// `None`: it has no spans.
    pub starts: Option<(u64, u64)>,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Whose spans it has.
    pub instance: Instance,
    /// The day that its traces start in, counted from the Unix epoch.
    pub day: u64,
    /// The first and the last generation of the journal that it holds spans of.
    pub generations: (u64, u64),
    /// Spans.
    pub spans: u64,
    /// Traces. One that came in parts counts for each.
    pub traces: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// `None`: it is empty.
    pub starts: Option<(u64, u64)>,
}

/// A file of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationReport {
    /// Its number.
    pub number: u64,
    /// Its file.
    pub file: PathBuf,
    /// Bytes on disk, with the room that is set aside.
    pub bytes: u64,
    /// Whose spans it has.
    pub instances: Vec<Instance>,
    /// Spans.
    pub spans: u64,
    /// Traces.
    pub traces: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// `None`: it has no spans.
    pub starts: Option<(u64, u64)>,
}

/// A file of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LettersReport {
    /// The file.
    pub file: PathBuf,
    /// Bytes on disk.
    pub bytes: u64,
    /// How many.
    pub dead_letters: u64,
}

fn wider(a: Option<(u64, u64)>, b: Option<(u64, u64)>) -> Option<(u64, u64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}

impl Inspection {
    /// What is in the store.
    pub fn report(&self) -> Report {
        let mut instances: BTreeMap<Instance, InstanceReport> = BTreeMap::new();
        let segments: Vec<_> = self.segments.iter().map(|s| segment(s)).collect();
        for segment in &segments {
            let sum = of(&mut instances, &segment.instance);
            sum.spans += segment.spans;
            sum.sealed_spans += segment.spans;
            sum.segments += 1;
            sum.segment_bytes += segment.bytes;
            sum.starts = wider(sum.starts, segment.starts);
        }
        let generations = self
            .generations
            .iter()
            .map(|generation| {
                let index = &generation.index;
                let mut report = GenerationReport {
                    number: index.generation.number,
                    file: index.generation.path.clone(),
                    bytes: index.file_bytes(),
                    instances: Vec::new(),
                    spans: 0,
                    traces: 0,
                    dead_letters: index.dead_letters(),
                    starts: None,
                };
                for (instance, part) in index.parts() {
                    let (spans, traces, starts) = part.with(|columns| {
                        let blocks = columns.blocks().iter();
                        let starts = blocks.fold(None, |all, b| wider(all, b.starts()));
                        (columns.len(), columns.trace_ids().len() as u64, starts)
                    });
                    report.spans += spans;
                    report.traces += traces;
                    report.starts = wider(report.starts, starts);
                    let sum = of(&mut instances, &instance);
                    sum.spans += spans;
                    sum.starts = wider(sum.starts, starts);
                    report.instances.push(instance);
                }
                report
            })
            .collect();
        Report {
            directory: self.directory.clone(),
            archive: self.archive.clone(),
            format: self.has_format.then_some(VERSION),
            has_manifest: self.has_manifest,
            instances: instances.into_values().collect(),
            segments,
            generations,
            letters: self.letters.clone(),
            recent_dead_letters: self.recent.clone(),
            leftovers: self.leftovers.clone(),
            set_aside: self.set_aside.clone(),
            damage: self.damage.clone(),
        }
    }
}

fn of<'a>(
    instances: &'a mut BTreeMap<Instance, InstanceReport>,
    instance: &Instance,
) -> &'a mut InstanceReport {
    instances
        .entry(instance.clone())
        .or_insert_with(|| InstanceReport {
            instance: instance.clone(),
            ..InstanceReport::default()
        })
}

fn segment(segment: &crate::embedded::segment::Segment) -> SegmentReport {
    let summary = &segment.summary;
    let groups = segment.footer().map(|f| {
        let traces = f.row_groups.iter().map(|g| u64::from(g.traces));
        traces.sum::<u64>()
    });
    SegmentReport {
        number: segment.number,
        file: segment.path.clone(),
        instance: summary.instance.clone(),
        day: summary.day,
        generations: summary.generations,
        spans: summary.spans,
        traces: groups.unwrap_or_default(),
        bytes: segment.file_bytes,
        starts: (summary.spans > 0).then_some(summary.starts),
    }
}
