//! Sampling strategies from a URL, over HTTP and HTTPS, from a server that nobody here wrote.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tests::spoor::Spoor;

use crate::support::{eventually, get, get_json, root, setup};

/// A server of Python's; it ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(file: &Path, pair: Option<&Path>) -> Self {
        let mut command = Command::new("python3");
        command
            .arg(root().join("tests/clients/strategies.py"))
            .arg(file);
        if let Some(folder) = pair {
            command.args([folder.join("tls.crt"), folder.join("tls.key")]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self {
            child,
            port: line.trim().parse().unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub(crate) fn write(file: &Path, share: f64) {
    let text = json!({"default_strategy": {"type": "probabilistic", "param": share}});
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text.to_string()).unwrap();
    std::fs::rename(&fresh, file).unwrap();
}

pub(crate) async fn told(spoor: &Spoor, share: f64) {
    let url = format!("{}/sampling?service=shop", spoor.url("sampling-http"));
    let rate = |answer: &Value| answer["probabilisticSampling"]["samplingRate"].as_f64();
    eventually(
        "the strategies",
        || get_json(&url),
        |answer| rate(answer) == Some(share),
    )
    .await;
}

#[tokio::test]
async fn strategies_come_from_a_url_once_it_has_some_and_follow_it() {
    let (folder, setup) = setup();
    let file = folder.path().join("strategies.json");
    let server = Server::start(&file, None);
    let spoor = setup
        .arg(format!(
            "--sampling.strategies-file=http://127.0.0.1:{}/moved",
            server.port
        ))
        .arg("--sampling.strategies-reload-interval=50ms")
        .arg("--sampling.default-sampling-probability=0.125")
        .start()
        .unwrap();
    // 503 is "none yet"
    told(&spoor, 0.125).await;
    write(&file, 0.5);
    told(&spoor, 0.5).await;
    write(&file, 0.25);
    told(&spoor, 0.25).await;
    // what cannot be used, and a server that is gone, leave the last ones in use
    std::fs::write(&file, "junk").unwrap();
    eventually(
        "a word about it",
        || async { spoor.log().join("\n") },
        |log| log.contains("cannot be used") && log.contains("the strategies of before stay"),
    )
    .await;
    drop(server);
    eventually(
        "a word about the server",
        || async { spoor.log().join("\n") },
        |log| log.contains("cannot get the sampling strategies from http://127.0.0.1"),
    )
    .await;
    told(&spoor, 0.25).await;
}

#[tokio::test]
async fn over_https_the_authority_is_the_one_that_was_given() {
    let (folder, setup) = setup();
    let file = folder.path().join("strategies.json");
    write(&file, 0.75);
    // a first start makes certificates, which the server then has
    let certs = folder.path().join("certs");
    let setup = setup.arg(format!("--certs.directory={}", certs.display()));
    let first = setup.clone().arg("--query.http.tls.enabled");
    first.start().unwrap().terminate().unwrap();
    let server = Server::start(&file, Some(&certs.join("default/jaeger")));
    let from = |host: &str| {
        format!(
            "--sampling.strategies-file=https://{host}:{}/strategies.json",
            server.port
        )
    };
    let ca = certs.join("default/ca.crt");
    let spoor = setup
        .clone()
        .arg(from("localhost"))
        .arg(format!("--sampling.strategies.ca={}", ca.display()))
        .start()
        .unwrap();
    told(&spoor, 0.75).await;
    drop(spoor);
    // the one of our own making is trusted beside the system's
    told(&setup.clone().arg(from("127.0.0.1")).start().unwrap(), 0.75).await;

    let elsewhere = folder.path().join("elsewhere");
    let strange = setup
        .arg(from("localhost"))
        .arg(format!("--certs.directory={}", elsewhere.display()))
        .start()
        .unwrap();
    let log = strange.log().join("\n");
    assert!(
        log.contains("signed by nobody who is trusted") && log.contains("sampling.strategies.ca"),
        "{log}"
    );
    assert_eq!(get(&strange.url("admin")).await.0, 200);
}

#[test]
fn a_url_that_has_no_strategies_ends_the_start() {
    let (folder, setup) = setup();
    let file = folder.path().join("strategies.json");
    std::fs::write(&file, "junk").unwrap();
    let server = Server::start(&file, None);
    let at = format!("http://user:secret@127.0.0.1:{}/x", server.port);
    let refused = setup
        .arg(format!("--sampling.strategies-file={at}"))
        .start();
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("cannot be used") && said.contains("sampling.strategies-file"),
        "{said}"
    );
    assert!(!said.contains("secret"), "{said}");
}
