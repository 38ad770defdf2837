//! How a cluster is reached, and who we say we are.
//!
//! In: the settings of connecting, under `es` or `es-archive`. Out: a connection whose files are there, or what is wrong with each. Of several ways to say who
//! we are one is sent, in the order that is said here and in `docs/elasticsearch.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use settings::tls::ClientTls;
use storage::elasticsearch::config::Connection;
use trust::{DialError, Dialer};

use super::super::check::Check;
use super::STORE;
use super::urls::{self, Nodes};

/// A file with a secret: its setting, how often it is read again, and what it holds.
const FILES: [(&str, &str); 3] = [
    ("password-file", "password-reload-interval"),
    ("token-file", "bearer-token-reload-interval"),
    ("api-key-file", "api-key-reload-interval"),
];

/// Where nothing says otherwise, and there is no file.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

pub(super) fn read(prefix: &str, own_authority: &Path, check: &mut Check<'_>) -> Connection {
    let name = |part: &str| format!("{prefix}.{part}");
    let nodes = urls::read(&name("server-urls"), check);
    let [password_file, token_file, api_key_file] =
        FILES.map(|(file, _)| check.settings.path(&name(file)));
    let mut connection = Connection {
        settings: check.settings.called(prefix),
        tls: tls(prefix, &nodes, own_authority, check),
        trust: check.trust.with_authority(own_authority.to_owned()),
        username: check.settings.text(&name("username")).to_owned(),
        password: check.settings.secret(&name("password")).map(Into::into),
        password_file,
        token_file,
        api_key_file,
        propagate_bearer_token: check.settings.bool(&name("bearer-token-propagation")),
        propagate_api_key: check.settings.bool(&name("api-key-allow-from-context")),
        reload_interval: reload_interval(prefix, check),
        timeout: check.time(&name("timeout")),
        version: version(&name("version"), check),
        compression: check.settings.bool(&name("http-compression")),
        compression_level: check.within(&name("compression-level"), 1..=9),
        sniffer: check.settings.bool(&name("sniffer")),
        sniffer_tls: check.settings.bool(&name("sniffer-tls-enabled")),
        disable_health_check: check.settings.bool(&name("disable-health-check")),
        send_get_body_as: method(&name("send-get-body-as"), check),
        ..Connection::default()
    };
    credentials(prefix, &nodes, &mut connection, check);
    connection.urls = nodes.urls;
    connection
}

/// The block, when it is on. Its files are read, as the first connection will.
fn tls(
    prefix: &str,
    nodes: &Nodes,
    own_authority: &Path,
    check: &mut Check<'_>,
) -> Option<ClientTls> {
    let block = format!("{prefix}.tls");
    let name = |part: &str| format!("{block}.{part}");
    let found = check.settings.client_tls(&block).unwrap_or_else(|error| {
        check.wrong(&name("enabled"), error);
        None
    });
    let mut tls = found?;
    tls.prefix = check.settings.called(&block);
    let trust = check.trust.with_authority(own_authority.to_owned());
    if let Err(error) = Dialer::tls(tls.clone(), &trust).check() {
        let (part, what) = in_words(&error);
        check.wrong(&name(&part), what);
    }
    if !nodes.some_tls && !nodes.urls.is_empty() {
        let note = format!("no URL of {prefix}.server-urls is of https, so TLS is not spoken");
        warn(prefix, "tls.enabled", note, check);
    }
    if tls.skip_host_verify {
        let note = "any certificate is taken: whoever stands in between can read and change spans";
        warn(prefix, "tls.skip-host-verify", note.to_owned(), check);
    }
    Some(tls)
}

/// The last word of the setting that an error is about, and the error without it.
fn in_words(error: &DialError) -> (String, String) {
    let (setting, what) = match error {
        DialError::Unreadable {
            path,
            setting,
            source,
        } => (setting, format!("cannot read {}: {source}", path.display())),
        DialError::Content {
            path,
            setting,
            problem,
        } => (setting, format!("{} {problem}", path.display())),
        other => return ("enabled".to_owned(), other.to_string()),
    };
    let part = setting.rsplit('.').next().unwrap_or("enabled");
    (part.to_owned(), what)
}

