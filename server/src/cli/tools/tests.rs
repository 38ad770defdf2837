use super::*;
use crate::cli::{self, Command};

fn parsed(line: &str, variables: &[(&str, &str)]) -> Result<Tool, Error> {
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let environment = variables.iter().copied().collect();
    match cli::parse(&args, &environment)? {
        Command::Tool(tool) => Ok(tool),
        other => panic!("{line}: {other:?}"),
    }
}

/// Place, patience in seconds, and task, the latter in words.
fn asked(line: &str, variables: &[(&str, &str)]) -> (Place, u64, String) {
    match parsed(line, variables).unwrap_or_else(|error| panic!("{line}: {error}")) {
        Tool::Ask {
            place,
            patience,
            task,
            ..
        } => (*place, patience.as_secs(), format!("{task:?}")),
        other => panic!("{line}: {other:?}"),
    }
}

#[track_caller]
fn cleans(line: &str, variables: &[(&str, &str)], expect: Clean) {
    let (_, _, task) = asked(line, variables);
    assert_eq!(task, format!("{:?}", Task::Clean(expect)));
}

#[track_caller]
fn fails(line: &str, variables: &[(&str, &str)], problems: &[&str]) {
    let error = parsed(line, variables).expect_err(line);
    let told: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), problems.len(), "{told:?}");
    for (told, part) in told.iter().zip(problems) {
        assert!(told.contains(part), "{told}");
    }
}

const DAILY: Kinds = Kinds {
    dated: true,
    rolled: false,
    archive: false,
};

fn clean(kinds: Kinds) -> Clean {
    Clean {
        kinds,
        age: Age::Days(7),
        dry_run: false,
    }
}

#[test]
fn the_cleaner_is_told_as_jaegers() {
    let rolled = Kinds {
        rolled: true,
        dated: false,
        ..DAILY
    };
    let archive = Kinds {
        archive: true,
        dated: false,
        ..DAILY
    };
    let line = "spoor es-index-cleaner 7 http://es:9200";
    cleans(line, &[], clean(DAILY));
    cleans(line, &[("ROLLOVER", "true")], clean(rolled));
    cleans(
        line,
        &[("ARCHIVE", "1"), ("ROLLOVER", "true")],
        clean(archive),
    );
    cleans(
        line,
        &[("ROLLOVER", "false"), ("ARCHIVE", "")],
        clean(DAILY),
    );
    // a link of the old name, its options anywhere
    let link = "/go/bin/es-index-cleaner-linux";
    cleans(
        &format!("{link} --rollover 7 http://es:9200"),
        &[],
        clean(rolled),
    );
    cleans(
        "jaeger-es-index-cleaner 7 http://es:9200 --archive",
        &[],
        clean(archive),
    );
    // the command line wins
    cleans(
        &format!("{line} --rollover=false"),
        &[("ROLLOVER", "true")],
        clean(DAILY),
    );
    let (place, patience, _) = asked(
        line,
        &[
            ("INDEX_PREFIX", "prod"),
            ("INDEX_DATE_SEPARATOR", "."),
            ("TIMEOUT", "30"),
            ("ES_USERNAME", "u"),
            ("ES_PASSWORD", "p"),
            // that of servers is not a tool's
            ("ES_INDEX_PREFIX", "other"),
            ("ES_SERVER_URLS", "http://other:9200"),
        ],
    );
    assert_eq!(place.indices.prefix, "prod");
    assert_eq!(place.indices.date_separator, ".");
    assert_eq!(place.connection.urls, ["http://es:9200"]);
    assert_eq!(place.connection.username, "u");
    assert!(place.connection.password.is_some());
    assert_eq!(patience, 30);
    assert_eq!(asked(line, &[]).1, 120);
}

#[test]
fn the_cleaner_is_told_what_jaegers_is_not() {
    let line = "spoor es-index-cleaner 7 http://es:9200";
    let all = Kinds {
        rolled: true,
        archive: true,
        dated: true,
    };
    cleans(
        &format!("{line} --kinds daily,rollover,archive"),
        &[],
        clean(all),
    );
    // a variable of that name is somebody else's
    cleans(
        line,
        &[("KINDS", "archive"), ("DRY_RUN", "true")],
        clean(DAILY),
    );
    let dry = Clean {
        dry_run: true,
        ..clean(DAILY)
    };
    cleans(&format!("{line} --dry-run"), &[], dry);
    let relative = Clean {
        age: Age::DaysAgo(7),
        ..clean(DAILY)
    };
    let gate = "--feature-gates=es.index.relativeTimeIndexDeletion";
    cleans(&format!("{line} {gate}"), &[], relative);
    cleans(
        &format!("{line} {gate},-es.index.relativeTimeIndexDeletion"),
        &[],
        clean(DAILY),
    );
}

