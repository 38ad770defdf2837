//! Where on Kafka the spans of each instance go.
//!
//! In: `kafka.producer.*`, of the process and of items. Out: a topic for each instance. Two instances may share one: each record says whose it is.

use std::time::Duration;

use model::Instance;
use settings::ByteSize;
use settings::layers::Item;
use storage::kafka::{Acks, Config, Tuning};
use wire::encoding::Encoding;

use super::super::check::Check;
use super::{connection, one_of, topic};

const PREFIX: &str = "kafka.producer";
/// What brokers log and count us as.
const CLIENT_ID: &str = "jaeger-collector";

const ACKS: [(&str, Acks); 6] = [
    ("all", Acks::All),
    ("local", Acks::Local),
    ("noack", Acks::None),
    // Kafka's own words
    ("-1", Acks::All),
    ("1", Acks::Local),
    ("0", Acks::None),
];
const COMPRESSIONS: [(&str, &str); 5] = [
    ("none", "none"),
    ("gzip", "gzip"),
    ("snappy", "snappy"),
    ("lz4", "lz4"),
    ("zstd", "zstd"),
];
/// What librdkafka goes up to.
const HIGHEST_LEVEL: i64 = 12;
/// A record that waits for longer has been given up by its sender.
const LONGEST_LINGER: Duration = Duration::from_secs(10);
/// When whoever sent it is told to come again.
const WRITE_TIMEOUT: &str = "collector.write-timeout";
const LARGEST_BATCH: usize = 1 << 30;
const MOST_RECORDS: usize = 1_000_000;
/// What librdkafka takes as the size of a record.
const LEAST_RECORD: ByteSize = ByteSize::from_bytes(1_000);
const LARGEST_RECORD: ByteSize = ByteSize::from_bytes(1_000_000_000);

/// The topic of each of `stores`.
pub(in super::super) fn check(
    stores: &[(Instance, Option<&Item>)],
    check: &mut Check<'_>,
) -> Vec<Config> {
    let mut configs = Vec::new();
    for (instance, item) in stores {
        let process = check.settings;
        let settings = item.map_or(process, |item| &item.settings);
        configs.push(check.with(settings, |check| one(instance, check)));
    }
    configs
}

fn one(instance: &Instance, check: &mut Check<'_>) -> Config {
    let name = |part: &str| format!("{PREFIX}.{part}");
    let config = Config {
        instance: instance.clone(),
        connection: connection::read(PREFIX, CLIENT_ID, check),
        tuning: tuning(check),
        topic: topic(&name("topic"), check),
        dead_letter_topic: topic(&name("dead-letter-topic"), check),
        encoding: encoding(&name("encoding"), check),
    };
    if config.topic == config.dead_letter_topic {
        check.wrong(
            &name("dead-letter-topic"),
            format!(
                "it is {PREFIX}.topic too, and a letter is no span: give it a topic of its own"
            ),
        );
    }
    config
}

fn encoding(name: &str, check: &mut Check<'_>) -> Encoding {
    match check.settings.text(name).trim().parse::<Encoding>() {
        Ok(encoding) if encoding.encoder().is_some() => return encoding,
        Ok(encoding) => check.wrong(
            name,
            format!("{encoding} is read only: give protobuf, json, otlp_proto or otlp_json"),
        ),
        Err(error) => check.wrong(name, error),
    }
    Encoding::JaegerProto
}

fn tuning(check: &mut Check<'_>) -> Tuning {
    let name = |part: &str| format!("{PREFIX}.{part}");
    let default = Tuning::default();
    let acks = one_of(&name("required-acks"), &ACKS, check).unwrap_or(default.acks);
    match acks {
        Acks::All => {}
        Acks::Local => check.warn(
            &name("required-acks"),
            "a sender is answered when the leader alone has its spans: they are lost with it; all loses none",
        ),
        Acks::None => check.warn(
            &name("required-acks"),
            "a sender is answered before any broker has its spans: they are lost when a broker goes away; all loses none",
        ),
    }
    let compression = one_of(&name("compression"), &COMPRESSIONS, check).unwrap_or("none");
    let linger = check.time(&name("batch-linger"));
    if linger > LONGEST_LINGER {
        check.wrong(
            &name("batch-linger"),
            format!(
                "give {}s or less: whoever sent the spans waits for so long",
                LONGEST_LINGER.as_secs()
            ),
        );
    }
    let told = check.settings.duration(WRITE_TIMEOUT);
    if linger <= LONGEST_LINGER && told.to_std().is_some_and(|told| linger >= told) {
        check.wrong(
            &name("batch-linger"),
            format!("give less than {WRITE_TIMEOUT}={told}, after which every sender is told to come again"),
        );
    }
    let max_message = check.size_from(&name("max-message-bytes"), LEAST_RECORD);
    if max_message > LARGEST_RECORD {
        check.wrong(
            &name("max-message-bytes"),
            format!("{max_message} is too much: give {LARGEST_RECORD} or less"),
        );
    }
    Tuning {
        acks,
        compression: compression.to_owned(),
        compression_level: level(&name("compression-level"), compression, check),
        linger,
        batch_bytes: up_to(&name("batch-size"), LARGEST_BATCH, check),
        batch_records: up_to(&name("batch-max-messages"), MOST_RECORDS, check),
        max_message_bytes: max_message.as_usize(),
        ..default
    }
}

/// Levels of Jaeger's libraries go higher, and below zero, where librdkafka's do not.
fn level(name: &str, compression: &str, check: &mut Check<'_>) -> i64 {
    let level = check.settings.int(name);
    let highest = if compression == "gzip" {
        9
    } else {
        HIGHEST_LEVEL
    };
    let fitting = level.clamp(0, highest);
    if fitting != level {
        let note = format!(
            "{level} is beyond the levels that there are for {compression}, 0 to {highest}: {fitting} is used"
        );
        check.warn(name, note);
    }
    fitting
}

fn up_to(name: &str, most: usize, check: &mut Check<'_>) -> usize {
    let value = check.number(name);
    if value > most {
        check.wrong(name, format!("{value}: give {most} or less"));
    }
    value
}
