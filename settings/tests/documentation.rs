//! Holds the pages for operators against the table of settings.
//!
//! In: `docs/settings.md`, `docs/migration.md` and `docs/elasticsearch.md`. Out: a failure when a page says what the table does not. `SPOOR_UPDATE=1` writes `settings.md` anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use settings::flag::{Effect, Flag, Reader};
use settings::{Environment, flags};

const INTRODUCTION: &str = "\
# Settings

This page is generated from the table of settings; change the table and run the tests with `SPOOR_UPDATE=1`.

Every setting is a flag (`--log-level=debug`, `--log-level debug`; a boolean may stand alone), an environment variable (its name in capitals, with `_` for `.` and `-`:
`LOG_LEVEL`) and a key in the file that `--config-file` names (json, toml, yaml, yml, hcl or properties; keys nested on the dots or written with them). A flag wins over a
variable, a variable over the file, the file over the default. An empty variable counts as not set; an unknown variable is ignored; an unknown flag or key is an error that names
the nearest one. A file may hold a list `instances` with what single instances have of their own: [elasticsearch.md](elasticsearch.md#several-instances). `spoor print-config` shows every setting in effect and where it came from, and `spoor validate` tells every problem without starting anything.

- **bool**: `true`, `t`, `1`, `false`, `f`, `0` and their capitals.
- **duration**: Go's: `300ms`, `1m30s`, `168h`. There is no unit for days.
- **bytes**: a number, or one with a unit: `4194304`, `64KiB`, `10GiB`, `500MB`.
- **list**: words with commas between them. **text, repeatable**: the flag may be given several times; in a variable, one a line.
- **host:port**: `127.0.0.1:4317`, `[::1]:4317`, `:4317`, or a bare port; without a host it means every address of the machine.

A listener that other machines can reach speaks TLS, or is named by `plaintext.listeners`; otherwise Spoor does not start and says what to set. Addresses of the machine itself
(127.0.0.0/8, `::1`, `localhost`) and the admin port are plaintext unless their TLS block is on.
";

#[test]
fn the_page_of_settings_is_the_table() {
    let path = docs("settings.md");
    let page = page();
    if Environment::of_process().get("SPOOR_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "{} is not what the table says: run this test with SPOOR_UPDATE=1",
        path.display()
    );
}

#[test]
fn the_page_of_migration_begins_with_jaegers_behaviour_and_names_only_settings() {
    let page = std::fs::read_to_string(docs("migration.md")).unwrap();
    let first = page
        .split("```")
        .nth(1)
        .and_then(|block| block.lines().nth(1));
    assert_eq!(first, Some("LISTEN_HOST=:: PLAINTEXT_LISTENERS=all spoor"));
    let dotted = |word: &str| {
        word.contains('.')
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    let known = |word: &str| {
        flags::find(word).is_some()
            || flags::all().any(|flag| flag.name.starts_with(&format!("{word}.")))
    };
    for word in page
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|word| word.trim_start_matches("--"))
    {
        let name = word
            .split('=')
            .next()
            .unwrap_or(word)
            .trim_end_matches(".*");
        if dotted(name)
            && !name.ends_with(".md")
            && name.parse::<f64>().is_err()
            && !name.starts_with("127.")
        {
            assert!(known(name), "{name} is no setting");
        }
    }
}

#[test]
fn the_page_of_elasticsearch_has_every_setting_with_its_default() {
    let page = std::fs::read_to_string(docs("elasticsearch.md")).unwrap();
    let marked = |text: &str| -> Vec<String> {
        let words = text.split('`').skip(1).step_by(2);
        words.map(str::to_owned).collect()
    };
    let mut block = String::new();
    let mut defaults = std::collections::BTreeMap::new();
    let tables = page.split("## The archive").next().unwrap_or_default();
    for row in tables.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').skip(1).collect();
        let names = marked(cells[0]);
        if names[0].ends_with('.') {
            block.clone_from(&names[0]);
            continue;
        }
        let values = marked(cells.get(1).copied().unwrap_or_default());
        for (index, name) in names.into_iter().enumerate() {
            let value = values.get(index).or(values.last()).cloned();
            defaults.insert(format!("{block}{name}"), value.unwrap_or_default());
        }
    }
    for flag in flags::all().filter(|flag| flag.name.starts_with("es.")) {
        match (flag.effect, defaults.get(flag.name)) {
            (Effect::Acts, Some(default)) => assert_eq!(default, flag.default, "{}", flag.name),
            (Effect::Acts, None) => {
                assert!(page.contains(&format!("`{}`", flag.name)), "{}", flag.name);
            }
            _ => {}
        }
    }
    for name in defaults.keys() {
        assert!(flags::find(name).is_some(), "{name} is no setting");
    }
}

fn docs(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", name]
        .iter()
        .collect()
}

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    for (title, tables) in flags::SECTIONS {
        let rows: Vec<&Flag> = tables.iter().flat_map(|rows| rows.iter()).collect();
        let _infallible = write!(out, "\n## {title}\n");
        let acting: Vec<String> = rows.iter().filter_map(|flag| acting(flag)).collect();
        let still: Vec<String> = rows.iter().filter_map(|flag| still(flag)).collect();
        if !acting.is_empty() {
            let _infallible = write!(
                out,
                "\n| setting | kind | default | what it does | read by |\n|---|---|---|---|---|\n{}",
                acting.concat()
            );
        }
        if !still.is_empty() {
            let _infallible = write!(
                out,
                "\nKnown from Jaeger:\n\n| setting | what became of it |\n|---|---|\n{}",
                still.concat()
            );
        }
    }
    out
}

fn acting(flag: &Flag) -> Option<String> {
    let reader = match flag.reader {
        Reader::All => "all",
        Reader::Collector => "collector, all-in-one",
        Reader::Query => "query, all-in-one",
        Reader::Agent => "agent",
        Reader::Ingester => "ingester",
        Reader::RemoteStorage => "remote-storage",
        Reader::CollectorAndAgent => "collector, all-in-one, agent",
    };
    let default = if flag.default.is_empty() {
        String::new()
    } else {
        format!("`{}`", flag.default)
    };
    (flag.effect == Effect::Acts).then(|| {
        format!(
            "| `{}` | {} | {default} | {} | {reader} |\n",
            flag.name,
            flag.kind.word(),
            cell(flag.help)
        )
    })
}

fn still(flag: &Flag) -> Option<String> {
    let words = match flag.effect {
        Effect::Acts => return None,
        Effect::Accepted(note) => format!("changes nothing: {}", cell(note)),
        Effect::Alias { to, .. } => format!("old name of `{to}`"),
        Effect::Refused(how) => format!("refused: {}", cell(how)),
    };
    let name = if flag.variable_only {
        format!("`{}` (variable only)", flag.name)
    } else {
        format!("`{}`", flag.name)
    };
    Some(format!("| {name} | {words} |\n"))
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
