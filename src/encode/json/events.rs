//! Writes events as JSON objects.

use crate::encode::computed::Computed;
use crate::encode::object_constants::{OfObject, object_constants};
use crate::formats::Kind;
use crate::object::ObjectFacts;
use crate::parse::batch::{Batch, Values};
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

use super::line_buffer::{self, LineBuffer};
use super::values::{Times, put_float, put_integer};
use super::write_text;

/// Writes the events of an object as JSON objects. Parts that are the same for every event are made once: the keys, and the
/// values that the object determines.
#[derive(Debug)]
pub struct EventWriter {
    /// The steps in the order of the table's tree.
    steps: Vec<Step>,
    computed: Computed,
    /// The start of each open group, and the end of its key.
    open: Vec<(usize, usize)>,
}

/// A step of writing an event. Each key is preceded by a comma; the first one in an object is replaced by its opening brace.
#[derive(Debug)]
enum Step {
    /// Text that is the same for every event: keys with their values, and braces between them.
    Same(line_buffer::Constant),
    /// The event's id: `,"key":"…-`, followed by the line number.
    EventId(line_buffer::Constant),
    /// A value of the row.
    Value(From, Writer),
    /// The start of a group that may be empty: `,"key":`.
    Open(line_buffer::Constant),
    /// The end of the innermost such group, which is removed if nothing was written into it.
    Close,
}

/// The origin of a row's value.
#[derive(Debug, Clone, Copy)]
enum From {
    /// The column of the batch at this position.
    Column(usize),
    /// The computed column of this number.
    Computed(usize),
}

/// Writes the values of one key.
#[derive(Debug)]
struct Writer {
    /// `,"key":`, and the opening quote of a text.
    key: line_buffer::Constant,
    times: Times,
}

/// Collects the steps of a table.
struct Steps<'a> {
    table: &'a OutputTable,
    facts: &'a ObjectFacts,
    done: Vec<Step>,
    /// Text that is the same for every event, since the last step.
    same: Vec<u8>,
    /// The number of computed columns so far.
    computed: usize,
}

impl<'a> Steps<'a> {
    /// Returns the steps of the events of an object.
    fn of(table: &'a OutputTable, facts: &'a ObjectFacts) -> Vec<Step> {
        let mut steps = Self {
            table,
            facts,
            done: Vec::new(),
            same: Vec::new(),
            computed: 0,
        };
        steps.add(&table.nodes, b',');
        steps.end_same();
        steps.done
    }

    /// Adds the steps of these nodes. `first` precedes the first key: a comma, or the brace of a group that always has a
    /// value.
    fn add(&mut self, nodes: &[Node], mut first: u8) {
        for node in nodes {
            match node {
                Node::Leaf(leaf) => self.add_leaf(&self.table.leaves[*leaf], first),
                Node::Group(group) => {
                    let key = key_of(first, &group.name);
                    if group.nodes.first().is_some_and(|node| self.is_same(node)) {
                        self.same.extend_from_slice(&key);
                        self.add(&group.nodes, b'{');
                        self.same.push(b'}');
                    } else {
                        self.push(Step::Open(line_buffer::Constant::new(&key)));
                        self.add(&group.nodes, b',');
                        self.push(Step::Close);
                    }
                }
            }
            first = b',';
        }
    }

    /// Returns whether a node begins with a value that is the same for every event and never null.
    fn is_same(&self, node: &Node) -> bool {
        match node {
            Node::Leaf(leaf) => match self.table.leaves[*leaf].value {
                Value::Constant(_) => true,
                Value::Column(column) => matches!(object_constants(self.table, column, self.facts), OfObject::Text(_)),
                Value::Conditional { .. } | Value::Computed { .. } => false,
            },
            Node::Group(group) => group.nodes.first().is_some_and(|node| self.is_same(node)),
        }
    }

