//! `alb-ingest explain`: shows a line field by field, or where and why parsing failed.

use std::io::{BufRead as _, Write};

use anstyle::{AnsiColor, Style};
use clap::ArgMatches;

use crate::escape::escaped;
use crate::formats::{ColumnSource, Format, LogType};
use crate::object::{Detected, detect_form, form_of, nearest};
use crate::parse::batch::{Batch, LineParser, Malformed, Values};
use crate::parse::line::time::write_timestamp;
use crate::parse::line::{Fault, Span, read_line};
use crate::parse::vended::{Form, LineKind, VendedReader, is_directive};

use super::text_table::TextTable;
use super::{FAILED, OK, Stop, table};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The maximum number of characters shown of a value.
const MAX_SHOWN: usize = 100;

pub(super) fn explain(matches: &ArgMatches) -> Result<u8, Stop> {
    let forced = table(matches);
    let mut out = anstream::stdout().lock();
    let mut all_parsed = true;
    let mut header = None;
    if let Some(line) = matches.get_one::<String>("line") {
        all_parsed &= explain_line(line.as_bytes(), forced, &mut header, &mut out)?;
    } else {
        for line in std::io::stdin().lock().split(b'\n') {
            let line = line.map_err(|error| Stop::Failed(format!("cannot read stdin: {error}")))?;
            if !line.trim_ascii().is_empty() {
                all_parsed &= explain_line(&line, forced, &mut header, &mut out)?;
            }
        }
    }
    Ok(if all_parsed { OK } else { FAILED })
}

/// A header of a vended log, and the form that it shows.
struct Header {
    detected: Detected,
    /// The line, with its newline.
    line: Vec<u8>,
}

/// Explains a line and returns whether it is an event or a header. The lines after a header are read by its names.
fn explain_line(
    line: &[u8],
    forced: Option<&'static Format>,
    header: &mut Option<Header>,
    out: &mut impl Write,
) -> Result<bool, Stop> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let found = match forced {
        Some(format) => Ok(Detected {
            log_type: format.log_type,
            form: form_of(line, format, None),
        }),
        None => detect_form(line, None, None),
    };
    if let Ok(detected) = &found
        && let Some(form) = &detected.form
        && is_header(detected.log_type, form, line)
    {
        writeln!(
            out,
            "{GOOD}header{GOOD:#}: {}, {}",
            detected.log_type.table(),
            form.title()
        )?;
        *header = Some(Header {
            detected: detected.clone(),
            line: [line, b"\n"].concat(),
        });
        return Ok(true);
    }
    if is_directive(line) && !line.starts_with(b"#Fields:") {
        writeln!(out, "{GOOD}directive{GOOD:#}")?;
        return Ok(true);
    }
    let nearest = |unknown| match nearest(line) {
        Some(log_type) => Ok(Detected { log_type, form: None }),
        None => Err(unknown),
    };
    let (before, detected) = match header {
        Some(header) => (header.line.as_slice(), Ok(header.detected.clone())),
        None => (&[][..], found.or_else(nearest)),
    };
    let Detected { log_type, form } = match detected {
        Ok(detected) => detected,
        Err(unknown) => {
            writeln!(out, "{BAD}unknown{BAD:#}: {unknown}")?;
            return Ok(false);
        }
    };
    explain_as(line, log_type.format(), form, before, out)
}

/// Returns whether a line names the values of the lines after it.
fn is_header(log_type: LogType, form: &Form, line: &[u8]) -> bool {
    let plan = log_type.plan();
    let mut parts = vec![Span::NULL; plan.parts];
    VendedReader::new(plan, form.clone()).read(line, &mut parts) == Ok(LineKind::Header)
}

