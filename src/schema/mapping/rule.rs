//! Rules: they compute values that a schema requires and no column contains.

use std::ops::Range;

use crate::formats::Kind;
use crate::parse::line::Span;

/// The value of a column in one row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a> {
    /// No value.
    Null,
    /// UTF-8 text.
    Text(&'a [u8]),
    /// An integer.
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

/// A computation of a value from the inputs of a row: a pure function.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// A slice of the text of the first input. It begins and ends at character boundaries.
    Piece(fn(&[u8]) -> Option<Range<usize>>),
    /// A new text, which is appended. Returns whether there is one.
    Text(fn(&[Input<'_>], &mut Vec<u8>) -> bool),
    /// One of a few static texts.
    Word(fn(&[Input<'_>]) -> Option<&'static str>),
    /// A list of a few static texts.
    Words(fn(&[Input<'_>]) -> Option<&'static [&'static str]>),
    /// A list of the texts among the inputs that are not null.
    Gather,
    /// A list of pieces of the texts and of the items of lists among the inputs, each once; null if there are none.
    Collect(Pieces),
    /// The number that the line has, also if it means that there is no value.
    Logged,
    /// A day: days since 1970-01-01.
    Date(fn(&[Input<'_>]) -> Option<i32>),
    /// A 32-bit integer.
    Int32(fn(&[Input<'_>]) -> Option<i32>),
    /// A 64-bit integer.
    Int64(fn(&[Input<'_>]) -> Option<i64>),
}

/// The pieces that [`Rule::Collect`] collects: from texts, and from the items of lists.
#[derive(Debug, Clone, Copy)]
pub struct Pieces {
    /// Returns the piece of a text.
    pub of_text: fn(&[u8]) -> Option<Range<usize>>,
    /// Returns the piece of an item.
    pub of_item: fn(&[u8]) -> Option<Range<usize>>,
}

/// The maximum number of inputs of a rule.
pub const MAX_INPUTS: usize = 8;

impl Rule {
    /// Returns the type of the computed values.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Piece(_) | Self::Text(_) | Self::Word(_) => Kind::Text,
            Self::Words(_) | Self::Gather | Self::Collect(_) => Kind::TextList,
            Self::Logged => Kind::Float64,
            Self::Date(_) => Kind::Date,
            Self::Int32(_) => Kind::Int32,
            Self::Int64(_) => Kind::Int64,
        }
    }
}

/// Lists are equal if their items are, whatever their position in the text.
impl PartialEq for Items<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a> Items<'a> {
    /// Returns the items at these positions of a text.
    pub const fn new(spans: &'a [Span], text: &'a [u8]) -> Self {
        Self { spans, text }
    }

    /// Iterates over the items.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let items = self.spans.iter();
        items.map(move |span| self.text.get(span.start()..span.end()).unwrap_or_default())
    }
}

impl<'a> Input<'a> {
    /// Returns the text, if it is one.
    pub const fn text(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the float, if it is one.
    pub const fn float(self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the time in microseconds since 1970, if it is one.
    pub const fn time(self) -> Option<i64> {
        match self {
            Self::Time(micros) => Some(micros),
            _ => None,
        }
    }

    /// Returns the items of a list; no items if it is not a list.
    pub const fn items(self) -> Items<'a> {
        match self {
            Self::List(items) => items,
            _ => Items::new(&[], &[]),
        }
    }

    /// Returns whether there is no value.
    pub const fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the integer, if it is one.
    pub const fn integer(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            _ => None,
        }
    }
}
