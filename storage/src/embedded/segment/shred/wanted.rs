//! A tag that is looked for in a block without putting its rows together.

use super::label::Label;

/// A key, alone or with a text that nothing but a text has, or a binary value.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// The tag's key, which is no other's but an attribute's.
    pub(crate) key: Vec<u8>,
    /// The text; `None`: any value will do.
    pub(crate) text: Option<Vec<u8>>,
    /// The binary value that has this text.
    pub(crate) binary: Option<Vec<u8>>,
}

/// Attributes of spans and of their events.
const ATTRIBUTES: [u32; 2] = [9 << 3 | 2, 3 << 3 | 2];
/// Values that are texts, and binary ones.
const TEXTS: [u8; 2] = [1 << 3 | 2, 7 << 3 | 2];

// === impl Wanted ===

impl Wanted {
    /// Whether a value of this label is what is wanted; `None`: it depends on the value. What is written in an unusual way may be.
    pub(super) fn of_label(&self, label: &Label<&[u8]>) -> Option<bool> {
        match label {
            Label::Attribute { tag, key, value } if ATTRIBUTES.contains(tag) => {
                if *key == self.key && self.text.is_none() {
                    return Some(true);
                }
                if *key == self.key && TEXTS.contains(value) {
                    return None;
                }
                // a key that is no text gets another when it is decoded
                Some(std::str::from_utf8(key).is_err())
            }
            Label::Value(tag) => Some(ATTRIBUTES.contains(tag)),
            Label::Attribute { .. } | Label::Begin(_) | Label::End => Some(false),
        }
    }

    /// Whether a value may be it.
    pub(super) fn is(&self, value: &[u8]) -> bool {
        self.text.as_deref() == Some(value) || self.binary.as_deref() == Some(value)
    }
}
