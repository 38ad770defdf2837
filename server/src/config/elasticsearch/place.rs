//! A cluster, and indices in it.
//!
//! In: the settings under `es` or `es-archive`. Out: plain values that fit together, or what does not.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use storage::elasticsearch::config::{
    Documents, Graph, Indices, Limits, Place, Rotation, TagValues, TagsAsFields, Upkeep,
};
use storage::elasticsearch::housekeeping::Conditions;

use super::super::check::Check;
use super::{ARCHIVE, connection};

/// What an archive looks back, as in Jaeger: everything.
const ALL_TIME: Duration = Duration::from_secs(50 * 365 * 24 * 3600);

/// Elasticsearch refuses more hits of one search, unless `index.max_result_window` says otherwise.
const MAX_DOC_COUNT: usize = 10_000;

/// A name of an index has at most 255 bytes, and much follows the prefix.
const MAX_PREFIX: usize = 180;

/// Larger lists of keys are no lists of keys.
const MAX_KEYS_FILE: u64 = 1 << 20;

pub(super) fn read(prefix: &str, own_authority: &Path, check: &mut Check<'_>) -> Place {
    Place {
        connection: connection::read(prefix, own_authority, check),
        indices: indices(prefix, check),
        documents: documents(prefix, check),
        limits: limits(prefix, check),
        upkeep: upkeep(prefix, check),
        graph: graph(prefix, check),
    }
}

/// An archive's traces are in the graph of the store that they came from.
fn graph(prefix: &str, check: &mut Check<'_>) -> Graph {
    if prefix == ARCHIVE {
        return Graph::default();
    }
    Graph {
        is_on: check.settings.bool("es.dependencies.enabled"),
        interval: check.some_time("es.dependencies.interval"),
        late_after: check.time("es.dependencies.late-after"),
        settle: check.some_time("es.dependencies.settle"),
    }
}

/// An archive is kept for good, and rolled over by whoever wants it to be.
fn upkeep(prefix: &str, check: &mut Check<'_>) -> Upkeep {
    if prefix == ARCHIVE {
        return Upkeep::default();
    }
    let (interval, conditions) = ("es.rollover.interval", "es.rollover.conditions");
    let parsed = check.settings.text(conditions).parse::<Conditions>();
    let has_none = parsed.as_ref().is_ok_and(Conditions::is_empty);
    let upkeep = Upkeep {
        max_age: check.time("es.cleaner.max-age"),
        clean_interval: check.some_time("es.cleaner.interval"),
        rollover_interval: check.time(interval),
        conditions: parsed.unwrap_or_else(|error| {
            check.wrong(conditions, error);
            Conditions::default()
        }),
        lookback: check.time("es.rollover.lookback"),
    };
    if upkeep.rollover_interval.is_zero() {
        let note = format!("{interval} is 0, so this changes nothing");
        check.warn_unused(&[conditions, "es.rollover.lookback"], &note);
        return upkeep;
    }
    if !check.settings.bool("es.use-aliases") {
        check.wrong(
            interval,
            "it needs es.use-aliases=true: only indices behind aliases are rolled over",
        );
    }
    if check.settings.bool("es.use-ilm") {
        check.wrong(interval, "es.use-ilm is true, and then the cluster rolls over by its policy: set one or the other");
    }
    if has_none {
        check.wrong(conditions, "it has none, and a new index would be made at every turn of every process: give one such as {\"max_age\": \"2d\"}");
    }
    upkeep
}

fn indices(prefix: &str, check: &mut Check<'_>) -> Indices {
    let name = |part: &str| format!("{prefix}.{part}");
    let is_archive = prefix == ARCHIVE;
    let mut indices = Indices {
        prefix: index_prefix(&name("index-prefix"), check),
        use_aliases: check.settings.bool(&name("use-aliases")),
        use_ilm: check.settings.bool(&name("use-ilm")),
        ilm_policy: check.settings.text(&name("ilm-policy-name")).to_owned(),
        remote_read_clusters: clusters(&name("remote-read-clusters"), check),
        create_templates: check.settings.bool(&name("create-index-templates")),
        shards: check.within(&name("num-shards"), 1..=1024),
        replicas: check.within(&name("num-replicas"), 0..=1000),
        span_priority: priority(&name("prioirity-span-template"), check),
        service_priority: priority(&name("prioirity-service-template"), check),
        dependencies_priority: priority(&name("prioirity-dependencies-template"), check),
        is_archive,
        ..Indices::default()
    };
    if !is_archive {
        indices.date_separator = separator("es.index-date-separator", check);
        indices.spans = rotation("es.index-rollover-frequency-spans", check);
        indices.services = rotation("es.index-rollover-frequency-services", check);
        indices.sampling = rotation("es.index-rollover-frequency-adaptive-sampling", check);
    }
    if indices.use_ilm {
        let (ilm, aliases, templates) = (
            name("use-ilm"),
            name("use-aliases"),
            name("create-index-templates"),
        );
        if !indices.use_aliases {
            check.wrong(&ilm, format!("it needs {aliases}=true: what is rolled over is written and read by its aliases"));
        }
        if indices.create_templates {
            check.wrong(&ilm, format!("it needs {templates}=false: the templates that name the policy are put by whoever makes the first indices"));
        }
        if indices.ilm_policy.is_empty() {
            check.wrong(&name("ilm-policy-name"), "it is empty: name the policy");
        }
    }
    indices
}

