//! TLS of a listener: loaded before it binds, taken up anew whenever a file changes.
//!
//! In: [`ServerTls`], paths of PEM files. Out: a rustls configuration for each connection that is accepted, and word to the connections that are
//! open when the authority is gone that vouched for their client. It makes no certificates. Only TLS 1.2 and 1.3.
//!
//! A set of files that cannot be used keeps the last good one in use and says so, once for each change. Session tickets die with the set they were
//! made under, and are not given at all where clients show certificates.

mod error;
mod files;
mod material;
mod names;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use rustls_pki_types::CertificateDer;
use settings::tls::ServerTls;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

pub use error::Error;

use crate::metrics::Counters;
use files::Files;
use material::Material;

/// The files are compared at least this often, for a removed authority must be refused within a second and file events get lost.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A change is taken up when the files have been still for this long: they are rarely replaced all at once.
const SETTLE: Duration = Duration::from_millis(40);

/// How often we wait for the files to be still before we take them as they are.
const SETTLE_ATTEMPTS: usize = 5;

/// Whether a listener could start with these settings: reads and checks all files, just as a start does. Blocks, and keeps nothing.
///
/// # Errors
/// The one that the start would fail with.
pub fn check(settings: &ServerTls) -> Result<(), Error> {
    material_of(settings).map(drop)
}

fn material_of(settings: &ServerTls) -> Result<Material, Error> {
    Files::read(settings).and_then(|files| Material::build(settings, &files))
}

/// The certificates of one listener.
#[derive(Debug)]
pub(crate) struct Keeper {
    settings: ServerTls,
    current: Arc<ArcSwap<Material>>,
    changed: watch::Sender<()>,
    counters: Arc<Counters>,
}

impl Keeper {
    /// Reads and checks all files.
    pub(crate) async fn load(settings: ServerTls, counters: Arc<Counters>) -> Result<Self, Error> {
        let (settings, material) = blocking(move || {
            let material = material_of(&settings);
            (settings, material)
        })
        .await;
        let material = material?;
        if material.has_ended() {
            tracing::warn!(listener = counters.listener, setting = %format!("{}.cert", settings.prefix), "the certificate has expired: clients will refuse it");
        }
        counters.certificate_ends(material.not_after);
        Ok(Self {
            settings,
            current: Arc::new(ArcSwap::from_pointee(material)),
            changed: watch::channel(()).0,
            counters,
        })
    }

    /// For one new connection, with the files as they are now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.current.load().config))
    }

    /// Learns of changes from now on; to be called before [`acceptor`](Self::acceptor), so that none is missed.
    pub(crate) fn watch(&self) -> Watching {
        let changed = self.changed.subscribe();
        Watching {
            authorities: self.current.load().authorities,
            current: Arc::clone(&self.current),
            changed,
        }
    }

    /// Takes up changed files for as long as it is polled.
    pub(crate) async fn keep(&self) -> Infallible {
        let (events, mut changes) = mpsc::channel(1);
        let _watcher = self.watch_folders(events);
        let look_every = match self.settings.reload_interval {
            interval if interval.is_zero() => LOOK_EVERY,
            interval => interval.min(LOOK_EVERY),
        };
        let mut tried = self.current.load().fingerprint;
        loop {
            // An event or the next look, whichever comes first. Events are awaited a little together, for a busy folder has many.
            match tokio::time::timeout(look_every, changes.recv()).await {
                Ok(Some(())) => tokio::time::sleep(SETTLE).await,
                // Nobody watches.
                Ok(None) => tokio::time::sleep(look_every).await,
                Err(_) => {}
            }
            self.look(&mut tried).await;
        }
    }

    /// Takes the files up if they differ from those tried last.
    async fn look(&self, tried: &mut u64) {
        let mut read = self.read().await;
        if fingerprint(&read) == *tried {
            return;
        }
        for _ in 0..SETTLE_ATTEMPTS {
            tokio::time::sleep(SETTLE).await;
            let again = self.read().await;
            let still = fingerprint(&again) == fingerprint(&read);
            read = again;
            if still {
                break;
            }
        }
        if fingerprint(&read) == *tried {
            return;
        }
        *tried = fingerprint(&read);
        let settings = self.settings.clone();
        let built =
            blocking(move || read.and_then(|files| Material::build(&settings, &files))).await;
        let listener = self.counters.listener;
        let built = built.and_then(|material| {
            if material.has_ended() {
                Err(material.ended(&self.settings))
            } else {
                Ok(material)
            }
        });
        match built {
            Ok(material) => {
                tracing::info!(listener, "took up changed tls files");
                self.counters.certificate_ends(material.not_after);
                self.current.store(Arc::new(material));
                self.changed.send_replace(());
                self.counters.reloaded(true);
            }
            Err(error) => {
                tracing::error!(listener, %error, "cannot use the changed tls files, keeping the last good ones");
                self.counters.reloaded(false);
            }
        }
    }

    async fn read(&self) -> Result<Files, Error> {
        let settings = self.settings.clone();
        blocking(move || Files::read(&settings)).await
    }

    /// Watches folders, not files: Kubernetes swaps a link beside them, and editors replace files by renaming.
    fn watch_folders(&self, events: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
        let listener = self.counters.listener;
        let seen = move |event: notify::Result<notify::Event>| {
            // Our own reading is an event too, and must not make us read. A full queue already says what there is to say.
            if event.is_ok_and(|event| !event.kind.is_access()) {
                events.try_send(()).ok();
            }
        };
        let mut watcher = match notify::recommended_watcher(seen) {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(listener, %error, "cannot watch tls files for changes, only comparing them now and then");
                return None;
            }
        };
        let ServerTls {
            cert,
            key,
            client_ca,
            ..
        } = &self.settings;
        let mut folders: Vec<&Path> = [cert, key, client_ca]
            .into_iter()
            .flatten()
            .filter_map(|path| path.parent())
            .collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders {
            let folder = if folder.as_os_str().is_empty() {
                Path::new(".")
            } else {
                folder
            };
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive) {
                tracing::warn!(listener, folder = %folder.display(), %error, "cannot watch this folder, only comparing its files now and then");
            }
        }
        Some(watcher)
    }
}

/// Files that cannot be read differ from all that can, and by their error.
fn fingerprint(read: &Result<Files, Error>) -> u64 {
    match read {
        Ok(files) => files.fingerprint(),
        Err(error) => xxhash_rust::xxh3::xxh3_64(error.to_string().as_bytes()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("reading certificates does not panic, and the runtime outlives its listeners")
}

/// News of changed files.
#[derive(Debug)]
pub(crate) struct Watching {
    authorities: u64,
    current: Arc<ArcSwap<Material>>,
    changed: watch::Receiver<()>,
}

/// A connection whose client proved who it is.
#[derive(Debug)]
pub(crate) struct Session {
    watching: Watching,
    chain: Vec<CertificateDer<'static>>,
}

impl Session {
    /// `None` when the client showed no certificate.
    pub(crate) fn new(watching: Watching, chain: &[CertificateDer<'static>]) -> Option<Self> {
        (!chain.is_empty()).then(|| Self {
            watching,
            chain: chain.to_vec(),
        })
    }

    /// Ends when the client's certificate would not be accepted any more.
    pub(crate) async fn revoked(&mut self) {
        let Watching {
            authorities,
            current,
            changed,
        } = &mut self.watching;
        loop {
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let material = current.load();
            // A new leaf of ours says nothing about the client.
            if material.authorities == *authorities {
                continue;
            }
            *authorities = material.authorities;
            if !material.vouches_for(&self.chain) {
                return;
            }
        }
    }
}