#[test]
fn a_cleaner_that_is_not_understood_deletes_nothing() {
    let line = "spoor es-index-cleaner 7 http://es:9200";
    fails(
        "spoor es-index-cleaner",
        &[],
        &["give the number of days and the URL"],
    );
    fails(
        "spoor es-index-cleaner 7",
        &[],
        &["give the number of days and the URL"],
    );
    fails(
        "spoor es-index-cleaner seven http://es:9200",
        &[],
        &["\"seven\" is no number of days"],
    );
    fails("spoor es-index-cleaner 7 es:9200", &[], &["es:9200"]);
    fails(
        line,
        &[("ROLLOVER", "yes")],
        &["ROLLOVER (environment): \"yes\" is neither"],
    );
    fails(line, &[("TIMEOUT", "0")], &["TIMEOUT (environment): \"0\""]);
    for (option, said) in [
        ("--kinds=daily --rollover", "--kinds: it says all"),
        ("--kinds=weekly", "\"weekly\" is no kind"),
        (
            "--es.index-prefix=prod",
            "--es.index-prefix: es-index-cleaner does not read it",
        ),
        ("--shards=3", "shards"),
        ("--feature-gates=other", "\"other\" is no gate"),
        ("--es.tls.ca=/nowhere", "es.tls"),
    ] {
        fails(&format!("{line} {option}"), &[], &[said]);
    }
}

#[test]
fn rollover_is_told_as_jaegers() {
    let (place, _, task) = asked(
        "spoor es-rollover init http://es:9200 --index-prefix=p --shards=3",
        &[
            ("REPLICAS", "0"),
            ("ES_USE_ILM", "true"),
            ("PRIORITY_SPAN_TEMPLATE", "500"),
            ("PRIORITY_SAMPLING_TEMPLATE", "501"),
            ("ADAPTIVE_SAMPLING", "true"),
        ],
    );
    let indices = place.indices;
    assert_eq!(
        (indices.prefix.as_str(), indices.shards, indices.replicas),
        ("p", 3, 0)
    );
    assert!(indices.use_ilm && indices.use_aliases && !indices.is_archive);
    assert_eq!(
        (indices.ilm_policy.as_str(), indices.span_priority),
        ("jaeger-ilm-policy", 500)
    );
    let sets = Sets {
        archive: false,
        dependencies: true,
        sampling: true,
    };
    let expect = Task::Init(Init {
        sets,
        sampling_priority: 501,
        templates: true,
    });
    assert_eq!(task, format!("{expect:?}"));

    let (place, _, task) = asked(
        "jaeger-es-rollover rollover http://es:9200 --archive",
        &[
            ("CONDITIONS", "{\"max_docs\": 5}"),
            ("SKIP_DEPENDENCIES", "true"),
        ],
    );
    assert!(place.indices.is_archive);
    let sets = Sets {
        archive: true,
        dependencies: false,
        sampling: false,
    };
    let conditions = "{\"max_docs\": 5}".parse().unwrap();
    assert_eq!(task, format!("{:?}", Task::Rollover { sets, conditions }));

    let line = "spoor es-rollover lookback http://es:9200";
    let sets = Sets {
        archive: false,
        dependencies: true,
        sampling: false,
    };
    let lookback = |unit, count| format!("{:?}", Task::Lookback { sets, unit, count });
    assert_eq!(asked(line, &[]).2, lookback(Unit::Days, 1));
    let weeks = [("UNIT", "weeks"), ("UNIT_COUNT", "2")];
    assert_eq!(asked(line, &weeks).2, lookback(Unit::Weeks, 2));
}

#[test]
fn rollover_says_what_it_does_not_understand() {
    for (line, said) in [
        ("spoor es-rollover", "give init, rollover or lookback"),
        ("spoor es-rollover init", "give init, rollover or lookback"),
        (
            "spoor es-rollover inti http://es:9200",
            "unknown command \"es-rollover inti\"",
        ),
        (
            "spoor es-rollover lookback http://es:9200 --unit=fortnights",
            "--unit: \"fortnights\" is no unit",
        ),
        (
            "spoor es-rollover rollover http://es:9200 --conditions=2d",
            "--conditions: \"2d\" is no JSON",
        ),
        (
            "spoor es-rollover rollover http://es:9200 --shards=2",
            "--shards: it belongs to es-rollover init",
        ),
        (
            "spoor es-rollover init http://es:9200 --shards=0",
            "--shards: \"0\"",
        ),
    ] {
        fails(line, &[], &[said]);
    }
}

#[test]
fn a_mapping_is_asked_for_as_jaegers() {
    for line in [
        "spoor es-mapping --mapping=jaeger-span --use-ilm true --shards=2 --index-prefix=p",
        "jaeger-esmapping-generator --mapping jaeger-span --use-ilm=true --shards 2 --index-prefix p",
    ] {
        // Jaeger's reads no variables
        match parsed(line, &[("SHARDS", "9"), ("ES_VERSION", "9")]).unwrap() {
            Tool::Mapping {
                kind,
                indices,
                version,
            } => {
                assert_eq!((kind.as_str(), version), ("jaeger-span", 7));
                assert_eq!((indices.shards, indices.use_ilm), (2, true));
                assert_eq!(indices.prefix, "p");
            }
            other => panic!("{other:?}"),
        }
    }
    fails("spoor es-mapping", &[], &["mapping: it is missing"]);
    fails(
        "spoor es-mapping jaeger-span --mapping=jaeger-span",
        &[],
        &["takes no word"],
    );
}

#[test]
fn help_is_asked_for_in_any_way() {
    for line in [
        "spoor es-rollover --help",
        "spoor help es-rollover",
        "spoor es-rollover init -h",
        "jaeger-es-rollover --help",
    ] {
        assert!(
            matches!(parsed(line, &[]), Ok(Tool::Help(Word::Rollover))),
            "{line}"
        );
    }
}