fn documents(prefix: &str, check: &mut Check<'_>) -> Documents {
    let name = |part: &str| format!("{prefix}.{part}");
    let values = name("tag-values");
    let tag_values = match check.settings.text(&values) {
        "native" => TagValues::Native,
        "string" => TagValues::String,
        other => {
            let what = format!("\"{other}\" is not known: give native or string");
            check.wrong(&values, what);
            TagValues::Native
        }
    };
    let dot = check.settings.text(&name("tags-as-fields.dot-replacement"));
    let keys = check.settings.list(&name("tags-as-fields.include"));
    let mut tags_as_fields = TagsAsFields {
        all: check.settings.bool(&name("tags-as-fields.all")),
        include: keys.iter().cloned().collect(),
        max_keys: check.number(&name("tags-as-fields.max-keys")),
        ..TagsAsFields::default()
    };
    // nothing is Jaeger's word for its default
    if !dot.is_empty() {
        tags_as_fields.dot_replacement = dot.to_owned();
    }
    let file = name("tags-as-fields.config-file");
    if let Some(path) = check.settings.path(&file) {
        match keys_of(&path) {
            Ok(keys) => tags_as_fields.include.extend(keys),
            Err(what) => check.wrong(&file, format!("cannot read {}: {what}", path.display())),
        }
    }
    Documents {
        tags_as_fields,
        tag_values,
    }
}

/// The lines of a file, but for empty ones and comments.
fn keys_of(path: &Path) -> Result<BTreeSet<String>, String> {
    let size = std::fs::metadata(path)
        .map_err(|error| error.to_string())?
        .len();
    if size > MAX_KEYS_FILE {
        return Err(format!("it is larger than {MAX_KEYS_FILE} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(keys.map(str::to_owned).collect())
}

fn limits(prefix: &str, check: &mut Check<'_>) -> Limits {
    let name = |part: &str| format!("{prefix}.{part}");
    let hits = name("max-doc-count");
    let asked = check.count(&hits);
    if asked > MAX_DOC_COUNT {
        check.warn(
            &hits,
            format!("Elasticsearch refuses more than {MAX_DOC_COUNT} hits in one search, and Jaeger then found nothing: {MAX_DOC_COUNT} are asked for at once, and a search goes on page by page"),
        );
    }
    let actions = name("bulk.actions");
    let mut limits = Limits {
        max_doc_count: asked.min(MAX_DOC_COUNT),
        bulk_bytes: check.size(&name("bulk.size")).as_usize(),
        // Jaeger's word for no limit
        bulk_actions: match check.settings.int(&actions) {
            -1 => 0,
            _ => check.number(&actions),
        },
        bulk_workers: check.count(&name("bulk.workers")),
        max_span_age: ALL_TIME,
        ..Limits::default()
    };
    if prefix != ARCHIVE {
        limits.max_span_age = check.some_time("es.max-span-age");
        limits.service_cache_ttl = check.time("es.service-cache-ttl");
        limits.sampling_lookback = check.some_time("es.adaptive-sampling.lookback");
    }
    limits
}

fn priority(name: &str, check: &mut Check<'_>) -> u32 {
    check.within(name, 0..=1_000_000_000)
}

fn rotation(name: &str, check: &mut Check<'_>) -> Rotation {
    let text = check.settings.text(name).to_ascii_lowercase();
    match text.as_str() {
        "day" => Rotation::Day,
        "hour" => Rotation::Hour,
        _ => {
            check.wrong(name, format!("\"{text}\" is not known: give day or hour"));
            Rotation::Day
        }
    }
}

fn index_prefix(name: &str, check: &mut Check<'_>) -> String {
    let prefix = check.settings.text(name).to_owned();
    let begins_well = !prefix.starts_with(['-', '_', '+']) && !prefix.starts_with("..");
    if !begins_well || !prefix.chars().all(may_be_in_a_name) || prefix.len() > MAX_PREFIX {
        check.wrong(
            name,
            format!("\"{prefix}\" begins no name of an index: give lower-case letters, digits and inner hyphens, at most {MAX_PREFIX}"),
        );
    }
    prefix
}

fn separator(name: &str, check: &mut Check<'_>) -> String {
    let separator = check.settings.text(name).to_owned();
    if !separator.chars().all(may_be_in_a_name) || separator.len() > 8 {
        check.wrong(
            name,
            format!("\"{separator}\" cannot stand in the name of an index: give a character such as - or ."),
        );
    }
    separator
}

fn clusters(name: &str, check: &mut Check<'_>) -> Vec<String> {
    let clusters = check.settings.list(name).to_vec();
    for cluster in &clusters {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
        if !cluster.chars().all(fits) {
            check.wrong(
                name,
                format!("\"{cluster}\" is no name of a remote cluster"),
            );
        }
    }
    clusters
}

/// What Elasticsearch takes in a name, less what has a meaning in a URL or in a list of names.
fn may_be_in_a_name(c: char) -> bool {
    !c.is_uppercase() && !c.is_whitespace() && !c.is_control() && !"\\/*?\"<>|,#:%".contains(c)
}
