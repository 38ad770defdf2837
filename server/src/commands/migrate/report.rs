//! What is said about a migration.
//!
//! In: what became of each key, and what a person has to decide. Out: lines for a person. No value of a key is among them.

use std::io::{self, Write};

use super::draft::{Fate, Row};

/// Writes it. `several`: rows name their input.
///
/// # Errors
/// When it can not be written.
pub(super) fn write(
    rows: &[&Row],
    decisions: &[String],
    several: bool,
    out: &mut impl Write,
) -> io::Result<()> {
    let of = |wanted: fn(&Fate) -> bool| -> Vec<&&Row> {
        rows.iter().filter(|row| wanted(&row.fate)).collect()
    };
    let groups = [
        ("kept", of(|fate| matches!(fate, Fate::Kept))),
        ("mapped", of(|fate| matches!(fate, Fate::Mapped(_)))),
        (
            "without effect",
            of(|fate| matches!(fate, Fate::NoEffect { .. })),
        ),
        ("unknown", of(|fate| matches!(fate, Fate::Unknown(_)))),
    ];
    for (title, rows) in groups {
        writeln!(out, "{title} {}", rows.len())?;
        for row in rows {
            let input = if several {
                format!("{}: ", row.input)
            } else {
                String::new()
            };
            let key = clean(&row.key);
            match &row.fate {
                Fate::Kept => writeln!(out, "  {input}{key}")?,
                Fate::Mapped(to) => writeln!(out, "  {input}{key} → {to}")?,
                Fate::NoEffect { why, .. } => writeln!(out, "  {input}{key}: {why}")?,
                Fate::Unknown(hint) if hint.is_empty() => writeln!(out, "  {input}{key}")?,
                Fate::Unknown(hint) => writeln!(out, "  {input}{key}: {hint}")?,
            }
        }
    }
    writeln!(out, "to decide {}", decisions.len())?;
    for what in decisions {
        writeln!(out, "  - {}", clean(what))?;
    }
    Ok(())
}

/// A key of somebody's file may hold anything.
fn clean(text: &str) -> String {
    settings::print::comment(text)
}
