use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;
use settings::flag::{Effect, Kind, variable};
use settings::{Environment, layers};

use super::*;
use crate::cli;

mod documentation;

/// What was made, what was said, and the exit code.
struct Made {
    yaml: String,
    report: String,
    code: u8,
}

fn run_line(words: &[String]) -> Made {
    let mut args = vec!["spoor".to_owned(), "migrate-config".to_owned()];
    args.extend(words.iter().cloned());
    let command = cli::parse(&args, &Environment::default()).unwrap_or_else(|e| panic!("{e}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = crate::commands::execute(&command, &mut out, &mut err).unwrap();
    Made {
        yaml: String::from_utf8(out).unwrap(),
        report: String::from_utf8(err).unwrap(),
        code,
    }
}

fn migrate(line: &str) -> Made {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    run_line(&words)
}

/// From the folder that tests run in, so that nothing in what is made depends on the machine.
fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new("../tests/fixtures/migrate");
    let mut files: Vec<PathBuf> = (std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    assert!(files.len() > 6, "{files:?}");
    files
}

/// Puts what the settings name where they name it, below a folder, and says whether Spoor would start.
#[track_caller]
fn check_starts(yaml: &str, what: &str) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().display().to_string();
    let yaml = yaml.replace("\"/etc/", &format!("\"{root}/etc/"));
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for path in yaml.split('"').filter(|path| path.starts_with(&root)) {
        let path = Path::new(path);
        let name = path.file_name().unwrap().to_string_lossy();
        let text = match name.as_ref() {
            name if name.ends_with("key") => pair.signing_key.serialize_pem(),
            "ca" | "cert" => pair.cert.pem(),
            name if name.ends_with(".crt") => pair.cert.pem(),
            name if name.ends_with(".json") => "{}".to_owned(),
            _ => "a secret".to_owned(),
        };
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let file = folder.path().join("spoor.yaml");
    std::fs::write(&file, &yaml).unwrap();
    let args = [
        "spoor",
        "validate",
        &format!("--config-file={}", file.display()),
    ]
    .map(str::to_owned);
    let command = cli::parse(&args, &Environment::default()).unwrap_or_else(|e| panic!("{e}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = crate::commands::execute(&command, &mut out, &mut err).unwrap();
    assert_eq!(code, 0, "{what}: {}\n{yaml}", String::from_utf8_lossy(&err));
}

#[test]
fn what_jaeger_was_told_becomes_these_files() {
    let update = Environment::of_process().get("SPOOR_UPDATE").is_some();
    for input in fixtures() {
        let made = migrate(&input.display().to_string());
        let name = input.file_stem().unwrap().to_string_lossy().into_owned();
        for (ending, text) in [("yaml", &made.yaml), ("report", &made.report)] {
            let expected = input
                .parent()
                .unwrap()
                .join("expected")
                .join(format!("{name}.{ending}"));
            if update {
                std::fs::create_dir_all(expected.parent().unwrap()).unwrap();
                std::fs::write(&expected, text).unwrap();
            }
            let written = std::fs::read_to_string(&expected).unwrap_or_default();
            assert!(
                written == *text,
                "{} is not what is made now: look at it with SPOOR_UPDATE=1\n{text}",
                expected.display()
            );
            assert!(
                !text.contains("canary"),
                "{name}: a secret is shown:\n{text}"
            );
        }
        check_starts(&made.yaml, &name);
    }
}

#[test]
fn an_unknown_key_is_told_with_the_nearest_and_fails() {
    let made = migrate("-- --es.index-prefx=dev --es.index-prefix=x --log-level=debug");
    assert!(
        made.report
            .contains("--es.index-prefx: did you mean --es.index-prefix?"),
        "{}",
        made.report
    );
    assert_eq!(made.code, 2);
    assert!(made.yaml.contains("index-prefix: \"x\""), "{}", made.yaml);
    assert_eq!(migrate("-- --log-level=debug").code, 0);
    let idle = "-- --collector.queue-size=5";
    assert_eq!(migrate(idle).code, 0);
    assert_eq!(migrate(&format!("--strict {idle}")).code, 2);
    let away = migrate("/nowhere/jaeger.yaml");
    assert!(
        away.code == 2
            && away
                .report
                .contains("/nowhere/jaeger.yaml: it cannot be read: "),
        "{}",
        away.report
    );
}

#[test]
fn a_wrong_command_line_says_what_to_give() {
    for (line, told) in [
        ("", "give files, - for standard input"),
        (
            "--from rc x.yaml",
            "--from: \"rc\" is none of auto, flags, cr, v2; did you mean cr?",
        ),
        (
            "--namespace=Prod x.yaml",
            "--namespace: give lower-case letters",
        ),
        ("--es.version=7", "give Jaeger's flags behind --"),
    ] {
        let args = format!("spoor migrate-config {line}");
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        let error = cli::parse(&args, &Environment::default())
            .expect_err(line)
            .to_string();
        assert!(error.contains(told), "{error}");
    }
    assert!(
        migrate("--help")
            .yaml
            .contains("Usage: spoor migrate-config")
    );
}

#[test]
fn the_instance_is_named_where_the_input_does_not_say_it() {
    let made =
        migrate("--namespace shop -- --es.password=canary --span-storage.type=elasticsearch");
    assert!(
        made.yaml
            .contains("instance:\n  # namespace and name\n  default: \"shop/jaeger\""),
        "{}",
        made.yaml
    );
    assert!(
        made.yaml
            .contains("password-file: \"/etc/spoor/secrets/shop/jaeger/es.password\""),
        "{}",
        made.yaml
    );
    assert!(!made.yaml.contains("canary") && !made.report.contains("canary"));
}

fn sample(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "true",
        Kind::Int => "7",
        Kind::Float => "0.5",
        Kind::Duration => "90s",
        Kind::Bytes => "64KiB",
        Kind::Text => "x",
        Kind::List => "a,b",
        Kind::Lines => "A: b",
        Kind::HostPort => "127.0.0.1:1",
        Kind::Secret => "canary",
    }
}

/// The value of `name` in a file.
fn loaded(yaml: &str) -> layers::Loaded {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::io::Write::write_all(&mut file, yaml.as_bytes()).unwrap();
    let path = file.path().display().to_string();
    layers::load(&[("config-file".to_owned(), path)], &Environment::default())
}

#[test]
fn every_flag_is_kept_mapped_or_listed_in_every_form_and_means_the_same() {
    for flag in settings::flags::all().filter(|flag| !flag.variable_only) {
        let today = match flag.effect {
            Effect::Alias { to, .. } => settings::flags::find(to).unwrap(),
            _ => flag,
        };
        let value = sample(today.kind);
        let mut options = serde_json::Map::new();
        options.insert(flag.name.to_owned(), json!(value));
        let resource = json!({"kind": "Jaeger", "spec": {"agent": {"options": options}}});
        let forms = [
            Part::Words(vec![format!("--{}={value}", flag.name)]),
            Part::Text(format!("{}={value}", variable(flag.name))),
            Part::Keys(leaves(&json!({flag.name: value}))),
            Part::Resource(resource),
        ];
        let mut seen: Vec<BTreeMap<&str, settings::Value>> = Vec::new();
        for part in forms {
            let mut draft = Draft::of(None);
            take(part, &mut draft);
            draft.finish();
            let rows: Vec<&Row> = draft
                .rows
                .iter()
                .filter(|row| !["kind"].contains(&row.key.as_str()))
                .collect();
            assert_eq!(rows.len(), 1, "{}: {rows:?}", flag.name);
            assert!(!matches!(rows[0].fate, Fate::Unknown(_)), "{rows:?}");
            let lines: BTreeMap<_, _> = draft
                .lines
                .iter()
                .map(|(name, line)| (*name, line.setting.value.clone()))
                .collect();
            let is_kept = matches!(rows[0].fate, Fate::Kept);
            assert!(!is_kept || flag.effect == Effect::Acts, "{rows:?}");
            let file = File::of(std::slice::from_mut(&mut draft));
            let yaml = file.yaml(&[]);
            assert!(!yaml.contains("canary"), "{yaml}");
            // reading is slow, and the forms mostly agree
            if lines.is_empty() || seen.contains(&lines) {
                continue;
            }
            let loaded = loaded(&yaml);
            assert_eq!(loaded.problems, [], "{yaml}");
            for (name, value) in &lines {
                let found = loaded.settings.get(name).map(|setting| &setting.value);
                assert_eq!(found, Some(value), "{name}:\n{yaml}");
            }
            seen.push(lines);
        }
    }
}

#[test]
fn every_typo_is_told() {
    for flag in
        settings::flags::all().filter(|flag| flag.effect == Effect::Acts && !flag.variable_only)
    {
        let (start, end) = flag.name.split_at(flag.name.len() / 2);
        let typo = format!("{start}{}", end.get(1..).unwrap());
        if settings::flags::find(&typo).is_some() {
            continue;
        }
        let mut draft = Draft::of(None);
        take(Part::Words(vec![format!("--{typo}=canary")]), &mut draft);
        let fates: Vec<&Fate> = draft.rows.iter().map(|row| &row.fate).collect();
        assert!(matches!(fates[..], [Fate::Unknown(_)]), "{typo}: {fates:?}");
        assert!(!format!("{:?}", draft.rows).contains("canary"), "{typo}");
    }
}

/// Words that keys of these forms are made of, and others.
fn word() -> impl Strategy<Value = String> {
    let known = [
        "spec",
        "storage",
        "options",
        "collector",
        "query",
        "type",
        "elasticsearch",
        "es",
        "server-urls",
        "tls",
        "enabled",
        "receivers",
        "otlp",
        "protocols",
        "grpc",
        "http",
        "endpoint",
        "extensions",
        "jaeger_storage",
        "backends",
        "main",
        "memory",
        "kafka",
        "brokers",
        "jaeger_query",
        "exporters",
        "service",
        "metadata",
        "name",
        "esIndexCleaner",
        "numberOfDays",
        "indices",
        "spans",
        "kind",
        "strategy",
        "sampling",
        "ui",
    ];
    prop_oneof![4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[a-zA-Z0-9_/.\\[\\]-]{1,8}"]
}

fn tree() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        proptest::sample::select(
            &[
                "elasticsearch",
                "production",
                "${env:X:-y}",
                "http://u:p@h",
                "7"
            ][..]
        )
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            4 => proptest::collection::btree_map(word(), inner.clone(), 0..6).prop_map(|map| map.into_iter().collect()),
            1 => proptest::collection::vec(inner, 0..4).prop_map(Json::Array),
        ]
    })
}

