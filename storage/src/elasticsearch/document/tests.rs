//! Documents beside those that real Jaegers wrote, and every span and every damage on the way there and back.

mod damage;
mod golden;
mod reading;
mod round_trip;
mod support;
