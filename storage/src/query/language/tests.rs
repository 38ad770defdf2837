use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::query::Decimal;

/// `text` is of the language, and is written so.
#[track_caller]
fn check(text: &str, written: &str) {
    let tree = Tree::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(tree.to_string(), written, "{text}");
    assert_eq!(Tree::parse(written).as_ref(), Ok(&tree), "{text}");
}

#[track_caller]
fn refused(text: &str, error: &str) {
    let got = Tree::parse(text).expect_err(text);
    assert_eq!(got.to_string(), error, "{text}");
}

#[test]
fn conditions_are_read_as_people_write_them() {
    check(
        r#"service = "checkout" and http.status_code >= 500 and (error or peer.service =~ "pay.*") and not exists(retry) and duration > 1.5s"#,
        r#"service = "checkout" and http.status_code >= 500 and (error or peer.service =~ "pay.*") and not exists(retry) and duration > 1.5s"#,
    );
    check("a=1", "a = 1");
    check("a==1.50", "a = 1.5");
    check("a != GET", "a != \"GET\"");
    check("ip = 10.0.0.1", "ip = \"10.0.0.1\"");
    check("a = \"1\"", "a = \"1\"");
    check("a = -2e3", "a = -2000");
    check("a!~`x\\.y`", r#"a !~ "x\\.y""#);
    check("a = 'it\\'s'", "a = \"it's\"");
    check("k8s.io/pod-name = x", "k8s.io/pod-name = \"x\"");
    check("größe > 5", "größe > 5");
    check("operation = GET", "operation = \"GET\"");
    check("duration<=90000us", "duration <= 90ms");
    check(
        "kind = server && status != ok",
        "kind = server and status != ok",
    );
}

#[test]
fn a_dot_or_quotes_name_a_tag_that_is_called_as_something_else() {
    check(".service = x", ".service = \"x\"");
    check("\"service\" = x", ".service = \"x\"");
    check(".http.method", "http.method");
    check("exists(.duration)", "exists(.duration)");
    check("exists", ".exists");
    check(".and = .or", ".and = \".or\"");
    check("\"two words\" = 1", "\"two words\" = 1");
    check(".\"5xx\"", "\"5xx\"");
    check("\"\"", "\"\"");
    check("servicE = x", "servicE = \"x\"");
}

#[test]
fn and_binds_closer_than_or_and_not_closer_than_both() {
    check("a or b and c", "a or b and c");
    check("(a or b) and c", "(a or b) and c");
    check("not a and b", "not a and b");
    check("not (a and b)", "not (a and b)");
    check("!a || !(b)", "not a or not b");
    check("NOT not a AND b Or c", "not not a and b or c");
    check("((a))", "a");
    check("a and (b and c)", "a and (b and c)");
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    const KEY: &str =
        "a tag's key, service, operation, duration, kind, status, exists(…), 'not' or '('";
    refused(
        "",
        &format!("at character 1: expected {KEY}, found the end"),
    );
    refused(
        "a and",
        &format!("at character 6: expected {KEY}, found the end"),
    );
    refused(
        "a and )",
        &format!("at character 7: expected {KEY}, found ')'"),
    );
    refused(
        "5 = a",
        &format!("at character 1: expected {KEY}, found '5'"),
    );
    refused(
        "a b",
        "at character 3: expected 'and', 'or' or the end, found 'b'",
    );
    refused(
        "(a",
        "at character 3: expected 'and', 'or' or ')', found the end",
    );
    refused("a =", "at character 4: expected a value, found the end");
    refused(
        "größe > \"5\"",
        "at character 9: expected a number, since only numbers are compared so, found '\"5\"'",
    );
    refused(
        "a > NaN",
        "at character 5: expected a number, since only numbers are compared so, found 'NaN'",
    );
    refused(
        "a =~ b",
        "at character 6: expected an expression in quotes, found 'b'",
    );
    refused(
        "a =~ \"^b\"",
        "at character 6: an expression matches whole values, so leave ^ out, or write \\^ for the character",
    );
    refused(
        "a =~ `\\d`",
        "at character 6: \\d has no meaning: write a class such as [0-9]",
    );
    refused(
        "a =~ \"(\"",
        "at character 6: not an expression of . ? + * | {} [] () and \\",
    );
    refused(
        "a = \"\\d\"",
        "at character 6: \\d is no escape: there are \\\\ \\\" \\' \\n \\r \\t; between backquotes (`…`) none is needed",
    );
    refused(
        "a = \"b",
        "at character 5: the text that begins here has no closing \"",
    );
    refused(
        "service",
        "at character 8: expected an operator behind service (.service is the tag of that name), found the end",
    );
    refused(
        "service > a",
        "at character 9: expected one of = != =~ !~, found '>'",
    );
    refused(
        "duration =~ `1`",
        "at character 10: expected one of = != < <= > >=, found '=~'",
    );
    refused(
        "duration > 5",
        "at character 12: expected a duration such as 1.5s or 200ms (units: ns us ms s m h), found '5'",
    );
    refused(
        "kind < server",
        "at character 6: expected one of = !=, found '<'",
    );
    refused(
        "status = bad",
        "at character 10: expected one of error ok unset, found 'bad'",
    );
    refused(
        "exists(service)",
        "at character 8: every span has a service; .service is the tag of that name",
    );
    refused("exists(a", "at character 9: expected ')', found the end");
    refused(
        "a = 1 ; b",
        "at character 7: expected a key, an operator or a value (texts with other signs stand in quotes), found ';'",
    );
}

#[test]
fn length_depth_and_conditions_are_bounded() {
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Tree::parse(&nested(MAX_DEPTH)).is_ok());
    refused(
        &nested(MAX_DEPTH + 1),
        "at character 33: the query is nested deeper than 32",
    );
    let negated = |depth: usize| format!("{}a", "not ".repeat(depth));
    assert!(Tree::parse(&negated(MAX_DEPTH)).is_ok());
    assert!(Tree::parse(&negated(MAX_DEPTH + 1)).is_err());
    let many = |count: usize| vec!["a"; count].join(" or ");
    assert!(Tree::parse(&many(MAX_CONDITIONS)).is_ok());
    refused(
        &many(MAX_CONDITIONS + 1),
        "at character 161: the query has more than 32 conditions",
    );
    refused(
        &"a".repeat(MAX_BYTES + 1),
        "at character 1: the query is longer than 8192 bytes",
    );
}

