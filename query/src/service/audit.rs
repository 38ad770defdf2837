//! What is said of those who were refused, for who reads it afterwards.
//!
//! In: a request and why it may not. Out: a line of the log under the target `audit`: who, from where, what they wanted, why not. Not having signed in yet is no offence, and
//! is told at debug. What a client showed is never in it, but the name that was proved.

use access::{Denied, Unproved};
use http::request::Parts;
use listen::Peer;
use trust::Astray;

/// Of somebody who may not.
pub(super) fn denied(listener: &str, head: &Parts, denied: &Denied) {
    // a question to the caller, and no refusal
    if matches!(denied, Denied::Astray(Astray::Several(_))) {
        return;
    }
    let caller = head.extensions.get::<access::Caller>();
    let (peer, path) = (peer(head), head.uri.path());
    let who = caller.map_or("", |caller| caller.name.as_str());
    let way = caller.map_or("", |caller| caller.way.as_str());
    let reason = denied.reason();
    if denied.asks_to_sign_in() {
        tracing::debug!(target: "audit", listener, peer, path, reason, "{denied}");
    } else {
        tracing::warn!(target: "audit", listener, peer, who, way, path, reason, "{denied}");
    }
}

/// Of somebody whose proof is none.
pub(super) fn unproved(listener: &str, head: &Parts, unproved: &Unproved) {
    let (peer, path) = (peer(head), head.uri.path());
    let reason = unproved.reason();
    tracing::warn!(target: "audit", listener, peer, path, reason, "{unproved}");
}

/// Where a request comes from.
fn peer(head: &Parts) -> String {
    let peer = head.extensions.get::<Peer>();
    peer.map_or_else(String::new, |peer| peer.addr.to_string())
}
