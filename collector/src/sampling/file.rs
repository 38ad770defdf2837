//! The strategies file: JSON, as Jaeger's operators write it. Unknown members are left out, and `null` is a file that says nothing.

use serde::Deserialize;

/// All of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    pub(super) default_strategy: Option<Strategy>,
    pub(super) service_strategies: Option<Vec<ServiceStrategy>>,
}

/// What a service, or every other one, is told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Strategy {
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// A probability, or traces a second.
    pub(super) param: f64,
    pub(super) operation_strategies: Option<Vec<OperationStrategy>>,
}

/// The same, with the service's name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ServiceStrategy {
    pub(super) service: String,
    #[serde(flatten)]
    pub(super) strategy: Strategy,
}

/// What a service is told about one of its operations.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OperationStrategy {
    pub(super) operation: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) param: f64,
}

// === impl File ===

impl File {
    /// From its text.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        let file: Option<Self> = serde_json::from_slice(text)?;
        Ok(file.unwrap_or_default())
    }
}
