//! Detection of the log type from the first lines of an object.

use std::cmp::Reverse;

use crate::formats::{ColumnSource, FieldOrder, Format, LogType, Plan};
use crate::parse::line::value::check;
use crate::parse::line::{Fault, Reason, Span, names_balancer, read_line, similar_fields, time_within};
use crate::parse::vended::{self, Form};

/// The number of lines that are examined.
const SAMPLE_LINES: usize = 20;

/// The error for lines that fit no log type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The attempts, one per log type.
    pub tried: Vec<Attempt>,
    /// The shape of the first line, without its content.
    pub shape: String,
    /// The number of values on each line, if they are evidently those of a log but have no names.
    pub unnamed: Option<usize>,
}

/// How far the rules of a log type matched the line that they fit best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The log type.
    pub log_type: LogType,
    /// Where matching stopped; the byte is counted from the start of the line.
    pub stopped: Fault,
}

/// How well a log type fits the examined lines.
struct Fit {
    log_type: LogType,
    /// The number of lines that are events.
    events: usize,
    /// The number of fields that look right on lines that were recognized but are not events: two entries, or text before
    /// the entry.
    recognized: usize,
    /// The number of lines that are events by accident: they name another kind of load balancer.
    accidental: usize,
    /// Whether at least the time of the event is in the right place on one of the lines.
    plausible: bool,
    /// The fault that is furthest along its line.
    furthest: Option<Fault>,
}

/// What the first lines of an object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detected {
    /// The log type.
    pub log_type: LogType,
    /// The form of a vended log; `None` for a legacy log.
    pub form: Option<Form>,
}

/// Detects whether the first lines are those of a vended log, and their log type.
///
/// The names in a vended log decide on its log type, whatever the key says. Lines without names are read in the given order, and
/// if they do not have it, not at all; without one, in that of the legacy log, if every one of the first lines has it.
pub fn detect_form(text: &[u8], hint: Option<LogType>, order: Option<&FieldOrder>) -> Result<Detected, Unknown> {
    if let Some(found) = vended::detect(text) {
        return Ok(found.into());
    }
    if let Some(order) = order {
        let found = vended::detect_order(text, order);
        return found.map(Into::into).ok_or_else(|| unknown(text, Vec::new()));
    }
    let legacy = detect(text, hint).map(|log_type| Detected { log_type, form: None });
    legacy.or_else(|unknown| {
        let others = vended::detect_after_others(text).or_else(|| vended::detect_usual(text));
        others.map(Into::into).ok_or(unknown)
    })
}

/// Returns the form of an object whose log type is given.
pub fn form_of(text: &[u8], format: &Format, order: Option<&FieldOrder>) -> Option<Form> {
    let named = vended::detect(text).map(|(_, form)| form);
    named.or_else(|| {
        let order = order.filter(|order| order.log_type == format.log_type);
        let found = order.map_or_else(|| vended::detect_usual(text), |order| vended::detect_order(text, order));
        found
            .filter(|(log_type, _)| *log_type == format.log_type)
            .map(|(_, form)| form)
    })
}

impl From<(LogType, Form)> for Detected {
    fn from((log_type, form): (LogType, Form)) -> Self {
        Self {
            log_type,
            form: Some(form),
        }
    }
}

/// Detects the log type of the first lines of a legacy log.
///
/// The log type in the key, `hint`, wins if one of the lines is an event of any log type, or has a time where the key's log
/// type has one. Lines that are not events of it go to the quarantine one by one, even if they are events of another log
/// type. Without a log type in the key, the log type of which most lines are events is detected, or of which lines are
/// recognized that are not events: two entries on one line, or text before the entry.
pub fn detect(text: &[u8], hint: Option<LogType>) -> Result<LogType, Unknown> {
    // The most frequent case: the key names the log type, and the first line is an event.
    if let Some(hint) = hint.filter(|hint| has_event(*hint, text)) {
        return Ok(hint);
    }
    let fits = LogType::ALL.map(|log_type| fit(log_type, text));
    let hinted = fits.iter().find(|fit| hint == Some(fit.log_type));
    // `max_by_key` returns the last maximum; reversed, ties go to the first log type.
    let best = fits
        .iter()
        .rev()
        .filter(|fit| fit.events + fit.recognized > 0)
        .max_by_key(|fit| (fit.events, fit.recognized));
    let is_log = best.is_some() || fits.iter().any(|fit| fit.accidental > 0);
    if let Some(fit) = hinted.filter(|fit| is_log || fit.plausible) {
        return Ok(fit.log_type);
    }
    if let Some(fit) = best {
        return Ok(fit.log_type);
    }
    let tried = fits
        .iter()
        .filter_map(|fit| {
            fit.furthest.map(|stopped| Attempt {
                log_type: fit.log_type,
                stopped,
            })
        })
        .collect();
    Err(unknown(text, tried))
}

