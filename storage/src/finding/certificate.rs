//! A certificate in words.
//!
//! In: what it says of itself. Out: a line, and whether it ends soon.

use time::OffsetDateTime;
use trust::Facts;

use super::Verdict;

/// With fewer days left, somebody should see to it.
const DAYS: i64 = 14;
/// Names of a certificate in a line.
const SHOWN: usize = 5;

/// Its subject, issuer, names and dates.
pub(crate) fn words(facts: &Facts) -> String {
    let mut names = facts.names.get(..SHOWN).unwrap_or(&facts.names).join(", ");
    if facts.names.len() > SHOWN {
        names.push_str(&format!(" and {} more", facts.names.len() - SHOWN));
    }
    let of = if names.is_empty() {
        String::new()
    } else {
        format!(", for {names}")
    };
    let signed = if facts.issuer == facts.subject {
        "by itself".to_owned()
    } else {
        format!("by \"{}\"", facts.issuer)
    };
    format!(
        "\"{}\"{of}, signed {signed}, from {} until {}",
        facts.subject,
        day(facts.begins),
        day(facts.ends)
    )
}

pub(crate) fn verdict(facts: &Facts, now: i64) -> Verdict {
    match facts.ends - now {
        ..0 => Verdict::Problem,
        left if left < DAYS * 86_400 => Verdict::Warning,
        _ => Verdict::Good,
    }
}

/// `2026-01-31`
pub(crate) fn day(seconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(seconds);
    moment.map_or_else(
        |_| "a day beyond all calendars".to_owned(),
        |moment| moment.date().to_string(),
    )
}