/// What would take long where a parser goes back, or where an expression does.
#[test]
fn time_grows_with_the_length() {
    let began = Instant::now();
    for text in [
        "(".repeat(MAX_BYTES),
        "not ".repeat(MAX_BYTES / 4),
        "a or ".repeat(MAX_BYTES / 5),
        "\"".repeat(MAX_BYTES),
        "\\".repeat(MAX_BYTES),
        ".".repeat(MAX_BYTES),
        format!("a =~ \"{}\"", "(a*)*".repeat(200)),
        format!("a =~ \"{}\"", "a{1,1000}".repeat(100)),
        vec!["a =~ \"(x+x+)+y\""; MAX_CONDITIONS].join(" or "),
    ] {
        drop(Tree::parse(&text));
    }
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z._@/-]{1,8}",
        any::<String>(),
        prop::sample::select(vec![
            "service", "exists", "and", "or", "NOT", "duration", "", "."
        ])
        .prop_map(str::to_owned),
    ]
}

fn numbers() -> impl Strategy<Value = Decimal> {
    "-?[0-9]{1,12}(\\.[0-9]{1,9})?(e-?[0-9]{1,3})?".prop_map(|text| text.parse().unwrap())
}

fn equality() -> impl Strategy<Value = Operator> {
    prop_oneof![Just(Operator::Equal), Just(Operator::NotEqual)]
}

fn orders() -> impl Strategy<Value = Operator> {
    use Operator::{AtLeast, AtMost, Less, More};
    prop::sample::select(vec![Less, AtMost, AtLeast, More])
}

fn named() -> impl Strategy<Value = (Operator, String)> {
    let expression = prop_oneof![Just(Operator::Matches), Just(Operator::NotMatches)];
    prop_oneof![
        (equality(), any::<String>()),
        (
            expression,
            "[a-z.*|(]{0,2}[a-z.*]{0,4}".prop_filter("an expression", |e| {
                crate::query::Pattern::expression(e.as_str()).is_ok()
            })
        ),
    ]
}

