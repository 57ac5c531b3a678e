//! Columns of a schema that are not columns of the batch: values computed by rules, and columns in some rows only.

use std::ops::Range;

use crate::parse::batch::{Batch, Lists, Numbers, Texts, Values};
use crate::parse::line::Span;
use crate::schema::mapping::{Input, Items, MAX_INPUTS, OutputTable, Pieces, Rule, Test, Value};

/// The computed columns of a table, in the order of its leaves.
#[derive(Debug)]
pub(super) struct Computed {
    masks: Vec<Mask>,
    columns: Vec<ComputedColumn>,
    words: Words,
}

/// The result of a test for each row. Leaves that share a test share its mask.
#[derive(Debug)]
struct Mask {
    inputs: Vec<usize>,
    test: Test,
    rows: Vec<bool>,
}

#[derive(Debug)]
struct ComputedColumn {
    how: How,
    values: Values,
    /// The texts of a rule that writes new ones.
    text: Vec<u8>,
}

#[derive(Debug)]
enum How {
    /// Computed by a rule from the columns at these positions.
    Rule(Rule, Vec<usize>),
    /// The column at this position, in the rows in which the mask equals `holds`.
    Conditional { column: usize, mask: usize, holds: bool },
}

/// The words that rules return, each once, in a text that columns point into.
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

impl Computed {
    /// Returns empty computed columns of a table.
    pub(super) fn new(table: &OutputTable) -> Self {
        let mut masks = Vec::new();
        let columns = table.leaves.iter().filter_map(|leaf| {
            let how = match &leaf.value {
                Value::Computed { inputs, rule } => How::Rule(*rule, inputs.clone()),
                Value::Conditional {
                    column,
                    inputs,
                    test,
                    holds,
                } => How::Conditional {
                    column: *column,
                    mask: Mask::place(&mut masks, inputs, *test),
                    holds: *holds,
                },
                Value::Column(_) | Value::Constant(_) => return None,
            };
            Some(ComputedColumn {
                how,
                values: Values::new(leaf.kind),
                text: Vec::new(),
            })
        });
        Self {
            columns: columns.collect(),
            masks,
            words: Words::default(),
        }
    }

    /// Computes the values of a batch, which replace those of the previous batch.
    pub(super) fn fill(&mut self, batch: &Batch) {
        let Self { masks, columns, words } = self;
        for mask in masks.iter_mut() {
            mask.fill(batch);
        }
        for column in columns {
            column.fill(batch, masks, words);
        }
    }

    /// Returns the values of a computed column, and the text that they point into.
    pub(super) fn values<'a>(&'a self, number: usize, batch: &'a Batch) -> (&'a Values, &'a [u8]) {
        let column = &self.columns[number];
        let text = match column.how {
            How::Conditional { .. } | How::Rule(Rule::Piece(_) | Rule::Gather | Rule::Collect(_), _) => batch.text(),
            How::Rule(Rule::Text(_), _) => &column.text,
            How::Rule(..) => &self.words.text,
        };
        (&column.values, text)
    }
}

impl Mask {
    /// Returns the number of the mask for a test; adds it if it is new.
    fn place(masks: &mut Vec<Self>, inputs: &[usize], test: Test) -> usize {
        let same = |mask: &Self| mask.inputs == inputs && std::ptr::fn_addr_eq(mask.test, test);
        masks.iter().position(same).unwrap_or_else(|| {
            masks.push(Self {
                inputs: inputs.to_vec(),
                test,
                rows: Vec::new(),
            });
            masks.len() - 1
        })
    }

    fn fill(&mut self, batch: &Batch) {
        let Self { inputs, test, rows } = self;
        rows.clear();
        answers(inputs, batch, *test, |holds| rows.push(holds));
    }
}

