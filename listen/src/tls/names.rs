//! TLS versions and cipher suites by the names that Go gives them, which Jaeger's flags take.
//!
//! In: names. Out: what rustls offers under them, or an error that lists the names that are valid. Source: Go `crypto/tls`, Jaeger v1.76
//! `internal/config/tlscfg`.

use rustls::crypto::ring::cipher_suite as ring;
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use settings::tls::ServerTls;

use super::Error;

/// Go's name of each suite that is offered.
const SUITES: &[(&str, SupportedCipherSuite)] = &[
    ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        ring::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    // Go's older names of two of them.
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
        ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
        ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Names that Go knows and nobody should use: CBC, RC4, 3DES, or a key exchange without forward secrecy.
const NOT_OFFERED: &[&str] = &[
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
];

/// The versions between the two settings. An older minimum than 1.2 is taken as 1.2, which it allows; an older maximum is an error.
pub(super) fn versions(
    settings: &ServerTls,
) -> Result<Vec<&'static SupportedProtocolVersion>, Error> {
    let min = minor(settings, "min-version", settings.min_version.as_deref(), 2)?;
    let max = minor(settings, "max-version", settings.max_version.as_deref(), 3)?;
    let wrong = |problem: String| {
        Err(Error::Setting {
            setting: format!("{}.max-version", settings.prefix),
            problem,
        })
    };
    if max < 2 {
        return wrong(format!("1.{max} is not offered: 1.2 or 1.3"));
    }
    if min > max {
        return wrong(format!("1.{max} is lower than min-version 1.{min}"));
    }
    Ok([(2, &TLS12), (3, &TLS13)]
        .into_iter()
        .filter(|(minor, _)| (min..=max).contains(minor))
        .map(|(_, version)| version)
        .collect())
}

fn minor(settings: &ServerTls, name: &str, value: Option<&str>, default: u8) -> Result<u8, Error> {
    match value {
        None | Some("") => Ok(default),
        Some("1.0") => Ok(0),
        Some("1.1") => Ok(1),
        Some("1.2") => Ok(2),
        Some("1.3") => Ok(3),
        Some(other) => Err(Error::Setting {
            setting: format!("{}.{name}", settings.prefix),
            problem: format!("unknown tls version {other:?}: 1.2 or 1.3"),
        }),
    }
}

/// The suites named; all when none is. As in Go, naming only suites of TLS 1.2 leaves TLS 1.3 its own.
pub(super) fn suites(settings: &ServerTls) -> Result<Vec<SupportedCipherSuite>, Error> {
    let names = settings
        .cipher_suites
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty());
    let mut chosen = names
        .map(|name| suite(settings, name))
        .collect::<Result<Vec<_>, _>>()?;
    if chosen.is_empty() {
        return Ok(rustls::crypto::ring::DEFAULT_CIPHER_SUITES.to_vec());
    }
    if chosen.iter().all(|suite| suite.tls13().is_none()) {
        chosen.extend(
            rustls::crypto::ring::DEFAULT_CIPHER_SUITES
                .iter()
                .filter(|suite| suite.tls13().is_some()),
        );
    }
    Ok(chosen)
}

fn suite(settings: &ServerTls, name: &str) -> Result<SupportedCipherSuite, Error> {
    if let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == name) {
        return Ok(*suite);
    }
    let what = if NOT_OFFERED.contains(&name) {
        "is not offered, for it is weak"
    } else {
        "is not known"
    };
    let valid = SUITES
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(", ");
    Err(Error::Setting {
        setting: format!("{}.cipher-suites", settings.prefix),
        problem: format!("cipher suite {name:?} {what}; valid are {valid}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(min: &str, max: &str, suites: &[&str]) -> ServerTls {
        ServerTls {
            prefix: "query.http.tls".to_owned(),
            min_version: Some(min.to_owned()),
            max_version: Some(max.to_owned()),
            cipher_suites: suites.iter().map(|&name| name.to_owned()).collect(),
            ..ServerTls::default()
        }
    }

    #[test]
    fn versions_lie_between_min_and_max() {
        for (min, max, expect) in [
            ("", "", Ok(2)),
            ("1.3", "", Ok(1)),
            ("1.0", "1.2", Ok(1)),
            ("1.2", "1.3", Ok(2)),
        ] {
            let found = versions(&with(min, max, &[]))
                .map(|versions| versions.len())
                .map_err(|error| error.to_string());
            assert_eq!(found, expect, "{min} {max}");
        }
        for (min, max, expect) in [
            (
                "1.3",
                "1.2",
                "query.http.tls.max-version: 1.2 is lower than min-version 1.3",
            ),
            (
                "1.0",
                "1.1",
                "query.http.tls.max-version: 1.1 is not offered: 1.2 or 1.3",
            ),
            (
                "2",
                "",
                "query.http.tls.min-version: unknown tls version \"2\": 1.2 or 1.3",
            ),
        ] {
            assert_eq!(
                versions(&with(min, max, &[])).unwrap_err().to_string(),
                expect
            );
        }
    }

    #[test]
    fn suites_of_tls_1_2_leave_tls_1_3_its_own() {
        let suites = suites(&with("", "", &["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"])).unwrap();
        assert_eq!(suites.len(), 4);
    }

    #[test]
    fn weak_and_unknown_suites_are_errors_that_list_the_valid_ones() {
        for (name, what) in [
            ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "is not offered"),
            ("TLS_FAST", "is not known"),
        ] {
            let error = suites(&with("", "", &[name])).unwrap_err().to_string();
            assert!(
                error.contains(what)
                    && error.contains(name)
                    && error.contains("TLS_AES_128_GCM_SHA256"),
                "{error}"
            );
            assert!(
                error.starts_with("query.http.tls.cipher-suites: "),
                "{error}"
            );
        }
    }
}
