//! Who sends a request, and which instance it belongs to: asked here and nowhere else, before anything of its body is read. Both are decided by `access`.

use access::{Caller, Seen};
use http::HeaderMap;
use http::request::Parts;
use listen::Peer;
use model::Instance;
use trust::{Names, Shown};

use crate::fault::Fault;
use crate::intake::Receiver;

/// Who sends a request, as far as something proves it. Nobody is no error: where it belongs decides whether that will do.
pub(crate) async fn sender(receiver: &Receiver, parts: &Parts) -> Result<Option<Caller>, Fault> {
    let door = &receiver.intake.door;
    match parts.extensions.get::<Peer>() {
        Some(peer) if door.has_ways() => {
            let seen = Seen {
                addr: peer.addr.ip(),
                tls: peer.tls,
                names: names(peer),
            };
            Ok(door.caller(parts, seen).await?)
        }
        _ => Ok(None),
    }
}

/// The instance of a datagram, which brings neither header nor certificate.
pub(crate) fn of_datagram(receiver: &Receiver) -> Result<Instance, Fault> {
    let shown = Shown {
        listener: receiver.origin.name,
        names: None,
        headers: &HeaderMap::new(),
    };
    Ok(receiver.intake.guard.writing(shown, None)?)
}

/// The instance of a request that is one message.
pub(crate) async fn of_request(receiver: &Receiver, parts: &Parts) -> Result<Instance, Fault> {
    let sender = sender(receiver, parts).await?;
    of(receiver, parts, sender.as_ref())
}

/// The instance of a request that `sender` sends.
pub(crate) fn of(
    receiver: &Receiver,
    parts: &Parts,
    sender: Option<&Caller>,
) -> Result<Instance, Fault> {
    let shown = Shown {
        listener: receiver.origin.name,
        names: parts.extensions.get().and_then(names),
        headers: &parts.headers,
    };
    Ok(receiver.intake.guard.writing(shown, sender)?)
}

fn names(peer: &Peer) -> Option<Names<'_>> {
    peer.names().map(|(dns, uris)| Names { dns, uris })
}
