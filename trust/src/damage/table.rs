//! What may happen to certificates, one by one.
//!
//! In: the folders. Out: the same, damaged.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use super::{Damage, Past, days, member, now};
use crate::kind::Kind;
use crate::member::Member;

fn server() -> Member {
    member("prod/jaeger", Kind::Server)
}

fn all_names(without: &[&str]) -> Vec<String> {
    let names = server().names.into_iter().map(|name| name.to_string());
    names
        .filter(|name| !without.iter().any(|w| name.ends_with(w)))
        .collect()
}

fn issue_without(past: &Past, without: &[&str]) {
    let names = all_names(without);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    past.issued(&server(), &names, now());
}

const PAIR: &str = "prod/jaeger";

const fn pair(name: &'static str, word: &'static str, done: fn(&Past)) -> Damage {
    Damage {
        name,
        word,
        scope: PAIR,
        keeps_pair: false,
        done,
    }
}

const fn beside(
    name: &'static str,
    word: &'static str,
    scope: &'static str,
    done: fn(&Past),
) -> Damage {
    Damage {
        name,
        word,
        scope,
        keeps_pair: true,
        done,
    }
}

/// What is mended.
pub(crate) const DAMAGES: &[Damage] = &[
    pair("certificate deleted", "missing", |p| {
        p.remove("prod/jaeger/tls.crt");
    }),
    pair("key deleted", "missing", |p| {
        p.remove("prod/jaeger/tls.key");
    }),
    pair("secret deleted", "missing", |p| {
        fs::remove_dir_all(p.at("prod/jaeger")).unwrap();
    }),
    pair("link to the set deleted", "missing", |p| {
        p.remove("prod/jaeger/..data");
    }),
    pair("set emptied", "missing", |p| {
        let set = fs::canonicalize(p.at("prod/jaeger/..data")).unwrap();
        for file in ["tls.crt", "tls.key", "ca.crt"] {
            fs::remove_file(set.join(file)).unwrap();
        }
    }),
    pair("certificate emptied", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", "");
    }),
    pair("certificate overwritten by words", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", "junk");
    }),
    pair("certificate overwritten by bytes", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", [0xff, 0xfe]);
    }),
    pair("certificate cut in half", "unreadable", |p| {
        let whole = p.read("live/prod/jaeger/tls.crt");
        p.write("prod/jaeger/tls.crt", &whole[..whole.len() / 2]);
    }),
    pair("a broken certificate behind it", "unreadable", |p| {
        let mut whole = p.read("live/prod/jaeger/tls.crt");
        whole.extend(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
        p.write("prod/jaeger/tls.crt", whole);
    }),
    pair("certificate is a folder", "unreadable", |p| {
        p.remove("prod/jaeger/tls.crt");
        fs::create_dir(p.at("prod/jaeger/tls.crt")).unwrap();
    }),
    pair("key overwritten by words", "unreadable", |p| {
        p.write("prod/jaeger/tls.key", "junk");
    }),
    pair("key cut in half", "unreadable", |p| {
        let whole = p.read("live/prod/jaeger/tls.key");
        p.write("prod/jaeger/tls.key", &whole[..whole.len() / 2]);
    }),
    pair("key of a neighbour", "mismatched-pair", |p| {
        p.put("prod/jaeger/tls.key", "live/prod/other/tls.key");
    }),
    pair("certificate of a neighbour", "mismatched-pair", |p| {
        p.put("prod/jaeger/tls.crt", "live/prod/other/tls.crt");
    }),
    pair(
        "certificate restored without its key",
        "mismatched-pair",
        |p| p.put("prod/jaeger/tls.crt", "ending/prod/jaeger/tls.crt"),
    ),
    pair("pair of a neighbour", "wrong-subject", |p| {
        p.pair("live/prod/other");
    }),
    pair("pair of its client", "wrong-subject", |p| {
        p.pair("live/prod/jaeger.client");
    }),
    pair(
        "pair of the namesake in another namespace",
        "wrong-issuer",
        |p| p.pair("live/staging/jaeger"),
    ),
    pair(
        "folder of the namesake in another namespace",
        "wrong-issuer",
        |p| p.folder("live/staging/jaeger"),
    ),
    pair("names of another namespace", "wrong-san", |p| {
        p.issued(
            &server(),
            &[
                "jaeger-collector.staging.svc",
                "jaeger-collector.staging.svc.cluster.local",
            ],
            now(),
        );
    }),
    pair("no full names", "wrong-san", |p| {
        issue_without(p, &[".svc.cluster.local"]);
    }),
    pair("no namespaced names", "wrong-san", |p| {
        issue_without(p, &[".svc"]);
    }),
    pair("no addresses", "wrong-san", |p| {
        issue_without(p, &["127.0.0.1", "::1"]);
    }),
    pair("for clients alone", "refused", |p| {
        let kind = Kind::Client;
        let named = all_names(&[]);
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        // the uses of a client's under the subject of a server
        p.disguised(&Member { kind, ..server() }, &named);
    }),
    pair("signed by itself", "wrong-issuer", |p| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(all_names(&[])).unwrap();
        p.write(
            "prod/jaeger/tls.crt",
            params.self_signed(&key).unwrap().pem(),
        );
        p.write("prod/jaeger/tls.key", key.serialize_pem());
    }),
    pair("restored, its time over", "expired", |p| {
        p.pair("ended/prod/jaeger");
    }),
    pair("folder restored, its time over", "expired", |p| {
        p.folder("ended/prod/jaeger");
    }),
    pair("restored, little time left", "short-life", |p| {
        p.pair("ending/prod/jaeger");
    }),
    pair(
        "restored, of the authority of before",
        "wrong-issuer",
        |p| p.pair("rolled/prod/jaeger"),
    ),
    pair(
        "folder restored, of the authority of before",
        "wrong-issuer",
        |p| p.folder("rolled/prod/jaeger"),
    ),
    pair("made when the clock was ahead", "not-yet-valid", |p| {
        let names = all_names(&[]);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        p.issued(&server(), &names, now() + days(30));
    }),
    pair("files in the place of links", "mismatched-pair", |p| {
        for (file, of) in [("tls.crt", "prod/other"), ("tls.key", "staging/other")] {
            let path = format!("prod/jaeger/{file}");
            p.remove(&path);
            p.put(&path, &format!("live/{of}/{file}"));
        }
    }),
    pair(
        "a folder in the place of the link to the set",
        "unreadable",
        |p| {
            p.remove("prod/jaeger/..data");
            fs::create_dir(p.at("prod/jaeger/..data")).unwrap();
            for file in ["tls.crt", "tls.key", "ca.crt"] {
                p.write(&format!("prod/jaeger/..data/{file}"), "junk");
            }
        },
    ),
    Damage {
        name: "certificate of the nodes deleted",
        word: "missing",
        scope: "prod/jaeger.node",
        keeps_pair: true,
        done: |p| p.remove("prod/jaeger.node/tls.crt"),
    },
    Damage {
        name: "key of the client is the server's",
        word: "mismatched-pair",
        scope: "prod/jaeger.client",
        keeps_pair: true,
        done: |p| p.put("prod/jaeger.client/tls.key", "live/prod/jaeger/tls.key"),
    },
    beside(
        "copy of the authority deleted",
        "wrong-ca-copy",
        PAIR,
        |p| p.remove("prod/jaeger/ca.crt"),
    ),
    beside(
        "copy of the authority emptied",
        "wrong-ca-copy",
        PAIR,
        |p| p.write("prod/jaeger/ca.crt", ""),
    ),
    beside("copy of another authority", "wrong-ca-copy", PAIR, |p| {
        p.put("prod/jaeger/ca.crt", "live/staging/ca.crt");
    }),
    beside(
        "an authority added to the copy",
        "wrong-ca-copy",
        PAIR,
        |p| {
            let mut both = p.read("live/prod/ca.crt");
            both.extend(p.read("live/staging/ca.crt"));
            p.write("prod/jaeger/ca.crt", both);
        },
    ),
    beside(
        "copy restored, of the authority of before",
        "wrong-ca-copy",
        PAIR,
        |p| p.put("prod/jaeger/ca.crt", "rolled/prod/ca.crt"),
    ),
    beside("key readable by others", "wrong-mode", PAIR, |p| {
        p.chmod("prod/jaeger/tls.key", 0o644);
    }),
    beside("key writable by others", "wrong-mode", PAIR, |p| {
        p.chmod("prod/jaeger/tls.key", 0o666);
    }),
    beside("an unfinished set", "leftover", PAIR, |p| {
        fs::create_dir(p.at("prod/jaeger/..17")).unwrap();
        p.write("prod/jaeger/..17/tls.key", "half");
        p.write("prod/jaeger/tls.crt.new", "half");
    }),
    beside(
        "an unfinished certificate of the authority",
        "leftover",
        "prod/ca.crt.new",
        |p| p.write("prod/ca.crt.new", "half"),
    ),
    beside("authority deleted", "lost-authority", "prod/ca.crt", |p| {
        p.remove("prod/ca.crt");
    }),
    beside("authority emptied", "lost-authority", "prod/ca.crt", |p| {
        p.write("prod/ca.crt", "");
    }),
    beside(
        "authority overwritten by bytes",
        "lost-authority",
        "prod/ca.crt",
        |p| p.write("prod/ca.crt", [0xff, 0xfe]),
    ),
    beside(
        "authority is a certificate of its own",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "live/prod/jaeger/tls.crt"),
    ),
    beside(
        "authority is another namespace's",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "live/staging/ca.crt"),
    ),
    beside(
        "authority restored, of before the roll-over",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "rolled/prod/ca.crt"),
    ),
    beside(
        "authority's key readable by others",
        "wrong-mode",
        "prod/ca.key",
        |p| p.chmod("prod/ca.key", 0o640),
    ),
];
