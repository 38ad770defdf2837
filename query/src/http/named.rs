//! The instance that a path names: `/ns/{namespace}/{name}` stands before any path of the API, of the page and of its files.
//!
//! In: the path of a URL, still percent-encoded, without the base path. Out: the instance, and the path behind it. Segments are cut before they are decoded, as
//! everywhere. What is no instance's name is told from what names none, so that it is never taken for a page of the UI. Who may see it is not decided here.

use model::Instance;
use trust::Astray;

use super::form::unescape_path;

/// What stands before the two names.
const PREFIX: &str = "/ns/";

/// A path, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path<'a> {
    /// What it names.
    pub(super) named: Named,
    /// The path behind that, which begins with `/`.
    pub(super) rest: &'a str,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Nothing.
    Nothing,
    /// This.
    One(Instance),
    /// What can be nobody's name.
    Nobody,
}

// === impl Path ===

impl<'a> Path<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        let Some(names) = path.strip_prefix(PREFIX) else {
            return match path {
                "/ns" => Self::nobodys("/"),
                rest => Self {
                    named: Named::Nothing,
                    rest,
                },
            };
        };
        let Some((namespace, behind)) = names.split_once('/') else {
            return Self::nobodys("/");
        };
        let (name, rest) = match behind.find('/') {
            Some(at) => behind.split_at(at),
            None => (behind, "/"),
        };
        let names = (unescape_path(namespace), unescape_path(name));
        match names {
            // one instance is not inside of another
            _ if rest.starts_with(PREFIX) => Self::nobodys("/"),
            (Some(namespace), Some(name)) => match Instance::new(&namespace, &name) {
                Ok(instance) => Self {
                    named: Named::One(instance),
                    rest,
                },
                Err(_) => Self::nobodys(rest),
            },
            _ => Self::nobodys(rest),
        }
    }

    fn nobodys(rest: &'a str) -> Self {
        Self {
            named: Named::Nobody,
            rest,
        }
    }
}

// === impl Named ===

impl Named {
    /// The instance, if one is named.
    ///
    /// # Errors
    /// When there can be none by that name.
    pub(super) fn instance(&self) -> Result<Option<&Instance>, Astray> {
        match self {
            Self::Nothing => Ok(None),
            Self::One(instance) => Ok(Some(instance)),
            Self::Nobody => Err(Astray::Elsewhere),
        }
    }
}

/// What stands before every path of `instance`, or of none.
pub(super) fn prefix(instance: Option<&Instance>) -> String {
    match instance {
        Some(instance) => format!("{PREFIX}{instance}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, named: &str, rest: &str) {
        let named = Named::One(Instance::parse(named).unwrap());
        assert_eq!(Path::of(path), Path { named, rest }, "{path}");
    }

    #[test]
    fn an_instance_stands_before_any_path() {
        let acme = "acme/jaeger-1";
        check("/ns/acme/jaeger-1/api/services", acme, "/api/services");
        check("/ns/acme/jaeger-1/", acme, "/");
        check("/ns/acme/jaeger-1", acme, "/");
        check("/ns/%61cme/jaeger%2D1/search", acme, "/search");
        check("/ns/acme/jaeger-1/static/a.js", acme, "/static/a.js");
        // decoded later, by whoever knows what it is
        check(
            "/ns/acme/jaeger-1/api/services/a%2Fb/operations",
            acme,
            "/api/services/a%2Fb/operations",
        );
        let back = Path::of(&prefix(Some(&Instance::default()))).named;
        assert_eq!(back, Named::One(Instance::default()));
        assert_eq!(prefix(None), "");
    }

    #[test]
    fn other_paths_name_nothing() {
        for path in ["/", "/api/services", "/nsx/a/b", "/search", "/NS/a/b"] {
            let named = Named::Nothing;
            assert_eq!(Path::of(path), Path { named, rest: path });
        }
    }

    #[test]
    fn what_is_no_name_is_nobodys() {
        for path in [
            "/ns",
            "/ns/",
            "/ns/acme",
            "/ns/acme/",
            "/ns//jaeger/api/services",
            "/ns/Acme/jaeger/api/services",
            "/ns/acme%2Fjaeger/x/api/services",
            "/ns/acme/a%2Fb/api/services",
            "/ns/acme/%zz/api/services",
            "/ns/../acme/api/services",
            "/ns/acme/../../api/services",
            "/ns/acme/jaeger+/api/services",
            "/ns/acme/jaeger/ns/shop/jaeger/api/services",
        ] {
            assert_eq!(Path::of(path).named, Named::Nobody, "{path}");
        }
    }
}
