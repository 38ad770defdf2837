//! Calls between services, as `graph` or a job of Jaeger's counted them and wrote them down.
//!
//! In: two points in time. Out: the links of all documents between them, added up by their ends. A day that somebody else's document is of is told by theirs alone: the same calls are in both.
//! Of one hour that was written twice the later document counts. Nothing is counted here.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v2/elasticsearch/depstore` v1.76.0, where a negative lookback never ends.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use serde_json::{Value, json};

use super::document::dependencies::Dependencies;
use super::reader::Reader;
use super::search::{Position, Searches, Trouble, failed, one, read, with};
use crate::http_client::Error;
use crate::port::{DependencyLink, HOUR_NS, ReadContext, ReadError, whole_hours};

/// Documents of a page: one a day is written, of any size.
const PAGE: usize = 50;

/// What was read of days that may have more, by number and cluster.
#[derive(Default)]
struct Days(BTreeMap<(u64, String), Day>);

#[derive(Default)]
struct Day {
    /// Somebody else's; `None`: there is no document of somebody else's.
    foreign: Option<Vec<DependencyLink>>,
    /// Ours by their ids, with the time of which each is.
    hours: BTreeMap<String, (u64, Vec<DependencyLink>)>,
}

/// A page, read.
struct Page {
    hits: usize,
    last: Option<Position>,
    /// Where a document lies, and what it says.
    documents: Vec<((String, String), Dependencies)>,
}

// === impl Reader ===

impl Reader {
    pub(super) async fn calls(
        &self,
        cx: &ReadContext,
        start_ns: u64,
        end_ns: u64,
    ) -> Result<Vec<DependencyLink>, ReadError> {
        cx.check()?;
        if start_ns > end_ns {
            return Ok(Vec::new());
        }
        let (start_ns, end_ns) = whole_hours(start_ns, end_ns);
        let indices = self.names.dependencies.read(start_ns, end_ns);
        let times = [(start_ns, end_ns)];
        let left_out = self.left_out(cx, &self.names.dependencies, times).await;
        known(&left_out)?;
        let (mut sum, mut days) = (Vec::new(), Days::default());
        let mut seen = HashSet::new();
        let mut after: Option<Position> = None;
        let mut size = PAGE.min(self.limits.max_doc_count.max(1));
        loop {
            let body = body(start_ns, end_ns, after.as_ref(), size);
            let page = match page(&self.searches, cx, &indices, body).await {
                Err(Error::TooLarge(_)) if size > 1 => {
                    size /= 2;
                    continue;
                }
                page => page.map_err(failed)?,
            };
            for (place, document) in page.documents {
                if !seen.insert(place.clone()) {
                    continue;
                }
                let (index, id) = place;
                days.add(&index, id, document);
            }
            // documents come in the order of their times: days before the last are whole
            sum.extend(days.take(1));
            sum = DependencyLink::sum(sum);
            if page.hits < size || page.last == after {
                break;
            }
            after = page.last;
        }
        sum.extend(days.take(0));
        Ok(DependencyLink::sum(sum))
    }
}

// === impl Days ===

impl Days {
    fn add(&mut self, index: &str, id: String, document: Dependencies) {
        let cluster = index.split_once(':').map_or("", |(cluster, _)| cluster);
        let day = document.time_ns.unwrap_or_default() / (24 * HOUR_NS);
        let day = self.0.entry((day, cluster.to_owned())).or_default();
        match document.made {
            None => day.foreign.get_or_insert_default().extend(document.links),
            Some(made) => {
                let hour = day.hours.entry(id).or_default();
                if hour.0 <= made.scanned_ms {
                    *hour = (made.scanned_ms, document.links);
                }
            }
        }
    }

    /// What all days but the latest few say.
    fn take(&mut self, latest: u64) -> Vec<DependencyLink> {
        let last = self.0.last_key_value().map_or(0, |((day, _), _)| *day);
        let whole = (last + 1).saturating_sub(latest);
        let rest = self.0.split_off(&(whole, String::new()));
        let days = std::mem::replace(&mut self.0, rest).into_values();
        let links = days.flat_map(|day| match day.foreign {
            Some(links) => links,
            None => day.hours.into_values().flat_map(|hour| hour.1).collect(),
        });
        links.collect()
    }
}

