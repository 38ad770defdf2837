//! JSON of any shape, read without failing: what is not of the wanted shape is known to be something else, and passed over.
//!
//! In: any value of an answer, by serde. Out: [`Scalar`], [`List`], [`Maybe`], [`Members`], which borrow their text from the answer. A document
//! of a foreign writer so costs at most itself: the answer that it stands in is read to its end. What is passed over is not recursed into.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that has no parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Missing, or null.
    #[default]
    Absent,
    /// A truth value.
    Bool(bool),
    /// A number without a fraction that 64 bits with a sign hold.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// An array or an object.
    Other,
}

/// A list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct List<T> {
    /// Its items; none, when it is no list.
    pub(super) items: Vec<T>,
    /// It was neither a list nor null.
    pub(super) is_wrong: bool,
    /// It was null, and not absent.
    pub(super) is_null: bool,
}

/// An object; `None`: it is something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Maybe<T>(pub(super) Option<T>);

/// Names and values of an object, in their order; none, when it is no object.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Members<'a, V = Scalar<'a>>(pub(super) Vec<(Cow<'a, str>, V)>);

/// What has members with known names. The last of equal names counts.
pub(super) trait Object<'de>: Default {
    /// Takes the value of a member. The value of a name that is unknown has to be taken, too.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// What values of some shape become. Each function says it of one shape; that of [`Shape::other`] holds for all that say nothing.
trait Shape<'de>: Sized {
    /// Anything else.
    fn other() -> Self;

    /// Null, a truth value, a number, a text.
    fn scalar(_: Scalar<'de>) -> Self {
        Self::other()
    }

    /// An array.
    fn array<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::other())
    }

    /// An object.
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::other())
    }
}

/// Asks a value for its shape.
struct Reader<T>(PhantomData<T>);

/// A member's name.
struct Name<'a>(Cow<'a, str>);

fn read<'de, T: Shape<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Reader(PhantomData))
}

// === impl Reader ===

impl<'de, T: Shape<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::scalar(Scalar::Bool(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::scalar(Scalar::Int(value)))
    }
    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        let int = i64::try_from(value);
        Ok(T::scalar(
            int.map_or(Scalar::Float(value as f64), Scalar::Int),
        ))
    }
    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::scalar(Scalar::Float(value)))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::scalar(Scalar::Text(Cow::Borrowed(text))))
    }
    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::scalar(Scalar::Text(Cow::Owned(text.to_owned()))))
    }
    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::scalar(Scalar::Absent))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::array(seq)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(map)
    }
}

// === impl Scalar ===

impl Scalar<'_> {
    /// The text, when it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number that it is, or that its text is. A fraction is cut off.
    pub(super) fn whole(&self) -> Option<i64> {
        // 2^63: the first that does not fit
        const END: f64 = 9_223_372_036_854_775_808.0;
        match self {
            Self::Int(value) => Some(*value),
            Self::Float(value) if (-END..END).contains(value) => Some(*value as i64),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// As a person would write it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Absent => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => wire::go_json::float_text(*value),
            Self::Text(text) => format!("{text:?}"),
            Self::Other => "an array or an object".to_owned(),
        }
    }
}

impl<'de> Shape<'de> for Scalar<'de> {
    fn other() -> Self {
        Self::Other
    }
    fn scalar(scalar: Scalar<'de>) -> Self {
        scalar
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

// === impl List ===

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            is_wrong: false,
            is_null: false,
        }
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for List<T> {
    fn other() -> Self {
        Self {
            items: Vec::new(),
            is_wrong: true,
            is_null: false,
        }
    }
    fn scalar(scalar: Scalar<'de>) -> Self {
        match scalar {
            Scalar::Absent => Self {
                is_null: true,
                ..Self::default()
            },
            _ => Self::other(),
        }
    }
    fn array<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut list = Self::default();
        while let Some(item) = seq.next_element()? {
            list.items.push(item);
        }
        Ok(list)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

// === impl Maybe ===

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Object<'de>> Shape<'de> for Maybe<T> {
    fn other() -> Self {
        Self(None)
    }
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut object = T::default();
        while let Some(Name(name)) = map.next_key()? {
            object.member(&name, &mut map)?;
        }
        Ok(Self(Some(object)))
    }
}

impl<'de, T: Object<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

// === impl Members ===

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Shape<'de> for Members<'de, V> {
    fn other() -> Self {
        Self::default()
    }
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut members = Self::default();
        while let Some(Name(name)) = map.next_key()? {
            members.0.push((name, map.next_value()?));
        }
        Ok(members)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<'de, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

// === impl Name ===

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(Self(text)),
            // names are text in every JSON
            other => Ok(Self(Cow::Owned(other.shown()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Pair<'a> {
        a: Scalar<'a>,
        b: List<Scalar<'a>>,
    }

    impl<'de> Object<'de> for Pair<'de> {
        fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
            match name {
                "a" => self.a = map.next_value()?,
                "b" => self.b = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            Ok(())
        }
    }

    fn pair(json: &str) -> Option<Pair<'_>> {
        serde_json::from_str::<Maybe<Pair<'_>>>(json).unwrap().0
    }

    #[test]
    fn what_is_no_object_is_none() {
        for json in ["null", "1", "-1", "1.5", "true", "\"a\"", "[[1],{}]"] {
            assert_eq!(pair(json), None, "{json}");
        }
        assert_eq!(pair("{}"), Some(Pair::default()));
    }

    #[test]
    fn members_are_read_whatever_they_are() {
        let read = pair(r#"{"x":{"y":[1]},"a":1,"a":"\u0041","b":[1,-1,2.5,null,true,{},[]]}"#);
        let read = read.unwrap();
        assert_eq!(read.a.as_str(), Some("A"), "the last counts");
        let kinds: Vec<_> = read.b.items.iter().map(Scalar::shown).collect();
        let other = "an array or an object";
        assert_eq!(kinds, ["1", "-1", "2.5", "null", "true", other, other]);
        assert!(pair(r#"{"b":7}"#).unwrap().b.is_wrong);
        assert!(!pair(r#"{"b":null}"#).unwrap().b.is_wrong);
    }

    #[test]
    fn plain_text_is_borrowed() {
        let read = pair(r#"{"a":"plain"}"#).unwrap();
        assert!(matches!(read.a, Scalar::Text(Cow::Borrowed("plain"))));
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(pair(&deep), Some(Pair::default()));
        let deep = format!("{{\"a\":[{}{}]}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(pair(&deep).unwrap().a, Scalar::Other);
    }

    #[test]
    fn whole_numbers_are_cut_and_never_out_of_range() {
        for (json, whole) in [
            ("7", Some(7)),
            ("7.9", Some(7)),
            ("-7.9", Some(-7)),
            ("\"-7\"", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("1e300", None),
            ("\"7.5\"", None),
            ("null", None),
            ("true", None),
        ] {
            let scalar: Scalar<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(scalar.whole(), whole, "{json}");
        }
    }
}
