//! Which listeners a role opens, and where.
//!
//! In: host-ports, TLS blocks, `listen.host`, `plaintext.listeners`. Out: a decided listener for each, or every listener that may not be opened as it is set. The
//! rule itself is `settings::listener`'s.

use settings::listener::{Listener, ListenerName, OwnFiles, Plaintext, Rule};
use settings::{Host, Settings, Warning};

use super::certificates::Certificates;
use super::check::Check;
use crate::cli::Role;

/// The listeners of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listeners {
    /// Health and metrics.
    pub admin: Listener,
    /// OTLP over gRPC.
    pub otlp_grpc: Option<Listener>,
    /// OTLP over HTTP.
    pub otlp_http: Option<Listener>,
    /// Jaeger's protobuf over gRPC.
    pub jaeger_grpc: Option<Listener>,
    /// Jaeger's Thrift over HTTP.
    pub jaeger_thrift: Option<Listener>,
    /// Zipkin over HTTP.
    pub zipkin: Option<Listener>,
    /// Jaeger's Thrift in the compact protocol, over UDP.
    pub jaeger_compact: Option<Listener>,
    /// Jaeger's Thrift in the binary protocol, over UDP.
    pub jaeger_binary: Option<Listener>,
    /// Zipkin's Thrift in the compact protocol, over UDP.
    pub zipkin_compact: Option<Listener>,
    /// Remote sampling over HTTP.
    pub sampling_http: Option<Listener>,
    /// Remote sampling over gRPC.
    pub sampling_grpc: Option<Listener>,
    /// Jaeger's HTTP API.
    pub query_http: Option<Listener>,
    /// The same over gRPC.
    pub query_grpc: Option<Listener>,
    /// A store that is served to other processes.
    pub storage_grpc: Option<Listener>,
}

/// What all in one opens by itself, and a collector of its own once it is given an address, as in Jaeger.
const UNASKED: [ListenerName; 6] = [
    ListenerName::Zipkin,
    ListenerName::JaegerCompact,
    ListenerName::JaegerBinary,
    ListenerName::ZipkinCompact,
    ListenerName::SamplingHttp,
    ListenerName::SamplingGrpc,
];

// === impl Listeners ===

