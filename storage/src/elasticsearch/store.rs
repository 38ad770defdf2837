//! One place of one instance, opened: its cluster, its names, and what is known of both.
//!
//! In: a [`Place`]. Out: what writer and reader share. Nothing is asked of the cluster before the first write or question, and templates are there before the first document is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::Instance;
use tokio::sync::{Mutex, SetOnce};

use super::bulk::Told;
use super::closed::Closed;
use super::config::Place;
use super::document::KeyBook;
use super::gate::Gate;
use super::graph::Marks;
use super::index::Names;
use super::metrics::Metrics;
use super::services::Services;
use super::template;
use super::watch::Watch;
use crate::http_client::{Client, Error, Flavour, Request};
use crate::layers::occasional::Occasional;

/// A place, opened.
pub(crate) struct Store {
    pub(crate) instance: Instance,
    pub(crate) place: Place,
    pub(crate) client: Arc<Client>,
    pub(crate) names: Arc<Names>,
    pub(crate) keys: KeyBook,
    pub(crate) services: Services,
    pub(crate) closed: Arc<Closed>,
    pub(crate) gate: Gate,
    pub(crate) watch: Arc<Watch>,
    pub(crate) metrics: Metrics,
    /// Hours of the graph that late spans change.
    pub(crate) marks: Marks,
    /// Spans that were not stored while others were: told now and then.
    pub(crate) deferred: Occasional,
    pub(crate) told: Told,
    /// Set by the first spans: what nobody writes to costs its cluster nothing.
    pub(crate) in_use: SetOnce<()>,
    /// Templates are there.
    is_ready: AtomicBool,
    making_ready: Mutex<()>,
}

// === impl Store ===

impl Store {
    /// # Errors
    /// A setting that cannot be, by name.
    pub(crate) fn open(instance: Instance, place: Place, metrics: Metrics) -> Result<Self, String> {
        let names = Names::new(&place.connection.settings, &place.indices)
            .map_err(|error| error.to_string())?;
        Ok(Self {
            client: Arc::new(Client::new(place.connection.clone())?),
            names: Arc::new(names),
            keys: KeyBook::new(place.documents.tags_as_fields.max_keys)
                .counted_by(metrics.kept_as_tags()),
            services: Services::new(place.limits.service_cache_ttl),
            closed: Arc::default(),
            gate: Gate::new(instance.clone(), metrics.clone()),
            watch: Arc::new(Watch::new(instance.clone(), metrics.clone())),
            metrics,
            marks: Marks::default(),
            deferred: Occasional::default(),
            told: Told::new(instance.clone()),
            in_use: SetOnce::new(),
            is_ready: AtomicBool::new(false),
            making_ready: Mutex::new(()),
            instance,
            place,
        })
    }

    /// The cluster's kind, once its templates are there: an index that a document makes before them has other mappings for ever.
    pub(crate) async fn ready(&self) -> Result<Flavour, Error> {
        let flavour = self.client.flavour().await?;
        if self.is_ready.load(Ordering::Acquire) || !self.place.indices.create_templates {
            return Ok(flavour);
        }
        let _one = self.making_ready.lock().await;
        if !self.is_ready.load(Ordering::Acquire) {
            self.put_templates(flavour).await?;
            self.is_ready.store(true, Ordering::Release);
        }
        Ok(flavour)
    }

    /// It was away: what was there may be gone.
    pub(crate) fn doubt(&self) {
        self.is_ready.store(false, Ordering::Release);
        self.services.forget();
    }

    async fn put_templates(&self, flavour: Flavour) -> Result<(), Error> {
        for template in template::all(&self.place.indices, &self.names, flavour) {
            let path = template.path.each_ref().map(String::as_str);
            let put = Request::put(&path).json(&template.body);
            self.client.ask(&put).await.map_err(|error| {
                let setting = &self.place.connection.settings;
                let said = format!(
                    "the index template {} cannot be made: {error}; let this user manage templates, or make them with `spoor es-rollover init` and set {setting}.create-index-templates=false",
                    template.path.join("/")
                );
                match error {
                    Error::Denied(_) | Error::Invalid(_) | Error::Missing(_) => Error::Denied(said),
                    other => other,
                }
            })?;
        }
        Ok(())
    }
}
