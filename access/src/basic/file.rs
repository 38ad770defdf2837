//! The file of users, in the manner of `htpasswd`: lines of `user:digest`.
//!
//! In: a path. Out: users whose passwords can be compared, and what is wrong with other lines. bcrypt (`$2y$`, `htpasswd -B`) and SHA-1 (`{SHA}`, `htpasswd -s`, which
//! service meshes write) are known; MD5 and crypt are not.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

/// Larger files are no lists of users.
const MAX_BYTES: u64 = 1 << 20;

/// Users, each with a digest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Users {
    digests: HashMap<String, Digest>,
    problems: Vec<String>,
}

/// Of a password.
#[derive(Clone, PartialEq, Eq)]
enum Digest {
    Bcrypt(String),
    Sha1(Vec<u8>),
}

/// When a file was written, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(Option<(SystemTime, u64)>);

/// Why a file of users cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableFile {
    /// It cannot be read.
    #[error("cannot read the users in {} (access.htpasswd): {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds nobody.
    #[error("{} holds no user whose password can be compared (access.htpasswd): {problem}", .path.display())]
    Nobody {
        /// The file.
        path: PathBuf,
        /// What was found in place of users.
        problem: String,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers, without which {} is not read (access.htpasswd)", .path.display())]
    NoRandomness {
        /// The file.
        path: PathBuf,
    },
}

// === impl Users ===

impl Users {
    pub(super) fn read(path: &Path) -> Result<Self, UnusableFile> {
        let unreadable = |source| UnusableFile::Unreadable {
            path: path.to_owned(),
            source,
        };
        if fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(UnusableFile::Nobody {
                path: path.to_owned(),
                problem: format!("it is longer than {MAX_BYTES} bytes"),
            });
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        let users = Self::parse(&String::from_utf8_lossy(&bytes));
        if !users.digests.is_empty() {
            return Ok(users);
        }
        let problem = users.problems.first().cloned();
        Err(UnusableFile::Nobody {
            path: path.to_owned(),
            problem: problem
                .unwrap_or_else(|| "it is empty; `htpasswd -B FILE USER` adds one".to_owned()),
        })
    }

    fn parse(text: &str) -> Self {
        let mut users = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // the rest of a line may be secret: it is not shown
            let problem = match line.split_once(':') {
                None => "it is not user:digest".to_owned(),
                Some(("", _)) => "it names no user".to_owned(),
                Some((user, digest)) => match Digest::parse(digest.trim()) {
                    Some(digest) => {
                        users.digests.insert(user.to_owned(), digest);
                        continue;
                    }
                    None => format!(
                        "the password of \"{user}\" is neither bcrypt nor {{SHA}}: write it again with htpasswd -B"
                    ),
                },
            };
            users
                .problems
                .push(format!("line {}: {problem}", number + 1));
        }
        users
    }

    pub(super) fn len(&self) -> usize {
        self.digests.len()
    }

    /// Tells what is wrong with lines that are passed over.
    pub(super) fn tell_problems(&self, path: &Path) {
        for problem in &self.problems {
            tracing::warn!(file = %path.display(), "{problem}");
        }
    }

    /// Whether the password is this user's. Of nobody too something is compared, so that the time does not tell who there is. Blocks.
    pub(super) fn is_right(&self, user: &str, password: &str) -> bool {
        match self.digests.get(user) {
            Some(digest) => digest.is_of(password),
            None => {
                if let Some(other) = self.digests.values().next() {
                    let _: bool = other.is_of(password);
                }
                false
            }
        }
    }
}

// === impl Digest ===

impl Digest {
    fn parse(text: &str) -> Option<Self> {
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            let digest = STANDARD.decode(encoded).ok()?;
            return (digest.len() == ring::digest::SHA1_OUTPUT_LEN).then_some(Self::Sha1(digest));
        }
        let is_bcrypt = text.parse::<bcrypt::HashParts>().is_ok();
        is_bcrypt.then(|| Self::Bcrypt(text.to_owned()))
    }

    fn is_of(&self, password: &str) -> bool {
        match self {
            Self::Bcrypt(digest) => bcrypt::verify(password, digest).unwrap_or(false),
            Self::Sha1(digest) => {
                let algorithm = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
                let own = ring::digest::digest(algorithm, password.as_bytes());
                digest.as_slice().ct_eq(own.as_ref()).into()
            }
        }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(********)")
    }
}

// === impl Stamp ===

impl Stamp {
    /// Of the file that a path leads to now; none of what is not there.
    pub(super) fn of(path: &Path) -> Self {
        let found = fs::metadata(path).ok();
        Self(found.and_then(|found| Some((found.modified().ok()?, found.len()))))
    }
}

// === impl UnusableFile ===

impl UnusableFile {
    pub(super) fn no_randomness(path: &Path) -> Self {
        Self::NoRandomness {
            path: path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_cannot_be_used_cost_no_other_line() {
        let users = Users::parse(
            "# people\r\ninternal:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\r\n\nold:$apr1$x$y\nnobody\n:x\nshort:{SHA}AAAA\n",
        );
        assert!(users.is_right("internal", "password"));
        assert!(!users.is_right("internal", "Password"));
        assert!(!users.is_right("old", "password"));
        assert!(!users.is_right("", "password"));
        assert_eq!(users.len(), 1);
        let problems = users.problems.join("\n");
        assert_eq!(
            problems,
            "line 4: the password of \"old\" is neither bcrypt nor {SHA}: write it again with htpasswd -B\nline 5: it is not user:digest\nline 6: it names no user\nline 7: the password of \"short\" is neither bcrypt nor {SHA}: write it again with htpasswd -B"
        );
    }

    #[test]
    fn bcrypt_is_compared_in_each_of_its_spellings() {
        let digest = bcrypt::hash("secret", 4).unwrap();
        for version in ["$2b$", "$2y$", "$2a$"] {
            let line = format!("kiali:{}", digest.replacen("$2b$", version, 1));
            let users = Users::parse(&line);
            assert!(users.is_right("kiali", "secret"), "{version}");
            assert!(!users.is_right("kiali", "secrets"), "{version}");
        }
    }

    #[test]
    fn no_digest_is_shown() {
        let users = Users::parse("internal:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=");
        let shown = format!("{users:?}");
        assert!(
            shown.contains("********") && !shown.contains("W6ph"),
            "{shown}"
        );
    }
}
