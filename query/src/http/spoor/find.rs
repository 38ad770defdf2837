//! Where words are in a trace.
//!
//! In: a trace and [`Words`]. Out: the positions of the spans in which all words are, and none that may not be: in the service, the operation, the id, the attributes of the span, of its
//! events and of its resource, by key, by value and as `key=value`.

use serde::Serialize;
use wire::jaeger::{Process, Span, Tag, TagValue};

use super::words::{Bits, Words};
use crate::whole::Whole;

/// Positions of spans.
#[derive(Debug, Serialize)]
pub(super) struct Positions {
    spans: Vec<usize>,
}

/// Which words were found: a bit each.
struct Hits<'a> {
    words: &'a Words,
    found: Bits,
    /// Of values that are no text.
    shown: String,
}

pub(super) fn find(whole: &Whole, words: &Words) -> Positions {
    let mut hits = Hits {
        words,
        found: 0,
        shown: String::new(),
    };
    let of_processes: Vec<Bits> = whole
        .processes
        .iter()
        .map(|process| hits.of(|hits| hits.look_at_process(process)))
        .collect();
    let wanted = words.words.iter().enumerate();
    let wanted = wanted
        .filter(|(_, word)| !word.is_not)
        .fold(0, |bits, (at, _)| bits | (1 << at));
    let mut spans = Vec::new();
    for (at, (span, place)) in whole.spans().iter().zip(&whole.places).enumerate() {
        let of_process = of_processes.get(*place as usize).copied().unwrap_or(0);
        if of_process | hits.of(|hits| hits.look_at(span)) == wanted {
            spans.push(at);
        }
    }
    Positions { spans }
}

// === impl Hits ===

impl Hits<'_> {
    fn of(&mut self, look: impl FnOnce(&mut Self)) -> Bits {
        self.found = 0;
        look(self);
        self.found
    }

    fn look_at(&mut self, span: &Span) {
        self.text(&span.operation_name);
        self.text(&span.span_id.to_string());
        self.tags(&span.tags);
        for log in &span.logs {
            self.tags(&log.fields);
        }
    }

    fn look_at_process(&mut self, process: &Process) {
        self.text(&process.service_name);
        self.tags(&process.tags);
    }

    fn tags(&mut self, tags: &[Tag]) {
        for tag in tags {
            self.text(&tag.key);
            match &tag.value {
                TagValue::String(value) => self.value(&tag.key, value),
                value => {
                    let mut shown = std::mem::take(&mut self.shown);
                    shown.clear();
                    super::attributes::show(value, &mut shown);
                    self.value(&tag.key, &shown);
                    self.shown = shown;
                }
            }
        }
    }

    fn value(&mut self, key: &str, value: &str) {
        self.text(value);
        self.each(|word| word.is_across(key, value));
    }

    fn text(&mut self, text: &str) {
        self.each(|word| word.is_in(text));
    }

    fn each(&mut self, is_there: impl Fn(&super::words::Word) -> bool) {
        for (at, word) in self.words.words.iter().enumerate() {
            let bit = 1 << at;
            if self.found & bit == 0 && is_there(word) {
                self.found |= bit;
            }
        }
    }
}
