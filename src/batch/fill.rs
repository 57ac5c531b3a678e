//! Decodes the parts of split lines into columns, one column at a time.

use crate::format::{Decode, Escapes, Fill, Source};
use crate::line::time::timestamp_micros;
use crate::line::value::{comma_items, count, int32, int64, port, quoted_items, seconds, space_items};
use crate::line::{Fault, Reason, Span, extra_tokens, text};

use super::Batch;
use super::values::{Lists, Numbers, Texts, Values};

/// Lines that were split, row by row, and the text their spans point into.
pub(super) struct Rows<'a> {
    pub(super) text: &'a [u8],
    /// The parts of every row, `stride` each.
    pub(super) parts: &'a [Span],
    pub(super) stride: usize,
    /// The unknown trailing fields of every row.
    pub(super) extra: &'a [Span],
    /// The line number of every row.
    pub(super) lines: &'a [u64],
    /// Whether a row's line is ASCII without a backslash, so that every text stands on it as it reads.
    pub(super) plain: &'a [bool],
    /// The load balancer that the object's key names.
    pub(super) load_balancer: Option<&'a [u8]>,
}

/// Appends the rows to the batch. Rows with a value that does not fit are left in `faults`, in no order; the caller
/// takes them out of the rows and fills again, because the batch then holds placeholders for them.
pub(super) fn fill(rows: &Rows<'_>, batch: &mut Batch, faults: &mut Vec<(usize, Fault)>) {
    let plan = batch.plan;
    let escapes = plan.format.escapes;
    // Texts are not copied one by one: the lines come along, and each text is a place on them.
    let base = batch.text.len();
    batch.text.extend_from_slice(rows.text);
    let load_balancer = rows.load_balancer.map_or(Span::NULL, |name| {
        let start = batch.text.len();
        batch.text.extend_from_slice(name);
        Span::new(start, batch.text.len())
    });
    for (column, values) in plan.columns.iter().zip(&mut batch.columns) {
        let (part, field, decode, in_quotes) = match column.source {
            Source::Part {
                part,
                field,
                decode,
                escaped,
            } => (part, field, decode, escaped),
            Source::Filled(fill) => {
                fill_in(rows, fill, values, &mut batch.text);
                continue;
            }
        };
        let escapes = in_quotes.then_some(escapes);
        let spans = rows.parts.iter().skip(part).step_by(rows.stride.max(1)).copied();
        let mut refuse = |row: usize, reason| {
            let span = rows.parts.get(row * rows.stride + part).copied().unwrap_or(Span::NULL);
            faults.push((row, Fault::in_field(reason, plan, field, span)));
        };
        match values {
            Values::Text(texts) => {
                let default = if decode == Decode::LoadBalancer {
                    load_balancer
                } else {
                    Span::NULL
                };
                let writer = TextWriter {
                    base,
                    escapes,
                    default,
                    text: &mut batch.text,
                };
                writer.fill(rows, spans, texts);
            }
            Values::Int32(numbers) => match decode {
                Decode::Port => fill_numbers(rows.text, spans, port, numbers, refuse),
                _ => fill_numbers(rows.text, spans, int32, numbers, refuse),
            },
            Values::Int64(numbers) => match decode {
                Decode::Count => fill_numbers(rows.text, spans, count, numbers, refuse),
                _ => fill_numbers(rows.text, spans, int64, numbers, refuse),
            },
            Values::Float64(numbers) => {
                fill_numbers(rows.text, spans, seconds, numbers, &mut refuse);
                if decode == Decode::ProcessingSeconds {
                    numbers.nullify(batch.rows, -1.0);
                }
            }
            Values::Timestamp(numbers) => fill_numbers(rows.text, spans, timestamp_micros, numbers, refuse),
            Values::TextList(lists) => fill_lists(rows.text, spans, decode, escapes, lists, &mut batch.text),
            Values::OfObject => {}
        }
        if column.presence == crate::format::Presence::Required {
            let spans = rows.parts.iter().skip(part).step_by(rows.stride.max(1));
            for (row, span) in spans.enumerate() {
                if span.value(rows.text).is_none() {
                    faults.push((row, Fault::in_field(Reason::Missing, plan, field, *span)));
                }
            }
        }
    }
    batch.rows += rows.lines.len();
}

fn fill_in(rows: &Rows<'_>, fill: Fill, values: &mut Values, out: &mut Vec<u8>) {
    match (fill, values) {
        (Fill::SourceLine, Values::Int64(numbers)) => {
            for line in rows.lines {
                numbers.push(i64::try_from(*line).ok());
            }
        }
        (Fill::ExtraFields, Values::TextList(lists)) => {
            for extra in rows.extra {
                for token in extra_tokens(rows.text, *extra) {
                    lists.push_item(out, |out| text::append(token, None, out));
                }
                lists.end(!extra.is_null());
            }
        }
        _ => {}
    }
}

/// Writes the texts of a column.
struct TextWriter<'a> {
    /// Where the rows' text begins in the batch's.
    base: usize,
    escapes: Option<Escapes>,
    /// What stands for a text that is not there.
    default: Span,
    text: &'a mut Vec<u8>,
}

impl TextWriter<'_> {
    fn fill(self, rows: &Rows<'_>, spans: impl Iterator<Item = Span>, texts: &mut Texts) {
        for (span, plain) in spans.zip(rows.plain) {
            match span.value(rows.text) {
                None => texts.push(self.default),
                Some(bytes) if *plain || text::is_plain(bytes, self.escapes) => {
                    texts.push(Span::new(self.base + span.start(), self.base + span.end()));
                }
                Some(bytes) => texts.push_with(self.text, |out| text::append(bytes, self.escapes, out)),
            }
        }
    }
}

fn fill_numbers<T: Copy + Default>(
    base: &[u8],
    spans: impl Iterator<Item = Span>,
    parse: impl Fn(&[u8]) -> Result<T, Reason>,
    numbers: &mut Numbers<T>,
    mut refuse: impl FnMut(usize, Reason),
) {
    for (row, span) in spans.enumerate() {
        let value = match span.value(base).map(&parse) {
            Some(Ok(value)) => Some(value),
            Some(Err(reason)) => {
                refuse(row, reason);
                None
            }
            None => None,
        };
        numbers.push(value);
    }
}

fn fill_lists(
    base: &[u8],
    spans: impl Iterator<Item = Span>,
    decode: Decode,
    escapes: Option<Escapes>,
    lists: &mut Lists,
    out: &mut Vec<u8>,
) {
    for span in spans {
        // An absent list of quoted parts may itself stand in quotes.
        let value = span.value(base).filter(|bytes| *bytes != b"\"-\"");
        if let Some(bytes) = value {
            let mut push = |item: &[u8]| lists.push_item(out, |out| text::append(item, escapes, out));
            match decode {
                Decode::SpaceList => space_items(bytes).for_each(&mut push),
                Decode::QuotedList => quoted_items(bytes).for_each(&mut push),
                _ => comma_items(bytes).for_each(&mut push),
            }
        }
        lists.end(value.is_some());
    }
}
