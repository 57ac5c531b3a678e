//! Decodes the parts of split lines into columns, column by column.

use std::ops::Range;

use crate::formats::{ColumnSource, Decode, Escapes, Extra, Fill, Presence};
use crate::parse::line::fast_value::{Times, count, int32, int64, port, seconds, short_word};
use crate::parse::line::value::{comma_items, quoted_items, space_items};
use crate::parse::line::{Fault, Reason, Span, contains, extra_tokens, first_word, text};

use super::Batch;
use super::rows::{Row, Rows};
use super::values::{Lists, Numbers, Texts, Values};

/// Split lines, and the place of the text that their spans point into.
pub(super) struct SplitLines<'a> {
    /// The lines in the batch's text.
    pub(super) lines: Range<usize>,
    pub(super) rows: &'a Rows,
    /// Whether all rows are ASCII without a backslash.
    pub(super) all_plain: bool,
    /// The load balancer that the object's key names.
    pub(super) load_balancer: Option<&'a [u8]>,
}

/// One part of every row.
#[derive(Clone, Copy)]
struct Part<'a> {
    split: &'a SplitLines<'a>,
    number: usize,
    decode: Decode,
    /// The way escapes are written, if the field has any.
    escapes: Option<Escapes>,
}

/// Appends the rows to the batch. Rows with a value that does not fit are added to `faults`, in no order; the batch then
/// contains placeholders for them, so the caller removes those rows and fills again.
pub(super) fn fill(split: &SplitLines<'_>, batch: &mut Batch, faults: &mut Vec<(usize, Fault)>) {
    let Batch {
        plan,
        text,
        columns,
        clean,
        rows: before,
        bytes,
    } = batch;
    // Texts are not copied one by one: the batch has the whole lines, and each text is a span of them.
    let lines = split.lines.clone();
    let base = u32::try_from(lines.start).expect("texts are shorter than 4 GiB");
    let others = text.len();
    let load_balancer = split.load_balancer.map_or(Span::NULL, |name| {
        text.extend_from_slice(name);
        Span::new(others, text.len())
    });
    // The load balancer's name is from the object's key, which may contain any byte.
    let clean_name = load_balancer.bytes(text).iter().all(|byte| text::is_clean(*byte));
    clean.extend(split.rows.rows().iter().map(|row| row.clean && clean_name));
    for (column, values) in plan.columns.iter().zip(columns) {
        let (part, field, decode, in_quotes) = match column.source {
            ColumnSource::Part {
                part,
                field,
                decode,
                escaped,
            } => (part, field, decode, escaped),
            ColumnSource::Filled(fill) => {
                fill_in(split, fill, values, text);
                continue;
            }
            ColumnSource::Extra(Extra::RawLine) => {
                fill_raw(split, base, values, text);
                continue;
            }
            ColumnSource::Extra(_) => continue,
        };
        let from = Part {
            split,
            number: part,
            decode,
            escapes: in_quotes.then_some(plan.format.escapes),
        };
        let mut refuse = |row: usize, reason, span| faults.push((row, Fault::in_field(reason, plan, field, span)));
        let nulls = values.nulls();
        match values {
            Values::Text(texts) => {
                from.texts(base, texts, text);
                if decode == Decode::LoadBalancer {
                    texts.fill_nulls(*before, load_balancer);
                }
                if column.first_word {
                    from.first_words(&text[lines.clone()], column.known, &mut refuse);
                }
            }
            Values::TextList(lists) => from.lists(base, lists, text),
            _ => from.any_numbers(&text[lines.clone()], values, &mut refuse),
        }
        if column.presence == Presence::Required && values.nulls() > nulls {
            for (number, span) in split.rows.part(part).iter().enumerate() {
                if span.is_null() {
                    refuse(number, Reason::Missing, *span);
                }
            }
        }
    }
    *before += split.rows.rows().len();
    *bytes += lines.len() + text.len() - others;
}

/// Fills the column of raw lines, which are spans of the batch's text.
fn fill_raw(split: &SplitLines<'_>, base: u32, values: &mut Values, out: &mut Vec<u8>) {
    let Values::Text(texts) = values else {
        unreachable!("raw lines are texts")
    };
    for row in split.rows.rows() {
        let line = row.span.bytes(&out[split.lines.clone()]);
        if text::is_plain(line, None) {
            texts.push(row.span.shifted(base));
        } else {
            let line = line.to_vec();
            texts.push_with(out, |out| text::append(&line, None, out));
        }
    }
}

fn fill_in(split: &SplitLines<'_>, fill: Fill, values: &mut Values, out: &mut Vec<u8>) {
    let rows = split.rows.rows();
    match (fill, values) {
        (Fill::SourceLine, Values::Int64(numbers)) => {
            let number = |row: &Row| i64::try_from(row.line).expect("an object has fewer lines");
            numbers.extend(rows.iter().map(|row| Some(number(row))));
        }
        (Fill::ExtraFields, Values::TextList(lists)) => {
            for row in rows {
                let extra = row.extra.bytes(&out[split.lines.clone()]).to_vec();
                for token in extra_tokens(&extra, Span::new(0, extra.len())) {
                    lists.push_item_with(out, |out| text::append(token, None, out));
                }
                lists.end(!row.extra.is_null());
            }
        }
        (_, Values::OfObject) => {}
        (fill, _) => unreachable!("{fill:?} is stored in another type"),
    }
}

/// The number of seconds in logs for a time that was not measured.
const NOT_MEASURED: f64 = -1.0;

