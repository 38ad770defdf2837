//! Makes topics and asks a broker for offsets, past all of our code, by Kafka's own protocol: a program of the distribution would take seconds
//! to start for each.
//!
//! A connection for each question; nothing is hidden of an error, whose number is the protocol's. It blocks, for milliseconds as a rule.
//!
//! Source: Kafka's protocol guide: `CreateTopics` v2, `DeleteTopics` v1, `DeleteRecords` v0, `CreatePartitions` v0, `Metadata` v1, `ListOffsets` v1, `OffsetFetch` v1, which both versions speak.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

/// What an answer, and a topic's first leader, may take.
const PATIENCE: Duration = Duration::from_secs(20);

const LIST_OFFSETS: (i16, i16) = (2, 1);
const METADATA: (i16, i16) = (3, 1);
const OFFSET_FETCH: (i16, i16) = (9, 1);
const CREATE_TOPICS: (i16, i16) = (19, 2);
const DELETE_TOPICS: (i16, i16) = (20, 1);
const DELETE_RECORDS: (i16, i16) = (21, 0);
const CREATE_PARTITIONS: (i16, i16) = (37, 0);

/// Who asks a broker.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    port: u16,
}

/// What `Metadata` tells of a topic: which of its partitions have a leader.
struct Topic {
    error: i16,
    partitions: BTreeMap<i32, bool>,
}

// === impl Admin ===

impl Admin {
    pub(super) fn new(port: u16) -> Self {
        Self { port }
    }

    /// Makes a topic and waits until each of its partitions can be written to.
    pub fn create_topic(&self, name: &str, partitions: u16) -> anyhow::Result<()> {
        self.create_topic_with(name, partitions, &[])
    }

    /// The same, with settings of its own.
    pub fn create_topic_with(
        &self,
        name: &str,
        partitions: u16,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let mut request = Request::new(CREATE_TOPICS);
        // one topic, one replica and no assignment
        request
            .int32(1)
            .text(name)
            .int32(partitions.into())
            .int16(1);
        request.int32(0).count(settings.len())?;
        for (setting, value) in settings {
            request.text(setting).text(value);
        }
        request.int32(i32::try_from(PATIENCE.as_millis())?).int8(0);
        let mut answer = self.ask(&request)?;
        let _throttled = answer.int32()?;
        let _topics = (answer.int32()?, answer.text()?);
        let (error, message) = (answer.int16()?, answer.text()?);
        ensure!(error == 0, "topic {name}: error {error}, {message:?}");
        self.wait_until_led(name, partitions)
    }

    /// Gives a topic more partitions, so many in all.
    pub fn widen_topic(&self, name: &str, partitions: u16) -> anyhow::Result<()> {
        let mut request = Request::new(CREATE_PARTITIONS);
        // one topic, no assignment
        request.int32(1).text(name).int32(partitions.into());
        request.int32(-1);
        request.int32(i32::try_from(PATIENCE.as_millis())?).int8(0);
        let mut answer = self.ask(&request)?;
        let _throttled_and_topics = (answer.int32()?, answer.int32()?, answer.text()?);
        let (error, message) = (answer.int16()?, answer.text()?);
        ensure!(error == 0, "topic {name}: error {error}, {message:?}");
        self.wait_until_led(name, partitions)
    }

