//! What an ingester reads.
//!
//! In: `kafka.consumer.*` and `ingester.*` of the process; of an item its topic alone, for one consumer reads all topics. Out: topics, each with whose its records are that do not say, and how they
//! are read.

use std::time::Duration;

use ingester::{Config, GroupProtocol, Start, Topic, Topics};
use model::Instance;
use settings::layers::Item;
use settings::{ByteSize, environment};
use wire::encoding::Expected;

use super::super::check::Check;
use super::{connection, one_of, topic};

const PREFIX: &str = "kafka.consumer";
const TOPIC: &str = "kafka.consumer.topic";
const TRUSTED: &str = "kafka.consumer.trusted-topics";
const MAX_BYTES: &str = "ingester.max-bytes";

const PROTOCOLS: [(&str, GroupProtocol); 2] = [
    ("classic", GroupProtocol::Classic),
    ("consumer", GroupProtocol::Consumer),
];
const STARTS: [(&str, Start); 2] = [("earliest", Start::Earliest), ("latest", Start::Latest)];
/// What a session may last; within it a member that polls is heard of many times.
const SESSIONS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(60)];
/// Where `ingester.deadlockInterval` says nothing.
const STALL: Duration = Duration::from_secs(60);
/// What librdkafka fetches ahead has to fit: see docs/adr/0012-kafka.md.
pub const LEAST_BUDGET: ByteSize = ByteSize::from_mib(10);
const LARGEST_FETCH: ByteSize = ByteSize::from_bytes(50_000_000);

/// All topics, for the instances of `stores`.
pub(in super::super) fn check(
    stores: &[(Instance, Option<&Item>)],
    default: &Instance,
    check: &mut Check<'_>,
) -> Config {
    let name = |part: &str| format!("{PREFIX}.{part}");
    let client_id = check.settings.text(&name("client-id")).to_owned();
    let encoding = check.settings.text(&name("encoding")).trim();
    let encoding = encoding.parse::<Expected>().unwrap_or_else(|error| {
        let text = error.to_string();
        check.wrong(&name("encoding"), format!("{text}, auto"));
        Expected::Auto
    });
    let group_id = check.settings.text(&name("group-id")).trim().to_owned();
    if group_id.is_empty() {
        check.wrong(&name("group-id"), "it is empty: give the group a name");
    }
    let fetch = check.size(&name("fetch-max-message-bytes"));
    if fetch > LARGEST_FETCH {
        let what = format!("{fetch} is too much: give {LARGEST_FETCH} or less");
        check.wrong(&name("fetch-max-message-bytes"), what);
    }
    let protocol = one_of(&name("group-protocol"), &PROTOCOLS, check);
    if protocol == Some(GroupProtocol::Consumer) {
        check.warn_unused(
            &[&name("session-timeout")],
            "with group-protocol=consumer the broker says how long a session is (group.consumer.session.timeout.ms), so this changes nothing",
        );
    }
    let start = one_of(&name("initial-offset"), &STARTS, check);
    Config {
        connection: connection::read(PREFIX, &client_id, check),
        topics: topics(stores, default, check),
        encoding,
        group_id,
        group_instance_id: member(
            check.settings.text(&name("group-instance-id")).trim(),
            &environment::host_name(),
        ),
        protocol: protocol.unwrap_or(GroupProtocol::Classic),
        session_timeout: session(&name("session-timeout"), check),
        start: start.unwrap_or(Start::Earliest),
        rack_id: check.settings.text(&name("rack-id")).trim().to_owned(),
        fetch_bytes: fetch.as_usize(),
        parallelism: check.count("ingester.parallelism"),
        budget_bytes: budget(check),
        stall: check
            .time_or_none("ingester.deadlockInterval")
            .unwrap_or(STALL),
    }
}

