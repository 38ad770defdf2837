//! Decimal numbers, as they stand in a value's text, compared exactly.
//!
//! In: text. Out: a [`Decimal`], or nothing when it is none. `500`, `500.0`, `5e2` and `00500` are one number, whether a value was sent as an
//! integer, a float or a text. Nothing is rounded: 9007199254740993 is greater than 9007199254740992.
//!
//! The form: an optional `-`, digits, an optional `.` with digits, an optional `e` or `E` with an optional sign and digits; at most 256
//! characters, which is what an index of Jaeger's holds. Infinities and `NaN` are no numbers here.

mod lucene;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

pub(crate) use lucene::{exponents, plain};

/// Longest text that is a number.
const MAX_BYTES: usize = 256;
/// Exponents beyond are all the same.
const MAX_EXPONENT: i64 = 1_000_000_000;
/// Numbers that need more zeros than this are written with an exponent.
const MAX_ZEROS: i64 = 20;

/// A decimal number: `0.digits` times ten to the power of `point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    is_negative: bool,
    /// Without zeros in front or behind; none: it is zero.
    digits: String,
    point: i64,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// A text is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal number")]
pub struct NoNumber;

// === impl Decimal ===

impl FromStr for Decimal {
    type Err = NoNumber;

    fn from_str(text: &str) -> Result<Self, NoNumber> {
        parse(text).ok_or(NoNumber)
    }
}

fn parse(text: &str) -> Option<Decimal> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let rest = text.strip_prefix('-');
    let is_negative = rest.is_some();
    let (whole, rest) = digits(rest.unwrap_or(text))?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest)?,
        None => ("", rest),
    };
    let exponent = match rest.strip_prefix(['e', 'E']) {
        Some(rest) => exponent(rest)?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    let all = [whole, fraction].concat();
    let from_first = all.trim_start_matches('0');
    let zeros = (all.len() - from_first.len()) as i64;
    let digits = from_first.trim_end_matches('0');
    Some(Decimal {
        is_negative: is_negative && !digits.is_empty(),
        point: if digits.is_empty() {
            0
        } else {
            whole.len() as i64 - zeros + exponent
        },
        digits: digits.to_owned(),
    })
}

/// At least one digit, and what follows.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).filter(|(d, _)| !d.is_empty())
}

fn exponent(text: &str) -> Option<i64> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (all, rest) = digits(rest)?;
    if !rest.is_empty() {
        return None;
    }
    let size = all.parse().unwrap_or(MAX_EXPONENT).min(MAX_EXPONENT);
    Some(if text.starts_with('-') { -size } else { size })
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Self| match (d.digits.is_empty(), d.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        // digits without zeros at their end compare as text does
        let size = |d: &Self, e: &Self| d.point.cmp(&e.point).then_with(|| d.digits.cmp(&e.digits));
        sign(self).cmp(&sign(other)).then_with(|| {
            if self.is_negative {
                size(other, self)
            } else {
                size(self, other)
            }
        })
    }
}

impl fmt::Display for Decimal {
    /// The shortest form: without an exponent unless that takes many zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.digits.len() as i64;
        if self.is_negative {
            f.write_str("-")?;
        }
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
        match self.point {
            _ if count == 0 => f.write_str("0"),
            point if point > count + MAX_ZEROS || point < -MAX_ZEROS => {
                let (first, rest) = self.digits.split_at_checked(1).unwrap_or_default();
                let dot = if rest.is_empty() { "" } else { "." };
                write!(f, "{first}{dot}{rest}e{}", point - 1)
            }
            point if point >= count => write!(f, "{}{}", self.digits, zeros(point - count)),
            point if point > 0 => {
                let at = usize::try_from(point).unwrap_or_default();
                let (whole, fraction) = self.digits.split_at_checked(at).unwrap_or_default();
                write!(f, "{whole}.{fraction}")
            }
            point => write!(f, "0.{}{}", zeros(-point), self.digits),
        }
    }
}

// === impl Comparison ===

impl Comparison {
    /// Whether it holds where the left side is so much as `ordering` says.
    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::AtLeast => ordering.is_ge(),
            Self::More => ordering.is_gt(),
        }
    }

    /// Whether `text` is a number of which it holds.
    pub fn holds_for(self, text: &str, than: &Decimal) -> bool {
        parse(text).is_some_and(|number| self.holds(number.cmp(than)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().expect("it is a number")
    }

    #[test]
    fn one_number_has_many_texts() {
        for text in ["500", "500.0", "5e2", "00500", "5E+2", "0.5e3", "50000e-2"] {
            assert_eq!(number(text), number("500"), "{text}");
        }
        for text in ["0", "-0", "0.00", "0e99", "-0.0e-5"] {
            assert_eq!(number(text), number("0"), "{text}");
        }
    }

    #[test]
    fn numbers_compare_exactly() {
        let rising = [
            "-1e400",
            "-20",
            "-3",
            "-2.5",
            "-1e-9",
            "0",
            "1e-300",
            "0.1",
            "0.10000000000000001",
            "2.5",
            "3",
            "20",
            "9007199254740992",
            "9007199254740993",
            "1e21",
            "1e9999",
        ];
        for (i, a) in rising.iter().enumerate() {
            for (j, b) in rising.iter().enumerate() {
                assert_eq!(number(a).cmp(&number(b)), i.cmp(&j), "{a} and {b}");
            }
        }
        assert!(number("1e99999999999999999999") > number("1e999999"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "", "-", "+1", ".5", "5.", "1e", "1e+", "1 ", " 1", "0x1", "NaN", "+Inf", "1_000",
            "1,5", "١", "1e5.0",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(NoNumber), "{text:?}");
        }
        assert!("1".repeat(256).parse::<Decimal>().is_ok());
        assert!("1".repeat(257).parse::<Decimal>().is_err());
    }

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for (text, written) in [
            ("500.0", "500"),
            ("-0.0050", "-0.005"),
            ("12.50", "12.5"),
            ("-0", "0"),
            ("1e20", "100000000000000000000"),
            ("1.5e300", "1.5e300"),
            ("1e-300", "1e-300"),
        ] {
            assert_eq!(number(text).to_string(), written);
            assert_eq!(number(written), number(text));
        }
    }
}
