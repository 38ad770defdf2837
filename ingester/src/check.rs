//! Whether an ingester would get spans: asked of the brokers, before a start and when something does not work.
//!
//! In: what the ingester is told. Out: findings: whether brokers answer, topics are there and may be read, and how far the group is. Nothing is changed: the group gets no member, and commits nothing.

use std::time::{Duration, Instant};

use model::Instance;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use storage::finding::{Finding, Verdict};
use storage::kafka::check::{Client, Look, PATIENCE};

use crate::config::{Config, Start};

/// How long a record is waited for that is known to be there.
const READ: Duration = Duration::from_secs(5);

/// How a topic stands.
#[derive(Default)]
struct Standing {
    /// Records that lie there.
    records: i64,
    /// Records that the group has not read.
    unread: i64,
    /// Partitions that it has committed nothing of.
    untouched: usize,
}

/// Looks at brokers, topics and group. `instance` is whose the process is.
pub async fn check(config: &Config, instance: &Instance) -> Vec<Finding> {
    let mut look = Look::new(instance, "consumer", &config.connection);
    look.certificates().await;
    let config = config.clone();
    let looked = tokio::task::spawn_blocking(move || {
        group(&config, &mut look);
        look.findings()
    });
    // a panic in there is said by the runtime
    looked.await.unwrap_or_default()
}

fn group(config: &Config, look: &mut Look) {
    let Some(client) = look.client(Some(&config.group_id)) else {
        return;
    };
    for topic in config.topics.names() {
        let partitions = look.topic(&client, "topic", topic, Verdict::Problem);
        if partitions.is_empty() {
            continue;
        }
        match standing(&client, topic, &partitions) {
            Ok(standing) => {
                lag(config, topic, partitions.len(), &standing, look);
                read(&client, topic, &partitions, &standing, look);
            }
            Err(why) => look.find(
                "group",
                Verdict::Problem,
                format!("{}: {why}", config.group_id),
            ),
        }
    }
}

fn standing(client: &Client, topic: &str, partitions: &[i32]) -> Result<Standing, String> {
    let consumer = client.consumer();
    let mut asked = TopicPartitionList::new();
    for number in partitions {
        asked.add_partition(topic, *number);
    }
    let committed = consumer
        .committed_offsets(asked, PATIENCE)
        .map_err(|error| client.why(&error))?;
    let mut standing = Standing::default();
    for element in committed.elements() {
        element.error().map_err(|error| client.why(&error))?;
        let (low, high) = consumer
            .fetch_watermarks(topic, element.partition(), PATIENCE)
            .map_err(|error| client.why(&error))?;
        standing.records += high - low;
        match element.offset() {
            Offset::Offset(next) => standing.unread += (high - next.max(low)).max(0),
            _ => standing.untouched += 1,
        }
    }
    Ok(standing)
}

fn lag(config: &Config, topic: &str, partitions: usize, standing: &Standing, look: &mut Look) {
    let group = &config.group_id;
    let Standing {
        records,
        unread,
        untouched,
    } = standing;
    if *untouched < partitions {
        let text = format!("{group} has {unread} records of {topic} to read");
        look.find("lag", Verdict::Good, text);
    }
    if *untouched > 0 {
        let begins = match config.start {
            Start::Earliest => "with the oldest record",
            Start::Latest => "with what comes from then on",
        };
        let text = format!(
            "{group} has committed nothing of {untouched} of {partitions} partitions of {topic}, in which it begins {begins} (kafka.consumer.initial-offset); {records} records lie in {topic}"
        );
        look.find("lag", Verdict::Note, text);
    }
}

/// Whether a record can be read: the group is not told.
fn read(client: &Client, topic: &str, partitions: &[i32], standing: &Standing, look: &mut Look) {
    let consumer = client.consumer();
    let mut assigned = TopicPartitionList::new();
    for number in partitions {
        // fails for offsets below zero alone
        assigned
            .add_partition_offset(topic, *number, Offset::Beginning)
            .ok();
    }
    if let Err(error) = consumer.assign(&assigned) {
        look.find("rights", Verdict::Problem, format!("{topic}: {error}"));
        return;
    }
    let has_records = standing.records > 0;
    let until = Instant::now() + if has_records { READ } else { READ / 5 };
    let mut found = None;
    while found.is_none() && Instant::now() < until {
        found = match consumer.poll(Duration::from_millis(100)) {
            None => None,
            Some(Ok(_)) => Some((Verdict::Good, format!("records of {topic} can be read"))),
            Some(Err(error)) => {
                Some((Verdict::Problem, format!("{topic}: {}", client.why(&error))))
            }
        };
    }
    consumer.unassign().ok();
    let (verdict, text) = found.unwrap_or_else(|| {
        if has_records {
            let text = format!(
                "records lie in {topic}, and none came within {}s",
                READ.as_secs()
            );
            (Verdict::Warning, text)
        } else {
            let text =
                format!("nothing lies in {topic} to try to read, and nothing says that we may not");
            (Verdict::Note, text)
        }
    });
    look.find("rights", verdict, text);
}
