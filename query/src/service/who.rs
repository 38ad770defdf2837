//! Who asks, and which instance they may read: asked here and nowhere else. Both are decided by `access`.
//!
//! In: the head of a request, and the instance that its path names. Out: the instance, those there are to choose from, or a refusal, which is counted and written down.

use access::{Denied, Door, Seen, Unproved};
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

    /// Finds out who sent a request, and notes it in its head. Nobody is no error: what is asked decides whether that will do.
    ///
    /// # Errors
    /// When what it shows proves nothing.
    pub(crate) async fn admit(&self, listener: &str, head: &mut Parts) -> Result<(), Unproved> {
        if !self.door.has_ways() {
            return Ok(());
        }
        let Some(peer) = head.extensions.get::<Peer>().cloned() else {
            return Ok(());
        };
        let seen = Seen {
            addr: peer.addr.ip(),
            names: peer.names().map(|(dns, uris)| Names { dns, uris }),
        };
        let found = self.door.caller(&head.headers, seen).await;
        match found {
            Ok(Some(caller)) => drop(head.extensions.insert(caller)),
            Ok(None) => {}
            Err(unproved) => {
                self.metrics.refused(unproved.reason());
                audit::unproved(listener, head, &unproved);
                return Err(unproved);
            }
        }
        Ok(())
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
    let names = head.extensions.get::<Peer>().and_then(Peer::names);
    Shown {
        listener,
        names: names.map(|(dns, uris)| Names { dns, uris }),
        headers: &head.headers,
    }
}
