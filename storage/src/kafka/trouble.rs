//! What brokers say that went wrong, in words that name the setting to look at.
//!
//! In: librdkafka's errors with their reasons, and what went well. Out: a sentence for an operator for as long as nothing goes well, and now and then a line in the log.
//!
//! Source: librdkafka's `rdkafka.h` 2.12, "Error codes".

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::layers::occasional::Occasional;

/// What is the matter between one client and its brokers.
#[derive(Debug)]
pub struct Trouble {
    /// `kafka.producer`, `kafka.consumer`.
    settings: String,
    brokers: String,
    said: Mutex<Option<Said>>,
    told: Occasional,
}

#[derive(Debug)]
struct Said {
    sentence: String,
    at: Instant,
}

// === impl Trouble ===

impl Trouble {
    /// Nothing is the matter yet.
    #[must_use]
    pub fn new(settings: &str, brokers: String) -> Self {
        Self {
            settings: settings.to_owned(),
            brokers,
            said: Mutex::new(None),
            told: Occasional::default(),
        }
    }

    /// Something went wrong.
    pub fn heard(&self, error: &KafkaError, reason: &str) {
        // a broker closes what was idle, and is called again when there is need
        if reason.contains("Disconnected (after") && reason.contains("in state UP") {
            return;
        }
        let code = error.rdkafka_error_code();
        let sentence = self.sentence(code, reason);
        let mut said = self.said.lock();
        // that all brokers are down says less than why each is
        if code == Some(Code::AllBrokersDown) && said.is_some() {
            return;
        }
        *said = Some(Said {
            sentence: sentence.clone(),
            at: Instant::now(),
        });
        drop(said);
        if self.told.due(Instant::now(), 0).is_some() {
            tracing::warn!(brokers = self.brokers, reason = sentence, "Kafka");
        }
    }

    /// Something went well.
    pub fn passed(&self) {
        let before = self.said.lock().take();
        if let Some(before) = before {
            let before = before.sentence;
            tracing::info!(brokers = self.brokers, before, "Kafka answers again");
        }
    }

    /// Nothing went wrong for `quiet`, and things look well.
    pub fn passed_after(&self, quiet: Duration) {
        let is_over = |said: &Said| said.at.elapsed() >= quiet;
        if self.said.lock().as_ref().is_some_and(is_over) {
            self.passed();
        }
    }

    /// What is the matter; `None`: nothing.
    #[must_use]
    pub fn said(&self) -> Option<String> {
        self.said.lock().as_ref().map(|said| said.sentence.clone())
    }

    /// An error in words, with the setting to look at.
    #[must_use]
    pub fn sentence(&self, code: Option<Code>, reason: &str) -> String {
        let settings = &self.settings;
        let look_at = match code {
            Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
                format!("{settings}.plaintext.username and {settings}.plaintext.password")
            }
            Some(Code::UnsupportedSASLMechanism) => format!("{settings}.plaintext.mechanism"),
            Some(Code::SSL) => self.of_tls(reason),
            // in TLS 1.3 a client hears that its certificate is refused when it has connected, and what OpenSSL says comes under either code
            Some(Code::BrokerTransportFailure)
                if reason.contains("alert") || reason.contains("SSL routines") =>
            {
                self.of_tls(reason)
            }
            Some(Code::Resolve | Code::BrokerTransportFailure | Code::AllBrokersDown)
                if looks_like_other_protocol(reason) =>
            {
                format!("{settings}.tls.enabled")
            }
            Some(Code::Resolve | Code::BrokerTransportFailure) => format!("{settings}.brokers"),
            // a broker that speaks TLS hangs up on whoever does not, and librdkafka says no more than this
            Some(Code::AllBrokersDown) => {
                format!("{settings}.brokers, and {settings}.tls.enabled")
            }
            Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
                format!("{settings}.topic, which has to be created")
            }
            Some(Code::TopicAuthorizationFailed) => {
                format!("{settings}.topic, for which the broker gives us no right")
            }
            Some(Code::GroupAuthorizationFailed) => {
                format!("{settings}.group-id, for which the broker gives us no right")
            }
            Some(Code::ClusterAuthorizationFailed) => {
                "the broker's rights: an idempotent producer needs IdempotentWrite of the cluster before Kafka 2.8".to_owned()
            }
            Some(Code::MessageSizeTooLarge | Code::MessageBatchTooLarge) => {
                format!("{settings}.max-message-bytes and the broker's message.max.bytes")
            }
            Some(Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend) => {
                "the brokers: fewer replicas are there than min.insync.replicas of the topic asks for"
                    .to_owned()
            }
            _ => String::new(),
        };
        let name = code.map_or_else(String::new, |code| format!(" ({code:?})"));
        if look_at.is_empty() {
            return format!("{}: {reason}{name}", self.brokers);
        }
        format!("{}: {reason}{name}: see {look_at}", self.brokers)
    }

    fn of_tls(&self, reason: &str) -> String {
        let settings = &self.settings;
        let reason = reason.to_lowercase();
        if reason.contains("verify failed") || reason.contains("unable to get local issuer") {
            return format!(
                "trust.bundles or {settings}.tls.ca, and whether the broker's certificate holds its name"
            );
        }
        if ["alert", "handshake failure", "bad certificate", "required"]
            .iter()
            .any(|word| reason.contains(word))
        {
            return format!("{settings}.tls.cert and {settings}.tls.key");
        }
        format!("{settings}.tls.*")
    }
}

/// What librdkafka tells of itself. Its errors come by [`Trouble::heard`].
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "librdkafka: {message}");
        }
        _ => tracing::debug!(facility, "librdkafka: {message}"),
    }
}

/// A broker that speaks TLS cuts a plaintext connection off, and the other way round: librdkafka has words for that.
fn looks_like_other_protocol(reason: &str) -> bool {
    reason.contains("security.protocol") || reason.contains("SSL listener")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: Code, reason: &str, expect: &str) {
        let trouble = Trouble::new("kafka.producer", "b:9092".to_owned());
        let said = trouble.sentence(Some(code), reason);
        assert!(said.contains(expect), "{said}");
        assert!(said.contains(reason), "{said}");
    }

    #[test]
    fn an_error_names_the_setting_to_look_at() {
        check(
            Code::Authentication,
            "Invalid username",
            "kafka.producer.plaintext.password",
        );
        check(
            Code::SSL,
            "certificate verify failed",
            "trust.bundles or kafka.producer.tls.ca",
        );
        check(
            Code::BrokerTransportFailure,
            "error:0A000086:SSL routines::certificate verify failed (after 3ms in state SSL_HANDSHAKE)",
            "kafka.producer.tls.ca",
        );
        check(
            Code::SSL,
            "ssl/tls alert certificate required",
            "kafka.producer.tls.key",
        );
        check(
            Code::Resolve,
            "Failed to resolve 'b:9092'",
            "kafka.producer.brokers",
        );
        check(
            Code::BrokerTransportFailure,
            "Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?)",
            "kafka.producer.tls.enabled",
        );
        check(
            Code::UnknownTopicOrPartition,
            "Unknown topic",
            "kafka.producer.topic",
        );
    }

    #[test]
    fn why_a_broker_is_down_is_said_and_not_only_that() {
        let trouble = Trouble::new("kafka.producer", "b:9092".to_owned());
        trouble.heard(&KafkaError::Global(Code::Resolve), "no such host");
        trouble.heard(
            &KafkaError::Global(Code::AllBrokersDown),
            "1/1 brokers are down",
        );
        assert!(trouble.said().unwrap().contains("no such host"));
        trouble.passed();
        assert_eq!(trouble.said(), None);
    }
}
