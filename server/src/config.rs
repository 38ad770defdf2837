//! The whole configuration, joined and checked before anything is opened.
//!
//! In: a role and every setting. Out: values that make sense together, with warnings, and every problem at once, each naming the setting the way it was written.
//! Plain structs; `roles` hands the parts to the rooms. It opens no socket, and of files those alone that a store on Elasticsearch is told of.

mod access;
pub mod again;
mod agent;
mod certificates;
mod check;
mod collector;
mod elasticsearch;
mod instances;
mod items;
mod kafka;
mod listeners;
mod logs;
mod prometheus;
mod query;
mod remote;
mod sampling;
mod spool;
mod storage;

use std::time::Duration;

use ::storage::elasticsearch::config::Place;
use model::Instance;
use settings::layers::{Item, Loaded};
use settings::{ByteSize, Environment, HostPort, Problem, Settings, Value, Warning, environment};

use trust::Instances;

pub use access::Access;
pub use again::{Again, Found, Refused};
pub use agent::Agent;
pub use certificates::Certificates;
pub use collector::{Collector, Cors, DatagramReceiver, GrpcReceiver, HttpReceiver};
pub use kafka::consumer::LEAST_BUDGET;
pub use listeners::Listeners;
pub use logs::Logs;
pub use prometheus::SpanMetrics;
pub use query::Query;
pub use sampling::Sampling;
pub use spool::Spool;
pub use storage::{Backend, Embedded, Storage};

use crate::cli::Role;
use check::Check;

/// Everything that a process needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it plays.
    pub role: Role,
    /// Which instance it is, and the certificates that are made for it.
    pub certificates: Certificates,
    /// Whose requests are, at the start.
    pub instances: Instances,
    /// Who may ask and send.
    pub access: Access,
    /// Whom connections trust that it opens: the authorities of the system, and those in `trust.bundles`.
    pub trust: trust::Store,
    /// Where it listens.
    pub listeners: Listeners,
    /// Where spans are kept.
    pub storage: Storage,
    /// Receiving spans; the roles that do.
    pub collector: Option<Collector>,
    /// Answering queries; the roles that do.
    pub query: Option<Query>,
    /// A Prometheus that is asked for rates and latencies of services.
    pub prometheus: Option<::storage::prometheus::Config>,
    /// Forwarding; the role that does.
    pub agent: Option<Agent>,
    /// Taking spans from Kafka; the role that does. Its `budget_bytes` are 0 where they are a share of `memory_max_bytes`.
    pub ingester: Option<::ingester::Config>,
    /// Memory for spans, shared out between the budget of requests and the stores.
    pub memory_max_bytes: ByteSize,
    /// Open connections of one listener.
    pub max_connections: usize,
    /// From SIGTERM to the end.
    pub shutdown_grace: Duration,
    /// Path of the metrics on the admin port, with its leading slash.
    pub metrics_route: String,
    /// What is logged, and how.
    pub logs: Logs,
    /// Every setting with its source, computed defaults filled in: what `print-config` shows.
    pub settings: Settings,
    /// What the file says of single instances, for `print-config` too.
    pub items: Vec<Item>,
}

/// What checking ends with.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The configuration; none when a part could not be made.
    pub config: Option<Config>,
    /// What to write to the log once.
    pub warnings: Vec<Warning>,
    /// What keeps the role from starting.
    pub problems: Vec<Problem>,
}

/// Below this the stores' share holds too few spans to answer from, and generations of the embedded index end after a few requests.
const LEAST_MEMORY: ByteSize = ByteSize::from_mib(16);

// === impl Config ===

