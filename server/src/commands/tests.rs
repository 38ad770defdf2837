use std::io::{Read, Write};
use std::net::TcpListener;

use settings::Environment;

use super::*;
use crate::cli;

fn run(line: &str) -> (bool, String, String) {
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let command = cli::parse(&args, &Environment::default()).unwrap_or_else(|e| panic!("{e}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let good = execute(&command, &mut out, &mut err).unwrap() == 0;
    (
        good,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

#[test]
fn version_is_jaegers_line_of_json() {
    let (good, out, _) = run("spoor version");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        good && json["gitVersion"] == "v1.76.0" && !out.ends_with('\n'),
        "{out}"
    );
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["gitCommit", "gitVersion", "buildDate"]);
    assert!(run("spoor --version").1.starts_with("spoor "));
}

#[test]
fn help_lists_the_flags_of_the_role() {
    let (_, all, _) = run("spoor help");
    let (_, query, _) = run("jaeger-query --help");
    assert!(
        all.contains("--collector.otlp.grpc.host-port host:port\n")
            && all.contains("--query.base-path text (default /)"),
        "{all}"
    );
    assert!(
        all.contains("--es.tls.enabled, .ca, .cert, .key, .server-name …\n")
            && all.contains("--collector.grpc.tls.enabled, .cert, .key, .client-ca …\n"),
        "{all}"
    );
    assert!(
        !query.contains("--collector.") && query.contains("--query.base-path"),
        "{query}"
    );
    assert!(all.lines().all(|line| line.chars().count() <= 130), "{all}");
}

#[test]
fn env_lists_the_variables() {
    let (good, out, _) = run("spoor env");
    assert!(
        good && out.contains(" JAEGER_LISTEN_HOST\n")
            && out.contains(" COLLECTOR_OTLP_GRPC_HOST_PORT\n"),
        "{out}"
    );
}

#[test]
fn what_print_config_prints_is_a_configuration_that_prints_the_same() {
    for format in ["yaml", "json"] {
        let (good, first, _) = run(&format!(
            "spoor print-config --format {format} --query.base-path=/jaeger --log-level=debug"
        ));
        assert!(good);
        let mut file = tempfile::Builder::new()
            .suffix(&format!(".{format}"))
            .tempfile()
            .unwrap();
        file.write_all(first.as_bytes()).unwrap();
        let (_, again, _) = run(&format!(
            "spoor print-config --format {format} --config-file={}",
            file.path().display()
        ));
        let bare = |text: &str| {
            text.lines()
                .take_while(|l| !l.contains("#sources"))
                .map(|l| l.split(" # ").next().unwrap_or(l).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(bare(&first), bare(&again));
        assert!(first.contains("memory") && first.contains("MiB"), "{first}");
        assert_eq!(
            first.contains("#   otlp-grpc 127.0.0.1:4317 [::1]:4317 plaintext\n"),
            format == "yaml",
            "{first}"
        );
    }
}

#[test]
fn validate_tells_problems_one_by_one() {
    let (good, out, err) = run("spoor validate");
    assert!(
        good && out == "the configuration is good\n" && err.is_empty(),
        "{err}"
    );
    let (good, out, err) = run(
        "spoor validate --log-lvel=x --query.max-traces=0 --es.username=u --admin.http.tls.enabled --admin.http.tls.cert=/nowhere/a --admin.http.tls.key=/nowhere/b",
    );
    assert!(!good && out.is_empty());
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 5, "{err}");
    assert_eq!(
        lines[0],
        "warning: --es.username: the store elasticsearch is not in use (span-storage.type names embedded), so this changes nothing"
    );
    assert_eq!(
        lines[1],
        "problem: unknown flag --log-lvel: did you mean --log-level?"
    );
    assert_eq!(lines[2], "problem: --query.max-traces: give 1 or more");
    assert!(
        lines[3].starts_with("problem: cannot read /nowhere/a (admin.http.tls.cert): "),
        "{err}"
    );
    assert_eq!(lines[4], "3 problems: Spoor would not start");
}

#[test]
fn validate_loads_certificates_as_a_start_does() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let pair = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (ours, other) = (pair(), pair());
    let cert = write("cert.pem", ours.cert.pem());
    let key = write("key.pem", ours.signing_key.serialize_pem());
    let strange = write("strange.pem", other.signing_key.serialize_pem());
    let validate = |cert: &str, key: &str, more: &str| {
        run(&format!(
            "spoor validate --admin.http.tls.enabled --admin.http.tls.cert={cert} --admin.http.tls.key={key}{more}"
        ))
    };
    let (good, _, err) = validate(&cert, &key, "");
    assert!(good, "{err}");
    for (cert, key, more, told) in [
        (&cert, &strange, "", "does not belong to the certificate"),
        (&key, &cert, "", "(admin.http.tls.cert) "),
        (
            &cert,
            &key,
            " --admin.http.tls.cipher-suites=TLS_NO_SUCH",
            "problem: admin.http.tls.cipher-suites: ",
        ),
    ] {
        let (good, out, err) = validate(cert, key, more);
        assert!(!good && out.is_empty() && err.contains(told), "{err}");
    }
}

/// Answers one request with `answer`.
fn answering(answer: &'static str) -> (u16, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.extend_from_slice(&byte);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (port, thread)
}

#[test]
fn status_prints_the_body_and_fails_unless_200() {
    let (port, thread) = answering(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"status\":\"Server available\"}",
    );
    assert_eq!(
        run(&format!("spoor status --status.http.host-port=:{port}")),
        (
            true,
            "{\"status\":\"Server available\"}\n".to_owned(),
            String::new()
        )
    );
    assert!(
        thread
            .join()
            .unwrap()
            .starts_with("GET / HTTP/1.0\r\nHost: 127.0.0.1:")
    );
    let (port, _thread) = answering("HTTP/1.1 503 Service Unavailable\r\n\r\n{}");
    assert_eq!(
        run(&format!(
            "spoor status --status.http.host-port=127.0.0.1:{port}"
        )),
        (
            false,
            "{}\n".to_owned(),
            "abnormal value of http status code: 503\n".to_owned()
        )
    );
    let (port, _thread) = answering("SSH-2.0\r\n\r\n");
    assert!(
        run(&format!(
            "spoor status --status.http.host-port=127.0.0.1:{port}"
        ))
        .2
        .contains("the answer is no HTTP")
    );
}

#[test]
fn status_says_where_nobody_answered() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let (good, _, err) = run(&format!(
        "spoor status --status.http.host-port=127.0.0.1:{port}"
    ));
    assert!(
        !good && err.starts_with(&format!("no health from 127.0.0.1:{port}: ")),
        "{err}"
    );
}

#[test]
fn every_command_with_options_has_help_of_its_own() {
    for (line, words) in [
        ("spoor es-index-cleaner --help", ["--dry-run", "[ROLLOVER]"]),
        ("jaeger-es-rollover help", ["--conditions", "--es.use-ilm"]),
        ("spoor help es-mapping", ["--use-ilm", "--es-version"]),
        ("spoor dead-letter --help", ["replay", "--since"]),
        ("spoor store --help", ["inspect", "--start"]),
        ("spoor certs --help", ["--authority", "shared keys"]),
    ] {
        let (good, out, _) = run(line);
        assert!(good && words.iter().all(|word| out.contains(word)), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 130), "{out}");
    }
}

#[test]
fn a_mapping_is_printed_and_what_is_none_is_told() {
    let (good, out, _) = run("spoor es-mapping --mapping=jaeger-span --index-prefix=p");
    let body: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(
        good && body["index_patterns"] == serde_json::json!(["p-jaeger-span-*"]),
        "{out}"
    );
    let (good, _, err) = run("spoor es-mapping --mapping=jaeger-spans");
    assert!(
        !good && err.starts_with("spoor: \"jaeger-spans\" is no mapping"),
        "{err}"
    );
}
