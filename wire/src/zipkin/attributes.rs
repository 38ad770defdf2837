//! Attributes that OpenTelemetry's exporter wrote as a JSON object into the text of an annotation or a tag, and lists of tags.
//!
//! In: that text. Out: attributes; `None` when it is no JSON object. Nested values stay JSON text, which is what Jaeger shows of arrays and
//! maps; `null` is left out.
//!
//! Source: `zipkinv2/to_translator.go` `jsonMapToAttributeMap`, which leaves nested values out.

use model::{KeyValue, Str, Value};

use super::room::{copied, push};
use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::json::fields::{Bad, Reading};
use crate::otlp::json::reader::Kind;

/// Lists up to here are searched one by one.
const FEW: usize = 32;

/// The attributes of the JSON object `text`.
pub(crate) fn of_json(
    text: &str,
    budget: &mut Budget,
) -> Result<Option<Vec<KeyValue>>, DecodeError> {
    let mut list = Vec::new();
    let mut reader = Reading::new(text);
    match object(&mut reader, text, &mut list, budget).and_then(|()| Ok(reader.end()?)) {
        Ok(()) => {
            keep_last(&mut list, budget)?;
            Ok(Some(list))
        }
        Err(Bad::Whole(error)) => Err(error),
        Err(Bad::Text(_) | Bad::Value(_)) => Ok(None),
    }
}

fn object(
    r: &mut Reading<'_>,
    text: &str,
    list: &mut Vec<KeyValue>,
    budget: &mut Budget,
) -> Result<(), Bad> {
    if r.peek()? == Kind::Null {
        return Ok(r.null()?);
    }
    r.begin_object()?;
    let mut first = true;
    while let Some(key) = r.next_name(first)? {
        first = false;
        let value = match r.peek()? {
            Kind::String => Value::String(copied(&r.string()?, budget)?),
            Kind::Number => number(r.number()?),
            Kind::Bool => Value::Bool(r.bool()?),
            Kind::Null => {
                r.null()?;
                continue;
            }
            Kind::Object | Kind::Array => {
                let before = r.clone();
                r.skip_value()?;
                let nested = text.get(before.value_range(r)).unwrap_or_default();
                Value::String(copied(nested, budget)?)
            }
        };
        let key = copied(&key, budget)?;
        push(list, KeyValue { key, value }, budget)?;
    }
    Ok(())
}

/// A number of JSON: whole ones are integers, also when they are written `5.0`.
pub(crate) fn number(text: &str) -> Value {
    // as i64 holds them, without rounding
    const WHOLE: std::ops::Range<f64> = -9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0;
    if let Ok(whole) = text.parse::<i64>() {
        return Value::Int(whole);
    }
    match text.parse::<f64>() {
        Ok(float) if float.fract() == 0.0 && WHOLE.contains(&float) => Value::Int(float as i64),
        Ok(float) => Value::Double(float),
        Err(_) => Value::String(Str::from(text)),
    }
}

/// Leaves one attribute a key: where the first stood, with the value of the last, as in a map.
pub(crate) fn keep_last(list: &mut Vec<KeyValue>, budget: &mut Budget) -> Result<(), DecodeError> {
    if list.len() <= FEW {
        let mut at = 1;
        while let Some((before, [later, ..])) = list.split_at_mut_checked(at) {
            match before.iter_mut().find(|b| b.key == later.key) {
                Some(earlier) => {
                    earlier.value = std::mem::take(&mut later.value);
                    list.remove(at);
                }
                None => at += 1,
            }
        }
        return Ok(());
    }
    keep_last_of_many(list, budget)
}

/// By sorting places, so that a span of very many tags costs neither the square of their number nor much memory.
fn keep_last_of_many(list: &mut Vec<KeyValue>, budget: &mut Budget) -> Result<(), DecodeError> {
    budget.charge(list.len(), size_of::<usize>() + size_of::<bool>())?;
    let mut places: Vec<usize> = (0..list.len()).collect();
    let key = |place: usize| list.get(place).map(|a| a.key.as_str());
    places.sort_unstable_by(|a, b| key(*a).cmp(&key(*b)).then(a.cmp(b)));
    let mut repeated = vec![false; list.len()];
    let mut moves = Vec::new();
    for same in places.chunk_by(|a, b| key(*a) == key(*b)) {
        if let [first, later @ .., last] = same {
            push(&mut moves, (*first, *last), budget)?;
            for place in later.iter().chain([last]) {
                if let Some(repeated) = repeated.get_mut(*place) {
                    *repeated = true;
                }
            }
        }
    }
    for (first, last) in moves {
        let value = list.get_mut(last).map(|a| std::mem::take(&mut a.value));
        if let (Some(attribute), Some(value)) = (list.get_mut(first), value) {
            attribute.value = value;
        }
    }
    let mut repeated = repeated.into_iter();
    list.retain(|_| repeated.next() != Some(true));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let list = of_json(text, &mut Budget::unlimited()).unwrap();
        let shown = list.map(|list| {
            let each = list.iter().map(|a| format!("{}={:?}", a.key, a.value));
            each.collect::<Vec<_>>().join(" ")
        });
        assert_eq!(shown.as_deref(), expected);
    }

    #[test]
    fn objects_become_attributes() {
        check("{}", Some(""));
        check("null", Some(""));
        check(
            r#"{"s":"a\nb","i":7,"f":7.5,"w":7.0,"b":true,"n":null}"#,
            Some(r#"s=String("a\nb") i=Int(7) f=Double(7.5) w=Int(7) b=Bool(true)"#),
        );
        check(
            r#"{"l":[1, {"a":2}]}"#,
            Some(r#"l=String("[1, {\"a\":2}]")"#),
        );
        check(r#"{"a":1,"b":2,"a":3}"#, Some("a=Int(3) b=Int(2)"));
        check(r#"{"x":1e300}"#, Some("x=Double(1e300)"));
    }

    #[test]
    fn what_is_no_object_is_none() {
        for text in ["", "1", "[]", "{", "{\"a\":1} x", "\"a\""] {
            check(text, None);
        }
    }

    #[test]
    fn long_lists_keep_the_last_value_in_the_first_place_too() {
        let mut list: Vec<KeyValue> = (0..100_i64)
            .map(|i| KeyValue::new((i % 50).to_string().as_str(), i))
            .collect();
        keep_last(&mut list, &mut Budget::unlimited()).unwrap();
        assert_eq!(list.len(), 50);
        assert_eq!(list[0], KeyValue::new("0", 50_i64));
        assert_eq!(list[49], KeyValue::new("49", 99_i64));
    }
}
