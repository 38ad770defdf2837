//! Taking checked values out of the settings.
//!
//! In: a setting's name. Out: a value of the type that the rooms want; what does not fit becomes a problem and a harmless value, so that checking goes on to the next.

use std::ops::RangeInclusive;
use std::time::Duration;

use settings::{ByteSize, HostPort, Problem, Settings, Warning};

/// The settings, with what was found wrong so far.
pub(super) struct Check<'a> {
    pub(super) settings: &'a Settings,
    /// Whom connections trust.
    pub(super) trust: trust::Store,
    pub(super) warnings: Vec<Warning>,
    pub(super) problems: Vec<Problem>,
}

// === impl Check ===

impl<'a> Check<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            trust: trust(settings),
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// A problem with the setting `name`, which is named as it was written.
    pub(super) fn wrong(&mut self, name: &str, what: impl std::fmt::Display) {
        self.problems.push(Problem::Invalid(format!(
            "{}: {what}",
            self.settings.at(name)
        )));
    }

    /// The same, of what stands at `at`.
    pub(super) fn wrong_at(&mut self, at: &str, what: impl std::fmt::Display) {
        self.problems
            .push(Problem::Invalid(format!("{at}: {what}")));
    }

    pub(super) fn warn(&mut self, name: &str, note: impl Into<String>) {
        self.warnings.push(Warning {
            settings: vec![self.settings.at(name)],
            note: note.into(),
        });
    }

    /// The setting `name` switches the check of the other side's certificate off.
    pub(super) fn warn_of_any_certificate(&mut self, name: &str) {
        self.warn(
            name,
            "any certificate is taken: whoever stands in between can read and change spans",
        );
    }

    /// Addresses that are called over gRPC, separated by commas: at least one, such as `example` says. Jaeger wrote gRPC's own names of resolvers before them.
    pub(super) fn called(&mut self, name: &str, example: &str) -> Vec<HostPort> {
        let text = self.settings.text(name).to_owned();
        let mut called = Vec::new();
        for item in text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let bare = ["dns:///", "passthrough:///", "dns:"]
                .iter()
                .find_map(|scheme| item.strip_prefix(scheme))
                .unwrap_or(item);
            match bare.parse::<HostPort>() {
                Ok(at) if at.port == 0 => {
                    self.wrong(name, format!("\"{item}\" has no port to call"));
                }
                Ok(at) => called.push(at),
                Err(error) => self.wrong(name, error),
            }
        }
        if text.trim().is_empty() {
            self.wrong(name, format!("it is empty: give {example}"));
        }
        called
    }

    /// Whether somebody set it, were it to what it is anyway.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.settings.is_written(name)
    }

    /// One warning for those of `names` that somebody set.
    pub(super) fn warn_unused(&mut self, names: &[&str], note: &str) {
        let mut settings: Vec<String> = Vec::new();
        for name in names.iter().filter(|name| self.is_written(name)) {
            let at = self.settings.at(name);
            // an archive has from its store what nobody wrote for it
            if !settings.contains(&at) {
                settings.push(at);
            }
        }
        if !settings.is_empty() {
            self.warnings.push(Warning {
                settings,
                note: note.to_owned(),
            });
        }
    }

    /// Reads other settings. What was said before, for another instance with the same setting, is not said again.
    pub(super) fn with<T>(
        &mut self,
        settings: &Settings,
        read: impl FnOnce(&mut Check<'_>) -> T,
    ) -> T {
        let mut other = Check::new(settings);
        let read = read(&mut other);
        for warning in other.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
        read
    }

    /// A whole number within bounds.
    pub(super) fn within(&mut self, name: &str, bounds: RangeInclusive<u32>) -> u32 {
        let value = self.settings.int(name);
        let fitting = u32::try_from(value).ok();
        fitting
            .filter(|value| bounds.contains(value))
            .unwrap_or_else(|| {
                let (least, most) = (bounds.start(), bounds.end());
                self.wrong(name, format!("{value}: give {least} to {most}"));
                *least
            })
    }

    /// A number of 1 or more.
    pub(super) fn count(&mut self, name: &str) -> usize {
        let value = self.number(name);
        if value == 0 {
            self.wrong(name, "give 1 or more");
            return 1;
        }
        value
    }

    /// A number of 0 or more.
    pub(super) fn number(&mut self, name: &str) -> usize {
        let value = self.settings.int(name);
        usize::try_from(value).unwrap_or_else(|_| {
            self.wrong(name, format!("{value} is negative: give 0 or more"));
            1
        })
    }

    /// A size of 1 byte or more.
    pub(super) fn size(&mut self, name: &str) -> ByteSize {
        let size = self.settings.bytes(name).unwrap_or_default();
        if size.as_bytes() == 0 {
            self.wrong(name, "give 1 byte or more");
            return ByteSize::from_bytes(1);
        }
        size
    }

    /// A size of `least` or more.
    pub(super) fn size_from(&mut self, name: &str, least: ByteSize) -> ByteSize {
        let size = self.settings.bytes(name).unwrap_or_default();
        if size < least {
            self.wrong(name, format!("{size} is too little: give {least} or more"));
            return least;
        }
        size
    }

    /// A number from 0 to 1.
    pub(super) fn share(&mut self, name: &str) -> f64 {
        let share = self.settings.float(name);
        if !(0.0..=1.0).contains(&share) {
            self.wrong(name, format!("{share} is no share: give 0 to 1"));
        }
        share
    }

    /// A number of 0 or more, whole or not.
    pub(super) fn amount(&mut self, name: &str) -> f64 {
        let amount = self.settings.float(name);
        if amount < 0.0 {
            self.wrong(name, format!("{amount} is no amount: give 0 or more"));
        }
        amount
    }

    /// A number above 0, whole or not.
    pub(super) fn some_amount(&mut self, name: &str) -> f64 {
        let amount = self.settings.float(name);
        if amount <= 0.0 {
            self.wrong(name, format!("{amount} is nothing: give more than 0"));
        }
        amount
    }

    /// A duration of 0 or more.
    pub(super) fn time(&mut self, name: &str) -> Duration {
        let value = self.settings.duration(name);
        value.to_std().unwrap_or_else(|| {
            self.wrong(name, format!("{value} is negative: give 0s or more"));
            Duration::ZERO
        })
    }

    /// A duration above 0.
    pub(super) fn some_time(&mut self, name: &str) -> Duration {
        let value = self.settings.duration(name);
        value
            .to_std()
            .filter(|time| !time.is_zero())
            .unwrap_or_else(|| {
                self.wrong(
                    name,
                    format!("{value} is no time at all: give more than 0s"),
                );
                Duration::from_secs(1)
            })
    }

    /// A duration where 0 means "none".
    pub(super) fn time_or_none(&mut self, name: &str) -> Option<Duration> {
        Some(self.time(name)).filter(|time| !time.is_zero())
    }

    /// The path of a URL, such as `/metrics`.
    pub(super) fn route(&mut self, name: &str) -> String {
        let route = self.settings.text(name).to_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
        if !route.starts_with('/') || route.len() < 2 || !route.chars().all(fits) {
            self.wrong(
                name,
                format!("\"{route}\" is no path: give one such as /metrics"),
            );
        }
        route
    }
}

/// The store of `trust.bundles`. Reads nothing.
fn trust(settings: &Settings) -> trust::Store {
    let paths = settings.list("trust.bundles").iter();
    let paths = paths
        .map(|path| path.trim())
        .filter(|path| !path.is_empty());
    trust::Store::new(paths.map(Into::into).collect())
}
