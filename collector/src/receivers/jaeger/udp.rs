//! Spans over UDP, as they come to Jaeger's agent: 6831 and 5775 in Thrift's compact protocol, 6832 in its binary one.
//!
//! In: datagrams, each a message `emitBatch` or `emitZipkinBatch`. Out: nothing, since nobody waits for an answer: what has no room, is too
//! long or does not decode is counted, and now and then logged. Any of the ports takes either message.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/{processors,servers}` v1.60.0.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use listen::Datagrams;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::thrift::{self, Message, Protocol};
use wire::{DecodeError, Decoded};

use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::inflate::Encoding;
use crate::instance;
use crate::intake::{Decode, Origin, Payload, Receiver};

/// Jaeger's model in the compact protocol, 6831.
pub(crate) const JAEGER_COMPACT: Kind = Kind {
    origin: origin("jaeger-compact", "jaeger"),
    decode: compact,
    limit: "processor.jaeger-compact.server-max-packet-size",
};
/// Jaeger's model in the binary protocol, 6832.
pub(crate) const JAEGER_BINARY: Kind = Kind {
    origin: origin("jaeger-binary", "jaeger"),
    decode: binary,
    limit: "processor.jaeger-binary.server-max-packet-size",
};
/// Zipkin's model in the compact protocol, 5775.
pub(crate) const ZIPKIN_COMPACT: Kind = Kind {
    origin: origin("zipkin-compact", "zipkin"),
    decode: compact,
    limit: "processor.zipkin-compact.server-max-packet-size",
};

/// What is on a port.
pub(crate) struct Kind {
    pub(crate) origin: Origin,
    decode: Decode,
    /// The setting of the longest datagram.
    pub(crate) limit: &'static str,
}

/// Sockets with what takes their datagrams.
pub(crate) struct Udp {
    pub(crate) datagrams: Datagrams,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) kind: Kind,
    /// How many datagrams may be under way.
    pub(crate) queue: usize,
}

const fn origin(name: &'static str, format: &'static str) -> Origin {
    Origin {
        name,
        format,
        transport: "udp",
        format_tag: Some(format),
    }
}

fn compact(datagram: Bytes) -> Result<Decoded, DecodeError> {
    message(datagram, Protocol::Compact)
}

fn binary(datagram: Bytes) -> Result<Decoded, DecodeError> {
    message(datagram, Protocol::Binary)
}

fn message(datagram: Bytes, protocol: Protocol) -> Result<Decoded, DecodeError> {
    thrift::decode_message(datagram, protocol).map(|message| match message {
        Message::EmitBatch(batch) => batch.decoded,
        Message::EmitZipkinBatch(decoded) => decoded,
    })
}

// === impl Udp ===

impl Udp {
    /// Takes datagrams until `shutdown`, then ends once those that were taken are durable.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let room = Arc::new(Semaphore::new(self.queue));
        let mut sockets = JoinSet::new();
        for socket in self.datagrams.sockets {
            let (receiver, room) = (self.receiver.clone(), room.clone());
            let (decode, shutdown) = (self.kind.decode, shutdown.clone());
            sockets.spawn(async move { receive(socket, receiver, decode, room, shutdown).await });
        }
        while sockets.join_next().await.is_some() {}
    }
}

async fn receive(
    socket: UdpSocket,
    receiver: Arc<Receiver>,
    decode: Decode,
    room: Arc<Semaphore>,
    shutdown: CancellationToken,
) {
    let limit = receiver.limit.bytes;
    // one byte more shows that a datagram is longer than it may be
    let mut buffer = vec![0; limit.saturating_add(1)];
    let mut under_way = JoinSet::new();
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = shutdown.cancelled() => break,
        };
        while under_way.try_join_next().is_some() {}
        let datagram = match received {
            Ok((len, _)) => buffer.get(..len).unwrap_or_default(),
            // what an earlier answer to somebody came back with; the socket is as good as before
            Err(error) => {
                receiver.count(&Fault::Broken(error.to_string()));
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            receiver.count(&Fault::Crowded);
            continue;
        };
        match paid(&receiver, datagram) {
            Ok(payload) => {
                let receiver = receiver.clone();
                under_way.spawn(async move {
                    let timeout = receiver.intake.write_timeout;
                    let deadline = Deadline::new(&HeaderMap::new(), timeout);
                    if let Err(fault) = receiver.take(payload, decode, &deadline).await {
                        receiver.count(&fault);
                    }
                    drop(place);
                });
            }
            Err(fault) => receiver.count(&fault),
        }
    }
    while under_way.join_next().await.is_some() {}
}

/// A datagram with the memory for what it will become.
fn paid(receiver: &Receiver, datagram: &[u8]) -> Result<Payload, Fault> {
    if datagram.len() > receiver.limit.bytes {
        return Err(receiver.limit.exceeded("datagram"));
    }
    let encoding = Encoding::Identity;
    let permit = receiver.charge(instance::of_datagram(), datagram.len(), encoding)?;
    Ok(Payload {
        body: datagram.to_vec(),
        encoding,
        permit,
    })
}
