//! Lines that are JSON objects.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer as _, MapAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::formats::Plan;
use crate::parse::line::{Fault, Reason, Span};

use super::names::Names;
use super::{Values, at};

/// Reads a line. Numbers are taken by their digits.
pub(super) fn read(
    plan: &Plan,
    line: &[u8],
    names: &mut Names,
    values: &mut Values,
    parts: &mut [Span],
) -> Result<(), Fault> {
    let mut position = 0;
    pairs(line, |(name, replaced), raw, place| {
        let field = names.resolve(plan, position, name);
        position += 1;
        let value = Value::of(raw).ok_or(at(Reason::NotJson, place))?;
        values.lone_surrogate |= replaced || matches!(&value, Value::Text(_, true));
        let value = match (&value, field) {
            (Value::Null, Some(_)) => return Ok(()),
            (Value::Null, None) => b"-",
            (Value::Text(text, _), _) => &**text,
            (Value::Number(digits), _) => digits.as_bytes(),
            (Value::Boolean(word), None) => word.as_bytes(),
            (Value::Boolean(_) | Value::Nested, _) => {
                let field = field.and_then(|field| plan.fields.get(field));
                return Err(Fault {
                    reason: Reason::NotAScalar,
                    field: field.map(|planned| planned.field.name),
                    at: place,
                });
            }
        };
        if let Some(field) = field {
            return values.field(plan, field, value, place, parts);
        }
        values.unknown(name, value);
        Ok(())
    })?;
    names.end(plan, position);
    Ok(())
}

/// Returns the names on a line, if it is one JSON object.
pub(super) fn names(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    let read = pairs(line, |(name, _), _, _| {
        names.push(name.to_vec());
        Ok(())
    });
    read.ok().map(|()| names)
}

/// A value of a JSON object.
enum Value<'a> {
    Null,
    /// A text, and whether half a surrogate pair of it was replaced.
    Text(Cow<'a, [u8]>, bool),
    Number(&'a str),
    Boolean(&'a str),
    Nested,
}

impl<'a> Value<'a> {
    /// Returns the value that is written like this; `None` if it is a text with an escape that JSON does not have.
    fn of(raw: &'a str) -> Option<Self> {
        Some(match raw.as_bytes() {
            [b'"', text @ .., b'"'] if !text.contains(&b'\\') => Self::Text(Cow::Borrowed(text), false),
            [b'"', ..] => {
                let text = Text::deserialize(&mut Deserializer::from_str(raw)).ok()?;
                let (text, replaced) = utf8(text.0);
                Self::Text(text, replaced)
            }
            [b'n', ..] => Self::Null,
            [b't' | b'f', ..] => Self::Boolean(raw),
            [b'{' | b'[', ..] => Self::Nested,
            _ => Self::Number(raw),
        })
    }
}

/// The name of a value, and whether half a surrogate pair of it was replaced.
type PairName<'a> = (&'a [u8], bool);

/// Calls `each` with the name, the raw value and the position of each value of an object.
fn pairs(line: &[u8], each: impl FnMut(PairName<'_>, &str, usize) -> Result<(), Fault>) -> Result<(), Fault> {
    let line = str::from_utf8(line).map_err(|error| at(Reason::NotJson, error.valid_up_to()))?;
    let mut pairs = Pairs {
        line,
        each,
        fault: None,
    };
    let mut json = Deserializer::from_str(line);
    if let Err(error) = json.deserialize_map(&mut pairs) {
        let place = error.column().saturating_sub(1);
        return Err(pairs.fault.unwrap_or(at(Reason::NotJson, place)));
    }
    json.end()
        .map_err(|error| at(Reason::TrailingBytes, error.column().saturating_sub(1)))
}

struct Pairs<'a, F> {
    line: &'a str,
    each: F,
    /// The fault for which reading stopped.
    fault: Option<Fault>,
}

impl<'de, F: FnMut(PairName<'_>, &str, usize) -> Result<(), Fault>> Visitor<'de> for &mut Pairs<'de, F> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            let raw: &'de RawValue = map.next_value()?;
            let place = raw.get().as_ptr().addr().saturating_sub(self.line.as_ptr().addr());
            let (name, replaced) = utf8(name);
            if let Err(fault) = (self.each)((&name, replaced), raw.get(), place) {
                self.fault = Some(fault);
                return Err(serde::de::Error::custom("a value does not fit"));
            }
        }
        Ok(())
    }
}

/// A text, in which halves of surrogate pairs are not UTF-8.
struct Text<'a>(Cow<'a, [u8]>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Cow<'de, [u8]>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }

            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(bytes))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Cow::Owned(bytes.to_vec()))
            }
        }

        from.deserialize_bytes(Bytes).map(Self)
    }
}

/// Returns the text with U+FFFD in place of each half of a surrogate pair, which is three bytes from ED on, and whether there was
/// one.
fn utf8(text: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, bool) {
    if str::from_utf8(&text).is_ok() {
        return (text, false);
    }
    let mut replaced = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        replaced.extend_from_slice(chunk.valid().as_bytes());
        if chunk.invalid().first() == Some(&0xed) {
            replaced.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    (Cow::Owned(replaced), true)
}
