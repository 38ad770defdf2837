//! Spoor, put together: the command line, the whole configuration, the roles, the admin port. No logic of its own.
//!
//! In: arguments, variables and a file. Out: a running process, or a sentence that says what to mend. `main.rs` is about a page.

pub mod admin;
pub mod allocator;
pub mod cli;
pub mod commands;
pub mod config;
pub mod logs;
pub mod roles;
