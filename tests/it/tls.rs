//! TLS on a listener from PEM files, seen from outside by a client with a TLS stack of its own, and the files change under it.

mod rotation;

use std::path::Path;
use std::process::Command;

use rcgen::KeyPair;
use tests::pki::{Authority, Leaf};

use crate::support::{eventually, root, setup};

/// What an independent client sees: the serial number that is served, and the status of a GET.
fn look(address: &str, authority: &Path, path: &str) -> String {
    let output = Command::new("python3")
        .arg(root().join("tests/clients/tls.py"))
        .args([address])
        .arg(authority)
        .arg(path)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_listener_serves_the_certificate_that_is_on_disk_now() {
    let (folder, setup) = setup();
    let authority = Authority::new("a namespace's own authority");
    let issue = |serial| {
        std::fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
        let Leaf { cert, key } = authority.server(serial);
        std::fs::write(folder.path().join("tls.key"), key).unwrap();
        std::fs::write(folder.path().join("tls.crt"), cert).unwrap();
    };
    issue(0x11);
    let file = |name: &str| folder.path().join(name);
    let spoor = setup
        .arg("--query.http.tls.enabled")
        .arg(format!(
            "--query.http.tls.cert={}",
            file("tls.crt").display()
        ))
        .arg(format!(
            "--query.http.tls.key={}",
            file("tls.key").display()
        ))
        .start()
        .unwrap();
    let address = spoor.address("query-http").to_owned();
    let ca = file("ca.crt");
    assert_eq!(look(&address, &ca, "/api/services"), "11 200");

    // the same names, new contents: no restart
    issue(0x22);
    eventually(
        "the new certificate",
        || async { look(&address, &ca, "/api/services") },
        |seen| seen == "22 200",
    )
    .await;

    // half of a new pair: the last good one stays, and the log says so
    std::fs::write(
        file("tls.key"),
        KeyPair::generate().unwrap().serialize_pem(),
    )
    .unwrap();
    eventually(
        "a line about the bad pair",
        || async { spoor.log().join("\n") },
        |log: &String| log.contains("tls.key"),
    )
    .await;
    assert_eq!(look(&address, &ca, "/api/services"), "22 200");

    // plaintext to it is answered in words
    let answer = reqwest::get(format!("http://{address}/api/services"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
}

#[test]
fn a_tls_setting_without_enabled_is_an_error_in_jaegers_words() {
    let (_folder, setup) = setup();
    let output = setup
        .arg("--query.http.tls.cert=/x")
        .command()
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(
        said.contains(
            "query.http.tls.* options cannot be used when query.http.tls.enabled is false"
        ),
        "{said}"
    );
}