/// Each key of the document stands in one row, and no other does.
fn check_total(document: &Json, part: Part) {
    let mut draft = Draft::of(None);
    take(part, &mut draft);
    draft.finish();
    let mut expect: Vec<String> = leaves(document).into_iter().map(|leaf| leaf.key).collect();
    let mut found: Vec<String> = draft.rows.iter().map(|row| row.key.clone()).collect();
    expect.sort();
    found.sort();
    assert_eq!(found, expect);
    let file = File::of(std::slice::from_mut(&mut draft));
    assert!(documents(&file.yaml(&[])).is_ok());
}

proptest! {
    #[test]
    fn every_key_of_any_tree_is_told_once(tree in tree()) {
        check_total(&tree, Part::Keys(leaves(&tree)));
        check_total(&tree, Part::Resource(tree.clone()));
        check_total(&tree, Part::Second(tree.clone(), "", Vec::new()));
        check_total(&tree, Part::Stranger(tree.clone()));
    }

    #[test]
    fn any_text_is_an_answer(text in ".{0,200}", ending in "yaml|json|toml|hcl|properties|sh") {
        for form in [Form::Auto, Form::Flags, Form::Resource, Form::Second] {
            let mut draft = Draft::of(None);
            for part in parts(&ending, &text, form) {
                take(part, &mut draft);
            }
            draft.finish();
        }
    }
}
