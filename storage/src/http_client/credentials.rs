//! What is said of ourselves with each request: one `Authorization`, never two.
//!
//! In: the settings, files with secrets, and perhaps the reader's own token or key. Out: the header's value. The first of these that is there counts: what the
//! reader brought, the API key, the bearer token, name and password. A file is read again now and then, and at once when the server does not know us; one
//! that cannot be read leaves the last value in use.
//!
//! Source: `jaegertracing/jaeger: internal/auth` v1.76.0, which sends a header for each.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use parking_lot::Mutex;
use secrecy::{ExposeSecret as _, SecretString};

use crate::elasticsearch::config::Connection;

/// Secrets are short; a larger file is none.
const MAX_FILE_BYTES: usize = 64 << 10;

pub(super) struct Credentials {
    username: String,
    password: Option<SecretString>,
    password_file: Option<File>,
    token_file: Option<File>,
    api_key_file: Option<File>,
    reload_interval: Duration,
    propagates_token: bool,
    propagates_key: bool,
    looked: Mutex<Option<Instant>>,
}

/// A file with a secret in it.
struct File {
    path: PathBuf,
    setting: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    secret: Option<SecretString>,
    /// Said once.
    failed: Option<String>,
}

// === impl Credentials ===

impl Credentials {
    pub(super) fn new(settings: &Connection) -> Self {
        let file = |path: &Option<PathBuf>, name: &str| {
            path.as_ref().map(|path| File {
                path: path.clone(),
                setting: format!("{}.{name}", settings.settings),
                known: Mutex::default(),
            })
        };
        Self {
            username: settings.username.clone(),
            password: settings.password.clone(),
            password_file: file(&settings.password_file, "password-file"),
            token_file: file(&settings.token_file, "token-file"),
            api_key_file: file(&settings.api_key_file, "api-key-file"),
            reload_interval: settings.reload_interval,
            propagates_token: settings.propagate_bearer_token,
            propagates_key: settings.propagate_api_key,
            looked: Mutex::new(None),
        }
    }

    /// Whether the reader's own are sent.
    pub(super) fn is_given(&self, given: Option<&SecretString>) -> bool {
        self.given(given).is_some()
    }

    /// The reader's own, where such are sent on: with their scheme.
    fn given(&self, given: Option<&SecretString>) -> Option<String> {
        let given = given?.expose_secret();
        let (scheme, _) = given.split_once(' ')?;
        let is_sent_on = match scheme {
            "ApiKey" => self.propagates_key,
            "Bearer" => self.propagates_token,
            _ => false,
        };
        is_sent_on.then(|| given.to_owned())
    }

    /// The header's value; none: nothing is said.
    pub(super) async fn header(&self, given: Option<&SecretString>) -> Option<String> {
        if let Some(given) = self.given(given) {
            return Some(given);
        }
        self.look().await;
        if let Some(key) = self.api_key_file.as_ref().and_then(File::secret) {
            return Some(format!("ApiKey {}", key.expose_secret()));
        }
        if let Some(token) = self.token_file.as_ref().and_then(File::secret) {
            return Some(format!("Bearer {}", token.expose_secret()));
        }
        if self.username.is_empty() {
            return None;
        }
        let password = (self.password_file.as_ref().and_then(File::secret))
            .or_else(|| self.password.clone())
            .unwrap_or_default();
        let pair = format!("{}:{}", self.username, password.expose_secret());
        Some(format!("Basic {}", BASE64.encode(pair)))
    }

    /// Looks at the files now; whether one holds something else than before.
    pub(super) async fn changed(&self) -> bool {
        *self.looked.lock() = Some(Instant::now());
        let mut changed = false;
        for file in self.files() {
            changed |= file.read().await;
        }
        changed
    }

    /// Files that cannot be read. Blocks.
    pub(super) fn check_files(&self) -> Result<(), String> {
        self.files().try_for_each(|file| {
            read(&file.path)
                .map(drop)
                .map_err(|problem| file.problem(&problem))
        })
    }

    async fn look(&self) {
        {
            let mut looked = self.looked.lock();
            let is_due = looked.is_none_or(|at| {
                !self.reload_interval.is_zero() && at.elapsed() >= self.reload_interval
            });
            // the first look is everybody's, for without it there is nothing to say
            let is_first = looked.is_none();
            if !is_due {
                return;
            }
            if !is_first {
                *looked = Some(Instant::now());
            }
        }
        self.changed().await;
    }

