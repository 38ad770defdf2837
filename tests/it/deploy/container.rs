//! One Spoor as a manifest starts it: its role, arguments and variables, asked of the program itself by `validate`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::{output, root, text};

/// How one Spoor is started.
#[derive(Debug)]
pub(super) struct Spoor {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) args: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
}

/// Certificates of `deploy/compose/certificates.sh`, made once; beside them a password.
pub(super) fn certificates() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        output(Command::new(root().join("deploy/compose/certificates.sh")).arg(folder.path()));
        std::fs::write(folder.path().join("ingester/prod/password"), "any").unwrap();
        folder
    });
    folder.path()
}

/// The variables that the image sets.
pub(super) fn of_the_image() -> Vec<(String, String)> {
    let dockerfile = text("Dockerfile");
    let line = dockerfile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("ENV "))
        .unwrap();
    line.split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

// === impl Spoor ===

impl Spoor {
    /// What it is told that Spoor does not know.
    pub(super) fn unknown(&self) -> Vec<String> {
        let variables: BTreeSet<String> = settings::flags::all()
            .flat_map(settings::flag::Flag::variables)
            // what others are made of, by the manifest itself
            .chain(["POD_NAMESPACE".to_owned()])
            .collect();
        let flags = self.args.iter().filter(|arg| {
            let name = arg.trim_start_matches("--");
            let name = name.split('=').next().unwrap_or_default();
            !arg.starts_with("--") || settings::flags::find(name).is_none()
        });
        let names = self.variables.iter().map(|(name, _)| name);
        flags
            .chain(names.filter(|name| !variables.contains(*name)))
            .map(|what| format!("{}: {what}", self.name))
            .collect()
    }

    /// Has the program look at all of it, with files in the `places` of those that it names. The warnings; none where the role is not there yet.
    #[track_caller]
    pub(super) fn validate(&self, places: &[(&str, &Path)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(format!("jaeger-{}", self.role));
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_spoor-under-test"), &program).unwrap();
        let put = |text: &str| {
            places.iter().fold(text.to_owned(), |text, (from, to)| {
                text.replace(from, &to.display().to_string())
            })
        };
        let output = Command::new(program)
            .arg("validate")
            .args(self.args.iter().map(|arg| put(arg)))
            .env_clear()
            .envs(self.variables.iter().map(|(k, v)| (k, put(v))))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "{} with {:?} and {:?}:\n{said}",
            self.name,
            self.args,
            self.variables
        );
        said.lines().map(str::to_owned).collect()
    }
}
