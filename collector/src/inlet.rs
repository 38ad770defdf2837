//! The way in for spans that the process makes itself: that of every receiver, without a socket.
//!
//! In: a message of OTLP, and whose it is. Out: `Ok` once all of it is durable, else why not, in words. It is charged for, counted and written as what comes from the network.

use std::sync::Arc;

use http::HeaderMap;
use listen::Encoding;
use model::Instance;

use crate::config::HTTP_MAX_BODY_BYTES;
use crate::deadline::Deadline;
use crate::inflow::Limit;
use crate::intake::{Intake, Origin, Payload, Receiver};

/// What it is called.
const ORIGIN: Origin = Origin {
    name: "own",
    format: "otlp",
    transport: "none",
    format_tag: None,
};

/// The way in. Cloning shares it.
#[derive(Clone)]
pub struct Inlet(Arc<Receiver>);

// === impl Inlet ===

impl Inlet {
    pub(crate) fn new(intake: Arc<Intake>) -> Self {
        let limit = Limit {
            bytes: HTTP_MAX_BODY_BYTES,
            setting: "collector.otlp.http.max-body-size",
        };
        Self(Arc::new(Receiver::new(intake, ORIGIN, limit)))
    }

    /// Takes a message in. `Ok` once all its spans are durable.
    ///
    /// # Errors
    /// Why they are not, in words for whoever asked for it.
    pub async fn put(&self, instance: Instance, body: Vec<u8>) -> Result<(), String> {
        let taken = self.take(instance.clone(), body).await;
        match taken {
            Ok(stored) if stored.rejected == 0 => Ok(()),
            Ok(stored) => Err(format!(
                "{} spans can not be stored: {}",
                stored.rejected, stored.first
            )),
            Err(fault) => {
                self.0.count(&fault, Some(&instance));
                Err(fault.to_string())
            }
        }
    }

    async fn take(
        &self,
        instance: Instance,
        body: Vec<u8>,
    ) -> Result<crate::intake::Stored, crate::fault::Fault> {
        let deadline = Deadline::new(&HeaderMap::new(), self.0.intake.write_timeout);
        let permit = self.0.charge(instance, body.len(), Encoding::Identity)?;
        let payload = Payload {
            body,
            encoding: Encoding::Identity,
            permit,
        };
        self.0.take(payload, wire::otlp::decode, &deadline).await
    }
}
