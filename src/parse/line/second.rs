//! Recognizes a second entry on a line: text that a tool put on one line because it dropped a newline, with or without a
//! space in its place, after a whole entry or after one that is cut.
//!
//! A second entry begins where the fields around a time are those around the time of an entry. [`Format::start`] declares
//! which. Values that may be glued to the start of an entry are the time itself, if the line begins with it, and the word
//! that the line begins with.
//!
//! [`Format::start`]: crate::formats::Format::start

use memchr::{memchr_iter, memchr3};

use crate::formats::{Decode, Look, Plan, PlannedField, Split};

use super::split::closing_quote;
use super::{Parts, Reason, Span, Tail};

/// The number of bytes of a time that are recognized, `YYYY-MM-DDTHH:MM`: an entry's start is still one if its time is
/// invalid.
const TIME: usize = 16;

/// Whether the quotes on a line are those that the load balancer wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// Each quoted field ends where it was closed. What is between quotes is a client's text, not another entry.
    Intact,
    /// A quote is missing or misplaced, so what is between two quotes may be an entry.
    Broken,
}

/// Returns the position at which a second entry begins, if there is one on the line.
pub(super) fn second_entry(plan: &Plan, base: &[u8], line: Span, quotes: Quotes) -> Option<usize> {
    let text = &base[..line.end()];
    let mut quotes = if plan.has_quotes { quotes } else { Quotes::Broken };
    let mut tokens = Vec::new();
    let mut inner_quote = false;
    collect_tokens(plan, text, line.start(), quotes, &mut tokens, &mut inner_quote);
    if inner_quote {
        quotes = Quotes::Broken;
        tokens.clear();
        collect_tokens(plan, text, line.start(), quotes, &mut tokens, &mut false);
    }
    (0..tokens.len()).find_map(|number| start_around(plan, text, &tokens, number, quotes))
}

/// Returns whether a line that was split without a fault may have a second entry. Costs little, because nearly all lines with
/// unknown trailing fields have none.
#[inline]
pub(super) fn may_have_second(plan: &Plan, base: &[u8], parts: &[Span], tail: Tail) -> bool {
    let among = if tail.extra.is_null() {
        &plan.late_text
    } else {
        &plan.any_text
    };
    tail.long_extra || misplaced_time(plan, base, parts, among).is_some()
}

/// Returns the position of a time, outside quotes, in a field that never contains one and that the shortest lines do not have.
/// The line is then a whole entry with the beginning of another in place of its last fields.
pub(super) fn time_in_late_field(plan: &Plan, base: &[u8], parts: &[Span]) -> Option<usize> {
    misplaced_time(plan, base, parts, &plan.late_text)
}

/// Returns whether a regular line may have such a time, as far as its fields that are never in quotes show.
#[inline]
pub fn may_have_late_time(plan: &Plan, base: &[u8], parts: &Parts<'_>) -> bool {
    plan.late_bare.iter().any(|part| {
        let bytes = parts.get(*part).bytes(base);
        // One byte rules out nearly all values.
        let suspicious = match plan.time_field {
            0 => bytes.last() == Some(&b'Z'),
            _ => bytes.get(10) == Some(&b'T'),
        };
        suspicious && bytes.len() >= TIME && time_within(bytes).is_some()
    })
}

/// Returns whether a value without quotes is a time.
pub(super) fn is_time(bytes: &[u8]) -> bool {
    bytes.len() >= TIME && time_within(bytes) == Some(0)
}

/// Returns the position of the first time in one of the parts, outside quotes.
fn misplaced_time(plan: &Plan, base: &[u8], parts: &[Span], among: &[usize]) -> Option<usize> {
    among.iter().find_map(|part| {
        let span = parts.get(*part)?;
        let bytes = span.bytes(base);
        // Only a time that begins a line can be glued to the value before it.
        let at_its_start = || bytes.get(10) == Some(&b'T');
        let in_quotes = || span.start() > 0 && base.get(span.start() - 1) == Some(&b'"');
        if bytes.len() < TIME || plan.time_field > 0 && !at_its_start() || in_quotes() {
            return None;
        }
        time_within(bytes).map(|at| span.start() + at)
    })
}

/// Checks that the word a line begins with is not glued to text before it. An unknown word is accepted.
///
/// Two forms are rejected: a known word after the beginnings of others, which an entry that was cut within its first field
/// leaves before the next one (`hthttps`), and a known word after a character that no such word contains
/// (`object.log.gz:https`).
pub fn first_word(known: &[&str], word: &[u8]) -> Result<(), Reason> {
    if known.iter().any(|known| known.as_bytes() == word) {
        return Ok(());
    }
    let before = |known: &&str| word.strip_suffix(known.as_bytes());
    if known.iter().filter_map(before).any(|before| is_cut(known, before)) {
        return Err(Reason::TwoEntries);
    }
    let in_words = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let after_other_text = |before: &[u8]| before.last().is_some_and(|last| !in_words(*last));
    if known.iter().filter_map(before).any(after_other_text) {
        return Err(Reason::NotAType);
    }
    Ok(())
}

