//! For tests: a folder of certificates with a past, and what may happen to it.
//!
//! In: nothing. Out: two namespaces that have been used for most of a year (certificates of before a renewal and of before a roll-over are kept aside, as backups are), and a table of
//! damages to `prod/jaeger` and its authority, each with its name and with the files that may be written to mend it.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Instance;
use rcgen::{CertificateParams, KeyPair};
use time::OffsetDateTime;

use crate::authority::{Authority, Issued};
use crate::kind::Kind;
use crate::layout::Space;
use crate::member::Member;
use crate::name::Name;
use crate::reconcile::Reconciler;
use crate::roll::Stage;

pub(crate) const VALIDITY: Duration = Duration::from_secs(90 * 24 * 3600);

pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub(crate) fn days(days: i64) -> time::Duration {
    time::Duration::days(days)
}

pub(crate) fn instance(text: &str) -> Instance {
    Instance::parse(text).unwrap()
}

pub(crate) fn member(text: &str, kind: Kind) -> Member {
    Member::new(instance(text), kind)
}

pub(crate) fn reconciler(directory: &Path, members: Vec<Member>) -> Reconciler {
    Reconciler {
        directory: directory.to_owned(),
        namespace: members[0].instance.namespace().to_owned(),
        members,
        validity: VALIDITY,
    }
}

/// Everything in `namespace`.
pub(crate) fn found(directory: &Path, namespace: &str) -> Reconciler {
    Reconciler::found(directory, namespace, VALIDITY).unwrap()
}

pub(crate) fn mended(reconciler: &Reconciler, now: OffsetDateTime) {
    for outcome in reconciler.mend(now) {
        outcome.unwrap();
    }
}

pub(crate) use table::DAMAGES;

/// Where a sync costs nothing, if there is such a place: what is tested is its order, thousands of times.
pub(crate) fn room() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// `live/` with two namespaces, and beside it what they were: `rolled/` before the roll-over of prod's authority, `ended/` and `ending/` before renewals.
pub(crate) fn past() -> tempfile::TempDir {
    let folder = room();
    let live = folder.path().join("live");
    for namespace in ["prod", "staging"] {
        let mut members = Kind::ALL
            .map(|kind| member(&format!("{namespace}/jaeger"), kind))
            .to_vec();
        members.push(member(&format!("{namespace}/other"), Kind::Server));
        mended(&reconciler(&live, members), now() - days(300));
    }
    let aside = |name: &str| copy(&live, &folder.path().join(name));
    aside("rolled");
    let prod = found(&live, "prod");
    for stage in [Stage::Trust, Stage::Issue, Stage::Drop] {
        prod.roll(stage, now() - days(200)).unwrap();
    }
    aside("ended");
    mended(&prod, now() - days(70));
    aside("ending");
    mended(&prod, now());
    mended(&found(&live, "staging"), now());
    folder
}

/// Links as links, with modes.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mode = fs::metadata(from).unwrap().permissions();
    fs::set_permissions(to, mode).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else if kind.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Every file, link and folder: what it holds, who may use it, when it was changed.
pub(crate) type Snapshot = BTreeMap<PathBuf, (Vec<u8>, u32, i64)>;

/// What is not the same in both. Never the contents: there are keys among them.
pub(crate) fn changes(before: &Snapshot, after: &Snapshot) -> Vec<PathBuf> {
    let all: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let changed = all
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path));
    changed.cloned().collect()
}

pub(crate) fn snapshot(folder: &Path) -> Snapshot {
    let mut files = Snapshot::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        let content = if meta.is_dir() {
            files.extend(snapshot(&path));
            Vec::new()
        } else if meta.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        let changed = meta.ctime() * 1_000_000_000 + meta.ctime_nsec();
        files.insert(path, (content, meta.mode(), changed));
    }
    files
}

/// The changes that are not below `scope`. Folders that hold it, and the lock, may change too.
pub(crate) fn strays(
    before: &Snapshot,
    after: &Snapshot,
    live: &Path,
    scope: &str,
) -> Vec<PathBuf> {
    let scope = live.join(scope);
    let mut changed = changes(before, after);
    changed.retain(|path| {
        !path.starts_with(&scope) && !scope.starts_with(path) && !path.ends_with(".lock")
    });
    changed
}

/// Something that happens to `live/`; `past` is the folder around it.
pub(crate) struct Damage {
    pub(crate) name: &'static str,
    /// What the finding is called.
    pub(crate) word: &'static str,
    /// What may be written to mend it.
    pub(crate) scope: &'static str,
    /// The certificate and its key stay as they are.
    pub(crate) keeps_pair: bool,
    pub(crate) done: fn(&Past),
}

/// The folders, when something happens.
pub(crate) struct Past {
    /// What it was before, see [`past`].
    pub(crate) backups: PathBuf,
    pub(crate) live: PathBuf,
}

impl Past {
    fn at(&self, path: &str) -> PathBuf {
        self.live.join(path)
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.at(path)).unwrap();
    }

    /// Through links, as an editor does.
    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::write(self.at(path), content).unwrap();
    }

    /// Of `live/` or of a backup.
    fn of(&self, path: &str) -> PathBuf {
        match path.strip_prefix("live/") {
            Some(path) => self.at(path),
            None => self.backups.join(path),
        }
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.of(path)).unwrap()
    }

    fn put(&self, path: &str, of: &str) {
        self.write(path, self.read(of));
    }

    fn pair(&self, of: &str) {
        for file in ["tls.crt", "tls.key"] {
            self.put(&format!("prod/jaeger/{file}"), &format!("{of}/{file}"));
        }
    }

    fn folder(&self, of: &str) {
        fs::remove_dir_all(self.at("prod/jaeger")).unwrap();
        copy(&self.of(of), &self.at("prod/jaeger"));
    }

    fn chmod(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn issued(&self, member: &Member, names: &[&str], at: OffsetDateTime) {
        let space = Space::new(&self.live, "prod");
        let authority = Authority::load(&space, "prod", &space.authority(), now());
        let authority = authority.unwrap().unwrap();
        let names = names.iter().map(|name| name.parse::<Name>().unwrap());
        let Issued { cert, key } = authority
            .issue(member, &names.collect(), VALIDITY, at)
            .unwrap();
        self.write("prod/jaeger/tls.crt", cert);
        self.write("prod/jaeger/tls.key", key);
    }
}

impl Past {
    /// Signed by the authority for the uses of another kind, under the name of a server.
    fn disguised(&self, member: &Member, names: &[&str]) {
        let pem = String::from_utf8(self.read("live/prod/ca.crt")).unwrap();
        let key = String::from_utf8(self.read("live/prod/ca.key")).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key).unwrap());
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let (common, _) = Kind::Server.subject(&member.instance);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, common);
        params.extended_key_usages = member.kind.uses();
        params.not_before = now() - days(1);
        params.not_after = now() + days(80);
        let pair = KeyPair::generate().unwrap();
        let cert = params.signed_by(&pair, &issuer.unwrap()).unwrap();
        self.write("prod/jaeger/tls.crt", cert.pem());
        self.write("prod/jaeger/tls.key", pair.serialize_pem());
    }
}
