//! One question of each kind, with what its answer must be.
//!
//! In: what was sent, and random numbers. Out: a path to ask, and a check of the answer: each trace that is found must answer the question
//! and have all its spans, and there must be as many as there are, or as the limit allows.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use anyhow::ensure;

use crate::api::{FoundSpan, FoundTrace, Reply, escape};
use crate::expect::Expect;
use crate::generator::topology::{self, PlannedSpan, SERVICES};
use crate::generator::{STATUS_CODE, UNIQUE, ids};
use crate::rng::Rng;

const LIMIT: usize = 20;

/// A kind of question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Q1: a trace by its id, half of them recent, half old.
    Trace,
    /// Q1: an id that there is not.
    UnknownTrace,
    /// Q2: service and operation, the last 15 minutes.
    Operation,
    /// Q3: service and a common tag, the last hour.
    CommonTag,
    /// Q4: service and a tag that one span has, the whole range.
    UniqueTag,
    /// Q4: service and a tag that no span has.
    NoMatch,
    /// Q5: service, operation, tag, duration and range.
    AllFilters,
    /// Q6: all services.
    Services,
    /// Q6: a service's operations.
    Operations,
    /// Q6: who calls whom.
    Dependencies,
}

/// A question, ready to ask.
#[derive(Debug)]
pub struct Question {
    /// What follows the address.
    pub path: String,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Trace { id: u128, spans: usize },
    NoTrace,
    Search(Box<Search>),
    Names(BTreeSet<String>),
    Calls,
}

