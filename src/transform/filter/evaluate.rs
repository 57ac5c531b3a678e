//! Evaluates a condition on whole columns.

use super::node::{Node, Op, Test, order};
use super::truth::Truth;
use crate::formats::PlannedColumn;
use crate::object::{ObjectFacts, OfObject};
use crate::parse::batch::{Batch, Numbers, Texts, Values};

/// The columns of a batch that a filter names, by its numbers.
pub(super) struct Columns<'a> {
    pub(super) batch: &'a Batch,
    pub(super) facts: &'a ObjectFacts,
    /// The position of each column in the batch.
    pub(super) positions: &'a [usize],
}

/// The texts of a column.
enum Text<'a> {
    InBatch(&'a Texts, &'a [u8]),
    /// The same in every row.
    Same(Option<&'a str>),
    Each(Vec<String>),
}

impl Text<'_> {
    #[inline]
    fn get(&self, row: usize) -> Option<&[u8]> {
        match self {
            Self::InBatch(texts, text) => texts.get(row, text),
            Self::Same(text) => text.map(str::as_bytes),
            Self::Each(texts) => texts.get(row).map(String::as_bytes),
        }
    }
}

impl<'a> Columns<'a> {
    /// Returns the truth value of a condition for each row.
    pub(super) fn evaluate(&self, node: &Node) -> Vec<Truth> {
        let rows = self.batch.rows();
        match node {
            Node::Constant(truth) => vec![*truth; rows],
            Node::And(operands) => self.chain(operands, Truth::False, Truth::min),
            Node::Or(operands) => self.chain(operands, Truth::True, Truth::max),
            Node::Not(operand) => {
                let mut truths = self.evaluate(operand);
                for truth in &mut truths {
                    *truth = truth.not();
                }
                truths
            }
            Node::Is(operand, wanted) => {
                let mut truths = self.evaluate(operand);
                for truth in &mut truths {
                    *truth = (*truth == *wanted).into();
                }
                truths
            }
            Node::IsNull(column) => self.is_null(*column),
            Node::Compare(left, op, right) => self.compare(*left, *op, *right),
            Node::Test(column, test) => self.test(*column, test),
        }
    }

    /// Combines operands until the value that decides, whatever follows, is that of every row.
    fn chain(&self, operands: &[Node], decided: Truth, combine: impl Fn(Truth, Truth) -> Truth) -> Vec<Truth> {
        let mut operands = operands.iter();
        let mut truths = operands.next().map_or_else(Vec::new, |first| self.evaluate(first));
        for operand in operands {
            if truths.iter().all(|truth| *truth == decided) {
                break;
            }
            for (truth, other) in truths.iter_mut().zip(self.evaluate(operand)) {
                *truth = combine(*truth, other);
            }
        }
        truths
    }

    fn column(&self, number: usize) -> Option<(&'a Values, &'static PlannedColumn)> {
        let position = *self.positions.get(number)?;
        Some((
            self.batch.columns().get(position)?,
            self.batch.plan.columns.get(position)?,
        ))
    }

