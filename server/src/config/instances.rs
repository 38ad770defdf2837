//! Whose requests are.
//!
//! In: `instance.*`, `multi-tenancy.*`, and which instances have a store of their own. Out: the rules that the collector and the query service ask. Nothing is asked here.

use std::collections::{BTreeSet, HashMap};

use model::Instance;
use settings::ListenerName;
use trust::{Instances, Tenants};

use super::check::Check;
use super::items::Items;
use super::listeners::Listeners;
use crate::cli::Role;

const BY_LISTENER: &str = "instance.by-listener";
const BY_CERTIFICATE: &str = "instance.by-certificate";
const TENANTS: &str = "multi-tenancy.tenants";
const HEADER: &str = "multi-tenancy.header";
const LISTENERS: &str = "multi-tenancy.listeners";

/// The rules. A store of its own makes a namespace a tenant, where nothing says who is.
pub(super) fn check(
    role: Role,
    default: &Instance,
    stores: &Items<'_>,
    check: &mut Check<'_>,
) -> Instances {
    let mut instances = Instances::one(default.clone());
    if role.forwards() {
        let tenancy: &[&str] = &["multi-tenancy.enabled", TENANTS, HEADER, LISTENERS];
        check.warn_unused(
            &[&[BY_LISTENER, BY_CERTIFICATE], tenancy].concat(),
            "an agent hands spans on without a namespace: the collector decides whose they are, by its listener or by the agent's certificate",
        );
        return instances;
    }
    instances.listeners = by_listener(check);
    for (name, instance) in pairs(BY_CERTIFICATE, check) {
        match name.parse() {
            Ok(pattern) => instances.certificates.push((pattern, instance)),
            Err(error) => check.wrong(BY_CERTIFICATE, error),
        }
    }
    if check.settings.bool("multi-tenancy.enabled") {
        instances.tenants = Some(tenants(default, stores, check));
    } else {
        check.warn_unused(
            &[TENANTS, HEADER, LISTENERS],
            "multi-tenancy.enabled is false, so this changes nothing",
        );
    }
    instances
}

/// Says which listeners take nothing, for no rule can place what comes in there.
pub(super) fn tell(instances: &Instances, listeners: &Listeners, check: &mut Check<'_>) {
    let by_certificate = !instances.certificates.is_empty();
    if instances.tenants.is_none() && !by_certificate {
        return;
    }
    for listener in listeners.iter() {
        let word = listener.name.as_str();
        let is_believed = instances.tenants.as_ref().is_some_and(|tenants| {
            tenants.listeners.is_empty() || tenants.listeners.contains(word)
        });
        let shows_certificates =
            by_certificate && (listener.tls.as_ref()).is_some_and(|tls| tls.client_ca.is_some());
        let is_placed = instances.listeners.contains_key(word)
            || (!listener.name.is_datagram() && (is_believed || shows_certificates));
        // what they answer is nobody's
        let is_exempt = matches!(
            listener.name,
            ListenerName::Admin | ListenerName::SamplingHttp | ListenerName::SamplingGrpc
        );
        if !is_placed && !is_exempt {
            check.warn(
                BY_LISTENER,
                format!("{word} takes nothing: no rule says whose it is; give it one here, or a client-ca with instance.by-certificate, or a header with multi-tenancy.listeners"),
            );
        }
    }
}

/// Adaptive sampling counts all namespaces together, and would show the operations of one to the others.
pub(super) fn refuse_adaptive(instances: &Instances, adaptive: bool, check: &mut Check<'_>) {
    let all = instances.all();
    let reached = all.iter().filter(|instance| instances.is_reached(instance));
    if adaptive && reached.count() > 1 {
        check.wrong(
            "sampling.config-type",
            "adaptive sampling counts all namespaces together and would show the operations of one to the others: give file, or run one Spoor for each namespace",
        );
    }
}

fn by_listener(check: &mut Check<'_>) -> HashMap<String, Instance> {
    let mut listeners = HashMap::new();
    for (word, instance) in pairs(BY_LISTENER, check) {
        let udp = ListenerName::all().filter(|name| name.is_datagram());
        let names: Vec<ListenerName> = match word.as_str() {
            "jaeger-udp" => udp.collect(),
            word => ListenerName::from_word(word).into_iter().collect(),
        };
        if names.is_empty() {
            check.wrong(BY_LISTENER, unknown(&word));
        }
        for name in names {
            let before = listeners.insert(name.as_str().to_owned(), instance.clone());
            if before.is_some() {
                check.wrong(BY_LISTENER, format!("{name} stands twice"));
            }
        }
    }
    listeners
}

fn tenants(default: &Instance, stores: &Items<'_>, check: &mut Check<'_>) -> Tenants {
    let header = check.settings.text(HEADER).trim().to_ascii_lowercase();
    if http::HeaderName::from_bytes(header.as_bytes()).is_err() {
        check.wrong(HEADER, format!("\"{header}\" is no name of a header"));
    }
    let mut known = BTreeSet::new();
    for tenant in check.settings.list(TENANTS) {
        match Instance::new(tenant, default.name()) {
            Ok(_) => drop(known.insert(tenant.clone())),
            Err(_) => check.wrong(
                TENANTS,
                format!("\"{tenant}\" is no namespace: give lower-case letters, digits and inner hyphens, at most 63"),
            ),
        }
    }
    if !check.is_written(TENANTS) {
        // the header names a namespace, and the instance in it has the default's name
        let stores = stores.instances().into_iter();
        let tenants = stores.filter(|instance| instance.name() == default.name());
        known.extend(tenants.map(|instance| instance.namespace().to_owned()));
    }
    if known.is_empty() {
        check.wrong(
            TENANTS,
            "it is empty: name the tenants, or whoever sends a new name would open a store of its own",
        );
    }
    let mut listeners = BTreeSet::new();
    for word in check.settings.list(LISTENERS) {
        match ListenerName::from_word(word) {
            Some(name) => drop(listeners.insert(name.as_str().to_owned())),
            None => check.wrong(LISTENERS, unknown(word)),
        }
    }
    Tenants {
        header,
        known,
        listeners,
    }
}

/// The items of a list of `what=namespace/name`.
fn pairs(setting: &str, check: &mut Check<'_>) -> Vec<(String, Instance)> {
    let mut pairs = Vec::new();
    for item in check.settings.list(setting) {
        // a URI may hold an equals sign, an instance never
        let pair = item.rsplit_once('=').ok_or_else(|| {
            format!(
                "\"{item}\" names no instance: give it as …=namespace/name, such as …=shop/jaeger"
            )
        });
        let parsed = pair.and_then(|(what, instance)| {
            let instance = Instance::parse(instance.trim()).map_err(|error| error.to_string())?;
            Ok((what.trim().to_owned(), instance))
        });
        match parsed {
            Ok(pair) => pairs.push(pair),
            Err(error) => check.wrong(setting, error),
        }
    }
    pairs
}

fn unknown(word: &str) -> String {
    let words: Vec<&str> = ListenerName::all().map(ListenerName::as_str).collect();
    format!(
        "\"{word}\" is no listener: give any of {}",
        words.join(", ")
    )
}
