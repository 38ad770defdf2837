//! The command line, taken apart.
//!
//! In: the words after the program's name, and the options that only a command has. Out: positional words, settings in order, options, and problems. GNU style, as Jaeger
//! has it: `--name value`, `--name=value`, a boolean alone or followed by one of Go's words; `--` ends the flags. Values are not parsed here.

use crate::flag::Kind;
use crate::source::Problem;
use crate::{flags, value};

/// An option of a command, which is no setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandOption {
    /// Its name without dashes.
    pub name: &'static str,
    /// One letter for it.
    pub short: Option<char>,
    /// Whether a value follows.
    pub takes_value: bool,
}

/// A command line in parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// Words that are no flags: the command and what it is given.
    pub words: Vec<String>,
    /// Settings by name, in order; the value as written.
    pub settings: Vec<(String, String)>,
    /// Options of commands.
    pub options: Vec<(&'static str, String)>,
    /// What could not be understood.
    pub problems: Vec<Problem>,
}

// === impl Arguments ===

impl Arguments {
    /// Takes `args` apart; they do not hold the program's name.
    #[must_use]
    pub fn parse(args: &[String], options: &[CommandOption]) -> Self {
        let mut parsed = Self::default();
        let mut rest = args.iter().map(String::as_str).peekable();
        while let Some(arg) = rest.next() {
            if arg == "--" {
                parsed.words.extend(rest.by_ref().map(str::to_owned));
            } else if let Some(flag) = arg.strip_prefix("--") {
                let (name, inline) = match flag.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (flag, None),
                };
                parsed.long(name, inline, options, &mut rest);
            } else if arg.len() > 1 && arg.starts_with('-') {
                parsed.short(arg, options);
            } else {
                parsed.words.push(arg.to_owned());
            }
        }
        parsed
    }

    /// The last value of an option.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options
            .iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    fn long<'a>(
        &mut self,
        name: &str,
        inline: Option<String>,
        options: &[CommandOption],
        rest: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
    ) {
        if let Some(option) = options.iter().find(|option| option.name == name) {
            let value = inline.or_else(|| {
                if option.takes_value {
                    rest.next().map(str::to_owned)
                } else {
                    Some("true".to_owned())
                }
            });
            match value {
                Some(value) => self.options.push((option.name, value)),
                None => self.problems.push(Problem::NoValue(name.to_owned())),
            }
            return;
        }
        let Some(flag) = flags::find(name) else {
            self.problems.push(Problem::UnknownFlag {
                name: name.to_owned(),
                nearest: flags::nearest(name),
            });
            // Its value is no command.
            if inline.is_none() {
                rest.next_if(|next| !next.starts_with('-'));
            }
            return;
        };
        let value = match (inline, flag.kind) {
            (Some(value), _) => Some(value),
            (None, Kind::Bool) => Some(
                rest.next_if(|next| value::parse_bool(next).is_some())
                    .unwrap_or("true")
                    .to_owned(),
            ),
            (None, _) => rest.next().map(str::to_owned),
        };
        match value {
            Some(value) => self.settings.push((name.to_owned(), value)),
            None => self.problems.push(Problem::NoValue(name.to_owned())),
        }
    }

    fn short(&mut self, arg: &str, options: &[CommandOption]) {
        let letter = Some(arg.trim_start_matches('-'))
            .filter(|rest| rest.chars().count() == 1)
            .and_then(|rest| rest.chars().next());
        match options
            .iter()
            .find(|option| letter.is_some() && option.short == letter)
        {
            Some(option) => self.options.push((option.name, "true".to_owned())),
            None => self.problems.push(Problem::OneDash(arg.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
