use proptest::prelude::*;

use super::*;

fn stats(full_queue: i64, too_large: i64, failed: i64) -> Option<ClientStats> {
    Some(ClientStats {
        full_queue_dropped_spans: full_queue,
        too_large_dropped_spans: too_large,
        failed_to_emit_spans: failed,
    })
}

fn growth(sent: u64, full_queue: u64, too_large: u64, failed: u64) -> Growth {
    Growth {
        sent,
        full_queue,
        too_large,
        failed,
    }
}

const NOTHING: Growth = Growth {
    sent: 0,
    full_queue: 0,
    too_large: 0,
    failed: 0,
};

#[test]
fn totals_grow_by_what_a_client_counted_since_its_last_batch() {
    let (mut clients, now) = (Clients::default(), Instant::now());
    let mut hear = |sequence, stats| clients.hear("a", sequence, stats, now);
    assert_eq!(hear(7, stats(100, 100, 100)), NOTHING, "the first one");
    assert_eq!(hear(8, stats(101, 102, 103)), growth(1, 1, 2, 3));
    assert_eq!(hear(9, None), growth(1, 0, 0, 0), "it says nothing of it");
    assert_eq!(hear(10, stats(102, 102, 103)), growth(1, 1, 0, 0));
}

#[test]
fn numbers_that_are_left_out_are_batches_sent_and_not_received() {
    let (mut clients, now) = (Clients::default(), Instant::now());
    clients.hear("a", 1, None, now);
    assert_eq!(clients.hear("a", 5, None, now).sent, 4);
}

#[test]
fn a_batch_that_comes_late_or_twice_grows_nothing() {
    let (mut clients, now) = (Clients::default(), Instant::now());
    clients.hear("a", 1, stats(0, 0, 0), now);
    clients.hear("a", 3, stats(5, 0, 0), now);
    assert_eq!(clients.hear("a", 2, stats(4, 0, 0), now), NOTHING);
    assert_eq!(clients.hear("a", 3, stats(5, 0, 0), now), NOTHING);
    assert_eq!(
        clients.hear("a", 4, stats(6, 0, 0), now),
        growth(1, 1, 0, 0)
    );
}

#[test]
fn each_client_has_numbers_of_its_own() {
    let (mut clients, now) = (Clients::default(), Instant::now());
    clients.hear("a", 1, stats(10, 0, 0), now);
    clients.hear("b", 100, stats(0, 0, 0), now);
    assert_eq!(
        clients.hear("a", 2, stats(11, 0, 0), now),
        growth(1, 1, 0, 0)
    );
    assert_eq!(
        clients.hear("b", 101, stats(7, 0, 0), now),
        growth(1, 7, 0, 0)
    );
    assert_eq!(clients.count(now), 2);
}

#[test]
fn counts_that_shrink_and_numbers_below_one_do_no_harm() {
    let (mut clients, now) = (Clients::default(), Instant::now());
    assert_eq!(clients.hear("a", i64::MIN, stats(9, 9, 9), now), NOTHING);
    assert_eq!(clients.hear("a", 0, stats(9, 9, 9), now), NOTHING);
    assert_eq!(
        clients.hear("a", 1, stats(9, 9, 9), now),
        NOTHING,
        "now its first"
    );
    assert_eq!(
        clients.hear("a", 2, stats(1, i64::MIN, 10), now),
        growth(1, 0, 0, 1)
    );
}

#[test]
fn who_is_silent_for_more_than_an_hour_is_forgotten_and_begins_anew() {
    let (mut clients, start) = (Clients::default(), Instant::now());
    clients.hear("a", 1, stats(1, 0, 0), start);
    clients.hear("b", 1, None, start + REMEMBERED / 2);
    assert_eq!(clients.count(start + REMEMBERED), 2);
    let later = start + REMEMBERED + Duration::from_secs(1);
    assert_eq!(clients.count(later), 1);
    assert_eq!(clients.hear("a", 50, stats(500, 0, 0), later), NOTHING);
    assert_eq!(clients.hear("b", 2, None, later).sent, 1);
}

#[test]
fn the_longest_unheard_of_makes_room() {
    let (mut clients, start) = (Clients::default(), Instant::now());
    for n in 0..MOST {
        clients.hear(
            &n.to_string(),
            1,
            None,
            start + Duration::from_micros(n as u64),
        );
    }
    let now = start + Duration::from_secs(1);
    assert_eq!(clients.hear("0", 2, None, now).sent, 1, "heard of again");
    clients.hear("one more", 1, None, now);
    assert_eq!(clients.count(now), MOST);
    assert_eq!(
        clients.hear("1", 2, None, now),
        NOTHING,
        "it was the longest"
    );
    assert_eq!(clients.hear("0", 3, None, now).sent, 1, "it stayed");
}

proptest! {
    #[test]
    fn nothing_that_a_client_says_breaks_the_books(
        said in prop::collection::vec((0_u8..4, any::<i64>(), any::<Option<[i64; 3]>>(), 0_u64..3000), 0..200),
    ) {
        let (mut clients, mut now) = (Clients::default(), Instant::now());
        for (name, sequence, stats, passed) in said {
            now += Duration::from_secs(passed);
            let stats = stats.and_then(|[a, b, c]| self::stats(a, b, c));
            clients.hear(&name.to_string(), sequence, stats, now);
            prop_assert_eq!(clients.clients.len(), clients.order.len());
            for (heard, key) in &clients.order {
                prop_assert_eq!(clients.clients.get(key).map(|c| c.heard), Some(*heard));
            }
        }
    }

    #[test]
    fn the_sum_is_what_the_client_counted_whatever_came_late(
        mut order in Just((1_i64..60).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (mut clients, now) = (Clients::default(), Instant::now());
        order.insert(0, 1);
        let mut sum = Growth::default();
        for sequence in order {
            let heard = clients.hear("a", sequence, stats(2 * sequence, 0, sequence), now);
            sum.sent += heard.sent;
            sum.full_queue += heard.full_queue;
            sum.failed += heard.failed;
        }
        prop_assert_eq!(sum, growth(58, 116, 0, 58));
    }
}
