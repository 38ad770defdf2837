//! What only we can read, and nobody can change.
//!
//! In: bytes, and what they are for. Out: text for a cookie, and back. Sealed with AES-256-GCM under a key that is derived from an operator's; what it is for, and the
//! provider and client it was made with, are part of the seal. The first key seals, all of them open.

use std::path::PathBuf;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;

use super::config::{Config, ConfigError, SessionKeys};
use crate::random::{NoRandomness, random};

/// The least that a key may have, in bytes.
const LEAST_KEY_BYTES: usize = 32;
/// What a sealed text begins with: other ways of sealing may follow.
const VERSION: u8 = 1;

/// What is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Who somebody is.
    Session,
    /// A sign-in that is under way.
    SignIn,
}

pub(super) struct Sealer {
    keys: ArcSwap<Vec<LessSafeKey>>,
    /// Where they are from, if they may change.
    files: Vec<PathBuf>,
    /// What the files held when they were last read, or why they cannot be used: a hash, and a sentence.
    last: Mutex<Last>,
    context: Vec<u8>,
    settings: String,
}

#[derive(Default)]
struct Last {
    hash: Option<[u8; 32]>,
    refused: Option<String>,
}

/// A text that nobody can guess: 32 random bytes.
pub(super) fn random_text() -> Result<String, NoRandomness> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}

/// Whether these can be keys.
pub(super) fn check<'a>(keys: impl Iterator<Item = &'a [u8]>) -> Result<(), String> {
    let mut none = true;
    for key in keys {
        none = false;
        if key.len() < LEAST_KEY_BYTES {
            return Err(format!(
                "holds a key of {} bytes: give at least {LEAST_KEY_BYTES} random ones, such as what `openssl rand -base64 32` prints",
                key.len()
            ));
        }
    }
    if none {
        return Err("names no key".to_owned());
    }
    Ok(())
}

// === impl Sealer ===

impl Sealer {
    /// Reads the files, where keys are in some. Blocks.
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError::Value {
            settings: config.settings.clone(),
            name: "session-key-files",
            problem,
        };
        let mut files = Vec::new();
        let mut last = Last::default();
        let keys = match &config.session_keys {
            SessionKeys::Random => {
                let secret = random::<32>().map_err(|error| wrong(error.to_string()))?;
                derive([&secret[..]].into_iter())
            }
            SessionKeys::Given(keys) => {
                derive(keys.iter().map(|key| key.expose_secret().as_bytes()))
            }
            SessionKeys::Files(paths) => {
                files.clone_from(paths);
                let (hash, keys) = read(paths).map_err(wrong)?;
                last.hash = Some(hash);
                Some(keys)
            }
        };
        let keys = keys.ok_or_else(|| wrong("cannot be used".to_owned()))?;
        Ok(Self {
            keys: ArcSwap::from_pointee(keys),
            files,
            last: Mutex::new(last),
            context: [&config.issuer, "\0", &config.client_id]
                .map(str::as_bytes)
                .concat(),
            settings: config.settings.clone(),
        })
    }

    /// Reads the files again. Those that cannot be used leave the last good keys in use. Blocks.
    pub(super) fn reload(&self) {
        if self.files.is_empty() {
            return;
        }
        let read = read(&self.files);
        let mut last = self.last.lock();
        match read {
            Ok((hash, keys)) => {
                last.refused = None;
                if last.hash.replace(hash) != Some(hash) {
                    self.keys.store(keys.into());
                    tracing::info!(settings = self.settings, "the keys of sessions are new");
                }
            }
            Err(problem) => {
                if last.refused.as_ref() != Some(&problem) {
                    tracing::warn!(
                        "{}.session-key-files {problem}: the last good ones stay in use",
                        self.settings
                    );
                    last.refused = Some(problem);
                }
            }
        }
    }

    pub(super) fn seal(&self, purpose: Purpose, plain: &[u8]) -> Result<String, NoRandomness> {
        let nonce = random::<NONCE_LEN>()?;
        let mut sealed = vec![VERSION];
        sealed.extend(nonce);
        let mut text = plain.to_vec();
        let keys = self.keys.load();
        let key = keys.first().ok_or(NoRandomness)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, self.about(purpose), &mut text)
            .map_err(|_| NoRandomness)?;
        sealed.extend(text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What was sealed for this purpose by one of the keys; anything else is nothing.
    pub(super) fn open(&self, purpose: Purpose, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (version, sealed) = sealed.split_first()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        if *version != VERSION {
            return None;
        }
        self.keys.load().iter().find_map(|key| {
            let mut text = Zeroizing::new(sealed.to_vec());
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let opened = key.open_in_place(nonce, self.about(purpose), &mut text);
            let length = opened.ok()?.len();
            text.truncate(length);
            Some(text)
        })
    }

    fn about(&self, purpose: Purpose) -> Aad<Vec<u8>> {
        let word: &[u8] = match purpose {
            Purpose::Session => b"session\0",
            Purpose::SignIn => b"sign-in\0",
        };
        Aad::from([word, &self.context].concat())
    }
}

