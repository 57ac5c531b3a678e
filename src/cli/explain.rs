//! `alb-ingest explain`: shows a line field by field, or where and why parsing failed.

use std::io::{BufRead as _, Write};

use anstyle::{AnsiColor, Style};
use clap::ArgMatches;

use crate::escape::escaped;
use crate::formats::{ColumnSource, Format, LogType};
use crate::object::{detect, nearest};
use crate::parse::batch::{Batch, LineParser, Malformed, Values};
use crate::parse::line::time::write_timestamp;
use crate::parse::line::{Fault, Span, read_line};

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
    if let Some(line) = matches.get_one::<String>("line") {
        all_parsed &= explain_line(line.as_bytes(), forced, &mut out)?;
    } else {
        for line in std::io::stdin().lock().split(b'\n') {
            let line = line.map_err(|error| Stop::Failed(format!("cannot read stdin: {error}")))?;
            if !line.trim_ascii().is_empty() {
                all_parsed &= explain_line(&line, forced, &mut out)?;
            }
        }
    }
    Ok(if all_parsed { OK } else { FAILED })
}

/// Explains a line and returns whether it is an event.
fn explain_line(line: &[u8], forced: Option<&'static Format>, out: &mut impl Write) -> Result<bool, Stop> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let detected = match forced {
        Some(format) => Ok(format),
        None => detect(line, None).map(LogType::format),
    };
    let detected = detected.or_else(|unknown| nearest(line).map(LogType::format).ok_or(unknown));
    let format = match detected {
        Ok(format) => format,
        Err(unknown) => {
            writeln!(out, "{BAD}unknown{BAD:#}: {unknown}")?;
            return Ok(false);
        }
    };
    let plan = format.plan();
    let mut parser = LineParser::new(plan, None);
    let mut batch = Batch::new(plan);
    let mut malformed: Vec<Malformed> = Vec::new();
    parser.push_block(line, 0, &mut batch, &mut malformed);
    parser.finish(&mut malformed);
    if let Some(malformed) = malformed.first() {
        return show_fault(line, format, malformed.fault, out).map(|()| false);
    }
    writeln!(out, "{GOOD}{}{GOOD:#}: {}", format.name, format.title)?;
    let mut parts = vec![Span::NULL; plan.parts];
    let whole = Span::new(0, line.len());
    // The parser read the line in the same way, so it is an event here too. A repaired line has the parts of the repair.
    let _ = read_line(plan, line, whole, &mut parts);
    let mut rows = TextTable::new(&["#", "field", "raw", "column", "value"]);
    for (column, values) in plan.columns.iter().zip(batch.columns()) {
        let (number, field, raw) = match column.source {
            ColumnSource::Part { part, field, .. } => {
                let span = parts.get(part).copied().unwrap_or(Span::NULL);
                let name = plan.fields.get(field).map_or("", |planned| planned.field.name);
                let raw = if span.is_null() {
                    String::new()
                } else {
                    printable(span.bytes(line))
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
