//! Whether Kafka would work: what an operator wants to know before a start, and when something does not.
//!
//! In: how brokers are reached, and what is expected of them. Out: findings, each with what is wrong in plain words and which setting mends it. Brokers are asked, and nothing is changed there: no
//! record is written, so whether we may write one is seen when the first is.
//!
//! Source: librdkafka's `rdkafka.h` 2.12, "Metadata API".

use std::time::{Duration, Instant};

use model::Instance;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{ClientConfig, ClientContext};
use settings::HostPort;
use time::OffsetDateTime;
use trust::{Dialer, Facts};

use super::config::Config;
use super::connection::Connection;
use super::trouble::Trouble;
use crate::finding::certificate::{verdict, words};
use crate::finding::{Finding, Verdict};

/// How long brokers may take for each question.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long it is listened for why nobody answers.
const HEAR: Duration = Duration::from_millis(500);

/// One side of Kafka that is looked at, and what was found.
#[derive(Debug)]
pub struct Look {
    instance: Instance,
    store: &'static str,
    connection: Connection,
    findings: Vec<Finding>,
}

/// A client that asks, and changes nothing.
pub struct Client {
    consumer: BaseConsumer<Hearing>,
}

/// Hears why.
pub struct Hearing(Trouble);

// === impl Hearing ===

impl ClientContext for Hearing {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.heard(&error, reason);
    }
}

impl ConsumerContext for Hearing {}

// === impl Client ===

impl Client {
    /// librdkafka's. It is no member of any group.
    #[must_use]
    pub fn consumer(&self) -> &BaseConsumer<Hearing> {
        &self.consumer
    }

    /// Why a question was not answered, in words that name the setting to look at. Blocks.
    #[must_use]
    pub fn why(&self, error: &KafkaError) -> String {
        let trouble = &self.consumer.context().0;
        let until = Instant::now() + HEAR;
        // reasons come by the queue
        while trouble.said().is_none() && Instant::now() < until {
            self.consumer.poll(Duration::from_millis(50));
        }
        let bare = || trouble.sentence(error.rdkafka_error_code(), &error.to_string());
        trouble.said().unwrap_or_else(bare)
    }
}

// === impl Look ===

impl Look {
    /// Nothing was looked at yet. `store` is `producer` or `consumer`.
    #[must_use]
    pub fn new(instance: &Instance, store: &'static str, connection: &Connection) -> Self {
        Self {
            instance: instance.clone(),
            store,
            connection: connection.clone(),
            findings: Vec::new(),
        }
    }

    /// What was found.
    #[must_use]
    pub fn findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Something was found.
    pub fn find(&mut self, subject: &'static str, verdict: Verdict, text: impl Into<String>) {
        self.findings.push(Finding {
            instance: self.instance.clone(),
            store: self.store,
            subject,
            verdict,
            text: text.into(),
        });
    }

    /// `kafka.producer.topic`, or what stands in its place.
    #[must_use]
    pub fn setting(&self, name: &str) -> String {
        format!("{}.{name}", self.connection.settings)
    }

    /// The certificates that brokers show, and ours.
    pub async fn certificates(&mut self) {
        let Some(tls) = self.connection.tls.clone() else {
            return;
        };
        let now = OffsetDateTime::now_utc().unix_timestamp();
        if let Some(path) = &tls.cert {
            // what cannot be read is told by the client that is made of it
            if let Some(facts) = Facts::read(path)
                .ok()
                .and_then(|all| all.into_iter().next())
            {
                let setting = self.setting("tls.cert");
                let text = format!("{} ({setting}) is {}", path.display(), words(&facts));
                self.find("certificate", verdict(&facts, now), text);
            }
        }
        let dialer = Dialer::tls(tls, &self.connection.trust);
        for broker in self.connection.brokers.clone() {
            let Ok(at) = broker.parse::<HostPort>() else {
                continue;
            };
            let host = at.host.to_string();
            let host = host.trim_matches(['[', ']']);
            let found = tokio::net::lookup_host((host, at.port)).await;
            let Some(address) = found.ok().and_then(|mut all| all.next()) else {
                self.find(
                    "connection",
                    Verdict::Warning,
                    format!("cannot look up {broker} ({})", self.setting("brokers")),
                );
                continue;
            };
            match dialer.dial(host, address).await {
                Ok(stream) => {
                    if let Some(facts) = Facts::shown(&stream).first() {
                        let text = format!("that of {broker} is {}", words(facts));
                        self.find("certificate", verdict(facts, now), text);
                    }
                }
                Err(error) => self.find(
                    "certificate",
                    Verdict::Warning,
                    format!("{broker}: {error}"),
                ),
            }
        }
    }