/// The keys in `files`, and a hash of what the files hold.
fn read(files: &[PathBuf]) -> Result<([u8; 32], Vec<LessSafeKey>), String> {
    let mut keys = Vec::new();
    for file in files {
        let bytes = std::fs::read(file)
            .map_err(|error| format!("cannot be read from {}: {error}", file.display()))?;
        keys.push(Zeroizing::new(bytes));
    }
    let trimmed = || keys.iter().map(|key| key.trim_ascii());
    check(trimmed())?;
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    for key in trimmed() {
        hash.update(&key.len().to_be_bytes());
        hash.update(key);
    }
    let hash = hash.finish().as_ref().try_into();
    let hash = hash.map_err(|_| "cannot be used".to_owned())?;
    let keys = derive(trimmed()).ok_or_else(|| "cannot be used".to_owned())?;
    Ok((hash, keys))
}

fn derive<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Option<Vec<LessSafeKey>> {
    let salt = Salt::new(HKDF_SHA256, b"spoor sealed cookies");
    let one = |secret| {
        let derived = salt.extract(secret);
        let derived = derived.expand(&[b"aes-256-gcm"], &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(derived)))
    };
    secrets.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(keys: &[&str]) -> Config {
        let keys = keys.iter().map(|key| key.repeat(32).into()).collect();
        Config {
            issuer: "https://id".to_owned(),
            client_id: "spoor".to_owned(),
            session_keys: SessionKeys::Given(keys),
            ..Config::default()
        }
    }

    fn sealer(keys: &[&str]) -> Sealer {
        Sealer::new(&config(keys)).unwrap()
    }

    fn opened(sealer: &Sealer, text: &str) -> Option<Vec<u8>> {
        sealer
            .open(Purpose::Session, text)
            .map(|text| text.to_vec())
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = sealer(&["a"]);
        let rotating = sealer(&["b", "a"]);
        let new = sealer(&["b"]);
        let by_old = old.seal(Purpose::Session, b"x").unwrap();
        let by_rotating = rotating.seal(Purpose::Session, b"x").unwrap();
        let x = Some(b"x".to_vec());
        assert_eq!(
            [&old, &rotating, &new].map(|s| opened(s, &by_old)),
            [x.clone(), x.clone(), None]
        );
        assert_eq!(
            [&old, &rotating, &new].map(|s| opened(s, &by_rotating)),
            [None, x.clone(), x]
        );
    }

    #[test]
    fn a_seal_is_for_one_purpose_one_provider_and_one_client() {
        let one = sealer(&["a"]);
        let text = one.seal(Purpose::Session, b"x").unwrap();
        assert!(one.open(Purpose::SignIn, &text).is_none());
        let issuer = |c: &mut Config| c.issuer = "https://other".to_owned();
        let client = |c: &mut Config| c.client_id = "other".to_owned();
        for change in [issuer as fn(&mut Config), client] {
            let mut config = config(&["a"]);
            change(&mut config);
            assert_eq!(opened(&Sealer::new(&config).unwrap(), &text), None);
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_opens_nothing() {
        let one = sealer(&["a"]);
        let text = one.seal(Purpose::Session, b"somebody").unwrap();
        for at in 0..text.len() {
            for bit in 0..7 {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert_eq!(opened(&one, &changed), None, "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn two_processes_with_random_keys_open_nothing_of_each_other() {
        let random = || Sealer::new(&Config::default()).unwrap();
        let (a, b) = (random(), random());
        let text = a.seal(Purpose::Session, b"x").unwrap();
        assert_eq!(opened(&a, &text), Some(b"x".to_vec()));
        assert_eq!(opened(&b, &text), None);
    }

    #[test]
    fn keys_in_files_are_read_again_and_bad_ones_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let mut config = config(&["a"]);
        config.session_keys = SessionKeys::Files(vec![file.clone()]);
        let said = Sealer::new(&config).err().unwrap().to_string();
        assert!(
            said.contains("oidc.session-key-files cannot be read from"),
            "{said}"
        );
        std::fs::write(&file, "a".repeat(32) + "\n").unwrap();
        let one = Sealer::new(&config).unwrap();
        let text = one.seal(Purpose::Session, b"x").unwrap();
        // white space at the end is no part of it
        assert_eq!(opened(&sealer(&["a"]), &text), Some(b"x".to_vec()));
        std::fs::write(&file, "short").unwrap();
        one.reload();
        assert_eq!(opened(&one, &text), Some(b"x".to_vec()));
        std::fs::write(&file, "b".repeat(32)).unwrap();
        one.reload();
        assert_eq!(opened(&one, &text), None);
    }
}
