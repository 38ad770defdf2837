use proptest::prelude::*;

use super::*;

const HOUR: u64 = 3_600_000_000_000;
const DAY: u64 = 24 * HOUR;
/// 2026-11-23T07:54:29Z
const T0: u64 = 1_795_420_469_123_456_789;

fn names(indices: &Indices) -> Names {
    Names::new("es", indices).unwrap()
}

fn with(prefix: &str, separator: &str, rotation: Rotation) -> Names {
    names(&Indices {
        prefix: prefix.to_owned(),
        date_separator: separator.to_owned(),
        spans: rotation,
        ..Indices::default()
    })
}

#[test]
fn documents_go_where_jaeger_puts_them() {
    let plain = names(&Indices::default());
    assert_eq!(plain.spans.write(T0), "jaeger-span-2026-11-23");
    assert_eq!(plain.services.write(T0), "jaeger-service-2026-11-23");
    assert_eq!(
        plain.dependencies.write(T0),
        "jaeger-dependencies-2026-11-23"
    );
    assert_eq!(plain.sampling.write(T0), "jaeger-sampling-2026-11-23");
    assert_eq!(plain.spans.write(0), "jaeger-span-1970-01-01");
    assert_eq!(plain.spans.write(u64::MAX), "jaeger-span-2554-07-21");
    for (prefix, separator, rotation, expect) in [
        ("taf", "-", Rotation::Day, "taf-jaeger-span-2026-11-23"),
        ("taf-", ".", Rotation::Day, "taf-jaeger-span-2026.11.23"),
        ("", "", Rotation::Day, "jaeger-span-20261123"),
        ("", "-", Rotation::Hour, "jaeger-span-2026-11-23-07"),
        ("", "", Rotation::Hour, "jaeger-span-2026112307"),
    ] {
        assert_eq!(with(prefix, separator, rotation).spans.write(T0), expect);
    }
}

#[test]
fn aliases_and_archives_have_one_name() {
    for (use_aliases, is_archive, write, read) in [
        (true, false, "p-jaeger-span-write", "p-jaeger-span-read"),
        (
            false,
            true,
            "p-jaeger-span-archive",
            "p-jaeger-span-archive",
        ),
        (
            true,
            true,
            "p-jaeger-span-archive-write",
            "p-jaeger-span-archive-read",
        ),
    ] {
        let names = names(&Indices {
            prefix: "p".to_owned(),
            use_aliases,
            is_archive,
            ..Indices::default()
        });
        assert_eq!(names.spans.write(T0), write);
        assert_eq!(names.spans.read(0, u64::MAX), [read]);
        assert_eq!(names.spans.period(0), names.spans.period(T0));
    }
    let aliased = names(&Indices {
        use_aliases: true,
        ..Indices::default()
    });
    assert_eq!(
        aliased.dependencies.read(0, T0),
        ["jaeger-dependencies-read"]
    );
    assert_eq!(aliased.sampling.write(T0), "jaeger-sampling-2026-11-23");
    assert_eq!(aliased.dead_letters(), "spoor-dead-letter");
    assert_eq!(with("p", "-", Rotation::Day).leases(), "p-spoor-lease");
}

#[test]
fn a_range_is_read_from_its_end_to_its_beginning() {
    let spans = names(&Indices::default()).spans;
    assert_eq!(
        spans.read(T0 - 2 * DAY, T0),
        [
            "jaeger-span-2026-11-23",
            "jaeger-span-2026-11-22",
            "jaeger-span-2026-11-21"
        ]
    );
    // an hour before midnight counts as its day
    assert_eq!(
        spans.read(T0 - 8 * HOUR, T0),
        ["jaeger-span-2026-11-23", "jaeger-span-2026-11-22"]
    );
    assert_eq!(spans.read(T0, T0), ["jaeger-span-2026-11-23"]);
    assert_eq!(
        spans.read(T0, 0),
        ["jaeger-span-2026-11-23"],
        "ends before it begins"
    );
    assert_eq!(
        with("", "-", Rotation::Hour).spans.read(T0 - HOUR, T0),
        ["jaeger-span-2026-11-23-07", "jaeger-span-2026-11-23-06"]
    );
}

