//! Many spans as several messages, for whoever takes only so much at once.
//!
//! In: things, how many may be in a message and how long it may be, and how they are encoded. Out: messages in order, each with the places of what it holds. A
//! thing that is too long by itself is a message of its own: who takes it decides.

use std::ops::Range;

/// A message, and which things are in it.
pub type Piece = (Range<usize>, Vec<u8>);

/// `things` in messages of at most `count`, halved until each is at most `bytes` long. `count` is at least 1.
pub fn pieces<T>(
    things: &[T],
    count: usize,
    bytes: usize,
    encode: impl Fn(&[T]) -> Vec<u8>,
) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut left: Vec<Range<usize>> = Vec::new();
    for start in (0..things.len()).step_by(count.max(1)) {
        left.push(start..things.len().min(start + count.max(1)));
        // the first halves come first
        while let Some(range) = left.pop() {
            let Some(some) = things.get(range.clone()) else {
                continue;
            };
            let message = encode(some);
            if message.len() <= bytes || some.len() < 2 {
                pieces.push((range, message));
            } else {
                let middle = range.start + some.len() / 2;
                left.push(middle..range.end);
                left.push(range.start..middle);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lengths: &[usize], count: usize, bytes: usize, expect: &[(Range<usize>, usize)]) {
        let encode = |some: &[usize]| vec![0; some.iter().sum()];
        let made = pieces(lengths, count, bytes, encode);
        let made: Vec<_> = made.into_iter().map(|(at, m)| (at, m.len())).collect();
        assert_eq!(made, expect);
    }

    #[test]
    fn messages_hold_so_many_and_are_so_long() {
        check(&[], 3, 10, &[]);
        check(&[1, 1, 1, 1], 3, 10, &[(0..3, 3), (3..4, 1)]);
        check(&[5, 5, 5, 5], 4, 10, &[(0..2, 10), (2..4, 10)]);
        check(&[9, 9, 1], 4, 10, &[(0..1, 9), (1..3, 10)]);
        // what is too long by itself is not lost
        check(&[1, 50, 1], 4, 10, &[(0..1, 1), (1..2, 50), (2..3, 1)]);
        check(&[1, 1], 0, 10, &[(0..1, 1), (1..2, 1)]);
    }
}
