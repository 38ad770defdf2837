//! The label `svc`: a service's name, made fit for a metric, and bounded in number and length.
//!
//! Source: `jaegertracing/jaeger: cmd/collector/app/metrics.go`, `internal/normalizer` v1.76.0. Cutting long names is ours: a name may be
//! as long as a message.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// How many names there may be before the rest is counted together.
const MOST: usize = 4000;
/// Longer names are cut, in bytes.
const LONGEST: usize = 256;
const OTHER: &str = "other-services";
const UNKNOWN: &str = "__unknown";

/// A label's value. Cloning counts a reference up; it pins no request's buffer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Label(Arc<str>);

/// The names met so far. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Services {
    known: Arc<RwLock<Known>>,
    other: Label,
}

#[derive(Debug, Default)]
struct Known {
    /// As they came, so that most names are normalised once. Bounded like the labels.
    by_name: HashMap<Box<str>, Label>,
    labels: HashSet<Label>,
}

// === impl Services ===

impl Services {
    /// The label of a service.
    pub(super) fn label(&self, name: &str) -> Label {
        let name = cut(name);
        if let Some(label) = self.known.read().by_name.get(name) {
            return label.clone();
        }
        let mut known = self.known.write();
        let fresh = Label(normalize(name).into());
        let label = match known.labels.get(&fresh) {
            Some(label) => label.clone(),
            None if known.labels.len() < MOST => {
                known.labels.insert(fresh.clone());
                fresh
            }
            None => return self.other.clone(),
        };
        if known.by_name.len() < MOST {
            known.by_name.insert(name.into(), label.clone());
        }
        label
    }
}

impl Default for Services {
    fn default() -> Self {
        Self {
            known: Arc::default(),
            other: Label(OTHER.into()),
        }
    }
}

// === impl Label ===

impl Label {
    /// Of spans whose service nobody knows.
    pub(crate) fn unknown() -> Self {
        Self(UNKNOWN.into())
    }
}

impl EncodeLabelValue for Label {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

fn cut(name: &str) -> &str {
    let end = name.floor_char_boundary(LONGEST.min(name.len()));
    name.get(..end).unwrap_or_default()
}

/// Lower case, and `_` for what a label should not hold. Characters beyond Latin-1 stay, as in Jaeger.
fn normalize(name: &str) -> String {
    if name.is_empty() {
        return UNKNOWN.to_owned();
    }
    name.chars()
        .map(|c| match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '.' | '-') => c,
            c if c > '\u{ff}' => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised_as_jaeger_does() {
        let services = Services::default();
        for (name, expect) in [
            ("", "__unknown"),
            ("Front-End.v2", "front-end.v2"),
            ("a b/c_d", "a_b_c_d"),
            ("größe", "gr__e"),
            ("サービス", "サービス"),
            ("a\"b\n", "a_b_"),
        ] {
            assert_eq!(&*services.label(name).0, expect);
        }
    }

    #[test]
    fn at_most_so_many_names_and_none_too_long() {
        let services = Services::default();
        for i in 0..MOST + 50 {
            services.label(&format!("service-{i}"));
        }
        assert_eq!(&*services.label("one-more").0, OTHER);
        assert_eq!(&*services.label("service-7").0, "service-7");
        assert_eq!(
            &*services.label("SERVICE-7").0,
            "service-7",
            "a known label stays known by another spelling"
        );
        assert_eq!(services.known.read().by_name.len(), MOST);
        let long = Services::default().label(&"ä".repeat(5000));
        assert_eq!(long.0.len(), LONGEST / 2);
    }
}