impl Config {
    /// Joins and checks.
    #[must_use]
    pub fn check(role: Role, loaded: Loaded, environment: &Environment) -> Checked {
        let Loaded {
            mut settings,
            instances: items,
            mut warnings,
            mut problems,
            ..
        } = loaded;
        fill_memory(&mut settings);
        let mut check = Check::new(&settings);
        let certificates = Certificates::check(&mut check);
        let listeners = Listeners::check(role, &certificates, &mut check);
        let (instances, storage, ingester) = stores(role, &items, &certificates, &mut check);
        let access = Access::check(role, &mut check);
        let collector = if role.collects() || role.forwards() || role.serves_a_store() {
            Some(Collector::check(role, environment, &mut check))
        } else {
            None
        };
        if let Some(listeners) = &listeners {
            instances::tell(&instances, listeners, &mut check);
            access.tell(role, &instances, listeners, &mut check);
        }
        let adaptive = collector
            .as_ref()
            .is_some_and(|c| c.sampling.adaptive.is_some());
        instances::refuse_adaptive(&instances, adaptive, &mut check);
        let agent = role.forwards().then(|| Agent::check(&mut check));
        let query = if role.answers() || role.serves_a_store() {
            Some(Query::check(&mut check))
        } else {
            None
        };
        let own_authority = certificates.layout().authority();
        let prometheus =
            (query.as_ref()).and_then(|_| prometheus::check(own_authority, &mut check));
        let memory_max_bytes = check.size_from("memory.max-bytes", LEAST_MEMORY);
        let max_connections = check.count("listen.max-connections");
        let shutdown_grace = check.some_time("shutdown.grace-period");
        let metrics_route = check.route("metrics-http-route");
        let logs = Logs::check(&mut check);
        let Check {
            warnings: more,
            problems: found,
            trust,
            ..
        } = check;
        warnings.extend(more);
        problems.extend(found);
        let config = listeners.map(|listeners| Self {
            role,
            certificates,
            instances,
            access,
            trust,
            listeners,
            storage,
            collector,
            query,
            prometheus,
            agent,
            ingester,
            memory_max_bytes,
            max_connections,
            shutdown_grace,
            metrics_route,
            logs,
            settings,
            items,
        });
        Checked {
            config,
            warnings,
            problems,
        }
    }

    /// Whom connections on behalf of this instance trust: the authority of its namespace too.
    #[must_use]
    pub fn trust(&self) -> trust::Store {
        let own = self.certificates.layout().authority();
        self.trust.with_authority(own)
    }
}

/// What the commands on a store's folder need to know: the embedded store, and the memory that there is.
///
/// # Errors
/// Every problem of these settings and of reading any.
pub fn of_store(loaded: Loaded) -> Result<(Embedded, ByteSize), Vec<Problem>> {
    let Loaded {
        mut settings,
        mut problems,
        ..
    } = loaded;
    fill_memory(&mut settings);
    let mut check = Check::new(&settings);
    let embedded = Embedded::check(&mut check);
    let memory = check.size_from("memory.max-bytes", LEAST_MEMORY);
    problems.append(&mut check.problems);
    if problems.is_empty() {
        Ok((embedded, memory))
    } else {
        Err(problems)
    }
}

/// What the commands on certificates need to know.
///
/// # Errors
/// What is wrong with the settings that they read.
pub fn of_certs(loaded: Loaded) -> Result<Certificates, Vec<Problem>> {
    let Loaded {
        settings,
        mut problems,
        ..
    } = loaded;
    let mut check = Check::new(&settings);
    let certificates = Certificates::check(&mut check);
    problems.append(&mut check.problems);
    if problems.is_empty() {
        Ok(certificates)
    } else {
        Err(problems)
    }
}

/// What the commands on dead letters need to know.
#[derive(Debug, Clone)]
pub struct Letters {
    /// The stores, and which spans they take.
    pub storage: Storage,
    /// Whose letters there can be.
    pub instances: Vec<Instance>,
    /// The memory that there is.
    pub memory_max_bytes: ByteSize,
}

