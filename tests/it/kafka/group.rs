//! The program's ingesters as a group, each a process of its own, on real brokers and a real Elasticsearch, while members, brokers and the store come and go: nothing is lost, nothing lies there twice, and
//! the group moves when somebody came or went and at no other time.
//!
//! `SPOOR_SOAK=1`: 3,000 spans a second for about a quarter of an hour, five rounds of faults.

mod away;
mod kills;
mod line;
mod poison;
mod watch;

use std::time::{Duration, Instant};

use tests::kafka::log::{What, generations};
use tests::kafka::{Broker, Options, Version};
use tests::servers::{Kind, shared};

use self::line::{Line, Member, blocking, until};
use self::watch::Watch;
use crate::support::soak;

/// Past any session's time.
const FROZEN: Duration = Duration::from_secs(12);
/// Of each member's log, when a test fails.
const LAST_LINES: usize = 40;
/// No partition is without an owner for longer.
const UNOWNED: Duration = Duration::from_secs(10);

/// A group whose generations are counted.
struct Group<'a> {
    broker: Broker,
    line: &'a Line,
    watch: Watch,
    members: Vec<Member>,
    calm: Duration,
}

// === impl Group ===

impl Group<'_> {
    fn generations(&self) -> usize {
        generations(&self.broker.groups(), self.line.name).len()
    }

    fn start(&mut self, nth: usize) {
        self.members[nth].start();
        self.watch.add(nth, &self.members[nth]);
    }

    /// Waits until the group has had `least` further generations and its partitions are shared out, and then for a while whether more come; how many came.
    async fn settle(&self, what: &str, before: usize, least: usize) -> usize {
        let began = Instant::now();
        let running = self.running();
        until(&format!("{what}: {}", self.watch.shown()), || {
            (self.generations() >= before + least && self.watch.is_shared_out(running))
                .then_some(())
        })
        .await;
        let settled = began.elapsed();
        tokio::time::sleep(self.calm).await;
        let after = self.generations() - before;
        let (version, longest) = (self.broker.version(), self.watch.longest());
        println!(
            "{version}: {what}: {after} generations, settled after {settled:.1?}, longest without an owner so far {longest:.1?}"
        );
        after
    }

    /// What each member said last, and how long its start took.
    fn told(&self) -> String {
        let mut told = String::new();
        for (nth, member) in self.members.iter().enumerate() {
            if !member.is_running() {
                continue;
            }
            let running = member.running();
            let log = running.log();
            let last = log.len().saturating_sub(LAST_LINES);
            told += &format!(
                "member {nth}, ready after {:?}:\n{}\n",
                running.ready_after,
                log[last..].join("\n")
            );
        }
        told
    }

    fn running(&self) -> usize {
        self.members.iter().filter(|one| one.is_running()).count()
    }

    /// How often the broker could not give a member with a lasting name its new id: Kafka 2.3.0 does not know when a group changed last that it has read from its disk, and falls
    /// over it until the group moves (KAFKA-8715).
    fn stumbles(&self) -> usize {
        match self.broker.version() {
            Version::V2_3 => self.broker.log().matches("NoSuchElementException").count(),
            _ => 0,
        }
    }

    /// The same, where so many generations are to come and no more.
    async fn moved(&self, what: &str, before: usize, expect: usize) {
        let came = self.settle(what, before, expect).await;
        self.has_moved(what, came, expect);
    }

    fn has_moved(&self, what: &str, came: usize, expect: usize) {
        let groups = self.broker.groups();
        assert_eq!(came, expect, "{what}: {groups:#?}\n{}", self.told());
        let is_shared_out = self.watch.is_shared_out(self.running());
        assert!(is_shared_out, "{}", self.watch.shown());
    }

    /// Each fault once.
    async fn faults(&mut self) {
        let (before, stumbled) = (self.generations(), self.stumbles());
        self.watch.remove(1);
        self.members[1].kill();
        self.start(1);
        let what = "kill -9 of one with a lasting name, and its start";
        let came = self.settle(what, before, 0).await;
        // then the member waits until the session of the one before it is over, as one without a lasting name
        let expect = if self.stumbles() > stumbled { 2 } else { 0 };
        self.has_moved(what, came, expect);

        let before = self.generations();
        let newcomer = self.line.member(None, &[]);
        self.members.push(newcomer);
        let last = self.members.len() - 1;
        self.start(last);
        self.moved("one more, without a lasting name", before, 1)
            .await;

        let before = self.generations();
        self.members[0].running().freeze().unwrap();
        tokio::time::sleep(FROZEN).await;
        self.members[0].running().thaw().unwrap();
        self.moved("frozen past its session, and back", before, 2)
            .await;

        let before = self.generations();
        self.watch.remove(last);
        self.members.pop().unwrap().end();
        self.moved("the one without a lasting name leaves", before, 1)
            .await;

        self.restart_of_the_broker().await;
    }

    async fn restart_of_the_broker(&mut self) {
        let (before, told) = (self.generations(), self.broker.groups().len());
        let longest = self.watch.longest();
        blocking(|| self.broker.restart()).unwrap();
        self.settle("a restart of the broker", before, 0).await;
        // members notice it only now, and each finds its way back by itself
        until(&format!("back: {}", self.watch.shown()), || {
            (self.watch.is_shared_out(self.running())).then_some(())
        })
        .await;
        // what a member sent before the restart is no other member's
        let said = self.told();
        assert!(!said.contains("was given up"), "{said}");
        let came = self.generations() - before;
        let groups = self.broker.groups();
        let told = groups.iter().skip(told);
        let count = |is: fn(&What) -> bool| told.clone().filter(|event| is(&event.what)).count();
        let ended = count(|what| matches!(what, What::Failed(_)));
        let joined = count(|what| matches!(what, What::Joined(_)));
        if ended == 0 {
            // a member that asked in the wrong moment joins again
            assert!(came <= 1, "{groups:#?}");
        } else {
            // it counted sessions before it could be reached, longer than one lasts: it let members go, which join again
            assert!(came <= ended + joined, "{groups:#?}");
            println!("the broker let {ended} members go that could not reach it");
            self.watch.forget_longest(longest);
        }
    }
}

