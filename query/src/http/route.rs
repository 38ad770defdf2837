//! Which question a path asks.
//!
//! In: the path of a URL, still percent-encoded, without the base path. Out: a [`Route`]. Segments are cut before they are decoded, so that a
//! service's name may hold an encoded `/`; one that was not encoded is put up with where nothing else can be meant. The names that metrics know
//! routes by are the paths of the API's description, and there are no others.

use http::Method;

use super::form::{unescape, unescape_path};
use crate::service::Measure;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// One of Jaeger's envelopes.
    V1(V1<'a>),
    /// One of api_v3's messages.
    V3(V3),
    /// What Spoor's own web UI asks.
    Spoor(Spoor<'a>),
    /// What instances there are, which is about none of them.
    Instances,
    /// What the API can be asked.
    OpenApi,
    /// Below `/api/`, and nothing that we know.
    UnknownApi,
    /// A file of the page.
    Asset(&'a str),
    /// The page, whatever the path: a web UI has its own.
    Page,
}

/// A question that is answered with an envelope, or with bare JSON beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum V1<'a> {
    /// One trace, by its id as written.
    Trace(&'a str),
    /// A search, or several traces by id.
    Traces,
    /// All services.
    Services,
    /// The names of a service's operations.
    ServiceOperations(String),
    /// A service's operations with their kinds.
    Operations,
    /// Who calls whom.
    Dependencies,
    /// Keep a trace, by its id as written.
    Archive(&'a str),
    /// Show traces that are sent along.
    Transform,
    /// Rates and latencies of services.
    Metrics(Measure),
    /// How close together points of these may lie.
    MinStep,
    /// The ways that calls take through a service.
    DeepDependencies,
    /// How good a service's traces are.
    QualityMetrics,
}

/// A question of api_v3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum V3 {
    /// One trace, by its id as written, decoded.
    Trace(String),
    /// A search.
    Traces,
    /// All services.
    Services,
    /// A service's operations.
    Operations,
    /// A search that is answered with a line a trace.
    TraceSummaries,
    /// Who calls whom.
    Dependencies,
}

/// A question that only Spoor has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spoor<'a> {
    /// A part of one trace, by its id as written.
    Trace(Part, &'a str),
    /// Which tags a service's spans have.
    TagKeys,
    /// Which values a tag has.
    TagValues,
    /// Where spans went.
    Ledger,
    /// Where spans can be sent to.
    Receivers,
    /// Make traces of a small shop.
    Demo,
}

/// A part of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A few numbers of each span.
    Skeleton,
    /// All of some spans.
    Spans,
    /// Which attributes there are.
    Attributes,
    /// One attribute of each span.
    Attribute,
    /// Where a text is.
    Find,
    /// Its events by time.
    Events,
}

// === impl Route ===

impl<'a> Route<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let Some(api) = path.strip_prefix("/api/") else {
            return match path.strip_prefix("/static/") {
                Some(name) => Self::Asset(name),
                None => Self::Page,
            };
        };
        match api {
            "openapi.json" => return Self::OpenApi,
            "spoor/instances" => return Self::Instances,
            _ => {}
        }
        let known = match api.split_once('/') {
            Some(("v3", rest)) => V3::of(rest).map(Self::V3),
            Some(("spoor", rest)) => Spoor::of(rest).map(Self::Spoor),
            _ => V1::of(api).map(Self::V1),
        };
        known.unwrap_or(Self::UnknownApi)
    }

    /// Whether it can be asked by this method. Jaeger's API has no HEAD.
    pub(super) fn allows(&self, method: &Method) -> bool {
        *self == Self::UnknownApi || self.allowed().split(", ").any(|one| one == method.as_str())
    }

    /// The methods that it can be asked by, for a header.
    pub(super) fn allowed(&self) -> &'static str {
        match self {
            Self::Page | Self::Asset(_) => "GET, HEAD",
            Self::V1(V1::Archive(_) | V1::Transform) | Self::Spoor(Spoor::Demo) => "POST",
            _ => "GET",
        }
    }

    /// Its name in metrics, and in the API's description.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::V1(route) => route.label(),
            Self::V3(route) => route.label(),
            Self::Spoor(route) => route.label(),
            Self::Instances => "/api/spoor/instances",
            Self::OpenApi => "/api/openapi.json",
            Self::UnknownApi => "/api",
            Self::Asset(_) => "/static",
            Self::Page => "/",
        }
    }
}

