//! Who may ask and send, as rooms are told of it.
//!
//! In: the configuration, and the rules that place requests. Out: what decides, and what finds out who asks.

use access::{Door, Guard, Passwords, SignIn};
use trust::Rules;

use crate::config::Config;

/// One for all rooms of a process.
pub(super) struct Access {
    pub(super) guard: Guard,
    pub(super) door: Door,
}

// === impl Access ===

impl Access {
    /// Reads the file of users. A file that holds none ends the start: nobody could sign in.
    pub(super) fn open(config: &Config, rules: Rules) -> anyhow::Result<Self> {
        let told = &config.access;
        let mut door = Door::default();
        if let Some(path) = told.htpasswd.clone() {
            let users = tokio::task::block_in_place(|| Passwords::open(path))?;
            door = door.with_passwords(users);
        }
        if let Some(proxy) = told.proxy.clone() {
            door = door.with_proxy(proxy);
        }
        if let Some(oidc) = told.oidc.clone() {
            let sign_in = tokio::task::block_in_place(|| SignIn::new(oidc))?;
            door = door.with_sign_in(sign_in);
        }
        Ok(Self {
            guard: Guard::new(rules, told.grants.clone(), told.signs_in()),
            door,
        })
    }
}
