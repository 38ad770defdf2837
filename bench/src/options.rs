//! `--name value` of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context as _, bail};

/// Options of one command, and arguments that are none.
#[derive(Debug, Default)]
pub struct Options {
    values: BTreeMap<String, Vec<String>>,
    /// Arguments without a name.
    pub files: Vec<PathBuf>,
}

// === impl Options ===

impl Options {
    /// Reads `args`. `help` names every option as `--name`; one that it shows without a value in capitals after it has none.
    pub fn parse(args: impl IntoIterator<Item = String>, help: &str) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let Some(name) = arg.strip_prefix("--").or((arg == "-o").then_some("output")) else {
                if arg.starts_with('-') && arg != "-" {
                    bail!("unknown argument {arg:?}\n{help}");
                }
                options.files.push(arg.into());
                continue;
            };
            let line = help
                .lines()
                .find(|l| l.split_whitespace().next() == Some(&format!("--{name}")))
                .with_context(|| format!("unknown option --{name}\n{help}"))?;
            let wants = line.split_whitespace().nth(1).unwrap_or_default();
            let value = if wants.starts_with(|c: char| c.is_ascii_uppercase()) {
                args.next()
                    .with_context(|| format!("--{name} needs {wants}"))?
            } else {
                String::new()
            };
            options
                .values
                .entry(name.to_owned())
                .or_default()
                .push(value);
        }
        Ok(options)
    }

    /// The last value of an option.
    pub fn text(&self, name: &str) -> Option<&str> {
        let values = self.values.get(name)?;
        values.last().map(String::as_str)
    }

    /// Whether it is given.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value of an option, read.
    pub fn get<T: FromStr>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => bail!("--{name} does not take {text:?}"),
        }
    }

    /// The same, with what is meant without it.
    pub fn or<T: FromStr>(&self, name: &str, default: T) -> anyhow::Result<T> {
        Ok(self.get(name)?.unwrap_or(default))
    }

    /// All values of an option, which may be repeated or list several with commas.
    pub fn list<T: FromStr>(&self, name: &str) -> anyhow::Result<Vec<T>> {
        let values = self.values.get(name).map(Vec::as_slice).unwrap_or_default();
        values
            .iter()
            .flat_map(|v| v.split(','))
            .map(|text| match text.trim().parse() {
                Ok(value) => Ok(value),
                Err(_) => bail!("--{name} does not take {text:?}"),
            })
            .collect()
    }

    /// `http://host:port` or `udp://host:port` on loopback: load goes nowhere else.
    pub fn url(&self, name: &str, default: &str) -> anyhow::Result<String> {
        let url = self.text(name).unwrap_or(default).trim_end_matches('/');
        let authority = url.strip_prefix("http://").or(url.strip_prefix("udp://"));
        let authority = authority.unwrap_or_default();
        let host = authority.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let loopback = host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback());
        if !loopback {
            bail!("--{name} {url:?} is not http:// or udp:// on loopback");
        }
        Ok(url.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELP: &str =
        "x: y\n  --target URL  where\n  --pid N  process\n  --fresh  too\n  --output FILE";

    fn parse(args: &[&str]) -> anyhow::Result<Options> {
        Options::parse(args.iter().map(|a| (*a).to_owned()), HELP)
    }

    #[test]
    fn options_are_those_of_the_help() {
        let options = parse(&[
            "--pid", "1", "--pid", "2,3", "--fresh", "a.json", "-o", "b.svg",
        ])
        .unwrap();
        assert_eq!(options.list::<u32>("pid").unwrap(), [1, 2, 3]);
        assert!(options.has("fresh"));
        assert_eq!(options.text("output"), Some("b.svg"));
        assert_eq!(options.files, [PathBuf::from("a.json")]);
        assert!(parse(&["--pids", "1"]).is_err());
        assert!(parse(&["--pid"]).is_err());
        assert!(parse(&["--pid", "x"]).unwrap().list::<u32>("pid").is_err());
    }

    #[test]
    fn load_goes_to_loopback_only() {
        for (url, ok) in [
            ("http://127.0.0.1:4317", true),
            ("http://[::1]:4317/", true),
            ("http://localhost:1/base", true),
            ("udp://127.0.0.1:6831", true),
            ("udp://10.0.0.1:6831", false),
            ("http://127.example.com:80", false),
            ("http://10.0.0.1:4317", false),
            ("https://127.0.0.1:4317", false),
        ] {
            let options = parse(&["--target", url]).unwrap();
            assert_eq!(options.url("target", "").is_ok(), ok, "{url}");
        }
    }
}
