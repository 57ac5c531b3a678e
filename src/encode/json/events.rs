//! Events as JSON objects.

use crate::encode::computed::Computed;
use crate::encode::object_constants::{OfObject, object_constants};
use crate::formats::Kind;
use crate::object::ObjectFacts;
use crate::parse::batch::{Batch, Values};
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

use super::sink::{self, Sink};
use super::values::{Times, put_float, put_integer};
use super::write_text;

/// Writes the events of one object as JSON objects. What is the same for every event is made once: the keys, and the
/// values of the object itself.
#[derive(Debug)]
pub struct EventWriter {
    /// In the order of the shape's tree.
    steps: Vec<Step>,
    made: Computed,
    /// Where the groups that are open begin, and what stands behind their names.
    open: Vec<(usize, usize)>,
}

/// What is written of every event, in turn. Each key has a comma in front, of which the first in an object becomes its
/// opening brace.
#[derive(Debug)]
enum Step {
    /// The same for every event: keys with their values, and braces between them.
    Same(sink::Constant),
    /// The event's id: `,"key":"…-`, in front of the line number.
    EventId(sink::Constant),
    /// A value of the row.
    Value(From, Writer),
    /// A group begins that may be empty: `,"key":`.
    Open(sink::Constant),
    /// The last such group ends; nothing is left of it where nothing was written into it.
    Close,
}

/// Where a row's value is.
#[derive(Debug, Clone, Copy)]
enum From {
    /// In the column of the batch at this position.
    Column(usize),
    /// In what the rule of this number made.
    Computed(usize),
}

/// Writes values of one name.
#[derive(Debug)]
struct Writer {
    /// `,"key":`, and the opening quote of a text.
    key: sink::Constant,
    times: Times,
}

/// Gathers the steps of a shape.
struct Steps<'a> {
    shape: &'a OutputTable,
    facts: &'a ObjectFacts,
    done: Vec<Step>,
    /// What is the same for every event since the last step.
    same: Vec<u8>,
    /// How many rules were met.
    made: usize,
}

impl Steps<'_> {
    /// Adds the steps of these nodes. Where they are those of a group that begins with a value, `first` is its brace.
    fn add(&mut self, nodes: &[Node], mut first: u8) {
        for node in nodes {
            match node {
                Node::Leaf(leaf) => {
                    if let Some(leaf) = self.shape.leaves.get(*leaf) {
                        self.add_leaf(leaf, first);
                    }
                }
                Node::Group(group) => {
                    let key = key_of(first, &group.name);
                    if group.nodes.first().is_some_and(|node| self.is_same(node)) {
                        self.same.extend_from_slice(&key);
                        self.add(&group.nodes, b'{');
                        self.same.push(b'}');
                    } else {
                        self.push(Step::Open(sink::Constant::new(&key)));
                        self.add(&group.nodes, b',');
                        self.push(Step::Close);
                    }
                }
            }
            first = b',';
        }
    }

    /// Whether a node begins with what is the same for every event, and never null.
    fn is_same(&self, node: &Node) -> bool {
        match node {
            Node::Leaf(leaf) => self.shape.leaves.get(*leaf).is_some_and(|leaf| match leaf.value {
                Value::Constant(_) => true,
                Value::Column(column) => matches!(object_constants(self.shape, column, self.facts), OfObject::Text(_)),
                Value::Conditional { .. } | Value::Computed { .. } => false,
            }),
            Node::Group(group) => group.nodes.first().is_some_and(|node| self.is_same(node)),
        }
    }

    fn add_leaf(&mut self, leaf: &Leaf, first: u8) {
        let mut key = key_of(first, &leaf.name);
        match &leaf.value {
            Value::Computed { .. } | Value::Conditional { .. } => {
                self.push(Step::Value(From::Computed(self.made), Writer::new(key, leaf.kind)));
                self.made += 1;
            }
            Value::Constant(literal) => {
                self.same.extend_from_slice(&key);
                write_literal(*literal, &mut self.same);
            }
            Value::Column(column) => match object_constants(self.shape, *column, self.facts) {
                OfObject::Text(text) => {
                    self.same.extend_from_slice(&key);
                    write_text(text.as_bytes(), &mut self.same);
                }
                OfObject::Null => {}
                OfObject::EventId => {
                    key.extend_from_slice(format!("\"{}-", self.facts.id).as_bytes());
                    self.push(Step::EventId(sink::Constant::new(&key)));
                }
                OfObject::No => self.push(Step::Value(From::Column(*column), Writer::new(key, leaf.kind))),
            },
        }
    }

    /// Adds a step behind what is the same for every event.
    fn push(&mut self, step: Step) {
        self.end_same();
        self.done.push(step);
    }

    fn end_same(&mut self) {
        if !self.same.is_empty() {
            self.done.push(Step::Same(sink::Constant::new(&self.same)));
            self.same.clear();
        }
    }
}