    fn add_leaf(&mut self, leaf: &Leaf, first: u8) {
        let mut key = key_of(first, &leaf.name);
        match &leaf.value {
            Value::Computed { .. } | Value::Conditional { .. } => {
                self.push(Step::Value(From::Computed(self.computed), Writer::new(key, leaf.kind)));
                self.computed += 1;
            }
            Value::Constant(literal) => {
                self.same.extend_from_slice(&key);
                write_literal(*literal, &mut self.same);
            }
            Value::Column(column) => match object_constants(self.table, *column, self.facts) {
                OfObject::Text(text) => {
                    self.same.extend_from_slice(&key);
                    write_text(text.as_bytes(), &mut self.same);
                }
                OfObject::Null => {}
                OfObject::EventId => {
                    key.extend_from_slice(format!("\"{}-", self.facts.id).as_bytes());
                    self.push(Step::EventId(line_buffer::Constant::new(&key)));
                }
                OfObject::No => self.push(Step::Value(From::Column(*column), Writer::new(key, leaf.kind))),
            },
        }
    }

    /// Adds a step after the text that is the same for every event.
    fn push(&mut self, step: Step) {
        self.end_same();
        self.done.push(step);
    }

    fn end_same(&mut self) {
        if !self.same.is_empty() {
            self.done.push(Step::Same(line_buffer::Constant::new(&self.same)));
            self.same.clear();
        }
    }
}

impl EventWriter {
    /// Returns a writer for the events of one object.
    pub fn new(table: &OutputTable, facts: &ObjectFacts) -> Self {
        Self {
            steps: Steps::of(table, facts),
            computed: Computed::new(table),
            open: Vec::new(),
        }
    }

    /// Begins the events of another object, of the same table.
    pub fn begin_object(&mut self, table: &OutputTable, facts: &ObjectFacts) {
        self.steps = Steps::of(table, facts);
    }

    /// Begins a batch: computes the values that are not columns of it. Must be called before its events are written.
    pub fn begin(&mut self, batch: &Batch) {
        self.computed.fill(batch);
    }

    /// Appends one event of the current batch as a JSON object, without a newline.
    pub fn write(&mut self, batch: &Batch, row: usize, out: &mut LineBuffer) {
        let start = out.len();
        let (columns, text) = (batch.columns(), batch.text());
        for step in &mut self.steps {
            match step {
                Step::Value(from, writer) => {
                    let (values, text) = match from {
                        From::Column(column) => (&columns[*column], text),
                        From::Computed(number) => self.computed.values(*number, batch),
                    };
                    writer.write(values, text, row, out);
                }
                Step::Same(constant) => out.put_constant(constant),
                Step::EventId(constant) => {
                    out.put_constant(constant);
                    put_line_number(batch.line_numbers()[row], out);
                    out.put_byte(b'"');
                }
                Step::Open(constant) => {
                    let start = out.len();
                    out.put_constant(constant);
                    self.open.push((start, out.len()));
                }
                Step::Close => {
                    let Some((start, key_end)) = self.open.pop() else {
                        unreachable!("the steps open each group that they close")
                    };
                    if out.len() == key_end {
                        out.truncate(start);
                    } else {
                        close(key_end, out);
                    }
                }
            }
        }
        close(start, out);
    }

    /// Returns the length of one event of the current batch as a JSON line, its newline included.
    pub fn line_len(&mut self, batch: &Batch, row: usize) -> usize {
        let mut line = LineBuffer::default();
        self.write(batch, row, &mut line);
        line.len() + 1
    }
}

/// Puts braces around the text from `start` on, which begins with a comma: every event has a value that is never null, its
/// id.
fn close(start: usize, out: &mut LineBuffer) {
    out.set_byte(start, b'{');
    out.put_byte(b'}');
}

/// Returns `,"key":`, preceded by `first`: a comma or a brace.
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
            key: line_buffer::Constant::new(&key),
            times: Times::new(),
        }
    }

    /// Appends the value of a row, if it has one.
    #[inline]
    fn write(&mut self, values: &Values, text: &[u8], row: usize, out: &mut LineBuffer) {
        match values {
            Values::OfObject => unreachable!("values of the object are written by other steps"),
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
    fn write_integer(&self, value: Option<i64>, out: &mut LineBuffer) {
        if let Some(value) = value {
            out.put_constant(&self.key);
            put_integer(value, out);
        }
    }
}

/// Appends a line number in at least ten digits, as event ids contain it.
#[inline]
pub(super) fn put_line_number(line: i64, out: &mut LineBuffer) {
    let mut digits = [b'0'; 10];
    let mut rest = line.cast_unsigned();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
    if rest == 0 {
        out.put_part(&digits, digits.len());
    } else {
        out.put(itoa::Buffer::new().format(line).as_bytes());
    }
}
