//! Whether a cluster has room for the shards that all instances on it will have.
//!
//! In: for each place how many indices it makes a day, how long they stay, how many shards each has; for each cluster how many shards it takes. Out: a finding for each cluster that has too little
//! room, with the settings that need less. A cluster that is full makes no new index, and at midnight nothing can be written any more.
//!
//! Source: Elasticsearch's and OpenSearch's `cluster.max_shards_per_node`, 1,000 unless it is set.

use std::collections::BTreeMap;

use model::Instance;
use serde_json::Value;

use super::super::config::{Place, Rotation};
use super::super::housekeeping::Housekeeper;
use super::{Finding, Look, Verdict};
use crate::http_client::Request;

/// Above this share of what a cluster takes somebody should know.
const PERCENT: u64 = 80;
const PER_NODE: u64 = 1_000;
const DAY_S: u64 = 24 * 3600;

/// What a place will have, and what its cluster has.
pub(super) struct Load {
    /// What tells clusters apart.
    cluster: String,
    shards: u64,
    /// In words.
    sum: String,
    room: Room,
}

/// What a cluster takes.
#[derive(Clone, Copy)]
struct Room {
    per_node: u64,
    data_nodes: u64,
    now: u64,
}

/// What a place will have, by what it is told.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    a_day: u64,
    days: u64,
    shards: u64,
}

// === impl Plan ===

impl Plan {
    fn of(place: &Place) -> Self {
        let indices = &place.indices;
        let shards = u64::from(indices.shards) * (1 + u64::from(indices.replicas));
        if indices.is_archive {
            return Self {
                a_day: 1,
                days: 1,
                shards,
            };
        }
        let kept = if place.upkeep.max_age.is_zero() {
            place.limits.max_span_age
        } else {
            place.upkeep.max_age
        };
        let of = |rotation| match rotation {
            Rotation::Day => 1,
            Rotation::Hour => 24,
        };
        // rollover makes as many as its conditions say: about one a day
        let a_day = if indices.use_aliases {
            3
        } else {
            // dependencies are of a day always
            of(indices.spans) + of(indices.services) + 1
        };
        Self {
            a_day,
            // the day that has begun, and the one that is going
            days: kept.as_secs().div_ceil(DAY_S) + 1,
            shards,
        }
    }

    fn total(&self) -> u64 {
        self.a_day * self.days * self.shards
    }
}

// === impl Room ===

impl Room {
    fn all(self) -> u64 {
        self.per_node * self.data_nodes
    }
}

/// None: the cluster does not say.
pub(super) async fn of(look: &Look<'_>, housekeeper: &Housekeeper) -> Option<Load> {
    let health = housekeeper
        .ask(Request::get(&["_cluster", "health"]))
        .await
        .ok()?;
    let settings = Request::get(&["_cluster", "settings"])
        .query("include_defaults", "true")
        .query("filter_path", "*.cluster.max_shards_per_node");
    let settings = housekeeper.ask(settings).await.unwrap_or_default();
    let number = |name: &str| health.get(name).and_then(Value::as_u64);
    let shards = ["active_shards", "initializing_shards", "unassigned_shards"];
    let room = Room {
        per_node: per_node(&settings),
        data_nodes: number("number_of_data_nodes")?,
        now: shards.iter().filter_map(|name| number(name)).sum(),
    };
    let id = Request::get(&["_cluster", "state", "version"]).query("filter_path", "cluster_uuid");
    let id = housekeeper.ask(id).await.ok();
    let id = id.and_then(|id| Some(id.get("cluster_uuid")?.as_str()?.to_owned()));
    let plan = Plan::of(look.place);
    let sum = format!(
        "{} indices a day × {} days × {} shards with their copies",
        plan.a_day, plan.days, plan.shards
    );
    Some(Load {
        cluster: id.unwrap_or_else(|| look.place.connection.urls.join(",")),
        shards: plan.total(),
        sum,
        room,
    })
}

/// What somebody set goes before the default.
fn per_node(settings: &Value) -> u64 {
    let of = |group: &str| settings.pointer(&format!("/{group}/cluster/max_shards_per_node"));
    let found = ["transient", "persistent", "defaults"]
        .into_iter()
        .find_map(of);
    let number = found.and_then(|value| match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    });
    number.unwrap_or(PER_NODE)
}

