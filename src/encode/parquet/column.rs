//! The encoder of one column: its values into the pages of a chunk, as the column's layout says.

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::schema::types::ColumnDescPtr;

use crate::batch::{Lists, Numbers, Texts};
use crate::encode::EncodeError;
use crate::format::Layout;

use super::chunk::{Chunk, Workshop};
use super::delta::{Width, write_numbers};
use super::dictionary::{NumberDictionary, TextDictionary};
use super::statistics::{self, TextBounds};

/// The bytes of a dictionary after which the pages of a chunk do without it.
const DICTIONARY_BYTES: usize = 512 * 1024;

/// Encodes one column.
pub(super) struct ColumnEncoder {
    descriptor: ColumnDescPtr,
    codec: Codec,
    layout: Layout,
    nullable: bool,
    chunk: Chunk,
    texts: TextDictionary,
    numbers: NumberDictionary,
    /// Whether this chunk still adds pages to its dictionary.
    dictionary: Dictionary,
    text_bounds: TextBounds,
    number_bounds: Option<(i64, i64)>,
    floats: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dictionary {
    /// No page uses one.
    Unused,
    /// Every page so far uses it.
    Used,
    /// Some pages use it; it has grown too large for the next.
    Left,
}

impl ColumnEncoder {
    pub(super) fn new(descriptor: ColumnDescPtr, codec: Codec, layout: Layout) -> Self {
        let nullable = descriptor.max_def_level() > 0;
        let chunk = Chunk::new(descriptor.clone(), codec);
        Self {
            descriptor,
            codec,
            layout,
            nullable,
            chunk,
            texts: TextDictionary::default(),
            numbers: NumberDictionary::default(),
            dictionary: Dictionary::Unused,
            text_bounds: TextBounds::default(),
            number_bounds: None,
            floats: false,
        }
    }

    /// The bytes held for the chunk so far.
    pub(super) fn buffered(&self) -> usize {
        self.chunk.bytes() + self.texts.plain().len() + self.numbers.numbers().len() * 8
    }

    /// Adds texts as a page.
    pub(super) fn add_texts(&mut self, texts: &Texts, text: &[u8], workshop: &mut Workshop) -> Result<(), EncodeError> {
        let validity = (texts.nulls() > 0).then(|| texts.validity());
        workshop.begin_flat(texts.len(), validity, self.nullable);
        let encoding = self.write_texts(texts.present(text), workshop);
        self.chunk.add_page(workshop, texts.len(), texts.nulls(), encoding)
    }

    /// Adds the same text (or null) for every row as a page.
    pub(super) fn add_constant(
        &mut self,
        value: Option<&str>,
        rows: usize,
        workshop: &mut Workshop,
    ) -> Result<(), EncodeError> {
        let validity = value.is_none().then(|| std::iter::repeat_n(false, rows));
        workshop.begin_flat(rows, validity, self.nullable);
        workshop.indices.clear();
        if let Some(value) = value {
            let index = self.texts.index(value.as_bytes());
            workshop.indices.resize(rows, index);
        }
        self.dictionary = Dictionary::Used;
        workshop.write_indices(self.texts.len());
        let nulls = if value.is_none() { rows } else { 0 };
        self.chunk.add_page(workshop, rows, nulls, Encoding::RLE_DICTIONARY)
    }

    /// Adds lists of texts as a page.
    pub(super) fn add_lists(&mut self, lists: &Lists, text: &[u8], workshop: &mut Workshop) -> Result<(), EncodeError> {
        let mut repetition = Vec::with_capacity(lists.items().len() + lists.ends().len());
        let mut definition = Vec::with_capacity(repetition.capacity());
        for row in 0..lists.ends().len() {
            let mut items = 0;
            let mut present = false;
            for _ in lists.get(row, text).into_iter().inspect(|_| present = true).flatten() {
                repetition.push(u32::from(items > 0));
                definition.push(2);
                items += 1;
            }
            if items == 0 {
                repetition.push(0);
                definition.push(u32::from(present));
            }
        }
        workshop.begin_lists(&repetition, &definition);
        let items = lists.items();
        let encoding = self.write_texts(items.present(text), workshop);
        self.chunk
            .add_page(workshop, definition.len(), definition.len() - items.len(), encoding)
    }

    /// Adds 32-bit numbers as a page.
    pub(super) fn add_int32(&mut self, numbers: &Numbers<i32>, workshop: &mut Workshop) -> Result<(), EncodeError> {
        let present = (0..numbers.values().len())
            .filter_map(|row| numbers.get(row))
            .map(i64::from);
        self.add_integers(numbers.validity(), numbers.values().len(), present, workshop)
    }

    /// Adds 64-bit numbers as a page.
    pub(super) fn add_int64(&mut self, numbers: &Numbers<i64>, workshop: &mut Workshop) -> Result<(), EncodeError> {
        let present = (0..numbers.values().len()).filter_map(|row| numbers.get(row));
        self.add_integers(numbers.validity(), numbers.values().len(), present, workshop)
    }

    /// Adds floats as a page.
    pub(super) fn add_floats(&mut self, numbers: &Numbers<f64>, workshop: &mut Workshop) -> Result<(), EncodeError> {
        self.floats = true;
        let rows = numbers.values().len();
        workshop.begin_flat(
            rows,
            numbers.validity().map(|valid| valid.iter().copied()),
            self.nullable,
        );
        let nulls = numbers.validity().map_or(0, count_nulls);
        let present = (0..rows).filter_map(|row| numbers.get(row)).map(f64::to_bits);
        let encoding = if self.leaves_dictionary(self.numbers.numbers().len() * 8) {
            for bits in present {
                // The dictionary goes on for the statistics only.
                workshop.page.extend_from_slice(&bits.to_le_bytes());
                self.add_float_bound(f64::from_bits(bits));
            }
            Encoding::PLAIN
        } else {
            workshop.indices.clear();
            workshop.indices.extend(present.map(|bits| self.numbers.index(bits)));
            workshop.write_indices(self.numbers.numbers().len());
            Encoding::RLE_DICTIONARY
        };
        self.chunk.add_page(workshop, rows, nulls, encoding)
    }

