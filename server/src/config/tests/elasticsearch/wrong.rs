//! What keeps a start from going on.

use super::*;

#[test]
fn a_wrong_value_is_told_with_its_setting() {
    for (flag, told) in [
        (
            "server-urls=",
            "it is empty: give full URLs, such as https://es:9200",
        ),
        (
            "server-urls=es:9200",
            "\"es:9200\" is no full URL: give one such as https://es:9200",
        ),
        (
            "server-urls=ftp://es",
            "\"ftp://es\" is no full URL: give one such as https://es:9200",
        ),
        (
            "server-urls=http://u:canary@es:x",
            "\"http://…\" is no full URL: give one such as https://es:9200; in a name or password write , / @ and : as %2C %2F %40 and %3A",
        ),
        (
            "server-urls=http://es?a=b",
            "\"http://es?a=b\" has a query: a URL of a server has none",
        ),
        (
            "server-urls=http://a:b@x,http://c:d@y",
            "two URLs have different credentials, and one is sent to all: take them out, and set username and password",
        ),
        (
            "version=5",
            "5 is no version that is known: give 6 or later, 7 for OpenSearch, or 0 to ask the server",
        ),
        (
            "version=717",
            "717 is no version that is known: give 6 or later, 7 for OpenSearch, or 0 to ask the server",
        ),
        (
            "version=-7",
            "-7 is no version that is known: give 6 or later, 7 for OpenSearch, or 0 to ask the server",
        ),
        ("send-get-body-as=PUT", "\"PUT\" is neither GET nor POST"),
        ("compression-level=0", "0: give 1 to 9"),
        ("num-shards=0", "0: give 1 to 1024"),
        ("num-replicas=-1", "-1: give 0 to 1000"),
        ("max-doc-count=0", "give 1 or more"),
        ("bulk.workers=0", "give 1 or more"),
        ("bulk.size=0", "give 1 byte or more"),
        ("bulk.actions=-2", "-2 is negative: give 0 or more"),
        ("max-span-age=0", "0s is no time at all: give more than 0s"),
        ("timeout=-1s", "-1s is negative: give 0s or more"),
        (
            "tag-values=text",
            "\"text\" is not known: give native or string",
        ),
        (
            "index-rollover-frequency-spans=week",
            "\"week\" is not known: give day or hour",
        ),
        (
            "index-prefix=Prod",
            "\"Prod\" begins no name of an index: give lower-case letters, digits and inner hyphens, at most 180",
        ),
        (
            "index-prefix=-x",
            "\"-x\" begins no name of an index: give lower-case letters, digits and inner hyphens, at most 180",
        ),
        (
            "index-prefix=a*",
            "\"a*\" begins no name of an index: give lower-case letters, digits and inner hyphens, at most 180",
        ),
        (
            "index-date-separator=/",
            "\"/\" cannot stand in the name of an index: give a character such as - or .",
        ),
        (
            "remote-read-clusters=a:b",
            "\"a:b\" is no name of a remote cluster",
        ),
        (
            "tags-as-fields.config-file=/nowhere/keys",
            "cannot read /nowhere/keys: No such file or directory (os error 2)",
        ),
        (
            "password-file=/nowhere/p",
            "cannot read /nowhere/p: No such file or directory (os error 2)",
        ),
        (
            "token-file=/nowhere/t",
            "cannot read /nowhere/t: No such file or directory (os error 2)",
        ),
        (
            "api-key-file=/nowhere/k",
            "cannot read /nowhere/k: No such file or directory (os error 2)",
        ),
        (
            "use-ilm",
            "it needs es.create-index-templates=false: the templates that name the policy are put by whoever makes the first indices",
        ),
    ] {
        let name = flag.split('=').next().unwrap();
        // what the one about aliases alone shows
        let aliases = ["--es.use-aliases"];
        check(
            &[&[format!("--es.{flag}").as_str()], &aliases[..]].concat(),
            &[&format!("--es.{name}: {told}")],
        );
    }
    check(
        &["--es.use-ilm", "--es.create-index-templates=false"],
        &[
            "--es.use-ilm: it needs es.use-aliases=true: what is rolled over is written and read by its aliases",
        ],
    );
    check(
        &[
            "--es-archive.enabled",
            "--es-archive.use-ilm",
            "--es-archive.create-index-templates=false",
        ],
        &[
            "--es-archive.use-ilm: it needs es-archive.use-aliases=true: what is rolled over is written and read by its aliases",
        ],
    );
    // an archive that is off is not looked at
    check(&["--es-archive.num-shards=0"], &[]);
    let folder = Folder::new();
    let empty = folder.write("empty", " \n");
    check(
        &[&format!("--es.token-file={empty}")],
        &[&format!("--es.token-file: {empty} is empty")],
    );
}

#[test]
fn a_file_of_the_block_is_looked_at_before_anything_starts() {
    let folder = Folder::new();
    folder.pair("a");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let strange = folder.write(
        "strange.key",
        &rcgen::KeyPair::generate().unwrap().serialize_pem(),
    );
    let (cert, key) = (at("a/tls.crt"), at("a/tls.key"));
    for (ca, cert, key, setting, told) in [
        (
            "/nowhere/ca",
            &cert,
            &key,
            "ca",
            "cannot read /nowhere/ca: No such file".to_owned(),
        ),
        (
            key.as_str(),
            &cert,
            &key,
            "ca",
            format!("{key} holds no certificate"),
        ),
        (
            cert.as_str(),
            &cert,
            &strange,
            "key",
            format!("{strange} cannot be used with the certificate"),
        ),
        (
            cert.as_str(),
            &cert,
            &cert,
            "key",
            format!("{cert} holds no private key"),
        ),
    ] {
        let line = [
            TYPE.to_owned(),
            "--es.server-urls=https://es".to_owned(),
            "--es.tls.enabled".to_owned(),
            format!("--es.tls.ca={ca}"),
            format!("--es.tls.cert={cert}"),
            format!("--es.tls.key={key}"),
        ];
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        let problems = problems(Role::Query, &line);
        let start = format!("--es.tls.{setting}: {told}");
        assert!(
            problems.len() == 1 && problems[0].starts_with(&start),
            "{start}: {problems:?}"
        );
    }
    check(
        &[
            "--es.tls.enabled",
            "--es.tls.cert=x",
            "--es.server-urls=https://es",
        ],
        &[
            "--es.tls.enabled: es.tls.enabled is true, but es.tls.key is not set: give the path of a PEM file",
        ],
    );
}