/// A finding for each cluster.
pub(super) fn compare(loads: &[(Instance, &'static str, Load)]) -> Vec<Finding> {
    let mut clusters: BTreeMap<&str, Vec<&(Instance, &'static str, Load)>> = BTreeMap::new();
    for load in loads {
        clusters.entry(&load.2.cluster).or_default().push(load);
    }
    let finding = |loads: Vec<&(Instance, &'static str, Load)>| {
        let (instance, store, first) = *loads.first()?;
        let (room, all) = (first.room, first.room.all());
        let planned: u64 = loads.iter().map(|(_, _, load)| load.shards).sum();
        let takes = format!(
            "the cluster takes {all} shards ({} a data node, of which it has {}) and has {} now",
            room.per_node, room.data_nodes, room.now
        );
        let whose: Vec<String> = loads
            .iter()
            .map(|(instance, store, load)| format!("{instance} ({store}): {}", load.sum))
            .collect();
        let is_near = |shards: u64| shards * 100 >= all * PERCENT;
        let (verdict, text) = if is_near(planned) || is_near(room.now) {
            let mend = "need less with num-shards, num-replicas or cleaner.max-age, or let it take more with cluster.max_shards_per_node or another data node; a cluster that is full makes no new index, and nothing can be written";
            (
                Verdict::Warning,
                format!(
                    "{takes}; {planned} are planned: {}. That is near or above {PERCENT} %: {mend}",
                    whose.join("; ")
                ),
            )
        } else {
            (Verdict::Good, format!("{takes}; {planned} are planned"))
        };
        Some(Finding {
            instance: instance.clone(),
            store,
            subject: "shards",
            verdict,
            text,
        })
    };
    clusters.into_values().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::super::config::{Indices, Upkeep};
    use super::*;

    fn place(prefix: &str, days: u64, hourly: bool) -> Place {
        Place {
            indices: Indices {
                prefix: prefix.to_owned(),
                spans: if hourly {
                    Rotation::Hour
                } else {
                    Rotation::Day
                },
                ..Indices::default()
            },
            upkeep: Upkeep {
                max_age: Duration::from_secs(days * DAY_S),
                ..Upkeep::default()
            },
            ..Place::default()
        }
    }

    #[test]
    fn shards_are_counted_by_rotation_and_age() {
        let of = |days, hourly| Plan::of(&place("", days, hourly)).total();
        // 5 shards with a copy each
        assert_eq!(of(7, false), 3 * 8 * 10);
        assert_eq!(of(7, true), 26 * 8 * 10);
        // without a cleaner, as long as is looked back
        assert_eq!(of(0, false), 3 * 4 * 10);
        let archive = Place {
            indices: Indices {
                is_archive: true,
                ..Indices::default()
            },
            ..Place::default()
        };
        assert_eq!(Plan::of(&archive).total(), 10);
    }

    #[test]
    fn what_somebody_set_is_what_a_node_takes() {
        let cluster = |value: Value| json!({"cluster": {"max_shards_per_node": value}});
        let (default, set) = (cluster(json!("1000")), cluster(json!("500")));
        for (settings, expect) in [
            (json!({"defaults": default}), 1_000),
            (json!({"persistent": set, "defaults": default}), 500),
            (
                json!({"persistent": set, "transient": cluster(json!(20))}),
                20,
            ),
            (json!({}), PER_NODE),
        ] {
            assert_eq!(per_node(&settings), expect, "{settings}");
        }
    }

    fn load(
        instance: &str,
        cluster: &str,
        shards: u64,
        now: u64,
    ) -> (Instance, &'static str, Load) {
        let room = Room {
            per_node: 100,
            data_nodes: 3,
            now,
        };
        let load = Load {
            cluster: cluster.to_owned(),
            shards,
            sum: String::new(),
            room,
        };
        (Instance::parse(instance).unwrap(), "main", load)
    }

    #[test]
    fn instances_of_one_cluster_are_added_up() {
        let verdicts = |loads: &[(Instance, &'static str, Load)]| {
            let found = compare(loads);
            found
                .iter()
                .map(|finding| finding.verdict)
                .collect::<Vec<_>>()
        };
        let (good, warning) = (Verdict::Good, Verdict::Warning);
        assert_eq!(
            verdicts(&[load("a/j", "x", 120, 0), load("b/j", "y", 119, 0)]),
            [good, good]
        );
        assert_eq!(
            verdicts(&[load("a/j", "x", 120, 0), load("b/j", "x", 119, 0)]),
            [good]
        );
        let full = [load("a/j", "x", 120, 0), load("b/j", "x", 120, 0)];
        assert_eq!(verdicts(&full), [warning]);
        let text = &compare(&full)[0].text;
        assert!(
            text.contains("240 are planned")
                && text.contains("a/j (main)")
                && text.contains("b/j (main)"),
            "{text}"
        );
        // others may have filled it
        assert_eq!(verdicts(&[load("a/j", "x", 1, 241)]), [warning]);
        assert_eq!(verdicts(&[]), []);
    }
}
