//! Spans over UDP, as they come to Jaeger's agent: 6831 and 5775 in Thrift's compact protocol, 6832 in its binary one.
//!
//! In: datagrams, each a message `emitBatch` or `emitZipkinBatch`. Out: nothing, since nobody waits for an answer: what has no room, is too
//! long or does not decode is counted, and now and then logged. Any of the ports takes either message.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/{processors,servers}` v1.60.0.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::HeaderMap;
use listen::{Datagrams, Encoding};
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use wire::thrift::{self, Message, Protocol};

use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::instance;
use crate::intake::{Origin, Payload, Receiver};
use crate::metrics::Port;

/// Jaeger's model in the compact protocol, 6831.
pub(crate) const JAEGER_COMPACT: Kind = Kind {
    origin: origin("jaeger-compact", "jaeger"),
    protocol: Protocol::Compact,
    limit: "processor.jaeger-compact.server-max-packet-size",
};
/// Jaeger's model in the binary protocol, 6832.
pub(crate) const JAEGER_BINARY: Kind = Kind {
    origin: origin("jaeger-binary", "jaeger"),
    protocol: Protocol::Binary,
    limit: "processor.jaeger-binary.server-max-packet-size",
};
/// Zipkin's model in the compact protocol, 5775.
pub(crate) const ZIPKIN_COMPACT: Kind = Kind {
    origin: origin("zipkin-compact", "zipkin"),
    protocol: Protocol::Compact,
    limit: "processor.zipkin-compact.server-max-packet-size",
};

/// What is on a port.
pub(crate) struct Kind {
    pub(crate) origin: Origin,
    /// What it speaks.
    pub(crate) protocol: Protocol,
    /// The setting of the longest datagram.
    pub(crate) limit: &'static str,
}

/// Sockets with what takes their datagrams.
pub(crate) struct Udp {
    pub(crate) datagrams: Datagrams,
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) port: Port,
    pub(crate) protocol: Protocol,
    /// How many datagrams may be under way.
    pub(crate) queue: usize,
}

/// What the sockets of one port share.
struct Server {
    receiver: Arc<Receiver>,
    port: Port,
    protocol: Protocol,
    room: Arc<Semaphore>,
}

/// A datagram's place among those under way.
struct Place {
    port: Port,
    _room: OwnedSemaphorePermit,
}

const fn origin(name: &'static str, format: &'static str) -> Origin {
    Origin {
        name,
        format,
        transport: "udp",
        format_tag: Some(format),
    }
}

// === impl Udp ===

impl Udp {
    /// Takes datagrams until `shutdown`, then ends once those that were taken are durable.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let server = Arc::new(Server {
            receiver: self.receiver,
            port: self.port,
            protocol: self.protocol,
            room: Arc::new(Semaphore::new(self.queue)),
        });
        let mut sockets = JoinSet::new();
        for socket in self.datagrams.sockets {
            let (server, shutdown) = (server.clone(), shutdown.clone());
            sockets.spawn(async move { server.receive(socket, shutdown).await });
        }
        while sockets.join_next().await.is_some() {}
    }
}

// === impl Server ===

impl Server {
    async fn receive(self: Arc<Self>, socket: UdpSocket, shutdown: CancellationToken) {
        let limit = self.receiver.limit.bytes;
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
                    self.port.read_errors.inc();
                    self.count(&Fault::Broken(error.to_string()));
                    continue;
                }
            };
            match self.admit(datagram) {
                Ok((payload, place)) => {
                    let server = self.clone();
                    under_way.spawn(async move { server.handle(payload, place).await });
                }
                Err(fault) => self.count(&fault),
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    fn count(&self, fault: &Fault) {
        let whose = instance::of_datagram(&self.receiver).ok();
        self.receiver.count(fault, whose.as_ref());
    }

    /// A datagram with its place, and with the memory for what it will become.
    fn admit(&self, datagram: &[u8]) -> Result<(Payload, Place), Fault> {
        let (port, limit) = (&self.port, self.receiver.limit);
        let size = datagram.len().min(limit.bytes);
        port.size.set(i64::try_from(size).unwrap_or(i64::MAX));
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            port.dropped.inc();
            return Err(Fault::Crowded);
        };
        if datagram.len() > limit.bytes {
            // the agent took it, cut, and then could not read it
            port.processed.inc();
            port.handler_errors.inc();
            return Err(limit.exceeded("datagram"));
        }
        let encoding = Encoding::Identity;
        let permit = instance::of_datagram(&self.receiver)
            .and_then(|instance| self.receiver.charge(instance, datagram.len(), encoding))
            .inspect_err(|_| {
                port.dropped.inc();
            })?;
        port.processed.inc();
        let payload = Payload {
            body: datagram.to_vec(),
            encoding,
            permit,
        };
        Ok((payload, Place::new(port.clone(), room)))
    }

    /// Stores what a datagram holds.
    async fn handle(&self, payload: Payload, place: Place) {
        let deadline = Deadline::new(&HeaderMap::new(), self.receiver.intake.write_timeout);
        // the model and the number of spans, once they are known
        let batch = Arc::new(OnceLock::new());
        let (known, agent, protocol) = (batch.clone(), self.port.agent.clone(), self.protocol);
        let decode = move |datagram| {
            let (model, decoded) = match thrift::decode_message(datagram, protocol)? {
                Message::EmitBatch(batch) => {
                    agent.hear(&batch, Instant::now());
                    ("jaeger", batch.decoded)
                }
                Message::EmitZipkinBatch(decoded) => ("zipkin", decoded),
            };
            known.get_or_init(|| (model, decoded.spans.len() + decoded.rejected.len()));
            Ok(decoded)
        };
        let taken = self.receiver.take(payload, decode, &deadline).await;
        if let Some((model, spans)) = batch.get() {
            // a batch that was taken, but for spans that never can be
            let lost = taken.as_ref().map_or(*spans, |stored| stored.rejected);
            self.port.agent.reported(model, *spans, lost, taken.is_ok());
        }
        if let Err(fault) = taken {
            self.port.handler_errors.inc();
            self.count(&fault);
        }
        drop(place);
    }
}

// === impl Place ===

impl Place {
    fn new(port: Port, room: OwnedSemaphorePermit) -> Self {
        port.queue.inc();
        Self { port, _room: room }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.port.queue.dec();
    }
}
