//! Out of a store and into another one: nothing is lost, and nothing is there twice.

use std::collections::BTreeSet;

use bench::rng::Rng;
use serde_json::Value;
use tests::corpus::Corpus;

use super::generator::Generator;
use super::{Folder, JAEGER, OTLP, golden, spans};
use crate::support::root;

#[test]
fn what_is_exported_imported_and_exported_again_is_the_same_bytes_and_nothing_is_lost() {
    let folder = Folder::new();
    let seeds = if crate::support::soak() { 1..40 } else { 1..4 };
    for seed in seeds {
        let [a, b] = [format!("a{seed}"), format!("b{seed}")];
        let mut generator = Generator(Rng::new(seed));
        let lines: Vec<String> = (0..60).map(|nth| generator.line(nth * 1000)).collect();
        let input = folder.file("input.jsonl", &lines.join("\n"));
        folder.import(&a, "otlp", &[&input]);
        let first = folder.exported(&a, OTLP);
        let sent = spans(lines.iter().map(String::as_str));
        assert_eq!(spans(first.iter().map(String::as_str)), sent, "seed {seed}");
        // a trace is a line
        let traces: BTreeSet<_> = sent.keys().map(|(trace, _)| trace).collect();
        assert_eq!(first.len(), traces.len());
        let mut shuffled = first.clone();
        shuffled.reverse();
        let dump = folder.file("dump.jsonl", &shuffled.join("\n"));
        folder.import(&b, "otlp", &[&dump]);
        assert_eq!(folder.exported(&b, OTLP), first, "seed {seed}");
        // again, and from another cut of the same spans: one copy is left
        folder.import(&b, "otlp", &[&dump, &input]);
        assert_eq!(folder.exported(&b, OTLP), first, "seed {seed}");
    }
}

#[test]
fn jaegers_form_comes_back_as_it_was_in_every_frame() {
    let folder = Folder::new();
    let inputs = golden("otlp-json");
    let inputs: Vec<_> = inputs.iter().map(|path| path.to_str().unwrap()).collect();
    folder.import("a", "otlp", &inputs);
    let text = folder.prints("a", &["export", "--format=jaeger"]);
    let first = folder.exported("a", JAEGER);
    let whole: Value = serde_json::from_str(&text).unwrap();
    let traces = whole["data"].as_array().unwrap();
    let bare: String = traces.iter().map(|trace| format!("{trace:#}\n")).collect();
    let envelope = folder.file("envelope.json", &text);
    let list = folder.file("list.json", &whole["data"].to_string());
    let bare = folder.file("bare.json", &bare);
    for (store, file) in [("b", &envelope), ("c", &list), ("d", &bare)] {
        folder.import(store, "jaeger", &[file]);
        assert_eq!(folder.exported(store, JAEGER), first, "{store}");
    }
    // and once more from all three: one copy is left
    folder.import("b", "jaeger", &[&list, &bare, &envelope]);
    assert_eq!(folder.exported("b", JAEGER), first);
    // what real Jaeger answered is taken as well
    let corpus = Corpus::open(
        &root().join("tests/fixtures/golden"),
        &["otlp-json", "jaeger-grpc"],
    );
    let recorded = corpus
        .cases
        .iter()
        .flat_map(|c| c.recorded_traces("v1.76.0"));
    let recorded: Vec<_> = recorded.filter(|(_, raw, _)| *raw).collect();
    let files: Vec<_> = recorded
        .iter()
        .map(|(_, _, f)| f.to_str().unwrap())
        .collect();
    folder.import("e", "jaeger", &files);
    let ids: BTreeSet<_> = recorded.iter().map(|(id, _, _)| id).collect();
    assert_eq!(folder.exported("e", OTLP).len(), ids.len());
}
