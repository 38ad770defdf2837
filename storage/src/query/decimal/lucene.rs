//! Comparisons with a number as an expression over a value's text, for an index that knows texts only.
//!
//! In: a comparison and a number. Out: an anchored expression of digits, groups, `|`, `?`, `*`, `+` and counts, which Lucene reads as Rust does.
//! It matches the texts without an exponent of which the comparison holds, and no other; [`exponents`] matches those with one.

use super::{Comparison, Decimal};

/// Digits of a number at most, before its point and behind it. What has more is not written here.
const MAX_DIGITS: i64 = 40;
/// Any number that is not negative.
const ANY: &str = "[0-9]+(\\.[0-9]+)?";
const ZERO: &str = "0+(\\.0+)?";

/// Numbers with an exponent.
pub(crate) fn exponents() -> &'static str {
    "-?[0-9]+(\\.[0-9]+)?[eE](\\+|-)?[0-9]+"
}

/// Numbers without one that are `is` `than`; `None`: that would be too long.
pub(crate) fn plain(is: Comparison, than: &Decimal) -> Option<String> {
    use Comparison::{AtLeast, AtMost, Equal, Less, More};
    let size = Size::of(than)?;
    let (above, below) = (size.above(), size.below());
    let equal = size.equal();
    let negative = |what: &str| format!("-({what})");
    let mut any: Vec<String> = Vec::new();
    if than.digits.is_empty() {
        any.push(match is {
            Less => negative(&above),
            AtMost => format!("-{ANY}|{ZERO}"),
            Equal => format!("-?{ZERO}"),
            AtLeast => format!("{ANY}|-{ZERO}"),
            More => above,
        });
    } else if than.is_negative {
        match is {
            Less => any.push(negative(&above)),
            AtMost => any.push(negative(&[above, equal].join("|"))),
            Equal => any.push(negative(&equal)),
            AtLeast => any.extend([ANY.to_owned(), negative(&[below, equal].join("|"))]),
            More => any.extend([ANY.to_owned(), negative(&below)]),
        }
    } else {
        match is {
            Less => any.extend([format!("-{ANY}"), below]),
            AtMost => any.extend([format!("-{ANY}"), below, equal]),
            Equal => any.push(equal),
            AtLeast => any.extend([above, equal]),
            More => any.push(above),
        }
    }
    Some(any.join("|"))
}

/// A number without its sign, as digits before and behind the point: no zeros in front of the former and behind the latter.
struct Size {
    whole: String,
    fraction: String,
}

// === impl Size ===

impl Size {
    fn of(number: &Decimal) -> Option<Self> {
        let count = number.digits.len() as i64;
        if number.point > MAX_DIGITS || count - number.point > MAX_DIGITS || count > MAX_DIGITS {
            return None;
        }
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or_default());
        let at = usize::try_from(number.point.clamp(0, count)).ok()?;
        let (whole, fraction) = number.digits.split_at_checked(at)?;
        Some(Self {
            whole: whole.to_owned() + &zeros(number.point - count),
            fraction: if fraction.is_empty() {
                String::new()
            } else {
                zeros(-number.point) + fraction
            },
        })
    }

    /// The whole part, with any zeros in front.
    fn same_whole(&self) -> String {
        if self.whole.is_empty() {
            "0+".to_owned()
        } else {
            format!("0*{}", self.whole)
        }
    }

    fn equal(&self) -> String {
        let fraction = match &*self.fraction {
            "" => "(\\.0+)?".to_owned(),
            fraction => format!("\\.{fraction}0*"),
        };
        self.same_whole() + &fraction
    }

    fn above(&self) -> String {
        let mut wholes = vec![match self.whole.len() {
            0 => "[1-9][0-9]*".to_owned(),
            digits => format!("[1-9][0-9]{{{digits},}}"),
        }];
        wholes.extend(self.whole_differs(|digit| range(digit + 1, b'9'), b'0'));
        let mut fractions: Vec<String> = differs(&self.fraction, |digit| range(digit + 1, b'9'));
        fractions.push(format!("{}0*[1-9][0-9]*", self.fraction));
        format!(
            "0*({})(\\.[0-9]+)?|{}\\.({})",
            wholes.join("|"),
            self.same_whole(),
            fractions.join("|")
        )
    }

    /// What is less, and not negative. Of zero there is none: it is not asked for.
    fn below(&self) -> String {
        let mut all = Vec::new();
        if !self.whole.is_empty() {
            let mut wholes = vec!["0".to_owned()];
            match self.whole.len() {
                0 | 1 => {}
                2 => wholes.push("[1-9]".to_owned()),
                digits => wholes.push(format!("[1-9][0-9]{{0,{}}}", digits - 2)),
            }
            wholes.extend(self.whole_differs(|digit| range(b'0', digit.checked_sub(1)?), b'1'));
            all.push(format!("0*({})(\\.[0-9]+)?", wholes.join("|")));
        }
        if !self.fraction.is_empty() {
            let mut fractions = differs(&self.fraction, |digit| range(b'0', digit.checked_sub(1)?));
            // what ends before a digit that is not zero
            let ends = (1..self.fraction.len()).filter_map(|end| self.fraction.get(..end));
            fractions.extend(ends.map(str::to_owned));
            all.push(format!(
                "{}(\\.({}))?",
                self.same_whole(),
                fractions.join("|")
            ));
        }
        all.join("|")
    }

    /// As many digits, the first other one of which is in the range that `other` gives. The very first is at least `least`.
    fn whole_differs(&self, other: impl Fn(u8) -> Option<String>, least: u8) -> Vec<String> {
        let bytes = self.whole.as_bytes().iter().enumerate();
        let all = bytes.filter_map(|(at, digit)| {
            let wanted = match at {
                0 if least > b'0' => range(least, digit.checked_sub(1)?)?,
                _ => other(*digit)?,
            };
            let rest = match self.whole.len() - at - 1 {
                0 => String::new(),
                rest => format!("[0-9]{{{rest}}}"),
            };
            Some(format!("{}{wanted}{rest}", self.whole.get(..at)?))
        });
        all.collect()
    }
}

