//! The examples of `docs/migration.md`, run.
//!
//! In: the section "Its settings as a file": blocks in pairs, what Jaeger was told and the file that is made of it, without the comments at its top and its end. `SPOOR_UPDATE=1` writes the files anew.

use std::io::Write as _;

use super::*;

const SECTION: &str = "## Its settings as a file";

/// What stands between the comments at the top and those at the end.
fn body(yaml: &str) -> String {
    let lines = yaml
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with('#'));
    let body: Vec<&str> = lines
        .take_while(|line| !line.starts_with("# Without effect"))
        .collect();
    body.join("\n").trim_end().to_owned()
}

#[test]
fn the_examples_of_the_page_are_what_is_made() {
    let page = std::fs::read_to_string("../docs/migration.md").unwrap();
    let section = page.split(SECTION).nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
    // the first shows how it is called
    let pairs: Vec<&[&str]> = blocks[1..].chunks(2).collect();
    assert_eq!(pairs.len(), 3, "an example for each form");
    let update = Environment::of_process().get("SPOOR_UPDATE").is_some();
    let mut written = page.clone();
    for pair in pairs {
        let (kind, input) = pair[0].split_once('\n').unwrap();
        let ending = if kind == "yaml" { ".yaml" } else { ".sh" };
        let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
        file.write_all(input.as_bytes()).unwrap();
        let made = migrate(&file.path().display().to_string());
        assert_eq!(made.code, 0, "{}", made.report);
        let (_, expect) = pair[1].split_once('\n').unwrap();
        if update {
            written = written.replacen(pair[1], &format!("yaml\n{}\n", body(&made.yaml)), 1);
            continue;
        }
        assert_eq!(body(&made.yaml), expect.trim_end(), "{}", made.yaml);
        check_starts(&made.yaml, "the page");
    }
    if update {
        std::fs::write("../docs/migration.md", written).unwrap();
    }
}