// Each of these is a loop over one column. They are not inlined into the loop over the columns, where they would compete
// for registers.
impl Part<'_> {
    /// Fills texts: spans of the lines, which begin at `base` of `out`, the batch's text. A text that differs from its form on
    /// the line is appended to it.
    #[inline(never)]
    fn texts(self, base: u32, texts: &mut Texts, out: &mut Vec<u8>) {
        let rows = self.split.rows;
        let spans = rows.part(self.number);
        if self.split.all_plain {
            texts.extend_shifted(spans, base);
            return;
        }
        let views = rows.rows().iter().zip(spans).map(|(row, span)| {
            if span.is_null() {
                return Span::NULL;
            }
            if row.plain {
                return span.shifted(base);
            }
            let bytes = span.bytes(&out[self.split.lines.clone()]);
            if text::is_plain(bytes, self.escapes) {
                return span.shifted(base);
            }
            let (start, bytes) = (out.len(), bytes.to_vec());
            text::append(&bytes, self.escapes, out);
            Span::new(start, out.len())
        });
        texts.extend(views);
    }

    /// Checks the words that the lines begin with. Most are the same as the one before.
    #[inline(never)]
    fn first_words(self, text: &[u8], known: &[&str], mut refuse: impl FnMut(usize, Reason, Span)) {
        let mut last = None;
        for (number, span) in self.split.rows.part(self.number).iter().enumerate() {
            let word = short_word(text, *span);
            if word.is_some() && word == last {
                continue;
            }
            last = word;
            if !span.is_null()
                && let Err(reason) = first_word(known, span.bytes(text))
            {
                last = None;
                refuse(number, reason, *span);
            }
        }
    }

    /// Fills a column of numbers or times.
    fn any_numbers(self, text: &[u8], values: &mut Values, refuse: &mut impl FnMut(usize, Reason, Span)) {
        match (values, self.decode) {
            (Values::Int32(into), Decode::Port) => {
                self.numbers(text, |text, span| port(text, span).map(Some), into, refuse);
            }
            (Values::Int32(into), _) => self.numbers(text, |text, span| int32(text, span).map(Some), into, refuse),
            (Values::Int64(into), Decode::Count) => {
                self.numbers(text, |text, span| count(text, span).map(Some), into, refuse);
            }
            (Values::Int64(into), _) => self.numbers(text, |text, span| int64(text, span).map(Some), into, refuse),
            (Values::Float64(into), _) => {
                let before = into.values().len();
                self.numbers(text, |text, span| seconds(text, span).map(Some), into, refuse);
                if self.decode == Decode::ProcessingSeconds {
                    into.set_null(before, NOT_MEASURED);
                }
            }
            (Values::Timestamp(into), _) => {
                let mut times = Times::default();
                self.numbers(text, |text, span| times.timestamp(text, span).map(Some), into, refuse);
            }
            (Values::Text(_) | Values::TextList(_) | Values::OfObject, _) => {
                unreachable!("a column of numbers is stored")
            }
        }
    }

    #[inline(never)]
    fn numbers<T: Copy + Default>(
        self,
        text: &[u8],
        mut parse: impl FnMut(&[u8], Span) -> Result<Option<T>, Reason>,
        numbers: &mut Numbers<T>,
        mut refuse: impl FnMut(usize, Reason, Span),
    ) {
        let spans = self.split.rows.part(self.number).iter().enumerate();
        let values = spans.map(|(number, span)| {
            if span.is_null() {
                return None;
            }
            match parse(text, *span) {
                Ok(value) => value,
                Err(reason) => {
                    refuse(number, reason, *span);
                    None
                }
            }
        });
        numbers.extend(values);
    }

    #[inline(never)]
    fn lists(self, base: u32, lists: &mut Lists, out: &mut Vec<u8>) {
        let spans = self.split.rows.part(self.number);
        for (row, span) in self.split.rows.rows().iter().zip(spans) {
            if span.is_null() {
                lists.end(false);
                continue;
            }
            let text = &out[self.split.lines.clone()];
            if row.plain && self.is_item(text, *span) {
                lists.push_item(span.shifted(base));
                lists.end(true);
                continue;
            }
            // An absent list of quoted parts may itself be quoted.
            let bytes = span.bytes(text);
            if bytes == b"\"-\"" {
                lists.end(false);
                continue;
            }
            if row.plain || text::is_plain(bytes, self.escapes) {
                self.for_each_item(bytes, |item| {
                    let (start, end) = (span.start() + item.start, span.start() + item.end);
                    lists.push_item(Span::new(start, end).shifted(base));
                });
            } else {
                let bytes = bytes.to_vec();
                self.for_each_item(&bytes, |item| {
                    lists.push_item_with(out, |out| text::append(&bytes[item], self.escapes, out));
                });
            }
            lists.end(true);
        }
    }

    /// Calls `push` with the position of each item of a list.
    fn for_each_item(self, bytes: &[u8], push: impl FnMut(Range<usize>)) {
        match self.decode {
            Decode::SpaceList => space_items(bytes).for_each(push),
            Decode::QuotedList => quoted_items(bytes).for_each(push),
            _ => comma_items(bytes).for_each(push),
        }
    }

    /// Returns whether a list has one item without quotes, as most have. May be false although it has.
    #[inline]
    fn is_item(self, text: &[u8], list: Span) -> bool {
        let separator = match self.decode {
            Decode::SpaceList => b' ',
            Decode::CommaList => b',',
            _ => return false,
        };
        let bytes = list.bytes(text);
        !matches!(bytes, [] | [b'"', ..]) && contains(text, list, separator) == Some(false)
    }
}
