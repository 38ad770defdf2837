//! A broker: its configuration, its start and its end.
//!
//! It has two listeners: the one that a test is about, plain or guarded, and a plain one for [`Admin`], by which it also speaks to itself.

use std::time::Duration;

use super::jvm::Jvm;
use super::log::{self, Event};
use super::options::{Mechanism, Options, Tls};
use super::zookeeper::ZooKeeper;
use super::{Admin, Version};
use crate::clients::servers;
use crate::pki::Leaf;
use crate::servers::ports;

/// Its number in its cluster.
const ID: u32 = 1;

/// How a cluster without ZooKeeper is called: 16 bytes in base64, whichever.
const CLUSTER: &str = "U3Bvb3ItdGVzdHMtb25seQ";

/// What guards the key stores of a broker that wants them guarded.
const STORE_PASSWORD: &str = "kept by nobody";

/// A broker. Dropping it kills it and removes its data; it dies with this process too.
#[derive(Debug)]
pub struct Broker {
    version: Version,
    ports: Ports,
    jvm: Jvm,
    zookeeper: Option<ZooKeeper>,
    /// From the start of the process until it answered, without its ZooKeeper.
    pub ready_after: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    clients: u16,
    plain: u16,
    /// Of the controller or of ZooKeeper.
    cluster: u16,
}

// === impl Broker ===

impl Broker {
    /// Starts one and waits until it answers; that takes about five seconds and 300 MiB. Blocks.
    pub fn start(version: Version, options: &Options) -> anyhow::Result<Self> {
        ports::on_free(|| {
            let ([clients, plain], [cluster, _]) = (ports::two()?, ports::two()?);
            let ports = Ports {
                clients,
                plain,
                cluster,
            };
            let mut broker = Self::prepare(version, options, ports)?;
            broker.begin()?;
            Ok(broker)
        })
    }

    /// Which it is.
    pub fn version(&self) -> Version {
        self.version
    }