/// The only segment of `rest`.
fn one(rest: &str) -> Option<&str> {
    (!rest.is_empty() && !rest.contains('/')).then_some(rest)
}

// === impl V1 ===

impl<'a> V1<'a> {
    fn of(api: &'a str) -> Option<Self> {
        let known = match api {
            "traces" => Self::Traces,
            "services" => Self::Services,
            "operations" => Self::Operations,
            "dependencies" => Self::Dependencies,
            "transform" => Self::Transform,
            "metrics/latencies" => Self::Metrics(Measure::Latencies),
            "metrics/calls" => Self::Metrics(Measure::Calls),
            "metrics/errors" => Self::Metrics(Measure::Errors),
            "metrics/minstep" => Self::MinStep,
            "deep-dependencies" => Self::DeepDependencies,
            "quality-metrics" => Self::QualityMetrics,
            _ => return Self::with_a_name(api),
        };
        Some(known)
    }

    fn with_a_name(api: &'a str) -> Option<Self> {
        let (first, rest) = api.split_once('/')?;
        match first {
            "traces" => one(rest).map(Self::Trace),
            "archive" => one(rest).map(Self::Archive),
            "services" => {
                let name = rest.strip_suffix("/operations").filter(|s| !s.is_empty())?;
                Some(Self::ServiceOperations(unescape(name).unwrap_or_default()))
            }
            _ => None,
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Trace(_) => "/api/traces/{traceID}",
            Self::Traces => "/api/traces",
            Self::Services => "/api/services",
            Self::ServiceOperations(_) => "/api/services/{service}/operations",
            Self::Operations => "/api/operations",
            Self::Dependencies => "/api/dependencies",
            Self::Archive(_) => "/api/archive/{traceID}",
            Self::Transform => "/api/transform",
            Self::Metrics(Measure::Latencies) => "/api/metrics/latencies",
            Self::Metrics(Measure::Calls) => "/api/metrics/calls",
            Self::Metrics(Measure::Errors) => "/api/metrics/errors",
            Self::MinStep => "/api/metrics/minstep",
            Self::DeepDependencies => "/api/deep-dependencies",
            Self::QualityMetrics => "/api/quality-metrics",
        }
    }
}

// === impl V3 ===

impl V3 {
    fn of(api: &str) -> Option<Self> {
        let known = match api {
            "traces" => Self::Traces,
            "services" => Self::Services,
            "operations" => Self::Operations,
            "trace-summaries" => Self::TraceSummaries,
            "dependencies" => Self::Dependencies,
            _ => {
                let id = api.strip_prefix("traces/").and_then(one)?;
                Self::Trace(unescape_path(id).unwrap_or_default())
            }
        };
        Some(known)
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Trace(_) => "/api/v3/traces/{trace_id}",
            Self::Traces => "/api/v3/traces",
            Self::Services => "/api/v3/services",
            Self::Operations => "/api/v3/operations",
            Self::TraceSummaries => "/api/v3/trace-summaries",
            Self::Dependencies => "/api/v3/dependencies",
        }
    }
}

// === impl Spoor ===

impl<'a> Spoor<'a> {
    fn of(api: &'a str) -> Option<Self> {
        match api {
            "tag-keys" => return Some(Self::TagKeys),
            "tag-values" => return Some(Self::TagValues),
            "ledger" => return Some(Self::Ledger),
            "receivers" => return Some(Self::Receivers),
            "demo" => return Some(Self::Demo),
            _ => {}
        }
        let (id, part) = api.strip_prefix("traces/")?.split_once('/')?;
        let part = match part {
            "skeleton" => Part::Skeleton,
            "spans" => Part::Spans,
            "attributes" => Part::Attributes,
            "attribute" => Part::Attribute,
            "find" => Part::Find,
            "events" => Part::Events,
            _ => return None,
        };
        one(id).map(|id| Self::Trace(part, id))
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Trace(Part::Skeleton, _) => "/api/spoor/traces/{traceID}/skeleton",
            Self::Trace(Part::Spans, _) => "/api/spoor/traces/{traceID}/spans",
            Self::Trace(Part::Attributes, _) => "/api/spoor/traces/{traceID}/attributes",
            Self::Trace(Part::Attribute, _) => "/api/spoor/traces/{traceID}/attribute",
            Self::Trace(Part::Find, _) => "/api/spoor/traces/{traceID}/find",
            Self::Trace(Part::Events, _) => "/api/spoor/traces/{traceID}/events",
            Self::TagKeys => "/api/spoor/tag-keys",
            Self::TagValues => "/api/spoor/tag-values",
            Self::Ledger => "/api/spoor/ledger",
            Self::Receivers => "/api/spoor/receivers",
            Self::Demo => "/api/spoor/demo",
        }
    }
}

