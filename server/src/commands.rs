//! The commands that start nothing.
//!
//! In: a parsed [`Command`]. Out: what it prints, and whether it succeeded. Each command that is more than a line has a file. Running a role is not here.

pub mod certs;
pub mod check;
pub mod env;
pub mod help;
pub mod letters;
pub mod migrate;
pub mod status;
pub mod store;
pub mod tools;
pub mod validate;
pub mod version;

use std::io::{self, Write};

use crate::cli::{Command, Format};

/// Carries `command` out; the answer is the process's exit code, 0 for success. `out` is for what was asked, `err` for what is wrong. A role to run is not carried out, and
/// counts as success.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn execute(command: &Command, out: &mut impl Write, err: &mut impl Write) -> io::Result<u8> {
    let is_good = match command {
        Command::Migrate(command) => return migrate::run(command, out, err),
        Command::Run { .. } => Ok(true),
        Command::Help { role } => out.write_all(help::text(*role).as_bytes()).map(|()| true),
        // Jaeger ends this line nowhere; scripts read it whole.
        Command::Version => out.write_all(version::json().as_bytes()).map(|()| true),
        Command::VersionLine => writeln!(out, "{}", version::line()).map(|()| true),
        Command::Env => out.write_all(env::text().as_bytes()).map(|()| true),
        Command::PrintConfig {
            settings,
            instances,
            listeners,
            format,
        } => {
            let text = match format {
                Format::Yaml => settings::print::to_yaml(settings, instances),
                Format::Json => settings::print::to_json(settings, instances),
            };
            out.write_all(text.as_bytes())?;
            if *format == Format::Yaml {
                writeln!(out, "# These listeners are opened:")?;
                for listener in listeners {
                    writeln!(out, "#   {listener}")?;
                }
            }
            Ok(true)
        }
        Command::Validate {
            config,
            warnings,
            problems,
        } => validate::run(config.as_deref(), warnings, problems, out, err),
        Command::Check {
            config,
            warnings,
            problems,
            output,
        } => check::run(config.as_deref(), warnings, problems, *output, out, err),
        Command::Store(command) => store::run(command, out, err),
        Command::Certs(command) => certs::run(command, out, err),
        Command::Letters(letters) => letters::run(letters, out, err),
        Command::Tool(tool) => tools::run(tool, out, err),
        Command::Status { targets } => match status::ask(targets) {
            Ok(answer) => {
                writeln!(out, "{}", answer.body.trim_end())?;
                if !answer.is_ok() {
                    writeln!(err, "abnormal value of http status code: {}", answer.code)?;
                }
                Ok(answer.is_ok())
            }
            Err(error) => writeln!(err, "{error}").map(|()| false),
        },
    };
    is_good.map(|is_good| u8::from(!is_good))
}

#[cfg(test)]
mod tests;
