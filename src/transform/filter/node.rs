//! A checked expression.

use std::cmp::Ordering;

use super::like::Pattern;
use super::truth::Truth;

/// A condition. Columns are numbers in the filter's list of columns.
#[derive(Debug)]
pub(super) enum Node {
    Constant(Truth),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    /// Whether the condition has this truth value.
    Is(Box<Self>, Truth),
    IsNull(usize),
    Compare(usize, Op, usize),
    /// A test of the column's values; null if the value is.
    Test(usize, Test),
}

/// A test of a value that is not null.
#[derive(Debug)]
pub(super) enum Test {
    /// Compares a float.
    Float(Op, f64),
    /// Compares an integer or a time.
    Integer(Within),
    /// Compares a text.
    Text(Op, Vec<u8>),
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    Texts(Vec<Vec<u8>>),
    Like(Box<Pattern>),
    /// Whether the list has this item.
    Contains(Vec<u8>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Op {
    /// Returns the comparison with its sides exchanged.
    pub(super) const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Equal | Self::NotEqual => self,
        }
    }

    #[inline]
    pub(super) fn holds<T: PartialOrd + ?Sized>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// A range of integers, or all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Within {
    low: i64,
    high: i64,
    negated: bool,
}

impl Within {
    /// Returns the integers from `low` to `high` that fit into a column.
    pub(super) fn new(low: i128, high: i128, negated: bool) -> Self {
        let low = i64::try_from(low.max(i128::from(i64::MIN)));
        let high = i64::try_from(high.min(i128::from(i64::MAX)));
        // A range beyond those of columns is empty, as the one from 1 to 0.
        let (low, high) = low.ok().zip(high.ok()).unwrap_or((1, 0));
        Self { low, high, negated }
    }

    #[inline]
    pub(super) const fn holds(self, value: i64) -> bool {
        (self.low <= value && value <= self.high) != self.negated
    }

    /// Returns the same test for shorter integers.
    pub(super) fn narrow(self) -> impl Fn(i32) -> bool {
        let (low, high) = (self.low.max(i64::from(i32::MIN)), self.high.min(i64::from(i32::MAX)));
        let range = i32::try_from(low).ok().zip(i32::try_from(high).ok());
        let (low, high) = range.unwrap_or((1, 0));
        move |value| (low <= value && value <= high) != self.negated
    }
}

/// Compares floats of which none is NaN.
pub(super) fn order(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or(Ordering::Equal)
}
