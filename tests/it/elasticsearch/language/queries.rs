//! Queries as a person may write them, by chance: every operator, on keys and values of the corpus and on others.

use storage::query::{Filter, Order, TraceQuery};

use super::Random;
use super::corpus::{LONG_A, LONG_B, OPERATIONS, SERVICES, US, t0};

const NUMBERS: [&str; 12] = [
    "0",
    "500",
    "-3",
    "0.5",
    "5e2",
    "404.0",
    "9007199254740992",
    "1e21",
    "0.30000000000000004",
    "-2.75",
    "1e300",
    "499.999",
];
const TEXTS: [&str; 18] = [
    "GET",
    "\"500\"",
    "\"500.0\"",
    "\"\"",
    "true",
    "false",
    "\"a|b\"",
    "\"a\\\"b\"",
    "'a\\\\b'",
    "\"a b\\tc\\nd\"",
    "\"größe\"",
    "`日本`",
    "\"\u{1f600}\"",
    "10.0.0.1",
    "\"<a&b>\"",
    "'x*('",
    "\"[500,\\\"GET\\\"]\"",
    "nothing",
];
const EXPRESSIONS: [&str; 14] = [
    "\".*\"",
    "\"5.*\"",
    "\"a|b\"",
    "\"(a|b)+c?\"",
    "\"[0-9]{3}\"",
    "`.*\\..*`",
    "\"x*a\"",
    "\"x*[ab]\"",
    "\"gr.*e\"",
    "\"\"",
    "\"G?ET|get\"",
    "\".\"",
    "`-?[0-9]+(\\.0+)?`",
    "\"[^0-9]+\"",
];

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn key(random: &mut Random) -> String {
    match random.below(12) {
        0 => "error".to_owned(),
        1 => "span.kind".to_owned(),
        2 => "event".to_owned(),
        3 => "nowhere".to_owned(),
        4 => quoted(LONG_A),
        5 => ".service".to_owned(),
        _ => random
            .pick(&[
                "k",
                "n",
                "http.status_code",
                "größe",
                "\"two words\"",
                "retry",
            ])
            .to_owned(),
    }
}

fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => quoted(LONG_A),
        1 => quoted(LONG_B),
        2 => random.pick(&NUMBERS).to_owned(),
        _ => random.pick(&TEXTS).to_owned(),
    }
}

fn name(random: &mut Random, is: &str, names: &[&str]) -> String {
    match is {
        "=~" | "!~" => random
            .pick(&[
                "\"c.*\"",
                "\"cart(-eu)?\"",
                "\"x*[ab]\"",
                "\".* .*\"",
                "\"get\"",
            ])
            .to_owned(),
        _ if random.is_one_in(6) => "nobody".to_owned(),
        _ => quoted(random.pick(names)),
    }
}

fn condition(random: &mut Random) -> String {
    let orders = ["<", "<=", ">", ">="];
    let equality = ["=", "!="];
    match random.below(14) {
        0..4 => {
            let is = random.pick(&orders);
            format!("{} {is} {}", key(random), random.pick(&NUMBERS))
        }
        4..6 => {
            let is = random.pick(&equality);
            format!("{} {is} {}", key(random), text(random))
        }
        6..8 => {
            let is = random.pick(&["=~", "=~", "!~"]);
            format!("{} {is} {}", key(random), random.pick(&EXPRESSIONS))
        }
        8 => format!("exists({})", key(random)),
        9 => key(random),
        10 => {
            let is = random.pick(&["=", "!=", "=~", "!~"]);
            format!("service {is} {}", name(random, is, &SERVICES))
        }
        11 => {
            let is = random.pick(&["=", "!=", "=~", "!~"]);
            format!("operation {is} {}", name(random, is, &OPERATIONS))
        }
        12 => {
            let is = random.pick(&["<", "<=", ">", ">=", "=", "!="]);
            let duration = random.pick(&["0s", "5us", "12.9us", "1ms", "1.5s", "0h1m"]);
            format!("duration {is} {duration}")
        }
        _ => {
            let is = random.pick(&equality);
            let what = random.pick(&[
                "kind @ server",
                "kind @ client",
                "kind @ internal",
                "kind @ unspecified",
                "status @ error",
                "status @ ok",
                "status @ unset",
            ]);
            what.replace('@', is)
        }
    }
}

fn tree(random: &mut Random, depth: u64) -> String {
    match random.below(if depth == 0 { 1 } else { 5 }) {
        1 => format!(
            "{} and {}",
            tree(random, depth - 1),
            tree(random, depth - 1)
        ),
        2 => format!(
            "({} or {})",
            tree(random, depth - 1),
            tree(random, depth - 1)
        ),
        3 => format!("not {}", condition(random)),
        4 => format!("not ({})", tree(random, depth - 1)),
        _ => condition(random),
    }
}

/// A query.
pub(super) fn any(random: &mut Random) -> String {
    tree(random, 3)
}

/// The same in some window, order and size of a page.
pub(super) fn around(random: &mut Random, filter: Filter) -> TraceQuery {
    let mut query = TraceQuery {
        filter,
        start_min_ns: t0(),
        start_max_ns: t0() + 200_000 * US,
        order: Order::ALL[random.below(4) as usize],
        limit: [1, 3, 20, 1_000][random.below(4) as usize],
        ..TraceQuery::default()
    };
    if random.is_one_in(3) {
        query.start_min_ns += random.below(50_000) * US;
        query.start_max_ns = query.start_min_ns + random.below(60_000) * US;
    }
    if random.is_one_in(4) {
        query.service = Some(random.pick(&SERVICES).into());
    }
    query
}
