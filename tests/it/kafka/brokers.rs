//! The brokers that the scenarios need: each starts, keeps what it was given, turns away whom it should, and goes on where it was.

use std::collections::BTreeMap;

use tests::kafka::records::{self, Login};
use tests::kafka::{Broker, Mechanism, Options, Record, Version, shared};
use tests::pki::{Authority, Leaf};

const USER: &str = "spoor";
const PASSWORD: &str = "kept-by-nobody";

fn record(partition: i32, offset: i64, value: &str) -> Record {
    Record {
        partition,
        offset,
        key: Some(b"463ac35c9f6413ad".to_vec()),
        value: Some(value.into()),
        headers: Vec::new(),
        timestamp_ms: 1_700_000_000_123,
    }
}

/// Writes a record by `login` and reads it again.
fn check_login(broker: &Broker, login: &Login, topic: &str) {
    broker.admin().create_topic(topic, 1).unwrap();
    let written = [record(0, 0, topic)];
    records::write(broker, login, topic, &written).unwrap();
    assert_eq!(records::read(broker, login, topic).unwrap(), written);
}

/// What a client is told that may not read the topic.
#[track_caller]
fn refused(broker: &Broker, login: &Login, topic: &str) -> String {
    let read = records::read(broker, login, topic);
    format!("{:#}", read.unwrap_err())
}

/// Every part of a record comes back, from the partition that it was written to.
fn check_records(version: Version) {
    let broker = shared(version);
    println!("{version} was ready after {:?}", broker.ready_after);
    let topic = "brokers-records";
    broker.admin().create_topic(topic, 3).unwrap();
    let headers = [("spoor-instance", Some("a/jaeger")), ("twice", None)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.map(Into::into)));
    let mut all = record(2, 0, "\0\u{1}\u{2}");
    all.headers = [&headers[..], &headers[1..]].concat();
    let bare = Record {
        key: None,
        value: None,
        ..record(2, 1, "")
    };
    let written = [record(0, 0, "first"), all, bare, record(2, 2, "")];
    let login = Login::default();
    records::write(broker, &login, topic, &written).unwrap();
    assert_eq!(records::read(broker, &login, topic).unwrap(), written);
    let ends = broker.admin().ends(topic).unwrap();
    assert_eq!(ends, BTreeMap::from([(0, 1), (1, 0), (2, 3)]));

    let again = broker.admin().create_topic(topic, 1).unwrap_err();
    assert!(again.to_string().contains("error 36"), "{again}");
    let missing = refused(broker, &login, "brokers-missing");
    assert!(missing.contains("UNKNOWN_TOPIC_OR_PART"), "{missing}");
}

#[test]
fn kafka_2_3_gives_back_every_part_of_a_record() {
    check_records(Version::V2_3);
}

#[test]
fn kafka_3_9_gives_back_every_part_of_a_record() {
    check_records(Version::V3_9);
}

/// TLS with certificates on both sides, and only those of its own authority.
fn check_certificates(version: Version) {
    let authority = Authority::new("the broker's authority");
    let ours = authority.pem();
    let options = Options::default().client_certificates(&ours, &authority.server(1));
    let broker = Broker::start(version, &options).unwrap();
    let shows = |leaf: Option<&Leaf>| Login::default().over_tls(&ours, leaf);
    let topic = "certificates";
    check_login(&broker, &shows(Some(&authority.client(USER))), topic);

    let stranger = Authority::new("another");
    for (who, leaf) in [("none", None), ("another's", Some(stranger.client(USER)))] {
        let error = refused(&broker, &shows(leaf.as_ref()), topic);
        // how a broker ends a handshake depends on the version of TLS
        let told = ["alert", "client SSL authentication might be required"];
        assert!(told.iter().any(|t| error.contains(t)), "{who}: {error}");
    }
    let trusting_others = Login::default().over_tls(&stranger.pem(), Some(&authority.client(USER)));
    let error = refused(&broker, &trusting_others, topic);
    assert!(error.contains("certificate verify failed"), "{error}");
}

#[test]
fn kafka_2_3_cuts_off_whoever_shows_no_certificate_of_its_authority() {
    check_certificates(Version::V2_3);
}

#[test]
fn kafka_3_9_cuts_off_whoever_shows_no_certificate_of_its_authority() {
    check_certificates(Version::V3_9);
}

/// All ways to log in, with the right password and a wrong one; and all of it, and what was written, after a restart and `kill -9`.
fn check_passwords(version: Version) {
    let options = Options::default().user(USER, PASSWORD);
    let mut broker = Broker::start(version, &options).unwrap();
    for mechanism in Mechanism::ALL {
        let name = mechanism.name();
        let login = Login::default().user(mechanism, USER, PASSWORD);
        check_login(&broker, &login, name);
        let wrong = Login::default().user(mechanism, USER, "guessed");
        let error = refused(&broker, &wrong, name);
        assert!(error.contains("uthentication failed"), "{name}: {error}");
    }
    let [_, scram, _] = Mechanism::ALL;
    let login = Login::default().user(scram, USER, PASSWORD);
    let kept = |broker: &Broker| records::read(broker, &login, scram.name());
    let (address, written) = (broker.address(), kept(&broker).unwrap());
    broker.restart().unwrap();
    assert_eq!(kept(&broker).unwrap(), written);

    broker.kill_hard().unwrap();
    assert!(broker.admin().ends(scram.name()).is_err());
    broker.start_again().unwrap();
    assert_eq!(
        (broker.address(), kept(&broker).unwrap()),
        (address, written)
    );
    broker.stop().unwrap();
    assert!(broker.admin().ends(scram.name()).is_err());
}

#[test]
fn kafka_2_3_asks_for_passwords_and_outlives_a_restart_and_kill_9() {
    check_passwords(Version::V2_3);
}

#[test]
fn kafka_3_9_asks_for_passwords_and_outlives_a_restart_and_kill_9() {
    check_passwords(Version::V3_9);
}
