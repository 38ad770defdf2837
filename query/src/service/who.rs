//! Who asks, and which instance they may read: asked here and nowhere else. Both are decided by `access`.
//!
//! In: the head of a request, and the instance that its path names. Out: the instance, those there are to choose from, or a refusal, which is counted and written down.

use access::{Denied, Door, Seen, SignIn, Unproved, oidc};
use http::HeaderValue;
use http::request::Parts;
use listen::Peer;
use model::Instance;
use trust::{Names, Shown};

use super::{HTTP, Service, audit};

// === impl Service ===

impl Service {
    /// The instance that `request` is about, for what shows no traces.
    ///
    /// # Errors
    /// As [`Service::call`].
    pub(crate) fn instance(
        &self,
        request: &Parts,
        named: Option<&Instance>,
    ) -> Result<Instance, Denied> {
        self.instance_of(HTTP, request, named)
    }

    /// The instances that whoever sent `request` may name.
    ///
    /// # Errors
    /// When nothing that is known says who asks.
    pub(crate) fn instances(&self, request: &Parts) -> Result<Vec<Instance>, Denied> {
        let shown = shown(HTTP, request);
        let choices = self.guard.choices(shown, caller(request));
        choices.inspect_err(|denied| self.tell(HTTP, request, denied))
    }

    /// The instance that a request may read. The rules are `trust`'s, the same as for spans that come in.
    pub(super) fn instance_of(
        &self,
        listener: &str,
        head: &Parts,
        named: Option<&Instance>,
    ) -> Result<Instance, Denied> {
        let shown = shown(listener, head);
        let found = self.guard.question(shown, caller(head), named);
        found.inspect_err(|denied| self.tell(listener, head, denied))
    }

    /// Finds out who sent a request of a browser or a tool, and notes it in its head; `base_path` stands before every path. Nobody is no error: what is asked decides whether
    /// that will do. What comes back are cookies for the answer.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub(crate) async fn welcome(
        &self,
        head: &mut Parts,
        base_path: &str,
    ) -> Result<Vec<HeaderValue>, Unproved> {
        let Some(seen) = self.seen(head) else {
            return Ok(Vec::new());
        };
        // of browsers sessions count too
        let found = self.door.visitor(head, seen, base_path).await;
        let entry = found.inspect_err(|unproved| self.tell_of(HTTP, head, unproved))?;
        if let Some(caller) = entry.caller {
            head.extensions.insert(caller);
        }
        Ok(entry.cookies)
    }

    /// The same of a program, which has no cookies.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub(crate) async fn admit(&self, listener: &str, head: &mut Parts) -> Result<(), Unproved> {
        let Some(seen) = self.seen(head) else {
            return Ok(());
        };
        let found = self.door.caller(head, seen).await;
        let found = found.inspect_err(|unproved| self.tell_of(listener, head, unproved))?;
        if let Some(caller) = found {
            head.extensions.insert(caller);
        }
        Ok(())
    }

    /// How a browser's request came; `None`: nobody signs in there.
    pub(crate) fn signing_in<'a>(
        &self,
        head: &Parts,
        base_path: &'a str,
    ) -> Option<(&SignIn, oidc::Seen<'a>)> {
        let sign_in = self.door.sign_in()?;
        let seen = self.seen(head)?;
        let tls = self.door.is_tls(&head.headers, seen);
        Some((sign_in, oidc::Seen { tls, base_path }))
    }

    /// What the connection of a request shows; `None`: nobody can prove anything.
    fn seen<'a>(&self, head: &'a Parts) -> Option<Seen<'a>> {
        let peer = head.extensions.get::<Peer>();
        let peer = peer.filter(|_| self.door.has_ways())?;
        Some(Seen {
            addr: peer.addr.ip(),
            tls: peer.tls,
            names: names(peer),
        })
    }

    /// Counts what proves nothing, and tells it who reads of it.
    fn tell_of(&self, listener: &str, head: &Parts, unproved: &Unproved) {
        self.metrics.refused(unproved.reason());
        audit::unproved(listener, head, unproved);
    }

    /// How whoever asks may prove who they are.
    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// Counts a refusal, and tells it who reads what was refused.
    fn tell(&self, listener: &str, head: &Parts, denied: &Denied) {
        self.metrics.refused(denied.reason());
        audit::denied(listener, head, denied);
    }
}

/// Who sent a request, if something has proved it.
fn caller(head: &Parts) -> Option<&access::Caller> {
    head.extensions.get()
}

/// What a request shows of whoever sent it.
fn shown<'a>(listener: &'a str, head: &'a Parts) -> Shown<'a> {
    Shown {
        listener,
        names: head.extensions.get().and_then(names),
        headers: &head.headers,
    }
}

fn names(peer: &Peer) -> Option<Names<'_>> {
    peer.names().map(|(dns, uris)| Names { dns, uris })
}
