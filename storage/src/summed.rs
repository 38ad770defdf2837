//! Small files of text that end with a checksum over what stands before it.
//!
//! In: lines. Out: the same with their checksum; and back, nothing where one bit of them is another.
//!
//! Deliberately absent: what the lines say, and how the file is put in place.

use xxhash_rust::xxh3::xxh3_64;

/// What stands before the checksum in the last line.
const CHECKSUM: &str = "checksum ";

/// Whole lines, with the one of their checksum behind them.
pub(crate) fn seal(mut lines: String) -> String {
    let sum = xxh3_64(lines.as_bytes());
    lines.push_str(&format!("{CHECKSUM}{sum:016x}\n"));
    lines
}

/// The lines that were sealed; none: it is damaged.
pub(crate) fn open(text: &str) -> Option<&str> {
    let (lines, sum) = text.strip_suffix('\n')?.rsplit_once(CHECKSUM)?;
    (u64::from_str_radix(sum, 16).ok()? == xxh3_64(lines.as_bytes())).then_some(lines)
}
