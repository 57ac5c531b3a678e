//! The language of samples: rules separated by semicolons.

use std::ops::Range;
use std::sync::Arc;

use crate::formats::{ColumnSource, Extras, Kind, LogType};
use crate::transform::Pointer;
use crate::transform::filter::{Filter, FilterError};

use super::{Rate, Rule, Rules, Sample};

/// The id of an event, which decides unless another column is named.
const EVENT_ID: &str = "event_id";

/// Why the rules of a sample are refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SampleError {
    /// A rule is not written as the language has it.
    #[error("{message}\n{place}")]
    Rule {
        /// The fault, and what to write instead.
        message: String,
        /// The place in the text.
        place: Pointer,
    },
    /// The condition of a rule is refused.
    #[error(transparent)]
    Condition(#[from] FilterError),
}

/// A text with a place in it.
#[derive(Clone, Copy)]
struct Part<'a> {
    whole: &'a str,
    start: usize,
    end: usize,
}

impl Sample {
    /// Parses rules whose conditions are over the columns of the tables and these further columns.
    ///
    /// # Errors
    /// The text is not part of the language, or a condition is refused.
    pub fn parse(text: &str, extras: Extras) -> Result<Self, SampleError> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut by = None;
        for part in parts(text) {
            let (word, rest) = part.word();
            if by.is_some() {
                return Err(part.error("nothing follows `by COLUMN`: remove it, or write `by COLUMN` at the end"));
            }
            if word.is("by") {
                by = Some(column(rest)?);
            } else if !word.is("keep") {
                return Err(word.error("a rule begins with `keep`, and the last may be `by COLUMN`"));
            } else if rules.last().is_some_and(|rule| rule.condition.is_none()) {
                return Err(part.error("no event reaches this rule, because the one before it has no condition"));
            } else {
                rules.push(rule(rest, extras)?);
            }
        }
        if rules.is_empty() {
            let whole = Part::of(text, 0..text.len());
            return Err(whole.error("a rule is missing before `by COLUMN`, such as `keep 1/100`"));
        }
        let by = by.filter(|column| *column != EVENT_ID);
        Ok(Self(Arc::new(Rules { rules, by })))
    }
}

/// Parses what follows `keep`.
fn rule(part: Part<'_>, extras: Extras) -> Result<Rule, SampleError> {
    let (rate, rest) = part.word();
    let Some(rate) = Rate::parse(rate.text()) else {
        return Err(rate.error("a rate is `all`, or a fraction of at most 1 such as `1/100`"));
    };
    let (word, condition) = rest.word();
    let condition = match (word.text(), condition.text()) {
        ("", _) => None,
        (_, "") => return Err(rest.error("a condition follows the rate as `where CONDITION`")),
        _ if !word.is("where") => return Err(word.error("a condition follows the rate as `where CONDITION`")),
        (_, condition) => Some(Filter::parse(condition, extras)?),
    };
    Ok(Rule { rate, condition })
}

/// Returns the column that is named after `by`.
fn column(part: Part<'_>) -> Result<&'static str, SampleError> {
    let plans = LogType::ALL.into_iter().map(LogType::plan);
    let mut columns = plans.flat_map(|plan| &plan.columns).filter(|column| {
        let is_text = column.kind == Kind::Text && matches!(column.source, ColumnSource::Part { .. });
        is_text || column.name == EVENT_ID
    });
    let named = columns.find(|column| column.name == part.text());
    let name = named.map(|column| column.name);
    name.ok_or_else(|| {
        part.error("`by` takes one column of text that is on the lines of a table, such as trace_id, or event_id")
    })
}

/// Splits a text at its semicolons, except those in quotes.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut quote = None;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match (byte, quote) {
            // A quote that is written twice ends one text and begins the next, which is as good.
            (b'\'' | b'"', None) => quote = Some(byte),
            (_, Some(open)) if open == byte => quote = None,
            (b';', None) => {
                parts.push(Part::of(text, start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(Part::of(text, start..text.len()));
    parts.into_iter()
}

impl<'a> Part<'a> {
    /// Returns a part of a text, without spaces at its ends.
    fn of(whole: &'a str, at: Range<usize>) -> Self {
        let text = whole.get(at.clone()).unwrap_or_default();
        let start = at.start + (text.len() - text.trim_start().len());
        let end = start + text.trim().len();
        Self { whole, start, end }
    }

    fn text(self) -> &'a str {
        self.whole.get(self.start..self.end).unwrap_or_default()
    }

    /// Returns whether the part is a keyword.
    fn is(self, keyword: &str) -> bool {
        self.text().eq_ignore_ascii_case(keyword)
    }

    /// Returns the first word, and what follows it.
    fn word(self) -> (Self, Self) {
        let text = self.text();
        let end = self.start + text.find(char::is_whitespace).unwrap_or(text.len());
        (
            Self::of(self.whole, self.start..end),
            Self::of(self.whole, end..self.end),
        )
    }

    fn error(self, message: &str) -> SampleError {
        SampleError::Rule {
            message: message.to_owned(),
            place: Pointer::to(self.whole, self.start..self.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_back_from_their_canonical_spelling() {
        for (text, canonical) in [
            ("keep 1/100", "keep 1/100"),
            (
                "KEEP All WHERE elb_status_code>=500;keep 10/1000",
                "keep all where elb_status_code >= 500; keep 1/100",
            ),
            (
                "keep 1/2 where user_agent = 'a;''b' ; by trace_id",
                "keep 1/2 where user_agent = 'a;''b'; by trace_id",
            ),
            ("keep 1/2; by event_id", "keep 1/2"),
        ] {
            let sample = Sample::parse(text, Extras::NONE).unwrap();
            assert_eq!(sample.canonical(), canonical);
            assert_eq!(Sample::parse(canonical, Extras::NONE).unwrap().canonical(), canonical);
        }
    }

    #[test]
    fn errors_point_to_the_fault() {
        for (text, pointer) in [
            ("", "\n  \n  ^"),
            ("keep 1/100;", "\n  keep 1/100;\n             ^"),
            ("1/100", "\n  1/100\n  ^^^^^"),
            ("keep 2/1", "\n  keep 2/1\n       ^^^"),
            ("keep 1/2 if a", "\n  keep 1/2 if a\n           ^^"),
            ("keep 1/2 where", "\n  keep 1/2 where\n           ^^^^^"),
            ("keep 1/2; keep 1/3", "\n  keep 1/2; keep 1/3\n            ^^^^^^^^"),
            ("by trace_id", "\n  by trace_id\n  ^^^^^^^^^^^"),
            (
                "keep 1/2; by client_port",
                "\n  keep 1/2; by client_port\n               ^^^^^^^^^^^",
            ),
            (
                "keep 1/2; by trace_id; keep 1/3",
                "\n  keep 1/2; by trace_id; keep 1/3\n                         ^^^^^^^^",
            ),
            ("keep 1/2 where nope = 1", "nope = 1\n  ^^^^"),
        ] {
            let error = Sample::parse(text, Extras::NONE).unwrap_err().to_string();
            assert!(error.ends_with(pointer), "{text:?}: {error}");
        }
    }
}
