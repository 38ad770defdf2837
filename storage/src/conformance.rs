//! The port's promises as a test suite that every backend runs.
//!
//! In: a way to open an empty store. Out: a panic that says which promise was broken. One async function a promise; [`run`] goes through
//! all of them, each on a store of its own, and [`conformance_tests!`](crate::conformance_tests) makes a test of each.
//!
//! Deliberately absent: what only one backend promises, such as what survives a crash. Source of the habit:
//! `jaegertracing/jaeger: internal/storage/integration` v2.20.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test suite, compiled for tests only"
)]

pub mod archive;
pub mod catalogue;
mod data;
pub mod dependencies;
pub mod finding;
pub mod limits;
pub mod ordering;
pub mod reading;
mod reads;
mod reduced;
pub mod sampling;
pub mod writing;

use std::any::Any;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::port::{Backend, Capabilities};

/// A store that was opened for one test.
pub struct Subject {
    /// The store, empty.
    pub backend: Arc<dyn Backend>,
    /// What must live as long, such as its folder.
    pub guard: Option<Box<dyn Any + Send + Sync>>,
    /// Makes visible what was written, where the store says that it is not at once.
    pub settle: Option<Box<Settle>>,
}

/// See `Subject::settle`.
pub type Settle = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

// === impl Subject ===

impl Subject {
    /// A store that needs nothing else.
    pub fn new(backend: impl Backend + 'static) -> Self {
        Self {
            backend: Arc::new(backend),
            guard: None,
            settle: None,
        }
    }

    /// A store that needs `guard` as long as it is used.
    pub fn guarded(backend: impl Backend + 'static, guard: impl Any + Send + Sync) -> Self {
        Self {
            guard: Some(Box::new(guard)),
            ..Self::new(backend)
        }
    }

    /// What was written is visible once `settle` was done.
    pub fn settling(
        self,
        settle: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            settle: Some(Box::new(settle)),
            ..self
        }
    }
}

/// Holds a backend to every promise, one after the other, each on a store that `open` gives anew. `capabilities` are what it is expected
/// to say of itself. Panics at the first promise that is broken.
pub async fn run(open: impl AsyncFn() -> Subject, capabilities: Capabilities) {
    assert_eq!(
        open().await.backend.capabilities(),
        capabilities,
        "what the backend says of itself"
    );
    macro_rules! each {
        ([] $($module:ident::$promise:ident,)+) => {
            $(
                tracing::info!(promise = stringify!($promise), "testing");
                $module::$promise(open().await).await;
            )+
        };
    }
    crate::for_each_promise!([each] []);
}

/// Hands all promises to a macro: `for_each_promise!([macro] [arguments])` becomes `macro! { [arguments] module::promise, … }`.
#[doc(hidden)]
#[macro_export]
macro_rules! for_each_promise {
    ([$($with:tt)+] [$($arguments:tt)*]) => {
        $($with)+! {
            [$($arguments)*]
            writing::written_spans_come_back_whole,
            writing::writing_twice_leaves_one_copy,
            writing::spans_that_differ_anywhere_both_stay,
            writing::an_empty_batch_is_taken,
            writing::concurrent_writers_lose_nothing,
            writing::a_dropped_write_harms_no_other,
            writing::a_closed_store_refuses_writes,
            writing::instances_never_see_each_other,
            writing::dead_letters_are_kept_where_the_store_says_so,
            archive::traces_are_kept_where_the_store_says_so,
            sampling::throughput_comes_back_by_its_time,
            sampling::throughput_that_is_read_stays,
            sampling::the_latest_probabilities_come_back,
            sampling::a_lease_has_one_holder,
            sampling::a_lease_ends,
            sampling::a_lease_is_given_to_one_of_many,
            reading::traces_come_in_the_order_asked_for,
            reading::an_instance_without_spans_is_empty,
            reading::a_trace_grows_over_batches,
            reading::a_big_trace_comes_in_chunks,
            limits::an_answer_is_cut_at_its_traces,
            limits::an_answer_is_cut_at_its_spans,
            limits::an_answer_is_cut_at_its_bytes,
            limits::found_ids_are_cut_at_their_traces,
            limits::a_cancelled_read_ends,
            limits::a_read_past_its_deadline_ends,
            finding::traces_come_newest_first_and_the_same_each_time,
            finding::a_trace_is_as_new_as_its_latest_span_that_answers,
            finding::at_most_the_limit_is_found,
            finding::times_are_compared_in_whole_microseconds,
            finding::durations_are_compared_in_whole_microseconds,
            finding::all_conditions_must_hold_for_one_span,
            finding::found_traces_are_whole,
            finding::outlines_have_every_span,
            finding::tags_of_every_kind_are_found,
            finding::every_query_finds_what_the_evaluator_says,
            finding::values_are_numbers_by_their_text,
            finding::keys_names_and_durations_are_conditions_too,
            ordering::traces_come_by_start_or_duration_in_both_directions,
            ordering::pages_give_every_trace_once,
            ordering::what_arrives_meanwhile_moves_nothing_into_later_pages,
            catalogue::services_are_sorted_and_come_once,
            catalogue::operations_come_with_their_kinds,
            dependencies::a_call_is_a_span_whose_parent_is_of_another_service,
            dependencies::equal_spans_count_once,
            dependencies::calls_are_counted_by_the_time_of_the_callee,
            dependencies::a_shared_id_is_a_call_from_its_client_to_its_server,
            dependencies::parents_are_found_across_batches_but_not_across_traces,
            dependencies::calls_tell_failures_and_durations,
            dependencies::what_has_no_spans_is_told_by_who_calls_it,
        }
    };
}

/// Makes a test of each promise: `conformance_tests!(open)` in a module of its own, where `open` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! conformance_tests {
    ([$open:path] $($module:ident::$promise:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                $crate::conformance::$module::$promise($open().await).await;
            }
        )+
    };
    ($open:path) => {
        $crate::for_each_promise!([$crate::conformance_tests] [$open]);
    };
}