fn unknown(text: &[u8], tried: Vec<Attempt>) -> Unknown {
    let first = sample_lines(text).next();
    Unknown {
        tried,
        shape: first.map(|(_, line)| redacted_shape(line)).unwrap_or_default(),
        unnamed: vended::unnamed_values(text),
    }
}

/// Returns the log type that a malformed line is nearest to: the one with the most values at the start of the line that look
/// like those of its fields, and of several the one whose fault is furthest along the line. Returns `None` if the start of
/// the line looks like that of no log type.
pub fn nearest(line: &[u8]) -> Option<LogType> {
    let distances = LogType::ALL.into_iter().filter_map(|log_type| {
        let plan = log_type.plan();
        let similar = similar_fields(plan, line);
        let mut parts = vec![Span::NULL; plan.parts];
        let fault = read_line(plan, line, Span::new(0, line.len()), &mut parts).err();
        let reached = fault.map_or(line.len(), |fault| fault.at);
        (similar * 2 > plan.start.len()).then_some((similar, reached, log_type))
    });
    let nearest = distances.max_by_key(|(similar, reached, log_type)| (*similar, *reached, Reverse(*log_type)));
    nearest.map(|(_, _, log_type)| log_type)
}

fn fit(log_type: LogType, text: &[u8]) -> Fit {
    let plan = log_type.plan();
    let mut parts = vec![Span::NULL; plan.parts];
    let mut fit = Fit {
        log_type,
        events: 0,
        recognized: 0,
        accidental: 0,
        plausible: false,
        furthest: None,
    };
    for (start, line) in sample_lines(text) {
        let span = Span::new(start, start + line.len());
        let read = read_line(plan, text, span, &mut parts);
        let timed = time_fits(plan, text, &parts);
        fit.plausible |= timed;
        match read {
            Ok(_) if names_balancer(plan, text, &parts) => fit.events += 1,
            Ok(_) => fit.accidental += 1,
            Err(mut fault) => {
                if timed && matches!(fault.reason, Reason::TwoEntries | Reason::NotAType) {
                    fit.recognized += similar_fields(plan, line);
                }
                fault.at = fault.at.saturating_sub(start);
                if fit.furthest.is_none_or(|furthest| furthest.at < fault.at) {
                    fit.furthest = Some(fault);
                }
            }
        }
    }
    fit
}

/// Returns whether one of the first lines is an event of the log type.
fn has_event(log_type: LogType, text: &[u8]) -> bool {
    let plan = log_type.plan();
    let mut parts = vec![Span::NULL; plan.parts];
    sample_lines(text).any(|(start, line)| {
        let span = Span::new(start, start + line.len());
        read_line(plan, text, span, &mut parts).is_ok()
    })
}

/// Returns the first lines that are not blank, without line ends, and the position of each.
fn sample_lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    text.split(|byte| *byte == b'\n')
        .map(move |line| {
            let start = at;
            at += line.len() + 1;
            (start, line.strip_suffix(b"\r").unwrap_or(line))
        })
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .take(SAMPLE_LINES)
}

/// Returns whether the part for the time of the event is a time.
fn time_fits(plan: &Plan, text: &[u8], parts: &[Span]) -> bool {
    plan.columns.get(1).is_some_and(|column| match column.source {
        ColumnSource::Part { part, decode, .. } => {
            let token = parts.get(part).and_then(|span| span.value(text)).unwrap_or_default();
            // Text may precede it, such as the name of a file.
            let time = time_within(token).and_then(|at| token.get(at..));
            time.is_some_and(|time| check(decode, time).is_ok())
        }
        ColumnSource::Filled(_) | ColumnSource::Extra(_) => false,
    })
}

/// Returns whether the text is that of a test object: `Enable AccessLog for ELB: …` and nothing else.
pub fn is_test_entry(text: &[u8]) -> bool {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    lines.all(|line| line.starts_with(b"Enable ") && memchr::memmem::find(line, b"Log for ELB").is_some())
}