/// Returns whether the text is a sequence of beginnings of known words.
fn is_cut(known: &[&str], mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let shared = |known: &&str| {
            let bytes = known.bytes().zip(text);
            bytes.take_while(|(known, byte)| known == *byte).count()
        };
        // The longest beginning each time is enough: none of the words contains the beginning of another.
        let longest = known.iter().map(shared).max().unwrap_or_default();
        if longest == 0 {
            return false;
        }
        text = &text[longest..];
    }
    true
}

/// Splits a text at spaces and line ends. Text in intact quotes is one token.
fn collect_tokens(
    plan: &Plan,
    text: &[u8],
    start: usize,
    quotes: Quotes,
    tokens: &mut Vec<Span>,
    inner_quote: &mut bool,
) {
    let mut at = start;
    while at < text.len() {
        if matches!(text[at], b' ' | b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let end = if quotes == Quotes::Intact && text[at] == b'"' {
            closing_quote(text, at + 1, plan.format.escapes, inner_quote).map(|quote| quote + 1)
        } else {
            memchr3(b' ', b'\r', b'\n', &text[at..]).map(|len| at + len)
        };
        let end = end.unwrap_or(text.len());
        tokens.push(Span::new(at, end));
        at = end;
    }
}

/// Returns the position of the entry whose time is in the token, unless it is the first entry of the line.
fn start_around(plan: &Plan, text: &[u8], tokens: &[Span], number: usize, quotes: Quotes) -> Option<usize> {
    let token = tokens[number];
    let bytes = token.bytes(text);
    if bytes.len() < TIME || (quotes == Quotes::Intact && bytes[0] == b'"') {
        return None;
    }
    let glued = time_within(bytes)?;
    let first = number.checked_sub(plan.time_field)?;
    let at = if plan.time_field == 0 {
        // Before the first time on the line is nothing, or a time that was cut.
        if number == 0 && (glued == 0 || !is_cut_time(&bytes[..glued])) {
            return None;
        }
        token.start() + glued
    } else {
        if first == 0 || glued > 0 {
            return None;
        }
        tokens[first].end() - first_word_len(&plan.fields[0], tokens[first].bytes(text))
    };
    let fits = |field: usize| {
        let token = tokens.get(first + field);
        token.is_some_and(|token| fits(plan, field, token.bytes(text)))
    };
    // An Application Load Balancer's line without its type has the fields of a Classic one.
    let balancer = balancer_field(plan).and_then(|(field, _)| tokens.get(first + field));
    if balancer.is_some_and(|token| !names_own_kind(plan, token.bytes(text))) {
        return None;
    }
    let (sign, others) = plan.start.split_first()?;
    let enough = fits(*sign) && others.iter().filter(|field| fits(**field)).count() >= 2;
    enough.then_some(at)
}

/// Returns how many of the fields at the start of a line, and its time, look like those of the format. Fields may be separated
/// by several spaces.
pub fn similar_fields(plan: &Plan, line: &[u8]) -> usize {
    let mut tokens = Vec::new();
    collect_tokens(plan, line, 0, Quotes::Intact, &mut tokens, &mut false);
    let looks_right = |field: &&usize| {
        let token = tokens.get(**field);
        token.is_some_and(|token| fits(plan, **field, token.bytes(line)))
    };
    plan.start.iter().chain([&plan.time_field]).filter(looks_right).count()
}

/// Returns whether the load balancer of a line that was split is not one of another kind, as far as its name shows.
pub fn names_balancer(plan: &Plan, base: &[u8], parts: &[Span]) -> bool {
    let balancer = balancer_field(plan).and_then(|(_, planned)| parts.get(planned.first_part)?.value(base));
    balancer.is_none_or(|balancer| names_own_kind(plan, balancer))
}

/// Returns the field that names the load balancer, with its number.
fn balancer_field(plan: &Plan) -> Option<(usize, &PlannedField)> {
    plan.fields.iter().enumerate().find(|(_, planned)| {
        let column = planned.field.columns().first();
        column.is_some_and(|column| column.decode == Decode::LoadBalancer)
    })
}

/// Returns whether a load balancer's name may be that of the kind that writes the log: that of a Classic one has no slash.
fn names_own_kind(plan: &Plan, balancer: &[u8]) -> bool {
    plan.format.objects.balancer.id_prefix().is_some() || !balancer.contains(&b'/')
}

/// Returns the length of the known word at the end of the bytes, or that of the bytes.
fn first_word_len(planned: &PlannedField, bytes: &[u8]) -> usize {
    let known = planned.field.columns().first().map_or(&[][..], |column| column.known);
    let ends = known.iter().filter(|known| bytes.ends_with(known.as_bytes()));
    ends.map(|known| known.len()).max().unwrap_or(bytes.len())
}

/// Returns the position of the first time within the bytes.
pub fn time_within(bytes: &[u8]) -> Option<usize> {
    memchr_iter(b'T', bytes).find_map(|at| {
        let start = at.checked_sub(10)?;
        let time = bytes.get(start..start + TIME)?;
        has_shape_of_time(time).then_some(start)
    })
}

/// Returns whether the bytes are the beginning of a time.
fn is_cut_time(bytes: &[u8]) -> bool {
    let (time, fraction) = bytes.split_at(bytes.len().min(19));
    let of_fraction = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'Z');
    has_shape_of_time(time) && fraction.iter().all(of_fraction)
}

