//! Spoor, put together.
pub mod cli;
pub mod commands;
pub mod config;
pub mod admin;
pub mod logs;
