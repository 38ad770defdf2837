//! Whether we may do what has to be done.
//!
//! In: a place whose cluster lets us in. Out: findings. Elasticsearch with security is asked for our privileges; everybody else is asked to do things that change nothing, and whether they refuse
//! is what is found. A document is sent to an alias that is not there, which a cluster has to refuse after it has looked at our rights.
//!
//! Who may not keep the graph of calls is warned, and no more: spans are written all the same.

use http::Method;
use serde_json::{Value, json};

use super::super::housekeeping::Housekeeper;
use super::{Look, Verdict};
use crate::http_client::{Flavour, Product, Request, Response, shortened};

/// No alias is called so.
const NOWHERE: &str = "jaeger-span-spoor-check";

pub(super) async fn check(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    let asked = match flavour.product {
        Product::Elasticsearch => privileges(look, housekeeper).await,
        Product::OpenSearch => false,
    };
    if !asked {
        tries(look, housekeeper).await;
    }
    writes(look, housekeeper, flavour).await;
}

/// A privilege, and what it is for.
type Wanted = (&'static str, String);

/// What the graph of calls takes beside what spans do.
const GRAPH: &str = "to count calls";

/// What has to be allowed, of the cluster and of its indices.
fn wanted(look: &Look<'_>) -> (Vec<Wanted>, Vec<Wanted>) {
    let (indices, upkeep) = (&look.place.indices, &look.place.upkeep);
    let mut cluster = Vec::new();
    if indices.create_templates {
        let setting = look.setting("create-index-templates");
        cluster.push((
            "manage_index_templates",
            format!("to put templates ({setting})"),
        ));
    }
    let mut index = vec![
        ("index", "to write".to_owned()),
        ("create_index", "to begin the index of a new day".to_owned()),
        ("read", "to read".to_owned()),
    ];
    if !upkeep.max_age.is_zero() {
        let setting = look.setting("cleaner.max-age");
        index.push((
            "view_index_metadata",
            format!("to see what is old ({setting})"),
        ));
        index.push(("delete_index", format!("to delete what is old ({setting})")));
    }
    if !upkeep.rollover_interval.is_zero() {
        let setting = look.setting("rollover.interval");
        index.push(("manage", format!("to roll over ({setting})")));
    }
    (cluster, index)
}

/// Asks for them; false: nobody can be asked.
async fn privileges(look: &mut Look<'_>, housekeeper: &Housekeeper) -> bool {
    let (cluster, index) = wanted(look);
    let prefix = housekeeper.names().prefix();
    let names = [format!("{prefix}jaeger-*"), format!("{prefix}spoor-*")];
    let only = |wanted: &[Wanted]| wanted.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let graph = if look.place.graph.is_on {
        graph(housekeeper).to_vec()
    } else {
        Vec::new()
    };
    let mut indices = vec![json!({"names": names, "privileges": only(&index)})];
    if !graph.is_empty() {
        indices.push(json!({"names": graph, "privileges": ["delete"]}));
    }
    let question = json!({"cluster": only(&cluster), "index": indices});
    let request = Request::post(&["_security", "user", "_has_privileges"]).json(&question);
    let Ok(answer) = housekeeper.send(request).await else {
        return false;
    };
    if !answer.is_success() {
        return false;
    }
    let answer = answer.json();
    let has = |path: &str| answer.pointer(path).and_then(Value::as_bool) == Some(true);
    let mut lacking = Vec::new();
    for (name, why) in &cluster {
        if !has(&format!("/cluster/{name}")) {
            lacking.push(format!("the cluster privilege {name} {why}"));
        }
    }
    for pattern in &names {
        for (name, why) in &index {
            if !has(&format!("/index/{pattern}/{name}")) {
                lacking.push(format!("the privilege {name} on {pattern} {why}"));
            }
        }
    }
    if lacking.is_empty() {
        look.good(
            "rights",
            format!(
                "we have the privileges that it takes, on {}",
                names.join(" and ")
            ),
        );
    } else {
        look.problem(
            "rights",
            format!("a role of ours lacks {}", lacking.join("; ")),
        );
    }
    let setting = look.setting("dependencies.enabled");
    let kept: Vec<String> = graph
        .into_iter()
        .filter(|name| !has(&format!("/index/{name}/delete")))
        .map(|name| format!("the privilege delete on {name}"))
        .collect();
    if !kept.is_empty() {
        let text = format!(
            "a role of ours lacks {} {GRAPH} ({setting})",
            kept.join("; ")
        );
        look.find("rights", Verdict::Warning, text);
    }
    true
}

/// Where the graph's documents and marks lie, which it takes back, too.
fn graph(housekeeper: &Housekeeper) -> [String; 2] {
    let names = housekeeper.names();
    [format!("{}*", names.dependencies.base()), names.leases()]
}

/// Asks for an index that is not there, by its name: a pattern is no question of rights where it is taken for what we may see.
async fn tries(look: &mut Look<'_>, housekeeper: &Housekeeper) {
    let index = format!("{}{NOWHERE}", housekeeper.names().prefix());
    let read = Request::post(&[&index, "_search"])
        .query("ignore_unavailable", "true")
        .json(&json!({"size": 0}));
    let write = Request::put(&[&index, "_create", "check"])
        .query("require_alias", "true")
        .json(&json!({}));
    for (request, what) in [(read, "read"), (write, "write")] {
        let pattern = format!("{}jaeger-*", housekeeper.names().prefix());
        let what = format!("{what} {pattern}");
        let answer = housekeeper.send(request).await;
        refused(look, Verdict::Problem, answer, &what);
    }
    if look.place.graph.is_on {
        let setting = look.setting("dependencies.enabled");
        for index in graph(housekeeper) {
            // a document that is not there has no version, so that nothing is deleted
            let delete = Request::new(
                Method::DELETE,
                &[&index.replace('*', "spoor-check"), "_doc", "spoor-check"],
            )
            .query("if_seq_no", "0")
            .query("if_primary_term", "1");
            let what = format!("delete in {index} {GRAPH} ({setting})");
            let answer = housekeeper.send(delete).await;
            refused(look, Verdict::Warning, answer, &what);
        }
    }
}

/// Tells how bad it is when it was refused for lack of rights; other troubles show elsewhere.
fn refused(
    look: &mut Look<'_>,
    verdict: Verdict,
    answer: Result<Response, crate::http_client::Error>,
    what: &str,
) {
    match answer {
        Ok(answer) if matches!(answer.status, 401 | 403) => {
            let text = format!("we may not {what}: {}", answer.reason());
            look.find("rights", verdict, text);
        }
        Ok(_) => look.good("rights", format!("we may {what}")),
        Err(error) => look.find("rights", verdict, error.to_string()),
    }
}

async fn writes(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    let index = format!("{}{NOWHERE}", housekeeper.names().prefix());
    let lines = format!("{{\"create\":{{\"_index\":\"{index}\",\"_id\":\"check\"}}}}\n{{}}\n");
    let request = Request::post(&["_bulk"])
        .query("require_alias", "true")
        .lines(lines);
    let answer = match housekeeper.send(request).await {
        Ok(answer) => answer,
        Err(error) => return look.problem("write", error.to_string()),
    };
    if !answer.is_success() {
        // nothing was written either way
        if answer.reason().contains("require_alias") {
            let text = format!(
                "version {} cannot be asked whether we may write without writing",
                flavour.major
            );
            return look.find("write", Verdict::Note, text);
        }
        let what = match answer.status {
            401 | 403 => "we may not write",
            _ => "bulk requests are not taken",
        };
        return look.problem(
            "write",
            format!("{what}: {} {}", answer.status, answer.reason()),
        );
    }
    let json = answer.json();
    let item = json.pointer("/items/0/create");
    let status = item.and_then(|item| item.get("status")?.as_u64());
    let error = item.and_then(|item| item.get("error"));
    let kind = error
        .and_then(|error| error.get("type")?.as_str())
        .unwrap_or_default();
    let reason = error
        .and_then(|error| error.get("reason")?.as_str())
        .unwrap_or_default();
    match status {
        Some(404) if kind == "index_not_found_exception" => {
            look.good(
                "write",
                "bulk requests are taken: a document to an alias that is not there was refused for that alone",
            );
        }
        Some(401 | 403) => {
            look.problem(
                "write",
                format!(
                    "we may not write to {}jaeger-span-*: {}",
                    housekeeper.names().prefix(),
                    shortened(reason)
                ),
            );
        }
        _ => {
            let answered = shortened(&json.to_string());
            look.find("write", Verdict::Warning, format!("a document to an alias that is not there was answered in a way that is not known: {answered}"));
        }
    }
}