/// Returns whether each of at most 19 bytes is one that a time has in its place.
fn has_shape_of_time(bytes: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'9' => byte.is_ascii_digit(),
        _ => byte == shape,
    };
    bytes.iter().zip(b"9999-99-99T99:99:99").all(fits)
}

/// Returns whether the bytes look like a value of the field. A first word may be glued to text before it.
pub(in crate::parse) fn fits(plan: &Plan, field: usize, bytes: &[u8]) -> bool {
    let planned = &plan.fields[field];
    let column = planned.field.columns().first();
    match (planned.split, column) {
        (Split::HostPort, _) => is_host_port(bytes),
        (Split::Target, _) => is_host_port(bytes) || bytes.starts_with(b"arn:"),
        (Split::Whole, None) => time_within(bytes) == Some(0),
        (Split::Whole, Some(column)) => match column.decode {
            Decode::Port | Decode::Count | Decode::Int32 | Decode::Int64 => bytes.iter().all(u8::is_ascii_digit),
            Decode::Seconds | Decode::ProcessingSeconds => {
                bytes
                    .iter()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
                    && bytes != b"-"
            }
            Decode::LoadBalancer => is_load_balancer(plan, bytes),
            _ if field == 0 => column.known.iter().any(|known| bytes.ends_with(known.as_bytes())),
            _ if !column.known.is_empty() => column.known.iter().any(|known| known.as_bytes() == bytes),
            _ => looks_like(planned.field.look, bytes),
        },
        (Split::Request | Split::Validity, _) => false,
    }
}

/// Returns whether the bytes look like that.
pub(super) fn looks_like(look: Look, bytes: &[u8]) -> bool {
    match look {
        Look::Any => true,
        Look::Address => {
            let of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'X' | b'x');
            bytes.iter().all(of_address) && bytes.iter().any(|byte| matches!(byte, b'.' | b':'))
        }
        Look::TlsVersion => {
            let name = bytes.get(..3).unwrap_or_default();
            (name.eq_ignore_ascii_case(b"TLS") || name.eq_ignore_ascii_case(b"SSL")) && bytes.len() <= 10
        }
    }
}

/// Returns whether the bytes are a load balancer's resource id, `app/name/id`, or the name of a Classic one.
pub(super) fn is_load_balancer(plan: &Plan, bytes: &[u8]) -> bool {
    match plan.format.objects.balancer.id_prefix() {
        Some(prefix) => bytes
            .strip_prefix(prefix.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&b'/')),
        None => !bytes.contains(&b'/'),
    }
}

/// Returns whether the bytes end in a colon and digits.
fn is_host_port(bytes: &[u8]) -> bool {
    let port = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let colon = (bytes.len() - port).checked_sub(1);
    port > 0 && colon.is_some_and(|colon| colon > 0 && bytes[colon] == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_word_is_not_glued_to_text_before_it() {
        let known = &["http", "https", "h2", "grpcs", "ws", "wss"];
        for word in ["https", "wss", "h3", "tcp", "qhttps", "HTTPS", "web-https", "ht", ""] {
            assert_eq!(first_word(known, word.as_bytes()), Ok(()), "{word}");
        }
        for word in ["hthttps", "hh2", "httpshttps", "grphttp", "wwss", "hhthttps", "httphws"] {
            assert_eq!(first_word(known, word.as_bytes()), Err(Reason::TwoEntries), "{word}");
        }
        for word in ["object.log.gz:https", "a/b:h2", "\u{feff}https", "1:http", "]ws"] {
            assert_eq!(first_word(known, word.as_bytes()), Err(Reason::NotAType), "{word}");
        }
        let long = ["h".repeat(1_000_000), "ttps".to_owned()].concat();
        assert_eq!(first_word(known, long.as_bytes()), Err(Reason::TwoEntries));
        assert_eq!(first_word(&["tls"], b"dtls"), Ok(()));
        assert_eq!(first_word(&["tls"], b"tltls"), Err(Reason::TwoEntries));
    }

    #[test]
    fn a_time_is_found_within_a_token() {
        assert_eq!(time_within(b"TLSv1.22018-12-13T15:16:01.132252Z"), Some(7));
        assert_eq!(time_within(b"2018-13-13T15:16:7xZ"), Some(0));
        assert_eq!(time_within(b"TLSv1.2018-12-13T15:1"), None);
        assert_eq!(time_within(b"T18-12-13T15:16:01Z"), None);
    }
}
