//! Detection of the log type from the first lines of an object.

use crate::formats::{ColumnSource, LogType, Plan};
use crate::parse::line::{Fault, Span, check, first_fault, repair, split_line};

/// The number of lines that are examined.
const SAMPLE_LINES: usize = 20;

/// The error for lines that fit no log type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The attempts, one per log type.
    pub tried: Vec<Attempt>,
    /// The shape of the first line, without its content.
    pub shape: String,
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
    /// Whether at least the time of the event is in the right place on one of the lines.
    plausible: bool,
    /// The fault that is furthest along its line.
    furthest: Option<Fault>,
}

/// Detects the log type of the first lines.
///
/// The log type in the key, `hint`, wins if one of the lines is an event of it. Otherwise, lines that are events of
/// another log type decide. If no line is an event of any log type, the key still wins if a line has a time where its log
/// type has one; the lines of such an object go to the quarantine one by one.
pub fn detect(text: &[u8], hint: Option<LogType>) -> Result<LogType, Unknown> {
    // The most frequent case: the key names the log type, and the first line is an event.
    if let Some(hint) = hint.filter(|hint| has_event(*hint, text)) {
        return Ok(hint);
    }
    let fits = LogType::ALL.map(|log_type| fit(log_type, text));
    let hinted = fits.iter().find(|fit| hint == Some(fit.log_type));
    // `max_by_key` returns the last maximum; reversed, ties go to the first log type.
    if let Some(fit) = fits
        .iter()
        .rev()
        .filter(|fit| fit.events > 0)
        .max_by_key(|fit| fit.events)
    {
        return Ok(fit.log_type);
    }
    if let Some(fit) = hinted.filter(|fit| fit.plausible) {
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
    let shape = sample_lines(text)
        .next()
        .map(|(_, line)| redacted_shape(line))
        .unwrap_or_default();
    Err(Unknown { tried, shape })
}

fn fit(log_type: LogType, text: &[u8]) -> Fit {
    let plan = log_type.plan();
    let mut parts = vec![Span::NULL; plan.parts];
    let mut fit = Fit {
        log_type,
        events: 0,
        plausible: false,
        furthest: None,
    };
    for (start, line) in sample_lines(text) {
        let span = Span::new(start, start + line.len());
        let read = read_line(plan, text, span, &mut parts);
        fit.plausible |= time_fits(plan, text, &parts);
        match read {
            Ok(()) => fit.events += 1,
            Err(_) if repair(plan, text, span, &mut parts).is_some() => fit.events += 1,
            Err(mut fault) => {
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
        read_line(plan, text, span, &mut parts).is_ok() || repair(plan, text, span, &mut parts).is_some()
    })
}

fn read_line(plan: &Plan, text: &[u8], line: Span, parts: &mut [Span]) -> Result<(), Fault> {
    match split_line(plan, text, line, parts) {
        Ok(_) => check(plan, text, parts),
        Err(fault) => Err(first_fault(plan, text, parts, fault)),
    }
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
            let time = parts.get(part).and_then(|span| span.value(text));
            time.is_some_and(|time| crate::parse::line::value::check(decode, time).is_ok())
        }
        ColumnSource::Filled(_) => false,
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
        write!(
            out,
            "its lines fit no log type (the first line has the shape {:?}); tried",
            self.shape
        )?;
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
    fn lines_win_over_the_key_unless_none_is_an_event() {
        for hint in [None, Some(LogType::AlbHealthCheck), Some(LogType::AlbAccess)] {
            assert_eq!(detect(HEALTH, hint), Ok(LogType::AlbHealthCheck));
            assert_eq!(detect(CLASSIC, hint), Ok(LogType::ClbAccess));
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
        assert_eq!(
            detect(&[b"garbage\n\n", HEALTH].concat(), Some(LogType::AlbConnection)),
            Ok(LogType::AlbHealthCheck)
        );
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
