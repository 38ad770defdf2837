//! Users and passwords, as a mesh gives Kiali one: a file in the manner of `htpasswd`.
//!
//! In: the file (`access.htpasswd`), read again when it changes, and the `Authorization` of a request. Out: a caller, or that the two do not belong together. Which of the two was
//! wrong is not told, nor does the time tell it. Passwords are compared on blocking threads, few at a time, for bcrypt is slow on purpose; one that was right is
//! remembered by a keyed digest until the file changes.

mod file;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::caller::{Caller, Way};
use crate::random::{NoRandomness, random};
pub use file::UnusableFile;
use file::Users;

/// So often the file is looked at, at most.
const LOOK: Duration = Duration::from_secs(1);
/// So many passwords are compared at once: what others cost in CPU is bounded by it.
const AT_ONCE: usize = 2;
/// So long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many pairs are remembered.
const REMEMBERED: usize = 256;
/// Longer ones are nobody's.
const MAX_HEADER: usize = 4096;

/// Users and passwords of a file.
#[derive(Debug)]
pub struct Passwords {
    path: PathBuf,
    /// What digests of pairs are keyed with: another one in each process.
    key: [u8; 32],
    held: Mutex<Held>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Held {
    users: Arc<Users>,
    stamp: file::Stamp,
    looked: Instant,
    /// Why what is in the file now cannot be used: said once.
    refused: Option<String>,
    /// Digests of pairs that were right.
    right: HashMap<blake3::Hash, String>,
}

/// Nobody is let in by what was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongPassword {
    /// No base64 of `user:password`.
    #[error(
        "the Authorization header is no user and password: give Basic and base64 of user:password"
    )]
    Malformed,
    /// User and password do not belong together.
    #[error("wrong user or password")]
    Wrong,
    /// More requests with passwords came than can be compared.
    #[error("too many passwords are being compared: try again")]
    Busy,
}

// === impl Passwords ===

impl Passwords {
    /// Reads the file. Blocks.
    ///
    /// # Errors
    /// When it cannot be read, or holds no user whose password can be compared.
    pub fn open(path: PathBuf) -> Result<Self, UnusableFile> {
        let stamp = file::Stamp::of(&path);
        let users = Users::read(&path)?;
        users.tell_problems(&path);
        let key = random().map_err(|NoRandomness| UnusableFile::no_randomness(&path))?;
        Ok(Self {
            path,
            key,
            held: Mutex::new(Held {
                users: Arc::new(users),
                stamp,
                looked: Instant::now(),
                refused: None,
                right: HashMap::new(),
            }),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Who it is that shows `authorization`; `None`: it is of another scheme.
    ///
    /// # Errors
    /// When user and password do not belong together, or there was no turn to find out.
    pub async fn caller(&self, authorization: &str) -> Result<Option<Caller>, WrongPassword> {
        let Some(encoded) = basic(authorization) else {
            return Ok(None);
        };
        if encoded.len() > MAX_HEADER {
            return Err(WrongPassword::Malformed);
        }
        let decoded = STANDARD.decode(encoded).ok();
        let pair = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        let pair = pair.ok_or(WrongPassword::Malformed)?;
        let (user, password) = pair.split_once(':').ok_or(WrongPassword::Malformed)?;
        let digest = blake3::keyed_hash(&self.key, pair.as_bytes());
        let users = {
            let mut held = self.held.lock();
            self.look(&mut held);
            if let Some(user) = held.right.get(&digest) {
                return Ok(Some(of(user)));
            }
            held.users.clone()
        };
        let turn = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(WrongPassword::Busy);
        };
        let (asked, secret) = (user.to_owned(), password.to_owned());
        let compared = users.clone();
        let is_right = tokio::task::spawn_blocking(move || {
            let is_right = compared.is_right(&asked, &secret);
            drop(turn);
            is_right
        });
        if !is_right.await.unwrap_or(false) {
            return Err(WrongPassword::Wrong);
        }
        let mut held = self.held.lock();
        // not what was compared with a file that is no more
        if Arc::ptr_eq(&held.users, &users) {
            if held.right.len() >= REMEMBERED {
                held.right.clear();
            }
            held.right.insert(digest, user.to_owned());
        }
        Ok(Some(of(user)))
    }

    /// Reads the file again if it is another one. What cannot be used leaves what is in use.
    fn look(&self, held: &mut Held) {
        if held.looked.elapsed() < LOOK {
            return;
        }
        held.looked = Instant::now();
        let stamp = file::Stamp::of(&self.path);
        if stamp == held.stamp && held.refused.is_none() {
            return;
        }
        match Users::read(&self.path) {
            Ok(users) => {
                held.refused = None;
                held.stamp = stamp;
                if *held.users == users {
                    return;
                }
                tracing::info!(file = %self.path.display(), users = users.len(), "users and passwords were read again");
                users.tell_problems(&self.path);
                held.users = Arc::new(users);
                held.right.clear();
            }
            Err(error) => {
                let told = error.to_string();
                if held.refused.as_ref() != Some(&told) {
                    tracing::warn!("{told}: users and passwords stay as they were");
                    held.refused = Some(told);
                }
            }
        }
    }
}

/// What stands behind the scheme.
fn basic(authorization: &str) -> Option<&str> {
    let (scheme, rest) = authorization.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| rest.trim())
}

fn of(user: &str) -> Caller {
    Caller {
        name: user.to_owned(),
        groups: BTreeSet::new(),
        way: Way::Basic,
    }
}

#[cfg(test)]
mod tests;
