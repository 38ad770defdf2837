//! What the aliases of a place lead to.
//!
//! In: kinds of indices. Out: for each its aliases, with the indices behind them. Nothing is changed.

use super::listing::Index;
use super::rollover::{carriers, is_an_index};
use super::{Housekeeper, Sets};

/// The aliases of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::elasticsearch) struct AliasState {
    /// What is written to.
    pub(in crate::elasticsearch) write: String,
    /// What is read.
    pub(in crate::elasticsearch) read: String,
    /// What the first leads to.
    pub(in crate::elasticsearch) written: Vec<String>,
    /// Of several, one is said to be written to.
    pub(in crate::elasticsearch) has_write_index: bool,
    /// What the second leads to.
    pub(in crate::elasticsearch) readable: Vec<String>,
    /// One of the two is an index, and what mends that.
    pub(in crate::elasticsearch) is_index: Option<String>,
}

impl Housekeeper {
    pub(in crate::elasticsearch) async fn alias_states(
        &self,
        sets: Sets,
    ) -> Result<Vec<AliasState>, String> {
        let indices = self.list().await.map_err(|error| error.to_string())?;
        let of = |alias: &str| -> Vec<String> {
            carriers(&indices, alias)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        let states = sets.of(&self.names).into_iter().map(|set| {
            let (write, read) = (set.write_alias(), set.read_alias());
            let is_there = |alias: &&String| indices.iter().any(|index| index.name == **alias);
            let is_written = |index: &Index| index.written_by.contains(&write);
            let is_index = [&write, &read].into_iter().find(is_there);
            AliasState {
                is_index: is_index.map(|alias| is_an_index(&set, alias)),
                written: of(&write),
                has_write_index: indices.iter().any(is_written),
                readable: of(&read),
                write,
                read,
            }
        });
        Ok(states.collect())
    }
}