fn credentials(prefix: &str, nodes: &Nodes, told: &mut Connection, check: &mut Check<'_>) {
    let name = |part: &str| format!("{prefix}.{part}");
    if let Some((username, password)) = &nodes.credentials {
        if told.username.is_empty() && told.password.is_none() && told.password_file.is_none() {
            told.username.clone_from(username);
            told.password = Some(password.into());
        } else {
            let note = format!(
                "{prefix}.username or {prefix}.password is set, so the credentials in the URL are not used"
            );
            warn(prefix, "server-urls", note, check);
        }
    }
    let files = [&told.password_file, &told.token_file, &told.api_key_file];
    for ((file, _), path) in FILES.iter().zip(files) {
        if let Some(Err(what)) = path.as_ref().map(holds_something) {
            check.wrong(&name(file), what);
        }
    }
    if told.password.is_some() && told.password_file.is_some() {
        let note = format!("{prefix}.password-file is set too, and wins");
        warn(prefix, "password", note, check);
        told.password = None;
    }
    let password = (told.password_file.as_ref().map(|_| "password-file"))
        .or(told.password.as_ref().map(|_| "password"));
    if let (Some(password), true) = (password, told.username.is_empty()) {
        let note = format!("{prefix}.username is empty: a password alone opens nothing");
        warn(prefix, password, note, check);
    }
    // in the order in which they are tried
    let ways: Vec<&str> = [
        ("api-key-file", told.api_key_file.is_some()),
        ("token-file", told.token_file.is_some()),
        ("username", password.is_some() || !told.username.is_empty()),
    ]
    .into_iter()
    .filter_map(|(part, is_set)| is_set.then_some(part))
    .collect();
    if let [first, _, ..] = ways[..] {
        let others = ways.iter().skip(1).map(|part| name(part));
        let others: Vec<String> = others.collect();
        let note = format!(
            "one way to say who we are is sent, and it is this: {} changes nothing (the order is: a reader's own API key or token where that is allowed, api-key-file, token-file, username)",
            others.join(" and ")
        );
        warn(prefix, first, note, check);
    }
    if let (Some(url), false) = (&nodes.plaintext, ways.is_empty()) {
        let note = format!(
            "{url} is called in plaintext: whoever stands in between can read the credentials, and read and change spans"
        );
        warn(prefix, "server-urls", note, check);
    }
}

/// Warns of a setting, but not of what an archive has from its store: that was told there.
fn warn(prefix: &str, part: &str, note: String, check: &mut Check<'_>) {
    let name = format!("{prefix}.{part}");
    let at = check.settings.at(&format!("{STORE}.{part}"));
    let is_the_stores = prefix != STORE && check.is_written(&name);
    if !is_the_stores || check.settings.at(&name) != at {
        check.warn(&name, note);
    }
}

/// Whether a file can be read and holds anything. What it holds is not kept.
fn holds_something(path: &PathBuf) -> Result<(), String> {
    let content =
        std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    if content.trim_ascii().is_empty() {
        return Err(format!("{} is empty", path.display()));
    }
    Ok(())
}

/// The shortest of those that are of a file.
fn reload_interval(prefix: &str, check: &mut Check<'_>) -> Duration {
    let mut intervals = Vec::new();
    for (file, interval) in FILES {
        let interval = check.time(&format!("{prefix}.{interval}"));
        if check.settings.path(&format!("{prefix}.{file}")).is_some() {
            intervals.push(interval);
        }
    }
    if intervals.is_empty() {
        return RELOAD_INTERVAL;
    }
    // zero is never, and so the longest
    let some = intervals.into_iter().filter(|interval| !interval.is_zero());
    some.min().unwrap_or_default()
}

fn version(name: &str, check: &mut Check<'_>) -> u8 {
    let version = check.settings.int(name);
    match u8::try_from(version) {
        Ok(version @ (0 | 6..=99)) => version,
        _ => {
            check.wrong(
                name,
                format!("{version} is no version that is known: give 6 or later, 7 for OpenSearch, or 0 to ask the server"),
            );
            0
        }
    }
}

fn method(name: &str, check: &mut Check<'_>) -> String {
    let text = check.settings.text(name).trim().to_ascii_uppercase();
    if !matches!(text.as_str(), "" | "GET" | "POST") {
        check.wrong(name, format!("\"{text}\" is neither GET nor POST"));
    }
    text
}
