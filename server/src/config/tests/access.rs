//! Who may ask and send, as an operator says it.

use super::*;

#[test]
fn what_cannot_be_is_told_with_its_setting() {
    let told = problems(
        Role::AllInOne,
        &[
            "--access.grants=group:devs reads shop",
            "--access.proxy.peers=10.0.0.0/33",
            "--access.proxy.groups-header=a b",
            "--access.oidc.issuer=id.example.com",
            "--access.oidc.algorithms=HS256",
            "--access.oidc.authorize-parameters=prompt",
            "--access.oidc.same-site=strict",
        ],
    );
    let starts = [
        "--access.grants: \"group:devs reads shop\" is no grant: it says neither read nor write",
        "--access.proxy.peers: \"10.0.0.0/33\" is no peer",
        "--access.proxy.groups-header: \"a b\" is no name of a header",
        "--access.oidc.authorize-parameters: \"prompt\" is no name=value",
        "--access.oidc.algorithms: \"HS256\"",
        "--access.oidc.same-site: \"strict\" is unknown: give lax or none",
        "--access.oidc.issuer: ",
    ];
    for part in starts {
        let is_told = told.iter().any(|told| told.starts_with(part));
        assert!(is_told, "{part}: {told:#?}");
    }
    assert_eq!(told.len(), starts.len(), "{told:#?}");
}

#[test]
fn what_lets_nobody_in_is_warned_of() {
    let told = |line: &[&str]| -> String {
        let checked = checked(Role::AllInOne, line, &[]);
        assert_eq!(checked.problems, []);
        let notes = checked.warnings.into_iter().map(|warning| warning.note);
        notes.collect::<Vec<_>>().join("\n")
    };
    let several = "--instance.by-listener=zipkin=edge/jaeger";
    let said = told(&["--access.htpasswd=users", several]);
    assert!(
        said.contains("nobody may read any until it says who"),
        "{said}"
    );
    let said = told(&["--access.htpasswd=users"]);
    assert!(!said.contains("nobody may read any"), "{said}");
    let said = told(&["--access.grants=certificate:*.shop.svc write shop"]);
    assert!(said.contains("no listener asks for one"), "{said}");
    assert!(said.contains("no line lets anybody read"), "{said}");
    let said = told(&["--access.grants=signed-in read *"]);
    assert!(
        said.contains("no line lets anybody write: all spans are refused"),
        "{said}"
    );
    let said = told(&["--access.oidc.client-id=spoor"]);
    assert!(said.contains("access.oidc.issuer is empty"), "{said}");
}

#[test]
fn an_agent_lets_others_decide() {
    let checked = checked(
        Role::Agent,
        &[
            "--access.grants=anyone write *",
            "--reporter.grpc.host-port=c:14250",
        ],
        &[],
    );
    let notes = checked.warnings.iter().map(|warning| warning.note.as_str());
    let notes: Vec<&str> = notes.collect();
    let said = "an agent hands spans on: the collector decides who may send them";
    assert!(notes.contains(&said), "{notes:#?}");
}
