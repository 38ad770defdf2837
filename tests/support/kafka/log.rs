//! What a broker's log says of consumer groups: who came, who went, each rebalance and each generation.
//!
//! In: lines of the class `kafka.coordinator.group.GroupCoordinator`, each behind the milliseconds since the broker's start. Out: events, in
//! their order. Lines about anything else are nothing. Kafka 2.3 tells of a newcomer only where it makes a rebalance begin: one that comes while
//! one is under way is not in its log.
//!
//! Source: `apache/kafka: core/src/main/scala/kafka/coordinator/group/GroupCoordinator.scala` at 2.3.0 and 3.9.1.

use std::collections::BTreeSet;
use std::time::Duration;

/// A thing that happened to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Since the start of the broker; after a restart, since that.
    pub at: Duration,
    /// The group.
    pub group: String,
    /// What.
    pub what: What,
}

/// What happens to groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A member that was not there before.
    Joined(String),
    /// A member said that it leaves.
    Left(String),
    /// A member was not heard of for the time of its session, or did not join again in time.
    Failed(String),
    /// A generation ends. A group's first rebalance ends generation 0.
    Rebalancing {
        /// The one that ends.
        generation: u32,
        /// In the broker's words.
        reason: String,
    },
    /// All members have joined this generation.
    Stabilized(u32),
    /// Nobody is left; the number is that of the generation without members.
    Empty(u32),
}

/// All events of a log.
pub fn events(log: &str) -> Vec<Event> {
    let mut joined = BTreeSet::new();
    let mut events: Vec<_> = log.lines().flat_map(parse).collect();
    // 3.9 tells of one newcomer up to three times
    events.retain(|event| match &event.what {
        What::Joined(member) => joined.insert((event.group.clone(), member.clone())),
        _ => true,
    });
    events
}

/// The generations that a group has had.
pub fn generations(events: &[Event], group: &str) -> Vec<u32> {
    events
        .iter()
        .filter(|event| event.group == group)
        .filter_map(|event| match event.what {
            What::Stabilized(generation) => Some(generation),
            _ => None,
        })
        .collect()
}

/// A line may say two things: that a generation ends, and who came.
fn parse(line: &str) -> Vec<Event> {
    let Some((at, rest)) = line.split_once(' ') else {
        return Vec::new();
    };
    let (Ok(at), Some((_, said))) = (at.parse(), rest.split_once("GroupCoordinator - ")) else {
        return Vec::new();
    };
    // "[GroupCoordinator 1]: "
    let said = said.split_once("]: ").map_or(said, |(_, said)| said);
    let Some((group, found)) = what(said) else {
        return Vec::new();
    };
    found
        .into_iter()
        .map(|what| Event {
            at: Duration::from_millis(at),
            group: group.to_owned(),
            what,
        })
        .collect()
}

fn what(said: &str) -> Option<(&str, Vec<What>)> {
    if let Some(rest) = said.strip_prefix("Preparing to rebalance group ") {
        let (group, rest) = rest.split_once(" in state ")?;
        let generation = number_after(rest, "with old generation ")?;
        let reason = rest.split_once("(reason: ")?.1;
        let reason = reason.strip_suffix(')').unwrap_or(reason).to_owned();
        let newcomer = word_after(&reason, "Adding new member ");
        let joined = newcomer.map(|member| What::Joined(member.to_owned()));
        let rebalancing = What::Rebalancing { generation, reason };
        return Some((group, joined.into_iter().chain([rebalancing]).collect()));
    }
    if let Some(rest) = said.strip_prefix("Stabilized group ") {
        let (group, rest) = rest.split_once(" generation ")?;
        let generation = number_after(rest, "")?;
        return Some((group, vec![What::Stabilized(generation)]));
    }
    if let Some(rest) = said.strip_prefix("Group ") {
        let (group, rest) = rest.split_once(" with generation ")?;
        rest.contains("is now empty").then_some(())?;
        return Some((group, vec![What::Empty(number_after(rest, "")?)]));
    }
    if let Some(member) = word_after(said, "Created a new member id ") {
        let group = said.split_once(" joins group ")?.1.split_once(" in ")?.0;
        return Some((group, vec![What::Joined(member.to_owned())]));
    }
    gone(said)
}

/// Who went: 2.3 and 3.9 say it in different words.
fn gone(said: &str) -> Option<(&str, Vec<What>)> {
    let rest = said.strip_prefix("Member ")?;
    if let Some((member, rest)) = rest.split_once(" in group ") {
        let member = member.to_owned();
        if let Some((group, _)) = rest.split_once(" has failed") {
            return Some((group, vec![What::Failed(member)]));
        }
        let (group, _) = rest.split_once(" has left")?;
        return Some((group, vec![What::Left(member)]));
    }
    let member = word_after(rest, "MemberMetadata(memberId=")?;
    let group = rest.split_once(" has left group ")?.1;
    let (group, _) = group.split_once(" through explicit ")?;
    Some((group, vec![What::Left(member.to_owned())]))
}

/// What stands behind `mark`, up to a space or a comma.
fn word_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(mark)?;
    rest.split([' ', ','])
        .next()
        .filter(|word| !word.is_empty())
}

fn number_after(text: &str, mark: &str) -> Option<u32> {
    let (_, rest) = text.split_once(mark)?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
