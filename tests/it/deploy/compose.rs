//! `docker-compose.yml`: what its services may, what Spoor is told in it, and who sees whose keys.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use settings::ports;

use super::container::{self, Spoor};
use super::{composed, items, root, word};

/// The services that are Spoor, with the admin port of their role.
const SPOORS: [(&str, u16); 6] = [
    ("collector-1", ports::COLLECTOR_ADMIN),
    ("collector-2", ports::COLLECTOR_ADMIN),
    ("ingester-1", ports::INGESTER_ADMIN),
    ("ingester-2", ports::INGESTER_ADMIN),
    ("ingester-3", ports::INGESTER_ADMIN),
    ("query", ports::QUERY_ADMIN),
];

fn words(value: &Value, pointer: &str) -> Vec<String> {
    let words = items(value, pointer).iter().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

fn volumes(service: &Value, kind: &str) -> BTreeSet<String> {
    items(service, "/volumes")
        .iter()
        .filter(|volume| word(volume, "/type") == kind)
        .map(|volume| word(volume, "/source").to_owned())
        .collect()
}

#[test]
fn what_spoor_is_told_is_what_it_knows() {
    let compose = composed(&[]);
    let certificates = container::certificates();
    for (name, _) in SPOORS {
        let service = &compose["services"][name];
        let mut args = words(service, "/command");
        let role = args.remove(0);
        let spoor = Spoor {
            name: name.to_owned(),
            args,
            variables: container::of_the_image(),
            role,
        };
        assert_eq!(spoor.unknown(), [] as [String; 0]);
        // the file that is mounted, with the certificates where they are here
        let folder = tempfile::tempdir().unwrap();
        let file = format!("{}.yaml", spoor.role);
        let place = certificates.join(&spoor.role).display().to_string();
        let text = std::fs::read_to_string(root().join("deploy/compose").join(&file)).unwrap();
        let text = text.replace("/etc/spoor/certs", &place);
        std::fs::write(folder.path().join(&file), text).unwrap();
        let warnings = spoor.validate(&[("/etc/spoor", folder.path())]);
        assert_eq!(warnings, [] as [String; 0], "{name}");
    }
}

#[test]
fn health_is_asked_at_the_admin_port_and_nowhere_outside() {
    let compose = composed(&[]);
    for (name, admin) in SPOORS {
        let service = &compose["services"][name];
        let address = format!("127.0.0.1:{admin}");
        let command = words(service, "/command");
        assert!(
            command.contains(&format!("--admin.http.host-port={address}")),
            "{name}: {command:?}"
        );
        assert_eq!(
            words(service, "/healthcheck/test"),
            [
                "CMD",
                "/usr/bin/spoor",
                "status",
                &format!("--status.http.host-port={address}")
            ]
        );
    }
}

#[test]
fn services_have_no_rights_and_publish_on_this_machine_alone() {
    let compose = composed(&[]);
    for (name, service) in compose["services"].as_object().unwrap() {
        assert_eq!(words(service, "/cap_drop"), ["ALL"], "{name}");
        assert_eq!(
            words(service, "/security_opt"),
            ["no-new-privileges:true"],
            "{name}"
        );
        for port in items(service, "/ports") {
            assert_eq!(word(port, "/host_ip"), "127.0.0.1", "{name}: {port}");
        }
        let is_spoor = SPOORS.iter().any(|(spoor, _)| spoor == name);
        assert_eq!(
            service["read_only"] == true,
            is_spoor || name == "certificates",
            "{name}"
        );
        if is_spoor {
            assert_eq!(word(service, "/user"), "10001:0", "{name}");
        }
    }
}

/// Kafka's tools act with the broker's certificate; of all others each has its own.
#[test]
fn nobody_sees_the_keys_of_another() {
    let compose = composed(&[]);
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, service) in compose["services"].as_object().unwrap() {
        // several of one kind are one instance, with one certificate
        let kind = name
            .trim_end_matches(|c: char| c.is_ascii_digit())
            .trim_end_matches('-');
        for volume in volumes(service, "volume") {
            if name != "certificates" && name != "topics" && !volume.ends_with("-data") {
                users.entry(volume).or_default().insert(kind.to_owned());
            }
        }
    }
    let expected = [
        "collector",
        "ingester",
        "kafka",
        "opensearch-prod",
        "opensearch-staging",
        "query",
    ];
    let found: Vec<_> = users
        .iter()
        .map(|(volume, kinds)| {
            (
                volume.as_str(),
                kinds.iter().map(String::as_str).collect::<Vec<_>>(),
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|kind| (format!("{kind}-certs"), vec![*kind]))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(volume, kinds)| (volume.as_str(), kinds.clone()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_file_that_is_mounted_is_there() {
    let compose = composed(&[]);
    for (name, service) in compose["services"].as_object().unwrap() {
        for file in volumes(service, "bind") {
            assert!(std::path::Path::new(&file).exists(), "{name}: {file}");
        }
    }
}
