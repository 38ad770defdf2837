//! `/api/deep-dependencies`: the ways that calls take through a service, from whoever is called by nobody to whoever calls nobody.
//!
//! In: a service and a period. Out: paths, each as Jaeger's UI reads them. They are put together from who calls whom: each step was seen, but not
//! that one trace took all of them. Operations are not counted there, so that the name of each is empty and there is no trace to show; a path
//! visits no service twice.
//!
//! Source: the shape is that of `jaegertracing/jaeger: cmd/query/app/analytics` v1.76.0, which answers with a made-up sample.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde::Serialize;
use storage::DependencyLink;
use wire::go_json;

use super::bare::Bare;
use super::envelope::Error;
use super::form::Form;
use super::params::Period;
use crate::service::Call;

/// So many paths are shown.
const MOST_PATHS: usize = 1000;
/// So many steps of a path on each side of the service.
const MOST_STEPS: usize = 64;

#[derive(Serialize)]
struct PathJson<'a> {
    path: Vec<EntryJson<'a>>,
    /// Names of traces that took the path: none is known.
    attributes: [(); 0],
}

#[derive(Serialize)]
struct EntryJson<'a> {
    service: &'a str,
    operation: &'static str,
}

/// The paths through the service that was asked for.
pub(super) async fn get(call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let service = form.first("service");
    if service.is_empty() {
        return Err(Error::bad_request(
            "parameter 'service' is required".to_owned(),
        ));
    }
    let period = Period::parse(form, SystemTime::now()).map_err(Error::bad_request)?;
    let links = call
        .get_dependencies(period.start_ns, period.end_ns)
        .await?;
    let found = Paths::through(service, &links);
    let shown: Vec<PathJson<'_>> = found.paths.iter().map(|path| shown(path)).collect();
    let cut = found.is_cut.then(|| {
        format!("not all paths are shown: at most {MOST_PATHS}, of {MOST_STEPS} steps to each side")
    });
    let json = go_json::to_vec(&shown);
    Ok(Bare::member("dependencies", &json).cut(call.lacks().or(cut)))
}

fn shown<'a>(path: &[&'a str]) -> PathJson<'a> {
    let entry = |service: &&'a str| EntryJson {
        service,
        operation: "",
    };
    PathJson {
        path: path.iter().map(entry).collect(),
        attributes: [],
    }
}

/// Whom each service calls, or who calls it.
type Neighbours<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

#[derive(Debug, Default)]
struct Paths<'a> {
    /// From the first caller to the last one called.
    paths: Vec<Vec<&'a str>>,
    /// Whether there are more, or longer ones.
    is_cut: bool,
}

// === impl Paths ===

impl<'a> Paths<'a> {
    fn through(service: &'a str, links: &'a [DependencyLink]) -> Self {
        let (mut callers, mut called) = (Neighbours::new(), Neighbours::new());
        // who calls itself makes no step
        for link in links.iter().filter(|link| link.parent != link.child) {
            callers.entry(&link.child).or_default().insert(&link.parent);
            called.entry(&link.parent).or_default().insert(&link.child);
        }
        let mut found = Self::default();
        if !callers.contains_key(service) && !called.contains_key(service) {
            return found;
        }
        for mut before in found.ends(&callers, &[service]) {
            before.reverse();
            for path in found.ends(&called, &before) {
                if found.paths.len() == MOST_PATHS {
                    found.is_cut = true;
                    return found;
                }
                found.paths.push(path);
            }
        }
        found
    }

    /// `start`, gone on from its last service to where no new neighbour is; every way that there is.
    fn ends(&mut self, neighbours: &Neighbours<'a>, start: &[&'a str]) -> Vec<Vec<&'a str>> {
        let most = start.len() + MOST_STEPS;
        let mut ends = Vec::new();
        let mut open = vec![start.to_vec()];
        while let Some(path) = open.pop() {
            let next = path.last().and_then(|last| neighbours.get(last));
            let next = next.into_iter().flatten();
            let next: Vec<&&str> = next.filter(|service| !path.contains(*service)).collect();
            let is_long = path.len() == most && !next.is_empty();
            self.is_cut |= is_long;
            if next.is_empty() || is_long {
                if ends.len() == MOST_PATHS {
                    self.is_cut = true;
                    return ends;
                }
                ends.push(path);
                continue;
            }
            // the first by name is taken next
            for service in next.into_iter().rev() {
                open.push(path.iter().chain([service]).copied().collect());
            }
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(&str, &str)]) -> Vec<DependencyLink> {
        let link = |(parent, child): &(&str, &str)| {
            DependencyLink::calls((*parent).into(), (*child).into(), 1)
        };
        pairs.iter().map(link).collect()
    }

    #[track_caller]
    fn check(pairs: &[(&str, &str)], service: &str, expect: &[&str]) {
        let links = links(pairs);
        let found = Paths::through(service, &links);
        let paths: Vec<String> = found.paths.iter().map(|path| path.join(" ")).collect();
        assert_eq!(paths, expect, "{pairs:?} through {service}");
        assert!(!found.is_cut);
    }

    #[test]
    fn paths_go_from_the_first_caller_to_the_last_one_called() {
        let pairs = [("a", "b"), ("x", "b"), ("b", "c"), ("b", "d"), ("d", "e")];
        let all = ["a b c", "a b d e", "x b c", "x b d e"];
        check(&pairs, "b", &all);
        check(&pairs, "c", &["a b c", "x b c"]);
        check(&pairs, "a", &["a b c", "a b d e"]);
        check(&pairs, "nobody", &[]);
    }

    #[test]
    fn circles_are_gone_once() {
        let pairs = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "c")];
        check(&pairs, "b", &["a b c"]);
        check(&pairs, "c", &["a b c"]);
        check(&[("a", "a")], "a", &[]);
    }

    #[test]
    fn more_paths_than_are_shown_say_so() {
        // layers of three, each called by all of the one before: 3^8 ways
        let names: Vec<Vec<String>> = (0..8)
            .map(|layer| (0..3).map(|n| format!("{layer}-{n}")).collect())
            .collect();
        let mut pairs: Vec<(&str, &str)> = vec![("root", &names[0][0])];
        for layers in names.windows(2) {
            for parent in &layers[0] {
                pairs.extend(
                    layers[1]
                        .iter()
                        .map(|child| (parent.as_str(), child.as_str())),
                );
            }
        }
        let links = links(&pairs);
        let found = Paths::through("root", &links);
        assert_eq!((found.paths.len(), found.is_cut), (MOST_PATHS, true));

        let chain: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
        let pairs: Vec<(&str, &str)> = chain.windows(2).map(|w| (&*w[0], &*w[1])).collect();
        let links = self::links(&pairs);
        let found = Paths::through("100", &links);
        assert_eq!(found.paths[0].len(), 2 * MOST_STEPS + 1);
        assert!(found.is_cut);
    }
}
