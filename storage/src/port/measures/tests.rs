//! Grids and buckets, against what they are defined as.

use proptest::prelude::*;

use super::*;

#[test]
fn a_point_sums_up_what_started_within_its_length_before_it() {
    // four points, two seconds apart, that look back over three
    let grid = Grid::new(100_000, 6_000, 2_000, 3_000).unwrap();
    assert_eq!(
        grid.points().collect::<Vec<_>>(),
        [94_000, 96_000, 98_000, 100_000]
    );
    assert_eq!((grid.width_ms(), grid.buckets()), (1_000, 9));
    assert_eq!(grid.window_ms(), (91_000, 100_000));
    assert_eq!(grid.buckets_of(0), 0..3);
    assert_eq!(grid.buckets_of(3), 6..9);
    for (ms, bucket) in [
        (90_999, None),
        (91_000, Some(0)),
        (91_999, Some(0)),
        (99_999, Some(8)),
        (100_000, None),
    ] {
        assert_eq!(grid.bucket_at(ms), bucket, "{ms}");
    }
}

#[test]
fn a_grid_before_the_epoch_and_ones_that_cannot_be() {
    let grid = Grid::new(7, 8, 9, 10).unwrap();
    assert_eq!(grid.points().collect::<Vec<_>>(), [0]);
    assert_eq!(grid.bucket_at(0), None);
    assert!(Grid::new(7, 8, 0, 10).is_err());
    assert!(Grid::new(7, 8, 9, 0).is_err());
    let all = Grid::new(u64::MAX, u64::MAX, 1, u64::MAX)
        .unwrap()
        .within(MAX_BUCKETS);
    assert!(all.buckets() <= MAX_BUCKETS);
}

#[test]
fn buckets_of_durations_end_at_their_bounds() {
    assert_eq!(bucket_of(0), 0);
    assert_eq!(bucket_of(1), 0);
    assert_eq!(bucket_of(2), 4);
    assert_eq!(bucket_of(1 << 20), 80);
    assert_eq!(bucket_of((1 << 20) + 1), 81);
    assert_eq!(bucket_of(u64::MAX), BOUNDS);
}

proptest! {
    #[test]
    fn a_duration_is_in_the_first_bucket_that_ends_at_it_or_later(us in 0_u64..1 << 37) {
        let bucket = bucket_of(us);
        prop_assert!(bound_us(bucket) >= us as f64);
        prop_assert!(bucket == 0 || bound_us(bucket - 1) < us as f64);
    }

    #[test]
    fn buckets_and_points_agree_on_what_a_point_sums_up(
        lookback in 0_u64..5_000,
        step in 1_u64..700,
        rate in 1_u64..900,
        ms in 1_000_000_u64..1_010_000,
    ) {
        let grid = Grid::new(1_010_000, lookback, step, rate).unwrap();
        let bucket = grid.bucket_at(ms);
        for (n, point) in grid.points().enumerate() {
            let sums_up = ms < point && point - ms <= rate;
            let has = bucket.is_some_and(|bucket| grid.buckets_of(n).contains(&bucket));
            prop_assert_eq!(sums_up, has, "point {} at {}, {:?}", n, point, bucket);
        }
    }

    #[test]
    fn a_coarser_grid_fits_and_begins_at_the_same_point(
        lookback in 0_u64..10_000_000,
        step in 1_u64..100_000,
        rate in 1_u64..10_000_000,
        most in 2_u64..500,
    ) {
        let grid = Grid::new(1 << 40, lookback, step, rate).unwrap();
        let coarser = grid.within(most);
        prop_assert!(coarser.buckets() <= most, "{:?}", coarser);
        prop_assert_eq!(coarser.points().next(), grid.points().next());
        prop_assert!(coarser.rate_ms() >= grid.rate_ms() && coarser.step_ms() >= grid.step_ms());
        prop_assert_eq!(coarser == grid, coarser.differs(&grid).is_none());
    }
}
