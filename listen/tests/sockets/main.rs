//! The listener with real sockets and real clients.
#![cfg(test)]

mod limits;
mod plain;
mod shutdown;
mod support;
mod tls;