#[test]
fn other_clusters_are_read_after_ones_own() {
    let spans = names(&Indices {
        remote_read_clusters: vec!["a".to_owned(), "b".to_owned()],
        ..Indices::default()
    })
    .spans;
    let (day, before) = ("jaeger-span-2026-11-23", "jaeger-span-2026-11-22");
    assert_eq!(
        spans.read(T0 - DAY, T0),
        [
            day.to_owned(),
            before.to_owned(),
            format!("a:{day}"),
            format!("b:{day}"),
            format!("a:{before}"),
            format!("b:{before}"),
        ]
    );
}

#[test]
fn long_lists_become_patterns() {
    let days = names(&Indices::default()).spans;
    // 130 names of 22 letters and a comma
    assert_eq!(days.read(T0 - 129 * DAY, T0).len(), 130);
    let months = days.read(T0 - 130 * DAY, T0);
    assert_eq!(months[0], "jaeger-span-2026-11-*");
    assert_eq!(months.last().unwrap(), "jaeger-span-2026-07-*");
    assert_eq!(months.len(), 5);
    let years = days.read(T0 - 20 * 365 * DAY, T0);
    assert_eq!(years[0], "jaeger-span-2026-*");
    assert_eq!(years.last().unwrap(), "jaeger-span-2006-*");
    assert_eq!(days.read(0, u64::MAX), ["jaeger-span-2*", "jaeger-span-1*"]);

    let hours = with("", "", Rotation::Hour).spans;
    let days = hours.read(T0 - 10 * DAY, T0);
    assert_eq!(days[0], "jaeger-span-20261123*");
    assert_eq!(days.last().unwrap(), "jaeger-span-20261113*");
}

#[test]
fn an_index_is_found_by_its_own_name_or_by_an_alias() {
    let found = |series: &Series, names: &[&str], from, until| {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        series.finds(&names, from, until).cloned()
    };
    let days = names(&Indices::default()).spans;
    let (day, before) = ("jaeger-span-2026-11-23", "jaeger-span-2026-11-22");
    for (index, from, is_found) in [
        (day, T0, true),
        (before, T0, false),
        (before, T0 - DAY, true),
        ("jaeger-span-2026-11-24", T0 - DAY, false),
        // a month is searched for by a pattern, and not asked for whole
        ("jaeger-span-2026-07-01", T0 - 130 * DAY, false),
        ("jaeger-span-2026-08-01", T0 - 130 * DAY, true),
        ("jaeger-span-2026-08-01-mended", T0 - 130 * DAY, true),
        ("jaeger-span-2026-11-23-mended", T0, false),
        ("jaeger-span-archive", 0, false),
        ("other-2026-11-23", 0, false),
    ] {
        let expect = is_found.then(|| index.to_owned());
        assert_eq!(found(&days, &[index], from, T0), expect, "{index}");
    }
    assert_eq!(found(&days, &["x", day], T0, T0).as_deref(), Some(day));
    let aliased = names(&Indices {
        use_aliases: true,
        ..Indices::default()
    });
    let index = ["jaeger-span-000001", "jaeger-span-read"];
    let by = found(&aliased.spans, &index, T0, T0);
    assert_eq!(by.as_deref(), Some("jaeger-span-read"));
    assert_eq!(found(&aliased.spans, &index[..1], T0, T0), None);
}

proptest! {
    /// Whatever the range, the names are few, made at once, and cover each point in it.
    #[test]
    fn any_range_is_covered(
        from in any::<u64>(),
        len in prop_oneof![0..40 * DAY, any::<u64>()],
        hourly in any::<bool>(),
        separator in "[.-]?",
        inside in 0.0..=1.0,
    ) {
        let rotation = if hourly { Rotation::Hour } else { Rotation::Day };
        let spans = with("p", &separator, rotation).spans;
        let until = from.saturating_add(len);
        let read = spans.read(from, until);
        prop_assert!(read.join(",").len() <= 3_000);
        let at = from + ((until - from) as f64 * inside) as u64;
        let covers = |name: &String| match name.strip_suffix('*') {
            Some(start) => spans.write(at.min(until)).starts_with(start),
            None => *name == spans.write(at.min(until)),
        };
        prop_assert_eq!(read.iter().filter(|n| covers(n)).count(), 1, "{:?}", read);
        for other in ["archive", "archive-read", "read", "write", "000001"] {
            let other = format!("p-jaeger-span-{other}");
            prop_assert!(!read.iter().any(|n| other.starts_with(n.trim_end_matches('*'))));
        }
    }
}
