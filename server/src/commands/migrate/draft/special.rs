//! Settings that mean something else here, or that hold a secret.
//!
//! In: a key whose setting works here, with its value. Out: whether all has been said about it. A secret becomes a reference to a file where the setting has
//! one, and a variable's name where it has none; its value goes nowhere.

use settings::flag::{Effect, Flag, Kind, variable};
use settings::{Value, flags, print};

use super::{Draft, Fate};
use crate::commands::migrate::leaf::Given;
use crate::config::Backend;

pub(super) const STORE: &str = "span-storage.type";
const HEADERS: &str = "query.additional-headers";

impl Draft {
    /// `renamed`: the key has another name than the setting. `given` may be changed for what follows.
    pub(super) fn take_special(
        &mut self,
        key: &str,
        flag: &'static Flag,
        given: &mut Given,
        renamed: bool,
    ) -> bool {
        let text = given.text().unwrap_or_default();
        match flag.name {
            STORE => self.store(key, &text, renamed),
            "config-file" => {
                self.note(key, Fate::idle("it names another file of settings"));
                self.decide(format!("{key} names another file of settings: give it to spoor migrate-config as well, beside this one"));
            }
            name if flag.kind == Kind::Secret => self.secret(key, name),
            name if name.ends_with(".tls.max-version")
                && ["1.0", "1.1"].contains(&text.as_str()) =>
            {
                self.note(key, Fate::idle("Spoor speaks TLS 1.2 and 1.3 only"));
            }
            name if is_server_switch(name) && is_false(&text) => {
                self.note(key, Fate::idle("it is what Jaeger does when nothing is set; here it would have to be allowed by plaintext.listeners"));
                self.decide(format!("{key} asks for plaintext: other machines reach this listener in plaintext only if plaintext.listeners names it"));
            }
            HEADERS => {
                self.headers(key, given);
                return false;
            }
            _ => {
                self.urls(key, flag, given);
                return false;
            }
        }
        true
    }

    fn store(&mut self, key: &str, text: &str, renamed: bool) {
        self.names_store = true;
        let mut good: Vec<String> = Vec::new();
        let mut bad = Vec::new();
        for word in text.split(',').map(|word| word.trim().to_ascii_lowercase()) {
            match Backend::from_word(&word) {
                Ok(backend) => {
                    let is_known = good
                        .iter()
                        .any(|known| Backend::from_word(known) == Ok(backend));
                    if !is_known {
                        good.push(word);
                    }
                }
                Err(why) => bad.push(why),
            }
        }
        for why in &bad {
            self.decide(format!("{key}: {why}"));
        }
        let fate = match (bad.first(), good.is_empty()) {
            (Some(why), true) => {
                self.note(key, Fate::idle(why.clone()));
                return;
            }
            (Some(_), false) => Fate::Mapped(format!("{STORE}: {}", good.join(","))),
            (None, _) if renamed => Fate::Mapped(STORE.to_owned()),
            (None, _) => Fate::Kept,
        };
        if let Some(flag) = flags::find(STORE) {
            let from = renamed.then(|| key.to_owned());
            self.put(key, flag, Value::List(good), from, fate);
        }
    }

    /// The store that a tree of somebody else's makes of a kind, without a key of its own.
    pub(in crate::commands::migrate) fn name_store(&mut self, from: &str, kind: &str) {
        self.names_store = true;
        match Backend::from_word(kind) {
            Ok(_) => self.derive(STORE, kind, from),
            Err(why) => self.decide(format!("{from}: {why}")),
        }
    }