    /// `127.0.0.1:port`, of the listener that the options are about.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.clients)
    }

    /// Makes topics and asks for offsets.
    pub fn admin(&self) -> Admin {
        Admin::new(self.ports.plain)
    }

    /// What its log says of groups since its first start, the oldest first.
    pub fn groups(&self) -> Vec<Event> {
        log::events(&self.jvm.log())
    }

    /// All that it said since its first start.
    pub fn log(&self) -> String {
        self.jvm.log()
    }

    /// Stops it in an orderly way and waits for that. Its data stay.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.jvm.stop()
    }

    /// `kill -9`. Its data stay.
    pub fn kill_hard(&mut self) -> anyhow::Result<()> {
        self.jvm.kill()
    }

    /// Starts it where it was: the same data, ports and configuration. Blocks until it answers; with a ZooKeeper and after `kill -9` that
    /// takes some seconds more, until its session is over.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        if let Some(zookeeper) = &self.zookeeper {
            zookeeper.forgets_broker(ID)?;
        }
        self.begin()
    }

    /// Stops it and starts it again.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.start_again()
    }

    /// Everything but the process, and its ZooKeeper.
    fn prepare(version: Version, options: &Options, ports: Ports) -> anyhow::Result<Self> {
        let zookeeper = version
            .has_zookeeper()
            .then(|| ZooKeeper::start(version, ports.cluster))
            .transpose()?;
        let broker = Self {
            version,
            ports,
            jvm: Jvm::new(version, "the broker")?,
            zookeeper,
            ready_after: Duration::ZERO,
        };
        let mut lines = broker.settings(options.protocol());
        if let Some(tls) = &options.tls {
            lines.extend(broker.certificates(tls)?);
        }
        if let Some((name, password)) = &options.user {
            lines.extend(logins(name, password));
        }
        lines.extend(options.lines.iter().cloned());
        broker.jvm.put("server.properties", &lines)?;
        broker.found_cluster(options)?;
        Ok(broker)
    }

    fn settings(&self, protocol: &str) -> Vec<String> {
        let Ports {
            clients,
            plain,
            cluster,
        } = self.ports;
        let listeners = format!("CLIENTS://127.0.0.1:{clients},PLAIN://127.0.0.1:{plain}");
        let protocols = format!("CLIENTS:{protocol},PLAIN:PLAINTEXT");
        let mut lines = vec![
            format!("log.dirs={}/data", self.jvm.folder().display()),
            format!("advertised.listeners={listeners}"),
            "inter.broker.listener.name=PLAIN".to_owned(),
            "auto.create.topics.enable=false".to_owned(),
            "offsets.topic.replication.factor=1".to_owned(),
            // each has files of its own, which takes time at the first commit
            "offsets.topic.num.partitions=1".to_owned(),
            "transaction.state.log.replication.factor=1".to_owned(),
            "transaction.state.log.min.isr=1".to_owned(),
            "group.initial.rebalance.delay.ms=0".to_owned(),
        ];
        lines.extend(match &self.zookeeper {
            Some(zookeeper) => vec![
                format!("listeners={listeners}"),
                format!("listener.security.protocol.map={protocols}"),
                format!("broker.id={ID}"),
                format!("zookeeper.connect={}", zookeeper.address()),
            ],
            None => vec![
                format!("listeners={listeners},CONTROLLER://127.0.0.1:{cluster}"),
                format!("listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT"),
                format!("node.id={ID}"),
                "process.roles=broker,controller".to_owned(),
                "controller.listener.names=CONTROLLER".to_owned(),
                format!("controller.quorum.voters={ID}@127.0.0.1:{cluster}"),
            ],
        });
        lines
    }

    /// Puts the certificates where the broker finds them; the settings that say so.
    fn certificates(&self, tls: &Tls) -> anyhow::Result<Vec<String>> {
        let Leaf { cert, key } = &tls.server;
        let put = |name: &str, text: String| self.jvm.put(name, &[text]);
        put("ca.crt", tls.authorities.clone())?;
        let (extension, stores) = if self.version.reads_pem() {
            put("server.pem", format!("{key}\n{cert}"))?;
            put("ca.pem", tls.authorities.clone())?;
            ("pem", Vec::new())
        } else {
            put("server.crt", cert.clone())?;
            put("server.key", key.clone())?;
            self.make_key_stores()?;
            let password = |what| format!("ssl.{what}.password={STORE_PASSWORD}");
            let passwords = ["keystore", "key", "truststore"].map(password);
            ("p12", passwords.to_vec())
        };
        let store = if extension == "pem" { "PEM" } else { "PKCS12" };
        let place = |name: &str| format!("{}/{name}.{extension}", self.jvm.folder().display());
        let mut lines = vec![
            "ssl.client.auth=required".to_owned(),
            format!("ssl.keystore.type={store}"),
            format!("ssl.keystore.location={}", place("server")),
            format!("ssl.truststore.type={store}"),
            format!("ssl.truststore.location={}", place("ca")),
        ];
        lines.extend(stores);
        Ok(lines)
    }

    fn make_key_stores(&self) -> anyhow::Result<()> {
        let source = std::fs::read_to_string(servers().join("Keystore.java"))?;
        self.jvm.put("Keystore.java", &[source])?;
        let folder = self.jvm.folder().display().to_string();
        self.jvm.java(&["Keystore.java", &folder, STORE_PASSWORD])
    }

    /// What has to be there before the first start: the folder of a cluster without ZooKeeper, and the users whose password is not in the
    /// configuration.
    fn found_cluster(&self, options: &Options) -> anyhow::Result<()> {
        let scram = [Mechanism::Scram256, Mechanism::Scram512].map(Mechanism::name);
        let config = self.jvm.folder().join("server.properties");
        let config = config.display().to_string();
        match (&self.zookeeper, &options.user) {
            (None, user) => {
                let mut args = vec!["format", "-t", CLUSTER, "-c", &config];
                let users = user.iter().flat_map(|(name, password)| {
                    scram.map(|method| format!("{method}=[name={name},password={password}]"))
                });
                let users: Vec<_> = users.collect();
                args.extend(users.iter().flat_map(|user| ["--add-scram", user]));
                self.jvm.run("kafka.tools.StorageTool", &args)
            }
            (Some(zookeeper), Some((name, password))) => {
                let users = scram.map(|method| format!("{method}=[password={password}]"));
                let args = [
                    "--zookeeper",
                    &zookeeper.address(),
                    "--alter",
                    "--entity-type",
                    "users",
                    "--entity-name",
                    name,
                    "--add-config",
                    &users.join(","),
                ];
                self.jvm.run("kafka.admin.ConfigCommand", &args)
            }
            (Some(_), None) => Ok(()),
        }
    }

    /// Starts the process and waits until it answers.
    fn begin(&mut self) -> anyhow::Result<()> {
        let config = self.jvm.folder().join("server.properties");
        let admin = self.admin();
        self.ready_after = self
            .jvm
            .begin("kafka.Kafka", &config.display().to_string(), || {
                admin.is_ready()
            })?;
        Ok(())
    }
}

/// The settings by which one user may log in by all mechanisms.
fn logins(name: &str, password: &str) -> Vec<String> {
    let listener = "listener.name.clients";
    let module = |package: &str, class: &str, users: &str| {
        format!("org.apache.kafka.common.security.{package}.{class} required{users};")
    };
    let mut lines = vec![format!(
        "{listener}.sasl.enabled.mechanisms={}",
        Mechanism::ALL.map(Mechanism::name).join(",")
    )];
    for mechanism in Mechanism::ALL {
        let login = match mechanism {
            Mechanism::Plain => {
                let users = format!(" user_{name}=\"{password}\"");
                module("plain", "PlainLoginModule", &users)
            }
            Mechanism::Scram256 | Mechanism::Scram512 => module("scram", "ScramLoginModule", ""),
        };
        let mechanism = mechanism.name().to_ascii_lowercase();
        lines.push(format!("{listener}.{mechanism}.sasl.jaas.config={login}"));
    }
    lines
}