/// The same settings as those of a role, without what is about listening.
///
/// # Errors
/// Every problem of these settings and of reading any.
pub fn of_letters(loaded: Loaded) -> Result<Letters, Vec<Problem>> {
    let Loaded {
        mut settings,
        instances: items,
        mut problems,
        ..
    } = loaded;
    fill_memory(&mut settings);
    let mut check = Check::new(&settings);
    let certificates = Certificates::check(&mut check);
    let role = Role::AllInOne;
    let (_, mut storage, _) = stores(role, &items, &certificates, &mut check);
    // those of instances with stores of their own kind are not looked for
    storage.backends = storage.common.clone();
    let common: Vec<&str> = storage
        .common
        .iter()
        .map(|backend| backend.as_str())
        .collect();
    let kept = storage.kept.iter().filter(|kept| kept.backends == common);
    let instances = kept.map(|kept| kept.instance.clone()).collect();
    let memory_max_bytes = check.size_from("memory.max-bytes", LEAST_MEMORY);
    problems.append(&mut check.problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Letters {
        storage,
        instances,
        memory_max_bytes,
    })
}

/// What the tools that keep indices in order need to know: how the cluster is reached, and whether its own life cycle management is in use. The rest of the place is theirs to say.
///
/// # Errors
/// Every problem of these settings and of reading any.
pub fn of_cluster(loaded: Loaded) -> Result<(Place, Vec<Warning>), Vec<Problem>> {
    let Loaded {
        settings,
        mut warnings,
        mut problems,
        ..
    } = loaded;
    let mut check = Check::new(&settings);
    let authority = Certificates::check(&mut check).layout().authority();
    let place = elasticsearch::reached(&authority, &mut check);
    warnings.append(&mut check.warnings);
    problems.append(&mut check.problems);
    if problems.is_empty() {
        Ok((place, warnings))
    } else {
        Err(problems)
    }
}

/// Whose requests are, where each instance is kept, and what an ingester reads.
fn stores(
    role: Role,
    items: &[Item],
    certificates: &Certificates,
    check: &mut Check<'_>,
) -> (Instances, Storage, Option<::ingester::Config>) {
    let items = items::Items::check(role, items, check);
    let mut instances = instances::check(role, &certificates.instance, &items, check);
    let mut storage = Storage::check(role, &items, check);
    if storage.backends.contains(&Backend::Elasticsearch) {
        storage.elasticsearch = elasticsearch::check(&instances, &items, certificates, check);
    }
    let of_instances = items.stores(&instances.all());
    if storage.backends.contains(&Backend::Grpc) {
        storage.remote = remote::check(&instances, certificates, check);
    }
    if storage.backends.contains(&Backend::Kafka) {
        let process = check.settings;
        let goes_there = |(_, item): &&(Instance, Option<&Item>)| {
            Backend::Kafka.is_named(item.map_or(process, |item| &item.settings))
        };
        let there: Vec<_> = of_instances.iter().filter(goes_there).cloned().collect();
        storage.kafka = kafka::producer::check(&there, check);
    }
    let ingester = role
        .ingests()
        .then(|| kafka::consumer::check(&of_instances, &certificates.instance, check));
    instances.with_store = items.instances();
    storage.keep(role, &instances, &items, check);
    (instances, storage, ingester)
}

fn fill_memory(settings: &mut Settings) {
    if settings.bytes("memory.max-bytes").is_none() {
        let value = Value::Bytes(Some(environment::default_memory()));
        settings.fill("memory.max-bytes", value);
    }
}

/// Where the command `status` asks: its own setting, else the admin port as it is set, on this machine when that is every address.
#[must_use]
pub fn status_targets(role: Role, settings: &Settings) -> Vec<HostPort> {
    use settings::Host;
    use std::net::{Ipv4Addr, Ipv6Addr};

    let here = |port| {
        [
            Host::Ip(Ipv4Addr::LOCALHOST.into()),
            Host::Ip(Ipv6Addr::LOCALHOST.into()),
        ]
        .map(|host| HostPort { host, port })
        .to_vec()
    };
    let asked = settings
        .host_port("status.http.host-port")
        .or_else(|| settings.host_port("admin.http.host-port"));
    match asked {
        None => here(role.admin_port()),
        Some(at)
            if at
                .socket_addr()
                .is_some_and(|addr| addr.ip().is_unspecified()) =>
        {
            here(at.port)
        }
        Some(at) => vec![at.clone()],
    }
}

#[cfg(test)]
mod tests;
