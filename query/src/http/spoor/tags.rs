//! `/api/spoor/tag-keys` and `/api/spoor/tag-values`: what a search may be written with.
//!
//! In: a service, an operation, how far to look back. Out: the keys of its newest traces' tags, or the values of one, the most frequent first.

use std::time::SystemTime;

use settings::GoDuration;
use wire::go_json;

use super::params;
use crate::http::bare::Bare;
use crate::http::form::Form;
use crate::http::params::ns;
use crate::http::v3::Error;
use crate::service::{Call, Tagged, Whose};

/// How far back, for who does not say so.
const LOOKBACK_NS: u64 = 3600 * 1_000_000_000;

/// The keys.
pub(super) async fn keys(call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let (call, tags) = tags(call, form).await?;
    let keys: Vec<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
    Ok(Bare::member("keys", &go_json::to_vec(&keys)).cut(call.lacks()))
}

/// The values of one; none of a key that was not seen.
pub(super) async fn values(call: Call<'_>, form: &Form) -> Result<Bare, Error> {
    let key = params::required(form, "key")?;
    let (call, tags) = tags(call, form).await?;
    let tag = tags.iter().find(|tag| tag.key == key.as_str());
    let values = tag.map(|tag| tag.values.as_slice()).unwrap_or_default();
    let values: Vec<&str> = values.iter().map(model::Str::as_str).collect();
    Ok(Bare::member("values", &go_json::to_vec(&values)).cut(call.lacks()))
}

async fn tags<'a>(mut call: Call<'a>, form: &Form) -> Result<(Call<'a>, Vec<Tagged>), Error> {
    let whose = Whose {
        service: form.first("service").to_owned(),
        operation: form.first("operation").to_owned(),
        lookback_ns: lookback(form)?,
    };
    let tags = call.get_tags(whose, ns(SystemTime::now())).await?;
    Ok((call, tags))
}

fn lookback(form: &Form) -> Result<u64, Error> {
    let text = form.first("lookback");
    if text.is_empty() {
        return Ok(LOOKBACK_NS);
    }
    let wrong = |why: &str| Error::malformed("lookback", why);
    let duration = text.parse::<GoDuration>();
    let duration = duration.map_err(|why| wrong(&why.to_string()))?;
    match u64::try_from(duration.as_ns()) {
        Ok(ns @ 1..) => Ok(ns),
        Ok(0) | Err(_) => Err(wrong(&format!("{text} is not above 0"))),
    }
}
