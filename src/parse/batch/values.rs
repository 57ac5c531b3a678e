//! The buffers of a column.

use crate::formats::{Kind, PlannedColumn};
use crate::parse::line::Span;

use super::of_object;

/// The values of one column.
#[derive(Debug)]
pub enum Values {
    /// UTF-8 text.
    Text(Texts),
    /// 32-bit integers.
    Int32(Numbers<i32>),
    /// 64-bit integers.
    Int64(Numbers<i64>),
    /// 64-bit floats.
    Float64(Numbers<f64>),
    /// Microseconds since 1970.
    Timestamp(Numbers<i64>),
    /// Lists of UTF-8 text.
    TextList(Lists),
    /// Values that come from the object and are not stored.
    OfObject,
}

/// A column of numbers, some of them null. A null may have a number that the line has to mean that there is no value.
#[derive(Debug, Default)]
pub struct Numbers<T> {
    values: Vec<T>,
    valid: Vec<bool>,
    nulls: usize,
}

/// A column of texts, some of them null: spans of the batch's text.
#[derive(Debug, Default)]
pub struct Texts {
    views: Vec<Span>,
    nulls: usize,
}

/// A column of lists of texts, some of them null.
#[derive(Debug, Default)]
pub struct Lists {
    items: Texts,
    ends: Vec<usize>,
    valid: Vec<bool>,
    nulls: usize,
}

impl Values {
    /// Returns empty buffers for a column.
    pub(super) fn of(column: &PlannedColumn) -> Self {
        if of_object(column.source) {
            return Self::OfObject;
        }
        Self::new(column.kind)
    }

    /// Returns empty buffers for values of a kind.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text => Self::Text(Texts::default()),
            Kind::Int32 | Kind::Date => Self::Int32(Numbers::default()),
            Kind::Int64 => Self::Int64(Numbers::default()),
            Kind::Float64 => Self::Float64(Numbers::default()),
            Kind::Timestamp | Kind::NaiveTimestamp => Self::Timestamp(Numbers::default()),
            Kind::TextList => Self::TextList(Lists::default()),
        }
    }

    /// Returns the number of nulls.
    pub(super) const fn nulls(&self) -> usize {
        match self {
            Self::Text(texts) => texts.nulls,
            Self::Int32(numbers) => numbers.nulls,
            Self::Int64(numbers) | Self::Timestamp(numbers) => numbers.nulls,
            Self::Float64(numbers) => numbers.nulls,
            Self::TextList(lists) => lists.nulls,
            Self::OfObject => 0,
        }
    }

    /// Returns whether a row is null.
    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(texts) => texts.views[row].is_null(),
            Self::Int32(numbers) => !numbers.valid[row],
            Self::Int64(numbers) | Self::Timestamp(numbers) => !numbers.valid[row],
            Self::Float64(numbers) => !numbers.valid[row],
            Self::TextList(lists) => !lists.valid[row],
            Self::OfObject => false,
        }
    }

    /// Removes every value but keeps the buffers.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        match self {
            Self::Text(texts) => texts.truncate(rows),
            Self::Int32(numbers) => numbers.truncate(rows),
            Self::Int64(numbers) | Self::Timestamp(numbers) => numbers.truncate(rows),
            Self::Float64(numbers) => numbers.truncate(rows),
            Self::TextList(lists) => lists.truncate(rows),
            Self::OfObject => {}
        }
    }

    /// Replaces the texts, which are spans of `text`; see [`Batch::replace_texts`](super::Batch::replace_texts).
    pub(super) fn replace(&mut self, text: &mut Vec<u8>, replace: impl FnMut(&[u8], &mut Vec<u8>) -> bool) {
        match self {
            Self::Text(texts) => texts.replace(text, replace),
            Self::TextList(lists) => lists.replace(text, replace),
            Self::Int32(_) | Self::Int64(_) | Self::Float64(_) | Self::Timestamp(_) | Self::OfObject => {}
        }
    }

    /// Appends the values at these rows to `into`, a column of the batch whose text is `into_text`.
    pub(super) fn select_into(&self, rows: &[usize], text: &[u8], into: &mut Self, into_text: &mut Vec<u8>) {
        match (self, into) {
            (Self::Text(from), Self::Text(into)) => {
                for row in rows {
                    match from.get(*row, text) {
                        Some(value) => into.push_with(into_text, |out| out.extend_from_slice(value)),
                        None => into.push(Span::NULL),
                    }
                }
            }
            (Self::Int32(from), Self::Int32(into)) => from.select_into(rows, into),
            (Self::Float64(from), Self::Float64(into)) => from.select_into(rows, into),
            (Self::Int64(from), Self::Int64(into)) | (Self::Timestamp(from), Self::Timestamp(into)) => {
                from.select_into(rows, into);
            }
            (Self::TextList(from), Self::TextList(into)) => {
                for row in rows {
                    let list = from.get(*row, text);
                    let valid = list.is_some();
                    for item in list.into_iter().flatten() {
                        into.push_item_with(into_text, |out| out.extend_from_slice(item));
                    }
                    into.end(valid);
                }
            }
            (Self::OfObject, Self::OfObject) => {}
            _ => unreachable!("batches of one format have the same columns"),
        }
    }
}

