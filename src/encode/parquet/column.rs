//! Encodes the values of one column into the pages of a chunk, by the column's layout.

use std::io::Write;

use parquet::basic::Encoding;
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::EncodeError;
use crate::encode::json::write_line_number;
use crate::formats::{Kind, Layout, Presence};
use crate::parse::batch::{Lists, Numbers, Texts, Values};
use crate::schema::mapping::{Leaf, Literal};

use super::chunk::{Chunk, PageWriter};
use super::delta::{TextParts, write_numbers};
use super::dictionary::{NumberDictionary, TextDictionary, write_plain};
use super::file::{Footer, Sizes};
use super::schema::{self, Physical};
use super::statistics::Bounds;

/// The size in bytes of a dictionary after which further pages of the chunk do not use it.
const MAX_DICTIONARY_BYTES: usize = 1024 * 1024;
/// The minimum number of values from which the use of a dictionary is judged by its number of distinct values.
const MIN_JUDGED_VALUES: usize = 1024;
/// The maximum size in bytes of a chunk's values that are written in a single page without a dictionary, because a
/// dictionary page costs more than it saves.
const MAX_SMALL_CHUNK: usize = 2048;

/// Encodes one column: collects values for a page, and pages for a chunk.
pub(super) struct ColumnEncoder {
    physical: Physical,
    layout: Layout,
    levels: Levels,
    chunk: Chunk,
    page: PageValues,
    texts: TextDictionary,
    numbers: NumberDictionary,
    dictionary: Dictionary,
    /// The bounds of the page's values, unless they are in the dictionary.
    page_bounds: Bounds,
    /// The bounds of the pages before.
    bounds: Bounds,
}

/// The levels that precede the values of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Levels {
    /// Every row has a value.
    None,
    /// A row may be null.
    Flat,
    /// A row may be null, or a list.
    List,
    /// Every row has a list.
    RequiredList,
}

/// The values of the current page.
#[derive(Debug, Default)]
struct PageValues {
    /// Whether each row has a value.
    valid: Vec<bool>,
    nulls: usize,
    /// The levels of lists, instead of `valid`.
    repetition: Vec<u32>,
    definition: Vec<u32>,
    /// The indices of the values, if the page uses the dictionary.
    indices: Vec<u32>,
    /// Texts in the plain encoding.
    plain: Vec<u8>,
    parts: TextParts,
    numbers: Vec<i64>,
    /// The line of the event whose id was added last, and that id.
    last_line: Option<i64>,
    id: Vec<u8>,
}

/// The use of the dictionary by the pages of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dictionary {
    /// Not decided: the chunk has no value yet.
    Undecided,
    /// Every page uses it.
    Used,
    /// The first pages use it; it is too large for further ones.
    Abandoned,
    /// No page uses it.
    Unused,
}

impl ColumnEncoder {
    pub(super) fn new(leaf: &Leaf, described: &ColumnDescPtr, codec: i32) -> Self {
        let levels = match (leaf.kind, leaf.presence) {
            (Kind::TextList, Presence::Nullable) => Levels::List,
            (Kind::TextList, Presence::Required) => Levels::RequiredList,
            (_, Presence::Nullable) => Levels::Flat,
            (_, Presence::Required) => Levels::None,
        };
        let physical = schema::physical(leaf.kind);
        Self {
            physical,
            layout: leaf.layout,
            levels,
            chunk: Chunk::new(described, codec),
            page: PageValues::default(),
            texts: TextDictionary::default(),
            numbers: NumberDictionary::default(),
            dictionary: Dictionary::Undecided,
            page_bounds: Bounds::new(physical),
            bounds: Bounds::new(physical),
        }
    }

    /// Returns the number of bytes held for the chunk.
    pub(super) fn buffered(&self) -> usize {
        let page = self.page.plain.len() + self.page.parts.len();
        self.chunk.bytes() + self.dictionary_bytes() + page
    }

    /// Returns the maximum size of the page of the values that are not in a page yet, if they keep their dictionary, or that of a
    /// dictionary that is too large for further pages.
    pub(super) fn page_bytes(&self) -> usize {
        let page = &self.page;
        // A list has two levels of three bits together, any other value one bit.
        let levels = page.definition.len() / 2 + page.valid.len() / 8;
        let numbers = page.indices.len() * size_of::<u32>() + page.numbers.len() * 2 * size_of::<i64>();
        let dictionary = match self.dictionary {
            Dictionary::Used if self.dictionary_bytes() > MAX_DICTIONARY_BYTES => self.dictionary_bytes(),
            _ => 0,
        };
        dictionary.max(levels + numbers + page.plain.len() + page.parts.memory())
    }

