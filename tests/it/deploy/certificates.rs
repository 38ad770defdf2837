//! The certificates of the streaming topology: apart where namespaces are apart, and left alone by a second run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{files_below, output, root};

fn make(folder: &Path) {
    output(Command::new(root().join("deploy/compose/certificates.sh")).arg(folder));
}

fn below(folder: &Path) -> Vec<PathBuf> {
    // an absolute path takes the place of the repository's
    files_below(folder.to_str().unwrap())
}

fn verifies(authority: &Path, certificate: &Path) -> bool {
    let mut command = Command::new("openssl");
    command.args(["verify", "-CAfile"]);
    let output = command.arg(authority).arg(certificate).output().unwrap();
    output.status.success()
}

#[test]
fn namespaces_share_no_authority_and_no_key_and_a_second_run_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make(folder);
    let files = below(folder);
    let mut owners = BTreeMap::new();
    for key in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "key"))
    {
        let public = output(
            Command::new("openssl")
                .args(["pkey", "-pubout", "-in"])
                .arg(key),
        );
        if let Some(other) = owners.insert(public, key) {
            panic!("{} and {} are one key", key.display(), other.display());
        }
    }
    assert!(owners.len() >= 15, "{owners:?}");
    let authority = |name: &str| folder.join("authorities").join(name).join("ca.crt");
    for (own, other) in [("prod", "staging"), ("staging", "prod")] {
        for role in ["ingester", "query"] {
            let certificate = folder.join(role).join(own).join("tls.crt");
            assert!(verifies(&authority(own), &certificate), "{own} {role}");
            assert!(!verifies(&authority(other), &certificate), "{own} {role}");
        }
    }
    let contents = || -> Vec<Vec<u8>> { files.iter().map(|f| std::fs::read(f).unwrap()).collect() };
    let before = contents();
    make(folder);
    assert_eq!(below(folder), files);
    assert!(contents() == before, "a second run changed a file");
}