impl<T: Copy + Default> Numbers<T> {
    /// Appends a value, or null.
    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        self.values.push(value.unwrap_or_default());
        self.valid.push(value.is_some());
        self.nulls += usize::from(value.is_none());
    }

    /// Appends values, or nulls.
    #[inline]
    pub(super) fn extend(&mut self, values: impl ExactSizeIterator<Item = Option<T>>) {
        let Self { valid, nulls, .. } = self;
        let begin = valid.len();
        valid.resize(begin + values.len(), true);
        self.values
            .extend(values.zip(&mut valid[begin..]).map(|(value, valid)| {
                *valid = value.is_some();
                *nulls += usize::from(value.is_none());
                value.unwrap_or_default()
            }));
    }

    /// Returns the value of a row, or `None` if it is null.
    #[inline]
    pub fn get(&self, row: usize) -> Option<T> {
        self.valid[row].then(|| self.values[row])
    }

    /// Returns the values. In place of a null it has a default, or the number that the line has.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Returns which rows have a value, or `None` if all have.
    pub fn validity(&self) -> Option<&[bool]> {
        (self.nulls > 0).then_some(&self.valid)
    }

    /// Returns the number of nulls.
    pub const fn nulls(&self) -> usize {
        self.nulls
    }

    /// Returns the values without nulls.
    #[inline]
    pub fn present(&self) -> impl Iterator<Item = T> {
        self.values
            .iter()
            .zip(&self.valid)
            .filter(|(_, valid)| **valid)
            .map(|(value, _)| *value)
    }

    fn select_into(&self, rows: &[usize], into: &mut Self) {
        for row in rows {
            into.values.push(self.values[*row]);
            into.valid.push(self.valid[*row]);
            into.nulls += usize::from(!self.valid[*row]);
        }
    }

    fn truncate(&mut self, rows: usize) {
        self.nulls -= match rows {
            0 => self.nulls,
            _ => nulls_after(&self.valid, rows),
        };
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }
}

impl<T: Copy + Default + PartialEq> Numbers<T> {
    /// Makes the values from row `from` on null that equal `number`, which is not the default. [`Numbers::logged`] still has
    /// them.
    pub(super) fn set_null(&mut self, from: usize, number: T) {
        let rows = self.values[from..].iter().zip(&mut self.valid[from..]);
        for (value, valid) in rows {
            let nulled = *valid && *value == number;
            *valid &= !nulled;
            self.nulls += usize::from(nulled);
        }
    }

    /// Returns the numbers that the lines have, those included that mean that there is no value.
    pub fn logged(&self) -> impl ExactSizeIterator<Item = Option<T>> {
        let rows = self.values.iter().zip(&self.valid);
        rows.map(|(value, valid)| (*valid || *value != T::default()).then_some(*value))
    }
}

impl Texts {
    /// Appends a span of the batch's text that is UTF-8, or null.
    #[inline]
    pub fn push(&mut self, view: Span) {
        self.nulls += usize::from(view.is_null());
        self.views.push(view);
    }

    /// Appends spans of the batch's text that are UTF-8, or nulls.
    #[inline]
    pub(super) fn extend(&mut self, views: impl Iterator<Item = Span>) {
        let mut nulls = 0;
        self.views
            .extend(views.inspect(|view| nulls += usize::from(view.is_null())));
        self.nulls += nulls;
    }

    /// Appends spans of a text that the batch's text contains from byte `base` on, or nulls.
    pub(super) fn extend_shifted(&mut self, spans: &[Span], base: u32) {
        self.nulls += spans.iter().filter(|span| span.is_null()).count();
        if base == 0 {
            self.views.extend_from_slice(spans);
        } else {
            let shifted = spans
                .iter()
                .map(|span| if span.is_null() { *span } else { span.shifted(base) });
            self.views.extend(shifted);
        }
    }

    /// Replaces every null from row `from` on.
    pub(super) fn fill_nulls(&mut self, from: usize, view: Span) {
        if view.is_null() {
            return;
        }
        for into in self.views[from..].iter_mut().filter(|view| view.is_null()) {
            *into = view;
            self.nulls -= 1;
        }
    }

    /// Appends the text that `write` appends to `text`.
    #[inline]
    pub fn push_with(&mut self, text: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = text.len();
        write(text);
        self.push(Span::new(start, text.len()));
    }

