//! Writes events as JSON objects.

use crate::encode::computed::Computed;
use crate::object::{ObjectFacts, OfObject};
use crate::parse::batch::Batch;
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

use super::batches;
use super::cells::{Cell, Events, From, Step, Writer};
use super::line_buffer;
use super::write_text;

/// Writes the events of an object as JSON objects; in a schema whose lines are batches, as the records in them. Parts that are the same for every event are made once: the keys, and the
/// values that the object determines.
#[derive(Debug)]
pub struct EventWriter {
    /// The steps of an event.
    steps: Vec<Step>,
    /// The steps of what precedes the events of a batch on its line. Empty if a line is one event.
    head: Vec<Step>,
    computed: Computed,
    /// The start of each open group, and the end of its key.
    open: Vec<(usize, usize)>,
}

/// Collects steps.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    done: Vec<Step>,
    /// Text that is the same for every event, since the last step.
    same: Vec<u8>,
}

impl Sequence {
    /// Adds text that is the same for every event.
    pub(super) fn same(&mut self, text: &[u8]) {
        self.same.extend_from_slice(text);
    }

    /// Adds a step after the text that is the same for every event.
    pub(super) fn push(&mut self, step: Step) {
        self.end_same();
        self.done.push(step);
    }

    pub(super) fn finish(mut self) -> Vec<Step> {
        self.end_same();
        self.done
    }

    fn end_same(&mut self) {
        if !self.same.is_empty() {
            self.done.push(Step::Same(line_buffer::Constant::new(&self.same)));
            self.same.clear();
        }
    }
}

/// Collects the steps of a table, in the order of its tree.
struct Steps<'a> {
    table: &'a OutputTable,
    facts: &'a ObjectFacts,
    sequence: Sequence,
    /// The number of computed columns so far.
    computed: usize,
}

impl<'a> Steps<'a> {
    /// Returns the steps of the events of an object.
    fn of(table: &'a OutputTable, facts: &'a ObjectFacts) -> Vec<Step> {
        let mut steps = Self {
            table,
            facts,
            sequence: Sequence::default(),
            computed: 0,
        };
        steps.add(&table.nodes, b',');
        steps.sequence.finish()
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
                        self.sequence.same(&key);
                        self.add(&group.nodes, b'{');
                        self.sequence.same(b"}");
                    } else {
                        self.sequence.push(Step::Open(line_buffer::Constant::new(&key)));
                        self.add(&group.nodes, b',');
                        self.sequence.push(Step::Close);
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
                Value::Column(column) => matches!(
                    self.facts.of_object(self.table.plan.columns[column].source),
                    OfObject::Text(_)
                ),
                Value::Conditional { .. } | Value::Computed { .. } => false,
            },
            Node::Group(group) => group.nodes.first().is_some_and(|node| self.is_same(node)),
        }
    }

    fn add_leaf(&mut self, leaf: &Leaf, first: u8) {
        let mut key = key_of(first, &leaf.name);
        let sequence = &mut self.sequence;
        match &leaf.value {
            Value::Computed { .. } | Value::Conditional { .. } => {
                sequence.push(Step::Value(From::Computed(self.computed), Writer::new(key, leaf.kind)));
                self.computed += 1;
            }
            Value::Constant(literal) => {
                write_literal(*literal, &mut key);
                sequence.same(&key);
            }
            Value::Column(column) => match self.facts.of_object(self.table.plan.columns[*column].source) {
                OfObject::Text(text) => {
                    write_text(text.as_bytes(), &mut key);
                    sequence.same(&key);
                }
                OfObject::Null => {}
                OfObject::EventId => {
                    key.extend_from_slice(format!("\"{}-", self.facts.id).as_bytes());
                    sequence.push(Step::EventId(line_buffer::Constant::new(&key)));
                }
                OfObject::No => sequence.push(Step::Value(From::Column(*column), Writer::new(key, leaf.kind))),
            },
        }
    }
}

impl EventWriter {
    /// Returns a writer for the events of one object.
    pub fn new(table: &OutputTable, facts: &ObjectFacts) -> Self {
        let mut writer = Self {
            steps: Vec::new(),
            head: Vec::new(),
            computed: Computed::new(table),
            open: Vec::new(),
        };
        writer.begin_object(table, facts);
        writer
    }

    /// Begins the events of another object, of the same table.
    pub fn begin_object(&mut self, table: &OutputTable, facts: &ObjectFacts) {
        if table.schema.is_batched() {
            (self.head, self.steps) = batches::steps(table, facts);
        } else {
            self.steps = Steps::of(table, facts);
        }
    }

    /// Begins a batch: computes the values that are not columns of it, and finds the values that each step writes.
    pub fn begin<'a>(&'a mut self, batch: &'a Batch) -> Events<'a> {
        let Self {
            steps,
            head,
            computed,
            open,
        } = self;
        computed.fill(batch);
        let computed = &*computed;
        let cells = |steps: &'a mut Vec<Step>| steps.iter_mut().map(|step| Cell::of(step, computed, batch)).collect();
        Events {
            cells: cells(steps),
            head: cells(head),
            clean: batch.clean(),
            lines: batch.line_numbers(),
            open,
        }
    }
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
