//! Where somebody else has counted spans.
//!
//! In: the configuration. Out: what the query service asks for rates and latencies in place of a store, if an operator said so. Nothing is connected yet.

use std::sync::Arc;

use query::service::Counted;
use storage::prometheus::Prometheus;

use crate::config::Config;

/// The Prometheus that is asked for rates and latencies. What it has counted is of no instance that it knows: it is shown to readers of the default one alone.
///
/// # Errors
/// A file that cannot be used.
pub(super) fn open(config: &Config) -> anyhow::Result<Option<Counted>> {
    let Some(told) = config.prometheus.clone() else {
        return Ok(None);
    };
    let prometheus = Prometheus::new(told).map_err(anyhow::Error::msg)?;
    let checked = tokio::task::block_in_place(|| prometheus.check_files());
    checked.map_err(anyhow::Error::msg)?;
    Ok(Some(Counted {
        instance: config.certificates.instance.clone(),
        prometheus: Arc::new(prometheus),
    }))
}