    fn replace(&mut self, text: &mut Vec<u8>, mut replace: impl FnMut(&[u8], &mut Vec<u8>) -> bool) {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        let mut last = None;
        self.nulls = 0;
        for view in &mut self.views {
            if let Some(value) = view.get(text) {
                *view = match last {
                    Some(last) if old == value => last,
                    _ => {
                        old.clear();
                        old.extend_from_slice(value);
                        new.clear();
                        let start = text.len();
                        if replace(&old, &mut new) {
                            text.extend_from_slice(&new);
                            Span::new(start, text.len())
                        } else {
                            Span::NULL
                        }
                    }
                };
                last = Some(*view);
            }
            self.nulls += usize::from(view.is_null());
        }
    }

    /// Returns the number of texts, nulls included.
    pub const fn len(&self) -> usize {
        self.views.len()
    }

    /// Returns whether there are no texts.
    pub const fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// Returns the number of nulls.
    pub const fn nulls(&self) -> usize {
        self.nulls
    }

    /// Returns the text of a row, or `None` if it is null.
    #[inline]
    pub fn get<'a>(&self, row: usize, text: &'a [u8]) -> Option<&'a [u8]> {
        self.views[row].get(text)
    }

    /// Returns the span of a row in the batch's text, or `None` if it is null.
    #[inline]
    pub fn view(&self, row: usize) -> Option<Span> {
        Some(self.views[row]).filter(|view| !view.is_null())
    }

    /// Returns the texts without nulls.
    #[inline]
    pub fn present<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.views.iter().filter_map(move |view| view.get(text))
    }

    /// Returns which rows have a value.
    pub fn validity(&self) -> impl Iterator<Item = bool> {
        self.views.iter().map(|view| !view.is_null())
    }

    /// Removes every text but keeps the buffer.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    fn truncate(&mut self, rows: usize) {
        self.nulls -= match rows {
            0 => self.nulls,
            _ => self.views.iter().skip(rows).filter(|view| view.is_null()).count(),
        };
        self.views.truncate(rows);
    }
}

impl Lists {
    /// Appends an item, a span of the batch's text that is UTF-8, to the list that [`Lists::end`] will end.
    #[inline]
    pub fn push_item(&mut self, view: Span) {
        self.items.push(view);
    }

    /// Appends the item that `write` appends to `text`.
    #[inline]
    pub fn push_item_with(&mut self, text: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.items.push_with(text, write);
    }

    /// Ends a list, or a null.
    #[inline]
    pub fn end(&mut self, valid: bool) {
        self.ends.push(self.items.len());
        self.valid.push(valid);
        self.nulls += usize::from(!valid);
    }

    /// Returns the items of a row's list, or `None` if it is null.
    pub fn get<'a>(&'a self, row: usize, text: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]>> {
        let items = self.views(row)?;
        Some(items.iter().map(|item| item.bytes(text)))
    }

    /// Returns the spans of the items of a row's list in the batch's text, or `None` if it is null.
    #[inline]
    pub fn views(&self, row: usize) -> Option<&[Span]> {
        self.valid[row].then(|| &self.items.views[start_of(&self.ends, row)..self.ends[row]])
    }

    /// Returns the number of items of each list, and whether it is a list rather than null.
    pub fn lengths(&self) -> impl Iterator<Item = (usize, bool)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .zip(&self.valid)
            .map(|((start, end), valid)| (end - start, *valid))
    }

    fn replace(&mut self, text: &mut Vec<u8>, replace: impl FnMut(&[u8], &mut Vec<u8>) -> bool) {
        self.items.replace(text, replace);
        let (mut items, mut start) = (Texts::default(), 0);
        for end in &mut self.ends {
            for view in self.items.views[start..*end].iter().filter(|view| !view.is_null()) {
                items.push(*view);
            }
            (start, *end) = (*end, items.len());
        }
        self.items = items;
    }

    /// Returns the items of all lists.
    pub const fn items(&self) -> &Texts {
        &self.items
    }

    /// Returns the end of each list in [`Lists::items`].
    pub fn ends(&self) -> &[usize] {
        &self.ends
    }

    /// Returns which rows have a value, or `None` if all have.
    pub fn validity(&self) -> Option<&[bool]> {
        (self.nulls > 0).then_some(&self.valid)
    }

    fn truncate(&mut self, rows: usize) {
        self.nulls -= match rows {
            0 => self.nulls,
            _ => nulls_after(&self.valid, rows),
        };
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.items.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

#[inline]
fn start_of(ends: &[usize], row: usize) -> usize {
    if row == 0 { 0 } else { ends[row - 1] }
}

fn nulls_after(valid: &[bool], rows: usize) -> usize {
    valid.iter().skip(rows).filter(|valid| !**valid).count()
}