    /// Returns the number of bytes of memory for the chunk: what is buffered, and the positions of its values.
    pub(super) fn memory(&self) -> usize {
        let page = &self.page;
        let levels = page.repetition.len() + page.definition.len() + page.indices.len();
        self.chunk.memory()
            + self.texts.memory()
            + self.numbers.memory()
            + page.valid.len()
            + levels * size_of::<u32>()
            + page.numbers.len() * size_of::<i64>()
            + page.plain.len()
            + page.parts.memory()
    }

    /// Frees the memory of buffers that are empty.
    pub(super) fn release(&mut self) {
        if self.page.valid.is_empty() && self.page.definition.is_empty() {
            self.page = PageValues::default();
        }
        self.chunk.release();
        self.texts.release();
        self.numbers.release();
    }

    fn dictionary_bytes(&self) -> usize {
        self.texts.plain().len() + self.numbers.numbers().len() * 8
    }

    /// Begins the values of another object: the id of its first event is not the increment of the last one.
    pub(super) const fn begin_object(&mut self) {
        self.page.last_line = None;
    }

    /// Adds values, whose texts are spans of `text`.
    pub(super) fn add_values(&mut self, values: &Values, text: &[u8]) {
        match values {
            Values::Text(texts) => self.add_texts(texts, text),
            Values::Int32(numbers) => self.add_int32(numbers),
            Values::Int64(numbers) | Values::Timestamp(numbers) => self.add_int64(numbers),
            Values::Float64(numbers) => self.add_floats(numbers),
            Values::TextList(lists) => self.add_lists(lists, text),
            Values::OfObject => unreachable!("values of the object are added as constants"),
        }
    }

    /// Adds the same value for each of `rows` rows.
    pub(super) fn add_literal(&mut self, literal: Literal, rows: usize) {
        match literal {
            Literal::Text(text) => self.add_constant(Some(text), rows),
            Literal::Int32(number) => self.add_same_number(i64::from(number), rows),
            Literal::Int64(number) => self.add_same_number(number, rows),
            Literal::Words(words) => self.add_same_list(words, rows),
        }
    }

    /// Adds a list with these words, of which there is at least one, for each of `rows` rows.
    fn add_same_list(&mut self, words: &[&str], rows: usize) {
        self.dictionary = Dictionary::Used;
        let present = u32::from(self.levels == Levels::List) + 1;
        let indices: Vec<u32> = words.iter().map(|word| self.texts.index(word.as_bytes())).collect();
        let page = &mut self.page;
        for _ in 0..rows {
            page.indices.extend_from_slice(&indices);
            page.repetition.push(0);
            page.repetition.extend(indices.iter().skip(1).map(|_| 1));
        }
        page.definition
            .extend(std::iter::repeat_n(present, rows * indices.len()));
    }

    fn add_same_number(&mut self, number: i64, rows: usize) {
        self.add_validity(rows, 0, std::iter::empty());
        self.dictionary = Dictionary::Used;
        let index = self.numbers.index(number.cast_unsigned());
        self.page.indices.extend(std::iter::repeat_n(index, rows));
    }

    /// Adds texts.
    fn add_texts(&mut self, texts: &Texts, text: &[u8]) {
        self.add_validity(texts.len(), texts.nulls(), texts.validity());
        self.add_present(texts.present(text));
    }

    /// Adds the ids of the events on these lines. Most lines follow the previous one, so the id is its increment.
    pub(super) fn add_event_ids(&mut self, object_id: &str, lines: &[i64]) {
        self.add_validity(lines.len(), 0, std::iter::empty());
        self.dictionary = Dictionary::Unused;
        let Self { page, page_bounds, .. } = self;
        let text_bounds = &mut page_bounds.texts;
        for line in lines {
            // Increments are ascending: the ends of such a run are its bounds.
            match page.last_line.replace(*line) {
                Some(last) if last.wrapping_add(1) == *line && page.parts.push_counted() => continue,
                Some(_) => text_bounds.add(page.parts.last()),
                None => {}
            }
            page.id.clear();
            page.id.extend_from_slice(object_id.as_bytes());
            page.id.push(b'-');
            write_line_number(*line, &mut page.id);
            page.parts.push(&page.id);
            text_bounds.add(&page.id);
        }
        if page.last_line.is_some() {
            text_bounds.add(page.parts.last());
        }
    }