impl Listeners {
    /// All listeners in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Listener> {
        [
            &self.otlp_grpc,
            &self.otlp_http,
            &self.jaeger_grpc,
            &self.jaeger_thrift,
            &self.zipkin,
            &self.jaeger_compact,
            &self.jaeger_binary,
            &self.zipkin_compact,
            &self.sampling_http,
            &self.sampling_grpc,
            &self.query_http,
            &self.query_grpc,
            &self.storage_grpc,
        ]
        .into_iter()
        .flatten()
        .chain([&self.admin])
    }

    /// Whether nobody asked for a listener by name, so that all else can go on without it.
    pub fn is_dispensable(role: Role, name: ListenerName, settings: &Settings) -> bool {
        role != Role::Agent
            && UNASKED.contains(&name)
            && settings.host_port(name.setting()).is_none()
    }

    /// None when one of them may not be opened; the problems say which.
    pub(super) fn check(
        role: Role,
        certificates: &Certificates,
        check: &mut Check<'_>,
    ) -> Option<Self> {
        let own = certificates.files();
        let host = default_host(check);
        let plaintext = Plaintext::from_words(
            check
                .settings
                .list("plaintext.listeners")
                .iter()
                .map(String::as_str),
        )
        .unwrap_or_else(|error| {
            check.wrong("plaintext.listeners", error);
            Plaintext::default()
        });
        let otlp = role.collects() && check.settings.bool("collector.otlp.enabled");
        let wants = UNASKED.map(|name| {
            let asked = check.settings.host_port(name.setting()).is_some();
            match role {
                Role::AllInOne => true,
                Role::Collector => asked,
                Role::Query | Role::Ingester | Role::RemoteStorage => false,
                Role::Agent => name.is_datagram() || name == ListenerName::SamplingHttp,
            }
        });
        let mut open = |name: ListenerName, wanted: bool| -> Result<Option<Listener>, ()> {
            if wanted {
                one(name, role, host.as_ref(), &plaintext, &own, check).map(Some)
            } else {
                Ok(None)
            }
        };
        // Every one is tried before the first failure ends it, so that all are told.
        let admin = open(ListenerName::Admin, true);
        let otlp_grpc = open(ListenerName::OtlpGrpc, otlp);
        let otlp_http = open(ListenerName::OtlpHttp, otlp);
        let jaeger_grpc = open(ListenerName::JaegerGrpc, role.collects());
        let jaeger_thrift = open(ListenerName::JaegerThrift, role.collects());
        let [
            zipkin,
            jaeger_compact,
            jaeger_binary,
            zipkin_compact,
            sampling_http,
            sampling_grpc,
        ] = wants;
        let zipkin = open(ListenerName::Zipkin, zipkin);
        let jaeger_compact = open(ListenerName::JaegerCompact, jaeger_compact);
        let jaeger_binary = open(ListenerName::JaegerBinary, jaeger_binary);
        let zipkin_compact = open(ListenerName::ZipkinCompact, zipkin_compact);
        let sampling_http = open(ListenerName::SamplingHttp, sampling_http);
        let sampling_grpc = open(ListenerName::SamplingGrpc, sampling_grpc);
        let query_http = open(ListenerName::QueryHttp, role.answers());
        let query_grpc = open(ListenerName::QueryGrpc, role.answers());
        let storage_grpc = open(ListenerName::StorageGrpc, role.serves_a_store());
        let listeners = Self {
            admin: admin.ok().flatten()?,
            otlp_grpc: otlp_grpc.ok()?,
            otlp_http: otlp_http.ok()?,
            jaeger_grpc: jaeger_grpc.ok()?,
            jaeger_thrift: jaeger_thrift.ok()?,
            zipkin: zipkin.ok()?,
            jaeger_compact: jaeger_compact.ok()?,
            jaeger_binary: jaeger_binary.ok()?,
            zipkin_compact: zipkin_compact.ok()?,
            sampling_http: sampling_http.ok()?,
            sampling_grpc: sampling_grpc.ok()?,
            query_http: query_http.ok()?,
            query_grpc: query_grpc.ok()?,
            storage_grpc: storage_grpc.ok()?,
        };
        listeners.tell(check);
        Some(listeners)
    }

    /// Warns of plaintext, and refuses two listeners on one port.
    fn tell(&self, check: &mut Check<'_>) {
        let all: Vec<&Listener> = self.iter().collect();
        for (index, listener) in all.iter().enumerate() {
            if let Some(note) = listener.warning() {
                check.warnings.push(Warning {
                    settings: vec![check.settings.at("plaintext.listeners")],
                    note,
                });
            }
            for other in all
                .iter()
                .skip(index + 1)
                .filter(|other| listener.collides(other))
            {
                let at = listener
                    .addrs
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                check.wrong(
                    listener.name.setting(),
                    format!(
                        "{at} is taken by {} as well: give each a port of its own",
                        check.settings.at(other.name.setting())
                    ),
                );
            }
        }
    }
}

fn one(
    name: ListenerName,
    role: Role,
    host: Option<&Host>,
    plaintext: &Plaintext,
    own: &OwnFiles,
    check: &mut Check<'_>,
) -> Result<Listener, ()> {
    let mut tls = None;
    let mut tls_is_off = false;
    if let Some(prefix) = name.tls_prefix() {
        tls_is_off = check.is_written(&format!("{prefix}.enabled"));
        tls = check.settings.server_tls(prefix).map_err(|error| {
            check.wrong(&format!("{prefix}.enabled"), error);
        })?;
        let min = format!("{prefix}.min-version");
        if matches!(check.settings.text(&min), "1.0" | "1.1") && tls.is_some() {
            check.warn(&min, "TLS below 1.2 is not spoken: 1.2 is the lowest");
        }
    }
    // nobody asked for them by name, and nothing protects them: they stay on this machine rather than to keep the rest from starting
    let host = host.filter(|_| !name.is_datagram() || plaintext.allows(name));
    let rule = Rule {
        name,
        default_port: if name == ListenerName::Admin {
            role.admin_port()
        } else {
            name.default_port()
        },
        host_port: check.settings.host_port(name.setting()),
        default_host: host,
        tls: tls.as_ref(),
        tls_is_off: tls_is_off && tls.is_none(),
        own,
        plaintext,
    };
    rule.resolve().map_err(|error| {
        let setting = error.setting();
        let text = error.to_string();
        let what = text.strip_prefix(&format!("{setting}: ")).unwrap_or(&text);
        check.wrong(setting, what);
    })
}

/// `listen.host`, which holds a host and no port.
fn default_host(check: &mut Check<'_>) -> Option<Host> {
    let text = check.settings.text("listen.host").trim().to_owned();
    if text.is_empty() {
        return None;
    }
    let host = text.parse().ok();
    if host.is_none() {
        check.wrong(
            "listen.host",
            format!("\"{text}\" is no host: give a name or an address without a port, such as ::"),
        );
    }
    host
}
