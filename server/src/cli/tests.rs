use super::*;

fn parsed(line: &str) -> Result<Command, Error> {
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    parse(&args, &Environment::default())
}

#[track_caller]
fn fails(line: &str, problems: &[&str]) {
    let error = parsed(line).expect_err(line);
    let told: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, problems);
    assert_eq!(error.to_string(), problems.join("\n"));
}

#[test]
fn the_programs_name_chooses_the_role() {
    for (program, role) in [
        ("spoor", Role::AllInOne),
        ("/go/bin/all-in-one-linux", Role::AllInOne),
        ("jaeger-all-in-one", Role::AllInOne),
        ("/usr/bin/jaeger-collector", Role::Collector),
        ("collector-linux-amd64", Role::Collector),
        ("jaeger-query.exe", Role::Query),
        ("jaeger-agent", Role::Agent),
        ("jaeger-ingester-linux", Role::Ingester),
        ("jaeger-remote-storage", Role::RemoteStorage),
        ("queryable", Role::AllInOne),
        ("jaeger", Role::AllInOne),
        ("jaeger-linux-amd64", Role::AllInOne),
        ("jaeger-v1.76.0", Role::AllInOne),
        ("", Role::AllInOne),
    ] {
        assert_eq!(Role::from_program(program), Ok(role), "{program}");
    }
}

#[test]
fn the_name_of_a_tool_of_jaegers_starts_no_server() {
    for (program, name) in [
        (
            "cassandra-schema-linux-amd64",
            "cassandra-schema-linux-amd64",
        ),
        ("jaeger-tracegen", "tracegen"),
        ("jaeger-something-new", "something-new"),
    ] {
        fails(
            program,
            &[&format!(
                "the program's name stands for Jaeger's \"{name}\", which Spoor is not: its roles are all-in-one, collector, query, agent, ingester, remote-storage; call it spoor, or name a role"
            )],
        );
    }
    assert!(parsed("jaeger-tracegen all-in-one version").is_ok());
}

#[test]
fn a_word_chooses_role_and_command_in_either_order() {
    let role = |line: &str| match parsed(line) {
        Ok(Command::Help { role }) => role,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(role("spoor help query"), Role::Query);
    assert_eq!(role("spoor query --help"), Role::Query);
    assert_eq!(role("spoor -h"), Role::AllInOne);
    assert_eq!(role("jaeger-query help"), Role::Query);
    assert_eq!(role("jaeger-query help collector"), Role::Collector);
}

#[test]
fn without_a_command_all_in_one_runs() {
    for line in [
        "spoor",
        "spoor all-in-one",
        "all-in-one-linux --log-level=debug",
    ] {
        match parsed(line) {
            Ok(Command::Run { config, .. }) => assert_eq!(config.role, Role::AllInOne),
            other => panic!("{other:?}"),
        }
    }
    assert!(parse(&[], &Environment::default()).is_ok());
}

#[test]
fn what_is_not_known_is_told() {
    fails(
        "spoor frobnicate",
        &[
            "unknown command \"frobnicate\": all-in-one, collector, query, agent, ingester, remote-storage, version, print-config, validate, check, env, status, store, certs, dead-letter, es-index-cleaner, es-rollover, es-mapping, migrate-config, help are known",
        ],
    );
    fails(
        "spoor completion",
        &["command \"completion\": Spoor has none; docs/settings.md lists every setting"],
    );
    fails(
        "spoor query collector",
        &[
            "unknown command \"collector\": all-in-one, collector, query, agent, ingester, remote-storage, version, print-config, validate, check, env, status, store, certs, dead-letter, es-index-cleaner, es-rollover, es-mapping, migrate-config, help are known",
        ],
    );
    fails("spoor --format json", &["--format belongs to print-config"]);
    fails(
        "spoor print-config --format xml",
        &["--format: \"xml\" is neither yaml nor json"],
    );
    fails(
        "spoor --collecter.tags=a=b --query.max-traces=0",
        &[
            "unknown flag --collecter.tags: did you mean --collector.tags?",
            "--query.max-traces: give 1 or more",
        ],
    );
}

#[test]
fn validate_goes_on_where_others_stop() {
    match parsed("spoor validate --nope --query.max-traces=0") {
        Ok(Command::Validate { problems, .. }) => assert_eq!(problems.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_flag_of_the_other_role_is_a_warning() {
    match parsed("spoor query validate --collector.tags=a=b --query.base-path=/x") {
        Ok(Command::Validate { warnings, .. }) => {
            assert_eq!(
                warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
                ["--collector.tags: the role query does not read it"]
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn check_goes_on_where_others_stop_and_has_two_forms() {
    for (line, form, wrong) in [
        ("spoor check", Output::Text, 0),
        (
            "spoor collector check --output=json --span-storage.type=elasticsearch",
            Output::Json,
            0,
        ),
        (
            "spoor check --output text --span-storage.type=other",
            Output::Text,
            1,
        ),
    ] {
        match parsed(line) {
            Ok(Command::Check {
                output, problems, ..
            }) => assert_eq!((output, problems.len()), (form, wrong), "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    fails(
        "spoor check --output=yaml",
        &["--output: \"yaml\" is neither text nor json"],
    );
    fails(
        "spoor validate --output=json",
        &["--output belongs to store export"],
    );
}
