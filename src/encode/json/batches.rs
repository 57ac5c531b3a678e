//! Writes events as log records of OpenTelemetry: each line is a batch of events of the same resource, in the form of a request to
//! export them.
//! <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>

use std::io;

use crate::formats::Kind;
use crate::object::{ObjectFacts, OfObject};
use crate::schema::mapping::{Leaf, Literal, Node, OutputTable, Value};

use super::attribute::{AttributeStep, end_of, key_of};
use super::cells::{Events, From, Step, Writer};
use super::events::Sequence;
use super::line_buffer::{Constant, LineBuffer};
use super::write_text;

/// The maximum number of events of a batch. With more, what precedes them on the line would be hardly less of it.
pub const MAX_BATCH_EVENTS: usize = 128;
/// The maximum number of bytes of a line with several events, its newline included. Consumers hold a line in memory as a whole, and
/// streams limit the length of a record.
pub const MAX_BATCH_BYTES: usize = 256 * 1024;

/// What precedes the attributes of the resource, of the scope, and the records on a line.
const RESOURCE: &[u8] = b"{\"resourceLogs\":[{\"resource\":{\"attributes\":[";
const SCOPE: &[u8] = b"]},\"scopeLogs\":[{\"scope\":{\"name\":\"alb-ingest\",\"attributes\":[";
const RECORDS: &[u8] = b"]},\"logRecords\":[";
/// What follows the records on a line, without the newline.
pub(super) const FOOT: &[u8] = b"]}]}]}";

/// Collects the steps of a table.
struct BatchSteps<'a> {
    table: &'a OutputTable,
    facts: &'a ObjectFacts,
}

/// Returns the steps of what precedes the events of a batch, and of an event, in a batch of an object's events.
pub(super) fn steps(table: &OutputTable, facts: &ObjectFacts) -> (Vec<Step>, Vec<Step>) {
    let steps = BatchSteps { table, facts };
    (steps.head(), steps.record())
}

impl BatchSteps<'_> {
    fn head(&self) -> Vec<Step> {
        let mut sequence = Sequence::default();
        sequence.same(RESOURCE);
        self.attributes("resource", &mut sequence);
        sequence.same(SCOPE);
        self.attributes("scope", &mut sequence);
        sequence.same(RECORDS);
        sequence.finish()
    }

    /// Each part of a record begins with a comma; the first one is replaced by the opening brace.
    fn record(&self) -> Vec<Step> {
        let mut sequence = Sequence::default();
        for node in &self.table.nodes {
            if let Node::Leaf(number) = node {
                let leaf = &self.table.leaves[*number];
                let mut key = format!(",\"{}\":", leaf.name).into_bytes();
                sequence.push(if leaf.kind == Kind::Timestamp {
                    key.push(b'"');
                    Step::UnixNanos(self.from(*number), Constant::new(&key))
                } else {
                    Step::Value(self.from(*number), Writer::new(key, leaf.kind))
                });
            }
        }
        sequence.same(b",\"attributes\":[");
        self.attributes("attributes", &mut sequence);
        sequence.same(b"]");
        sequence.finish()
    }

    /// Adds the attributes of a group, of which the first one is never null.
    fn attributes(&self, name: &str, sequence: &mut Sequence) {
        let groups = self.table.nodes.iter().filter_map(|node| match node {
            Node::Group(group) if group.name == name => Some(&group.nodes),
            _ => None,
        });
        for (place, node) in groups.flatten().enumerate() {
            if let Node::Leaf(number) = node {
                self.attribute(*number, place == 0, sequence);
            }
        }
    }

    fn attribute(&self, number: usize, is_first: bool, sequence: &mut Sequence) {
        let leaf = &self.table.leaves[number];
        let step = || Step::Attribute(self.from(number), Box::new(AttributeStep::new(&leaf.name, leaf.kind)));
        match leaf.value {
            Value::Computed { .. } | Value::Conditional { .. } => sequence.push(step()),
            Value::Constant(Literal::Text(text)) => same_text(leaf, is_first, text, sequence),
            Value::Constant(_) => unreachable!("the constants of the mapping are texts"),
            Value::Column(column) => match self.facts.of_object(self.table.plan.columns[column].source) {
                OfObject::Text(text) => same_text(leaf, is_first, text, sequence),
                OfObject::Null => {}
                OfObject::EventId => {
                    let mut key = key_of(is_first, &leaf.name, leaf.kind);
                    key.extend_from_slice(format!("{}-", self.facts.id).as_bytes());
                    sequence.push(Step::EventId(Constant::new(&key)));
                    sequence.same(end_of(leaf.kind));
                }
                OfObject::No => sequence.push(step()),
            },
        }
    }

    /// Returns the origin of the values of a leaf that are not the same for every event.
    fn from(&self, number: usize) -> From {
        let is_computed = |leaf: &&Leaf| matches!(leaf.value, Value::Computed { .. } | Value::Conditional { .. });
        match self.table.leaves[number].value {
            Value::Column(column) => From::Column(column),
            _ => From::Computed(self.table.leaves[..number].iter().filter(is_computed).count()),
        }
    }
}

/// Adds an attribute that is the same for every event.
fn same_text(leaf: &Leaf, is_first: bool, text: &str, sequence: &mut Sequence) {
    let mut same = key_of(is_first, &leaf.name, leaf.kind);
    // The quote that opens the text is the key's last byte.
    same.pop();
    write_text(text.as_bytes(), &mut same);
    sequence.same(&same);
    sequence.same(end_of(leaf.kind));
}

/// Appends the events of the first `rows` rows as lines. `on_lines` is called when the buffer has whole lines, and may take them.
/// No batch continues on a later call, so the lines depend on these events alone.
pub(super) fn write_batches(
    events: &mut Events<'_>,
    rows: usize,
    lines: &mut LineBuffer,
    mut on_lines: impl FnMut(&mut LineBuffer) -> io::Result<()>,
) -> io::Result<()> {
    let (mut start, mut in_batch) = (lines.len(), 0);
    for row in 0..rows {
        if row > 0 {
            if in_batch < MAX_BATCH_EVENTS && events.has_head_of_previous(row) {
                let end = lines.len();
                lines.put_byte(b',');
                events.write(row, lines);
                if lines.len() - start + FOOT.len() < MAX_BATCH_BYTES {
                    in_batch += 1;
                    continue;
                }
                lines.truncate(end);
            }
            end_line(lines);
            on_lines(lines)?;
        }
        (start, in_batch) = (lines.len(), 1);
        events.write_head(row, lines);
        events.write(row, lines);
    }
    if rows > 0 {
        end_line(lines);
        on_lines(lines)?;
    }
    Ok(())
}

fn end_line(lines: &mut LineBuffer) {
    lines.put(FOOT);
    lines.put_byte(b'\n');
}
