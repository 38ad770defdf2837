//! The web UI of `ui/`: its sources are in order, the bundle that is built in is what they make, and a real browser shows it from a real server.
//!
//! Each is a program of `ui/package.json`, so that whoever works on the UI runs the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use tests::clients;

use crate::support::client::printed;
use crate::support::root;

/// `npm`, in the folder of the UI with its packages.
fn npm(args: &[&str]) -> Command {
    static PACKAGES: OnceLock<()> = OnceLock::new();
    let folder = root().join("ui");
    PACKAGES.get_or_init(|| clients::packages(&folder).unwrap());
    let mut command = Command::new("npm");
    command.args(args).current_dir(folder).env("NO_COLOR", "1");
    command
}

/// Every file below `folder`, by its path there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, std::fs::read(&path).unwrap());
        }
    }
    found
}

/// How many tests passed, by what Node says in the end.
fn passed(said: &str) -> usize {
    let count = |line: &str| line.strip_prefix("# pass ")?.trim().parse().ok();
    let found = said.lines().find_map(count);
    found.unwrap_or_else(|| panic!("no count of tests in {said}"))
}

#[test]
fn its_sources_are_in_order_and_their_own_tests_pass() {
    printed(&mut npm(&["run", "--silent", "check"]));
    let said = printed(&mut npm(&["test", "--silent"]));
    assert!(said.contains(" passed"), "{said}");
}

#[test]
fn the_bundle_is_what_the_sources_make_byte_by_byte() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("dist");
    let into = format!("--outDir={}", made.display());
    printed(&mut npm(&["run", "--silent", "build", "--", &into]));
    let (made, kept) = (files(&made), files(&root().join("ui/dist")));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&made), "run `npm run build` in ui");
    for (name, bytes) in made {
        assert!(kept[&name] == bytes, "{name}: run `npm run build` in ui");
    }
}

#[test]
fn a_browser_shows_every_page_and_nothing_of_a_span_runs() {
    let mut command = npm(&["run", "--silent", "test:browser"]);
    command
        .env("SPOOR_BIN", env!("CARGO_BIN_EXE_spoor-under-test"))
        .env("SPOOR_UI", "embedded");
    let said = printed(&mut command);
    println!("{} tests in a browser passed", passed(&said));
    assert!(passed(&said) > 0, "{said}");
}
