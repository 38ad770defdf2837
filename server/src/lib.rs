//! Spoor, put together.
