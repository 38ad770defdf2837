//! One connection, from accepting it to its first request.
//!
//! In: a TCP stream. Out: an HTTP connection handed to [`crate::drive`], or a refusal that is counted and, where the client speaks the wrong
//! scheme, told to it in its own protocol.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use crate::accept::Shared;
use crate::drive;
use crate::io::Io;
use crate::metrics::Refused;
use crate::peer::{Certificate, Peer};
use crate::sniff::{self, Opening};
use crate::tls::Session;

/// How long bytes may be on their way that a client sent before the shutdown began.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// How long a refused client may take to read why.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one accepted connection to its end.
pub(crate) async fn run(shared: &Shared, mut stream: TcpStream, peer: SocketAddr) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(listener = shared.counters.listener, %error, "cannot set TCP_NODELAY");
    }
    let Some((opening, front)) = first_words(shared, &mut stream, peer).await else {
        return;
    };
    match (&shared.tls, opening) {
        (None, Opening::Tls) => {
            shared.counters.refuse(Refused::TlsOnPlaintext, peer, "");
            farewell(stream, sniff::answer_to_tls()).await;
        }
        (None, opening) => {
            let peer = Peer {
                addr: peer,
                tls: false,
                certificate: None,
            };
            drive::serve(shared, stream, opening, front, peer, None).await;
        }
        (Some(_), Opening::Tls) => encrypted(shared, Io::new(stream, front, None), peer).await,
        (Some(_), opening) => {
            shared.counters.refuse(Refused::PlaintextOnTls, peer, "");
            farewell(stream, sniff::answer_to_plaintext(opening)).await;
        }
    }
}

async fn encrypted(shared: &Shared, stream: Io<TcpStream>, peer: SocketAddr) {
    let Some(tls) = &shared.tls else {
        return;
    };
    let watching = tls.watch();
    let handshake = tls.acceptor().accept(stream);
    let mut stream = match timeout(shared.limits.handshake, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            // A health check that opens and closes is no failure.
            if error.kind() != io::ErrorKind::UnexpectedEof
                && error.kind() != io::ErrorKind::ConnectionReset
            {
                shared
                    .counters
                    .refuse(Refused::TlsHandshake, peer, &error.to_string());
            }
            return;
        }
        Err(_) => {
            return shared.counters.refuse(
                Refused::HandshakeTimeout,
                peer,
                "the tls handshake did not end",
            );
        }
    };
    let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
    // one that cannot be read has no names, which is another thing than no certificate
    let certificate = chain.first().map(|leaf| Arc::new(Certificate::read(leaf)));
    let session = Session::new(watching, chain);
    let Some((opening, front)) = first_words(shared, &mut stream, peer).await else {
        return;
    };
    let peer = Peer {
        addr: peer,
        tls: true,
        certificate,
    };
    drive::serve(shared, stream, opening, front, peer, session).await;
}

/// What the client speaks. `None`: it left, was too slow, or said nothing while we are shutting down.
async fn first_words(
    shared: &Shared,
    stream: &mut (impl AsyncRead + Unpin),
    peer: SocketAddr,
) -> Option<(Opening, Bytes)> {
    let mut read = BytesMut::with_capacity(256);
    let first = timeout(shared.limits.first_byte, stream.read_buf(&mut read));
    let first = tokio::select! {
        biased;
        first = first => first,
        () = shutdown_with_nothing_on_the_way(shared) => return None,
    };
    match first {
        Ok(Ok(0) | Err(_)) => return None,
        Ok(Ok(_)) => {}
        Err(_) => {
            shared
                .counters
                .refuse(Refused::FirstByteTimeout, peer, "not one byte came");
            return None;
        }
    }
    let deadline = tokio::time::Instant::now() + shared.limits.headers;
    match timeout_at(deadline, sniff::opening(stream, read)).await {
        Ok(found) => found.ok().flatten(),
        Err(_) => {
            shared.counters.refuse(
                Refused::HeaderTimeout,
                peer,
                "the http/2 preface did not end",
            );
            None
        }
    }
}

async fn shutdown_with_nothing_on_the_way(shared: &Shared) {
    shared.stop.cancelled().await;
    tokio::time::sleep(ON_THE_WAY).await;
}

/// Tells a client why it is refused. What it sends meanwhile is read, for closing on unread bytes would reset the connection before it has read us.
async fn farewell(mut stream: impl AsyncRead + AsyncWrite + Unpin, words: Bytes) {
    if words.is_empty() {
        return;
    }
    let parting = async {
        stream.write_all(&words).await?;
        stream.shutdown().await?;
        let mut unread = [0; 1024];
        for _ in 0..64 {
            if stream.read(&mut unread).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    if let Ok(Err(error)) = timeout(FAREWELL, parting).await {
        tracing::debug!(%error, "a refused client did not hear why");
    }
}
