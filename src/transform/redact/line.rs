//! Redacts malformed lines: what could be located has the form that events have, and the rest is masked by its shape.

use crate::formats::{ColumnSource, Decode, Escapes, LogType, Plan, PlannedColumn};
use crate::parse::line::{Span, read_line, split_line, text, value};

use super::{Redact, Redactor, shape};

/// Redacts the malformed lines of an object.
#[derive(Debug)]
pub struct LineRedactor {
    redact: Redact,
    redactor: Option<Redactor>,
}

impl LineRedactor {
    /// Returns a redactor for lines of an unknown table, which are masked by their shape.
    pub const fn new(redact: Redact) -> Self {
        Self { redact, redactor: None }
    }

    /// Sets the table of the lines.
    pub fn set_table(&mut self, log_type: LogType) {
        let plan = log_type.plan();
        if self
            .redactor
            .as_ref()
            .is_none_or(|redactor| !std::ptr::eq(redactor.plan, plan))
        {
            self.redactor = Some(self.redact.of(plan));
        }
    }

    /// Returns the redacted form of a line, or of an entry of several lines.
    pub fn redact(&mut self, raw: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(raw.len());
        let mut at = 0;
        if let Some(redactor) = &mut self.redactor {
            for (span, column) in located(redactor.plan, raw) {
                shape::mask(raw.get(at..span.start()).unwrap_or_default(), &mut out);
                redactor.value(column, span.bytes(raw), &mut out);
                at = span.end();
            }
        }
        shape::mask(raw.get(at..).unwrap_or_default(), &mut out);
        out
    }
}

/// Returns the values of a line that are before its fault, with the numbers of their columns, in the order of the line.
fn located(plan: &Plan, raw: &[u8]) -> Vec<(Span, usize)> {
    let mut parts = vec![Span::NULL; plan.parts];
    let whole = Span::new(0, raw.len());
    let end = match read_line(plan, raw, whole, &mut parts) {
        Ok(_) => raw.len(),
        Err(fault) => {
            // A repair that failed may have left parts behind.
            let _ = split_line(plan, raw, whole, &mut parts);
            fault.at.min(raw.len())
        }
    };
    let columns = plan.columns.iter().enumerate();
    let mut found: Vec<_> = columns
        .filter_map(|(number, column)| match column.source {
            ColumnSource::Part { part, .. } => Some((*parts.get(part)?, number)),
            ColumnSource::Filled(_) | ColumnSource::Extra(_) => None,
        })
        .filter(|(span, _)| !span.is_null() && span.end() <= end && span.start() < end)
        .collect();
    // A value that has parts comes before them, and takes their place.
    found.sort_by_key(|(span, number)| (span.start(), usize::MAX - span.end(), *number));
    let mut at = 0;
    found.retain(|(span, _)| {
        let is_next = span.start() >= at;
        at = if is_next { span.end() } else { at };
        is_next
    });
    found
}

impl Redactor {
    /// Appends the form that a located value has in a malformed line.
    fn value(&mut self, column: usize, raw: &[u8], out: &mut Vec<u8>) {
        let Some(planned) = self.plan.columns.get(column) else {
            return shape::mask(raw, out);
        };
        if raw == b"-" || is_safe(planned, raw) {
            out.extend_from_slice(raw);
            return;
        }
        if !self.has_rule(column) {
            return shape::mask(raw, out);
        }
        let escapes = match planned.source {
            ColumnSource::Part { escaped: true, .. } => Some(self.plan.format.escapes),
            _ => None,
        };
        self.redacted(column, planned, (raw, escapes), out);
    }

    fn redacted(
        &mut self,
        column: usize,
        planned: &PlannedColumn,
        (raw, escapes): (&[u8], Option<Escapes>),
        out: &mut Vec<u8>,
    ) {
        let (mut value, mut redacted) = (Vec::new(), Vec::new());
        text::append(raw, escapes, &mut value);
        let is_list = planned.kind == crate::formats::Kind::TextList;
        for (number, item) in value.split(|byte| is_list && *byte == b' ').enumerate() {
            if number > 0 {
                redacted.push(b' ');
            }
            if !self.replace(column, item, &mut redacted) {
                redacted.push(b'-');
            }
        }
        // The line stays one line, with its quotes in place.
        out.extend(redacted.into_iter().map(|byte| {
            if text::is_clean(byte) || byte >= 0x80 {
                byte
            } else {
                b'x'
            }
        }));
    }
}

/// Returns whether no client can choose a value: a number or a time in its place, or a word of AWS.
fn is_safe(column: &PlannedColumn, raw: &[u8]) -> bool {
    match column.source {
        ColumnSource::Part { decode, .. } => match decode {
            Decode::Int32
            | Decode::Port
            | Decode::Int64
            | Decode::Count
            | Decode::Seconds
            | Decode::ProcessingSeconds
            | Decode::Time => value::check(decode, raw).is_ok(),
            _ => column.known.iter().any(|known| known.as_bytes() == raw),
        },
        ColumnSource::Filled(_) | ColumnSource::Extra(_) => false,
    }
}