/// A path of each question that the API can be asked, with what stands for its names.
#[cfg(test)]
pub(super) const PATHS: [&str; 33] = [
    "/api/traces/a1",
    "/api/traces",
    "/api/services",
    "/api/services/a/operations",
    "/api/operations",
    "/api/dependencies",
    "/api/archive/a1",
    "/api/transform",
    "/api/metrics/latencies",
    "/api/metrics/calls",
    "/api/metrics/errors",
    "/api/metrics/minstep",
    "/api/deep-dependencies",
    "/api/quality-metrics",
    "/api/v3/traces/a1",
    "/api/v3/traces",
    "/api/v3/services",
    "/api/v3/operations",
    "/api/v3/trace-summaries",
    "/api/v3/dependencies",
    "/api/spoor/traces/a1/skeleton",
    "/api/spoor/traces/a1/spans",
    "/api/spoor/traces/a1/attributes",
    "/api/spoor/traces/a1/attribute",
    "/api/spoor/traces/a1/find",
    "/api/spoor/traces/a1/events",
    "/api/spoor/tag-keys",
    "/api/spoor/tag-values",
    "/api/spoor/instances",
    "/api/spoor/ledger",
    "/api/spoor/receivers",
    "/api/spoor/demo",
    "/api/openapi.json",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_questions() {
        let operations = |service: &str| Route::V1(V1::ServiceOperations(service.to_owned()));
        let v3 = |id: &str| Route::V3(V3::Trace(id.to_owned()));
        for (path, route) in [
            ("/api/traces", Route::V1(V1::Traces)),
            ("/api/traces/a1", Route::V1(V1::Trace("a1"))),
            ("/api/traces/%20", Route::V1(V1::Trace("%20"))),
            ("/api/traces/", Route::UnknownApi),
            ("/api/traces/a/b", Route::UnknownApi),
            ("/api/services", Route::V1(V1::Services)),
            ("/api/services/", Route::UnknownApi),
            ("/api/services/a/operations", operations("a")),
            (
                "/api/services/a+b%2Fc%20d/operations",
                operations("a b/c d"),
            ),
            ("/api/services/a/b/operations", operations("a/b")),
            ("/api/services/%zz/operations", operations("")),
            ("/api/services//operations", Route::UnknownApi),
            ("/api/services/a", Route::UnknownApi),
            ("/api/operations", Route::V1(V1::Operations)),
            ("/api/dependencies", Route::V1(V1::Dependencies)),
            ("/api/archive/a1", Route::V1(V1::Archive("a1"))),
            ("/api/metrics/calls", Route::V1(V1::Metrics(Measure::Calls))),
            ("/api/metrics/other", Route::UnknownApi),
            ("/api/v3/traces/a1", v3("a1")),
            ("/api/v3/traces/A%2F+%3D", v3("A/+=")),
            ("/api/v3/traces/", Route::UnknownApi),
            ("/api/v3/nothing", Route::UnknownApi),
            ("/api/v3/", Route::UnknownApi),
            ("/api/v3", Route::UnknownApi),
            (
                "/api/spoor/traces/a1/find",
                Route::Spoor(Spoor::Trace(Part::Find, "a1")),
            ),
            ("/api/spoor/traces/a1", Route::UnknownApi),
            ("/api/spoor/traces//find", Route::UnknownApi),
            ("/api/spoor/traces/a/b/find", Route::UnknownApi),
            ("/api/spoor/", Route::UnknownApi),
            ("/api/nothing", Route::UnknownApi),
            ("/api/", Route::UnknownApi),
            ("/static/spoor.css", Route::Asset("spoor.css")),
            ("/", Route::Page),
            ("/search", Route::Page),
            ("/apix", Route::Page),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn each_question_has_a_path_and_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            PATHS.iter().map(|path| Route::of(path).label()).collect();
        assert_eq!(names.len(), PATHS.len());
        assert!(!names.contains("/api"), "{names:?}");
    }
}
