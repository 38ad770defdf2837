//! A browser that keeps cookies and follows redirects by hand: between a provider that listens, and a service that is a sign-in and one page.
//!
//! In: a path of the service. Out: the page at which it ends. The service is the least that a sign-in needs around it: whoever is proved is shown the name, anybody else
//! is turned away.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use access::SignIn;
use access::oidc::Seen;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tests::pki;
use tests::spoor::Spoor;
use tokio::net::TcpStream;

/// What the service is called.
pub(super) const SERVICE: &str = "https://spoor.test";
/// More redirects than any sign-in has.
const MOST_STEPS: usize = 20;

pub(super) const SEEN: Seen<'_> = Seen {
    tls: true,
    base_path: "/",
};

/// Who answers for the service.
#[derive(Clone, Copy)]
pub(super) enum Service<'a> {
    /// A sign-in, and one page.
    SignIn(&'a SignIn),
    /// The program, behind a proxy that ends TLS.
    Program(&'a Spoor),
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// A browser of one person.
pub(super) struct Browser {
    /// The provider's authority.
    root: String,
    user: String,
    /// By host.
    cookies: BTreeMap<String, BTreeMap<String, String>>,
    /// How often the provider showed a form.
    pub(super) forms: usize,
    /// What it asks for is shown in a frame.
    pub(super) framed: bool,
    /// Each address that it asked for.
    pub(super) visited: Vec<String>,
}

// === impl Browser ===

impl Browser {
    pub(super) fn new(root: &str, user: &str) -> Self {
        Self {
            root: root.to_owned(),
            user: user.to_owned(),
            cookies: BTreeMap::new(),
            forms: 0,
            framed: false,
            visited: Vec::new(),
        }
    }

    /// Asks for a path of the service, and for all that follows; fills in the provider's forms.
    pub(super) async fn visit<'a>(&mut self, service: impl Into<Service<'a>>, path: &str) -> Page {
        let service = service.into();
        let mut url = format!("{SERVICE}{path}");
        let mut form = None;
        for _ in 0..MOST_STEPS {
            let page = self.ask(service, &url, form.take()).await;
            if let Some(to) = page.headers.get(LOCATION) {
                url = joined(&url, to.to_str().unwrap());
            } else if !url.starts_with(SERVICE) && page.body.contains("<form") {
                self.forms += 1;
                (url, form) = self.filled_in(&page);
            } else {
                return page;
            }
        }
        panic!("it never ends: {:#?}", self.visited);
    }

    /// One request.
    pub(super) async fn ask<'a>(
        &mut self,
        service: impl Into<Service<'a>>,
        url: &str,
        form: Option<String>,
    ) -> Page {
        let service = service.into();
        self.visited.push(url.to_owned());
        let uri: Uri = url.parse().unwrap();
        let response = if url.starts_with(SERVICE) {
            service.serve(&self.parts(&uri)).await.map(Bytes::from)
        } else {
            let parts = self.parts(&uri);
            post(&self.root, &uri, parts.headers, form).await
        };
        let host = uri.authority().unwrap().to_string();
        let cookies = self.cookies.entry(host).or_default();
        for set in response.headers().get_all(SET_COOKIE) {
            let text = set.to_str().unwrap();
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || text.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            url: url.to_owned(),
            status: response.status(),
            headers: response.headers().clone(),
            body: String::from_utf8_lossy(response.body()).into_owned(),
        }
    }

    /// The head of a request for the service, as this browser would send it.
    pub(super) fn request(&self, path: &str) -> Parts {
        self.parts(&format!("{SERVICE}{path}").parse().unwrap())
    }

    /// Those that the service set.
    pub(super) fn service_cookies(&mut self) -> &mut BTreeMap<String, String> {
        let host = SERVICE.trim_start_matches("https://");
        self.cookies.entry(host.to_owned()).or_default()
    }

    fn parts(&self, uri: &Uri) -> Parts {
        let host = uri.authority().unwrap().as_str();
        let dest = if self.framed { "iframe" } else { "document" };
        let mut request = Request::builder()
            .uri(uri.path_and_query().unwrap().as_str())
            .header(HOST, host)
            .header(ACCEPT, "text/html,*/*;q=0.8")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", dest);
        if let Some(cookies) = self.cookies.get(host) {
            let pairs = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let pairs: Vec<String> = pairs.collect();
            request = request.header(COOKIE, pairs.join("; "));
        }
        request.body(()).unwrap().into_parts().0
    }

    /// Where a form goes, and what is in it then: who it is, or that all is granted.
    fn filled_in(&self, page: &Page) -> (String, Option<String>) {
        let value = |name: &str| {
            let (_, rest) = page.body.split_once(name)?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let action = value("action=\"").unwrap();
        let prompt = value("name=\"prompt\" value=\"").unwrap();
        let form = format!("prompt={prompt}&login={}&password=x", self.user);
        (joined(&page.url, &action), Some(form))
    }
}

// === impl Service ===

impl<'a> From<&'a SignIn> for Service<'a> {
    fn from(sign_in: &'a SignIn) -> Self {
        Self::SignIn(sign_in)
    }
}

