//! The routing key: which Jaeger instance a span belongs to.

use std::fmt;
use std::sync::Arc;

/// A Jaeger instance: a namespace and a name, written `namespace/name`.
///
/// Fixed once at the edge. Batch, reader, ledger, byte budget, folders, dead letters and certificates are keyed by it and by nothing
/// shorter: two instances of one name in two namespaces share nothing. Cloning counts a reference up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    text: Arc<str>,
    slash: u8,
}

/// Why a text is not an instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "instance {text:?} is not namespace/name of two DNS labels (lower-case letters, digits and inner hyphens, at most 63)"
)]
pub struct InvalidInstance {
    text: String,
}

// === impl Instance ===

impl Instance {
    /// From its two parts.
    pub fn new(namespace: &str, name: &str) -> Result<Self, InvalidInstance> {
        let text = format!("{namespace}/{name}");
        if !is_dns_label(namespace) || !is_dns_label(name) {
            return Err(InvalidInstance { text });
        }
        // a label is at most 63 long
        Ok(Self {
            text: text.into(),
            slash: namespace.len() as u8,
        })
    }

    /// From `namespace/name`.
    pub fn parse(text: &str) -> Result<Self, InvalidInstance> {
        match text.split_once('/') {
            Some((namespace, name)) => Self::new(namespace, name),
            None => Err(InvalidInstance {
                text: text.to_owned(),
            }),
        }
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        self.text.get(..self.slash as usize).unwrap_or_default()
    }

    /// The name inside the namespace.
    pub fn name(&self) -> &str {
        self.text.get(self.slash as usize + 1..).unwrap_or_default()
    }

    /// `namespace/name`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Default for Instance {
    /// `default/jaeger`: the one instance when none is configured.
    fn default() -> Self {
        Self {
            text: "default/jaeger".into(),
            slash: 7,
        }
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// RFC 1123: 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.
fn is_dns_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_parsing_it_gives() {
        assert_eq!(
            Instance::parse("default/jaeger").unwrap(),
            Instance::default()
        );
        assert_eq!(
            (Instance::default().namespace(), Instance::default().name()),
            ("default", "jaeger")
        );
    }

    #[test]
    fn only_two_dns_labels_are_an_instance() {
        for bad in [
            "",
            "a",
            "/",
            "a/",
            "/b",
            "A/b",
            "a/b/c",
            "a/-b",
            "a/b-",
            "a/../b",
            "a/b.c",
            "ä/b",
            &format!("a/{}", "b".repeat(64)),
        ] {
            assert!(Instance::parse(bad).is_err(), "{bad}");
        }
        let prod = Instance::parse("prod/jaeger-1").unwrap();
        assert_eq!(
            (prod.namespace(), prod.name(), prod.as_str()),
            ("prod", "jaeger-1", "prod/jaeger-1")
        );
    }
}
