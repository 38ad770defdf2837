//! The operations of a service, as both of the query services ask for them.

use model::SpanKind;
use storage::{Operation, OperationQuery, ReadError};

use crate::service::Call;

/// Of spans of a kind by its word; of any for the empty one. A kind that there is not has no operations.
pub(super) async fn operations(
    call: &Call<'_>,
    service: &str,
    kind: &str,
) -> Result<Vec<Operation>, ReadError> {
    let kind = match kind {
        "" => None,
        word => match SpanKind::from_name(&word.to_ascii_lowercase()) {
            Some(kind) => Some(kind),
            None => return Ok(Vec::new()),
        },
    };
    let service = service.into();
    call.get_operations(&OperationQuery { service, kind }).await
}
