//! The ways of a browser through a sign-in: off to the provider, back with a code, and out again.
//!
//! In: requests for our own three paths. Out: redirects with cookies, or pages. What a sign-in must remember goes along in a sealed cookie of ten minutes: its state and
//! its nonce bind the provider's answer to the browser that asked, its verifier (PKCE) binds the code to us. Nothing is kept here.
//!
//! Source: OpenID Connect Core 1.0 section 3.1; RFC 7636; RFC 9207; RP-Initiated Logout 1.0; RFC 9700 (which attacks there are).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{ALLOW, HOST};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::cookie::{self, Jar};
use super::discovery::Metadata;
use super::grant::{Granted, provider_refused};
use super::page::{self, Link};
use super::sealer::{Purpose, random_text};
use super::session::Session;
use super::{CALLBACK, Core, LOGIN, LOGOUT, Seen, SignIn, State, return_path};
use crate::random::NoRandomness;
use crate::refusal::{Refusal, shown};

/// How long somebody may take at the provider.
const PATIENCE: Duration = Duration::from_secs(600);
/// What a provider says that would have to show something and was asked not to.
const WANTS_A_PERSON: [&str; 4] = [
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
];

/// A sign-in that is under way.
#[derive(Serialize, Deserialize)]
struct UnderWay {
    state: String,
    nonce: String,
    verifier: String,
    return_path: String,
    redirect_uri: String,
    /// In seconds since 1970.
    begun: u64,
    /// The provider was asked to show nothing.
    silent: bool,
    /// The page is in another's frame.
    framed: bool,
}

/// The parameters of a query that are known here.
#[derive(Default)]
struct Query {
    return_path: Option<String>,
    prompt: Option<String>,
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

// === impl Query ===

impl Query {
    fn of(uri: &Uri) -> Self {
        let mut query = Self::default();
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        for (name, value) in pairs {
            let place = match &*name {
                "return" => &mut query.return_path,
                "prompt" => &mut query.prompt,
                "state" => &mut query.state,
                "code" => &mut query.code,
                "error" => &mut query.error,
                "error_description" => &mut query.error_description,
                "iss" => &mut query.iss,
                _ => continue,
            };
            // of two the first counts
            place.get_or_insert(value.into_owned());
        }
        query
    }
}

// === impl SignIn ===

impl SignIn {
    /// The answer to a request for one of our own paths, which are below the base path; none for any other path. Where somebody is refused, the [`Refusal`] is among
    /// the response's extensions, to be counted.
    pub async fn answer(&self, parts: &Parts, seen: Seen<'_>) -> Option<Response<Vec<u8>>> {
        let path = parts.uri.path().strip_prefix(seen.base())?;
        let reads = [Method::GET, Method::HEAD].contains(&parts.method);
        let response = match path {
            LOGIN if reads => self.login(parts, seen).await,
            CALLBACK if reads => Box::pin(self.callback(parts, seen)).await,
            LOGOUT if reads || parts.method == Method::POST => self.logout(parts, seen).await,
            LOGIN | CALLBACK | LOGOUT => Ok(not_allowed()),
            _ => return None,
        };
        Some(response.unwrap_or_else(|refusal| self.refused(&refusal, seen)))
    }

    /// The answer to a request of somebody who was refused: a person who has no session is sent to sign in, and comes back to the same page; anybody else is told why.
    #[must_use]
    pub fn turn_away(&self, parts: &Parts, seen: Seen<'_>, refusal: &Refusal) -> Response<Vec<u8>> {
        let mut response = if !page::is_for_a_person(parts) {
            page::json(refusal)
        } else if refusal.status() != StatusCode::UNAUTHORIZED {
            self.refused(refusal, seen)
        } else {
            // whether the provider can be used is found out there
            let asked = parts.uri.path_and_query();
            let asked = asked.map_or("/", |path| path.as_str());
            let back = return_path::valid(asked, seen.base());
            page::redirect(&login_path(seen, back), Vec::new())
        };
        if matches!(refusal, Refusal::SessionBroken | Refusal::SessionEnded) {
            page::set(&mut response, self.jar(seen).clear_session(&parts.headers));
        }
        response
    }

    /// Off to the provider.
    async fn login(&self, parts: &Parts, seen: Seen<'_>) -> Result<Response<Vec<u8>>, Refusal> {
        let query = Query::of(&parts.uri);
        let asked = query.return_path.as_deref();
        let back = asked.and_then(|path| return_path::valid(path, seen.base()));
        let answer = self.core.provider.answer().await?;
        let framed = page::is_framed(&parts.headers);
        let random = || random_text().map_err(|NoRandomness| no_randomness());
        let under_way = UnderWay {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            return_path: back.map_or_else(|| home(seen), str::to_owned),
            redirect_uri: self.redirect_uri(parts, seen)?,
            begun: super::now(),
            silent: framed || query.prompt.as_deref() == Some("none"),
            framed,
        };
        // text and numbers can always be written
        let plain = serde_json::to_vec(&under_way).unwrap_or_default();
        let sealed = self.core.sealer.seal(Purpose::SignIn, &plain);
        let sealed = sealed.map_err(|NoRandomness| no_randomness())?;
        let jar = self.jar(seen);
        let cookies = jar.set_sign_in(&parts.headers, &under_way.state, &sealed, PATIENCE);
        let to = self.core.authorize_url(&answer.metadata, &under_way);
        Ok(page::redirect(&to, cookies))
    }