#[derive(Debug, Default)]
struct Search {
    service: String,
    operation: Option<String>,
    tag: Option<(&'static str, String)>,
    min_duration_us: u64,
    window_us: Option<RangeInclusive<u64>>,
    /// The one trace that is meant.
    id: Option<u128>,
    count: Option<RangeInclusive<usize>>,
}

// === impl Kind ===

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::Trace,
        Self::UnknownTrace,
        Self::Operation,
        Self::CommonTag,
        Self::UniqueTag,
        Self::NoMatch,
        Self::AllFilters,
        Self::Services,
        Self::Operations,
        Self::Dependencies,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "Q1 trace by id",
            Self::UnknownTrace => "Q1 unknown id",
            Self::Operation => "Q2 service, operation",
            Self::CommonTag => "Q3 service, common tag",
            Self::UniqueTag => "Q4 service, unique tag",
            Self::NoMatch => "Q4 no match",
            Self::AllFilters => "Q5 all filters",
            Self::Services => "Q6 services",
            Self::Operations => "Q6 operations",
            Self::Dependencies => "Q6 dependencies",
        }
    }

    /// A question of this kind; the number of it decides what is asked in turn.
    pub fn question(self, expect: &Expect, rng: &mut Rng, number: usize) -> Option<Question> {
        // times are a function of the load, so that the same questions can be asked again
        let (start_us, end_us) = (start_us(expect), expect.state.end_ns as u64 / 1000);
        let since = |minutes: u64| {
            let back = minutes * 60 * 1_000_000;
            end_us.saturating_sub(back)..=end_us
        };
        Some(match self {
            Self::Trace => {
                let part = if number.is_multiple_of(2) {
                    0.5..=1.0
                } else {
                    0.0..=0.5
                };
                let sent = expect.sample(rng, part)?;
                let spans = expect.layout.traces[sent.trace as usize].spans.len();
                Question {
                    path: format!("/api/traces/{:032x}", sent.id),
                    answer: Answer::Trace { id: sent.id, spans },
                }
            }
            Self::UnknownTrace => Question {
                path: format!("/api/traces/{:016x}{:016x}", rng.next_u64(), rng.next_u64()),
                answer: Answer::NoTrace,
            },
            Self::Operation => {
                let (service, operation) = any_operation(rng);
                let window = since(15);
                let same = |s: &PlannedSpan| s.service == service && s.operation == operation;
                Question::search(Search {
                    service: topology::service_name(service),
                    operation: Some(topology::operation_name(service, operation)),
                    count: Some(expect.matching(&window, same)),
                    window_us: Some(window),
                    ..Search::default()
                })
            }
            Self::CommonTag => {
                let service = rng.below(SERVICES);
                let window = since(60);
                let same = |s: &PlannedSpan| s.service == service && s.status_code == 500;
                Question::search(Search {
                    service: topology::service_name(service),
                    tag: Some((STATUS_CODE, "500".to_owned())),
                    count: Some(expect.matching(&window, same)),
                    window_us: Some(window),
                    ..Search::default()
                })
            }
            Self::UniqueTag => {
                let sent = expect.sample(rng, 0.0..=1.0)?;
                let spans = &expect.layout.traces[sent.trace as usize].spans;
                let at = rng.below(spans.len() as u64) as u32;
                let unique = ids::hex(ids::unique(sent.id as u64, at));
                Question::search(Search {
                    service: topology::service_name(spans[at as usize].service),
                    tag: Some((UNIQUE, String::from_utf8_lossy(&unique).into_owned())),
                    window_us: Some(start_us..=end_us),
                    id: Some(sent.id),
                    count: Some(1..=1),
                    ..Search::default()
                })
            }
            Self::NoMatch => Question::search(Search {
                service: topology::service_name(rng.below(SERVICES)),
                tag: Some((UNIQUE, format!("{:016x}", rng.next_u64()))),
                window_us: Some(start_us..=end_us),
                count: Some(0..=0),
                ..Search::default()
            }),
            Self::AllFilters => {
                // after a span that there is, so that there are answers
                let sent = expect.sample(rng, 0.0..=1.0)?;
                let spans = &expect.layout.traces[sent.trace as usize].spans;
                let like = spans[rng.below(spans.len() as u64) as usize];
                let min_duration_us = like.duration_ns as u64 / 2000;
                // every other time only the middle of the load
                let quarter = (end_us - start_us) / 4;
                let window = if number.is_multiple_of(2) {
                    start_us..=end_us
                } else {
                    start_us + quarter..=end_us - quarter
                };
                let same = |s: &PlannedSpan| {
                    s.service == like.service
                        && s.operation == like.operation
                        && s.status_code == like.status_code
                        && s.duration_ns as u64 / 1000 >= min_duration_us
                };
                Question::search(Search {
                    service: topology::service_name(like.service),
                    operation: Some(topology::operation_name(like.service, like.operation)),
                    tag: Some((STATUS_CODE, like.status_code.to_string())),
                    min_duration_us,
                    count: Some(expect.matching(&window, same)),
                    window_us: Some(window),
                    ..Search::default()
                })
            }
            Self::Services => Question {
                path: "/api/services".to_owned(),
                answer: Answer::Names(names(expect, |s| Some(topology::service_name(s.service)))),
            },
            Self::Operations => {
                let service = rng.below(SERVICES);
                let name = topology::service_name(service);
                let own = |s: &PlannedSpan| {
                    (s.service == service).then(|| topology::operation_name(service, s.operation))
                };
                Question {
                    path: format!("/api/services/{}/operations", escape(&name)),
                    answer: Answer::Names(names(expect, own)),
                }
            }
            Self::Dependencies => {
                let hour_ms = 3_600_000;
                let (start_ms, end_ms) = (start_us / 1000, end_us / 1000 + hour_ms);
                Question {
                    path: format!(
                        "/api/dependencies?endTs={end_ms}&lookback={}",
                        end_ms - start_ms + hour_ms
                    ),
                    answer: Answer::Calls,
                }
            }
        })
    }
}

fn start_us(expect: &Expect) -> u64 {
    (expect.state.start_ns - topology::MAX_AGE_NS) as u64 / 1000
}

fn any_operation(rng: &mut Rng) -> (u64, u64) {
    let service = rng.below(SERVICES);
    (service, rng.below(topology::operations(service)))
}

/// A name of each span that was surely stored.
fn names(expect: &Expect, name: impl Fn(&PlannedSpan) -> Option<String>) -> BTreeSet<String> {
    let whole = |r: &&crate::state::Round| r.unsent.is_empty() && r.refused.is_empty();
    if expect.state.rounds.iter().any(|r| whole(&r)) {
        let spans = expect.layout.traces.iter().flat_map(|t| &t.spans);
        return spans.filter_map(name).collect();
    }
    let stored = expect.layout.traces.iter().flat_map(|trace| {
        let sent = |request: &u32| {
            let mut rounds = expect.state.rounds.iter();
            rounds.any(|r| !r.unsent.contains(request) && !r.refused.contains(request))
        };
        let spans = trace.spans.iter().zip(&trace.requests);
        spans.filter(move |(_, request)| sent(request))
    });
    stored.filter_map(|(span, _)| name(span)).collect()
}

// === impl Question ===

