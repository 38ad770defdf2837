//! The program `spoor`: parse everything, then do what was asked.

use std::io::{self, Write as _};
use std::process::ExitCode;

use server::cli::{self, Command};
use server::{allocator, commands, roles};
use settings::{Environment, environment};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    allocator::set();
    match cli::parse(&environment::arguments(), &Environment::of_process()) {
        Ok(Command::Run {
            config,
            warnings,
            again,
        }) => exit_code(roles::run(&config, &warnings, *again)),
        Ok(command) => {
            let done =
                commands::execute(&command, &mut io::stdout().lock(), &mut io::stderr().lock());
            // whoever reads may have gone away, as `head` does: nothing is left to say to them
            done.map_or(ExitCode::FAILURE, ExitCode::from)
        }
        Err(error) => complain(&error.to_string()),
    }
}

fn exit_code(success: bool) -> ExitCode {
    if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn complain(text: &str) -> ExitCode {
    // standard error may be closed: the exit code says it too
    drop(writeln!(
        io::stderr(),
        "spoor: {}",
        text.replace('\n', "\nspoor: ")
    ));
    ExitCode::FAILURE
}
