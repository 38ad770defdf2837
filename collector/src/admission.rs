//! What happens when we are full: one budget of bytes for the process, shared by the instances.
//!
//! In: a charge, made before a body is read. Out: a [`Permit`] that holds the bytes until it is dropped, or a [`Refusal`]. Nothing waits
//! here: a charge is granted at once or refused at once, so that a sender learns quickly and can go elsewhere.
//!
//! Three rules, in this order: the process never holds more than its budget; an instance holds at most a quarter of it; above three
//! quarters full the instance that holds most is refused first. An instance that holds nothing but the message in question is only
//! bound by the first rule, and a message that is alone in the process by none: what it becomes in memory is bounded by its receiver's
//! limit and by the decoder, and nobody knows it before it is decoded. So every refusal is for now, and none for ever. While such a
//! message is in, all others are refused.
//!
//! Source: the promises on accepting in the security and reliability page.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::Instance;
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use trust::Rules;

/// The steps in which a body of unknown length is charged, in bytes.
pub const STEP: usize = 64 << 10;

/// The budget. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Admission {
    shared: Arc<Shared>,
}

/// Bytes held for one request, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    instance: Instance,
    held: usize,
}

/// Why a charge was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The instance holds its share: others are still served.
    #[error(
        "the share of this instance in the byte budget is used up, try again later (collector.budget-bytes)"
    )]
    Share,
    /// The process is more than three quarters full and this instance holds most of it.
    #[error(
        "the byte budget is nearly used up and this instance holds most of it, try again later (collector.budget-bytes)"
    )]
    Largest,
    /// The process is full.
    #[error("the byte budget of the process is used up, try again later (collector.budget-bytes)")]
    Process,
}

#[derive(Debug)]
struct Shared {
    budget: usize,
    share: usize,
    brim: usize,
    rules: Rules,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    total: usize,
    /// Those that hold anything.
    instances: BTreeMap<Instance, usize>,
}

// === impl Admission ===

impl Admission {
    /// A budget of `budget` bytes, of which each instance gets a quarter, or `max_message` bytes when that is more. Those that `rules` lead to are shown at zero while they hold nothing, so
    /// that they cannot be taken for gone.
    pub fn new(budget: usize, max_message: usize, rules: Rules) -> Self {
        Self {
            shared: Arc::new(Shared {
                budget,
                share: (budget / 4).max(max_message),
                brim: budget / 4 * 3,
                rules,
                held: Mutex::new(Held {
                    total: 0,
                    instances: BTreeMap::new(),
                }),
            }),
        }
    }

    /// A permit for a request of `instance`, which holds nothing yet.
    pub fn open(&self, instance: Instance) -> Permit {
        Permit {
            shared: self.shared.clone(),
            instance,
            held: 0,
        }
    }

    /// The bytes held now.
    pub fn held(&self) -> usize {
        self.shared.held.lock().total
    }
}

// === impl Permit ===

impl Permit {
    /// Whose request it is for.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The bytes it holds.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Holds `bytes` more, which the receiver's limit bounds. Refused, it holds what it held before.
    pub fn add(&mut self, bytes: usize) -> Result<(), Refusal> {
        let mut held = self.shared.held.lock();
        let mine = held.instances.get(&self.instance).copied().unwrap_or(0);
        let lone = held.total == self.held;
        if !lone && held.total.saturating_add(bytes) > self.shared.budget {
            return Err(Refusal::Process);
        }
        let alone = mine == self.held;
        if !alone {
            if mine + bytes > self.shared.share {
                return Err(Refusal::Share);
            }
            let full = held.total + bytes > self.shared.brim;
            if full && held.instances.values().all(|&other| other <= mine) {
                return Err(Refusal::Largest);
            }
        }
        held.total += bytes;
        match held.instances.get_mut(&self.instance) {
            Some(mine) => *mine += bytes,
            None => {
                held.instances.insert(self.instance.clone(), bytes);
            }
        }
        self.held += bytes;
        Ok(())
    }

    /// Holds `bytes` more for a message of `len` bytes that will probably become that many. A guess is never the reason to hold more than
    /// an instance's share.
    pub fn advance(&mut self, len: usize, bytes: usize) -> Result<(), Refusal> {
        self.add(bytes.min(self.shared.share).max(len))
    }

    /// Holds `total` bytes from now on: more, which may be refused, or less.
    pub fn set(&mut self, total: usize) -> Result<(), Refusal> {
        match total.checked_sub(self.held) {
            Some(more) => self.add(more),
            None => {
                self.give_back(self.held - total);
                Ok(())
            }
        }
    }

    fn give_back(&mut self, bytes: usize) {
        self.held -= bytes;
        let mut held = self.shared.held.lock();
        held.total -= bytes;
        if let Some(mine) = held.instances.get_mut(&self.instance) {
            *mine -= bytes;
            if *mine == 0 {
                held.instances.remove(&self.instance);
            }
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.held > 0 {
            self.give_back(self.held);
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// The word that it is counted by.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Share => "instance_share",
            Self::Largest => "largest_holder",
            Self::Process => "process_budget",
        }
    }
}

// === metrics ===

impl Collector for Admission {
    /// `spoor_collector_budget_bytes` and `spoor_collector_held_bytes{namespace,instance}`, read when asked for.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let budget = ConstGauge::new(self.shared.budget as i64);
        budget.encode(encoder.encode_descriptor(
            "spoor_collector_budget_bytes",
            "Bytes that requests may hold until they are durable",
            None,
            MetricType::Gauge,
        )?)?;
        let known = self.shared.rules.now().all().into_iter();
        let mut held: BTreeMap<Instance, usize> = known.map(|instance| (instance, 0)).collect();
        held.extend(self.shared.held.lock().instances.clone());
        let mut family = encoder.encode_descriptor(
            "spoor_collector_held_bytes",
            "Bytes that requests hold now",
            None,
            MetricType::Gauge,
        )?;
        for (instance, bytes) in held {
            let labels = [
                ("namespace", instance.namespace()),
                ("instance", instance.name()),
            ];
            ConstGauge::new(bytes as i64).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
