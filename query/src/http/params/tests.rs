//! Parameters as tables. The sentences are those of `tests/fixtures/golden/_api` and of the contract.

use super::*;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000)
}

fn parse(query: &str) -> Result<Search, String> {
    Search::parse(&Form::parse(query), now(), true)
}

#[track_caller]
fn refused(query: &str, sentence: &str) {
    assert_eq!(parse(query).unwrap_err(), sentence, "{query}");
}

#[test]
fn a_search_without_times_looks_back_two_days_and_asks_for_a_hundred() {
    let search = parse("service=a").unwrap();
    assert_eq!(search.query.service.as_deref(), Some("a"));
    assert_eq!(search.query.operation, None);
    assert!(search.query.filter.is_always_true());
    assert_eq!(search.query.start_max_ns, 1_000_000_000_000_000);
    assert_eq!(
        search.query.start_min_ns,
        (1_000_000 - 172_800) * 1_000_000_000
    );
    assert_eq!(search.query.limit, 100);
    assert_eq!(search.window, Window::default());
    assert!(!search.raw);
}

#[test]
fn a_duration_may_have_the_exponent_that_old_kialis_print() {
    for (text, ms) in [("2e%2B03ms", 2_000), ("4e%2B01ms", 40), ("1e-3s", 1)] {
        let search = parse(&format!("service=a&minDuration={text}")).unwrap();
        assert_eq!(search.query.duration_min_ns, Some(ms * 1_000_000), "{text}");
    }
    for odd in [
        "2e", "2e3", "e3ms", "2e400s", "-2e3ms", "2e3x", "NaNms", "2e3ms5",
    ] {
        let refused = parse(&format!("service=a&minDuration={odd}"));
        assert!(refused.is_err(), "{odd}");
    }
}

#[test]
fn every_parameter_is_read() {
    let search = parse(
        "service=a+b&operation=GET%20%2F&start=5&end=7&limit=3&minDuration=1.2ms&maxDuration=2s&raw=T",
    )
    .unwrap();
    let query = search.query;
    assert_eq!(query.service.as_deref(), Some("a b"));
    assert_eq!(query.operation.as_deref(), Some("GET /"));
    assert_eq!((query.start_min_ns, query.start_max_ns), (5_000, 7_000));
    assert_eq!(query.duration_min_ns, Some(1_200_000));
    assert_eq!(query.duration_max_ns, Some(2_000_000_000));
    assert_eq!(query.limit, 3);
    assert!(search.raw);
    let window = Window {
        start_ns: Some(5_000),
        end_ns: Some(7_000),
    };
    assert_eq!(search.window, window);
}

#[test]
fn empty_values_and_bare_names_are_none() {
    let search =
        parse("service=a&minDuration&maxDuration=&limit=&start=&end&raw=&operation=").unwrap();
    assert_eq!(search.query.duration_min_ns, None);
    assert_eq!(search.query.duration_max_ns, None);
    assert_eq!(search.query.limit, 100);
    assert_eq!(search.query.operation, None);
    let search = parse("service=a&tag&tags=&traceID=&raw").unwrap();
    assert!(search.query.filter.is_always_true());
    assert!(search.ids.is_empty());
}

#[test]
fn no_limit_and_less_than_none_are_the_default() {
    for (text, expect) in [
        ("0", 100),
        ("-1", 100),
        ("1", 1),
        ("2147483647", 2_147_483_647),
    ] {
        let search = parse(&format!("service=a&limit={text}")).unwrap();
        assert_eq!(search.query.limit, expect);
    }
}

#[test]
fn negative_durations_and_times_are_no_mistake() {
    let search = parse("service=a&minDuration=-1s&start=-5").unwrap();
    assert_eq!(search.query.duration_min_ns, None);
    assert_eq!(search.query.start_min_ns, 0);
    assert_eq!(
        parse("service=a&maxDuration=-1s")
            .unwrap()
            .query
            .start_max_ns,
        0
    );
}