impl EventWriter {
    /// A writer for the events of one object.
    pub fn new(shape: &OutputTable, facts: &ObjectFacts) -> Self {
        let mut steps = Steps {
            shape,
            facts,
            done: Vec::new(),
            same: Vec::new(),
            made: 0,
        };
        steps.add(&shape.nodes, b',');
        steps.end_same();
        Self {
            steps: steps.done,
            made: Computed::new(shape),
            open: Vec::new(),
        }
    }

    /// Makes what the rules make of a batch. Has to be called before its events are written.
    pub fn begin(&mut self, batch: &Batch) {
        self.made.fill(batch);
    }

    /// Appends one event of the batch that was begun as a JSON object, without a newline.
    pub fn write(&mut self, batch: &Batch, row: usize, out: &mut Sink) {
        let start = out.len();
        let (columns, text) = (batch.columns(), batch.text());
        for step in &mut self.steps {
            match step {
                Step::Value(from, writer) => {
                    let (values, text) = match from {
                        From::Column(column) => (columns.get(*column).unwrap_or(&Values::OfObject), text),
                        From::Computed(number) => self.made.values(*number, batch),
                    };
                    writer.write(values, text, row, out);
                }
                Step::Same(constant) => out.put_constant(constant),
                Step::EventId(constant) => {
                    out.put_constant(constant);
                    let line = batch.line_numbers().get(row).copied().unwrap_or_default();
                    put_line_number(line, out);
                    out.put_byte(b'"');
                }
                Step::Open(constant) => {
                    let start = out.len();
                    out.put_constant(constant);
                    self.open.push((start, out.len()));
                }
                Step::Close => {
                    if let Some((start, behind_name)) = self.open.pop() {
                        if out.len() == behind_name {
                            out.truncate(start);
                        } else {
                            close(behind_name, out);
                        }
                    }
                }
            }
        }
        close(start, out);
    }

    /// The bytes of one event of the batch that was begun as a JSON line, its newline included.
    pub fn line_len(&mut self, batch: &Batch, row: usize) -> usize {
        let mut line = Sink::default();
        self.write(batch, row, &mut line);
        line.len() + 1
    }
}

/// Makes an object of what was written from `start` on. Every event has a value that is never null: its id.
fn close(start: usize, out: &mut Sink) {
    out.set_byte(start, b'{');
    out.put_byte(b'}');
}

/// `,"key":`, with a comma or a brace in front.
fn key_of(first: u8, name: &str) -> Vec<u8> {
    let mut key = vec![first];
    write_text(name.as_bytes(), &mut key);
    key.push(b':');
    key
}

fn write_literal(literal: Literal, out: &mut Vec<u8>) {
    match literal {
        Literal::Text(text) => write_text(text.as_bytes(), out),
        Literal::Int32(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Literal::Int64(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Literal::Words(words) => {
            out.push(b'[');
            for (number, word) in words.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_text(word.as_bytes(), out);
            }
            out.push(b']');
        }
    }
}

impl Writer {
    fn new(mut key: Vec<u8>, kind: Kind) -> Self {
        if kind == Kind::Text {
            key.push(b'"');
        }
        Self {
            key: sink::Constant::new(&key),
            times: Times::new(),
        }
    }

    /// Appends the value of a row, if it has one.
    #[inline]
    fn write(&mut self, values: &Values, text: &[u8], row: usize, out: &mut Sink) {
        match values {
            // The same for every event: written by a step of its own.
            Values::OfObject => {}
            Values::Text(texts) => {
                if let Some(view) = texts.view(row) {
                    out.put_constant(&self.key);
                    out.put_rest_of_string(text, view.start(), view.end());
                }
            }
            Values::Int32(numbers) => self.write_integer(numbers.get(row).map(i64::from), out),
            Values::Int64(numbers) => self.write_integer(numbers.get(row), out),
            Values::Float64(numbers) => {
                if let Some(value) = numbers.get(row) {
                    out.put_constant(&self.key);
                    put_float(value, out);
                }
            }
            Values::Timestamp(numbers) => {
                if let Some(micros) = numbers.get(row) {
                    out.put_constant(&self.key);
                    self.times.put(micros, out);
                }
            }
            Values::TextList(lists) => {
                if let Some(items) = lists.views(row) {
                    out.put_constant(&self.key);
                    out.put_byte(b'[');
                    for (number, item) in items.iter().enumerate() {
                        out.put(if number > 0 { b",\"" } else { b"\"" });
                        out.put_rest_of_string(text, item.start(), item.end());
                    }
                    out.put_byte(b']');
                }
            }
        }
    }

    #[inline]
    fn write_integer(&self, value: Option<i64>, out: &mut Sink) {
        if let Some(value) = value {
            out.put_constant(&self.key);
            put_integer(value, out);
        }
    }
}

/// A line number in ten digits, as event ids carry it.
#[inline]
pub(super) fn put_line_number(line: i64, out: &mut Sink) {
    let mut digits = [b'0'; 10];
    let mut rest = line;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
    }
    if rest == 0 {
        out.put_part(&digits, digits.len());
    } else {
        out.put(itoa::Buffer::new().format(line).as_bytes());
    }
}