/// Returns the shape of a line: each run of letters as `a`, of digits as `9` and of other bytes as `?`, with punctuation
/// unchanged; at most 120 characters. It shows the structure of a line without its content.
pub fn redacted_shape(line: &[u8]) -> String {
    let mut shape = String::new();
    let mut last = '\0';
    for byte in line {
        let class = match byte {
            b'a'..=b'z' | b'A'..=b'Z' => 'a',
            b'0'..=b'9' => '9',
            b' '..=b'~' => char::from(*byte),
            _ => '?',
        };
        if class != last || !matches!(class, 'a' | '9' | '?') {
            shape.push(class);
        }
        last = class;
        if shape.len() >= 120 {
            break;
        }
    }
    shape
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shape = &self.shape;
        if self.tried.is_empty() {
            write!(
                out,
                "its lines are not in the order of FIELDS (the first line has the shape {shape:?})"
            )?;
        } else {
            write!(
                out,
                "its lines fit no log type (the first line has the shape {shape:?}); tried"
            )?;
        }
        for (number, attempt) in self.tried.iter().enumerate() {
            let separator = if number == 0 { " " } else { "; " };
            let Fault { reason, field, at } = attempt.stopped;
            let field = field.map(|field| format!(" in {field}")).unwrap_or_default();
            write!(
                out,
                "{separator}{}: {} at byte {at}{field}",
                attempt.log_type.table(),
                reason.name()
            )?;
        }
        if let Some(values) = self.unnamed {
            write!(
                out,
                "; its lines have {values} values without names: if it is a vended log, set FIELDS (--fields) to the names in the order of the delivery"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTH: &[u8] = b"http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    const CLASSIC: &[u8] =
        b"2026-10-07T23:39:43.945958Z lb 192.0.2.39:2817 192.0.2.1:80 0.01 0.01 0.01 200 200 0 29 \"GET http://a.example:80/ HTTP/1.1\"\n";

    #[test]
    fn the_key_decides_if_the_lines_are_a_log() {
        for (lines, log_type) in [(HEALTH, LogType::AlbHealthCheck), (CLASSIC, LogType::ClbAccess)] {
            assert_eq!(detect(lines, None), Ok(log_type));
            for hint in LogType::ALL {
                assert_eq!(detect(lines, Some(hint)), Ok(hint));
                assert_eq!(detect(&[b"garbage\n\n", lines].concat(), Some(hint)), Ok(hint));
            }
        }
        // Malformed, but its time is where a health check has it.
        let broken = b"http 2026-10-07T12:44:59.875678Z x 192.0.2.97:80 targets PASS 200 -\n";
        assert_eq!(
            detect(broken, Some(LogType::AlbHealthCheck)),
            Ok(LogType::AlbHealthCheck)
        );
        assert_eq!(
            detect(broken, Some(LogType::ClbAccess)).unwrap_err().tried.len(),
            LogType::ALL.len()
        );
        assert!(detect(broken, None).is_err());
    }

    #[test]
    fn a_malformed_line_is_nearest_to_the_log_type_whose_fields_it_begins_with() {
        let application = "https 2026-10-07T12:44:59.875678Z app/shop/7f3c9a1e5b2d4860 192.0.2.10:51234 10.0.0.8:80 0.001 0.002 \
                           0.000 200 200 120 512 \"GET https://www.example.com:443/a HT";
        for (line, log_type) in [
            (application, Some(LogType::AlbAccess)),
            (&application.replace(" 200 200", " 2xx 200"), Some(LogType::AlbAccess)),
            (&application.replacen(' ', "  ", 1), Some(LogType::AlbAccess)),
            (&application.replacen("2026-10", "2026-13", 1), Some(LogType::AlbAccess)),
            (
                "http 2026-13-07T12:44:59Z 0.0195 192.0.2.97:80 targets PASS 200 -",
                Some(LogType::AlbHealthCheck),
            ),
            (
                "http - 0.0195 192.0.2.97:80 targets PASS ok -",
                Some(LogType::AlbHealthCheck),
            ),
            (
                "2026-10-07T12:44:59Z shop 192.0.2.39:2817 192.0.2.1:80 0.1 0.1  0.1 200",
                Some(LogType::ClbAccess),
            ),
            (
                "2026-10-07T12:44:59Z 192.0.2.39 2817 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.0x",
                Some(LogType::AlbConnection),
            ),
            (
                "tls 2.0 2026-10-07T12:44:59 net/n/1 2 192.0.2.39:2817 192.0.2.1:443 5s",
                Some(LogType::NlbAccess),
            ),
            ("Oct  7 12:44:59 host sshd[311]: session opened", None),
            ("{\"type\":\"https\"}", None),
            ("", None),
        ] {
            assert_eq!(nearest(line.as_bytes()), log_type, "{line}");
        }
    }

    #[test]
    fn the_error_shows_where_each_log_type_stopped_and_no_content() {
        let error = detect(b"{\"secret\":\"token-12345\"}\n", Some(LogType::AlbAccess)).unwrap_err();
        let text = error.to_string();
        for log_type in LogType::ALL {
            assert!(text.contains(log_type.table()), "{text}");
        }
        assert!(!text.contains("secret") && !text.contains("12345"), "{text}");
        assert_eq!(error.shape, r#"{"a":"a-9"}"#);
    }

    #[test]
    fn test_entries_are_distinguished_from_logs() {
        assert!(is_test_entry(
            b"Enable AccessLog for ELB: app/demo/1 at 2026-10-07T00:00:00Z"
        ));
        assert!(is_test_entry(b"Enable ConnectionLog for ELB\n"));
        assert!(!is_test_entry(HEALTH));
        assert!(!is_test_entry(&[b"Enable AccessLog for ELB: x\n", HEALTH].concat()));
    }
}