/// Digits behind the point, the first other one of which is in the range that `other` gives.
fn differs(fraction: &str, other: impl Fn(u8) -> Option<String>) -> Vec<String> {
    let bytes = fraction.as_bytes().iter().enumerate();
    let all = bytes
        .filter_map(|(at, digit)| Some(format!("{}{}[0-9]*", fraction.get(..at)?, other(*digit)?)));
    all.collect()
}

fn range(first: u8, last: u8) -> Option<String> {
    let (first, last) = (char::from(first), char::from(last));
    (first <= last && last.is_ascii_digit() && first.is_ascii_digit())
        .then(|| format!("[{first}-{last}]"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    const ALL: [Comparison; 5] = [
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Equal,
        Comparison::AtLeast,
        Comparison::More,
    ];

    #[track_caller]
    fn check(text: &str, than: &str) {
        let number: Decimal = than.parse().unwrap();
        for is in ALL {
            let Some(plain) = plain(is, &number) else {
                continue;
            };
            let expression = Regex::new(&format!("^(?:{plain})$")).unwrap();
            assert_eq!(
                expression.is_match(text),
                is.holds_for(text, &number),
                "{text} {is:?} {than}: {plain}"
            );
        }
    }

    #[test]
    fn an_expression_says_what_the_comparison_says() {
        let texts = [
            "0", "00", "-0", "0.0", "-0.00", "1", "-1", "9", "10", "010", "99", "100", "499",
            "500", "500.0", "500.01", "501", "0500", "-500", "-500.5", "-499.99", "1000", "0.5",
            "0.05", "0.49", "0.500", "0.51", "2.5", "2.05", "2.4999", "2.50001", "12.34", "12.3",
            "12.340", "12.341", "x", "", "-", "1.", ".5", "--1", "5 ",
        ];
        for text in texts {
            for than in texts.iter().filter(|t| t.parse::<Decimal>().is_ok()) {
                check(text, than);
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let long = "1".repeat(41).parse().unwrap();
        assert_eq!(plain(Comparison::More, &long), None);
        assert_eq!(plain(Comparison::More, &"1e-41".parse().unwrap()), None);
        assert!(plain(Comparison::More, &"1e39".parse().unwrap()).is_some());
    }

    #[test]
    fn numbers_with_an_exponent_are_told_from_the_others() {
        let expression = Regex::new(&format!("^(?:{})$", exponents())).unwrap();
        for text in ["1e21", "-1.5e-9", "1E+300"] {
            assert!(expression.is_match(text) && text.parse::<Decimal>().is_ok());
        }
        assert!(!expression.is_match("500"));
    }

    proptest! {
        #[test]
        fn any_text_and_any_number(text in "-?[0-9]{1,4}(\\.[0-9]{1,3})?", than in "-?[0-9]{1,4}(\\.[0-9]{1,3})?") {
            check(&text, &than);
        }
    }
}
