//! What a schema has of a batch besides its columns: what rules make, and columns in some rows alone.

use std::ops::Range;

use crate::batch::{Batch, Numbers, Texts, Values};
use crate::line::Span;
use crate::shape::{Input, Items, MAX_INPUTS, Rule, Shape, Test, Value};

/// The values that rules make, and the words among them.
#[derive(Debug)]
pub(super) struct Made {
    columns: Vec<MadeColumn>,
    words: Words,
}

#[derive(Debug)]
struct MadeColumn {
    inputs: Vec<usize>,
    how: How,
    values: Values,
    /// The texts of a rule that writes its own.
    text: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Rule(Rule),
    /// The column at the position, where the test says so.
    Where(usize, Test, bool),
}

/// Each word once, in a text that columns point into.
#[derive(Debug, Default)]
struct Words {
    text: Vec<u8>,
    known: Vec<(&'static str, Span)>,
}

impl Words {
    fn place(&mut self, word: &'static str) -> Span {
        let known = self.known.iter().find(|(known, _)| std::ptr::eq(*known, word));
        if let Some((_, span)) = known {
            return *span;
        }
        let start = self.text.len();
        self.text.extend_from_slice(word.as_bytes());
        let span = Span::new(start, self.text.len());
        self.known.push((word, span));
        span
    }
}

impl Made {
    /// Empty columns for the rules of a shape, in the order of its leaves.
    pub(super) fn new(shape: &Shape) -> Self {
        let columns = shape.leaves.iter().filter_map(|leaf| match &leaf.value {
            Value::Made { inputs, rule } => Some((inputs, How::Rule(*rule), leaf.kind)),
            Value::Where {
                column,
                inputs,
                test,
                holds,
            } => Some((inputs, How::Where(*column, *test, *holds), leaf.kind)),
            Value::Column(_) | Value::Constant(_) => None,
        });
        let columns = columns.map(|(inputs, how, kind)| MadeColumn {
            inputs: inputs.clone(),
            how,
            values: Values::new(kind),
            text: Vec::new(),
        });
        Self {
            columns: columns.collect(),
            words: Words::default(),
        }
    }

    /// Makes the values of a batch in the place of those of the one before.
    pub(super) fn fill(&mut self, batch: &Batch) {
        let Self { columns, words } = self;
        for column in columns {
            column.fill(batch, words);
        }
    }

    /// What the rule of that number made, and the text that its texts stand in.
    pub(super) fn values<'a>(&'a self, number: usize, batch: &'a Batch) -> (&'a Values, &'a [u8]) {
        match self.columns.get(number) {
            Some(column) => {
                let text = match column.how {
                    How::Where(..) | How::Rule(Rule::Piece(_)) => batch.text(),
                    How::Rule(Rule::Text(_)) => &column.text,
                    How::Rule(_) => &self.words.text,
                };
                (&column.values, text)
            }
            // Leaves and columns are counted alike.
            None => (&Values::OfObject, &[]),
        }
    }
}

/// What a rule makes of each row, by the path of its leaf, where that is a 32-bit number; nothing where no rule makes it.
pub fn made_numbers(shape: &Shape, path: &str, batch: &Batch) -> Vec<i32> {
    let Some(Value::Made {
        inputs,
        rule: Rule::Int32(rule),
    }) = shape.leaf(path).map(|leaf| &leaf.value)
    else {
        return Vec::new();
    };
    let mut numbers = Numbers::default();
    numbers_of(inputs, batch, *rule, &mut numbers);
    numbers.values().to_vec()
}

