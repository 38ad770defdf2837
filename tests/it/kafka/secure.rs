//! TLS and passwords between us and brokers: what opens the way, which file or setting is named when it does not, and that files may change under load.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use settings::tls::ClientTls;
use storage::Backend as _;
use storage::kafka::{Connection, Kafka, Login, Mechanism};
use tests::kafka::records;
use tests::kafka::{Broker, Options, Version};
use tests::pki::{Authority, Leaf, replace};

use super::line::{Running, spans, store, write};
use super::wait_for;
use crate::support::soak;

const USER: &str = "spoor";
const PASSWORD: &str = "canary-of-a-password";

/// Files of a client in `folder`.
fn put(folder: &Path, authorities: &str, leaf: &Leaf) -> ClientTls {
    for (name, text) in [
        ("ca.crt", authorities),
        ("tls.crt", &leaf.cert),
        ("tls.key", &leaf.key),
    ] {
        replace(&folder.join(name), text);
    }
    ClientTls {
        prefix: "kafka.producer.tls".to_owned(),
        ca: Some(folder.join("ca.crt")),
        cert: Some(folder.join("tls.crt")),
        key: Some(folder.join("tls.key")),
        ..ClientTls::default()
    }
}

/// A store whose records a broker has to take soon, or it is said why not.
fn store_by(broker: &Broker, topic: &str, connect: impl FnOnce(&mut Connection)) -> Kafka {
    store(broker, topic, |config| {
        connect(&mut config.connection);
        config.tuning.patience = Duration::from_secs(3);
    })
}