    /// A client, once brokers answer it; `None`: none does, which was found. Blocks.
    pub fn client(&mut self, group: Option<&str>) -> Option<Client> {
        let client = match self.make(group) {
            Ok(client) => client,
            Err(problem) => {
                self.find("files", Verdict::Problem, problem);
                return None;
            }
        };
        match client.consumer.fetch_metadata(None, PATIENCE) {
            Ok(metadata) => {
                let brokers: Vec<String> = metadata
                    .brokers()
                    .iter()
                    .map(|broker| format!("{}:{}", broker.host(), broker.port()))
                    .collect();
                let over = if self.connection.tls.is_some() {
                    "over TLS"
                } else {
                    "in plaintext"
                };
                let text = format!("brokers answer, {over}: {}", brokers.join(", "));
                self.find("connection", Verdict::Good, text);
                Some(client)
            }
            Err(error) => {
                let why = client.why(&error);
                self.find(
                    "connection",
                    Verdict::Problem,
                    format!("nobody answers: {why}"),
                );
                None
            }
        }
    }

    fn make(&self, group: Option<&str>) -> Result<Client, String> {
        let connection = &self.connection;
        let dialer = connection.dialer();
        let mut client: ClientConfig = connection
            .client(dialer.as_ref())
            .map_err(|error| error.to_string())?;
        client
            .set("allow.auto.create.topics", "false")
            .set("enable.auto.commit", "false")
            .set("group.id", group.unwrap_or("spoor-check"));
        let hearing = Hearing(Trouble::new(&connection.settings, connection.shown()));
        let consumer = client
            .create_with_context(hearing)
            .map_err(|error| format!("{}: {error}", connection.settings))?;
        Ok(Client { consumer })
    }

    /// The partitions of a topic that the setting `name` names; none: it is not there, which is found as `missing`, or we may not see it. Blocks.
    pub fn topic(
        &mut self,
        client: &Client,
        name: &str,
        topic: &str,
        missing: Verdict,
    ) -> Vec<i32> {
        let setting = self.setting(name);
        let metadata = match client.consumer.fetch_metadata(Some(topic), PATIENCE) {
            Ok(metadata) => metadata,
            Err(error) => {
                let why = client.why(&error);
                self.find(
                    "topic",
                    Verdict::Problem,
                    format!("{topic} ({setting}): {why}"),
                );
                return Vec::new();
            }
        };
        let Some(found) = metadata.topics().first() else {
            return Vec::new();
        };
        let code = found.error().map(Code::from);
        match code {
            None => {}
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition) => {
                let text = format!(
                    "{topic} ({setting}) is not there: create it, or broker and rights have to allow that it makes itself"
                );
                self.find("topic", missing, text);
                return Vec::new();
            }
            Some(Code::TopicAuthorizationFailed) => {
                let text = format!("{topic} ({setting}): the broker gives us no right to it");
                self.find("rights", Verdict::Problem, text);
                return Vec::new();
            }
            Some(code) => {
                self.find(
                    "topic",
                    Verdict::Problem,
                    format!("{topic} ({setting}): {code}"),
                );
                return Vec::new();
            }
        }
        let partitions: Vec<i32> = found
            .partitions()
            .iter()
            .map(rdkafka::metadata::MetadataPartition::id)
            .collect();
        let leaderless = found.partitions().iter().filter(|one| one.leader() < 0);
        let leaderless = leaderless.count();
        let replicas = found
            .partitions()
            .iter()
            .map(|one| one.replicas().len())
            .min()
            .unwrap_or_default();
        let text = format!(
            "{topic} ({setting}) has {} partition{}, each with {replicas} replica{}",
            partitions.len(),
            plural(partitions.len()),
            plural(replicas)
        );
        self.find("topic", Verdict::Good, text);
        if leaderless > 0 {
            let text = format!(
                "{topic}: {leaderless} of its partitions have no leader: nothing is read from them nor written to them"
            );
            self.find("topic", Verdict::Problem, text);
        }
        partitions
    }
}

/// Looks at the topics of all instances, in their order.
pub async fn check(configs: &[Config]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for config in configs {
        let mut look = Look::new(&config.instance, "producer", &config.connection);
        look.certificates().await;
        let config = config.clone();
        let looked = tokio::task::spawn_blocking(move || {
            topics(&config, &mut look);
            look.findings
        });
        // a panic in there is said by the runtime
        findings.extend(looked.await.unwrap_or_default());
    }
    findings
}

fn topics(config: &Config, look: &mut Look) {
    let Some(client) = look.client(None) else {
        return;
    };
    let partitions = look.topic(&client, "topic", &config.topic, Verdict::Problem);
    look.topic(
        &client,
        "dead-letter-topic",
        &config.dead_letter_topic,
        Verdict::Warning,
    );
    if !partitions.is_empty() {
        look.find(
            "rights",
            Verdict::Note,
            format!("{} can be seen; whether we may write to it shows when the first record is written, which is not done here", config.topic),
        );
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
