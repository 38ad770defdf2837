//! Certificates, ours and those of clusters, in words; and whether instances are told apart by theirs.
//!
//! In: what certificates say of themselves. Out: findings. Whether files can be used at all is found out before this, by the code that connects.

use model::Instance;
use time::OffsetDateTime;
use trust::Facts;

use super::{Finding, Look, Verdict};
use crate::finding::certificate::{day, verdict, words};

/// What a place shows of itself.
pub(super) struct Shown {
    facts: Facts,
    setting: String,
}

/// Our certificate for this place, if it has one.
pub(super) fn own(look: &mut Look<'_>) -> Option<Shown> {
    let tls = look.place.connection.tls.as_ref()?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    if let Some(path) = &tls.ca {
        // what cannot be read is told by the code that connects
        let ended = Facts::read(path)
            .unwrap_or_default()
            .into_iter()
            .filter(|facts| facts.ends < now);
        for facts in ended {
            let setting = look.setting("tls.ca");
            look.find(
                "certificate",
                Verdict::Warning,
                format!(
                    "{} ({setting}) holds an authority that ended on {}: \"{}\"",
                    path.display(),
                    day(facts.ends),
                    facts.subject
                ),
            );
        }
    }
    let path = tls.cert.as_ref()?;
    let facts = Facts::read(path).ok()?.into_iter().next()?;
    let setting = look.setting("tls.cert");
    let text = format!("{} ({setting}) is {}", path.display(), words(&facts));
    let verdict = verdict(&facts, now);
    look.find("certificate", verdict, text);
    Some(Shown { facts, setting })
}

/// Whether two instances show the same: then a cluster cannot tell them apart.
pub(super) fn compare(shown: &[(Instance, &'static str, Shown)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, (instance, store, one)) in shown.iter().enumerate() {
        for (other, _, two) in shown.iter().skip(at + 1) {
            if instance == other {
                continue;
            }
            let mut find = |verdict, text| {
                findings.push(Finding {
                    instance: instance.clone(),
                    store,
                    subject: "certificate",
                    verdict,
                    text,
                });
            };
            if one.facts.key == two.facts.key {
                let text = format!(
                    "{instance} ({}) and {other} ({}) have the same private key, so a cluster cannot tell them apart: give each a certificate with a key of its own",
                    one.setting, two.setting
                );
                find(Verdict::Problem, text);
            } else if one.facts.subject == two.facts.subject && one.facts.issuer == two.facts.issuer
            {
                let text = format!(
                    "{instance} and {other} have certificates of the same name \"{}\" by the same authority: a cluster that goes by the name cannot tell them apart",
                    one.facts.subject
                );
                find(Verdict::Warning, text);
            } else if instance.namespace() != other.namespace()
                && one.facts.issuer == two.facts.issuer
            {
                let text = format!(
                    "{instance} and {other} have certificates by the same authority \"{}\": the cluster of one lets the other in, if it goes by the authority alone",
                    one.facts.issuer
                );
                find(Verdict::Note, text);
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use trust::PublicKey;

    use super::*;

    /// 2026-11-20T00:00:00Z
    const NOW: i64 = 1_795_132_800;

    fn facts(subject: &str, issuer: &str, key: &str) -> Facts {
        Facts {
            subject: subject.to_owned(),
            issuer: issuer.to_owned(),
            names: vec![],
            begins: NOW - 86_400,
            ends: NOW + 90 * 86_400,
            serial: "01".to_owned(),
            key: PublicKey::of(key.as_bytes()),
        }
    }

    #[track_caller]
    fn check(instances: [&str; 2], one: Facts, two: Facts, expect: Option<(Verdict, &str)>) {
        let shown = |(instance, facts): (&str, Facts)| {
            let setting = format!("{instance}.es.tls.cert");
            (
                Instance::parse(instance).unwrap(),
                "main",
                Shown { facts, setting },
            )
        };
        let [a, b] = instances;
        let found = compare(&[shown((a, one)), shown((b, two))]);
        let found: Vec<(Verdict, &str)> =
            found.iter().map(|f| (f.verdict, f.text.as_str())).collect();
        match (found[..].first(), expect) {
            (None, None) => {}
            (Some((verdict, text)), Some((expected, part))) => {
                assert_eq!(*verdict, expected);
                assert!(text.contains(part), "{text}");
            }
            (found, expect) => panic!("{found:?}, {expect:?}"),
        }
    }

    #[test]
    fn instances_that_a_cluster_cannot_tell_apart_are_named() {
        let two = ["prod/jaeger", "staging/jaeger"];
        let same_key = Some((Verdict::Problem, "the same private key"));
        check(
            two,
            facts("CN=a", "CN=x", "k"),
            facts("CN=b", "CN=y", "k"),
            same_key,
        );
        let same_name = Some((Verdict::Warning, "the same name \"CN=a\""));
        check(
            two,
            facts("CN=a", "CN=x", "k"),
            facts("CN=a", "CN=x", "l"),
            same_name,
        );
        let same_issuer = Some((Verdict::Note, "by the same authority \"CN=x\""));
        check(
            two,
            facts("CN=a", "CN=x", "k"),
            facts("CN=b", "CN=x", "l"),
            same_issuer,
        );
        check(
            two,
            facts("CN=a", "CN=x", "k"),
            facts("CN=a", "CN=y", "l"),
            None,
        );
        // within a namespace one authority is meant, and store and archive may share all
        let one = ["prod/a", "prod/b"];
        check(
            one,
            facts("CN=a", "CN=x", "k"),
            facts("CN=b", "CN=x", "l"),
            None,
        );
        let same = ["prod/a", "prod/a"];
        check(
            same,
            facts("CN=a", "CN=x", "k"),
            facts("CN=a", "CN=x", "k"),
            None,
        );
    }

    #[test]
    fn a_certificate_is_told_in_a_line() {
        let mut one = facts("CN=es", "CN=x", "k");
        one.names = ["a", "b", "c", "d", "e", "f"].map(str::to_owned).into();
        let expect = "\"CN=es\", for a, b, c, d, e and 1 more, signed by \"CN=x\", from 2026-11-19 until 2027-02-18";
        assert_eq!(words(&one), expect);
        assert!(words(&facts("CN=x", "CN=x", "k")).contains("\"CN=x\", signed by itself"));
        for (ends, expect) in [
            (-1, Verdict::Problem),
            (13, Verdict::Warning),
            (15, Verdict::Good),
        ] {
            one.ends = NOW + ends * 86_400;
            assert_eq!(verdict(&one, NOW), expect, "{ends}");
        }
    }
}