    /// Ends the chunk, and begins the next.
    pub(super) fn finish(
        &mut self,
        rows: u64,
        workshop: &mut Workshop,
    ) -> Result<(Bytes, ColumnCloseResult), EncodeError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::new(self.descriptor.clone(), self.codec));
        let nulls = chunk.nulls;
        let physical = chunk.physical_type();
        let statistics = if physical == Type::BYTE_ARRAY {
            let mut bounds = std::mem::take(&mut self.text_bounds);
            self.texts.texts().for_each(|text| bounds.add(text));
            bounds.finish(nulls)
        } else if self.floats {
            let bounds = self.number_bounds.take().map(|(min, max)| [min, max]);
            let more = bounds
                .into_iter()
                .flatten()
                .map(|bits| f64::from_bits(bits.cast_unsigned()));
            let floats = self.numbers.numbers().iter().map(|bits| f64::from_bits(*bits));
            statistics::floats(floats.chain(more), nulls)
        } else {
            statistics::numbers(physical, self.number_bounds.take(), nulls)
        };
        let plain = match physical {
            Type::BYTE_ARRAY => self.texts.plain().to_vec(),
            Type::INT32 => self
                .numbers
                .numbers()
                .iter()
                .flat_map(|number| low_half(*number))
                .collect(),
            _ => self
                .numbers
                .numbers()
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect(),
        };
        let len = if physical == Type::BYTE_ARRAY {
            self.texts.len()
        } else {
            self.numbers.numbers().len()
        };
        let dictionary = (self.dictionary != Dictionary::Unused).then_some((plain.as_slice(), len));
        let finished = chunk.finish(workshop, dictionary, statistics, rows)?;
        self.texts.clear();
        self.numbers.clear();
        self.dictionary = Dictionary::Unused;
        Ok(finished)
    }

    /// Writes the texts that are there behind the levels of the page; returns their encoding.
    fn write_texts<'a>(
        &mut self,
        present: impl Iterator<Item = &'a [u8]> + Clone,
        workshop: &mut Workshop,
    ) -> Encoding {
        let indexed = self.layout == Layout::Repeating && !self.leaves_dictionary(self.texts.plain().len());
        match self.layout {
            Layout::Prefixed => {
                present.clone().for_each(|text| self.text_bounds.add(text));
                workshop.parts.write_prefixes(present, &mut workshop.page);
                Encoding::DELTA_BYTE_ARRAY
            }
            Layout::Repeating if indexed => {
                workshop.indices.clear();
                workshop.indices.extend(present.map(|text| self.texts.index(text)));
                workshop.write_indices(self.texts.len());
                Encoding::RLE_DICTIONARY
            }
            _ => {
                present.clone().for_each(|text| self.text_bounds.add(text));
                workshop.parts.write_lengths(present, &mut workshop.page);
                Encoding::DELTA_LENGTH_BYTE_ARRAY
            }
        }
    }

    fn add_integers(
        &mut self,
        validity: Option<&[bool]>,
        rows: usize,
        present: impl Iterator<Item = i64>,
        workshop: &mut Workshop,
    ) -> Result<(), EncodeError> {
        workshop.begin_flat(rows, validity.map(|valid| valid.iter().copied()), self.nullable);
        workshop.numbers.clear();
        workshop.numbers.extend(present);
        for number in &workshop.numbers {
            let (min, max) = self.number_bounds.unwrap_or((*number, *number));
            self.number_bounds = Some((min.min(*number), max.max(*number)));
        }
        let repeating = self.layout == Layout::Repeating && !self.leaves_dictionary(self.numbers.numbers().len() * 8);
        let encoding = if repeating {
            workshop.indices.clear();
            let numbers = workshop
                .numbers
                .iter()
                .map(|number| self.numbers.index(number.cast_unsigned()));
            workshop.indices.extend(numbers);
            workshop.write_indices(self.numbers.numbers().len());
            Encoding::RLE_DICTIONARY
        } else {
            let width = if self.chunk.physical_type() == Type::INT32 {
                Width::W32
            } else {
                Width::W64
            };
            write_numbers(&workshop.numbers, width, &mut workshop.page);
            Encoding::DELTA_BINARY_PACKED
        };
        self.chunk
            .add_page(workshop, rows, validity.map_or(0, count_nulls), encoding)
    }

    fn add_float_bound(&mut self, value: f64) {
        let bounds = self.number_bounds.map_or((value, value), |(min, max)| {
            let float = |bits: i64| f64::from_bits(bits.cast_unsigned());
            (float(min).min(value), float(max).max(value))
        });
        self.number_bounds = Some((bounds.0.to_bits().cast_signed(), bounds.1.to_bits().cast_signed()));
    }

    /// Whether the next page does without the dictionary, because it has so many bytes.
    fn leaves_dictionary(&mut self, bytes: usize) -> bool {
        self.dictionary = match self.dictionary {
            Dictionary::Left => Dictionary::Left,
            Dictionary::Used if bytes > DICTIONARY_BYTES => Dictionary::Left,
            Dictionary::Unused | Dictionary::Used => Dictionary::Used,
        };
        self.dictionary == Dictionary::Left
    }
}

fn low_half(number: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = number.to_le_bytes();
    [a, b, c, d]
}

fn count_nulls(validity: &[bool]) -> usize {
    validity.iter().filter(|valid| !**valid).count()
}
