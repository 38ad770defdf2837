//! An amount of bytes.
//!
//! In: a plain number of bytes, as Jaeger's settings have it, or a number with a unit (`10GiB`, `512 MB`, `64Mi`). Out: whole bytes, and a short text that reads
//! back to the same number. It knows no bits and no rates.

use std::fmt;
use std::str::FromStr;

/// The longest part after the dot that is read; more would not change a byte count within reason.
const FRACTION_DIGITS: usize = 9;

/// Whole bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

/// Why a text is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// No number stands in front.
    #[error(
        "\"{0}\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB"
    )]
    Invalid(String),
    /// A unit that is not known.
    #[error(
        "unknown unit \"{unit}\" in size \"{text}\": B, KB, MB, GB, TB, KiB, MiB, GiB, TiB are known"
    )]
    UnknownUnit {
        /// The letters after the number.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than 64 bits hold.
    #[error("size \"{0}\" is too large")]
    TooLarge(String),
}

const UNITS: [(&str, u64); 4] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
];

// === impl ByteSize ===

impl ByteSize {
    /// From bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// From binary megabytes; saturates.
    #[must_use]
    pub const fn from_mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// As bytes.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }

    /// As bytes that this machine can address; saturates where it can not.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    /// The largest binary unit that divides the size, else plain bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS
            .iter()
            .find(|(_, unit)| self.0 != 0 && self.0.is_multiple_of(*unit))
        {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for ByteSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, SizeError> {
        let invalid = || SizeError::Invalid(text.to_owned());
        let trimmed = text.trim();
        let end = trimmed
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at_checked(end).ok_or_else(invalid)?;
        let unit = unit.trim();
        let scale = scale(unit).ok_or_else(|| {
            if number.is_empty() {
                invalid()
            } else {
                SizeError::UnknownUnit {
                    unit: unit.to_owned(),
                    text: text.to_owned(),
                }
            }
        })?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty()
            || fraction.contains('.')
            || (number.ends_with('.'))
            || fraction.len() > FRACTION_DIGITS
        {
            return Err(invalid());
        }
        let too_large = || SizeError::TooLarge(text.to_owned());
        let whole: u64 = whole.parse().map_err(|_| too_large())?;
        let bytes =
            u128::from(whole) * u128::from(scale) + part(fraction, scale).ok_or_else(invalid)?;
        u64::try_from(bytes).map(Self).map_err(|_| too_large())
    }
}

/// The bytes of what stands after the dot, rounded down.
fn part(fraction: &str, scale: u64) -> Option<u128> {
    if fraction.is_empty() {
        return Some(0);
    }
    let value: u128 = fraction.parse().ok()?;
    let power = u32::try_from(fraction.len()).ok()?;
    Some(value * u128::from(scale) / 10_u128.pow(power))
}

fn scale(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        "ti" | "tib" => 1 << 40,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
