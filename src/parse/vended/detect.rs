//! Detection of the form of a vended log, and of its log type, from the first lines of an object.

use crate::formats::{FieldOrder, LogType, Plan, vended_type};
use crate::parse::line::{Span, check, fits};

use super::delimited::{self, FIELDS, Header, directive_names, has_time};
use super::{Form, LineKind, VendedReader, json};

/// The number of lines that are examined.
const SAMPLE_LINES: usize = 20;

/// The delimiters that AWS offers.
const DELIMITERS: [u8; 3] = [b'\t', b',', b' '];

/// Returns the form and the log type of lines that name their values, if the first line shows it: it is a JSON object, a
/// directive or a header. A legacy line is none of these.
pub fn detect(text: &[u8]) -> Option<(LogType, Form)> {
    let first = sample_lines(text).next()?;
    match first.trim_ascii_start().first()? {
        b'{' => json(text),
        b'#' => w3c(text),
        byte if byte.is_ascii_lowercase() => plain(first),
        _ => None,
    }
}

/// Like [`detect`], for lines of which the first says nothing and no legacy log type fits: the first may be cut.
pub fn detect_after_others(text: &[u8]) -> Option<(LogType, Form)> {
    json(text)
}

/// Returns the form and the log type of plain lines without a header, given the order of their fields: one of the first lines
/// is an event of it. A delimiter in a value is not an event.
pub fn detect_order(text: &[u8], order: &FieldOrder) -> Option<(LogType, Form)> {
    let plan = order.log_type.plan();
    DELIMITERS.into_iter().find_map(|delimiter| {
        let form = Form::Bare(delimiter, order.clone());
        let mut reader = VendedReader::new(plan, form.clone());
        let mut events = sample_lines(text).filter(|line| is_event(plan, &mut reader, line));
        events.next().map(|_| (order.log_type, form))
    })
}

/// Like [`detect_order`], for lines of which nothing is known. Each of the first ones must have exactly the values of a log
/// type, in the order of the legacy log. Between spaces, such lines are legacy lines.
pub fn detect_usual(text: &[u8]) -> Option<(LogType, Form)> {
    let types = LogType::ALL
        .into_iter()
        .filter(|log_type| log_type.format().vended.is_some());
    types.into_iter().find_map(|log_type| {
        let plan = log_type.plan();
        let delimiter = [b'\t', b','].into_iter().find(|delimiter| {
            let form = Form::Bare(*delimiter, FieldOrder::usual(log_type));
            let mut reader = VendedReader::new(plan, form);
            let mut fits = |line| is_event(plan, &mut reader, line) && starts_as_usual(plan, line, *delimiter);
            sample_lines(text).next().is_some() && sample_lines(text).all(&mut fits)
        })?;
        Some((log_type, Form::Bare(delimiter, FieldOrder::usual(log_type))))
    })
}

/// Returns the number of values on each of the first lines, if they are evidently those of a log but have no names: one is a
/// time, and their number is the same between tabs or commas.
pub fn unnamed_values(text: &[u8]) -> Option<usize> {
    [b'\t', b','].into_iter().find_map(|delimiter| {
        let mut numbers = sample_lines(text).map(|line| {
            let values = line.split(|byte| *byte == delimiter);
            has_time(line, delimiter).then(|| values.count())
        });
        let number = numbers.next()??;
        (number >= 3 && numbers.all(|other| other == Some(number))).then_some(number)
    })
}

/// Returns whether a line is an event.
fn is_event(plan: &Plan, reader: &mut VendedReader, line: &[u8]) -> bool {
    let mut parts = vec![Span::NULL; plan.parts];
    reader.read(line, &mut parts) == Ok(LineKind::Values) && check(plan, &reader.values().text, &parts).is_ok()
}

/// Returns whether the values around the time look like those at the start of a legacy line: the one that must, and two others.
fn starts_as_usual(plan: &Plan, line: &[u8], delimiter: u8) -> bool {
    let values: Vec<_> = line.split(|byte| *byte == delimiter).collect();
    let looks_right = |field: &&usize| values.get(**field).is_some_and(|value| fits(plan, **field, value));
    let Some((sign, others)) = plan.start.split_first() else {
        return false;
    };
    looks_right(&sign) && others.iter().filter(looks_right).count() >= 2
}

/// Returns the log type that most of the first JSON objects have.
fn json(text: &[u8]) -> Option<(LogType, Form)> {
    let objects = sample_lines(text).filter(|line| line.trim_ascii_start().first() == Some(&b'{'));
    let types: Vec<_> = objects
        .filter_map(json::names)
        .filter_map(|names| vended_type(&names))
        .collect();
    let count = |log_type: &LogType| types.iter().filter(|other| *other == log_type).count();
    // `max_by_key` returns the last maximum; reversed, ties go to the first log type.
    let most = types.iter().rev().max_by_key(|log_type| count(log_type))?;
    Some((*most, Form::Json))
}

/// Returns the log type that the first directive of fields names, and the delimiter with which the most lines after it are
/// events, or else have as many values as there are names, or else that of the names.
fn w3c(text: &[u8]) -> Option<(LogType, Form)> {
    let mut lines = sample_lines(text);
    let header = lines.find(|line| line.starts_with(FIELDS))?;
    let names = directive_names(header.strip_prefix(FIELDS)?);
    let log_type = vended_type(&names)?;
    let plan = log_type.plan();
    let values: Vec<_> = lines.take_while(|line| line.first() != Some(&b'#')).collect();
    let fitting = |delimiter: &u8| {
        let mut reader = VendedReader::new(plan, Form::W3c(*delimiter));
        let mut parts = vec![Span::NULL; plan.parts];
        if reader.read(header, &mut parts).is_err() {
            return (0, 0, false);
        }
        let events = values.iter().filter(|line| is_event(plan, &mut reader, line)).count();
        let counts = |line: &&&[u8]| {
            delimited::pieces(line, *delimiter, |_| None).is_ok_and(|pieces| pieces.len() == names.len())
        };
        let counted = values.iter().filter(counts).count();
        (events, counted, *delimiter != b' ' && header.contains(delimiter))
    };
    // `max_by_key` returns the last maximum; reversed, ties go to the first delimiter.
    let delimiter = DELIMITERS.into_iter().rev().max_by_key(fitting)?;
    Some((log_type, Form::W3c(delimiter)))
}

/// Returns the log type that a header names.
fn plain(first: &[u8]) -> Option<(LogType, Form)> {
    DELIMITERS.into_iter().find_map(|delimiter| {
        let Header::Names(names) = delimited::header(first, delimiter)? else {
            return None;
        };
        Some((vended_type(&names)?, Form::Plain(delimiter)))
    })
}

/// Returns the first lines that are not blank, without line ends.
fn sample_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .take(SAMPLE_LINES)
}
