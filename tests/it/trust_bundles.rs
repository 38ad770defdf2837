//! Bundles of authorities that come and go while Spoor runs, with a server in front that nobody here wrote; and what `spoor check` says of them.

use std::path::Path;
use std::process::Command;

use tests::pki::{Authority, Mounted};
use tests::spoor::Spoor;

use crate::strategies::{Server, told, write};
use crate::support::{eventually, get, setup};

/// The value of a metric that has one line.
async fn metric(spoor: &Spoor, name: &str) -> Option<f64> {
    let text = get(&format!("{}/metrics", spoor.url("admin"))).await.2;
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().parse().ok()
}

fn serve(file: &Path, folder: &Path, authority: &Authority) -> Server {
    let leaf = authority.server(1);
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("tls.crt"), leaf.cert).unwrap();
    std::fs::write(folder.join("tls.key"), leaf.key).unwrap();
    Server::start(file, Some(folder))
}

#[tokio::test]
async fn a_bundle_that_is_dropped_in_opens_the_way_and_one_that_is_taken_away_closes_it() {
    let (folder, setup) = setup();
    let file = folder.path().join("strategies.json");
    write(&file, 0.5);
    let authority = Authority::new("a private root");
    let server = serve(&file, &folder.path().join("server"), &authority);
    let bundles = folder.path().join("bundles");
    std::fs::create_dir(&bundles).unwrap();
    let url = format!("https://localhost:{}/strategies.json", server.port);
    let mut setup = setup
        .arg(format!("--sampling.strategies-file={url}"))
        .arg("--sampling.strategies-reload-interval=50ms")
        .arg("--sampling.default-sampling-probability=0.125");
    setup.variables.push((
        "TRUST_BUNDLES".to_owned(),
        format!("{},/nowhere/at/all.pem", bundles.display()),
    ));
    let spoor = setup.start().unwrap();
    told(&spoor, 0.125).await;
    let log = spoor.log().join("\n");
    for word in [
        "localhost",
        "CN=a private root",
        "trust.bundles",
        "sampling.strategies.ca",
        // of the bundle that is not there
        "/nowhere/at/all.pem: there is no such file or folder",
    ] {
        assert!(log.contains(word), "{word}: {log}");
    }

    // as Kubernetes mounts a secret, and swaps it
    let mounted = bundles.join("mounted");
    let text = format!("# ours\r\n{}junk\n", authority.pem());
    let mut secret = Mounted::new(mounted.clone(), &[("ca.crt", &text)]);
    let link = Path::new("mounted/ca.crt");
    std::os::unix::fs::symlink(link, bundles.join("ca.crt")).unwrap();
    told(&spoor, 0.5).await;
    let one = async |what: &str, count: f64| {
        let ask = || metric(&spoor, "spoor_trust_bundle_authorities ");
        eventually(what, ask, |found| *found == Some(count)).await;
    };
    one("the authority is counted", 1.0).await;

    // nothing in the file: what was there before stays
    let emptied = bundles.join("second.pem");
    std::fs::write(&emptied, Authority::new("another").pem()).unwrap();
    one("another one is counted", 2.0).await;
    std::fs::write(&emptied, "").unwrap();
    eventually(
        "a word about the empty file",
        || async { spoor.log().join("\n") },
        |log| log.contains("second.pem: it holds no authority's certificate"),
    )
    .await;
    one("the other one stays", 2.0).await;
    write(&file, 0.25);
    told(&spoor, 0.25).await;

    // another one in its place, and back
    let refused = || {
        let lines = spoor.log();
        let lines = lines.iter();
        lines
            .filter(|line| line.contains("cannot get the sampling strategies"))
            .count()
    };
    let refused_again = async |before: usize| {
        eventually(
            "the server is refused",
            || async { refused() },
            |now| *now > before,
        )
        .await;
    };
    let before = refused();
    secret.swap(&[("ca.crt", &Authority::new("a stranger").pem())]);
    refused_again(before).await;
    secret.swap(&[("ca.crt", &text)]);
    write(&file, 0.75);
    told(&spoor, 0.75).await;

    // taken away
    let (before, removed) = (refused(), std::time::Instant::now());
    std::fs::remove_file(bundles.join("ca.crt")).unwrap();
    refused_again(before).await;
    println!(
        "refused {:?} after the file was taken away",
        removed.elapsed()
    );
    write(&file, 0.5);
    // whom it trusts is part of what is said, so that it is said again of others
    let before = refused();
    std::fs::write(bundles.join("ca.crt"), Authority::new("a third").pem()).unwrap();
    refused_again(before).await;
    told(&spoor, 0.75).await;
    assert_eq!(get(&spoor.url("admin")).await.0, 200);
}

#[tokio::test]
async fn the_systems_authorities_are_read_again_when_they_change() {
    let (folder, mut setup) = setup();
    let file = folder.path().join("strategies.json");
    write(&file, 0.5);
    let authority = Authority::new("a private root");
    let server = serve(&file, &folder.path().join("server"), &authority);
    let system = folder.path().join("system.pem");
    std::fs::write(&system, Authority::new("a stranger").pem()).unwrap();
    let url = format!("https://localhost:{}/strategies.json", server.port);
    let none = folder.path().join("none");
    std::fs::create_dir(&none).unwrap();
    for (name, path) in [("SSL_CERT_FILE", &system), ("SSL_CERT_DIR", &none)] {
        let variable = (name.to_owned(), path.display().to_string());
        setup.variables.push(variable);
    }
    let spoor = setup
        .arg(format!("--sampling.strategies-file={url}"))
        .arg("--sampling.strategies-reload-interval=50ms")
        .arg("--sampling.default-sampling-probability=0.125")
        .start()
        .unwrap();
    told(&spoor, 0.125).await;
    let log = spoor.log().join("\n");
    assert!(log.contains("the authorities of the system (1)"), "{log}");
    std::fs::write(&system, authority.pem()).unwrap();
    told(&spoor, 0.5).await;
}

#[tokio::test]
async fn check_says_what_of_a_bundle_is_not_used() {
    let (folder, setup) = setup();
    let path = folder.path().join("bundle.pem");
    let authority = Authority::new("ours");
    let text = format!(
        "{}{}-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{}",
        authority.pem(),
        authority.pem(),
        authority.client("a client").cert
    );
    std::fs::write(&path, &text).unwrap();
    let check = |more: &[&str]| {
        let mut command = Command::new(&setup.program);
        command
            .arg("check")
            .arg(format!("--trust.bundles={}", path.display()))
            .arg("--span-storage.type=memory")
            .args(more);
        let output = command.output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    // it works with what there is
    let (is_well, said) = check(&[]);
    assert!(is_well, "{said}");
    let line = |needle: &str| text.lines().position(|line| line == needle).unwrap() + 1;
    for words in [
        "1 file (trust.bundles) with 1 certificate of authorities".to_owned(),
        format!(
            "{}: line {} (block 3): it is not base64",
            path.display(),
            line("!") - 1
        ),
        "\"CN=a client\" is no authority's".to_owned(),
        "CN=ours\" stands in".to_owned(),
        "0 problems, 2 warnings".to_owned(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    let (_, said) = check(&["--output=json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let findings = said["findings"].as_array().unwrap();
    let verdicts: Vec<_> = findings
        .iter()
        .filter(|found| found["store"] == "trust")
        .map(|found| found["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["ok", "warning", "warning", "note"]);
}