impl Question {
    fn search(search: Search) -> Self {
        let mut path = format!("/api/traces?service={}", escape(&search.service));
        if let Some(operation) = &search.operation {
            path.push_str(&format!("&operation={}", escape(operation)));
        }
        if let Some((key, value)) = &search.tag {
            let tags = serde_json::json!({ *key: value }).to_string();
            path.push_str(&format!("&tags={}", escape(&tags)));
        }
        if search.min_duration_us > 0 {
            path.push_str(&format!("&minDuration={}us", search.min_duration_us));
        }
        if let Some(window) = &search.window_us {
            path.push_str(&format!("&start={}&end={}", window.start(), window.end()));
        }
        path.push_str(&format!("&limit={LIMIT}"));
        Self {
            path,
            answer: Answer::Search(Box::new(search)),
        }
    }

    /// An error when the answer is wrong.
    pub fn check(&self, expect: &Expect, reply: &Reply) -> anyhow::Result<()> {
        match &self.answer {
            Answer::Trace { id, spans } => {
                let found = reply.traces()?;
                let count = found.iter().find(|t| t.id == *id).map(|t| t.spans.len());
                ensure!(
                    count == Some(*spans),
                    "{count:?} spans, where {spans} were sent"
                );
            }
            Answer::NoTrace => {
                let found = reply.traces()?.len();
                ensure!(found == 0, "{found} traces of an id that was never sent");
            }
            Answer::Search(search) => search.check(expect, &reply.traces()?)?,
            Answer::Names(names) => {
                let found: BTreeSet<String> = reply.names()?.into_iter().collect();
                let missing: Vec<_> = names.difference(&found).take(5).collect();
                ensure!(
                    missing.is_empty(),
                    "{} names without {missing:?}",
                    found.len()
                );
            }
            Answer::Calls => check_calls(expect, reply)?,
        }
        Ok(())
    }
}

/// Products that count calls in a job of their own answer with none: that is no wrong answer.
fn check_calls(expect: &Expect, reply: &Reply) -> anyhow::Result<()> {
    let found = reply.calls()?;
    if found.is_empty() {
        return Ok(());
    }
    for ((parent, child), count) in expect.calls() {
        let (parent, child) = (
            topology::service_name(*parent),
            topology::service_name(*child),
        );
        let same = |c: &&crate::api::FoundCalls| c.parent == parent && c.child == child;
        let got = found.iter().find(same).map_or(0, |c| c.call_count);
        ensure!(
            got == *count || (expect.shared && got > *count),
            "{parent} calls {child} {got} times, where {count} were sent"
        );
    }
    Ok(())
}

// === impl Search ===

impl Search {
    fn check(&self, expect: &Expect, found: &[FoundTrace]) -> anyhow::Result<()> {
        let ids: BTreeSet<u128> = found.iter().map(|t| t.id).collect();
        ensure!(
            ids.len() == found.len(),
            "{} traces, of which {} differ",
            found.len(),
            ids.len()
        );
        if let Some(id) = self.id {
            ensure!(
                ids == BTreeSet::from([id]),
                "{} traces, not only {id:032x}",
                ids.len()
            );
        }
        if let Some(count) = &self.count {
            let least = (*count.start()).min(LIMIT);
            let most = if expect.shared {
                LIMIT
            } else {
                (*count.end()).min(LIMIT)
            };
            ensure!(
                (least..=most).contains(&found.len()),
                "{} traces, where {} to {} match",
                found.len(),
                count.start(),
                count.end()
            );
        }
        for trace in found {
            let id = trace.id;
            ensure!(
                trace.spans.iter().any(|s| self.matches(s)),
                "trace {id:032x} does not answer"
            );
            let Some((round, number)) = expect.locate(id) else {
                ensure!(expect.shared, "trace {id:032x} was never sent");
                continue;
            };
            let range = expect.span_range(round, number);
            ensure!(
                range.contains(&trace.spans.len()),
                "trace {id:032x} has {} spans, where {} to {} were sent",
                trace.spans.len(),
                range.start(),
                range.end()
            );
        }
        Ok(())
    }

    fn matches(&self, span: &FoundSpan) -> bool {
        span.service == self.service
            && self.operation.as_ref().is_none_or(|o| *o == span.operation)
            && self.tag.as_ref().is_none_or(|(k, v)| span.has_tag(k, v))
            && span.duration_us >= self.min_duration_us
            && self
                .window_us
                .as_ref()
                .is_none_or(|w| w.contains(&span.start_us))
    }
}
