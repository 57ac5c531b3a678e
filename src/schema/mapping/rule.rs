//! Rules: what is made of columns where a schema wants a value that no column has.

use std::ops::Range;

use crate::formats::Kind;
use crate::parse::line::Span;

/// The value of a column in one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// There is none.
    Null,
    /// A text, UTF-8.
    Text(&'a [u8]),
    /// A number.
    Integer(i64),
    /// Seconds.
    Float(f64),
    /// Microseconds since 1970.
    Time(i64),
    /// A list.
    List(Items<'a>),
}

/// The items of a list.
#[derive(Debug, Clone, Copy)]
pub struct Items<'a> {
    spans: &'a [Span],
    text: &'a [u8],
}

/// A test of a row's columns.
pub type Test = fn(&[Input<'_>]) -> bool;

/// What is made of the inputs of a row. A rule is a pure function of them.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// A piece of the text of the first input, by its bytes. It begins and ends between two characters.
    Piece(fn(&[u8]) -> Option<Range<usize>>),
    /// A text of its own, appended; whether there is one.
    Text(fn(&[Input<'_>], &mut Vec<u8>) -> bool),
    /// One of a few words.
    Word(fn(&[Input<'_>]) -> Option<&'static str>),
    /// A list of a few words.
    Words(fn(&[Input<'_>]) -> Option<&'static [&'static str]>),
    /// A 32-bit number.
    Int32(fn(&[Input<'_>]) -> Option<i32>),
    /// A 64-bit number.
    Int64(fn(&[Input<'_>]) -> Option<i64>),
}

/// The most inputs of a rule.
pub const MAX_INPUTS: usize = 8;

impl Rule {
    /// The type of what the rule makes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Piece(_) | Self::Text(_) | Self::Word(_) => Kind::Text,
            Self::Words(_) => Kind::TextList,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
        }
    }
}

/// Lists are alike where their items are, wherever these stand.
impl PartialEq for Items<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> Items<'a> {
    /// The items at these places of a text.
    pub const fn new(spans: &'a [Span], text: &'a [u8]) -> Self {
        Self { spans, text }
    }

    /// Each item in turn.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let items = self.spans.iter();
        items.map(move |span| self.text.get(span.start()..span.end()).unwrap_or_default())
    }
}

impl<'a> Input<'a> {
    /// The text, if it is one.
    pub const fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number of seconds, if it is one.
    pub const fn float(self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(number),
            _ => None,
        }
    }

    /// The time, if it is one: microseconds since 1970.
    pub const fn time(self) -> Option<i64> {
        match self {
            Self::Time(micros) => Some(micros),
            _ => None,
        }
    }

    /// The items, if it is a list; none otherwise.
    pub const fn items(self) -> Items<'a> {
        match self {
            Self::List(items) => items,
            _ => Items::new(&[], &[]),
        }
    }

    /// Whether there is no value.
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// The whole number, if it is one.
    pub const fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            _ => None,
        }
    }
}
