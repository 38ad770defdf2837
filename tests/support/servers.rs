//! Real servers of Elasticsearch and OpenSearch, each a process of its own with its own folder, on free ports of 127.0.0.1.
//!
//! In: a kind and what is special about it. Out: a server that answers. One that many tests may use is started once a process, by the first
//! that asks. Nothing is faked and nothing is installed: a Java that is missing is an error that names it. Downloads and unpacked servers
//! are kept in the cache folder of `clients`.
//!
//! Source: the start scripts of the distributions, and their documentation of `path.data`, `ES_PATH_CONF`, `ES_JAVA_OPTS` and their likes.

pub mod client;
pub(crate) mod distribution;
pub(crate) mod java;
pub mod kind;
pub mod options;
pub mod ports;
pub(crate) mod process;
pub mod secured;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::Signal;

use self::client::Client;
pub use self::kind::Kind;
pub use self::options::Options;
use self::options::Security;
use self::process::Process;

/// What a start may take, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A compiler that gives up early and the plainest collector: a start takes two thirds of the time, and nobody measures these servers.
pub(crate) const QUICK: &str = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
/// The same for what stores, without the collector: tools have one of their own, and the server another, see [`jvm_options`].
const QUICK_STORE: &str = "-XX:TieredStopAtLevel=1";

/// A server. Dropping it kills it and removes its folder; it dies with this process too.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    folder: PathBuf,
    command: Command,
    port: u16,
    client: Client,
    /// Asks whether it is ready.
    health: Client,
    process: Option<Process>,
    /// From the start of the process until it answered that its indices are ready.
    pub ready_after: Duration,
}

/// The server of `kind` that all tests of this process share: plain HTTP, no security. Use names of indices of your own.
///
/// # Panics
///
/// If it can't be had.
pub fn shared(kind: Kind) -> &'static Server {
    static SERVERS: [OnceLock<Result<Server, String>>; Kind::ALL.len()] =
        [const { OnceLock::new() }; Kind::ALL.len()];
    started_once(&SERVERS[kind as usize], || {
        Server::start(kind, &Options::default())
    })
}

/// What `start` gave at the first call; it isn't tried again.
pub(crate) fn started_once<T>(
    place: &'static OnceLock<Result<T, String>>,
    start: impl FnOnce() -> anyhow::Result<T>,
) -> &'static T {
    match place.get_or_init(|| start().map_err(|error| format!("{error:#}"))) {
        Ok(server) => server,
        Err(error) => panic!("{error}"),
    }
}

// === impl Server ===

impl Server {
    /// Starts one and waits until it answers; that takes about ten seconds and 650 MiB. Blocks.
    pub fn start(kind: Kind, options: &Options) -> anyhow::Result<Self> {
        Self::start_asked_by(kind, options, &|client| client)
    }

    /// The same, asked by who `who` makes of a client in plaintext.
    pub fn start_asked_by(
        kind: Kind,
        options: &Options,
        who: &dyn Fn(Client) -> Client,
    ) -> anyhow::Result<Self> {
        ports::on_free(|| {
            let [port, transport] = ports::two()?;
            let mut server = Self::prepare(kind, options, [port, transport])?;
            server.client = who(Client::new(port));
            server.health = server.client.clone();
            server.begin()?;
            Ok(server)
        })
    }

    /// Which it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `http://127.0.0.1:port`, or `https://localhost:port`.
    pub fn url(&self) -> String {
        if self.client.is_plain() {
            format!("http://127.0.0.1:{}", self.port)
        } else {
            format!("https://localhost:{}", self.port)
        }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks it as the one who may do everything.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The process id of the server itself.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let pid = self.running()?.pid()?;
        Ok(pid.as_raw_nonzero().get().unsigned_abs())
    }

    /// What it printed since its last start.
    pub fn log(&self) -> String {
        self.process
            .as_ref()
            .map(Process::output)
            .unwrap_or_default()
    }

