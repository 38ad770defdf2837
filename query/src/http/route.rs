//! Which question a path asks.
//!
//! In: the path of a URL, still percent-encoded, without the base path. Out: a [`Route`]. Segments are cut before they are decoded, so that a
//! service's name may hold an encoded `/`; one that was not encoded is put up with where nothing else can be meant.

use http::Method;

use super::form::unescape;

/// A question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
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
    /// Rates and latencies of services.
    Metrics,
    /// Below `/api/`, and nothing that we know.
    UnknownApi,
    /// A file of the page.
    Asset(&'a str),
    /// The page, whatever the path: a web UI has its own.
    Page,
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
        let one = |rest: &'a str| (!rest.is_empty() && !rest.contains('/')).then_some(rest);
        let service = |rest: &'a str| {
            let name = rest.strip_suffix("/operations").filter(|s| !s.is_empty());
            name.map(|s| unescape(s).unwrap_or_default())
        };
        match api {
            "traces" => Self::Traces,
            "services" => Self::Services,
            "operations" => Self::Operations,
            "dependencies" => Self::Dependencies,
            "metrics/latencies" | "metrics/calls" | "metrics/errors" | "metrics/minstep" => {
                Self::Metrics
            }
            _ => None
                .or_else(|| api.strip_prefix("traces/").and_then(one).map(Self::Trace))
                .or_else(|| {
                    api.strip_prefix("archive/")
                        .and_then(one)
                        .map(Self::Archive)
                })
                .or_else(|| {
                    let rest = api.strip_prefix("services/")?;
                    service(rest).map(Self::ServiceOperations)
                })
                .unwrap_or(Self::UnknownApi),
        }
    }

    /// Whether it can be asked by this method. Jaeger's API has no HEAD.
    pub(super) fn allows(&self, method: &Method) -> bool {
        match self {
            Self::Archive(_) => method == Method::POST,
            Self::UnknownApi => true,
            Self::Page | Self::Asset(_) => method == Method::GET || method == Method::HEAD,
            _ => method == Method::GET,
        }
    }

    /// Its name in metrics.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Trace(_) => "/api/traces/{traceID}",
            Self::Traces => "/api/traces",
            Self::Services => "/api/services",
            Self::ServiceOperations(_) => "/api/services/{service}/operations",
            Self::Operations => "/api/operations",
            Self::Dependencies => "/api/dependencies",
            Self::Archive(_) => "/api/archive/{traceID}",
            Self::Metrics => "/api/metrics",
            Self::UnknownApi => "/api",
            Self::Asset(_) => "/static",
            Self::Page => "/",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_questions() {
        let operations = |service: &str| Route::ServiceOperations(service.to_owned());
        for (path, route) in [
            ("/api/traces", Route::Traces),
            ("/api/traces/a1", Route::Trace("a1")),
            ("/api/traces/%20", Route::Trace("%20")),
            ("/api/traces/", Route::UnknownApi),
            ("/api/traces/a/b", Route::UnknownApi),
            ("/api/services", Route::Services),
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
            ("/api/operations", Route::Operations),
            ("/api/dependencies", Route::Dependencies),
            ("/api/archive/a1", Route::Archive("a1")),
            ("/api/metrics/calls", Route::Metrics),
            ("/api/metrics/other", Route::UnknownApi),
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
}
