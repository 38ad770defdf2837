//! Who we say we are, what is warned of, and what is shown of it.

use super::*;

#[test]
fn what_is_worth_knowing_is_warned_of() {
    let folder = Folder::new();
    let (file, token, key) = (
        folder.write("p", "p"),
        folder.write("t", "t"),
        folder.write("k", "k"),
    );
    let (file, token, key) = (
        format!("--es.password-file={file}"),
        format!("--es.token-file={token}"),
        format!("--es.api-key-file={key}"),
    );
    let order = "(the order is: a reader's own API key or token where that is allowed, api-key-file, token-file, username)";
    warns(&["--es.username=u", "--es.password=p"], &[]);
    warns(&[&token, "--es.bearer-token-propagation"], &[]);
    warns(
        &["--es.username=u", "--es.password=p", &file],
        &["--es.password: es.password-file is set too, and wins"],
    );
    warns(
        &["--es.username=u", &file, &token],
        &[&format!(
            "--es.token-file: one way to say who we are is sent, and it is this: es.username changes nothing {order}"
        )],
    );
    warns(
        &["--es.username=u", &key, &token],
        &[&format!(
            "--es.api-key-file: one way to say who we are is sent, and it is this: es.token-file and es.username changes nothing {order}"
        )],
    );
    warns(
        &[&file],
        &["--es.password-file: es.username is empty: a password alone opens nothing"],
    );
    warns(
        &["--es.max-doc-count=20000"],
        &[
            "--es.max-doc-count: Elasticsearch refuses more than 10000 hits in one search, and Jaeger then found nothing: 10000 are asked for at once, and a search goes on page by page",
        ],
    );
    warns(
        &[
            "--es.server-urls=https://es",
            "--es.tls.enabled",
            "--es.tls.skip-host-verify",
        ],
        &[
            "--es.tls.skip-host-verify: any certificate is taken: whoever stands in between can read and change spans",
        ],
    );
    warns(
        &["--es.server-urls=http://es:9200", "--es.tls.enabled"],
        &["--es.tls.enabled: no URL of es.server-urls is of https, so TLS is not spoken"],
    );
    warns(
        &[
            "--es.server-urls=http://es:9200",
            "--es.username=u",
            "--es.password=canary",
        ],
        &[
            "--es.server-urls: http://es:9200 is called in plaintext: whoever stands in between can read the credentials, and read and change spans",
        ],
    );
    let (clamped, _) = stores(&["--es.max-doc-count=20000"]);
    assert_eq!(clamped[0].main.limits.max_doc_count, 10_000);
}

#[test]
fn what_an_archive_has_from_its_store_is_told_once() {
    warns(
        &[
            "--es.server-urls=http://es:9200",
            "--es.password=p",
            "--es-archive.enabled",
        ],
        &[
            "--es.password: es.username is empty: a password alone opens nothing",
            "--es.server-urls: http://es:9200 is called in plaintext: whoever stands in between can read the credentials, and read and change spans",
        ],
    );
    warns(
        &["--es-archive.enabled", "--es-archive.password=p"],
        &["--es-archive.password: es-archive.username is empty: a password alone opens nothing"],
    );
    check(
        &["--es-archive.enabled", "--es.server-urls=es"],
        &["--es.server-urls: \"es\" is no full URL: give one such as https://es:9200"],
    );
}

#[test]
fn credentials_in_a_url_are_taken_out_of_it() {
    let (stores, warnings) =
        stores(&["--es.server-urls=https://u%40x:p%2Fw@es:9200,https://other:9200"]);
    assert_eq!(warnings, [""; 0]);
    let connection = &stores[0].main.connection;
    assert_eq!(connection.urls, ["https://es:9200", "https://other:9200"]);
    assert_eq!(connection.username, "u@x");
    let secret = connection.password.as_ref();
    assert_eq!(
        secret.map(secrecy::ExposeSecret::expose_secret),
        Some("p/w")
    );
    let shown = format!("{stores:?}");
    assert!(
        !shown.contains("p/w") && !shown.contains("p%2Fw"),
        "{shown}"
    );
    warns(
        &[
            "--es.server-urls=https://u:canary@es:9200",
            "--es.username=v",
            "--es.password=w",
        ],
        &[
            "--es.server-urls: es.username or es.password is set, so the credentials in the URL are not used",
        ],
    );
}

#[test]
fn secrets_are_shown_nowhere() {
    let checked = checked(
        Role::Collector,
        &[
            TYPE,
            "--es.username=u",
            "--es.password=canary",
            "--es.server-urls=http://x:canary@es:9200",
            "--es-archive.enabled",
            "--es-archive.password=canary",
            "--es-archive.num-shards=0",
        ],
        &[],
    );
    let config = checked.config.as_ref().unwrap();
    let shown = [
        format!("{config:?}"),
        format!("{:?} {:?}", checked.warnings, checked.problems),
        settings::print::to_yaml(&config.settings, &config.items),
    ]
    .concat();
    assert!(!shown.contains("canary"), "{shown}");
}
