//! Which table the lines of an object fit.

use crate::formats::{FORMATS, Format, Plan, Source};
use crate::parse::line::{Fault, Span, check, first_fault, repair, split_line};

/// How many lines are looked at.
const SAMPLE: usize = 20;

/// No table fits the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What was tried.
    pub tried: Vec<Attempt>,
    /// The first line's shape, without its content.
    pub shape: String,
}

/// How far a table went on the line that it fits best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// The table's name.
    pub table: &'static str,
    /// Where it stopped; the byte counts from the start of the line.
    pub stopped: Fault,
}

/// How well a table fits the sample.
struct Fit {
    format: &'static Format,
    /// Lines that are events.
    events: usize,
    /// Whether the event's time, at least, stands on a line where it should.
    plausible: bool,
    /// The fault that lies furthest along its line.
    furthest: Option<Fault>,
}

/// Finds the table that the first lines fit.
///
/// A key that tells the type is believed where a line is an event of that table, or, where no line is an event of any
/// table, at least carries its time where that table has it: such an object's lines go to the quarantine one by one.
/// Lines that are events of another table win over the key. Without a telling key the first lines decide.
pub fn detect(text: &[u8], hint: Option<&'static Format>) -> Result<&'static Format, Unknown> {
    // Most often the key tells, and the first line is an event.
    if let Some(hint) = hint.filter(|hint| has_event(hint, text)) {
        return Ok(hint);
    }
    let fits = FORMATS.map(|format| fit(format, text));
    let hinted = fits
        .iter()
        .find(|fit| hint.is_some_and(|hint| std::ptr::eq(hint, fit.format)));
    // The first of equals, so that the order of the tables decides.
    if let Some(fit) = fits
        .iter()
        .rev()
        .filter(|fit| fit.events > 0)
        .max_by_key(|fit| fit.events)
    {
        return Ok(fit.format);
    }
    if let Some(fit) = hinted.filter(|fit| fit.plausible) {
        return Ok(fit.format);
    }
    let tried = fits
        .iter()
        .filter_map(|fit| {
            fit.furthest.map(|stopped| Attempt {
                table: fit.format.name,
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

fn fit(format: &'static Format, text: &[u8]) -> Fit {
    let plan = format.plan();
    let mut parts = vec![Span::NULL; plan.parts];
    let mut fit = Fit {
        format,
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

/// Whether one of the first lines is an event of the table.
fn has_event(format: &'static Format, text: &[u8]) -> bool {
    let plan = format.plan();
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

/// The first lines that are not blank, without line ends, and where each begins.
fn sample_lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    text.split(|byte| *byte == b'\n')
        .map(move |line| {
            let start = at;
            at += line.len() + 1;
            (start, line.strip_suffix(b"\r").unwrap_or(line))
        })
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .take(SAMPLE)
}

fn time_fits(plan: &Plan, text: &[u8], parts: &[Span]) -> bool {
    plan.columns.get(1).is_some_and(|column| match column.source {
        Source::Part { part, decode, .. } => {
            let time = parts.get(part).and_then(|span| span.value(text));
            time.is_some_and(|time| crate::parse::line::value::check(decode, time).is_ok())
        }
        Source::Filled(_) => false,
    })
}

/// Whether the text is that of a test object: `Enable AccessLog for ELB: …` and nothing else.
pub fn is_test_entry(text: &[u8]) -> bool {
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    lines.all(|line| line.starts_with(b"Enable ") && memchr::memmem::find(line, b"Log for ELB").is_some())
}

/// The shape of a line: letters as `a`, digits as `9`, runs of them once, punctuation as it stands, the rest as `?`;
/// 120 characters at most. It shows how a line is built, and nothing of what it says.
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
            "no table fits its lines (the first one is of the shape {:?}); tried",
            self.shape
        )?;
        for (number, attempt) in self.tried.iter().enumerate() {
            let separator = if number == 0 { " " } else { "; " };
            let Fault { reason, field, at } = attempt.stopped;
            let field = field.map(|field| format!(" in {field}")).unwrap_or_default();
            write!(
                out,
                "{separator}{}: {} at byte {at}{field}",
                attempt.table,
                reason.name()
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{ALB_ACCESS, ALB_CONNECTION, ALB_HEALTH_CHECK, CLB_ACCESS};

    const HEALTH: &[u8] = b"http 2026-10-07T12:44:59.875678Z 0.019584011 192.0.2.97:80 targets PASS 200 -\n";
    const CLASSIC: &[u8] =
        b"2026-10-07T23:39:43.945958Z lb 192.0.2.39:2817 192.0.2.1:80 0.01 0.01 0.01 200 200 0 29 \"GET http://a.example:80/ HTTP/1.1\"\n";

    #[test]
    fn lines_decide_and_the_key_is_believed_only_as_far_as_they_allow() {
        for hint in [None, Some(&ALB_HEALTH_CHECK), Some(&ALB_ACCESS)] {
            assert_eq!(detect(HEALTH, hint).unwrap().name, "alb_health_check_log");
            assert_eq!(detect(CLASSIC, hint).unwrap().name, "clb_access_log");
        }
        // Malformed, but a health check by its time: the key decides.
        let broken = b"http 2026-10-07T12:44:59.875678Z x 192.0.2.97:80 targets PASS 200 -\n";
        assert_eq!(
            detect(broken, Some(&ALB_HEALTH_CHECK)).unwrap().name,
            ALB_HEALTH_CHECK.name
        );
        assert_eq!(
            detect(broken, Some(&CLB_ACCESS)).unwrap_err().tried.len(),
            FORMATS.len()
        );
        assert!(detect(broken, None).is_err());
        assert_eq!(
            detect(&[b"garbage\n\n", HEALTH].concat(), Some(&ALB_CONNECTION))
                .unwrap()
                .name,
            ALB_HEALTH_CHECK.name
        );
    }

    #[test]
    fn the_error_shows_where_each_table_stopped_and_no_content() {
        let error = detect(b"{\"secret\":\"token-12345\"}\n", Some(&ALB_ACCESS)).unwrap_err();
        let text = error.to_string();
        for format in FORMATS {
            assert!(text.contains(format.name), "{text}");
        }
        assert!(!text.contains("secret") && !text.contains("12345"), "{text}");
        assert_eq!(error.shape, r#"{"a":"a-9"}"#);
    }

    #[test]
    fn test_entries_are_told_from_logs() {
        assert!(is_test_entry(
            b"Enable AccessLog for ELB: app/demo/1 at 2026-10-07T00:00:00Z"
        ));
        assert!(is_test_entry(b"Enable ConnectionLog for ELB\n"));
        assert!(!is_test_entry(HEALTH));
        assert!(!is_test_entry(&[b"Enable AccessLog for ELB: x\n", HEALTH].concat()));
    }
}
