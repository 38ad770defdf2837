//! Who may show our pages in a frame: origins, checked, as they stand in a policy of browsers.
//!
//! Source: W3C "Content Security Policy Level 3", `frame-ancestors`, of which origins with a scheme are taken, `'self'` and `'none'`.

use std::fmt;

/// Origins. `Default` is this one alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameAncestors(Vec<String>);

/// Why a text names no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no origin: give a scheme and a host, such as https://grafana.example.com or https://*.example.com:8443, or self, or none alone"
)]
pub struct InvalidOrigin(String);

// === impl FrameAncestors ===

impl FrameAncestors {
    /// Checks `origins`; no origin at all is this one.
    ///
    /// # Errors
    /// The first that is none.
    pub fn parse<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidOrigin> {
        let origins: Vec<&str> = origins.into_iter().map(str::trim).collect();
        let mut words = Vec::new();
        for text in &origins {
            let word = match *text {
                "self" | "'self'" => "'self'".to_owned(),
                "none" | "'none'" if origins.len() == 1 => "'none'".to_owned(),
                origin if is_origin(origin) => origin.to_owned(),
                other => return Err(InvalidOrigin(other.to_owned())),
            };
            if !words.contains(&word) {
                words.push(word);
            }
        }
        match words.is_empty() {
            true => Ok(Self::default()),
            false => Ok(Self(words)),
        }
    }
}

impl Default for FrameAncestors {
    fn default() -> Self {
        Self(vec!["'self'".to_owned()])
    }
}

impl fmt::Display for FrameAncestors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// `scheme://host` or `scheme://host:port`, of HTTP; the host may begin with `*.`.
fn is_origin(text: &str) -> bool {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let Some(rest) = rest else {
        return false;
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(v6) => match v6.split_once(']') {
            Some((v6, port)) if v6.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => rest.split_at(rest.find(':').unwrap_or(rest.len())),
    };
    let is_port = match port.strip_prefix(':') {
        Some("*") => true,
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => port.is_empty(),
    };
    let host = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    is_port && host.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_they_are() {
        let parsed = FrameAncestors::parse([
            "self",
            " https://grafana.example.com ",
            "http://*.example.com:8443",
            "https://[::1]:3000",
            "https://localhost:*",
            "'self'",
        ]);
        assert_eq!(
            parsed.unwrap().to_string(),
            "'self' https://grafana.example.com http://*.example.com:8443 https://[::1]:3000 https://localhost:*"
        );
        let none = FrameAncestors::parse(["none"]).unwrap();
        assert_eq!(none.to_string(), "'none'");
        let nothing = FrameAncestors::parse([]).unwrap();
        assert_eq!(nothing.to_string(), "'self'");
    }

    #[test]
    fn what_could_end_the_policy_or_widen_it_is_refused() {
        for bad in [
            "",
            "*",
            "https:",
            "https://",
            "https://*",
            "https://a b",
            "https://a;script-src *",
            "https://a,b",
            "https://a/path",
            "https://a:0",
            "https://a:99999",
            "https://[zz]",
            "javascript:alert(1)",
            "grafana.example.com",
            "https://a\r\nx: y",
            "https://*.",
        ] {
            let error = FrameAncestors::parse(["self", bad]).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("\"{}\" is no origin", bad.trim()))
            );
        }
        assert!(FrameAncestors::parse(["none", "self"]).is_err());
    }
}
