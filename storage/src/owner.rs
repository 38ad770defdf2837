//! Whose a row of metrics is.

use model::Instance;
use prometheus_client::encoding::EncodeLabelSet;

/// An instance, as labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Owner {
    pub(crate) namespace: String,
    pub(crate) instance: String,
}

// === impl Owner ===

impl From<&Instance> for Owner {
    fn from(instance: &Instance) -> Self {
        Self {
            namespace: instance.namespace().to_owned(),
            instance: instance.name().to_owned(),
        }
    }
}