/// What a write is answered that cannot be.
async fn refused(store: &Kafka) -> String {
    let said = write(store, spans(1, 1)).await.unwrap_err().to_string();
    store.close().await;
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_open_the_way_and_wrong_ones_are_named() {
    let authority = Authority::new("the broker's authority");
    let stranger = Authority::new("another");
    let options = Options::default().client_certificates(&authority.pem(), &authority.server(1));
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    broker.admin().create_topic("secure", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str, authorities: &Authority, leaf: &Leaf| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        put(&folder, &authorities.pem(), leaf)
    };
    let ours = files("ours", &authority, &authority.client(USER));
    let well = store_by(&broker, "secure", |to| to.tls = Some(ours.clone()));
    write(&well, spans(1, 10)).await.unwrap();
    let ingester = Running::start(&broker, "secure", "secure", |config| {
        config.connection.tls = Some(ours);
    });
    wait_for("nothing comes through", || {
        (ingester.counts().durable == 100).then_some(())
    });
    ingester.end().await.close().await;
    well.close().await;

    let other_authority = files("ca", &stranger, &authority.client(USER));
    let other_leaf = files("cert", &authority, &stranger.client(USER));
    for (tls, setting) in [
        (Some(other_authority), "kafka.producer.tls.ca"),
        (Some(other_leaf), "kafka.producer.tls.cert"),
        (None, "kafka.producer.tls.enabled"),
    ] {
        let store = store_by(&broker, "secure", |to| to.tls = tls);
        let said = refused(&store).await;
        assert!(said.contains(setting), "{setting}: {said}");
    }
}

/// Whom all connections trust is trusted by librdkafka too, and no longer than that.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_are_trusted_for_a_bundle_while_it_is_there() {
    let authority = Authority::new("the broker's authority");
    let options = Options::default().client_certificates(&authority.pem(), &authority.server(1));
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    broker.admin().create_topic("bundled", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let bundles = folder.path().join("bundles");
    std::fs::create_dir(&bundles).unwrap();
    let bundle = bundles.join("brokers.pem");
    let junk = Authority::new("another").pem().replace('\n', "\r\n");
    replace(&bundle, &format!("# ours\n{junk}{}", authority.pem()));
    let tls = ClientTls {
        ca: None,
        ..put(folder.path(), "", &authority.client(USER))
    };
    let trust = trust::Store::new(vec![bundles]);
    let store = store_by(&broker, "bundled", |to| {
        (to.tls, to.trust) = (Some(tls.clone()), trust.clone());
    });
    write(&store, spans(1, 1)).await.unwrap();
    let ingester = Running::start(&broker, "bundled", "bundled", |config| {
        (config.connection.tls, config.connection.trust) = (Some(tls), trust);
    });
    wait_for("nothing comes through", || {
        (ingester.counts().durable == 10).then_some(())
    });
    ingester.end().await.close().await;

    std::fs::remove_file(&bundle).unwrap();
    let removed = Instant::now();
    let mut first = 2;
    let said = loop {
        match write(&store, spans(first, 1)).await {
            Ok(()) => assert!(removed.elapsed() < Duration::from_secs(5), "still taken"),
            Err(error) => break error.to_string(),
        }
        first += 1;
    };
    assert!(said.contains("trust.bundles"), "{said}");
    replace(&bundle, &authority.pem());
    let back = Instant::now();
    while let Err(error) = write(&store, spans(first, 1)).await {
        assert!(back.elapsed() < Duration::from_secs(20), "{error}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_open_the_way_and_wrong_ones_are_named_and_not_shown() {
    let broker = Broker::start(Version::V3_9, &Options::default().user(USER, PASSWORD)).unwrap();
    broker.admin().create_topic("passwords", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let login = |mechanism| Login {
        mechanism,
        username: USER.to_owned(),
        password: SecretString::default(),
        password_file: Some(file.clone()),
    };
    for mechanism in [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ] {
        let store = store_by(&broker, "passwords", |to| to.login = Some(login(mechanism)));
        write(&store, spans(1, 1)).await.unwrap();
        store.close().await;
        let wrong = store_by(&broker, "passwords", |to| {
            to.login = Some(Login {
                password: SecretString::from("canary-guessed"),
                password_file: None,
                ..login(mechanism)
            });
        });
        let said = refused(&wrong).await;
        assert!(said.contains("kafka.producer.plaintext.password"), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
}

/// SASL over TLS: each of the two that is wrong is the one that is named.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_go_over_tls_and_what_is_wrong_is_named() {
    let authority = Authority::new("the broker's authority");
    let stranger = Authority::new("another");
    let options = Options::default()
        .client_certificates(&authority.pem(), &authority.server(1))
        .user(USER, PASSWORD);
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    broker.admin().create_topic("both", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let trusting = |name: &str, authority: &Authority| {
        let file = folder.path().join(name);
        replace(&file, &authority.pem());
        ClientTls {
            prefix: "kafka.producer.tls".to_owned(),
            ca: Some(file),
            ..ClientTls::default()
        }
    };
    let (ours, theirs) = (
        trusting("ca.crt", &authority),
        trusting("other.crt", &stranger),
    );
    let login = |mechanism, password: &str| Login {
        mechanism,
        username: USER.to_owned(),
        password: SecretString::from(password),
        password_file: None,
    };
    let mechanisms = [
        Mechanism::Plain,
        Mechanism::ScramSha256,
        Mechanism::ScramSha512,
    ];
    for (nth, mechanism) in (1u64..).zip(mechanisms) {
        let right = || login(mechanism, PASSWORD);
        let well = store_by(&broker, "both", |to| {
            to.tls = Some(ours.clone());
            to.login = Some(right());
        });
        write(&well, spans(u128::from(nth) * 100, 1)).await.unwrap();
        well.close().await;
        let ingester = Running::start(&broker, "both", mechanism.as_str(), |config| {
            config.connection.tls = Some(ours.clone());
            config.connection.login = Some(right());
        });
        wait_for("nothing comes through", || {
            (ingester.counts().durable == nth * 10).then_some(())
        });
        ingester.end().await.close().await;
        for (tls, login, setting) in [
            (
                Some(&ours),
                login(mechanism, "canary-guessed"),
                "kafka.producer.plaintext.password",
            ),
            (Some(&theirs), right(), "kafka.producer.tls.ca"),
            (None, right(), "kafka.producer.tls.enabled"),
        ] {
            let store = store_by(&broker, "both", |to| {
                to.tls = tls.cloned();
                to.login = Some(login);
            });
            let said = refused(&store).await;
            assert!(said.contains(setting), "{setting}: {said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }
}

/// A password that cannot be read leaves the one in use that was there before, on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_file_that_is_gone_stops_nobody() {
    let broker = Broker::start(Version::V3_9, &Options::default().user(USER, PASSWORD)).unwrap();
    broker.admin().create_topic("kept", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, PASSWORD).unwrap();
    let login = Login {
        mechanism: Mechanism::ScramSha512,
        username: USER.to_owned(),
        password: SecretString::default(),
        password_file: Some(file.clone()),
    };
    let store = store_by(&broker, "kept", |to| to.login = Some(login.clone()));
    let ingester = Running::start(&broker, "kept", "kept", |config| {
        config.connection.login = Some(login);
    });
    let mut first = 1;
    let mut durable = 0;
    for is_there in [true, false, true] {
        if is_there {
            std::fs::write(&file, PASSWORD).unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        // several looks at the files, and traffic all the time
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {
            write(&store, spans(first, 5)).await.unwrap();
            first += 5;
            durable += 50;
            wait_for("nothing comes through", || {
                (ingester.counts().durable == durable).then_some(())
            });
        }
    }
    ingester.end().await.close().await;
    store.close().await;
}

/// Certificates that change while spans are written: nobody is refused, and each span is there.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_change_under_load_fail_nobody() {
    let authority = Authority::new("the broker's authority");
    let options = Options::default().client_certificates(&authority.pem(), &authority.server(1));
    let broker = Broker::start(Version::V3_9, &options).unwrap();
    broker.admin().create_topic("rotated", 6).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tls = put(folder.path(), &authority.pem(), &authority.client(USER));
    let shown = tls.clone();
    let store = Arc::new(super::line::store(&broker, "rotated", |config| {
        config.connection.tls = Some(tls);
    }));
    let rotations = if soak() { 100 } else { 6 };
    let ending = Arc::new(AtomicBool::new(false));
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let load = {
        let (store, ending, acknowledged) = (store.clone(), ending.clone(), acknowledged.clone());
        async move {
            let mut first = 1;
            while !ending.load(Ordering::Acquire) {
                write(&store, spans(first, 5)).await.unwrap();
                first += 5;
                acknowledged.fetch_add(50, Ordering::AcqRel);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let rotate = async {
        for _ in 0..rotations {
            put(folder.path(), &authority.pem(), &authority.client(USER));
            // as long as it takes to be noticed, and a little more
            let before = acknowledged.load(Ordering::Acquire);
            let until = Instant::now() + Duration::from_millis(700);
            while Instant::now() < until || acknowledged.load(Ordering::Acquire) == before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        ending.store(true, Ordering::Release);
    };
    tokio::join!(load, rotate);
    store.close().await;
    let login = records::Login::default().over_tls(&authority.pem(), Some(&authority.client(USER)));
    let found = records::read(&broker, &login, "rotated").unwrap();
    let acknowledged = acknowledged.load(Ordering::Acquire);
    let distinct: std::collections::BTreeSet<_> =
        found.iter().map(|record| &record.value).collect();
    println!(
        "{rotations} rotations of {}: {acknowledged} acknowledged, {} distinct of {} records",
        shown.prefix,
        distinct.len(),
        found.len()
    );
    assert_eq!(distinct.len(), acknowledged);
}
