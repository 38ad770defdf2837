//! Writes records and reads all of a topic by a client that is not ours: `tests/clients/kafka.py`, which is librdkafka by Python.
//!
//! Clients are told what they need by settings in librdkafka's names, as [`Login`] makes them. Each call is a process of some tenths of a
//! second. What a broker refuses is an error that quotes the client.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Broker, Mechanism};
use crate::clients::{pins, python};
use crate::pki::Leaf;

/// A record of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Where it lies, or shall.
    pub partition: i32,
    /// Its place there; the broker gives it.
    pub offset: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The value; none is what deletes a key where topics are compacted.
    pub value: Option<Vec<u8>>,
    /// In their order. A name may come twice.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When its writer made it, since the epoch.
    pub timestamp_ms: i64,
}

/// Who speaks to a broker, and how.
#[derive(Clone, Debug, Default)]
pub struct Login {
    settings: Map<String, Value>,
}

/// Writes records as `login` to a topic of `broker`, and waits until all are acknowledged.
pub fn write(
    broker: &Broker,
    login: &Login,
    topic: &str,
    records: &[Record],
) -> anyhow::Result<()> {
    let lines: String = records
        .iter()
        .map(|r| to_json(r).to_string() + "\n")
        .collect();
    client(broker, login, &["write", topic], &lines).map(drop)
}

/// All records of a topic of `broker`, by partition and offset.
pub fn read(broker: &Broker, login: &Login, topic: &str) -> anyhow::Result<Vec<Record>> {
    let said = client(broker, login, &["read", topic], "")?;
    let record = |line: &str| from_json(&serde_json::from_str(line).ok()?);
    said.lines()
        .map(|line| record(line).with_context(|| format!("{line} is no record")))
        .collect()
}

fn client(broker: &Broker, login: &Login, args: &[&str], input: &str) -> anyhow::Result<String> {
    let mut settings = login.settings.clone();
    settings.insert("bootstrap.servers".to_owned(), broker.address().into());
    let mut child = Command::new(python("kafka")?)
        .arg(pins("kafka.py"))
        .args(args)
        .arg(Value::from(settings).to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("stdin is piped")?;
    // one that was refused reads nothing: what it said is the error then
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} {args:?}: {complaints}",
        broker.version()
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn to_json(record: &Record) -> Value {
    let encode = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|b| STANDARD.encode(b));
    let headers = record.headers.iter();
    let headers: Vec<_> = headers.map(|(n, v)| json!([n, encode(v)])).collect();
    json!({
        "partition": record.partition,
        "key": encode(&record.key),
        "value": encode(&record.value),
        "headers": headers,
        "timestamp_ms": record.timestamp_ms,
    })
}

fn from_json(record: &Value) -> Option<Record> {
    let decode = |value: &Value| match value {
        Value::Null => Some(None),
        value => Some(Some(STANDARD.decode(value.as_str()?).ok()?)),
    };
    let headers = record["headers"].as_array()?.iter();
    Some(Record {
        partition: record["partition"].as_i64()?.try_into().ok()?,
        offset: record["offset"].as_i64()?,
        key: decode(&record["key"])?,
        value: decode(&record["value"])?,
        headers: headers
            .map(|header| Some((header[0].as_str()?.to_owned(), decode(&header[1])?)))
            .collect::<Option<_>>()?,
        timestamp_ms: record["timestamp_ms"].as_i64()?,
    })
}

// === impl Login ===

impl Login {
    /// The same over TLS that trusts `authorities` (PEM) and shows `leaf`.
    #[must_use]
    pub fn over_tls(mut self, authorities: &str, leaf: Option<&Leaf>) -> Self {
        self.set("ssl.ca.pem", authorities);
        if let Some(Leaf { cert, key }) = leaf {
            self.set("ssl.certificate.pem", cert);
            self.set("ssl.key.pem", key);
        }
        self.protocol()
    }

    /// The same as a user with a password.
    #[must_use]
    pub fn user(mut self, mechanism: Mechanism, name: &str, password: &str) -> Self {
        self.set("sasl.mechanism", mechanism.name());
        self.set("sasl.username", name);
        self.set("sasl.password", password);
        self.protocol()
    }

    /// The same, who may write records of as many bytes.
    #[must_use]
    pub fn up_to(mut self, bytes: usize) -> Self {
        self.set("message.max.bytes", &bytes.to_string());
        self
    }

    /// The same, whose records are one transaction each time, which ends as it should or is given up.
    #[must_use]
    pub fn in_transaction(mut self, aborts: bool) -> Self {
        self.set("transactional.id", "tests");
        self.settings.insert("aborts".to_owned(), aborts.into());
        self
    }

    fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.into());
    }

    fn protocol(mut self) -> Self {
        let has = |name| self.settings.contains_key(name);
        let protocol = match (has("ssl.ca.pem"), has("sasl.mechanism")) {
            (true, true) => "sasl_ssl",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (false, false) => "plaintext",
        };
        self.set("security.protocol", protocol);
        self
    }
}
