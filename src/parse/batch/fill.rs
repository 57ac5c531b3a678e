//! Decodes the parts of split lines into columns, column by column.

use std::ops::Range;

use crate::formats::{ColumnSource, Decode, Escapes, Fill, Presence};
use crate::parse::line::fast_value::{Times, count, int32, int64, port, seconds, short_word};
use crate::parse::line::value::{comma_items, quoted_items, space_items};
use crate::parse::line::{Fault, Reason, Span, extra_tokens, find_either, first_word, text};

use super::Batch;
use super::rows::{Row, Rows};
use super::values::{Lists, Numbers, Texts, Values};

/// Split lines, and the text that their spans point into.
pub(super) struct SplitLines<'a> {
    pub(super) text: &'a [u8],
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
    let plan = batch.plan;
    // Texts are not copied one by one: the batch takes whole lines, and each text is a span of them.
    let base = batch.text.len();
    batch.text.extend_from_slice(split.text);
    assert!(
        u32::try_from(batch.text.len()).is_ok(),
        "spans are 32 bits: the text of a batch is a few blocks"
    );
    let base = u32::try_from(base).expect("shorter than the whole text");
    let load_balancer = split.load_balancer.map_or(Span::NULL, |name| {
        let start = batch.text.len();
        batch.text.extend_from_slice(name);
        Span::new(start, batch.text.len())
    });
    // The load balancer's name is from the object's key, which may contain any byte.
    let clean_name = load_balancer
        .bytes(&batch.text)
        .iter()
        .all(|byte| text::is_clean(*byte));
    let clean = split.rows.rows().iter().map(|row| row.clean && clean_name);
    batch.clean.extend(clean);
    for (column, values) in plan.columns.iter().zip(&mut batch.columns) {
        let (part, field, decode, in_quotes) = match column.source {
            ColumnSource::Part {
                part,
                field,
                decode,
                escaped,
            } => (part, field, decode, escaped),
            ColumnSource::Filled(fill) => {
                fill_in(split, fill, values, &mut batch.text);
                continue;
            }
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
                from.texts(base, texts, &mut batch.text);
                if decode == Decode::LoadBalancer {
                    texts.fill_nulls(batch.rows, load_balancer);
                }
                if column.first_word {
                    from.first_words(column.known, &mut refuse);
                }
            }
            Values::Int32(numbers) => match decode {
                Decode::Port => from.numbers(|text, span| port(text, span).map(Some), numbers, &mut refuse),
                _ => from.numbers(|text, span| int32(text, span).map(Some), numbers, &mut refuse),
            },
            Values::Int64(numbers) => match decode {
                Decode::Count => from.numbers(|text, span| count(text, span).map(Some), numbers, &mut refuse),
                _ => from.numbers(|text, span| int64(text, span).map(Some), numbers, &mut refuse),
            },
            Values::Float64(numbers) => match decode {
                Decode::ProcessingSeconds => from.numbers(processing_seconds, numbers, &mut refuse),
                _ => from.numbers(|text, span| seconds(text, span).map(Some), numbers, &mut refuse),
            },
            Values::Timestamp(numbers) => {
                let mut times = Times::default();
                from.numbers(|text, span| times.timestamp(text, span).map(Some), numbers, &mut refuse);
            }
            Values::TextList(lists) => from.lists(base, lists, &mut batch.text),
            Values::OfObject => unreachable!("columns of parts are stored"),
        }
        if column.presence == Presence::Required && values.nulls() > nulls {
            for (number, span) in split.rows.part(part).iter().enumerate() {
                if span.is_null() {
                    refuse(number, Reason::Missing, *span);
                }
            }
        }
    }
    batch.rows += split.rows.rows().len();
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
                for token in extra_tokens(split.text, row.extra) {
                    lists.push_item_with(out, |out| text::append(token, None, out));
                }
                lists.end(!row.extra.is_null());
            }
        }
        (_, Values::OfObject) => {}
        (fill, _) => unreachable!("{fill:?} is stored in another type"),
    }
}

/// Parses seconds; null if they were not measured.
#[inline]
#[expect(
    clippy::float_cmp,
    reason = "logs have exactly this number for a time that was not measured"
)]
fn processing_seconds(text: &[u8], span: Span) -> Result<Option<f64>, Reason> {
    seconds(text, span).map(|seconds| (seconds != -1.0).then_some(seconds))
}

// Each of these is a loop over one column. They are not inlined into the loop over the columns, where they would compete
// for registers.
impl Part<'_> {
    /// Fills texts: spans of the lines, whose text begins at `base` of the batch's text. A text that differs from its form on
    /// the line is appended to `out`.
    #[inline(never)]
    fn texts(self, base: u32, texts: &mut Texts, out: &mut Vec<u8>) {
        let (rows, text) = (self.split.rows, self.split.text);
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
            let bytes = span.bytes(text);
            if text::is_plain(bytes, self.escapes) {
                return span.shifted(base);
            }
            let start = out.len();
            text::append(bytes, self.escapes, out);
            Span::new(start, out.len())
        });
        texts.extend(views);
    }

    /// Checks the words that the lines begin with. Most are the same as the one before.
    #[inline(never)]
    fn first_words(self, known: &[&str], mut refuse: impl FnMut(usize, Reason, Span)) {
        let text = self.split.text;
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

    #[inline(never)]
    fn numbers<T: Copy + Default>(
        self,
        mut parse: impl FnMut(&[u8], Span) -> Result<Option<T>, Reason>,
        numbers: &mut Numbers<T>,
        mut refuse: impl FnMut(usize, Reason, Span),
    ) {
        let text = self.split.text;
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
        let text = self.split.text;
        let spans = self.split.rows.part(self.number);
        for (row, span) in self.split.rows.rows().iter().zip(spans) {
            if span.is_null() {
                lists.end(false);
                continue;
            }
            let bytes = span.bytes(text);
            if row.plain && self.is_item(bytes) {
                lists.push_item(span.shifted(base));
                lists.end(true);
                continue;
            }
            // An absent list of quoted parts may itself be quoted.
            let has_value = bytes != b"\"-\"";
            if has_value {
                let plain = row.plain || text::is_plain(bytes, self.escapes);
                let mut push = |item: Range<usize>| {
                    if plain {
                        let (start, end) = (span.start() + item.start, span.start() + item.end);
                        lists.push_item(Span::new(start, end).shifted(base));
                    } else {
                        lists.push_item_with(out, |out| text::append(&bytes[item], self.escapes, out));
                    }
                };
                match self.decode {
                    Decode::SpaceList => space_items(bytes).for_each(&mut push),
                    Decode::QuotedList => quoted_items(bytes).for_each(&mut push),
                    _ => comma_items(bytes).for_each(&mut push),
                }
            }
            lists.end(has_value);
        }
    }

    /// Returns whether the bytes are a list of one item without quotes, as most are.
    #[inline]
    fn is_item(self, bytes: &[u8]) -> bool {
        let separator = match self.decode {
            Decode::SpaceList => b' ',
            Decode::CommaList => b',',
            _ => return false,
        };
        !matches!(bytes, [] | [b'"', ..]) && find_either(bytes, separator, separator) == bytes.len()
    }
}