    /// Adds the same text, or null, for each of `rows` rows. The dictionary is used whatever the layout, unless an earlier
    /// page of the chunk ended its use: the events of many objects can have many such texts.
    pub(super) fn add_constant(&mut self, value: Option<&str>, rows: usize) {
        let nulls = if value.is_none() { rows } else { 0 };
        self.add_validity(rows, nulls, std::iter::repeat_n(value.is_some(), rows));
        if self.dictionary == Dictionary::Undecided {
            self.dictionary = Dictionary::Used;
        }
        let Some(value) = value else { return };
        if self.dictionary == Dictionary::Used {
            let index = self.texts.index(value.as_bytes());
            self.page.indices.extend(std::iter::repeat_n(index, rows));
        } else {
            self.add_present(std::iter::repeat_n(value.as_bytes(), rows));
        }
    }

    /// Adds lists of texts.
    fn add_lists(&mut self, lists: &Lists, text: &[u8]) {
        let PageValues {
            repetition,
            definition,
            nulls,
            ..
        } = &mut self.page;
        // The level of an empty list, as opposed to null.
        let empty = u32::from(self.levels == Levels::List);
        for (items, valid) in lists.lengths() {
            repetition.push(0);
            if items == 0 {
                *nulls += 1;
                definition.push(if valid { empty } else { 0 });
            } else {
                repetition.extend(std::iter::repeat_n(1, items - 1));
                definition.extend(std::iter::repeat_n(empty + 1, items));
            }
        }
        self.add_present(lists.items().present(text));
    }

    /// Adds 32-bit numbers.
    fn add_int32(&mut self, numbers: &Numbers<i32>) {
        self.add_number_validity(numbers);
        self.add_numbers(numbers.present().map(i64::from));
    }

    /// Adds 64-bit numbers.
    fn add_int64(&mut self, numbers: &Numbers<i64>) {
        self.add_number_validity(numbers);
        self.add_numbers(numbers.present());
    }

    /// Adds floats.
    fn add_floats(&mut self, numbers: &Numbers<f64>) {
        self.add_number_validity(numbers);
        self.add_numbers(numbers.present().map(|number| number.to_bits().cast_signed()));
    }

    /// Makes a page of the values that are not in a page yet, of `rows` rows; `last` is true for the last page of the chunk.
    pub(super) fn close_page(
        &mut self,
        page_writer: &mut PageWriter,
        rows: usize,
        last: bool,
    ) -> Result<(), EncodeError> {
        let first = self.chunk.values() == 0;
        if self.dictionary == Dictionary::Used && first && self.is_better_plain(last) {
            self.inline_dictionary();
        }
        let page = &mut self.page;
        page_writer.page.clear();
        let values = match self.levels {
            Levels::List | Levels::RequiredList => page.definition.len(),
            Levels::None | Levels::Flat => page.valid.len(),
        };
        match self.levels {
            Levels::None => {}
            Levels::Flat => page_writer.write_validity(&page.valid, page.nulls),
            Levels::List => {
                page_writer.write_levels(&page.repetition, 1);
                page_writer.write_levels(&page.definition, 2);
            }
            Levels::RequiredList => {
                page_writer.write_levels(&page.repetition, 1);
                page_writer.write_levels(&page.definition, 1);
            }
        }
        let encoding = self.write_values(page_writer);
        // A single page needs no index.
        let indexed = !(first && last);
        match (self.dictionary == Dictionary::Used, indexed) {
            (true, true) => self.note_bounds_of_indices(first),
            (true, false) => {}
            (false, true) => self.bounds.merge(&self.page_bounds),
            (false, false) => std::mem::swap(&mut self.bounds, &mut self.page_bounds),
        }
        let (nulls, bounds) = (self.page.nulls, &mut self.page_bounds);
        self.chunk.add_page(
            page_writer,
            rows,
            values,
            nulls,
            encoding,
            indexed.then_some(&mut *bounds),
        )?;
        bounds.clear();
        self.page.clear();
        if self.dictionary == Dictionary::Used && self.dictionary_bytes() > MAX_DICTIONARY_BYTES {
            self.dictionary = Dictionary::Abandoned;
        }
        Ok(())
    }

