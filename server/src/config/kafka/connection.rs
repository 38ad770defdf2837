//! How brokers are reached, and who we say we are.
//!
//! In: the settings of connecting, under `kafka.producer` or `kafka.consumer`. Out: a connection whose files are there, or what is wrong with each.

use settings::tls::ClientTls;
use settings::{Host, HostPort, Problem, Secret};
use storage::kafka::{Connection, Login, Mechanism};

use super::super::check::Check;
use super::one_of;

/// Ways to say who we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Nobody,
    Certificate,
    Password,
    Kerberos,
}

const WAYS: [(&str, Way); 4] = [
    ("none", Way::Nobody),
    ("tls", Way::Certificate),
    ("plaintext", Way::Password),
    ("kerberos", Way::Kerberos),
];

const MECHANISMS: [(&str, Mechanism); 3] = [
    (Mechanism::Plain.as_str(), Mechanism::Plain),
    (Mechanism::ScramSha256.as_str(), Mechanism::ScramSha256),
    (Mechanism::ScramSha512.as_str(), Mechanism::ScramSha512),
];

pub(super) fn read(prefix: &str, client_id: &str, check: &mut Check<'_>) -> Connection {
    let name = |part: &str| format!("{prefix}.{part}");
    let way = one_of(&name("authentication"), &WAYS, check).unwrap_or(Way::Nobody);
    if way == Way::Kerberos {
        check.wrong(
            &name("authentication"),
            "Spoor does not speak Kerberos, for which a library of the system would be needed: use plaintext with the mechanism SCRAM-SHA-256 or SCRAM-SHA-512, or tls",
        );
    }
    let connection = Connection {
        settings: check.settings.called(prefix),
        brokers: brokers(&name("brokers"), check),
        client_id: client_id.to_owned(),
        tls: tls(prefix, check),
        trust: check.trust.clone(),
        login: login(prefix, way, check),
    };
    if connection.login.is_some() && connection.tls.is_none() {
        let away = connection.brokers.iter().find(|at| {
            at.parse::<HostPort>()
                .is_ok_and(|at| !at.host.is_loopback())
        });
        if let Some(at) = away {
            check.warn(
                &name("authentication"),
                format!("{at} is called in plaintext: whoever stands in between can read and change spans, and PLAIN shows the password ({prefix}.tls.enabled)"),
            );
        }
    }
    // by the very code that a client is made by
    let dialer = connection.dialer();
    if let Err(problem) = connection.client(dialer.as_ref()) {
        check.problems.push(Problem::Invalid(problem.to_string()));
    }
    connection
}

fn brokers(name: &str, check: &mut Check<'_>) -> Vec<String> {
    let mut brokers = Vec::new();
    for text in check.settings.list(name).to_vec() {
        match text.trim().parse::<HostPort>() {
            Ok(at) if at.port == 0 || at.host == Host::Any => {
                check.wrong(
                    name,
                    format!("\"{text}\" is no broker: give host:port, such as kafka.prod.svc:9092"),
                );
            }
            Ok(_) => brokers.push(text.trim().to_owned()),
            Err(error) => check.wrong(name, error),
        }
    }
    if check.settings.list(name).is_empty() {
        check.wrong(
            name,
            "it is empty: give host:port of some brokers, such as kafka.prod.svc:9092",
        );
    }
    brokers
}

fn tls(prefix: &str, check: &mut Check<'_>) -> Option<ClientTls> {
    let block = format!("{prefix}.tls");
    if !check.settings.is_kafka_tls(&block) {
        return None;
    }
    let mut tls = match check.settings.client_tls_as_if_on(&block) {
        Ok(tls) => tls,
        Err(error) => {
            check.wrong(&format!("{block}.enabled"), error);
            return None;
        }
    };
    tls.prefix = check.settings.called(&block);
    if tls.skip_host_verify {
        check.warn_of_any_certificate(&format!("{block}.skip-host-verify"));
    }
    Some(tls)
}

fn login(prefix: &str, way: Way, check: &mut Check<'_>) -> Option<Login> {
    let name = |part: &str| format!("{prefix}.plaintext.{part}");
    let names = ["username", "password", "password-file", "mechanism"].map(name);
    if way != Way::Password {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check.warn_unused(
            &names,
            &format!("{prefix}.authentication is not plaintext, so this changes nothing"),
        );
        return None;
    }
    let [username, password, password_file, mechanism] = names;
    let mechanism = one_of(&mechanism, &MECHANISMS, check)?;
    let login = Login {
        mechanism,
        username: check.settings.text(&username).to_owned(),
        password: check
            .settings
            .secret(&password)
            .unwrap_or(&Secret::new(""))
            .into(),
        password_file: check.settings.path(&password_file),
    };
    if login.username.is_empty() {
        check.wrong(
            &username,
            format!("it is empty, and {prefix}.authentication is plaintext: give a name"),
        );
    }
    let has_password = check.settings.secret(&password).is_some();
    match (has_password, &login.password_file) {
        (true, Some(_)) => check.warn(&password, format!("{password_file} is set too, and wins")),
        (false, None) => check.wrong(
            &password,
            format!("it is empty, and so is {password_file}: give one of them"),
        ),
        _ => {}
    }
    Some(login)
}
