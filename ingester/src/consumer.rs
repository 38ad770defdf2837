//! The thread that polls.
//!
//! In: a group's topics. Out: chunks, each handed to a task with its ticket; offsets committed twice a second, and when partitions are taken away. It never waits for a store: what can't be taken now
//! is not asked for, and polling goes on, so that the group keeps its member whatever the store does.
//!
//! A consumer that stalls, that librdkafka gave up, or whose files changed is closed and made anew.
//!
//! Source: librdkafka's INTRODUCTION.md 2.12, "Consumer groups"; fede1024/rust-rdkafka#665 for why it is polled here and not awaited.

mod look;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message as _;
use storage::kafka::Unusable;
use storage::kafka::trouble::Trouble;
use storage::layers::occasional::Occasional;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use trust::Dialer;

use crate::assignment::{self, Assignment, Partition};
use crate::chunk::Chunk;
use crate::config::Config;
use crate::context::Context;
use crate::metrics::Metrics;
use crate::process::Process;
use crate::stall::Stall;
use crate::window::Window;

/// How long a poll waits for the first record.
const POLL: Duration = Duration::from_millis(50);
/// Records and bytes of a chunk: one write of a store's liking, and short enough for others to get their turn.
const CHUNK_RECORDS: usize = 512;
const CHUNK_BYTES: usize = 1 << 20;
/// What a record has in memory, over its bytes: its buffer, and the spans that are made of it.
const DECODED: usize = 4;
/// Records that are gathered before they are handed over.
const ROUND: usize = 4_096;
/// How often offsets are committed and things are looked after.
const TICK: Duration = Duration::from_millis(500);
/// How long what is under way is waited for at the end. Nobody reads its partitions meanwhile: a slow store is the next owner's affair, who writes the same documents again.
const FAREWELL: Duration = Duration::from_secs(2);
/// Before a consumer is made anew that could not be made, or that another member drove out.
const AGAIN: Duration = Duration::from_secs(2);
/// The same after it was driven out again and again: it may be that two processes have one name, which drive each other out.
const AGAIN_AT_MOST: Duration = Duration::from_secs(60);
/// A consumer that lasted so long was not driven out again.
const LASTING: Duration = Duration::from_secs(300);
/// An instance's share of the budget, where there are several topics.
const SHARES: usize = 4;

/// What the thread works with.
pub(crate) struct Consumer {
    pub(crate) config: Config,
    pub(crate) dialer: Option<Dialer>,
    pub(crate) process: Arc<Process>,
    pub(crate) trouble: Arc<Trouble>,
    pub(crate) metrics: Metrics,
    pub(crate) ending: CancellationToken,
    pub(crate) runtime: Handle,
    pub(crate) tasks: TaskTracker,
    /// Why reading has come to a halt, for whoever asks after our health.
    pub(crate) stalled: Arc<Mutex<Option<String>>>,
}

/// Why a consumer's time is over.
enum Over {
    Ending,
    Anew(&'static str),
    /// librdkafka gave it up, or another member took its name.
    GivenUp(String),
}

/// How the thread's own consumer fares.
struct Course<'a> {
    consumer: &'a BaseConsumer<Context>,
    assignment: &'a Arc<Assignment>,
    stall: &'a mut Stall,
    /// Brokers said that a topic is not there, or not for us.
    lacks_topic: bool,
    /// When it was a member of its group last, or was made.
    member_at: Instant,
    made_of: u64,
    /// Files that cannot be used are told of now and then.
    refused: Occasional,
    ticked: Instant,
    over: Option<Over>,
}

// === impl Consumer ===

impl Consumer {
    /// Reads until it is to end. Blocks, for as long as the process lasts.
    pub(crate) fn run(&self) {
        let mut stall = Stall::new(self.config.stall);
        let mut again = AGAIN;
        while !self.ending.is_cancelled() {
            let began = Instant::now();
            let life = self.one_life(&mut stall);
            self.metrics.left();
            if began.elapsed() >= LASTING {
                again = AGAIN;
            }
            match life {
                Ok(Over::Ending) => return,
                Ok(Over::Anew(reason)) => {
                    tracing::info!(
                        group = self.config.group_id,
                        reason,
                        "the consumer is made anew"
                    );
                }
                Ok(Over::GivenUp(reason)) => {
                    tracing::warn!(
                        group = self.config.group_id,
                        reason,
                        again_s = again.as_secs(),
                        "the consumer was given up and is made anew"
                    );
                    *self.stalled.lock() = Some(reason);
                    self.rest(again);
                    again = (again * 2).min(AGAIN_AT_MOST);
                }
                Err(error) => {
                    tracing::error!(%error, "no consumer can be made: it is tried again");
                    *self.stalled.lock() = Some(error.to_string());
                    self.rest(AGAIN);
                }
            }
            self.metrics.renewed();
        }
    }

