use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::flag::{AliasRule, Effect, Kind, variable};

#[test]
fn no_setting_stands_twice() {
    let mut seen = BTreeSet::new();
    for flag in all() {
        assert!(seen.insert(flag.name), "{} stands twice", flag.name);
    }
}

#[test]
fn no_two_settings_share_a_variable() {
    let mut seen = BTreeMap::new();
    for flag in all() {
        for variable in flag.variables() {
            if let Some(other) = seen.insert(variable.clone(), flag) {
                // An old spelling that differs in a dot alone is the same setting.
                let same = matches!(flag.effect, Effect::Alias { to, .. } if to == other.name);
                assert!(same, "{variable} sets {} and {}", other.name, flag.name);
            }
        }
    }
}

#[test]
fn every_flag_of_jaeger_is_known() {
    let list = include_str!("jaeger-flags.txt");
    let missing: Vec<&str> = list
        .lines()
        .filter(|line| !line.starts_with('#') && find(line).is_none())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(list.lines().count() > 300);
}

#[test]
fn every_alias_leads_to_a_setting_that_is_none() {
    for flag in all() {
        if let Effect::Alias { to, rule } = flag.effect {
            let target = find(to).unwrap_or_else(|| panic!("{} leads nowhere", flag.name));
            assert!(
                !matches!(target.effect, Effect::Alias { .. }),
                "{}",
                flag.name
            );
            assert!(
                rule == AliasRule::Port || flag.kind == target.kind,
                "{}",
                flag.name
            );
            assert!(
                rule == AliasRule::Same || target.kind == Kind::HostPort,
                "{}",
                flag.name
            );
        }
    }
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for flag in all() {
        if !flag.default.is_empty() {
            assert!(
                crate::value::Value::parse(flag.kind, flag.default).is_ok(),
                "{}",
                flag.name
            );
        }
    }
}

#[test]
fn every_setting_that_acts_says_what_it_does() {
    for flag in all() {
        match flag.effect {
            Effect::Acts => assert!(
                !flag.help.is_empty() && !flag.help.ends_with('.'),
                "{}",
                flag.name
            ),
            Effect::Accepted(words) | Effect::Refused(words) => {
                assert!(!words.is_empty() && !words.ends_with('.'), "{}", flag.name);
            }
            Effect::Alias { .. } => {}
        }
    }
}

#[test]
fn no_setting_of_today_lies_under_another() {
    // In a nested file a key holds a value or more keys, never both.
    let names: Vec<&str> = all()
        .filter(|flag| !matches!(flag.effect, Effect::Alias { .. }))
        .map(|flag| flag.name)
        .collect();
    for name in &names {
        let under = format!("{name}.");
        assert!(
            names.iter().all(|other| !other.starts_with(&under)),
            "{name}"
        );
    }
}

#[test]
fn a_variable_is_the_name_in_capitals() {
    assert_eq!(variable("es.server-urls"), "ES_SERVER_URLS");
    assert_eq!(
        variable("ingester.deadlockInterval"),
        "INGESTER_DEADLOCKINTERVAL"
    );
    assert_eq!(
        find("listen.host").map(Flag::variables),
        Some(vec![
            "LISTEN_HOST".to_owned(),
            "JAEGER_LISTEN_HOST".to_owned()
        ])
    );
}

#[test]
fn a_typo_or_a_part_leads_to_the_nearest_name() {
    for (typo, meant) in [
        ("log-lvel", Some("log-level")),
        (
            "collector.otlp.grpc.hostport",
            Some("collector.otlp.grpc.host-port"),
        ),
        ("es.server-url", Some("es.server-urls")),
        ("query.basepath", Some("query.base-path")),
        ("Log-Level", Some("log-level")),
        ("log-lvl", Some("log-level")),
        ("embedded.dir", Some("embedded.directory")),
        ("query.http.host-port", Some("query.http-server.host-port")),
        ("span-storage", Some("span-storage.type")),
        ("plaintext", Some("plaintext.listeners")),
        ("otlp.grpc.host-port", Some("collector.otlp.grpc.host-port")),
        ("base-path", Some("query.base-path")),
        ("zzz", None),
        ("", None),
        (".", None),
        ("verbose", None),
        ("output", None),
        ("kubernetes.namespace", None),
        ("hello-world", None),
        // Too many begin or end like this.
        ("query", None),
        ("tls.enabled", None),
        ("host-port", None),
    ] {
        assert_eq!(nearest(typo), meant, "{typo}");
    }
}
