//! The options of a tool, and their values.
//!
//! In: a table, the command line, the environment. Out: each value in its type, from the command line, else the variable of that name, else the default, as in
//! Jaeger; a value that is none becomes a problem that names it the way it was written. What was given on the command line and no table holds is a problem, too: a
//! tool that deletes does not guess.

use settings::args::{Arguments, CommandOption};
use settings::value::parse_bool;
use settings::{Environment, Problem};

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// `--name`, or `--name=true`.
    Switch,
    /// `--name true`
    Truth,
    /// A whole number of 0 or more.
    Number,
    /// Text.
    Text,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Without dashes.
    pub name: &'static str,
    /// What its value looks like.
    pub takes: Takes,
    /// As one would write it.
    pub default: &'static str,
    /// What it means.
    pub help: &'static str,
    /// Whether the variable of that name is read.
    pub has_variable: bool,
}

/// The options of a tool as they were given.
pub(super) struct Given<'a> {
    pub(super) rows: &'static [Row],
    pub(super) arguments: &'a Arguments,
    pub(super) environment: &'a Environment,
    pub(super) problems: Vec<Problem>,
}

// === impl Row ===

impl Row {
    /// One that Jaeger has.
    pub(super) const fn new(
        name: &'static str,
        takes: Takes,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self {
            name,
            takes,
            default,
            help,
            has_variable: true,
        }
    }

    /// No variable sets it.
    pub(super) const fn flag_only(self) -> Self {
        Self {
            has_variable: false,
            ..self
        }
    }

    /// `--name` as the command line is taken apart.
    pub(super) fn option(&self) -> CommandOption {
        CommandOption {
            name: self.name,
            short: None,
            takes_value: self.takes != Takes::Switch,
        }
    }
}

// === impl Given ===

impl Given<'_> {
    pub(super) fn wrong(&mut self, name: &str, what: impl std::fmt::Display) {
        let (at, _) = self.find(name);
        self.problems
            .push(Problem::Invalid(format!("{at}: {what}")));
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.find(name).1
    }

    pub(super) fn switch(&mut self, name: &str) -> bool {
        let text = self.text(name);
        parse_bool(text.trim()).unwrap_or_else(|| {
            self.wrong(name, format!("\"{text}\" is neither true nor false"));
            false
        })
    }

    pub(super) fn number(&mut self, name: &str, least: u32, most: u32) -> u32 {
        let text = self.text(name);
        let number = text.trim().parse().ok();
        number
            .filter(|number| (least..=most).contains(number))
            .unwrap_or_else(|| {
                self.wrong(
                    name,
                    format!("\"{text}\": give a whole number from {least} to {most}"),
                );
                least
            })
    }

    /// A value that reads itself.
    pub(super) fn parsed<T: std::str::FromStr<Err = String> + Default>(&mut self, name: &str) -> T {
        self.text(name).parse().unwrap_or_else(|error| {
            self.wrong(name, error);
            T::default()
        })
    }

    /// How it was written, and its value.
    fn find(&self, name: &str) -> (String, String) {
        if let Some(value) = self.arguments.option(name) {
            return (format!("--{name}"), value.to_owned());
        }
        let row = self.rows.iter().find(|row| row.name == name);
        let variable = settings::flag::variable(name);
        let set = row
            .filter(|row| row.has_variable)
            .and_then(|_| self.environment.get(&variable));
        if let Some(value) = set {
            return (format!("{variable} (environment)"), value.to_owned());
        }
        let default = row.map_or("", |row| row.default);
        (name.to_owned(), default.to_owned())
    }
}
