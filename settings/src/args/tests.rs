use super::*;

const OPTIONS: &[CommandOption] = &[
    CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    },
    CommandOption {
        name: "format",
        short: None,
        takes_value: true,
    },
];

fn parse(line: &str) -> Arguments {
    let args: Vec<String> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    Arguments::parse(&args, OPTIONS)
}

#[track_caller]
fn sets(line: &str, settings: &[(&str, &str)]) {
    let parsed = parse(line);
    assert_eq!(parsed.problems, []);
    let got: Vec<(&str, &str)> = parsed
        .settings
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    assert_eq!(got, settings);
}

#[test]
fn every_form_of_a_flag_is_read() {
    sets("--log-level=debug", &[("log-level", "debug")]);
    sets("--log-level debug", &[("log-level", "debug")]);
    sets("--collector.tags=a=b,c=d", &[("collector.tags", "a=b,c=d")]);
    sets(
        "--collector.otlp.enabled",
        &[("collector.otlp.enabled", "true")],
    );
    sets(
        "--collector.otlp.enabled false",
        &[("collector.otlp.enabled", "false")],
    );
    sets(
        "--collector.otlp.enabled=0",
        &[("collector.otlp.enabled", "0")],
    );
    sets(
        "--collector.otlp.enabled --log-level= query",
        &[("collector.otlp.enabled", "true"), ("log-level", "")],
    );
}

#[test]
fn words_and_options_are_kept_apart_from_settings() {
    let parsed = parse("--collector.otlp.enabled print-config --format json -h");
    assert_eq!(parsed.words, ["print-config"]);
    assert_eq!(
        (parsed.option("format"), parsed.option("help")),
        (Some("json"), Some("true"))
    );
    assert_eq!(parse("-- --log-level").words, ["--log-level"]);
}

#[test]
fn what_is_not_understood_is_told() {
    let text = |line: &str| {
        parse(line)
            .problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        text("--log-lvel debug"),
        ["unknown flag --log-lvel: did you mean --log-level?"]
    );
    assert_eq!(text("--zzz"), ["unknown flag --zzz"]);
    assert_eq!(
        text("--log-level"),
        ["--log-level needs a value: --log-level=…"]
    );
    assert_eq!(
        text("-log-level=debug"),
        ["-log-level=debug: flags begin with two dashes: --log-level=debug"]
    );
    assert_eq!(
        text("--DEPENDENCY_STORAGE_TYPE=x"),
        ["unknown flag --DEPENDENCY_STORAGE_TYPE"]
    );
    // The value of an unknown flag is not taken for a command.
    assert!(parse("--log-lvel debug").words.is_empty());
}