    /// Returns whether the values of the chunk's first page are smaller without the dictionary.
    fn is_better_plain(&self, last: bool) -> bool {
        let values = self.page.indices.len();
        let distinct = self.texts.len().max(self.numbers.numbers().len());
        if values > MIN_JUDGED_VALUES {
            return distinct > values / 4 * 3;
        }
        let bytes = || match self.physical {
            Physical::Bytes => self
                .page
                .indices
                .iter()
                .map(|index| self.texts.get(*index).len() + 4)
                .sum(),
            Physical::Int32 => values * 4,
            Physical::Int64 | Physical::Double => values * 8,
        };
        last && bytes() <= MAX_SMALL_CHUNK
    }

    /// Replaces the indices of the page with their values, and clears the dictionary.
    fn inline_dictionary(&mut self) {
        Self::note_bounds_of_dictionary(
            &self.texts,
            self.numbers.numbers(),
            self.physical,
            &mut self.page_bounds,
        );
        let page = &mut self.page;
        for index in &page.indices {
            if self.physical != Physical::Bytes {
                page.numbers.push(self.numbers.get(*index).cast_signed());
            } else if self.layout == Layout::Prefixed {
                page.parts.push(self.texts.get(*index));
            } else {
                write_plain(self.texts.get(*index), &mut page.plain);
            }
        }
        page.indices.clear();
        self.texts.clear();
        self.numbers.clear();
        self.dictionary = Dictionary::Unused;
    }