    fn rest(&self, pause: Duration) {
        self.runtime.block_on(async {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.ending.cancelled() => {}
            }
        });
    }

    fn one_life(&self, stall: &mut Stall) -> Result<Over, Unusable> {
        let assignment = Arc::new(Assignment::default());
        let made_of = self.config.connection.fingerprint(self.dialer.as_ref());
        let consumer = self.make(&assignment)?;
        let names: Vec<&str> = self.config.topics.names().collect();
        consumer
            .subscribe(&names)
            .map_err(|error| Unusable::of(&self.config.connection.settings, &error))?;
        let mut course = Course {
            consumer: &consumer,
            assignment: &assignment,
            stall,
            lacks_topic: false,
            member_at: Instant::now(),
            made_of,
            refused: Occasional::default(),
            ticked: Instant::now(),
            over: None,
        };
        let over = loop {
            if self.ending.is_cancelled() {
                break Over::Ending;
            }
            self.round(&mut course);
            if course.ticked.elapsed() >= TICK {
                course.ticked = Instant::now();
                self.tick(&mut course);
            }
            if let Some(over) = course.over.take() {
                break over;
            }
        };
        if matches!(over, Over::Ending) {
            self.leave(&consumer, &assignment);
        }
        // the group is told, and partitions are taken with what is done of them committed
        drop(consumer);
        for partition in assignment.all() {
            partition.lost.cancel();
        }
        Ok(over)
    }

    fn make(&self, assignment: &Arc<Assignment>) -> Result<BaseConsumer<Context>, Unusable> {
        let mut client = self.config.connection.client(self.dialer.as_ref())?;
        self.config.set(&mut client);
        let context = Context {
            start: self.config.start,
            assignment: assignment.clone(),
            trouble: self.trouble.clone(),
            metrics: self.metrics.clone(),
            told: Mutex::default(),
            lost_at: Mutex::default(),
        };
        client
            .create_with_context(context)
            .map_err(|error| Unusable::of(&self.config.connection.settings, &error))
    }

    /// Takes what is there, and hands it over.
    fn round(&self, course: &mut Course<'_>) {
        let mut gathered: Vec<(Arc<Partition>, Chunk)> = Vec::new();
        let mut last = 0;
        let mut patience = POLL;
        // large records do not go beyond the budget by a round of them
        let under_way = course.assignment.under_way();
        let room = self.config.budget_bytes.saturating_sub(under_way) / DECODED;
        let mut room = room.max(CHUNK_BYTES);
        for _ in 0..ROUND {
            if room == 0 {
                break;
            }
            let message = match course.consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.failed(course, &error);
                    break;
                }
            };
            patience = Duration::ZERO;
            room = room.saturating_sub(message.payload_len());
            let (topic, number) = (message.topic(), message.partition());
            let is_of = |(partition, _): &(Arc<Partition>, Chunk)| {
                partition.number == number && partition.topic == topic
            };
            // records of a partition come one after the other
            if !gathered.get(last).is_some_and(is_of) {
                last = gathered.iter().position(is_of).unwrap_or(gathered.len());
            }
            if let Some((partition, chunk)) = gathered.get_mut(last) {
                let is_theirs = !partition.lost.is_cancelled();
                if is_theirs && chunk.len() < CHUNK_RECORDS && chunk.bytes() < CHUNK_BYTES {
                    chunk.push(&message);
                    continue;
                }
                let (partition, chunk) = gathered.swap_remove(last);
                self.hand_over(course, partition, chunk);
            }
            // one that was taken away meanwhile: whoever has it now reads the record
            if let Some(partition) = course.assignment.get(topic, number) {
                let mut chunk = Chunk::default();
                chunk.push(&message);
                last = gathered.len();
                gathered.push((partition, chunk));
            }
        }
        for (partition, chunk) in gathered {
            self.hand_over(course, partition, chunk);
        }
        self.hold_back(course);
    }

    fn hand_over(&self, course: &Course<'_>, partition: Arc<Partition>, chunk: Chunk) {
        if partition.lost.is_cancelled() {
            return;
        }
        let (next, bytes) = (chunk.next(), chunk.bytes().saturating_mul(DECODED));
        self.metrics.read(&partition, next - 1);
        partition.came(chunk.first(), next);
        let ticket = partition.begin(next, chunk.len(), bytes);
        let held = course.assignment.hold(bytes);
        let process = self.process.clone();
        self.tasks
            .spawn_on(process.chunk(partition, ticket, chunk, held), &self.runtime);
    }

    /// Asks for no more than may be under way, and for more again when there is room.
    fn hold_back(&self, course: &Course<'_>) {
        let all = course.assignment.all();
        let budget = self.config.budget_bytes;
        let share = budget / self.config.topics.names().count().clamp(1, SHARES);
        let is_over = |part: usize, of: usize| course.assignment.under_way() > budget * part / of;
        let mut of_topics: BTreeMap<&str, usize> = BTreeMap::new();
        for partition in &all {
            *of_topics.entry(&partition.topic).or_default() += partition.look(Window::bytes);
        }
        let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
        for partition in &all {
            let own = of_topics
                .get(partition.topic.as_str())
                .copied()
                .unwrap_or_default();
            let records = partition.look(Window::records);
            let most = self.config.parallelism.saturating_mul(CHUNK_RECORDS);
            let is_paused = partition.is_paused.load(Ordering::Relaxed);
            let list = match is_paused {
                false if is_over(1, 1) || own > share || records > most => &mut pause,
                true if !is_over(1, 2) && own <= share / 2 && records <= most / 2 => &mut resume,
                _ => continue,
            };
            partition.is_paused.store(!is_paused, Ordering::Relaxed);
            list.add_partition(&partition.topic, partition.number);
        }
        let consumer = course.consumer;
        let asked = [
            (pause.count() > 0).then(|| consumer.pause(&pause)),
            (resume.count() > 0).then(|| consumer.resume(&resume)),
        ];
        for error in asked.into_iter().flatten().filter_map(Result::err) {
            tracing::debug!(%error, "partitions are not this member's any more");
        }
    }

    fn failed(&self, course: &mut Course<'_>, error: &KafkaError) {
        match error.rdkafka_error_code() {
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                let reason = course.consumer.client().fatal_error();
                let is_fenced = matches!(&reason, Some((Code::FencedInstanceId, _)));
                if is_fenced && course.consumer.context().may_be_its_own_shadow() {
                    let reason = "its group could not be reached, and takes it for another now";
                    course.over = Some(Over::Anew(reason));
                    return;
                }
                let reason = reason.map_or_else(
                    || error.to_string(),
                    |(code, reason)| match code {
                        Code::FencedInstanceId => format!(
                            "another member has the name that kafka.consumer.group-instance-id gives this one: each needs its own: {reason}"
                        ),
                        _ => reason,
                    },
                );
                course.over = Some(Over::GivenUp(reason));
            }
            Some(Code::PollExceeded) => {
                course.over = Some(Over::GivenUp(error.to_string()));
            }
            // the context was told why
            Some(
                Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::TopicAuthorizationFailed,
            ) => course.lacks_topic = true,
            _ => {}
        }
    }

    /// Commits, and looks after things.
    fn tick(&self, course: &mut Course<'_>) {
        let all = course.assignment.all();
        if let Some(offsets) = assignment::to_commit(&all)
            && let Err(error) = course.consumer.commit(&offsets, CommitMode::Async)
        {
            tracing::debug!(%error, "a commit was not sent: it is made again");
            self.metrics.not_committed();
            assignment::not_committed(&all);
        }
        let is_broken = |one: &&Arc<Partition>| one.is_broken.load(Ordering::Acquire);
        if let Some(broken) = all.iter().find(is_broken) {
            course.over = Some(Over::GivenUp(format!(
                "what dealt with records of partition {} of {} ended by itself, as the log says: they are read once more",
                broken.number, broken.topic
            )));
        }
        let made_of = self.config.connection.fingerprint(self.dialer.as_ref());
        if made_of != course.made_of {
            // what cannot be used must not take the place of what can
            match self.make(&Arc::default()) {
                Ok(_) => course.over = Some(Over::Anew("files changed")),
                Err(error) if course.refused.due(Instant::now(), 0).is_some() => tracing::warn!(
                    %error,
                    "new certificates or a new password cannot be used, the last good ones stay in use"
                ),
                Err(_) => {}
            }
        }
        let told = course.consumer.context().told.lock().take();
        if let Some(told) = told {
            self.look(course, &all, &told);
        }
    }

    /// What is under way is waited for and committed, before partitions are given back.
    fn leave(&self, consumer: &BaseConsumer<Context>, assignment: &Assignment) {
        let all = assignment.all();
        let mut names = TopicPartitionList::new();
        for partition in &all {
            names.add_partition(&partition.topic, partition.number);
        }
        consumer.pause(&names).ok();
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until && !all.iter().all(|one| one.look(Window::is_empty)) {
            // the group goes on being told that we are there
            if let Some(Ok(_)) = consumer.poll(POLL) {
                // not handed over: whoever gets the partition reads it
            }
        }
        self.process.ending.cancel();
    }
}
