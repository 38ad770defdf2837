//! Who owns which partition, asked of all members five times a second: how long a partition had no owner.
//!
//! A member that doesn't answer owns nothing: it is dead, or frozen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::line::{Member, PARTITIONS, held};

const EVERY: Duration = Duration::from_millis(200);

/// Watches until it is dropped.
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
    watching: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    /// Where members are asked, by a number that is the test's.
    members: BTreeMap<usize, String>,
    /// Of each that answered, what it owns.
    now: BTreeMap<usize, BTreeSet<u16>>,
    /// Since when a partition has no owner.
    since: BTreeMap<u16, Instant>,
    longest: Duration,
    /// All partitions were owned once.
    is_begun: bool,
}

// === impl Watch ===

impl Watch {
    pub(super) fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = seen.clone();
        let watching = tokio::spawn(async move {
            let client = reqwest::Client::builder().timeout(Duration::from_millis(500));
            let client = client.build().unwrap();
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                let members = shared.lock().unwrap().members.clone();
                let asked = members.into_iter().map(async |(nth, url)| {
                    let answer = client.get(format!("{url}/metrics")).send().await.ok()?;
                    let held = held(&answer.text().await.ok()?);
                    Some((nth, held.into_keys().collect::<BTreeSet<u16>>()))
                });
                let answers = join_all(asked).await;
                shared.lock().unwrap().add(answers.into_iter().flatten());
            }
        });
        Self { seen, watching }
    }

    /// `member` is asked from now on.
    pub(super) fn add(&self, nth: usize, member: &Member) {
        let mut seen = self.seen.lock().unwrap();
        seen.members.insert(nth, member.admin_url());
    }

    /// It is gone.
    pub(super) fn remove(&self, nth: usize) {
        let mut seen = self.seen.lock().unwrap();
        seen.members.remove(&nth);
        seen.now.remove(&nth);
    }

    /// Whether every one of `members` members has its share, and each partition one owner.
    pub(super) fn is_shared_out(&self, members: usize) -> bool {
        let seen = self.seen.lock().unwrap();
        let owned: Vec<u16> = seen.now.values().flatten().copied().collect();
        let distinct: BTreeSet<_> = owned.iter().collect();
        let owners = seen.now.values().filter(|own| !own.is_empty()).count();
        owned.len() == usize::from(PARTITIONS) && distinct.len() == owned.len() && owners == members
    }

    /// The longest time that a partition had no owner, since all had one for the first time.
    pub(super) fn longest(&self) -> Duration {
        self.seen.lock().unwrap().longest
    }

    /// What came after it was `longest` says nothing of members: the broker was at fault.
    pub(super) fn forget_longest(&self, longest: Duration) {
        self.seen.lock().unwrap().longest = longest;
    }

    /// For what fails.
    pub(super) fn shown(&self) -> String {
        format!("{:?}", self.seen.lock().unwrap().now)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, answers: impl Iterator<Item = (usize, BTreeSet<u16>)>) {
        self.now = answers
            .filter(|(nth, _)| self.members.contains_key(nth))
            .collect();
        let owned: BTreeSet<u16> = self.now.values().flatten().copied().collect();
        self.is_begun |= owned.len() == usize::from(PARTITIONS);
        if !self.is_begun {
            return;
        }
        let now = Instant::now();
        for partition in 0..PARTITIONS {
            let since = *self.since.entry(partition).or_insert(now);
            self.longest = self.longest.max(now - since);
            if owned.contains(&partition) {
                self.since.insert(partition, now);
            }
        }
    }
}