async fn check_group(version: Version, name: &'static str) {
    let (rate, calm, rounds) = if soak() {
        (3_000.0, Duration::from_secs(20), 5)
    } else {
        (300.0, Duration::from_millis(1_500), 1)
    };
    let server = blocking(|| shared(Kind::Elasticsearch7));
    let broker = blocking(|| Broker::start(version, &Options::default())).unwrap();
    let line = Line::new(&broker, &server.url(), name);
    let traffic = line.traffic(rate);
    let mut group = Group {
        broker,
        line: &line,
        watch: Watch::start(),
        members: Vec::new(),
        calm,
    };
    for nth in 0..5 {
        let before = group.generations();
        group.members.push(line.member(Some(nth), &[]));
        group.start(nth);
        // two, three and five are looked at; one and four are on the way
        group
            .moved(&format!("{} members", nth + 1), before, 1)
            .await;
    }
    for _ in 0..rounds {
        group.faults().await;
    }
    let tally = traffic.end().await;
    line.drained().await;
    let longest = group.watch.longest();
    for member in &mut group.members {
        member.end();
    }
    let what = format!("{version}, a group under faults");
    tally.check_all(&what, server.client(), name).await;
    assert_eq!(line.behind().unwrap(), 0);
    println!("{what}: no partition was without an owner for longer than {longest:.1?}");
    assert!(longest < UNOWNED, "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_kafka_2_3_a_group_moves_when_somebody_comes_or_goes_and_loses_nothing() {
    check_group(Version::V2_3, "group-old").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_kafka_3_9_a_group_moves_when_somebody_comes_or_goes_and_loses_nothing() {
    check_group(Version::V3_9, "group-new").await;
}
