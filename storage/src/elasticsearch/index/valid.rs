//! What a name of an index may hold, asked of the settings that names are made of.
//!
//! In: a prefix, a separator, names of clusters. Out: an error that names the setting.
//!
//! Source: Elasticsearch's `MetadataCreateIndexService.validateIndexOrAliasName` and `ClusterNameExpressionResolver`, 7.17.

use super::super::config::Indices;
use super::normalised;

/// Bytes of a name.
const MAX_LEN: usize = 255;
/// The longest name, but for its prefix and its three separators.
const LONGEST: usize = "jaeger-dependencies-2026112305".len();

/// A setting that no name can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--{settings}.{setting} {value:?}: {why}")]
pub(crate) struct InvalidName {
    settings: String,
    setting: &'static str,
    value: String,
    why: String,
}

/// Whether every name can be made.
pub(super) fn check(settings: &str, indices: &Indices) -> Result<(), InvalidName> {
    let invalid = |setting, value: &str, why: &str| InvalidName {
        settings: settings.to_owned(),
        setting,
        value: value.to_owned(),
        why: why.to_owned(),
    };
    let (prefix, separator) = (&indices.prefix, &indices.date_separator);
    let of_prefix = |why: &str| invalid("index-prefix", prefix, why);
    if prefix.starts_with(['-', '_', '+']) {
        return Err(of_prefix("a name of an index cannot begin so"));
    }
    part(prefix).map_err(|why| of_prefix(&why))?;
    part(separator).map_err(|why| invalid("index-date-separator", separator, &why))?;
    if normalised(prefix).len() + LONGEST + 3 * separator.len() > MAX_LEN {
        return Err(of_prefix(&format!(
            "names of indices would be longer than {MAX_LEN} bytes"
        )));
    }
    for cluster in &indices.remote_read_clusters {
        let known = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
        if cluster.is_empty() || cluster.starts_with('-') || !cluster.chars().all(known) {
            let why = "a name of a cluster has letters, digits, '-', '_', '.' and '*'";
            return Err(invalid("remote-read-clusters", cluster, why));
        }
    }
    Ok(())
}

/// Whether `text` can stand inside of a name.
fn part(text: &str) -> Result<(), String> {
    if text != text.to_lowercase() {
        return Err("names of indices have no upper-case letters".to_owned());
    }
    let forbidden = |c: char| r#"\/*?"<>| ,#:%"#.contains(c) || c.is_control() || c.is_whitespace();
    match text.chars().find(|c| forbidden(*c)) {
        Some(c) => Err(format!("names of indices have no {c:?}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(indices: &Indices, expect: &str) {
        let said = check("es", indices).unwrap_err().to_string();
        assert_eq!(said, expect);
    }

    fn with_prefix(prefix: &str) -> Indices {
        Indices {
            prefix: prefix.to_owned(),
            ..Indices::default()
        }
    }

    #[test]
    fn errors_name_the_setting_and_what_is_wrong() {
        check_error(
            &with_prefix("Shop"),
            "--es.index-prefix \"Shop\": names of indices have no upper-case letters",
        );
        check_error(
            &with_prefix("a:"),
            "--es.index-prefix \"a:\": names of indices have no ':'",
        );
        check_error(
            &with_prefix("_a"),
            "--es.index-prefix \"_a\": a name of an index cannot begin so",
        );
        check_error(
            &Indices {
                date_separator: "/".to_owned(),
                ..Indices::default()
            },
            "--es.index-date-separator \"/\": names of indices have no '/'",
        );
        check_error(
            &Indices {
                remote_read_clusters: vec!["b".to_owned(), "a:b".to_owned()],
                ..Indices::default()
            },
            "--es.remote-read-clusters \"a:b\": a name of a cluster has letters, digits, '-', '_', '.' and '*'",
        );
        assert!(
            check("es-archive", &with_prefix("a b"))
                .unwrap_err()
                .to_string()
                .starts_with("--es-archive.index-prefix")
        );
    }

    #[test]
    fn what_would_say_more_than_a_name_is_refused() {
        for prefix in [
            "a,b", "a*", "<a", "a?", "a#", "a\\", "a\"", "a|", "a\n", "a%2f", "+a", "-",
        ] {
            assert!(check("es", &with_prefix(prefix)).is_err(), "{prefix:?}");
        }
        for prefix in ["", "a", "a-", "a.b_c-1", ".hidden", "ä"] {
            assert_eq!(check("es", &with_prefix(prefix)), Ok(()), "{prefix:?}");
        }
    }

    #[test]
    fn names_are_no_longer_than_a_cluster_takes() {
        let most = MAX_LEN - LONGEST - 4;
        assert_eq!(check("es", &with_prefix(&"p".repeat(most))), Ok(()));
        assert!(check("es", &with_prefix(&"p".repeat(most + 1))).is_err());
    }
}