/// A list of calls has no place to say what it lacks.
fn known(trouble: &Trouble) -> Result<(), Error> {
    match trouble.reason() {
        Some(reason) => Err(Error::Busy(format!(
            "not all calls could be read: {reason}"
        ))),
        None => Ok(()),
    }
}

async fn page(
    searches: &Searches,
    cx: &ReadContext,
    indices: &[String],
    body: Value,
) -> Result<Page, Error> {
    let answer = searches.ask(cx, indices, body).await?;
    let searches = searches.clone();
    read(answer, move |answer| {
        let answer = one(answer, searches.shown())?;
        known(&answer.trouble)?;
        let mut documents = Vec::new();
        for hit in &answer.hits {
            let source = hit.source.map_or("{}", |raw| raw.get());
            match serde_json::from_str(source) {
                Ok(document) => {
                    let place = (hit.index.to_string(), hit.id.to_string());
                    documents.push((place, document));
                }
                Err(_) => searches.metrics.odd(),
            }
        }
        Ok(Page {
            hits: answer.hits.len(),
            last: answer.hits.last().and_then(Position::of),
            documents,
        })
    })
    .await
}

fn body(start_ns: u64, end_ns: u64, after: Option<&Position>, size: usize) -> Value {
    let range = json!({
        "gte": start_ns / 1_000_000,
        "lte": end_ns / 1_000_000,
        // so that a number is one of milliseconds, however the field is mapped
        "format": "epoch_millis",
    });
    let body = json!({
        "query": {"bool": {"filter": [{"range": {"timestamp": range}}]}},
        "size": size,
        "track_total_hits": false,
        "sort": Position::sort_by("timestamp", "date", "asc"),
    });
    with(body, "search_after", after.map(Position::and_newer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticsearch::document::dependencies::Made;

    fn document(hour: u64, scanned_ms: Option<u64>, calls: u64) -> Dependencies {
        Dependencies {
            time_ns: Some(hour * HOUR_NS),
            links: vec![DependencyLink::calls("a".into(), "b".into(), calls)],
            made: scanned_ms.map(|scanned_ms| Made {
                scanned_ms,
                ..Made::default()
            }),
        }
    }

    fn told(days: &mut Days, latest: u64) -> u64 {
        let links = days.take(latest);
        links.iter().map(|link| link.call_count).sum()
    }

    #[test]
    fn a_day_of_somebody_elses_is_told_by_theirs_and_an_hour_by_its_latest() {
        let mut days = Days::default();
        let mut add = |index: &str, id: &str, document| {
            days.add(index, id.to_owned(), document);
        };
        add("i", "spoor-1", document(1, Some(5), 1));
        add("i", "spark", document(0, None, 10));
        add("i", "spark-2", document(23, None, 20));
        // behind aliases, after a rollover
        add("i-1", "spoor-24", document(24, Some(7), 100));
        add("i-2", "spoor-24", document(24, Some(6), 200));
        add("i-2", "spoor-25", document(25, Some(6), 300));
        // of another cluster
        add("far:i", "spoor-24", document(24, Some(1), 1_000));
        assert_eq!(told(&mut days, 1), 30, "the last day may have more");
        assert_eq!(told(&mut days, 0), 1_400);
        assert_eq!(told(&mut days, 0), 0, "once");
    }

    #[test]
    fn documents_between_two_times_are_asked_for() {
        let (from, until) = (5 * HOUR_NS, 6 * HOUR_NS - 1);
        assert_eq!(
            body(from, until, None, 7),
            json!({
                "query": {"bool": {"filter": [{"range": {"timestamp":
                    {"gte": 18_000_000, "lte": 21_599_999, "format": "epoch_millis"}}}]}},
                "size": 7,
                "track_total_hits": false,
                "sort": [
                    {"timestamp": {"order": "asc", "unmapped_type": "date"}},
                    {"_seq_no": {"order": "asc", "unmapped_type": "long"}},
                ],
            })
        );
    }
}