#[test]
fn tags_come_from_both_parameters_and_the_last_counts() {
    let search = parse(
        "service=a&tag=url:http://x:1&tag=k:1&tags=%7B%22k%22%3A%222%22%7D&tags={\"z\":\"a*\"}",
    )
    .unwrap();
    let Filter::And(leaves) = search.query.filter else {
        panic!("no and");
    };
    let leaves: Vec<_> = leaves
        .iter()
        .map(|leaf| match leaf {
            Filter::Tag { key, value } => (key.as_str(), value.text().as_str(), value.is_literal()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        leaves,
        [
            ("url", "http://x:1", true),
            ("k", "2", true),
            ("z", "a*", false)
        ]
    );

    let literal = Search::parse(&Form::parse("service=a&tag=z:a*"), now(), false).unwrap();
    let Filter::And(leaves) = literal.query.filter else {
        panic!("no and");
    };
    assert!(matches!(&leaves[..], [Filter::Tag { value, .. }] if value.is_literal()));
}

#[test]
fn trace_ids_need_no_service_and_come_once() {
    let search = parse("traceID=a1&traceID=b2&traceID=00A1&start=5").unwrap();
    assert_eq!(
        search.ids,
        [TraceId::from_halves(0, 0xa1), TraceId::from_halves(0, 0xb2)]
    );
    assert_eq!(search.window.start_ns, Some(5_000));
    assert_eq!(search.window.end_ns, None);
}

#[test]
fn mistakes_are_told_in_jaegers_words() {
    refused("", "parameter 'service' is required");
    refused(
        "service=a&start=x",
        "unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax",
    );
    refused(
        "service=a&end=1.5",
        "unable to parse param 'end': strconv.ParseInt: parsing \"1.5\": invalid syntax",
    );
    refused(
        "service=a&limit=x",
        "strconv.ParseInt: parsing \"x\": invalid syntax",
    );
    refused(
        "service=a&limit=2147483648",
        "strconv.ParseInt: parsing \"2147483648\": value out of range",
    );
    refused(
        "service=a&tag=notag",
        "malformed 'tag' parameter, expecting key:value, received: notag",
    );
    refused(
        "service=a&tags=notjson",
        "malformed 'tags' parameter, cannot unmarshal JSON: invalid character 'o' in literal null (expecting 'u')",
    );
    refused(
        "service=a&tags={\"a\":1}",
        "malformed 'tags' parameter, cannot unmarshal JSON: json: cannot unmarshal number into Go value of type string",
    );
    refused(
        "service=a&minDuration=2x",
        "unable to parse param 'minDuration': time: unknown unit \"x\" in duration \"2x\"",
    );
    refused(
        "service=a&maxDuration=5",
        "unable to parse param 'maxDuration': time: missing unit in duration \"5\"",
    );
    refused(
        "service=a&maxDuration=x",
        "unable to parse param 'maxDuration': time: invalid duration \"x\"",
    );
    refused(
        "service=a&minDuration=2s&maxDuration=1s",
        "'maxDuration' should be greater than 'minDuration'",
    );
    refused(
        "traceID=xyz",
        "cannot parse traceID param: strconv.ParseUint: parsing \"xyz\": invalid syntax",
    );
    refused(
        "service=a&raw=x",
        "unable to parse param 'raw': strconv.ParseBool: parsing \"x\": invalid syntax",
    );
}

#[test]
fn mistakes_are_told_in_jaegers_order() {
    let mistakes = [
        "start=x",
        "end=x",
        "tag=x",
        "limit=x",
        "minDuration=x",
        "maxDuration=x",
        "traceID=x",
        "raw=x",
    ];
    for (at, mistake) in mistakes.iter().enumerate() {
        let all = mistakes[at..].join("&");
        assert_eq!(parse(&all).unwrap_err(), parse(mistake).unwrap_err());
    }
}

#[test]
fn a_period_ends_now_and_lasts_a_day_unless_said() {
    let period = |query: &str| Period::parse(&Form::parse(query), now());
    let day_ns = 86_400 * 1_000_000_000;
    let expect = Period {
        start_ns: 1_000_000_000_000_000 - day_ns,
        end_ns: 1_000_000_000_000_000,
    };
    assert_eq!(period("").unwrap(), expect);
    let expect = Period {
        start_ns: 4_000_000,
        end_ns: 5_000_000,
    };
    assert_eq!(period("endTs=5&lookback=1").unwrap(), expect);
    assert_eq!(
        period("endTs=5&lookback=9223372036854775807")
            .unwrap()
            .start_ns,
        0
    );
    for (query, sentence) in [
        (
            "endTs=x",
            "unable to parse param 'endTs': strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            "lookback=1s",
            "unable to parse param 'lookback': strconv.ParseInt: parsing \"1s\": invalid syntax",
        ),
        (
            "lookback=-1",
            "unable to parse param 'lookback': -1 is negative",
        ),
    ] {
        assert_eq!(period(query).unwrap_err(), sentence);
    }
}

#[test]
fn a_query_in_the_language_needs_no_service() {
    let search = parse("q=http.status_code+%3E%3D+500").unwrap();
    assert_eq!(search.query.service, None);
    assert!(!search.query.filter.is_always_true());
    assert!(search.paging.is_wanted());
    assert!(parse("q=a&tag=b:1&minDuration=5ms").is_ok());
    refused("q=", "parameter 'service' is required");
    refused("tag=a:b", "parameter 'service' is required");
    refused(
        "q=a+%3D",
        "unable to parse param 'q': at character 4: expected a value, found the end",
    );
    assert!(!parse("service=a").unwrap().paging.is_wanted());
}

#[test]
fn a_cursor_carries_order_window_and_place_and_is_of_its_search() {
    use storage::query::{Order, Place};
    let first = parse("service=a&sort=-duration&start=5&end=7").unwrap();
    assert_eq!(first.query.order, Order::LongestFirst);
    assert_eq!(first.query.after, None);
    let after = Place {
        key_ns: 9,
        trace_id: TraceId::from_halves(1, 2),
    };
    let cursor = first.paging.cursor(&first.query, after);
    for more in ["", "&sort=-duration", "&start=1&end=2", "&limit=3"] {
        let next = parse(&format!("service=a{more}&cursor={cursor}"))
            .unwrap()
            .query;
        assert_eq!((next.order, next.after), (Order::LongestFirst, Some(after)));
        assert_eq!((next.start_min_ns, next.start_max_ns), (5_000, 7_000));
    }
    for (other, why) in [
        (
            "service=b",
            "the cursor is of another search: send it with the parameters that it was answered to",
        ),
        (
            "service=a&q=x",
            "the cursor is of another search: send it with the parameters that it was answered to",
        ),
        ("service=a&sort=start", "it is of sort=-duration"),
    ] {
        let sentence = format!("unable to parse param 'cursor': {why}");
        refused(&format!("{other}&cursor={cursor}"), &sentence);
    }
    refused(
        "service=a&cursor=x",
        "unable to parse param 'cursor': this is no cursor: send the one of an answer as it is, or none",
    );
    refused(
        "service=a&sort=x",
        "unable to parse param 'sort': \"x\" is none of start, -start, duration, -duration (- is the greatest first)",
    );
}