/// Returns the value of each row for the leaf at `path`, if a rule computes it as a 32-bit integer; otherwise nothing.
pub fn computed_numbers(table: &OutputTable, path: &str, batch: &Batch) -> Vec<i32> {
    let Some(Value::Computed {
        inputs,
        rule: Rule::Int32(rule),
    }) = table.leaf(path).map(|leaf| &leaf.value)
    else {
        return Vec::new();
    };
    let mut numbers = Numbers::default();
    numbers_of(inputs, batch, *rule, &mut numbers);
    numbers.values().to_vec()
}

impl ComputedColumn {
    fn fill(&mut self, batch: &Batch, masks: &[Mask], words: &mut Words) {
        self.values.clear();
        let (rule, inputs) = match &self.how {
            How::Rule(rule, inputs) => (*rule, inputs),
            How::Conditional { column, mask, holds } => {
                let wanted = masks[*mask].rows.iter().map(|row| row == holds);
                select(&batch.columns()[*column], wanted, &mut self.values);
                return;
            }
        };
        match (rule, &mut self.values) {
            (Rule::Piece(rule), Values::Text(texts)) => {
                let Values::Text(from) = &batch.columns()[inputs[0]] else {
                    unreachable!("a piece is a part of a text")
                };
                pieces(from, batch.text(), rule, texts);
            }
            (Rule::Text(rule), Values::Text(texts)) => {
                let text = &mut self.text;
                text.clear();
                let mut last = Span::NULL;
                for_each_row(inputs, batch, |inputs, same| {
                    if !same {
                        let start = text.len();
                        let has_value = rule(inputs, text);
                        last = if has_value {
                            Span::new(start, text.len())
                        } else {
                            Span::NULL
                        };
                    }
                    texts.push(last);
                });
            }
            (Rule::Word(rule), Values::Text(texts)) => {
                answers(inputs, batch, rule, |word| {
                    texts.push(word.map_or(Span::NULL, |word| words.place(word)));
                });
            }
            (Rule::Words(rule), Values::TextList(lists)) => {
                answers(inputs, batch, rule, |list| {
                    for word in list.into_iter().flatten() {
                        lists.push_item(words.place(word));
                    }
                    lists.end(list.is_some());
                });
            }
            (Rule::Gather, Values::TextList(lists)) => gather(inputs, batch, lists),
            (Rule::Collect(pieces), Values::TextList(lists)) => collect(inputs, batch, pieces, lists),
            (Rule::Logged, Values::Float64(numbers)) => {
                let Values::Float64(from) = &batch.columns()[inputs[0]] else {
                    unreachable!("only times may be logged as not measured")
                };
                for number in from.logged() {
                    numbers.push(number);
                }
            }
            (Rule::Int32(rule) | Rule::Date(rule), Values::Int32(numbers)) => numbers_of(inputs, batch, rule, numbers),
            (Rule::Int64(rule), Values::Int64(numbers)) => numbers_of(inputs, batch, rule, numbers),
            _ => unreachable!("the leaf of a rule has the rule's kind"),
        }
    }
}

/// Appends the values of the wanted rows, and nulls for the others.
fn select(from: &Values, wanted: impl Iterator<Item = bool>, into: &mut Values) {
    fn numbers<T: Copy + Default>(
        from: &Numbers<T>,
        wanted: impl Iterator<Item = (usize, bool)>,
        into: &mut Numbers<T>,
    ) {
        for (row, wanted) in wanted {
            into.push(from.get(row).filter(|_| wanted));
        }
    }
    let wanted = wanted.enumerate();
    match (from, into) {
        (Values::Text(from), Values::Text(into)) => {
            for (row, wanted) in wanted {
                into.push(from.view(row).filter(|_| wanted).unwrap_or(Span::NULL));
            }
        }
        (Values::Int32(from), Values::Int32(into)) => numbers(from, wanted, into),
        (Values::Float64(from), Values::Float64(into)) => numbers(from, wanted, into),
        (Values::Int64(from), Values::Int64(into)) | (Values::Timestamp(from), Values::Timestamp(into)) => {
            numbers(from, wanted, into);
        }
        (Values::TextList(from), Values::TextList(into)) => {
            for (row, wanted) in wanted {
                let items = from.views(row).filter(|_| wanted);
                for item in items.into_iter().flatten() {
                    into.push_item(*item);
                }
                into.end(items.is_some());
            }
        }
        // A column that the object determines has the same value in every row, which needs no condition.
        _ => unreachable!("a conditional leaf has the column's kind"),
    }
}

