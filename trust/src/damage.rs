//! For tests: a folder of certificates with a past, and what may happen to it.
//!
//! In: nothing. Out: two namespaces that have been used for most of a year (certificates of before a renewal and of before a roll-over are kept aside, as backups are), and a table of
//! damages to `prod/jaeger` and its authority, each with its name and with the files that may be written to mend it.

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

fn server() -> Member {
    member("prod/jaeger", Kind::Server)
}

fn all_names(without: &[&str]) -> Vec<String> {
    let names = server().names.into_iter().map(|name| name.to_string());
    names
        .filter(|name| !without.iter().any(|w| name.ends_with(w)))
        .collect()
}

fn issue_without(past: &Past, without: &[&str]) {
    let names = all_names(without);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    past.issued(&server(), &names, now());
}

const PAIR: &str = "prod/jaeger";

const fn pair(name: &'static str, word: &'static str, done: fn(&Past)) -> Damage {
    Damage {
        name,
        word,
        scope: PAIR,
        keeps_pair: false,
        done,
    }
}

const fn beside(
    name: &'static str,
    word: &'static str,
    scope: &'static str,
    done: fn(&Past),
) -> Damage {
    Damage {
        name,
        word,
        scope,
        keeps_pair: true,
        done,
    }
}

/// What is mended.
pub(crate) const DAMAGES: &[Damage] = &[
    pair("certificate deleted", "missing", |p| {
        p.remove("prod/jaeger/tls.crt");
    }),
    pair("key deleted", "missing", |p| {
        p.remove("prod/jaeger/tls.key");
    }),
    pair("secret deleted", "missing", |p| {
        fs::remove_dir_all(p.at("prod/jaeger")).unwrap();
    }),
    pair("link to the set deleted", "missing", |p| {
        p.remove("prod/jaeger/..data");
    }),
    pair("set emptied", "missing", |p| {
        let set = fs::canonicalize(p.at("prod/jaeger/..data")).unwrap();
        for file in ["tls.crt", "tls.key", "ca.crt"] {
            fs::remove_file(set.join(file)).unwrap();
        }
    }),
    pair("certificate emptied", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", "");
    }),
    pair("certificate overwritten by words", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", "junk");
    }),
    pair("certificate overwritten by bytes", "unreadable", |p| {
        p.write("prod/jaeger/tls.crt", [0xff, 0xfe]);
    }),
    pair("certificate cut in half", "unreadable", |p| {
        let whole = p.read("live/prod/jaeger/tls.crt");
        p.write("prod/jaeger/tls.crt", &whole[..whole.len() / 2]);
    }),
    pair("a broken certificate behind it", "unreadable", |p| {
        let mut whole = p.read("live/prod/jaeger/tls.crt");
        whole.extend(b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
        p.write("prod/jaeger/tls.crt", whole);
    }),
    pair("certificate is a folder", "unreadable", |p| {
        p.remove("prod/jaeger/tls.crt");
        fs::create_dir(p.at("prod/jaeger/tls.crt")).unwrap();
    }),
    pair("key overwritten by words", "unreadable", |p| {
        p.write("prod/jaeger/tls.key", "junk");
    }),
    pair("key cut in half", "unreadable", |p| {
        let whole = p.read("live/prod/jaeger/tls.key");
        p.write("prod/jaeger/tls.key", &whole[..whole.len() / 2]);
    }),
    pair("key of a neighbour", "mismatched-pair", |p| {
        p.put("prod/jaeger/tls.key", "live/prod/other/tls.key");
    }),
    pair("certificate of a neighbour", "mismatched-pair", |p| {
        p.put("prod/jaeger/tls.crt", "live/prod/other/tls.crt");
    }),
    pair(
        "certificate restored without its key",
        "mismatched-pair",
        |p| p.put("prod/jaeger/tls.crt", "ending/prod/jaeger/tls.crt"),
    ),
    pair("pair of a neighbour", "wrong-subject", |p| {
        p.pair("live/prod/other");
    }),
    pair("pair of its client", "wrong-subject", |p| {
        p.pair("live/prod/jaeger.client");
    }),
    pair(
        "pair of the namesake in another namespace",
        "wrong-issuer",
        |p| p.pair("live/staging/jaeger"),
    ),
    pair(
        "folder of the namesake in another namespace",
        "wrong-issuer",
        |p| p.folder("live/staging/jaeger"),
    ),
    pair("names of another namespace", "wrong-san", |p| {
        p.issued(
            &server(),
            &[
                "jaeger-collector.staging.svc",
                "jaeger-collector.staging.svc.cluster.local",
            ],
            now(),
        );
    }),
    pair("no full names", "wrong-san", |p| {
        issue_without(p, &[".svc.cluster.local"]);
    }),
    pair("no namespaced names", "wrong-san", |p| {
        issue_without(p, &[".svc"]);
    }),
    pair("no addresses", "wrong-san", |p| {
        issue_without(p, &["127.0.0.1", "::1"]);
    }),
    pair("for clients alone", "refused", |p| {
        let kind = Kind::Client;
        let named = all_names(&[]);
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        // the uses of a client's under the subject of a server
        p.disguised(&Member { kind, ..server() }, &named);
    }),
    pair("signed by itself", "wrong-issuer", |p| {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(all_names(&[])).unwrap();
        p.write(
            "prod/jaeger/tls.crt",
            params.self_signed(&key).unwrap().pem(),
        );
        p.write("prod/jaeger/tls.key", key.serialize_pem());
    }),
    pair("restored, its time over", "expired", |p| {
        p.pair("ended/prod/jaeger");
    }),
    pair("folder restored, its time over", "expired", |p| {
        p.folder("ended/prod/jaeger");
    }),
    pair("restored, little time left", "short-life", |p| {
        p.pair("ending/prod/jaeger");
    }),
    pair(
        "restored, of the authority of before",
        "wrong-issuer",
        |p| p.pair("rolled/prod/jaeger"),
    ),
    pair(
        "folder restored, of the authority of before",
        "wrong-issuer",
        |p| p.folder("rolled/prod/jaeger"),
    ),
    pair("made when the clock was ahead", "not-yet-valid", |p| {
        let names = all_names(&[]);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        p.issued(&server(), &names, now() + days(30));
    }),
    pair("files in the place of links", "mismatched-pair", |p| {
        for (file, of) in [("tls.crt", "prod/other"), ("tls.key", "staging/other")] {
            let path = format!("prod/jaeger/{file}");
            p.remove(&path);
            p.put(&path, &format!("live/{of}/{file}"));
        }
    }),
    pair(
        "a folder in the place of the link to the set",
        "unreadable",
        |p| {
            p.remove("prod/jaeger/..data");
            fs::create_dir(p.at("prod/jaeger/..data")).unwrap();
            for file in ["tls.crt", "tls.key", "ca.crt"] {
                p.write(&format!("prod/jaeger/..data/{file}"), "junk");
            }
        },
    ),
    Damage {
        name: "certificate of the nodes deleted",
        word: "missing",
        scope: "prod/jaeger.node",
        keeps_pair: true,
        done: |p| p.remove("prod/jaeger.node/tls.crt"),
    },
    Damage {
        name: "key of the client is the server's",
        word: "mismatched-pair",
        scope: "prod/jaeger.client",
        keeps_pair: true,
        done: |p| p.put("prod/jaeger.client/tls.key", "live/prod/jaeger/tls.key"),
    },
    beside(
        "copy of the authority deleted",
        "wrong-ca-copy",
        PAIR,
        |p| p.remove("prod/jaeger/ca.crt"),
    ),
    beside(
        "copy of the authority emptied",
        "wrong-ca-copy",
        PAIR,
        |p| p.write("prod/jaeger/ca.crt", ""),
    ),
    beside("copy of another authority", "wrong-ca-copy", PAIR, |p| {
        p.put("prod/jaeger/ca.crt", "live/staging/ca.crt");
    }),
    beside(
        "an authority added to the copy",
        "wrong-ca-copy",
        PAIR,
        |p| {
            let mut both = p.read("live/prod/ca.crt");
            both.extend(p.read("live/staging/ca.crt"));
            p.write("prod/jaeger/ca.crt", both);
        },
    ),
    beside(
        "copy restored, of the authority of before",
        "wrong-ca-copy",
        PAIR,
        |p| p.put("prod/jaeger/ca.crt", "rolled/prod/ca.crt"),
    ),
    beside("key readable by others", "wrong-mode", PAIR, |p| {
        p.chmod("prod/jaeger/tls.key", 0o644);
    }),
    beside("key writable by others", "wrong-mode", PAIR, |p| {
        p.chmod("prod/jaeger/tls.key", 0o666);
    }),
    beside("an unfinished set", "leftover", PAIR, |p| {
        fs::create_dir(p.at("prod/jaeger/..17")).unwrap();
        p.write("prod/jaeger/..17/tls.key", "half");
        p.write("prod/jaeger/tls.crt.new", "half");
    }),
    beside(
        "an unfinished certificate of the authority",
        "leftover",
        "prod/ca.crt.new",
        |p| p.write("prod/ca.crt.new", "half"),
    ),
    beside("authority deleted", "lost-authority", "prod/ca.crt", |p| {
        p.remove("prod/ca.crt");
    }),
    beside("authority emptied", "lost-authority", "prod/ca.crt", |p| {
        p.write("prod/ca.crt", "");
    }),
    beside(
        "authority overwritten by bytes",
        "lost-authority",
        "prod/ca.crt",
        |p| p.write("prod/ca.crt", [0xff, 0xfe]),
    ),
    beside(
        "authority is a certificate of its own",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "live/prod/jaeger/tls.crt"),
    ),
    beside(
        "authority is another namespace's",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "live/staging/ca.crt"),
    ),
    beside(
        "authority restored, of before the roll-over",
        "lost-authority",
        "prod/ca.crt",
        |p| p.put("prod/ca.crt", "rolled/prod/ca.crt"),
    ),
    beside(
        "authority's key readable by others",
        "wrong-mode",
        "prod/ca.key",
        |p| p.chmod("prod/ca.key", 0o640),
    ),
];

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
