//! Counting spans in memory, one by one: what other stores are compared with.
//!
//! In: services, kinds, a grid. Out: what the port says of it. Spans are what there is of memory, so that none is set aside beside them.

use futures_util::future::BoxFuture;
use model::StatusCode;

use super::reader::Reader;
use crate::port::{Counter, MeasureQuery, MeasureReader, Measured, ReadContext, ReadError};

impl MeasureReader for Reader {
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a MeasureQuery,
    ) -> BoxFuture<'a, Result<Measured, ReadError>> {
        let query = query.clone();
        Box::pin(self.over_all(cx, move |snapshot, cx| {
            let mut counter = Counter::new(&query);
            snapshot.each(cx, |span| {
                let service = span.resource.service_name();
                if let Some(line) = counter.line(service, span.kind, &span.name) {
                    let is_error = span.status.code == StatusCode::Error;
                    counter.add(line, span.start_ns, span.duration_ns(), is_error);
                }
            })?;
            Ok(counter.finish())
        }))
    }
}