fn conditions() -> impl Strategy<Value = Condition> {
    let kinds = prop::sample::select(tree::KINDS.to_vec());
    let outcomes = prop::sample::select(Outcome::ALL.to_vec());
    prop_oneof![
        keys().prop_map(Condition::True),
        keys().prop_map(Condition::Exists),
        (keys(), named()).prop_map(|(key, (is, text))| Condition::Tag(key, is, Value::Text(text))),
        (keys(), prop_oneof![equality(), orders()], numbers())
            .prop_map(|(key, is, number)| Condition::Tag(key, is, Value::Number(number))),
        named().prop_map(|(is, name)| Condition::Service(is, name)),
        named().prop_map(|(is, name)| Condition::Operation(is, name)),
        (prop_oneof![equality(), orders()], 0..i64::MAX as u64)
            .prop_map(|(is, ns)| Condition::Duration(is, ns)),
        (equality(), kinds).prop_map(|(is, kind)| Condition::Kind(is, kind)),
        (equality(), outcomes).prop_map(|(is, outcome)| Condition::Status(is, outcome)),
    ]
}

fn trees() -> impl Strategy<Value = Tree> {
    conditions()
        .prop_map(Tree::Is)
        .prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
                prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::Or),
                inner.prop_map(|tree| Tree::Not(Box::new(tree))),
            ]
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(tree in trees()) {
        let text = tree.to_string();
        // a generated tree may be larger than a query may be
        let too_large = ["more than", "deeper than", "longer than"];
        match Tree::parse(&text) {
            Ok(read) => prop_assert_eq!(read, tree),
            Err(error) => prop_assert!(too_large.iter().any(|t| error.what.contains(t)), "{}: {}", text, error),
        }
    }

    #[test]
    fn no_text_ends_in_a_panic(text in any::<String>()) {
        if let Err(error) = Tree::parse(&text) {
            prop_assert!(error.position <= text.chars().count() + 1);
        }
    }

    #[test]
    fn neither_do_signs_of_the_language(text in "([()!=<>~&|.\"'`\\\\ ]|and|or|not|exists|service|duration|kind|[a1é-]){0,40}") {
        drop(Tree::parse(&text).map(|tree| tree.to_filter()));
    }
}

/// The examples of the documentation: which of them find its example span, and which pass it over.
mod documentation {
    use std::sync::Arc;

    use model::{Event, KeyValue, Resource, Span, SpanKind};

    use super::super::parse;

    fn span() -> Span {
        Span {
            name: "POST /pay".into(),
            kind: SpanKind::Server,
            start_ns: 1_000_000,
            end_ns: 1_000_000 + 1_700_000_000,
            attributes: vec![
                KeyValue::new("http.status_code", 503_i64),
                KeyValue::new("http.method", "POST"),
                KeyValue::new("error", true),
                KeyValue::new("ratio", 0.5),
                KeyValue::new("zip", "00500"),
                KeyValue::new("service", "a tag of that name"),
                KeyValue::new("peer.service", "payments"),
            ],
            events: vec![Event {
                name: "cache miss".into(),
                attributes: vec![
                    KeyValue::new("tried", "first"),
                    KeyValue::new("tried", "second"),
                ],
                ..Event::default()
            }],
            resource: Arc::new(Resource {
                attributes: vec![KeyValue::new("host.name", "h7")],
                ..Resource::of_service("checkout")
            }),
            ..Span::default()
        }
    }

    #[test]
    fn its_examples_find_what_it_says() {
        let page = include_str!("../../../../docs/search.md");
        let (mut finds, mut passes) = (0, 0);
        for (fence, expect) in [("```finds\n", true), ("```passes\n", false)] {
            for block in page.split(fence).skip(1) {
                let block = block.split("```").next().unwrap();
                for line in block.lines().filter(|line| !line.trim().is_empty()) {
                    let filter = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
                    assert_eq!(filter.matches(&span()), expect, "{line}");
                    *if expect { &mut finds } else { &mut passes } += 1;
                }
            }
        }
        assert!(finds >= 20 && passes >= 10, "{finds} and {passes} examples");
    }
}