    /// Back from the provider.
    async fn callback(&self, parts: &Parts, seen: Seen<'_>) -> Result<Response<Vec<u8>>, Refusal> {
        let query = Query::of(&parts.uri);
        let state = query.state.as_deref().unwrap_or_default();
        let jar = self.jar(seen);
        let now = super::now();
        let under_way = jar
            .sign_in(&parts.headers, state)
            .and_then(|sealed| self.core.sealer.open(Purpose::SignIn, sealed))
            .and_then(|plain| serde_json::from_slice::<UnderWay>(&plain).ok())
            .filter(|under_way| under_way.state == state)
            .filter(|under_way| now.saturating_sub(under_way.begun) < PATIENCE.as_secs())
            .ok_or(Refusal::UnknownSignIn)?;
        let done = Box::pin(self.finish_sign_in(&query, &under_way, now)).await;
        let mut response = match done {
            Ok(session) => {
                self.core.told.lock().clear();
                let sealed = self.core.seal(&session)?;
                let lasts = session.lasts(now);
                let cookies = jar.set_session(&parts.headers, &sealed, lasts);
                page::redirect(&under_way.return_path, cookies)
            }
            Err(refusal) => {
                let wants = matches!(&refusal, Refusal::ProviderRefused { error, .. } if WANTS_A_PERSON.contains(&error.as_str()));
                if wants && under_way.silent {
                    self.ask_the_person(&under_way, seen)
                } else {
                    self.refused(&refusal, seen)
                }
            }
        };
        // a state is good once
        let taken_back = jar.clear_sign_in(state).into_iter().collect();
        page::set(&mut response, taken_back);
        Ok(response)
    }

    async fn finish_sign_in(
        &self,
        query: &Query,
        under_way: &UnderWay,
        now: u64,
    ) -> Result<Session, Refusal> {
        let answer = self.core.provider.answer().await?;
        let issuer = &self.core.config.issuer;
        // another provider's answer is not taken for this one's
        let named = query.iss.as_ref();
        if named.is_some_and(|iss| iss != issuer)
            || (named.is_none() && answer.metadata.answers_name_issuer)
        {
            return Err(Refusal::WrongIssuer {
                found: shown(query.iss.as_deref().unwrap_or_default()),
                accepted: issuer.clone(),
            });
        }
        if let Some(error) = &query.error {
            let description = query.error_description.as_deref().unwrap_or_default();
            return Err(provider_refused(error, description));
        }
        let code = query.code.as_deref().unwrap_or_default();
        let granted = self.core.redeem(
            &answer.metadata,
            code,
            &under_way.verifier,
            &under_way.redirect_uri,
            &under_way.nonce,
            now,
        );
        let Granted {
            identity,
            expires,
            refresh,
        } = Box::pin(granted).await?;
        let identity = identity.ok_or_else(|| Refusal::MissingClaim("id_token".to_owned()))?;
        let ends = now.saturating_add(self.core.config.session_lifetime.as_secs());
        Ok(Session::new(identity, refresh, now, expires, ends))
    }

    /// The provider must show something. In a frame it would not be shown.
    fn ask_the_person(&self, under_way: &UnderWay, seen: Seen<'_>) -> Response<Vec<u8>> {
        let to = login_path(seen, Some(&under_way.return_path));
        if !under_way.framed {
            return page::redirect(&to, Vec::new());
        }
        let link = Link {
            text: "Sign in in a new window",
            to: &to,
            apart: true,
        };
        page::page(
            StatusCode::UNAUTHORIZED,
            "Sign-in is needed",
            "Nobody is signed in at the provider, and it lets nobody sign in within another page. Sign in, then load this page again.",
            Some(&link),
            None,
            &self.core.config.frame_ancestors,
        )
    }

    /// Out: here at once, and at the provider where it has a page for it.
    async fn logout(&self, parts: &Parts, seen: Seen<'_>) -> Result<Response<Vec<u8>>, Refusal> {
        if let Some(site) = parts.headers.get("sec-fetch-site")
            && site.as_bytes() == b"cross-site"
        {
            return Err(Refusal::CrossSite);
        }
        let jar = self.jar(seen);
        let session = jar.session(&parts.headers);
        let session = session.and_then(|text| self.core.open(&text));
        if let Some(refresh) = session.and_then(|session| session.refresh) {
            self.renewals.revoke(&self.core, refresh);
        }
        let cookies = jar.clear_session(&parts.headers);
        let answer = self.core.provider.answer_now().ok();
        let end = answer.and_then(|answer| answer.metadata.end_session_endpoint.clone());
        let mut response = match end {
            Some(end) => {
                let config = &self.core.config;
                let mut pairs = vec![("client_id", config.client_id.as_str())];
                let back = config.logout_redirect_url.as_deref();
                pairs.extend(back.map(|url| ("post_logout_redirect_uri", url)));
                page::redirect(&with_query(&end, &pairs), Vec::new())
            }
            None => {
                let link = Link {
                    text: "Sign in again",
                    to: &login_path(seen, None),
                    apart: false,
                };
                page::page(
                    StatusCode::OK,
                    "Signed out",
                    "The session here is over. The one at the provider may go on.",
                    Some(&link),
                    None,
                    &self.core.config.frame_ancestors,
                )
            }
        };
        page::set(&mut response, cookies);
        Ok(response)
    }

