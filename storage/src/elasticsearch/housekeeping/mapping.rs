//! A template in words, for whoever puts it there by other means.
//!
//! In: which one, and how indices are made. Out: the body of the request that puts it. No cluster is asked.
//!
//! Source: `jaegertracing/jaeger: cmd/esmapping-generator` v1.76.0.

use serde_json::Value;

use super::super::config::Indices;
use super::super::index::Names;
use super::super::template;
use crate::http_client::{Flavour, Product};

/// The templates that can be asked for.
const KINDS: [&str; 4] = [
    "jaeger-span",
    "jaeger-service",
    "jaeger-dependencies",
    "jaeger-sampling",
];

/// The template `kind` for a version of Elasticsearch; OpenSearch counts as 7.
///
/// # Errors
/// A kind that is none, or a prefix that cannot be.
pub fn mapping(kind: &str, indices: &Indices, version: u8) -> Result<Value, String> {
    if !KINDS.contains(&kind) {
        return Err(format!(
            "\"{kind}\" is no mapping: give one of {}",
            KINDS.join(", ")
        ));
    }
    let names = Names::new("es", indices).map_err(|error| error.to_string())?;
    let flavour = Flavour {
        product: Product::Elasticsearch,
        major: version,
    };
    let name = format!("{}{kind}", names.prefix());
    let mut all = template::all(indices, &names, flavour).into_iter();
    let found = all.find(|template| template.path.last() == Some(&name));
    found
        .map(|template| template.body)
        .ok_or_else(|| format!("an archive has no mapping \"{kind}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_what_a_start_would_put() {
        let indices = Indices {
            prefix: "p".to_owned(),
            shards: 3,
            use_ilm: true,
            ..Indices::default()
        };
        for kind in KINDS {
            let seven = mapping(kind, &indices, 7).unwrap();
            assert_eq!(
                seven["index_patterns"],
                serde_json::json!([format!("p-{kind}-*")])
            );
            assert_eq!(seven["settings"]["index"]["number_of_shards"], 3);
            assert_eq!(
                seven["settings"]["index"]["lifecycle"]["rollover_alias"],
                format!("p-{kind}-write")
            );
            let eight = mapping(kind, &indices, 8).unwrap();
            assert_eq!(eight["template"]["mappings"], seven["mappings"]);
        }
        assert!(
            mapping("spoor-lease", &indices, 7)
                .unwrap_err()
                .contains("jaeger-service")
        );
    }
}