/// The process's topic, which is the default instance's, and those of items.
fn topics(
    stores: &[(Instance, Option<&Item>)],
    default: &Instance,
    check: &mut Check<'_>,
) -> Topics {
    let process = check.settings;
    // where it was written, with the topic
    let mut bound: Vec<(String, Topic)> = Vec::new();
    let mut bind = |at: String, name: String, instance: &Instance, check: &mut Check<'_>| {
        if let Some((other, known)) = bound.iter().find(|(_, known)| known.name == name) {
            let text = format!(
                "{name} is the topic of {} already ({other}), and its records belong to one instance: give {instance} a topic of its own, or name {name} in {TRUSTED} and let each record say whose it is",
                known.instance
            );
            check.wrong_at(&at, text);
            return;
        }
        let topic = Topic {
            is_trusted: process.list(TRUSTED).contains(&name),
            name,
            instance: instance.clone(),
        };
        bound.push((at, topic));
    };
    let own = |item: &Item| {
        item.own(process)
            .map(|setting| setting.flag.name)
            .find(|name| *name == TOPIC)
    };
    let of_default = stores
        .iter()
        .find(|(instance, _)| instance == default)
        .and_then(|(_, item)| *item);
    if of_default.and_then(own).is_none() {
        let topic = topic(TOPIC, check);
        bind(process.at(TOPIC), topic, default, check);
    }
    let mut without: Vec<&Instance> = Vec::new();
    for (instance, item) in stores {
        let Some(item) = item else {
            without.push(instance);
            continue;
        };
        of_the_process(item, check);
        if own(item).is_some() {
            let topic = check.with(&item.settings, |check| topic(TOPIC, check));
            bind(item.settings.at(TOPIC), topic, instance, check);
        } else {
            without.push(instance);
        }
    }
    let topics: Vec<Topic> = bound.into_iter().map(|(_, topic)| topic).collect();
    for trusted in process.list(TRUSTED) {
        if !topics.iter().any(|topic| topic.name == *trusted) {
            let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
            let what = format!(
                "{trusted} is no topic that is read, which are {}",
                names.join(", ")
            );
            check.wrong(TRUSTED, what);
        }
    }
    if !topics.iter().any(|topic| topic.is_trusted) {
        let unled: Vec<&str> = (without.into_iter())
            .filter(|instance| *instance != default)
            .map(Instance::as_str)
            .collect();
        if !unled.is_empty() {
            let note = format!(
                "no topic leads to {}, so nothing is written there: give it a {TOPIC} in its item of instances, or name in {TRUSTED} a topic whose records say whose they are",
                unled.join(", ")
            );
            check.warn(TRUSTED, note);
        }
    }
    Topics::new(topics, stores.iter().map(|(instance, _)| instance.clone()))
}

/// What an item says of the consumer beside its topic.
fn of_the_process(item: &Item, check: &mut Check<'_>) {
    let own: Vec<&str> = item
        .own(check.settings)
        .map(|setting| setting.flag.name)
        .filter(|name| name.starts_with("kafka.consumer.") && *name != TOPIC)
        .collect();
    for name in own {
        let at = item.settings.at(name);
        check.wrong_at(
            &at,
            format!("one consumer reads all topics, so {name} is of the process and of no single instance: start an ingester of its own for other brokers or another group"),
        );
    }
}

/// The member's lasting name: what the setting says; else the host's, where that ends in a number, as of the pods of a `StatefulSet`.
fn member(said: &str, host: &str) -> Option<String> {
    match said {
        "none" => None,
        "" => {
            let (_, number) = host.rsplit_once('-')?;
            let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| host.to_owned())
        }
        said => Some(said.to_owned()),
    }
}

fn session(name: &str, check: &mut Check<'_>) -> Duration {
    let [least, most] = SESSIONS;
    let session = check.some_time(name);
    if session < least || session > most {
        check.wrong(
            name,
            format!("give {}s to {}s", least.as_secs(), most.as_secs()),
        );
    }
    session
}

/// 0: a share of the process's memory.
fn budget(check: &mut Check<'_>) -> usize {
    match check.settings.bytes(MAX_BYTES) {
        None => 0,
        Some(_) => check.size_from(MAX_BYTES, LEAST_BUDGET).as_usize(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_of_a_stateful_set_has_a_lasting_name() {
        let name = |name: &str| Some(name.to_owned());
        for (said, host, expect) in [
            ("", "ingester-0", name("ingester-0")),
            ("", "jaeger-ingester-12", name("jaeger-ingester-12")),
            ("", "ingester-7d4f-x2x9k", None),
            ("", "ingester-", None),
            ("", "laptop", None),
            ("none", "ingester-0", None),
            ("mine", "ingester-0", name("mine")),
        ] {
            assert_eq!(member(said, host), expect, "{said} {host}");
        }
    }
}