    fn files(&self) -> impl Iterator<Item = &File> {
        [&self.password_file, &self.token_file, &self.api_key_file]
            .into_iter()
            .flatten()
    }
}

// === impl File ===

impl File {
    fn secret(&self) -> Option<SecretString> {
        self.known.lock().secret.clone()
    }

    fn problem(&self, problem: &str) -> String {
        format!(
            "cannot read {} ({}): {problem}",
            self.path.display(),
            self.setting
        )
    }

    /// Reads it; whether it holds something else than before.
    async fn read(&self) -> bool {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || read(&path)).await;
        let mut known = self.known.lock();
        match read.unwrap_or_else(|_| Err("this process is ending".to_owned())) {
            Ok(secret) => {
                known.failed = None;
                let before = known.secret.as_ref().map(SecretString::expose_secret);
                let changed = before != Some(secret.expose_secret());
                known.secret = Some(secret);
                changed
            }
            Err(problem) => {
                if known.failed.as_ref() != Some(&problem) {
                    let kept = if known.secret.is_some() {
                        "what it held before stays in use"
                    } else {
                        "nothing is sent in its place"
                    };
                    tracing::warn!(
                        path = %self.path.display(),
                        setting = self.setting,
                        error = problem,
                        "a file with a secret cannot be read, {kept}"
                    );
                    known.failed = Some(problem);
                }
                false
            }
        }
    }
}

/// What a file holds, without the blanks around it.
fn read(path: &Path) -> Result<SecretString, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() > MAX_FILE_BYTES {
        return Err(format!("it is larger than {MAX_FILE_BYTES} bytes"));
    }
    let secret = text.trim();
    if secret.is_empty() {
        return Err("it is empty".to_owned());
    }
    if secret.contains(['\n', '\r']) {
        return Err("it holds more than one line".to_owned());
    }
    Ok(SecretString::from(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Connection {
        Connection {
            reload_interval: Duration::from_secs(3600),
            ..Connection::default()
        }
    }

    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "asked for in its place")]
    fn check(header: Option<String>, expect: Option<&str>) {
        assert_eq!(header.as_deref(), expect);
    }

    #[tokio::test]
    async fn one_of_several_ways_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            Some(path)
        };
        let mut settings = settings();
        check(Credentials::new(&settings).header(None).await, None);
        settings.username = "elastic".to_owned();
        settings.password = Some(SecretString::from("one".to_owned()));
        let basic = |pair: &str| format!("Basic {}", BASE64.encode(pair));
        let header = Credentials::new(&settings).header(None).await;
        check(header, Some(&basic("elastic:one")));
        settings.password_file = file("password", "two\n");
        let header = Credentials::new(&settings).header(None).await;
        check(header, Some(&basic("elastic:two")));
        settings.token_file = file("token", "t\r\n");
        check(
            Credentials::new(&settings).header(None).await,
            Some("Bearer t"),
        );
        settings.api_key_file = file("key", " k ");
        check(
            Credentials::new(&settings).header(None).await,
            Some("ApiKey k"),
        );
        let given = SecretString::from("Bearer mine".to_owned());
        let own = Credentials::new(&settings);
        check(own.header(Some(&given)).await, Some("ApiKey k"));
        settings.propagate_bearer_token = true;
        let given = Credentials::new(&settings).header(Some(&given)).await;
        check(given, Some("Bearer mine"));
    }

    #[tokio::test]
    async fn a_file_that_changes_is_read_again_and_one_that_goes_keeps_its_last_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "one").unwrap();
        let credentials = Credentials::new(&Connection {
            token_file: Some(path.clone()),
            ..settings()
        });
        check(credentials.header(None).await, Some("Bearer one"));
        assert!(!credentials.changed().await);
        std::fs::write(&path, "two").unwrap();
        assert!(credentials.changed().await);
        check(credentials.header(None).await, Some("Bearer two"));
        for broken in ["", "a\nb"] {
            std::fs::write(&path, broken).unwrap();
            assert!(!credentials.changed().await);
        }
        std::fs::remove_file(&path).unwrap();
        assert!(!credentials.changed().await);
        check(credentials.header(None).await, Some("Bearer two"));
        let problem = credentials.check_files().unwrap_err();
        assert!(problem.contains("es.token-file"), "{problem}");
    }
}