/// Appends the pieces of a column's texts. A text that equals the previous one has the same piece.
fn pieces(from: &Texts, text: &[u8], rule: fn(&[u8]) -> Option<Range<usize>>, into: &mut Texts) {
    let mut last: (Option<&[u8]>, Option<Range<usize>>) = (None, None);
    for row in 0..from.len() {
        let whole = from.get(row, text);
        if whole != last.0 {
            last = (whole, whole.and_then(rule));
        }
        let piece = from.view(row).zip(last.1.clone());
        into.push(piece.map_or(Span::NULL, |(view, piece)| {
            Span::new(view.start() + piece.start, view.start() + piece.end)
        }));
    }
}

/// Appends for each row a list of those texts that are not null.
fn gather(inputs: &[usize], batch: &Batch, into: &mut Lists) {
    for row in 0..batch.rows() {
        for column in inputs {
            if let Values::Text(texts) = &batch.columns()[*column]
                && let Some(view) = texts.view(row)
            {
                into.push_item(view);
            }
        }
        into.end(true);
    }
}

/// Appends for each row a list of the different pieces of its texts, or null if there are none.
fn collect(inputs: &[usize], batch: &Batch, pieces: Pieces, into: &mut Lists) {
    let text = batch.text();
    let mut found: Vec<Span> = Vec::new();
    for row in 0..batch.rows() {
        found.clear();
        for column in inputs {
            let one;
            let (views, piece_of) = match &batch.columns()[*column] {
                Values::Text(texts) => {
                    one = texts.view(row);
                    (one.as_slice(), pieces.of_text)
                }
                Values::TextList(lists) => (lists.views(row).unwrap_or_default(), pieces.of_item),
                _ => unreachable!("only texts have pieces"),
            };
            for view in views {
                let Some(piece) = piece_of(view.bytes(text)) else {
                    continue;
                };
                let piece = Span::new(view.start() + piece.start, view.start() + piece.end);
                if found.iter().all(|other| other.bytes(text) != piece.bytes(text)) {
                    found.push(piece);
                }
            }
        }
        for piece in &found {
            into.push_item(*piece);
        }
        into.end(!found.is_empty());
    }
}

fn numbers_of<T: Copy + Default>(
    columns: &[usize],
    batch: &Batch,
    rule: fn(&[Input<'_>]) -> Option<T>,
    into: &mut Numbers<T>,
) {
    answers(columns, batch, rule, |number| into.push(number));
}

/// Calls `take` with the result of a rule for each row. Equal consecutive inputs are evaluated once.
fn answers<T: Copy>(columns: &[usize], batch: &Batch, rule: fn(&[Input<'_>]) -> T, mut take: impl FnMut(T)) {
    let mut last = None;
    for_each_row(columns, batch, |inputs, same| {
        let answer = match last {
            Some(last) if same => last,
            _ => rule(inputs),
        };
        last = Some(answer);
        take(answer);
    });
}

/// Calls `look` with the inputs of each row, and whether they equal those of the previous row.
fn for_each_row(columns: &[usize], batch: &Batch, mut look: impl FnMut(&[Input<'_>], bool)) {
    let mut space = [Input::Null; MAX_INPUTS];
    for row in 0..batch.rows() {
        let mut same = row > 0;
        for (into, column) in space.iter_mut().zip(columns) {
            let found = input(&batch.columns()[*column], batch.text(), row);
            same = same && found == *into;
            *into = found;
        }
        look(&space[..columns.len()], same);
    }
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
