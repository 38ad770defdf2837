//! Which topics are read, and whose their records are.
//!
//! In: rules, and what a record's header says. Out: an instance, or why the record is nobody's. A header is believed on topics that are trusted; elsewhere it may say again what the topic says, and
//! nothing else: whoever may write to a topic must not reach another namespace by it.

use std::collections::BTreeSet;

use model::Instance;

/// A topic that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Whose its records are that do not say, as Jaeger's never do.
    pub instance: Instance,
    /// Whether the header of a record may name another.
    pub is_trusted: bool,
}

/// The topics, and the instances that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topics {
    topics: Vec<Topic>,
    instances: BTreeSet<Instance>,
}

// === impl Topics ===

impl Topics {
    /// These topics, for these instances.
    #[must_use]
    pub fn new(topics: Vec<Topic>, instances: impl IntoIterator<Item = Instance>) -> Self {
        Self {
            topics,
            instances: instances.into_iter().collect(),
        }
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().map(|topic| topic.name.as_str())
    }

    /// Whose the records of `topic` are that do not say.
    pub(crate) fn owner(&self, topic: &str) -> Instance {
        self.of(topic)
            .map_or_else(Instance::default, |topic| topic.instance.clone())
    }

    /// Whose a record of `topic` is whose header says `said`. `Err`: nobody's, and why.
    pub(crate) fn whose(&self, topic: &str, said: Option<&[u8]>) -> Result<Instance, String> {
        let Some(topic) = self.of(topic) else {
            return Err(format!("topic {topic} is none that was asked for"));
        };
        let Some(said) = said else {
            return Ok(topic.instance.clone());
        };
        let said = String::from_utf8_lossy(said);
        if said == topic.instance.as_str() {
            return Ok(topic.instance.clone());
        }
        let shown: String = said.chars().take(200).collect();
        if !topic.is_trusted {
            return Err(format!(
                "its header names {shown:?}, but the topic is {}'s and not among kafka.consumer.trusted-topics",
                topic.instance
            ));
        }
        let named = Instance::parse(&said)
            .map_err(|error| format!("its header names {shown:?}: {error}"))?;
        if self.instances.contains(&named) {
            return Ok(named);
        }
        Err(format!(
            "its header names {named}, which is not configured here"
        ))
    }

    fn of(&self, topic: &str) -> Option<&Topic> {
        self.topics.iter().find(|known| known.name == topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(text: &str) -> Instance {
        Instance::parse(text).unwrap()
    }

    fn topics() -> Topics {
        let topic = |name: &str, of: &str, is_trusted| Topic {
            name: name.to_owned(),
            instance: instance(of),
            is_trusted,
        };
        Topics::new(
            vec![
                topic("spans", "prod/jaeger", false),
                topic("all", "default/jaeger", true),
            ],
            ["prod/jaeger", "staging/jaeger", "default/jaeger"].map(instance),
        )
    }

    #[track_caller]
    fn check(topic: &str, said: Option<&str>, expect: Result<&str, &str>) {
        match (topics().whose(topic, said.map(str::as_bytes)), expect) {
            (Ok(found), Ok(expect)) => assert_eq!(found.as_str(), expect),
            (Err(why), Err(expect)) => assert!(why.contains(expect), "{why}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn a_record_without_a_header_is_its_topics() {
        check("spans", None, Ok("prod/jaeger"));
        check("all", None, Ok("default/jaeger"));
    }

    #[test]
    fn a_header_is_believed_on_trusted_topics_alone() {
        check("spans", Some("prod/jaeger"), Ok("prod/jaeger"));
        check(
            "spans",
            Some("staging/jaeger"),
            Err("kafka.consumer.trusted-topics"),
        );
        check("all", Some("staging/jaeger"), Ok("staging/jaeger"));
        check("all", Some("elsewhere/jaeger"), Err("not configured"));
        check("all", Some("no instance"), Err("its header names"));
    }
}
