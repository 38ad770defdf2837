//! What two instances must not share.

use super::setup::{RULES, Setup, two};
use super::*;

#[test]
fn instances_that_would_share_indices_are_told_with_both_names() {
    #[track_caller]
    fn check(prod: &str, staging: &str, expect: &[&str]) {
        let setup = Setup::new(&format!(
            "instances:\n- {{namespace: prod, {prod}}}\n- {{namespace: staging, {staging}}}\n"
        ));
        setup.tells(&RULES, expect);
    }
    let of_both = "instances[0].es.index-prefix in F and instances[1].es.index-prefix in F";
    let shared = |prefix: &str, at: &str| {
        format!(
            "{of_both}: prod/jaeger and staging/jaeger would share the indices \"{prefix}jaeger-…\" on {at}: give each an index-prefix of its own"
        )
    };
    let es = |prefix: &str, urls: &str| {
        format!("es: {{index-prefix: '{prefix}', server-urls: '{urls}'}}")
    };
    for (prod, staging, told) in [
        (es("a", "http://es:9200"), es("b", "http://es:9200"), None),
        // a hyphen is put behind it, so one is not within the other
        (es("a", "http://es:9200"), es("a-b", "http://es:9200"), None),
        (es("", "http://es:9200"), es("b", "http://es:9200"), None),
        (
            es("", "http://es:9200"),
            es("jaeger", "http://es:9200"),
            None,
        ),
        (
            es("a", "http://es:9200"),
            es("a", "http://other:9200"),
            None,
        ),
        (es("a", "http://es:9200"), es("a", "http://es:9201"), None),
        (es("a", "http://proxy/x"), es("a", "http://proxy/y"), None),
        (
            es("a", "http://es:9200"),
            es("a", "http://es:9200"),
            Some(shared("a-", "es:9200")),
        ),
        (
            es("a", "http://es:9200"),
            es("a-", "http://es:9200"),
            Some(shared("a-", "es:9200")),
        ),
        (
            es("", "http://es:9200"),
            es("", "http://es:9200"),
            Some(shared("", "es:9200")),
        ),
        // one cluster in other words
        (
            es("a", "http://x:1, http://es:9200/"),
            es("a", "https://u:p@ES:9200, http://y"),
            Some(shared("a-", "es:9200")),
        ),
        (
            es("a", "http://localhost:9200"),
            es("a", "http://[::1]:9200"),
            Some(shared("a-", "localhost:9200")),
        ),
        (
            es("a", "https://es"),
            es("a", "https://es.:443"),
            Some(shared("a-", "es:443")),
        ),
        (
            es("a", "http://proxy/x"),
            es("a", "http://proxy:80/x/"),
            Some(shared("a-", "proxy:80/x")),
        ),
        (
            es("", "http://es:9200"),
            es("jaeger-span-x", "http://es:9200"),
            Some(format!(
                "{of_both}: prod/jaeger and staging/jaeger have the prefixes \"\" and \"jaeger-span-x-\", and what one looks for finds indices of the other on es:9200: give each an index-prefix of its own"
            )),
        ),
    ] {
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        check(&prod, &staging, &told);
        check(
            &staging,
            &prod,
            &told
                .iter()
                .map(|told| swap(told))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
    }
    // the archive of one and the store of the other, too
    check(
        "es: {index-prefix: a}, es-archive: {enabled: true, index-prefix: kept}",
        "es: {index-prefix: kept}",
        &[
            "instances[0].es-archive.index-prefix in F and instances[1].es.index-prefix in F: prod/jaeger and staging/jaeger would share the indices \"kept-jaeger-…\" on localhost:9200: give each an index-prefix of its own",
        ],
    );
    // one's own archive is one's own
    check(
        "es: {index-prefix: a}, es-archive: {enabled: true}",
        "es: {index-prefix: b}, es-archive: {enabled: true}",
        &[],
    );
}

/// The one text in which the order of the two is seen.
fn swap(told: &str) -> String {
    told.replace("\"\" and \"jaeger-span-x-\"", "\"jaeger-span-x-\" and \"\"")
}

#[test]
fn instances_with_one_private_key_are_told_with_both_names() {
    let told = |at: &str, files: &str| {
        format!(
            "{at}: prod/jaeger and staging/jaeger have the same private key ({files}), so a cluster cannot tell them apart: give each a certificate with a key of its own"
        )
    };
    let items = "instances[0].es.tls.key in F and instances[1].es.tls.key in F";
    // another certificate, and another file, of the same key
    let setup = two();
    let key = rcgen::KeyPair::generate().unwrap();
    for name in ["prod", "staging"] {
        let params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap();
        setup.folder.write(&format!("{name}/tls.crt"), &cert.pem());
        setup.folder.write(
            &format!("{name}/tls.key"),
            &format!("# of {name}\n{}", key.serialize_pem()),
        );
    }
    let files = "DIR/prod/tls.key and DIR/staging/tls.key";
    setup.tells(&RULES, &[&told(items, files)]);
    // one file for both
    let folder = Folder::new();
    folder.pair("all");
    let setup = Setup::with(
        folder,
        "instances: [{namespace: prod, es: {index-prefix: a}}, {namespace: staging, es: {index-prefix: b}}]",
    );
    let at = |name: &str| {
        setup
            .folder
            .path()
            .join("all")
            .join(name)
            .display()
            .to_string()
    };
    let (ca, cert, key) = (
        format!("--es.tls.ca={}", at("tls.crt")),
        format!("--es.tls.cert={}", at("tls.crt")),
        format!("--es.tls.key={}", at("tls.key")),
    );
    let line = [
        &RULES[..],
        &[
            "--es.server-urls=https://es",
            "--es.tls.enabled",
            &ca,
            &cert,
            &key,
        ],
    ]
    .concat();
    setup.tells(&line, &[&told("--es.tls.key", "DIR/all/tls.key")]);
}