/// Explains a line of a table, after a header or nothing.
fn explain_as(
    line: &[u8],
    format: &'static Format,
    form: Option<Form>,
    before: &[u8],
    out: &mut impl Write,
) -> Result<bool, Stop> {
    let plan = format.plan();
    let mut parser = LineParser::new(plan, None);
    if let Some(form) = &form {
        parser.read_as(form.clone());
    }
    let mut batch = Batch::new(plan);
    let mut malformed: Vec<Malformed> = Vec::new();
    parser.push_block(&[before, line].concat(), 0, &mut batch, &mut malformed);
    parser.finish(&mut malformed);
    if let Some(malformed) = malformed.first() {
        let mut fault = malformed.fault;
        fault.at = fault.at.saturating_sub(before.len());
        return show_fault(line, format, fault, out).map(|()| false);
    }
    let named = form
        .as_ref()
        .map(|form| format!(" ({})", form.title()))
        .unwrap_or_default();
    writeln!(out, "{GOOD}{}{GOOD:#}: {}{named}", format.name, format.title)?;
    let mut parts = vec![Span::NULL; plan.parts];
    // The parser read the line in the same way, so it is an event here too. A repaired line has the parts of the repair.
    let mut reader = form.map(|form| VendedReader::new(plan, form));
    let text = if let Some(reader) = &mut reader {
        if !before.is_empty() {
            let _ = reader.read(before.trim_ascii_end(), &mut parts);
        }
        let _ = reader.read(line, &mut parts);
        reader.values().text.as_slice()
    } else {
        let _ = read_line(plan, line, Span::new(0, line.len()), &mut parts);
        line
    };
    let mut rows = TextTable::new(&["#", "field", "raw", "column", "value"]);
    for (column, values) in plan.columns.iter().zip(batch.columns()) {
        let (number, field, raw) = match column.source {
            ColumnSource::Part { part, field, .. } => {
                let span = parts.get(part).copied().unwrap_or(Span::NULL);
                let name = plan.fields.get(field).map_or("", |planned| planned.field.name);
                let raw = if span.is_null() {
                    String::new()
                } else {
                    printable(span.bytes(text))
                };
                ((field + 1).to_string(), name, raw)
            }
            ColumnSource::Filled(_) | ColumnSource::Extra(_) => (String::new(), "", String::new()),
        };
        if !matches!(values, Values::OfObject) {
            rows.row(vec![
                number,
                field.to_owned(),
                raw,
                column.name.to_owned(),
                shown(values, batch.text()),
            ]);
        }
    }
    write!(out, "{}", rows.text(5))?;
    for (rule, count) in parser.repairs.iter().filter(|(_, count)| *count > 0) {
        writeln!(out, "repaired: {} ({count})", rule.name())?;
    }
    Ok(true)
}

/// Shows the fault of a malformed line, with a mark below the byte.
fn show_fault(line: &[u8], format: &'static Format, fault: Fault, out: &mut impl Write) -> Result<(), Stop> {
    let number = format
        .plan()
        .fields
        .iter()
        .position(|planned| Some(planned.field.name) == fault.field);
    writeln!(out, "{BAD}malformed{BAD:#} as {}: {}", format.name, fault.reason)?;
    if let (Some(number), Some(field)) = (number, fault.field) {
        writeln!(out, "field {} {field}, byte {} of the line", number + 1, fault.at)?;
    } else {
        writeln!(out, "byte {} of the line", fault.at)?;
    }
    let from = fault.at.saturating_sub(60).min(line.len());
    let before = printable(line.get(from..fault.at.min(line.len())).unwrap_or_default());
    let after = printable(line.get(fault.at.min(line.len())..).unwrap_or_default());
    writeln!(out, "  {before}{BAD}{after}{BAD:#}")?;
    writeln!(out, "  {}{BAD}^{BAD:#}", " ".repeat(before.chars().count()))?;
    Ok(())
}

/// Returns the first value of a column as text.
fn shown(values: &Values, text: &[u8]) -> String {
    let text = match values {
        Values::Text(texts) => texts.get(0, text).map(|text| format!("\"{}\"", printable(text))),
        Values::Int32(numbers) => numbers.get(0).map(|number| number.to_string()),
        Values::Int64(numbers) => numbers.get(0).map(|number| number.to_string()),
        Values::Float64(numbers) => numbers.get(0).map(|number| number.to_string()),
        Values::Timestamp(numbers) => numbers.get(0).map(|micros| {
            let mut text = Vec::new();
            write_timestamp(micros, &mut text);
            printable(&text)
        }),
        Values::TextList(lists) => lists
            .get(0, text)
            .map(|items| format!("[{}]", items.map(printable).collect::<Vec<_>>().join(", "))),
        Values::OfObject => None,
    };
    text.unwrap_or_else(|| "null".to_owned())
}

/// Returns text that is safe to print: escapes control characters and invalid UTF-8, and shortens long text.
fn printable(bytes: &[u8]) -> String {
    let mut text = escaped(bytes).to_string();
    if text.chars().count() > MAX_SHOWN {
        text = text.chars().take(MAX_SHOWN - 1).chain(['…']).collect();
    }
    text
}