    fn texts(&self, number: usize) -> Text<'a> {
        match self.column(number) {
            Some((Values::Text(texts), _)) => Text::InBatch(texts, self.batch.text()),
            Some((Values::OfObject, column)) => match self.facts.of_object(column.source) {
                OfObject::Text(text) => Text::Same(Some(text)),
                OfObject::EventId => {
                    let lines = self.batch.line_numbers().iter();
                    Text::Each(lines.map(|line| self.facts.event_id(*line)).collect())
                }
                OfObject::Null | OfObject::No => Text::Same(None),
            },
            _ => Text::Same(None),
        }
    }

    fn is_null(&self, number: usize) -> Vec<Truth> {
        fn nulls(valid: Option<&[bool]>, rows: usize) -> Vec<Truth> {
            valid.map_or_else(
                || vec![Truth::False; rows],
                |valid| valid.iter().map(|valid| Truth::from(!valid)).collect(),
            )
        }
        let rows = self.batch.rows();
        match self.column(number).map(|(values, _)| values) {
            Some(Values::Int32(numbers)) => nulls(numbers.validity(), rows),
            Some(Values::Int64(numbers) | Values::Timestamp(numbers)) => nulls(numbers.validity(), rows),
            Some(Values::Float64(numbers)) => nulls(numbers.validity(), rows),
            Some(Values::TextList(lists)) => nulls(lists.validity(), rows),
            Some(Values::Text(texts)) => texts.validity().map(|valid| Truth::from(!valid)).collect(),
            Some(Values::OfObject) | None => {
                let texts = self.texts(number);
                (0..rows).map(|row| Truth::from(texts.get(row).is_none())).collect()
            }
        }
    }

    fn test(&self, number: usize, test: &Test) -> Vec<Truth> {
        match (self.column(number).map(|(values, _)| values), test) {
            (Some(Values::Int32(numbers)), Test::Integer(within)) => test_numbers(numbers, within.narrow()),
            (Some(Values::Int32(numbers)), Test::Integers(list)) => {
                test_numbers(numbers, |value| list.binary_search(&i64::from(value)).is_ok())
            }
            (Some(Values::Int64(numbers) | Values::Timestamp(numbers)), Test::Integer(within)) => {
                test_numbers(numbers, |value| within.holds(value))
            }
            (Some(Values::Int64(numbers) | Values::Timestamp(numbers)), Test::Integers(list)) => {
                test_numbers(numbers, |value| list.binary_search(&value).is_ok())
            }
            (Some(Values::Float64(numbers)), Test::Float(op, literal)) => {
                test_numbers(numbers, |value| op.holds(&value, literal))
            }
            (Some(Values::Float64(numbers)), Test::Floats(list)) => test_numbers(numbers, |value| {
                list.binary_search_by(|item| order(*item, value)).is_ok()
            }),
            (Some(Values::TextList(lists)), Test::Contains(wanted)) => {
                let bytes = self.batch.text();
                let has = |row| lists.get(row, bytes).map(|mut items| items.any(|item| item == wanted));
                (0..self.batch.rows()).map(|row| has(row).into()).collect()
            }
            (_, Test::Text(op, literal)) => self.test_texts(number, |text| op.holds(text, literal.as_slice())),
            (_, Test::Texts(list)) => self.test_texts(number, |text| {
                list.binary_search_by(|item| item.as_slice().cmp(text)).is_ok()
            }),
            (_, Test::Like(pattern)) => self.test_texts(number, |text| pattern.matches(text)),
            // The types were checked.
            _ => vec![Truth::Null; self.batch.rows()],
        }
    }

    /// Tests the texts of a column. Equal consecutive texts are tested once.
    fn test_texts(&self, number: usize, test: impl Fn(&[u8]) -> bool) -> Vec<Truth> {
        let texts = self.texts(number);
        let mut last = (None, Truth::Null);
        let rows = 0..self.batch.rows();
        rows.map(|row| {
            let value = texts.get(row);
            if value != last.0 {
                last = (value, value.map(&test).into());
            }
            last.1
        })
        .collect()
    }

    fn compare(&self, left: usize, op: Op, right: usize) -> Vec<Truth> {
        let rows = 0..self.batch.rows();
        let (Some((one, _)), Some((other, _))) = (self.column(left), self.column(right)) else {
            return vec![Truth::Null; rows.len()];
        };
        if let (Some(one), Some(other)) = (Integers::of(one), Integers::of(other)) {
            let compare = |row| Some(op.holds(&one.get(row)?, &other.get(row)?));
            return rows.map(|row| compare(row).into()).collect();
        }
        if let (Some(one), Some(other)) = (floats(one), floats(other)) {
            let compare = |row| Some(op.holds(&one(row)?, &other(row)?));
            return rows.map(|row| compare(row).into()).collect();
        }
        let (one, other) = (self.texts(left), self.texts(right));
        let compare = |row| Some(op.holds(one.get(row)?, other.get(row)?));
        rows.map(|row| compare(row).into()).collect()
    }
}

/// A column of integers.
enum Integers<'a> {
    Short(&'a Numbers<i32>),
    Long(&'a Numbers<i64>),
}

impl<'a> Integers<'a> {
    const fn of(values: &'a Values) -> Option<Self> {
        match values {
            Values::Int32(numbers) => Some(Self::Short(numbers)),
            Values::Int64(numbers) | Values::Timestamp(numbers) => Some(Self::Long(numbers)),
            _ => None,
        }
    }

    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Self::Short(numbers) => numbers.get(row).map(i64::from),
            Self::Long(numbers) => numbers.get(row),
        }
    }
}

/// Returns the numbers of a column as floats, as SQL compares an integer with a float.
#[expect(clippy::cast_precision_loss, reason = "the nearest float is what SQL compares with")]
fn floats<'a>(values: &'a Values) -> Option<Box<dyn Fn(usize) -> Option<f64> + 'a>> {
    if let Values::Float64(numbers) = values {
        return Some(Box::new(|row| numbers.get(row)));
    }
    let integers = Integers::of(values)?;
    Some(Box::new(move |row| integers.get(row).map(|integer| integer as f64)))
}

fn test_numbers<T: Copy + Default>(numbers: &Numbers<T>, test: impl Fn(T) -> bool) -> Vec<Truth> {
    let mut truths: Vec<_> = numbers.values().iter().map(|value| Truth::from(test(*value))).collect();
    if let Some(valid) = numbers.validity() {
        for (truth, valid) in truths.iter_mut().zip(valid) {
            if !valid {
                *truth = Truth::Null;
            }
        }
    }
    truths
}
