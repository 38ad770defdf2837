//! A row of a table, applied to a key.
//!
//! In: a key, its value, and the row that is for it. Out: what became of it, in a draft.

use settings::flags;

use super::draft::{Draft, Fate};
use super::leaf::{Given, Leaf};
use super::pattern::{Pattern, To};

/// `rename` makes the setting's name of the row's: an archive has the same settings as its store.
pub(super) fn apply(
    draft: &mut Draft,
    row: &Pattern,
    leaf: &Leaf,
    rename: impl Fn(&str) -> String,
) {
    let Leaf { key, given } = leaf;
    match row.to {
        To::Nothing(why) => drop(draft.note(key, Fate::elsewhere(why))),
        To::Decide(what) => {
            draft.note(key, Fate::elsewhere(what));
            draft.decide(format!("{key}: {what}"));
        }
        To::Setting(..) if *given == Given::Nothing => {
            draft.note(key, Fate::elsewhere("it is empty, which sets nothing"));
            return;
        }
        To::Setting(name, how) => {
            let name = rename(name);
            let is_known = flags::all().any(|flag| flag.name == name);
            match how.convert(key, given) {
                _ if !is_known => {
                    draft.note(key, Fate::idle("Spoor has no setting for it"));
                }
                Some(given) => draft.take(key, "", &name, &given),
                None => {
                    draft.note(
                        key,
                        Fate::Unknown(format!("its value is none that {name} can say")),
                    );
                }
            }
        }
    }
    for (name, value) in row.also {
        draft.derive(&rename(name), value, key);
    }
}
