//! Files for a configuration, in a folder that goes with them.

use super::*;

/// Files in a folder that goes with it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// A certificate and its key: `tls.crt` and `tls.key` under `name`.
    pub(super) fn pair(&self, name: &str) -> rcgen::CertifiedKey<rcgen::KeyPair> {
        let pair = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
        self.write(&format!("{name}/tls.crt"), &pair.cert.pem());
        self.write(
            &format!("{name}/tls.key"),
            &pair.signing_key.serialize_pem(),
        );
        pair
    }
}

/// A file for `--config-file`, in a folder that goes with it.
pub(super) struct Setup {
    pub(super) folder: Folder,
    pub(super) path: String,
}

impl Setup {
    /// `DIR` in the text is the folder.
    pub(super) fn new(text: &str) -> Self {
        Self::with(Folder::new(), text)
    }

    pub(super) fn with(folder: Folder, text: &str) -> Self {
        let text = text.replace("DIR", &folder.path().display().to_string());
        let path = folder.write("spoor.yaml", &text);
        Self { folder, path }
    }

    pub(super) fn checked(&self, line: &[&str]) -> Checked {
        let file = format!("--config-file={}", self.path);
        checked(Role::Collector, &[&[TYPE, &file], line].concat(), &[])
    }

    #[track_caller]
    pub(super) fn stores(&self, line: &[&str]) -> Vec<elasticsearch::Config> {
        let checked = self.checked(line);
        assert_eq!(checked.problems, []);
        checked.config.unwrap().storage.elasticsearch
    }

    /// With the file as `F` and the folder as `DIR`.
    pub(super) fn short(&self, text: &str) -> String {
        let folder = self.folder.path().display().to_string();
        text.replace(&self.path, "F").replace(&folder, "DIR")
    }

    #[track_caller]
    pub(super) fn tells(&self, line: &[&str], expect: &[&str]) {
        let problems = self.checked(line).problems;
        let told = problems
            .iter()
            .map(|problem| self.short(&problem.to_string()));
        assert_eq!(told.collect::<Vec<_>>(), expect);
    }

    #[track_caller]
    pub(super) fn warns(&self, line: &[&str], expect: &[&str]) {
        let checked = self.checked(line);
        assert_eq!(checked.problems, []);
        let warned = checked
            .warnings
            .iter()
            .map(|warning| self.short(&warning.to_string()));
        assert_eq!(warned.collect::<Vec<_>>(), expect);
    }
}

pub(super) const RULES: [&str; 2] = [
    "--instance.default=prod/jaeger",
    "--instance.by-listener=otlp-http=staging/jaeger",
];

/// Two namespaces, and in each an instance of one name: what each has is its own, down to the key.
const TWO: &str = "
es: {server-urls: 'https://es:9200', tls: {enabled: true}}
instances:
- namespace: prod
  es: {index-prefix: prod, username: p, password: canary, tls: {ca: DIR/prod/tls.crt, cert: DIR/prod/tls.crt, key: DIR/prod/tls.key}}
  es-archive: {enabled: true}
- namespace: staging
  es: {index-prefix: staging, tls: {ca: DIR/staging/tls.crt, cert: DIR/staging/tls.crt, key: DIR/staging/tls.key}}
";

pub(super) fn two() -> Setup {
    let folder = Folder::new();
    folder.pair("prod");
    folder.pair("staging");
    Setup::with(folder, TWO)
}
