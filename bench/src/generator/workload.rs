//! The few numbers that everything sent is a function of.

use std::str::FromStr;

use anyhow::bail;
use serde::{Deserialize, Serialize};

/// What one round of a load is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Of all random numbers.
    pub seed: u64,
    /// How large spans are.
    pub profile: Profile,
    /// How a trace is spread over requests.
    pub shape: Shape,
    /// Spans a round, at least.
    pub spans: usize,
    /// Spans a request, at most.
    pub batch: usize,
    /// Spans of every trace; `None`: log-normal, median 12.
    pub trace_spans: Option<u32>,
}

/// How large spans are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// About 350 bytes: 6 attributes.
    Small,
    /// About 540 bytes: 11 attributes. The one that published figures of others are for.
    Common,
    /// About 800 bytes: 10 to 30 attributes, mostly short.
    Medium,
    /// About 1.8 kB.
    Large,
}

/// How a trace is spread over requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Its spans come from several services and pods, each pod's in requests of its own: as in life.
    Scattered,
    /// All its spans come from one pod, in one request: kind to stores.
    Whole,
}

// === impl Workload ===

impl Workload {
    /// Scattered traces of any size, at least `spans` spans a round in requests of `batch`.
    pub fn new(seed: u64, profile: Profile, spans: usize, batch: usize) -> Self {
        Self {
            seed,
            profile,
            shape: Shape::Scattered,
            spans,
            batch: batch.max(1),
            trace_spans: None,
        }
    }
}

// === impl Profile ===

impl FromStr for Profile {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "small" => Self::Small,
            "common" => Self::Common,
            "medium" => Self::Medium,
            "large" => Self::Large,
            other => bail!("profile {other:?} is none of small, common, medium, large"),
        })
    }
}

// === impl Shape ===

impl FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        Ok(match text {
            "scattered" => Self::Scattered,
            "whole" => Self::Whole,
            other => bail!("shape {other:?} is none of scattered, whole"),
        })
    }
}