    /// Writes the values of the page and returns their encoding.
    fn write_values(&mut self, page_writer: &mut PageWriter) -> Encoding {
        let page = &mut self.page;
        if self.dictionary == Dictionary::Used {
            let distinct = self.texts.len().max(self.numbers.numbers().len());
            page_writer.write_indices(&page.indices, distinct);
            return Encoding::RLE_DICTIONARY;
        }
        let out = &mut page_writer.page;
        match (self.physical, self.layout) {
            (Physical::Bytes, Layout::Prefixed) => {
                page.parts.write(out);
                return Encoding::DELTA_BYTE_ARRAY;
            }
            (Physical::Bytes, _) => out.extend_from_slice(&page.plain),
            (Physical::Double, _) => {
                let floats = page.numbers.iter().map(|number| f64::from_bits(number.cast_unsigned()));
                self.page_bounds.floats.add(floats);
                out.extend(page.numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            (Physical::Int32, layout) if layout != Layout::Near || page.numbers.iter().any(|number| *number < 0) => {
                self.page_bounds.numbers.add(page.numbers.iter().copied());
                out.extend(page.numbers.iter().flat_map(|number| low_half(*number)));
            }
            // Readers of 32-bit numbers accept differences of up to 32 bits, which suffice if none is negative.
            (Physical::Int32, _) | (Physical::Int64, Layout::Near) => {
                self.page_bounds.numbers.add(page.numbers.iter().copied());
                write_numbers(&page.numbers, out);
                return Encoding::DELTA_BINARY_PACKED;
            }
            (Physical::Int64, _) => {
                self.page_bounds.numbers.add(page.numbers.iter().copied());
                out.extend(page.numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
        Encoding::PLAIN
    }

    /// Writes the chunk to the file, appends its description to the footer, and resets the encoder.
    pub(super) fn finish<W: Write>(
        &mut self,
        page_writer: &mut PageWriter,
        out: &mut TrackedWrite<W>,
        footer: &mut Footer,
    ) -> Result<Sizes, EncodeError> {
        let start = out.bytes_written();
        if matches!(self.dictionary, Dictionary::Used | Dictionary::Abandoned) {
            Self::note_bounds_of_dictionary(&self.texts, self.numbers.numbers(), self.physical, &mut self.bounds);
            self.write_dictionary(page_writer, out)?;
        }
        let statistics = &mut page_writer.statistics;
        statistics.clear();
        self.bounds.finish(self.chunk.nulls(), statistics);
        let (has_levels, nans) = (self.levels != Levels::None, self.bounds.nans());
        let sizes = self.chunk.finish(start, has_levels, statistics, nans, out, footer)?;
        self.texts.clear();
        self.numbers.clear();
        self.dictionary = Dictionary::Undecided;
        Ok(sizes)
    }

    /// Writes the dictionary page.
    fn write_dictionary<W: Write>(
        &mut self,
        page_writer: &mut PageWriter,
        out: &mut TrackedWrite<W>,
    ) -> Result<(), EncodeError> {
        let (page, numbers) = (&mut page_writer.page, self.numbers.numbers());
        page.clear();
        match self.physical {
            Physical::Bytes => page.extend_from_slice(self.texts.plain()),
            Physical::Int32 => page.extend(numbers.iter().flat_map(|number| low_half(number.cast_signed()))),
            Physical::Int64 | Physical::Double => page.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
        }
        let values = self.texts.len().max(numbers.len());
        self.chunk.write_dictionary(page_writer, values, out)
    }

    /// Adds the values of the dictionary to bounds.
    fn note_bounds_of_dictionary(texts: &TextDictionary, numbers: &[u64], physical: Physical, bounds: &mut Bounds) {
        match physical {
            Physical::Bytes => texts.texts().for_each(|text| bounds.texts.add(text)),
            Physical::Double => bounds.floats.add(numbers.iter().map(|bits| f64::from_bits(*bits))),
            Physical::Int32 | Physical::Int64 => bounds.numbers.add(numbers.iter().map(|number| number.cast_signed())),
        }
    }

    /// Adds the values of the page, which are in the dictionary, to its bounds: each value once.
    fn note_bounds_of_indices(&mut self, first: bool) {
        let Self {
            texts,
            numbers,
            page_bounds,
            ..
        } = self;
        let len = texts.len().max(numbers.numbers().len());
        if first || len == 1 && !self.page.indices.is_empty() {
            // The page has every value of the dictionary.
            return Self::note_bounds_of_dictionary(texts, numbers.numbers(), self.physical, page_bounds);
        }
        let mut seen = vec![false; len];
        let distinct = self
            .page
            .indices
            .iter()
            .filter(|index| !std::mem::replace(&mut seen[**index as usize], true));
        match self.physical {
            Physical::Bytes => distinct.for_each(|index| page_bounds.texts.add(texts.get(*index))),
            Physical::Double => page_bounds
                .floats
                .add(distinct.map(|index| f64::from_bits(numbers.get(*index)))),
            Physical::Int32 | Physical::Int64 => page_bounds
                .numbers
                .add(distinct.map(|index| numbers.get(*index).cast_signed())),
        }
    }

    fn add_validity(&mut self, rows: usize, nulls: usize, validity: impl Iterator<Item = bool>) {
        assert!(
            nulls == 0 || self.levels != Levels::None,
            "a required column has a value in every row"
        );
        self.page.nulls += nulls;
        if nulls == 0 {
            self.page.valid.resize(self.page.valid.len() + rows, true);
        } else {
            self.page.valid.extend(validity);
        }
    }

    fn add_number_validity<T: Copy + Default>(&mut self, numbers: &Numbers<T>) {
        let validity = numbers.validity().unwrap_or_default().iter().copied();
        self.add_validity(numbers.values().len(), numbers.nulls(), validity);
    }

    fn add_present<'a>(&mut self, present: impl Iterator<Item = &'a [u8]>) {
        let indexed = self.uses_dictionary();
        let Self {
            page,
            texts,
            page_bounds,
            layout,
            ..
        } = self;
        if indexed {
            page.indices.extend(present.map(|text| texts.index(text)));
            return;
        }
        for text in present {
            page_bounds.texts.add(text);
            if *layout == Layout::Prefixed {
                page.parts.push(text);
            } else {
                write_plain(text, &mut page.plain);
            }
        }
    }

    fn add_numbers(&mut self, present: impl Iterator<Item = i64>) {
        let indexed = self.uses_dictionary();
        let Self { page, numbers, .. } = self;
        if indexed {
            page.indices
                .extend(present.map(|number| numbers.index(number.cast_unsigned())));
        } else {
            page.numbers.extend(present);
        }
    }

    /// Returns whether the values of this page are indices into the dictionary.
    fn uses_dictionary(&mut self) -> bool {
        if self.dictionary == Dictionary::Undecided {
            self.dictionary = match self.layout {
                Layout::Repeating => Dictionary::Used,
                Layout::Distinct | Layout::Prefixed | Layout::Near => Dictionary::Unused,
            };
        }
        self.dictionary == Dictionary::Used
    }
}

impl PageValues {
    fn clear(&mut self) {
        self.valid.clear();
        self.nulls = 0;
        self.repetition.clear();
        self.definition.clear();
        self.indices.clear();
        self.plain.clear();
        self.parts.clear();
        self.numbers.clear();
        self.last_line = None;
    }
}

fn low_half(number: i64) -> [u8; 4] {
    let [a, b, c, d, ..] = number.to_le_bytes();
    [a, b, c, d]
}
