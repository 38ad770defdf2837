//! Whether each URL of a cluster can be called, who answers there, and whom the cluster takes us for.
//!
//! In: the connection of a place. Out: findings; and what kind of server it is, when it says so.

use http::Uri;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::net::lookup_host;
use trust::{Dialer, Facts};

use super::super::config::Connection;
use super::super::housekeeping::Housekeeper;
use super::{Look, Verdict};
use crate::finding::certificate::{verdict, words};
use crate::http_client::{self, Error, Flavour, Product, Request};

/// Calls each URL by itself; whether one could be called.
pub(super) async fn each_url(look: &mut Look<'_>) -> bool {
    let connection = &look.place.connection;
    let mut is_reached = false;
    for url in connection.urls.clone() {
        match call(connection, &url).await {
            Ok((verdict, text)) => {
                is_reached = true;
                look.find("connection", verdict, text);
            }
            Err(problem) => {
                let setting = look.setting("server-urls");
                look.problem("connection", format!("{url} ({setting}): {problem}"));
            }
        }
    }
    is_reached
}

/// How it went, in words.
async fn call(connection: &Connection, url: &str) -> Result<(Verdict, String), String> {
    let uri: Uri = url.parse().map_err(|error| format!("is no URL: {error}"))?;
    let is_tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let found = lookup_host((host, port)).await;
    let addresses: Vec<_> = found
        .map_err(|error| format!("cannot look up {host}: {error}"))?
        .collect();
    let tls = http_client::tls(connection);
    let dialer = if is_tls {
        http_client::dialer(connection, tls.clone())
    } else {
        Dialer::plaintext()
    };
    let mut failed = format!("{host} has no address");
    for address in addresses {
        match dialer.dial(host, address).await {
            Ok(stream) => {
                let chain = Facts::shown(&stream);
                let Some(facts) = chain.first() else {
                    return Ok((
                        Verdict::Good,
                        format!("{url} can be called, at {address}, in plaintext"),
                    ));
                };
                let unverified = if tls.skip_host_verify {
                    format!(", which is not verified ({}.skip-host-verify)", tls.prefix)
                } else {
                    String::new()
                };
                let now = OffsetDateTime::now_utc().unix_timestamp();
                let text = format!(
                    "{url} can be called, at {address}; its certificate{unverified} is {}",
                    words(facts)
                );
                return Ok((verdict(facts, now), text));
            }
            Err(error) => {
                failed = error.to_string();
                if is_tls {
                    failed.push_str(&what_is_shown(connection, host, address).await);
                }
            }
        }
    }
    Err(failed)
}

/// What the server shows to somebody who does not look closely.
async fn what_is_shown(
    connection: &Connection,
    host: &str,
    address: std::net::SocketAddr,
) -> String {
    let mut tls = http_client::tls(connection);
    tls.skip_host_verify = true;
    let stream = http_client::dialer(connection, tls)
        .dial(host, address)
        .await;
    let chain = stream
        .map(|stream| Facts::shown(&stream))
        .unwrap_or_default();
    match chain.first() {
        Some(facts) => format!("; it shows {}", words(facts)),
        None => String::new(),
    }
}

/// What kind of server it is and whom it takes us for; none: it does not let us in.
pub(super) async fn server(look: &mut Look<'_>, housekeeper: &Housekeeper) -> Option<Flavour> {
    let root = housekeeper.send(Request::get(&[])).await;
    if let Ok(root) = &root
        && root.status == 401
    {
        let error = root.clone().succeeded(housekeeper.shown()).err();
        let said = error.map_or_else(String::new, |error| error.to_string());
        look.problem("identity", format!("{said}; {}", sent(look)));
        return None;
    }
    let flavour = match housekeeper.flavour().await {
        Ok(flavour) => flavour,
        Err(error @ Error::Denied(_)) => {
            look.problem("server", format!("{error}; {}", sent(look)));
            return None;
        }
        Err(error) => {
            look.problem("server", error.to_string());
            return None;
        }
    };
    let number = root.map(|root| root.json()).unwrap_or_default();
    let number = number.pointer("/version/number").and_then(Value::as_str);
    let product = match flavour.product {
        Product::Elasticsearch => "Elasticsearch",
        Product::OpenSearch => "OpenSearch",
    };
    let version = number.map_or_else(|| flavour.major.to_string(), str::to_owned);
    look.good("server", format!("{product} {version}"));
    identity(look, housekeeper, flavour).await;
    Some(flavour)
}

/// Whom it takes us for, where it says so.
async fn identity(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    let (path, name): (&[&str], _) = match flavour.product {
        Product::Elasticsearch => (&["_security", "_authenticate"], "username"),
        Product::OpenSearch => (&["_plugins", "_security", "authinfo"], "user_name"),
    };
    let Ok(answer) = housekeeper.send(Request::get(path)).await else {
        return;
    };
    let json = answer.json();
    let Some(name) = json
        .get(name)
        .and_then(Value::as_str)
        .filter(|_| answer.is_success())
    else {
        look.find(
            "identity",
            Verdict::Note,
            "the cluster does not say whom it takes us for: it may ask nobody who they are",
        );
        return;
    };
    let roles = json.get("roles").and_then(Value::as_array);
    let roles: Vec<&str> = roles
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let text = format!(
        "the cluster knows us as \"{name}\", with the roles {}; {}",
        roles.join(", "),
        sent(look)
    );
    look.good("identity", text);
}

/// What is sent to say who we are.
fn sent(look: &Look<'_>) -> String {
    let connection = &look.place.connection;
    let setting = |name| look.setting(name);
    let sent = if connection.api_key_file.is_some() {
        format!("the API key of {} is sent", setting("api-key-file"))
    } else if connection.token_file.is_some() {
        format!("the token of {} is sent", setting("token-file"))
    } else if !connection.username.is_empty() {
        let password = if connection.password_file.is_some() {
            "password-file"
        } else {
            "password"
        };
        format!(
            "the user name \"{}\" ({}) is sent, with {}",
            connection.username,
            setting("username"),
            setting(password)
        )
    } else {
        "neither a user name nor a token nor an API key is sent".to_owned()
    };
    let shown = connection.tls.as_ref().and_then(|tls| tls.cert.as_ref());
    match shown {
        Some(_) => format!(
            "{sent}, and the certificate of {} is shown",
            setting("tls.cert")
        ),
        None => sent,
    }
}