impl MadeColumn {
    fn fill(&mut self, batch: &Batch, words: &mut Words) {
        self.values.clear();
        let rows = 0..batch.rows();
        let rule = match self.how {
            How::Rule(rule) => rule,
            How::Where(column, test, holds) => {
                if let Some(from) = batch.columns().get(column) {
                    let wanted = |row| test(inputs(&self.inputs, batch, row, &mut [Input::Null; MAX_INPUTS])) == holds;
                    select(from, rows, wanted, &mut self.values);
                }
                return;
            }
        };
        match (rule, &mut self.values) {
            (Rule::Piece(rule), Values::Text(texts)) => {
                if let Some(Values::Text(from)) = self.inputs.first().and_then(|input| batch.columns().get(*input)) {
                    pieces(from, batch.text(), rule, texts);
                }
            }
            (Rule::Text(rule), Values::Text(texts)) => {
                self.text.clear();
                for row in rows {
                    let start = self.text.len();
                    let there = rule(
                        inputs(&self.inputs, batch, row, &mut [Input::Null; MAX_INPUTS]),
                        &mut self.text,
                    );
                    texts.push(if there {
                        Span::new(start, self.text.len())
                    } else {
                        Span::NULL
                    });
                }
            }
            (Rule::Word(rule), Values::Text(texts)) => {
                for row in rows {
                    let word = rule(inputs(&self.inputs, batch, row, &mut [Input::Null; MAX_INPUTS]));
                    texts.push(word.map_or(Span::NULL, |word| words.place(word)));
                }
            }
            (Rule::Words(rule), Values::TextList(lists)) => {
                for row in rows {
                    let list = rule(inputs(&self.inputs, batch, row, &mut [Input::Null; MAX_INPUTS]));
                    for word in list.into_iter().flatten() {
                        lists.push_item(words.place(word));
                    }
                    lists.end(list.is_some());
                }
            }
            (Rule::Int32(rule), Values::Int32(numbers)) => numbers_of(&self.inputs, batch, rule, numbers),
            (Rule::Int64(rule), Values::Int64(numbers)) | (Rule::Time(rule), Values::Timestamp(numbers)) => {
                numbers_of(&self.inputs, batch, rule, numbers);
            }
            // Made of the rule's kind.
            _ => {}
        }
    }
}

/// The values of the rows that are wanted, and null in the others.
fn select(from: &Values, rows: Range<usize>, wanted: impl Fn(usize) -> bool, into: &mut Values) {
    fn numbers<T: Copy + Default>(
        from: &Numbers<T>,
        rows: Range<usize>,
        wanted: impl Fn(usize) -> bool,
        into: &mut Numbers<T>,
    ) {
        for row in rows {
            into.push(from.get(row).filter(|_| wanted(row)));
        }
    }
    match (from, into) {
        (Values::Text(from), Values::Text(into)) => {
            for row in rows {
                into.push(from.view(row).filter(|_| wanted(row)).unwrap_or(Span::NULL));
            }
        }
        (Values::Int32(from), Values::Int32(into)) => numbers(from, rows, wanted, into),
        (Values::Float64(from), Values::Float64(into)) => numbers(from, rows, wanted, into),
        (Values::Int64(from), Values::Int64(into)) | (Values::Timestamp(from), Values::Timestamp(into)) => {
            numbers(from, rows, wanted, into);
        }
        (Values::TextList(from), Values::TextList(into)) => {
            for row in rows {
                let items = from.views(row).filter(|_| wanted(row));
                for item in items.into_iter().flatten() {
                    into.push_item(*item);
                }
                into.end(items.is_some());
            }
        }
        // Made of the column's kind; what the object tells is never tested.
        _ => {}
    }
}

fn pieces(from: &Texts, text: &[u8], rule: fn(&[u8]) -> Option<Range<usize>>, into: &mut Texts) {
    for row in 0..from.len() {
        let piece = from.view(row).and_then(|view| {
            let piece = rule(text.get(view.start()..view.end())?)?;
            Some(Span::new(view.start() + piece.start, view.start() + piece.end))
        });
        into.push(piece.unwrap_or(Span::NULL));
    }
}

fn numbers_of<T: Copy + Default>(
    columns: &[usize],
    batch: &Batch,
    rule: fn(&[Input<'_>]) -> Option<T>,
    into: &mut Numbers<T>,
) {
    for row in 0..batch.rows() {
        into.push(rule(inputs(columns, batch, row, &mut [Input::Null; MAX_INPUTS])));
    }
}

/// The inputs of a row, put into `space`.
fn inputs<'s, 'a>(
    columns: &[usize],
    batch: &'a Batch,
    row: usize,
    space: &'s mut [Input<'a>; MAX_INPUTS],
) -> &'s [Input<'a>] {
    for (into, column) in space.iter_mut().zip(columns) {
        if let Some(values) = batch.columns().get(*column) {
            *into = input(values, batch.text(), row);
        }
    }
    space.get(..columns.len()).unwrap_or(space)
}

fn input<'a>(values: &'a Values, text: &'a [u8], row: usize) -> Input<'a> {
    let found = match values {
        Values::Text(texts) => texts.get(row, text).map(Input::Text),
        Values::Int32(numbers) => numbers.get(row).map(|number| Input::Integer(i64::from(number))),
        Values::Int64(numbers) => numbers.get(row).map(Input::Integer),
        Values::Float64(numbers) => numbers.get(row).map(Input::Float),
        Values::Timestamp(numbers) => numbers.get(row).map(Input::Time),
        Values::TextList(lists) => lists.views(row).map(|items| Input::List(Items::new(items, text))),
        Values::OfObject => None,
    };
    found.unwrap_or(Input::Null)
}
