//! Which instance a request belongs to: asked here and nowhere else, before anything of its body is read. The rules are `trust`'s.

use http::request::Parts;
use listen::Peer;
use model::Instance;
use trust::Names;

use crate::fault::Fault;
use crate::intake::Receiver;

/// The instance of a datagram, which brings neither header nor certificate.
pub(crate) fn of_datagram(receiver: &Receiver) -> Result<Instance, Fault> {
    let instances = receiver.intake.instances.now();
    Ok(instances.of(receiver.origin.name, None, std::iter::empty())?)
}

/// The instance of a request.
pub(crate) fn of(receiver: &Receiver, parts: &Parts) -> Result<Instance, Fault> {
    let instances = receiver.intake.instances.now();
    let names = parts.extensions.get::<Peer>().and_then(Peer::names);
    let names = names.map(|(dns, uris)| Names { dns, uris });
    Ok(instances.of_request(receiver.origin.name, names, &parts.headers)?)
}