    /// Removes a topic, and waits until it is gone.
    pub fn delete_topic(&self, name: &str) -> anyhow::Result<()> {
        let mut request = Request::new(DELETE_TOPICS);
        request.int32(1).text(name);
        request.int32(i32::try_from(PATIENCE.as_millis())?);
        let mut answer = self.ask(&request)?;
        let _throttled_and_topics = (answer.int32()?, answer.int32()?, answer.text()?);
        let error = answer.int16()?;
        ensure!(error == 0, "topic {name}: error {error}");
        let until = Instant::now() + PATIENCE;
        while self.topic(name)?.error == 0 {
            ensure!(Instant::now() < until, "{name} is still there");
            std::thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Removes the records of a partition before an offset, as its retention would.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) -> anyhow::Result<()> {
        let mut request = Request::new(DELETE_RECORDS);
        request.int32(1).text(topic);
        request.int32(1).int32(partition).int64(before);
        request.int32(i32::try_from(PATIENCE.as_millis())?);
        let mut answer = self.ask(&request)?;
        let _throttled_and_topics = (answer.int32()?, answer.int32()?, answer.text()?);
        let _partitions = (answer.int32()?, answer.int32()?);
        let (low, error) = (answer.int64()?, answer.int16()?);
        ensure!(
            error == 0 && low == before,
            "{topic} [{partition}] begins at {low}: error {error}"
        );
        Ok(())
    }

    fn wait_until_led(&self, name: &str, partitions: u16) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let topic = self.topic(name)?;
            let led = topic.partitions.values().filter(|led| **led).count();
            if topic.error == 0 && led == usize::from(partitions) {
                return Ok(());
            }
            ensure!(
                Instant::now() < until,
                "{led} of {partitions} partitions of {name} are led, error {}",
                topic.error
            );
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// The offset that the next record gets, by partition.
    pub fn ends(&self, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
        let partitions = self.partitions(topic)?;
        let mut request = Request::new(LIST_OFFSETS);
        request.int32(-1).int32(1).text(topic);
        request.count(partitions.len())?;
        for partition in partitions {
            // -1 asks for the end
            request.int32(partition).int64(-1);
        }
        let mut answer = self.ask(&request)?;
        let _topics = (answer.int32()?, answer.text()?);
        (0..answer.int32()?)
            .map(|_| {
                let (partition, error) = (answer.int32()?, answer.int16()?);
                let (_timestamp, offset) = (answer.int64()?, answer.int64()?);
                ensure!(error == 0, "{topic} [{partition}]: error {error}");
                Ok((partition, offset))
            })
            .collect()
    }

    /// What a group has committed, by partition; none of those for which it has committed nothing.
    pub fn committed(&self, group: &str, topic: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
        let partitions = self.partitions(topic)?;
        let mut request = Request::new(OFFSET_FETCH);
        request.text(group).int32(1).text(topic);
        request.count(partitions.len())?;
        for partition in partitions {
            request.int32(partition);
        }
        let mut answer = self.ask(&request)?;
        let _topics = (answer.int32()?, answer.text()?);
        let mut committed = BTreeMap::new();
        for _ in 0..answer.int32()? {
            let (partition, offset) = (answer.int32()?, answer.int64()?);
            let (_metadata, error) = (answer.text()?, answer.int16()?);
            ensure!(error == 0, "{group}: {topic} [{partition}]: error {error}");
            if offset >= 0 {
                committed.insert(partition, offset);
            }
        }
        Ok(committed)
    }

    /// An error until the broker is a member of its cluster.
    pub(super) fn is_ready(&self) -> anyhow::Result<()> {
        let mut request = Request::new(METADATA);
        request.int32(0);
        let brokers = self.ask(&request)?.int32()?;
        ensure!(brokers == 1, "{brokers} brokers");
        Ok(())
    }

    fn partitions(&self, topic: &str) -> anyhow::Result<Vec<i32>> {
        let found = self.topic(topic)?;
        ensure!(found.error == 0, "topic {topic}: error {}", found.error);
        Ok(found.partitions.into_keys().collect())
    }

    fn topic(&self, name: &str) -> anyhow::Result<Topic> {
        let mut request = Request::new(METADATA);
        request.int32(1).text(name);
        let mut answer = self.ask(&request)?;
        for _ in 0..answer.int32()? {
            let _broker = (answer.int32()?, answer.text()?, answer.int32()?);
            answer.text()?;
        }
        let (_controller, _topics) = (answer.int32()?, answer.int32()?);
        let error = answer.int16()?;
        let _topic = (answer.text()?, answer.int8()?);
        let mut partitions = BTreeMap::new();
        for _ in 0..answer.int32()? {
            let error = answer.int16()?;
            let (partition, leader) = (answer.int32()?, answer.int32()?);
            for _replicas_and_in_sync in 0..2 {
                for _ in 0..answer.int32()? {
                    answer.int32()?;
                }
            }
            partitions.insert(partition, error == 0 && leader >= 0);
        }
        Ok(Topic { error, partitions })
    }

    fn ask(&self, request: &Request) -> anyhow::Result<Answer> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let length = i32::try_from(request.0.len())?.to_be_bytes();
        stream.write_all(&[&length, request.0.as_slice()].concat())?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let mut body = vec![0; usize::try_from(i32::from_be_bytes(length))?];
        stream.read_exact(&mut body)?;
        let mut answer = Answer { body, at: 0 };
        let _correlation = answer.int32()?;
        Ok(answer)
    }
}

/// A request, as it goes out behind its length.
struct Request(Vec<u8>);

impl Request {
    fn new((key, version): (i16, i16)) -> Self {
        let mut request = Self(Vec::new());
        request.int16(key).int16(version);
        // the correlation, of which there is one a connection, and who we are
        request.int32(0).text("tests");
        request
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn int8(&mut self, value: i8) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn int16(&mut self, value: i16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn int32(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn int64(&mut self, value: i64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn count(&mut self, count: usize) -> anyhow::Result<&mut Self> {
        Ok(self.int32(i32::try_from(count)?))
    }

    fn text(&mut self, text: &str) -> &mut Self {
        // names are short: a longer one is the broker's to refuse
        let length = i16::try_from(text.len()).unwrap_or(i16::MAX);
        self.int16(length).bytes(text.as_bytes())
    }
}

/// An answer, read from its front.
struct Answer {
    body: Vec<u8>,
    at: usize,
}

impl Answer {
    fn take(&mut self, length: usize) -> anyhow::Result<&[u8]> {
        let from = self.at;
        self.at += length;
        self.body.get(from..self.at).context("the answer is short")
    }

    fn array<const N: usize>(&mut self) -> anyhow::Result<[u8; N]> {
        Ok(self.take(N)?.try_into()?)
    }

    fn int8(&mut self) -> anyhow::Result<i8> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    fn int16(&mut self) -> anyhow::Result<i16> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    fn int32(&mut self) -> anyhow::Result<i32> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    fn int64(&mut self) -> anyhow::Result<i64> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A negative length is none.
    fn text(&mut self) -> anyhow::Result<Option<String>> {
        match usize::try_from(self.int16()?) {
            Ok(length) => Ok(Some(
                String::from_utf8_lossy(self.take(length)?).into_owned(),
            )),
            Err(_) => Ok(None),
        }
    }
}
