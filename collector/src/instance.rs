//! Which instance a request belongs to: decided here and nowhere else, before anything of its body is read.
//!
//! Today there is one, `default/jaeger`. Listeners, certificates and headers that choose another come in through this function.

use http::request::Parts;
use model::Instance;

/// The instance of a datagram, which brings neither header nor certificate.
pub(crate) fn of_datagram() -> Instance {
    Instance::default()
}

/// The instance of a request.
pub(crate) fn of(_request: &Parts) -> Instance {
    Instance::default()
}
