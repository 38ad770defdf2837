//! A collector in a memory cgroup of 256 MiB, told nothing about memory, under ten times what a slow cluster takes: it is not killed.
//!
//! Where a cgroup cannot be made, because the test does not run as root or there is no controller of version 1, it says so and measures memory alone.
//! `SPOOR_SOAK=1`: two minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bench::{Load, Protocol};
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use super::collector::{Collector, Tally, balanced, peak_mib};
use crate::support::{get, soak};

const LIMIT_MIB: u64 = 256;

const CONTROLLER: &str = "/sys/fs/cgroup/memory";

/// A control group of our own. It is gone with this value.
struct Group(PathBuf);

// === impl Group ===

impl Group {
    /// With this limit; an error where none can be made.
    fn new(limit_mib: u64) -> std::io::Result<Self> {
        let name = format!("spoor-test-{}", std::process::id());
        let group = Self(Path::new(CONTROLLER).join(name));
        fs::create_dir(&group.0)?;
        let limit = (limit_mib << 20).to_string();
        fs::write(group.0.join("memory.limit_in_bytes"), limit)?;
        Ok(group)
    }

    /// A program that is `program` inside of this group, in a name space where it finds its own limit as it would in a container.
    fn wrap(&self, program: &Path, folder: &Path) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let script = folder.join("in-a-group");
        let text = format!(
            "#!/bin/sh\nset -e\necho $$ > {group}/cgroup.procs\nexec unshare --mount sh -c 'mount --bind {group} {CONTROLLER} && exec \"$0\" \"$@\"' {program} \"$@\"\n",
            group = self.0.display(),
            program = program.display(),
        );
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap_or_default()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // its process may still be ending
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_times_the_load_does_not_kill_a_collector_with_little_memory() {
    let (alone, seconds) = if soak() { (10.0, 120.0) } else { (2.0, 6.0) };
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    proxy.set([Rule::new(Fault::Delay(Duration::from_millis(500)))]);
    // before the collector that is in it, so that it is dropped after that one
    let group = Group::new(LIMIT_MIB);
    let mut collector = Collector::new(&proxy.url(), "cgroup");
    match &group {
        Ok(group) => {
            collector.setup.program = group.wrap(&collector.setup.program, collector.folder());
        }
        Err(error) => {
            println!("no cgroup of version 1 can be made ({error}): memory is measured alone");
            collector = collector.arg(&format!("--memory.max-bytes={}MiB", LIMIT_MIB / 2));
        }
    }
    let (spoor, _) = tokio::task::block_in_place(|| collector.start());
    let mut tally = Tally::new(512);
    let warm = tally.send(collector.load(Protocol::OtlpGrpc, 1.0)).await;
    tally.add(&warm);
    let outcome = tally.send(collector.load(Protocol::OtlpGrpc, alone)).await;
    tally.add(&outcome);
    let saturated = outcome.acknowledged_spans as f64 / outcome.elapsed.as_secs_f64();
    let open = |protocol| Load {
        in_flight: 400,
        connections: 40,
        rate: Some(saturated * 5.0),
        again: None,
        ..collector.load(protocol, seconds)
    };
    let sending = [Protocol::OtlpGrpc, Protocol::OtlpHttp]
        .map(|protocol| tokio::spawn(tally.send(open(protocol))));
    for sending in sending {
        let outcome = sending.await.unwrap();
        println!(
            "{saturated:.0} spans/s saturated; of {} requests under ten times that {} were refused, {} for good",
            outcome.sent.len(),
            outcome.refusal_us.len(),
            outcome.for_good
        );
        tally.add(&outcome);
        assert_eq!(outcome.for_good, 0, "{:?}", outcome.errors);
    }
    let peak = peak_mib(&spoor);
    println!("peak {peak} MiB resident of {LIMIT_MIB}");
    if let Ok(group) = &group {
        println!(
            "the group: at most {} bytes with what the kernel caches, the limit was met {} times; {}",
            group.read("memory.max_usage_in_bytes").trim(),
            group.read("memory.failcnt").trim(),
            group.read("memory.oom_control").trim().replace('\n', ", ")
        );
        let procs = group.read("cgroup.procs");
        assert!(
            procs.lines().any(|pid| pid == spoor.pid().to_string()),
            "{procs}"
        );
    }
    let (alive, _, said) = get(&spoor.url("admin")).await;
    assert_eq!(alive, 200, "{said}");
    let metrics = balanced(&spoor).await;
    assert_eq!(metrics.sum("spoor_collector_budget_bytes"), 32 << 20);
    tally
        .check("little memory", server.client(), "cgroup")
        .await;
    assert!(peak < LIMIT_MIB, "{peak}");
}
