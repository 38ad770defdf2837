use super::*;
use crate::cli::{self, Command};

fn parsed(line: &str) -> Result<Store, String> {
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    match cli::parse(&args, &Environment::default()) {
        Ok(Command::Store(store)) => Ok(store),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[track_caller]
fn fails(line: &str, said: &str) {
    assert_eq!(parsed(line).expect_err(line), said);
}

#[test]
fn each_command_takes_what_is_its_own() {
    let directory = PathBuf::from("/d");
    assert_eq!(
        parsed("spoor store inspect --json --embedded.directory=/d"),
        Ok(Store::Inspect {
            directory: directory.clone(),
            json: true
        })
    );
    assert_eq!(
        parsed("spoor store verify --embedded.directory /d"),
        Ok(Store::Verify {
            directory: directory.clone(),
            json: false
        })
    );
    let export = Export {
        directory,
        format: Dump::Jaeger,
        instance: Some(Instance::parse("a/b").unwrap()),
        selection: Selection {
            service: Some("shop".to_owned()),
            start_ns: Some(1_795_564_800_000_000_000),
            end_ns: Some(1_795_597_200_500_000_000),
        },
        output: Some("out.json".into()),
    };
    assert_eq!(
        parsed(
            "spoor store export --embedded.directory=/d --format=jaeger --instance=a/b --service shop --start=2026-11-25 --end=2026-11-25T10:00:00.5+01:00 --output out.json"
        ),
        Ok(Store::Export(export))
    );
    match parsed("spoor store import --format otlp a.jsonl -") {
        Ok(Store::Import(import)) => {
            assert_eq!(import.files, ["a.jsonl", "-"]);
            assert_eq!(import.instance, Instance::default());
        }
        other => panic!("{other:?}"),
    }
    match parsed("spoor store export --format=otlp --output -") {
        Ok(Store::Export(export)) => assert_eq!((export.output, export.instance), (None, None)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn help_is_found_in_every_order() {
    for line in [
        "spoor store --help",
        "spoor store help",
        "spoor help store",
        "spoor store export --help",
        "spoor store -h",
        "spoor all-in-one store --help",
    ] {
        assert_eq!(parsed(line), Ok(Store::Help), "{line}");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_to_give() {
    fails(
        "spoor store",
        "store: give one of inspect, verify, export, import; spoor store --help",
    );
    fails(
        "spoor store exprot",
        "unknown command \"store exprot\": inspect, verify, export, import are known; did you mean export?",
    );
    fails(
        "spoor store inspect /data",
        "store inspect takes no word \"/data\": the folder is --embedded.directory=/data",
    );
    fails(
        "spoor store import --format=otlp",
        "store import: give files, or - for standard input",
    );
    fails(
        "spoor store export",
        "store export: give --format=otlp or --format=jaeger",
    );
    fails(
        "spoor store export --format=csv",
        "--format: \"csv\" is neither otlp nor jaeger",
    );
    fails(
        "spoor store export --format=otlp --json",
        "--json belongs to store inspect and verify",
    );
    fails(
        "spoor store inspect --output=x",
        "--output belongs to store export",
    );
    fails("spoor --service=x", "--service belongs to store export");
    fails(
        "spoor store export --format=otlp --start=yesterday",
        "--start: \"yesterday\" is no time: give one such as 2026-11-25T08:00:00Z, or a day such as 2026-11-25",
    );
    let said = parsed("spoor store export --format=otlp --instance=x").unwrap_err();
    assert!(said.starts_with("--instance: instance \"x\""), "{said}");
    let said = parsed("spoor store inspect --embeded.directory=/d").unwrap_err();
    assert!(
        said.contains("did you mean --embedded.directory?"),
        "{said}"
    );
}
