//! Free ports, below those that Linux gives to connections that go out: one that a client tries while its server is away is not taken by
//! that very client.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

const FIRST: u16 = 15_000;
const COUNT: u16 = 15_000;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Two ports that nobody listens on now. Another process may take them before we do: who starts a server tries again.
pub(crate) fn two() -> anyhow::Result<[u16; 2]> {
    Ok([one()?, one()?])
}

/// Runs `start`, which asks for ports and begins to listen, again if others listened there first.
pub(crate) fn on_free<T>(mut start: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<T> {
    for _ in 0..3 {
        match start() {
            Err(error) if error.to_string().contains("already in use") => {}
            started => return started,
        }
    }
    start()
}

/// A port that nobody listens on now.
pub fn one() -> anyhow::Result<u16> {
    // processes that test at the same time begin at different places
    let begin = std::process::id().wrapping_mul(97);
    (0..u32::from(COUNT))
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % u32::from(COUNT))
        .filter_map(|offset| Some(FIRST + u16::try_from(offset).ok()?))
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no port is free")
}
