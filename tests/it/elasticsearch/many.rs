//! Many namespaces on one OpenSearch: what each costs in memory, in connections and in waiting.
//!
//! `SPOOR_SOAK=1` raises the numbers to 1, 10, 50 and 200 namespaces on a server of its own with 2 GiB, and those that are declared and not used to 1,000.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use tests::servers::{Kind, Options, Server, shared};
use tests::spoor::Spoor;

use crate::support::{setup, soak};

/// What a number of namespaces costs.
#[derive(Debug)]
struct Cost {
    rss_mib: u64,
    connections: usize,
    p50: Duration,
    p99: Duration,
}

fn start(folder: &std::path::Path, server: &Server, round: usize, namespaces: usize) -> Spoor {
    let items: Vec<Value> = (0..namespaces)
        .map(|nth| {
            let prefix = format!("many-{round}-{nth}");
            json!({"namespace": format!("ns-{nth}"), "es": {"index-prefix": prefix, "num-replicas": 0}})
        })
        .collect();
    let settings = json!({
        "span-storage": {"type": "opensearch"},
        "instance": {"default": "ns-0/jaeger"},
        "multi-tenancy": {"enabled": true},
        "es": {"server-urls": server.url()},
        "instances": items,
    });
    let file = folder.join("many.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let (_, setup) = setup();
    let mut setup = setup.arg(format!("--config-file={}", file.display()));
    setup.directory = folder.join("data");
    setup.start().unwrap()
}

/// One batch of ten spans for a namespace; how long it took.
async fn send(client: &reqwest::Client, url: &str, namespace: usize, nth: u64) -> Duration {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = now.as_nanos().to_string();
    let spans: Vec<Value> = (0..10)
        .map(|at| {
            json!({
                "traceId": format!("{:032x}", 1 + nth), "spanId": format!("{:016x}", 1 + nth * 10 + at),
                "name": "GET /", "startTimeUnixNano": now, "endTimeUnixNano": now,
            })
        })
        .collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"spans": spans}],
    }]});
    let began = Instant::now();
    loop {
        let request = client
            .post(url)
            .header("x-tenant", format!("ns-{namespace}"))
            .json(&body);
        // the first spans of a namespace wait for its indices
        if request.send().await.unwrap().status() == 200 {
            return began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(120), "never taken");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn measure(spoor: &Spoor, server: &Server, namespaces: usize) -> Cost {
    let client = reqwest::Client::new();
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let warm = stream::iter(0..namespaces).map(|nth| send(&client, &url, nth, nth as u64));
    drop(warm.buffer_unordered(4).collect::<Vec<_>>().await);
    let batches = if soak() { 2_000 } else { 200 };
    let sending =
        (0..batches).map(|nth| send(&client, &url, nth as usize % namespaces, 10_000 + nth));
    let mut took: Vec<Duration> = stream::iter(sending).buffer_unordered(8).collect().await;
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    Cost {
        rss_mib: of_status(spoor, "VmRSS:") / 1024,
        connections: connections(spoor, server),
        p50: at(0.5),
        p99: at(0.99),
    }
}

/// A number that the kernel tells of the process: kibibytes, or threads.
fn of_status(spoor: &Spoor, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", spoor.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

/// The process's own connections to the server.
fn connections(spoor: &Spoor, server: &Server) -> usize {
    let process = format!("/proc/{}", spoor.pid());
    // socket:[inode]; one that is closed while we look is none
    let files = std::fs::read_dir(format!("{process}/fd")).unwrap();
    let files = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    let sockets: HashSet<String> = files
        .filter_map(|link| {
            let link = link.to_str()?.strip_prefix("socket:[")?;
            Some(link.strip_suffix(']')?.to_owned())
        })
        .collect();
    // a remote port in hexadecimal, and 01 for a connection that is there
    let remote = format!(":{:04X} 01", server.port());
    let all = std::fs::read_to_string(format!("{process}/net/tcp")).unwrap();
    let to_server = all.lines().filter(|line| line.contains(&remote));
    to_server
        .filter_map(|line| line.split_whitespace().nth(9))
        .filter(|inode| sockets.contains(*inode))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_that_is_declared_and_not_used_costs_little() {
    let (own, declared, active) = if soak() {
        let options = Options::default();
        let started = tokio::task::block_in_place(|| Server::start(Kind::OpenSearch2, &options));
        (Some(started.unwrap()), 1_000, 200)
    } else {
        (None, 200, 4)
    };
    let server = match &own {
        Some(server) => server,
        None => tokio::task::block_in_place(|| shared(Kind::OpenSearch2)),
    };
    let mut idle = Vec::new();
    for declared in [1, declared] {
        let folder = tempfile::tempdir().unwrap();
        let spoor = start(folder.path(), server, 100, declared);
        let kib = of_status(&spoor, "VmRSS:");
        println!(
            "{declared} declared: {kib} KiB, {} threads, {} connections, ready after {:?}",
            of_status(&spoor, "Threads:"),
            connections(&spoor, server),
            spoor.ready_after
        );
        assert_eq!(connections(&spoor, server), 0);
        idle.push((kib, of_status(&spoor, "Threads:")));
        if declared > 1 {
            let cost = measure(&spoor, server, active).await;
            println!("{declared} declared, {active} active: {cost:?}");
            assert!(cost.connections <= active * 2 + 8, "{cost:?}");
        }
    }
    let [(one, threads), (many, more_threads)] = idle[..] else {
        panic!("two");
    };
    let each = many.saturating_sub(one) / (declared as u64 - 1);
    println!("{each} KiB for each that is declared and not used");
    assert!(each < 100, "{each} KiB each");
    assert_eq!(threads, more_threads);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_more_costs_little() {
    let (own, numbers) = if soak() {
        let options = Options::default();
        let started = tokio::task::block_in_place(|| Server::start(Kind::OpenSearch2, &options));
        (Some(started.unwrap()), vec![1, 10, 50, 200])
    } else {
        (None, vec![1, 12])
    };
    let server = match &own {
        Some(server) => server,
        None => tokio::task::block_in_place(|| shared(Kind::OpenSearch2)),
    };
    let mut costs = Vec::new();
    for (round, namespaces) in numbers.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let spoor = start(folder.path(), server, round, namespaces);
        let cost = measure(&spoor, server, namespaces).await;
        println!(
            "{namespaces} namespaces: {} MiB, {} connections, p50 {:?}, p99 {:?}",
            cost.rss_mib, cost.connections, cost.p50, cost.p99
        );
        costs.push((namespaces, cost));
    }
    let [(one, first), .., (many, last)] = costs.as_slice() else {
        panic!("two at least");
    };
    let more = (many - one) as u64;
    // a megabyte each is far more than one may cost
    assert!(
        last.rss_mib <= first.rss_mib + 40 + more,
        "{first:?} {last:?}"
    );
    assert!(
        last.connections <= first.connections + 2 * more as usize + 8,
        "{first:?} {last:?}"
    );
}
