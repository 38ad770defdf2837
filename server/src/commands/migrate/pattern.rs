//! Rows that say what a key of somebody else's tree is here.
//!
//! In: a key and a table. Out: the row that is for it. A pattern's parts are those of the key; `*` is any one part, `*_x` one that ends so, `**` any rest, and a name of a component also means
//! those with a slash behind it: `otlp` means `otlp/2` too.

use super::leaf::Given;

/// One row of a table.
pub(super) struct Pattern {
    /// Which keys it is for.
    pub(super) at: &'static str,
    /// What they are.
    pub(super) to: To,
    /// What follows from their being there: settings with their values.
    pub(super) also: &'static [(&'static str, &'static str)],
}

/// What a key is here.
#[derive(Clone, Copy)]
pub(super) enum To {
    /// A setting, or a name of Jaeger 1's for one.
    Setting(&'static str, As),
    /// Nothing of Spoor's; why.
    Nothing(&'static str),
    /// Nothing that can be said without somebody deciding: why, and what to do.
    Decide(&'static str),
}

/// How a value is carried over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// As it is.
    Same,
    /// A number of MiB.
    Mebibytes,
    /// A number of days, as a duration.
    Days,
    /// A date's layout in Go's words; what stands between its parts.
    DateLayout,
    /// The name of a header is the key's last part.
    Header,
    /// The opposite.
    Not,
}

pub(super) const fn setting(at: &'static str, name: &'static str) -> Pattern {
    converted(at, name, As::Same)
}

pub(super) const fn converted(at: &'static str, name: &'static str, how: As) -> Pattern {
    Pattern {
        at,
        to: To::Setting(name, how),
        also: &[],
    }
}

pub(super) const fn nothing(at: &'static str, why: &'static str) -> Pattern {
    Pattern {
        at,
        to: To::Nothing(why),
        also: &[],
    }
}

pub(super) const fn decide(at: &'static str, what: &'static str) -> Pattern {
    Pattern {
        at,
        to: To::Decide(what),
        also: &[],
    }
}

// === impl Pattern ===

impl Pattern {
    pub(super) const fn with(self, also: &'static [(&'static str, &'static str)]) -> Self {
        Self { also, ..self }
    }

    fn fits(&self, key: &str) -> bool {
        let mut parts = key.split('.');
        for wanted in self.at.split('.') {
            match (wanted, parts.next()) {
                ("**", _) => return true,
                (_, None) => return false,
                (wanted, Some(part)) if wanted.starts_with('*') => {
                    if !part.ends_with(wanted.trim_start_matches('*')) {
                        return false;
                    }
                }
                (wanted, Some(part)) => {
                    let name = part.split(['/', '[']).next().unwrap_or(part);
                    if wanted != part && wanted != name {
                        return false;
                    }
                }
            }
        }
        parts.next().is_none()
    }
}

/// The first row for a key.
pub(super) fn find<'a>(table: &[&'a [Pattern]], key: &str) -> Option<&'a Pattern> {
    table
        .iter()
        .flat_map(|rows| rows.iter())
        .find(|row| row.fits(key))
}

/// What an unknown key may have been meant to be: one that stands in its place and is called much like it.
pub(super) fn nearest(table: &[&[Pattern]], key: &str) -> Option<String> {
    let (above, last) = key.rsplit_once('.').unwrap_or(("", key));
    let beside = table.iter().flat_map(|rows| rows.iter()).filter_map(|row| {
        let (parent, name) = row.at.rsplit_once('.').unwrap_or(("", row.at));
        let parent = nothing_at(parent);
        (name != "**" && name != "*" && (above == parent.at || parent.fits(above))).then_some(name)
    });
    let beside: Vec<&str> = beside.collect();
    settings::flags::nearest_of(last, &beside).map(|name| format!("did you mean {name}?"))
}

const fn nothing_at(at: &'static str) -> Pattern {
    nothing(at, "")
}

// === impl As ===

impl As {
    /// The value as the setting takes it; none when it cannot be.
    pub(super) fn convert(self, key: &str, given: &Given) -> Option<Given> {
        let text = given.text();
        // a variable is carried over as it stands, and told
        if self == Self::Same || given.waits() || text.is_none() {
            return Some(given.clone());
        }
        let text = text.unwrap_or_default();
        let number = text.trim().parse::<u64>().ok();
        let converted = match self {
            Self::Same => text,
            Self::Mebibytes => format!("{}MiB", number?),
            Self::Days => format!("{}h", number?.checked_mul(24)?),
            Self::DateLayout => separator(&text)?,
            Self::Header => {
                let name = key.rsplit('.').next().unwrap_or(key);
                return Some(Given::List(vec![format!("{name}: {text}")]));
            }
            Self::Not => (!settings::value::parse_bool(text.trim())?).to_string(),
        };
        Some(Given::Text(converted))
    }
}

/// What stands between year, month and day of `2006-01-02`, or of the same with an hour.
fn separator(layout: &str) -> Option<String> {
    let rest = layout.strip_prefix("2006")?;
    let (separator, rest) = rest.split_once("01")?;
    let rest = rest.strip_prefix(separator)?.strip_prefix("02")?;
    let hour = rest
        .strip_prefix(separator)
        .and_then(|rest| rest.strip_prefix("15"));
    (rest.is_empty() || hour == Some("")).then(|| separator.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_keys_of_its_parts() {
        let row = nothing("receivers.otlp.protocols.*.tls.**", "");
        assert!(row.fits("receivers.otlp.protocols.grpc.tls.cert_file"));
        assert!(row.fits("receivers.otlp/2.protocols.http.tls.a.b"));
        assert!(!row.fits("receivers.otlp2.protocols.http.tls.a"));
        assert!(!row.fits("receivers.otlp.protocols.http.endpoint"));
        assert!(nothing("a.b", "").fits("a.b") && !nothing("a.b", "").fits("a.b.c"));
        assert!(nothing("a.readers.**", "").fits("a.readers[0].pull"));
    }

    #[test]
    fn a_layout_of_dates_is_what_stands_between_its_parts() {
        for (layout, expect) in [
            ("2006-01-02", Some("-")),
            ("2006.01.02.15", Some(".")),
            ("20060102", Some("")),
            ("2006-01", None),
            ("2006-01.02", None),
            ("", None),
        ] {
            assert_eq!(separator(layout).as_deref(), expect, "{layout}");
        }
    }
}
