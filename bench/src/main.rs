//! `cargo run --release -p bench -- load --target http://127.0.0.1:4317 --pid 1234`: sends, checks, asks and draws.
//!
//! It takes addresses and process ids of whatever runs, Spoor or another product, and starts nothing. Load goes to loopback only.
#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::api::Api;
use bench::expect::Expect;
use bench::load::Measure;
use bench::options::Options;
use bench::query::Kind;
use bench::{
    Epoch, Late, Load, Profile, Protocol, Shape, State, Workload, fresh, load, plot, query, table,
    verify,
};
use serde_json::Value;

// requests are large blocks that come and go
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "bench load | verify | query | plot | table, each with --help";

const LOAD: &str = "bench load: send seeded spans and print what the receiver made of them
  --protocol NAME      otlp-grpc | otlp-http | jaeger-grpc | thrift-http | thrift-udp | zipkin-json | zipkin-proto (otlp-grpc)
  --target URL         receiver on loopback (http://127.0.0.1 at the protocol's port; udp:// for thrift-udp)
  --pid N              process to measure, may be repeated
  --seconds N          how long to send (20)
  --spans N            how much to send, instead of how long
  --rate N             spans a second, open loop (0: full speed; thrift-udp needs one, for nothing says that it is too fast)
  --batch N            spans a request (512)
  --profile NAME       small | common | medium | large (common: 11 attributes, about 540 B)
  --shape NAME         scattered: a trace's spans come from several pods, each in its own requests | whole (scattered)
  --trace-spans N      spans of every trace (0: log-normal, median 12)
  --late PERCENT       requests that arrive --late-seconds after they were written (2)
  --late-seconds A-B   (5-60)
  --in-flight N        requests that wait at one time (16)
  --connections N      connections (4; over HTTP/1.1 as many as requests wait)
  --seed N             (42)
  --disk DIR           folder whose allocated bytes are measured
  --quiet N            seconds without work until the processes count as quiet (3)
  --state FILE         what was sent, for verify and query
  --label NAME         name in plots (the target)
  --json FILE          the figures as JSON (-: stdout)";

const VERIFY: &str = "bench verify: ask for traces by id and count their spans
  --query URL          Jaeger's HTTP API on loopback (http://127.0.0.1:16686)
  --state FILE         what was sent
  --count N            traces (2000)
  --label NAME         (the address)
  --json FILE          the figures as JSON (-: stdout)";

const QUERY: &str = "bench query: ask every kind of question, time it and check the answers
  --query URL          Jaeger's HTTP API on loopback (http://127.0.0.1:16686)
  --state FILE         what was sent
  --clients N,N        clients at one time, in turn (1)
  --count N            questions of each kind, a tenth as many for dependencies (200)
  --only NAME          kinds whose name has this in it
  --shared             the store has other traces of the same services: what it has more is not wrong
  --fresh              how long from acknowledged to found, instead; needs no state
  --target URL         receiver for --fresh (http://127.0.0.1:4317)
  --label NAME         name in plots (the address)
  --json FILE          the figures as JSON (-: stdout)";

const PLOT: &str = "bench plot FILES.json: draw results beside those of others
  --output FILE        -o FILE: the SVG (plot.svg)";

const TABLE: &str =
    "bench table FILES.json: results of load as a table, each beside the one of otlp-grpc";

/// Spans a round: templates of some hundred MiB, and few requests that are not full.
const ROUND: usize = 400_000;

fn main() -> anyhow::Result<ExitCode> {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let help = match command.as_str() {
        "load" => LOAD,
        "verify" => VERIFY,
        "query" => QUERY,
        "plot" => PLOT,
        "table" => TABLE,
        "--help" | "-h" | "help" => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        other => bail!("unknown command {other:?}\n{HELP}"),
    };
    let args: Vec<String> = args.collect();
    if args.iter().any(|a| a == "--help" || a == "-h") {
        println!("{help}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options::parse(args, help)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command.as_str() {
            "load" => run_load(&options).await,
            "verify" => run_verify(&options).await,
            "query" if options.has("fresh") => run_fresh(&options).await,
            "query" => run_query(&options).await,
            "table" => run_table(&options),
            _ => run_plot(&options),
        }
    })
}

async fn run_load(options: &Options) -> anyhow::Result<ExitCode> {
    let spans: Option<u64> = options.get("spans")?;
    let workload = Workload {
        seed: options.or("seed", 42)?,
        profile: options
            .text("profile")
            .unwrap_or("common")
            .parse::<Profile>()?,
        shape: options
            .text("shape")
            .unwrap_or("scattered")
            .parse::<Shape>()?,
        // a small load is one round, not a part of a large one
        spans: spans.map_or(ROUND, |n| ROUND.min(n.max(1) as usize)),
        batch: options.or("batch", 512_usize)?.max(1),
        trace_spans: options.get("trace-spans")?.filter(|n| *n > 0),
    };
    let late = options.or("late", 2.0)? / 100.0;
    let (min, max) = options
        .text("late-seconds")
        .unwrap_or("5-60")
        .split_once('-')
        .context("--late-seconds takes A-B")?;
    let rate = options.or("rate", 0.0)?;
    let protocol: Protocol = options.text("protocol").unwrap_or("otlp-grpc").parse()?;
    if protocol == Protocol::ThriftUdp && rate <= 0.0 {
        bail!("thrift-udp needs a --rate: datagrams are answered by nothing");
    }
    let target = options.url("target", protocol.target())?;
    let epoch = Arc::new(Epoch::new(&workload));
    let load = Load {
        target: target.clone(),
        protocol,
        // a number of spans takes as long as it takes
        duration: Duration::from_secs_f64(
            options.or("seconds", if spans.is_some() { 1e9 } else { 20.0 })?,
        ),
        in_flight: options.or("in-flight", 16)?,
        connections: options.or("connections", 4)?,
        rate: (rate > 0.0).then_some(rate),
        until_gone: false,
        again: None,
        requests: spans.map(|n| epoch.layout.requests_for(n)),
        late: (late > 0.0)
            .then(|| {
                Ok::<_, anyhow::Error>(Late {
                    share: late,
                    min: Duration::from_secs_f64(min.parse().context("--late-seconds")?),
                    max: Duration::from_secs_f64(max.parse().context("--late-seconds")?),
                })
            })
            .transpose()?,
    };
    println!(
        "{} requests a round, {:.0} spans a request, {:.0} B a span, {:?}, {:?}",
        epoch.len(),
        epoch.layout.spans() as f64 / epoch.len() as f64,
        epoch.mean_span_bytes(),
        workload.profile,
        workload.shape
    );
    let measure = Measure {
        pids: options.list("pid")?,
        disk: options.text("disk").map(Into::into),
        quiet: Duration::from_secs_f64(options.or("quiet", 3.0)?),
    };
    let figures = load::run(epoch, &load, &measure).await?;
    print!("{figures}");
    if let Some(path) = options.text("state") {
        figures.state.save(Path::new(path))?;
    }
    write_json(
        options,
        &figures.to_json(options.text("label").unwrap_or(&target)),
    )?;
    Ok(ExitCode::SUCCESS)
}

async fn run_verify(options: &Options) -> anyhow::Result<ExitCode> {
    let (api, url) = api(options)?;
    let expect = Expect::new(state(options)?);
    let verdict = verify::run(&api, &expect, options.or("count", 2000)?).await?;
    print!("{verdict}");
    write_json(
        options,
        &verdict.to_json(options.text("label").unwrap_or(&url)),
    )?;
    Ok(exit(verdict.wrong.len()))
}

async fn run_query(options: &Options) -> anyhow::Result<ExitCode> {
    let (api, url) = api(options)?;
    let mut expect = Expect::new(state(options)?);
    expect.shared = options.has("shared");
    let expect = Arc::new(expect);
    let mut clients = options.list("clients")?;
    if clients.is_empty() {
        clients.push(1);
    }
    let only = options.text("only").unwrap_or_default();
    let mut figures = query::Figures::default();
    println!("{}", query::heading());
    for clients in clients {
        for kind in Kind::ALL.into_iter().filter(|k| k.name().contains(only)) {
            let row = query::ask(&api, &expect, kind, clients, options.or("count", 200)?).await?;
            println!("{row}");
            figures.rows.push(row);
        }
    }
    write_json(
        options,
        &figures.to_json(options.text("label").unwrap_or(&url)),
    )?;
    Ok(exit(figures.wrong()))
}

async fn run_fresh(options: &Options) -> anyhow::Result<ExitCode> {
    let (api, url) = api(options)?;
    let target = options.url("target", "http://127.0.0.1:4317")?;
    let figures = fresh::run(&api, &target, options.or("count", 200)?).await?;
    print!("{figures}");
    write_json(
        options,
        &figures.to_json(options.text("label").unwrap_or(&url)),
    )?;
    Ok(ExitCode::SUCCESS)
}

fn run_table(options: &Options) -> anyhow::Result<ExitCode> {
    print!("{}", table::write(&results(options)?));
    Ok(ExitCode::SUCCESS)
}

/// What earlier commands wrote with `--json`.
fn results(options: &Options) -> anyhow::Result<Vec<Value>> {
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    };
    options.files.iter().map(read).collect()
}

fn run_plot(options: &Options) -> anyhow::Result<ExitCode> {
    let results = results(options)?;
    let path = options.text("output").unwrap_or("plot.svg");
    std::fs::write(path, plot::draw(&results)).with_context(|| format!("write {path}"))?;
    println!("{path}");
    Ok(ExitCode::SUCCESS)
}

fn api(options: &Options) -> anyhow::Result<(Api, String)> {
    let url = options.url("query", "http://127.0.0.1:16686")?;
    Ok((Api::new(&url)?, url))
}

fn state(options: &Options) -> anyhow::Result<State> {
    let path = options.text("state").context("--state FILE is wanted")?;
    State::open(Path::new(path))
}

fn write_json(options: &Options, figures: &Value) -> anyhow::Result<()> {
    match options.text("json") {
        None => {}
        Some("-") => println!("{figures}"),
        Some(path) => {
            let text = serde_json::to_vec_pretty(figures)?;
            std::fs::write(path, text).with_context(|| format!("write {path}"))?;
        }
    }
    Ok(())
}

fn exit(wrong: usize) -> ExitCode {
    if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