impl<'a> From<&'a std::sync::Arc<SignIn>> for Service<'a> {
    fn from(sign_in: &'a std::sync::Arc<SignIn>) -> Self {
        Self::SignIn(sign_in)
    }
}

impl<'a> From<&'a Spoor> for Service<'a> {
    fn from(spoor: &'a Spoor) -> Self {
        Self::Program(spoor)
    }
}

impl Service<'_> {
    async fn serve(self, parts: &Parts) -> Response<Vec<u8>> {
        let spoor = match self {
            Self::SignIn(sign_in) => return serve(sign_in, parts).await,
            Self::Program(spoor) => spoor,
        };
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let request =
            client
                .build()
                .unwrap()
                .get(format!("{}{}", spoor.url("query-http"), parts.uri));
        let request = request
            .headers(parts.headers.clone())
            .header("x-forwarded-proto", "https");
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = Response::new(answer.bytes().await.unwrap().to_vec());
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        response
    }
}

/// The service.
async fn serve(sign_in: &SignIn, parts: &Parts) -> Response<Vec<u8>> {
    if let Some(response) = sign_in.answer(parts, SEEN).await {
        return response;
    }
    match sign_in.caller(parts, SEEN).await {
        Ok(Some(proved)) => {
            let caller = proved.caller;
            let groups: Vec<String> = caller.groups.into_iter().collect();
            let body = format!("{} of {}", caller.name, groups.join(","));
            let mut response = Response::new(body.into_bytes());
            for cookie in proved.cookies {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => sign_in.turn_away(parts, SEEN, &access::Refusal::Nobody),
        Err(refusal) => sign_in.turn_away(parts, SEEN, &refusal),
    }
}

fn joined(base: &str, to: &str) -> String {
    if to.starts_with("https://") {
        return to.to_owned();
    }
    let base: Uri = base.parse().unwrap();
    format!("https://{}{to}", base.authority().unwrap())
}

/// A request to whoever listens on 127.0.0.1: GET, or POST of a form.
pub(super) async fn post(
    root: &str,
    uri: &Uri,
    headers: HeaderMap,
    form: Option<String>,
) -> Response<Bytes> {
    let address = SocketAddr::from(([127, 0, 0, 1], uri.port_u16().unwrap()));
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = pki::trusting(root, None)
        .connect(name, stream)
        .await
        .unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let mut driver = tokio::task::JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    let mut request = Request::builder().uri(uri.path_and_query().unwrap().as_str());
    *request.headers_mut().unwrap() = headers;
    if form.is_some() {
        request = request
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    let body = Full::new(Bytes::from(form.unwrap_or_default()));
    let response = sender.send_request(request.body(body).unwrap()).await;
    let (parts, body) = response.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, body)
}