    fn secret(&mut self, key: &str, name: &str) {
        let file = format!("{name}-file");
        let file = flags::find(&file).filter(|flag| flag.effect == Effect::Acts);
        match file {
            Some(flag) => {
                let path = self.secret_path(name);
                let value = Value::Text(path.clone());
                let from = Some(format!("{key}, whose value is not shown here"));
                let fate = Fate::Mapped(format!("{}: {path}", flag.name));
                self.decide(format!("{key} holds a secret, which is not shown here: put it into the file {path}, which {} names", flag.name));
                if self.lines.contains_key(flag.name) {
                    self.note(key, Fate::idle(format!("{} is set, and wins", flag.name)));
                } else {
                    self.put(key, flag, value, from, fate);
                }
            }
            None => {
                let variable = variable(name);
                self.idle(
                    format!("{name}:"),
                    format!("a secret: give it as the variable {variable}"),
                );
                self.note(key, Fate::Mapped(format!("the variable {variable}")));
                self.decide(format!("{key} holds a secret, which is not shown here: start with the variable {variable}"));
            }
        }
    }

    /// Headers that let somebody in keep their names.
    fn headers(&mut self, key: &str, given: &mut Given) {
        let lines = match given {
            Given::List(lines) => std::mem::take(lines),
            Given::Text(text) => vec![std::mem::take(text)],
            Given::Nothing | Given::TooDeep => return,
        };
        let shown: Vec<String> = lines
            .iter()
            .map(|line| print::without_credential(line))
            .collect();
        if shown != lines {
            self.decide(format!("{key} holds a secret, which is not shown here: write it over the stars of {HEADERS}"));
        }
        *given = Given::List(shown);
    }

    /// Passwords in URLs. Those of a cluster have settings of their own.
    fn urls(&mut self, key: &str, flag: &'static Flag, given: &mut Given) {
        if !matches!(flag.kind, Kind::Text | Kind::List) {
            return;
        }
        let text = given.text().unwrap_or_default();
        let words: Vec<&str> = match flag.kind {
            Kind::List => text.split(',').map(str::trim).collect(),
            _ => vec![text.as_str()],
        };
        let is_cluster = flag.name.ends_with(".server-urls");
        let mut user = None;
        let mut shown = Vec::new();
        for word in words {
            match parted(word) {
                Some((name, _)) if !is_cluster => {
                    user.get_or_insert(name);
                    shown.push(print::without_password(word));
                }
                Some((name, rest)) => {
                    user.get_or_insert(name);
                    shown.push(rest);
                }
                None => shown.push(word.to_owned()),
            }
        }
        let Some(user) = user else { return };
        *given = Given::Text(shown.join(","));
        let from = format!("the user in {key}");
        match flag.name.strip_suffix("server-urls") {
            Some(prefix) => {
                self.derive(&format!("{prefix}username"), &user, &from);
                let name = format!("{prefix}password");
                let path = self.secret_path(&name);
                self.derive(
                    &format!("{name}-file"),
                    &path,
                    &format!("the password in {key}, which is not shown here"),
                );
                self.decide(format!("{key} holds a password, which is not shown here: put it into the file {path}, which {name}-file names"));
            }
            None => self.decide(format!(
                "{key} holds a password, which is not shown here: write it over the stars of {}",
                flag.name
            )),
        }
    }
}

/// The user of a URL that names one, and the URL without what stands before its host.
fn parted(url: &str) -> Option<(String, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end)?;
    let (user, host) = authority.rsplit_once('@')?;
    let name = user.split_once(':').map_or(user, |(name, _)| name);
    Some((name.to_owned(), format!("{scheme}://{host}{tail}")))
}

/// The switch of a block that a listener has: only those know clients' authorities.
fn is_server_switch(name: &str) -> bool {
    name.strip_suffix(".enabled")
        .filter(|prefix| prefix.ends_with(".tls"))
        .is_some_and(|prefix| flags::find(&format!("{prefix}.client-ca")).is_some())
}

fn is_false(text: &str) -> bool {
    settings::value::parse_bool(text.trim()) == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parted_from_who_calls() {
        let parts = |url| parted(url).unwrap();
        assert_eq!(
            parts("https://u:p@w@es:9200/x?y"),
            ("u".to_owned(), "https://es:9200/x?y".to_owned())
        );
        assert_eq!(parts("http://u@es").0, "u");
        assert_eq!(parted("http://es:9200/a@b"), None);
        assert_eq!(parted("es:9200"), None);
    }
}