    /// Stops it in an orderly way and waits for that. Its data stay.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let ended = self.running()?.end();
        ended.with_context(|| format!("{} said:\n{}", self.kind, tail(&self.log())))?;
        self.kill_hard()
    }

    /// `kill -9`. Its data stay.
    pub fn kill_hard(&mut self) -> anyhow::Result<()> {
        self.process.take().context("it is not running")?.kill()
    }

    /// Starts it where it was: the same data, ports and configuration. Blocks until it answers.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        anyhow::ensure!(self.process.is_none(), "it is running");
        self.begin()
    }

    /// Stops it and starts it again.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Stops it in the middle of what it does: connections are taken by the kernel, and nothing answers.
    pub fn freeze(&mut self) -> anyhow::Result<()> {
        self.running()?.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn thaw(&mut self) -> anyhow::Result<()> {
        self.running()?.signal(Signal::CONT)
    }

    /// Replaces a file of its configuration, by its name there; it is never half there. Elasticsearch reads certificates again within about
    /// five seconds.
    pub fn replace_file(&self, name: &str, text: &str) -> anyhow::Result<()> {
        put(&self.folder.join("config"), name, text)
    }

    /// Everything but the process.
    fn prepare(kind: Kind, options: &Options, ports: [u16; 2]) -> anyhow::Result<Self> {
        let home = match options.security {
            Security::Plugin => distribution::with_security_plugin(kind)?,
            Security::Off | Security::BuiltIn => distribution::unpacked(kind)?,
        };
        let folder = tempfile::Builder::new()
            .prefix("spoor-server-")
            .tempdir()?
            .keep();
        let linked = folder.join("home");
        let open = distribution::is_open(&home);
        let mut server = Self {
            kind,
            command: Command::new(
                if open { &home } else { &linked }
                    .join("bin")
                    .join(kind.product()),
            ),
            folder,
            port: ports[0],
            client: Client::new(ports[0]),
            health: Client::new(ports[0]),
            process: None,
            ready_after: Duration::ZERO,
        };
        if !open {
            distribution::link(&home, &linked)?;
        }
        server.configure(options, &home, ports)?;
        process::give(&server.folder)?;
        server.add_users(options)?;
        Ok(server)
    }

    fn configure(
        &mut self,
        options: &Options,
        home: &Path,
        [http, transport]: [u16; 2],
    ) -> anyhow::Result<()> {
        let folder = &self.folder;
        let config = folder.join("config");
        distribution::copy(&home.join("config"), &config)?;
        for part in ["data", "logs", "tmp"] {
            fs::create_dir(folder.join(part))?;
        }
        let show = |part: &str| folder.join(part).display().to_string();
        let mut lines = vec![
            "network.host: 127.0.0.1".to_owned(),
            format!("http.port: {http}"),
            format!("transport.port: {transport}"),
            "discovery.type: single-node".to_owned(),
            format!("path.data: {}", show("data")),
            format!("path.logs: {}", show("logs")),
            "cluster.routing.allocation.disk.threshold_enabled: false".to_owned(),
            "cluster.max_shards_per_node: 10000".to_owned(),
        ];
        lines.extend(options.defaults(self.kind).map(str::to_owned));
        lines.extend(options.lines.iter().cloned());
        put(
            &config,
            &format!("{}.yml", self.kind.product()),
            &(lines.join("\n") + "\n"),
        )?;
        put(
            &config,
            "jvm.options",
            &jvm_options(self.kind, &show("tmp")),
        )?;
        for (name, text) in &options.files {
            put(&config, name, text)?;
        }
        let prefix = self.kind.variables();
        let java = java::home(self.kind, &self.kind.java())?;
        self.command
            .arg("-p")
            .arg(folder.join("pid"))
            .env(format!("{prefix}_PATH_CONF"), &config)
            .env(format!("{prefix}_JAVA_HOME"), &java)
            // Elasticsearch 6 knows no other
            .env("JAVA_HOME", &java)
            .env(format!("{prefix}_TMPDIR"), folder.join("tmp"))
            .env(format!("{prefix}_JAVA_OPTS"), QUICK_STORE)
            // Elasticsearch 8 starts by a launcher that has its own
            .env("CLI_JAVA_OPTS", QUICK);
        Ok(())
    }

    fn add_users(&self, options: &Options) -> anyhow::Result<()> {
        let program = Path::new(self.command.get_program());
        for (name, password) in &options.users {
            let mut command = Command::new(program.with_file_name("elasticsearch-users"));
            command
                .args(["useradd", name, "-p", password, "-r", "superuser"])
                .envs(self.command.get_envs().filter_map(|(k, v)| Some((k, v?))))
                .current_dir(&self.folder);
            crate::clients::run(process::as_user(&mut command), "a Java for Elasticsearch")?;
        }
        Ok(())
    }

    /// Starts the process and waits until it answers.
    fn begin(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let process = self
            .process
            .insert(Process::start(&self.command, &self.folder)?);
        let asked = client::block_on(async {
            loop {
                // a failed question is the usual thing until it is ready
                let health = "/_cluster/health?wait_for_status=yellow&timeout=1s";
                let last = match self.health.get(health).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                };
                anyhow::ensure!(!process.has_ended(), "it ended");
                if started.elapsed() > PATIENCE {
                    return Err(last.context(format!("not ready after {PATIENCE:?}")));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        self.ready_after = started.elapsed();
        let ready = asked.and_then(|ready| ready);
        ready.with_context(|| format!("{} said:\n{}", self.kind, tail(&self.log())))
    }

    fn running(&self) -> anyhow::Result<&Process> {
        self.process.as_ref().context("it is not running")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // its process removes the folder as another user may not; what is left of one that doesn't run is ours
        drop(self.process.take());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Puts `text` into a file below `folder` that its server may read and others may not.
pub(crate) fn put(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let file = folder.join(name);
    let parent = file.parent().context("a file lies in a folder")?;
    fs::create_dir_all(parent)?;
    let fresh = parent.join(".new");
    fs::write(&fresh, text)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    process::give(&fresh)?;
    fs::rename(&fresh, &file).with_context(|| file.display().to_string())
}

/// The distribution's own would write its logs where nobody may write.
fn jvm_options(kind: Kind, tmp: &str) -> String {
    let mut lines = vec![
        "-Xms512m".to_owned(),
        "-Xmx512m".to_owned(),
        "-XX:+ExitOnOutOfMemoryError".to_owned(),
        // its breaker counts garbage too, and only of this collector it knows how to be rid of it: with another it refuses every bulk until something else fills the heap up
        "-XX:+UseG1GC".to_owned(),
        // as the distributions have it for small heaps
        "-XX:G1ReservePercent=25".to_owned(),
        "-XX:InitiatingHeapOccupancyPercent=30".to_owned(),
        format!("-Djava.io.tmpdir={tmp}"),
    ];
    if kind == Kind::OpenSearch3 {
        // what took the place of the security manager
        lines.push("-javaagent:agent/opensearch-agent.jar".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The last 40 lines.
pub(crate) fn tail(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