    /// Where the provider sends the browser back to.
    fn redirect_uri(&self, parts: &Parts, seen: Seen<'_>) -> Result<String, Refusal> {
        if let Some(url) = &self.core.config.redirect_url {
            return Ok(url.clone());
        }
        let settings = &self.core.config.settings;
        let asked = parts.uri.authority().map(http::uri::Authority::as_str);
        let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = asked.or(header).unwrap_or_default();
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(Refusal::NoHost(format!("{settings}.redirect-url")));
        }
        let scheme = if seen.tls { "https" } else { "http" };
        Ok(format!("{scheme}://{host}{}{CALLBACK}", seen.base()))
    }

    /// A page for a person, and the same sentence in the log where an operator can do something about it.
    fn refused(&self, refusal: &Refusal, seen: Seen<'_>) -> Response<Vec<u8>> {
        let title = match refusal.status() {
            StatusCode::SERVICE_UNAVAILABLE => "Sign-in is not possible now",
            _ => "Sign-in was refused",
        };
        match refusal {
            Refusal::UnknownSignIn | Refusal::ProviderRefused { .. } | Refusal::CrossSite => {
                tracing::debug!(reason = refusal.reason(), "{refusal}");
            }
            Refusal::Unreachable(sentence) => self.core.tell(sentence),
            _ => tracing::warn!(reason = refusal.reason(), "{refusal}"),
        }
        let to = login_path(seen, None);
        let link = Link {
            text: "Sign in",
            to: &to,
            apart: false,
        };
        page::refused(
            title,
            refusal,
            Some(&link),
            &self.core.config.frame_ancestors,
        )
    }

    pub(super) fn jar<'a>(&self, seen: Seen<'a>) -> Jar<'a> {
        Jar::new(seen, self.core.config.same_site)
    }
}

// === impl Core ===

impl Core {
    /// The session's text for cookies. What a renewal needs is left out when it does not fit.
    pub(super) fn seal(&self, session: &Session) -> Result<String, Refusal> {
        let mut bytes = 0;
        for with_refresh in [true, false] {
            let plain = session.encode(with_refresh);
            let sealed = self.sealer.seal(Purpose::Session, &plain);
            let sealed = sealed.map_err(|NoRandomness| no_randomness())?;
            if sealed.len() <= cookie::MAX_BYTES {
                return Ok(sealed);
            }
            bytes = sealed.len();
        }
        Err(Refusal::SessionTooLarge {
            bytes,
            most: cookie::MAX_BYTES,
        })
    }

    /// A line in the log, unless the last one said the same: a page asks again by itself.
    fn tell(&self, sentence: &str) {
        let is_known = match self.provider.state() {
            State::Ready => false,
            State::Stale { sentence: known } | State::Unreachable { sentence: known } => {
                known == sentence
            }
        };
        let mut told = self.told.lock();
        if !is_known && *told != sentence {
            tracing::warn!("{sentence}");
            sentence.clone_into(&mut told);
        }
    }

    pub(super) fn open(&self, sealed: &str) -> Option<Session> {
        Session::decode(&self.sealer.open(Purpose::Session, sealed)?)
    }

    fn authorize_url(&self, metadata: &Metadata, under_way: &UnderWay) -> String {
        let scope = self.config.scope();
        let challenge = digest(&SHA256, under_way.verifier.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(challenge);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &under_way.redirect_uri),
            ("scope", &scope),
            ("state", &under_way.state),
            ("nonce", &under_way.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let own = self.config.authorize_parameters.iter();
        // an operator's prompt would have something shown
        let own = own.filter(|(name, _)| !under_way.silent || name != "prompt");
        pairs.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
        if under_way.silent {
            pairs.push(("prompt", "none"));
        }
        with_query(&metadata.authorization_endpoint, &pairs)
    }
}

/// `url` with more in its query.
fn with_query(url: &Uri, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs);
    let joint = if url.query().is_some() { '&' } else { '?' };
    format!("{url}{joint}{}", query.finish())
}

fn login_path(seen: Seen<'_>, back: Option<&str>) -> String {
    let path = format!("{}{LOGIN}", seen.base());
    match back {
        Some(back) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("return", back);
            format!("{path}?{}", query.finish())
        }
        None => path,
    }
}

/// The first page.
fn home(seen: Seen<'_>) -> String {
    format!("{}/", seen.base())
}

fn not_allowed() -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

fn no_randomness() -> Refusal {
    Refusal::Unreachable(NoRandomness.to_string())
}
