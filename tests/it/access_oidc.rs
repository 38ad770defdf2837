//! Sign-in at a real OpenID provider behind an authority of three levels: browsers, tokens, keys that change, a provider that is away, an authority that is missing.

mod browser;
mod outage;
mod program;
mod sessions;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::SignIn;
use access::oidc::{Config, Secret};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri};
use serde_json::Value;
use settings::tls::ClientTls;
use tests::openid::OpenId;
use tests::pki::{Authority, Leaf};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use browser::{SERVICE, post};

/// A provider with its authority, and a folder for the file that names the authority.
struct World {
    folder: tempfile::TempDir,
    root: String,
    provider: OpenId,
}

/// A sign-in whose background work runs.
struct Running {
    sign_in: Arc<SignIn>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

// === impl World ===

impl World {
    /// With a provider that is not started; its tokens last for `seconds`.
    fn new(seconds: u32) -> Self {
        let root = Authority::new("Example Root CA");
        let policy = Authority::below(&root, "Example Policy CA");
        let issuing = Authority::below(&policy, "Example Issuing CA");
        let leaf = issuing.server(1);
        let chain = Leaf {
            cert: [leaf.cert, issuing.pem(), policy.pem()].concat(),
            key: leaf.key,
        };
        let back = format!("{SERVICE}/oauth/callback");
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            root: root.pem(),
            provider: OpenId::new(&chain, seconds, &back).unwrap(),
        };
        world.trust(&world.root);
        world
    }

    /// With a provider that runs.
    fn started(seconds: u32) -> Self {
        let mut world = Self::new(seconds);
        world.provider.start().unwrap();
        world
    }

    /// Writes whom the sign-in trusts.
    fn trust(&self, authority: &str) {
        tests::pki::replace(&self.ca(), authority);
    }

    fn ca(&self) -> PathBuf {
        Path::new(self.folder.path()).join("ca.pem")
    }

    fn config(&self) -> Config {
        Config {
            settings: "query.oidc".to_owned(),
            issuer: self.provider.issuer(),
            client_id: "spoor".to_owned(),
            client_secret: Secret::Given("a secret: with/all+sorts".into()),
            scopes: ["openid", "email", "groups"].map(str::to_owned).to_vec(),
            tls: ClientTls {
                prefix: "query.oidc.tls".to_owned(),
                ca: Some(self.ca()),
                ..ClientTls::default()
            },
            ..Config::default()
        }
    }

    /// Whatever the provider answers to a form.
    async fn ask(&self, path: &str, authorization: Option<&'static str>, form: &str) -> Bytes {
        let uri: Uri = format!("{}{path}", self.provider.issuer()).parse().unwrap();
        let mut headers = HeaderMap::new();
        let host = uri.authority().unwrap().as_str();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(value) = authorization {
            headers.insert("authorization", HeaderValue::from_static(value));
        }
        let response = post(&self.root, &uri, headers, Some(form.to_owned())).await;
        assert_eq!(response.status(), 200, "{path}: {response:?}");
        response.into_body()
    }

    /// The provider has other keys from now on.
    async fn roll(&self) {
        self.ask("/control/roll", None, "").await;
    }

    /// A token that the provider signs, whatever is in it.
    async fn sign(&self, header: &Value, claims: &Value) -> String {
        let order = serde_json::json!({"header": header, "claims": claims});
        let token = self.ask("/control/sign", None, &order.to_string()).await;
        String::from_utf8(token.to_vec()).unwrap()
    }
}

// === impl Running ===

impl Running {
    fn new(config: Config) -> Self {
        let sign_in = Arc::new(SignIn::new(config).unwrap());
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (kept, until) = (sign_in.clone(), shutdown.clone());
        tasks.spawn(async move { kept.keep(until).await });
        Self {
            sign_in,
            shutdown,
            tasks,
        }
    }

    /// Ends the background work, which must end.
    async fn end(self) {
        self.shutdown.cancel();
        self.tasks.close();
        let ended = tokio::time::timeout(std::time::Duration::from_secs(15), self.tasks.wait());
        ended.await.expect("the background work ends");
    }
}
