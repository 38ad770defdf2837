//! `bench query`: what questions cost, and whether the answers are right.
//!
//! In: a store and a load. Out: times of each kind of question, and the answers that are wrong: a fast wrong answer scores nothing.

mod question;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::api::Api;
use crate::expect::Expect;
use crate::rng::{Rng, mix};

pub use question::{Kind, Question};

/// Times of one kind, asked by some clients at one time.
#[derive(Debug)]
pub struct Row {
    /// What was asked.
    pub kind: Kind,
    /// How many asked.
    pub clients: usize,
    /// In microseconds.
    pub took_us: Histogram<u64>,
    /// Mean size of an answer in bytes.
    pub mean_bytes: u64,
    /// The question that took longest.
    pub slowest: String,
    /// Answers that are wrong: the question, and why.
    pub wrong: Vec<String>,
}

/// All rows of a run.
#[derive(Debug, Default)]
pub struct Figures {
    /// In order of asking.
    pub rows: Vec<Row>,
}

/// Asks `count` questions of `kind` by `clients` at one time. Which ones is a function of the seed; answers are read and checked by the
/// client that asked, outside its times, as a real client would read them.
pub async fn ask(
    api: &Api,
    expect: &Arc<Expect>,
    kind: Kind,
    clients: usize,
    count: usize,
) -> anyhow::Result<Row> {
    // everything that was ever sent is counted for it: a tenth tells enough
    let count = match kind {
        Kind::Dependencies => count.div_ceil(10),
        _ => count,
    };
    let mut rng = Rng::new(mix(expect.state.workload.seed, kind as u64 + 1));
    let questions: VecDeque<Question> = (0..count)
        .filter_map(|number| kind.question(expect, &mut rng, number))
        .collect();
    let asked = questions.len().max(1) as u64;
    let questions = Arc::new(Mutex::new(questions));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients.max(1) {
        tasks.spawn(client(
            api.clone(),
            expect.clone(),
            kind,
            clients,
            questions.clone(),
        ));
    }
    let mut row = Row::new(kind, clients)?;
    while let Some(part) = tasks.join_next().await {
        let part = part??;
        if part.took_us.max() >= row.took_us.max() {
            row.slowest = part.slowest;
        }
        row.took_us.add(&part.took_us)?;
        row.mean_bytes += part.mean_bytes;
        row.wrong.extend(part.wrong);
    }
    row.mean_bytes /= asked;
    Ok(row)
}

async fn client(
    api: Api,
    expect: Arc<Expect>,
    kind: Kind,
    clients: usize,
    questions: Arc<Mutex<VecDeque<Question>>>,
) -> anyhow::Result<Row> {
    let mut row = Row::new(kind, clients)?;
    loop {
        let next = questions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let Some(question) = next else {
            return Ok(row);
        };
        let asked = Instant::now();
        let checked = match api.get(&question.path).await {
            Ok(reply) => {
                let took = reply.took.as_micros() as u64;
                if took >= row.took_us.max() {
                    row.slowest.clone_from(&question.path);
                }
                row.took_us.record(took)?;
                row.mean_bytes += reply.body.len() as u64;
                question.check(&expect, &reply)
            }
            Err(error) => {
                row.took_us.record(asked.elapsed().as_micros() as u64)?;
                Err(error)
            }
        };
        if let Err(why) = checked {
            row.wrong.push(format!("{}: {why:#}", question.path));
        }
    }
}

// === impl Row ===

impl Row {
    fn new(kind: Kind, clients: usize) -> anyhow::Result<Self> {
        Ok(Self {
            kind,
            clients,
            took_us: Histogram::new(3)?,
            mean_bytes: 0,
            slowest: String::new(),
            wrong: Vec::new(),
        })
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.took_us.value_at_quantile(quantile) as f64 / 1000.0
    }
}

// === impl Figures ===

impl Figures {
    /// How many answers are wrong.
    pub fn wrong(&self) -> usize {
        self.rows.iter().map(|r| r.wrong.len()).sum()
    }

    /// As JSON.
    pub fn to_json(&self, label: &str) -> Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "query": row.kind.name(), "clients": row.clients, "count": row.took_us.len(),
                "p50_ms": row.ms(0.5), "p99_ms": row.ms(0.99), "max_ms": row.ms(1.0),
                "mean_bytes": row.mean_bytes, "slowest": row.slowest, "wrong": row.wrong,
            })
        });
        json!({"kind": "query", "label": label, "rows": rows.collect::<Vec<_>>()})
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<24} {:>7} {:>6} {:>9.2} {:>9.2} {:>9.2} {:>9.1} {:>6}",
            self.kind.name(),
            self.clients,
            self.took_us.len(),
            self.ms(0.5),
            self.ms(0.99),
            self.ms(1.0),
            self.mean_bytes as f64 / 1000.0,
            self.wrong.len()
        )?;
        for line in self.wrong.iter().take(5) {
            write!(f, "\n  wrong: {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", heading())?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

/// What stands above rows.
pub fn heading() -> String {
    format!(
        "{:<24} {:>7} {:>6} {:>9} {:>9} {:>9} {:>9} {:>6}",
        "ms", "clients", "count", "p50", "p99", "max", "kB", "wrong"
    )
}
