//! The encoder of one column: its values into the pages of a chunk, as the column's layout says.

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, Type};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use crate::batch::{Lists, Numbers, Texts};
use crate::encode::EncodeError;
use crate::format::Layout;

use super::chunk::{Chunk, Workshop};
use super::delta::{TextParts, Width, write_numbers};
use super::dictionary::{NumberDictionary, TextDictionary};
use super::statistics::{self, FloatBounds, NumberBounds, TextBounds};

/// The bytes of a dictionary after which the pages of a chunk do without it.
const DICTIONARY_BYTES: usize = 512 * 1024;

/// Encodes one column: values are gathered for a page, pages for a chunk.
pub(super) struct ColumnEncoder {
    descriptor: ColumnDescPtr,
    codec: Codec,
    layout: Layout,
    chunk: Chunk,
    page: PageValues,
    texts: TextDictionary,
    numbers: NumberDictionary,
    dictionary: Dictionary,
    text_bounds: TextBounds,
    number_bounds: NumberBounds,
    float_bounds: FloatBounds,
}

/// The values of the page that is being gathered.
#[derive(Debug, Default)]
struct PageValues {
    /// Which rows have a value.
    valid: Vec<bool>,
    nulls: usize,
    /// The levels of lists, in place of `valid`.
    repetition: Vec<u32>,
    definition: Vec<u32>,
    /// The values, as indices where the page uses the dictionary.
    indices: Vec<u32>,
    texts: TextParts,
    numbers: Vec<i64>,
}

/// How the pages of a chunk use its dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dictionary {
    /// No page does.
    Unused,
    /// Every page so far does.
    Used,
    /// Some do; it has grown too large for those that follow.
    Left,
}

impl ColumnEncoder {
    pub(super) fn new(descriptor: ColumnDescPtr, codec: Codec, layout: Layout) -> Self {
        let chunk = Chunk::new(descriptor.clone(), codec);
        let dictionary = Dictionary::Unused;
        Self {
            descriptor,
            codec,
            layout,
            chunk,
            page: PageValues::default(),
            texts: TextDictionary::default(),
            numbers: NumberDictionary::default(),
            dictionary,
            text_bounds: TextBounds::default(),
            number_bounds: NumberBounds::default(),
            float_bounds: FloatBounds::default(),
        }
    }

    /// The bytes held for the chunk so far.
    pub(super) fn buffered(&self) -> usize {
        self.chunk.bytes() + self.texts.plain().len() + self.numbers.numbers().len() * 8 + self.page.texts.len()
    }

    /// Adds texts.
    pub(super) fn add_texts(&mut self, texts: &Texts, text: &[u8]) {
        self.add_validity(texts.len(), texts.nulls(), texts.validity());
        self.add_present(texts.present(text));
    }

    /// Adds the same text (or null) for so many rows.
    pub(super) fn add_constant(&mut self, value: Option<&str>, rows: usize) {
        let nulls = if value.is_none() { rows } else { 0 };
        self.add_validity(rows, nulls, std::iter::repeat_n(value.is_some(), rows));
        self.dictionary = Dictionary::Used;
        if let Some(value) = value {
            let index = self.texts.index(value.as_bytes());
            self.page.indices.extend(std::iter::repeat_n(index, rows));
        }
    }

    /// Adds lists of texts.
    pub(super) fn add_lists(&mut self, lists: &Lists, text: &[u8]) {
        let PageValues {
            repetition,
            definition,
            nulls,
            ..
        } = &mut self.page;
        for (items, valid) in lists.lengths() {
            if items == 0 {
                *nulls += 1;
                repetition.push(0);
                definition.push(u32::from(valid));
            } else {
                repetition.push(0);
                repetition.extend(std::iter::repeat_n(1, items - 1));
                definition.extend(std::iter::repeat_n(2, items));
            }
        }
        self.add_present(lists.items().present(text));
    }

    /// Adds 32-bit numbers.
    pub(super) fn add_int32(&mut self, numbers: &Numbers<i32>) {
        self.add_number_validity(numbers);
        self.add_integers(numbers.present().map(i64::from));
    }

    /// Adds 64-bit numbers.
    pub(super) fn add_int64(&mut self, numbers: &Numbers<i64>) {
        self.add_number_validity(numbers);
        self.add_integers(numbers.present());
    }

    /// Adds floats.
    pub(super) fn add_floats(&mut self, numbers: &Numbers<f64>) {
        self.add_number_validity(numbers);
        let indexed = self.uses_dictionary();
        let Self {
            page,
            numbers: dictionary,
            float_bounds,
            ..
        } = self;
        if indexed {
            page.indices
                .extend(numbers.present().map(|number| dictionary.index(number.to_bits())));
        } else {
            page.numbers.extend(numbers.present().map(|number| {
                float_bounds.add(number);
                number.to_bits().cast_signed()
            }));
        }
    }

    /// Makes a page of the values that are in none.
    pub(super) fn close_page(&mut self, workshop: &mut Workshop) -> Result<(), EncodeError> {
        let page = &mut self.page;
        workshop.page.clear();
        let values = if page.definition.is_empty() {
            page.valid.len()
        } else {
            page.definition.len()
        };
        if self.descriptor.max_rep_level() > 0 {
            workshop.write_levels(&page.repetition, 1);
            workshop.write_levels(&page.definition, 2);
        } else if self.descriptor.max_def_level() > 0 {
            workshop.write_validity(&page.valid, page.nulls);
        }
        let encoding = if self.dictionary == Dictionary::Used {
            let distinct = self.texts.len().max(self.numbers.numbers().len());
            workshop.write_indices(&page.indices, distinct);
            Encoding::RLE_DICTIONARY
        } else {
            match (self.descriptor.physical_type(), self.layout) {
                (Type::BYTE_ARRAY, Layout::Prefixed) => {
                    page.texts.write_prefixes(&mut workshop.page);
                    Encoding::DELTA_BYTE_ARRAY
                }
                (Type::BYTE_ARRAY, _) => {
                    page.texts.write_lengths(&mut workshop.page);
                    Encoding::DELTA_LENGTH_BYTE_ARRAY
                }
                (Type::DOUBLE, _) => {
                    workshop
                        .page
                        .extend(page.numbers.iter().flat_map(|number| number.to_le_bytes()));
                    Encoding::PLAIN
                }
                (physical, _) => {
                    let width = if physical == Type::INT32 {
                        Width::W32
                    } else {
                        Width::W64
                    };
                    write_numbers(&page.numbers, width, &mut workshop.page);
                    Encoding::DELTA_BINARY_PACKED
                }
            }
        };
        self.chunk.add_page(workshop, values, page.nulls, encoding)?;
        page.clear();
        let bytes = self.texts.plain().len() + self.numbers.numbers().len() * 8;
        if self.dictionary == Dictionary::Used && bytes > DICTIONARY_BYTES {
            self.dictionary = Dictionary::Left;
        }
        Ok(())
    }

    /// Ends the chunk, and begins the next.
    pub(super) fn finish(
        &mut self,
        rows: u64,
        workshop: &mut Workshop,
    ) -> Result<(Bytes, ColumnCloseResult), EncodeError> {
        let chunk = std::mem::replace(&mut self.chunk, Chunk::new(self.descriptor.clone(), self.codec));
        let statistics = self.statistics(chunk.nulls());
        let numbers = self.numbers.numbers();
        let dictionary = match (self.dictionary, self.descriptor.physical_type()) {
            (Dictionary::Unused, _) => None,
            (_, Type::BYTE_ARRAY) => Some((self.texts.plain().to_vec(), self.texts.len())),
            (_, Type::INT32) => Some((
                numbers.iter().flat_map(|number| low_half(*number)).collect(),
                numbers.len(),
            )),
            _ => Some((
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
                numbers.len(),
            )),
        };
        let finished = chunk.finish(workshop, dictionary, statistics, rows)?;
        self.texts.clear();
        self.numbers.clear();
        self.dictionary = Dictionary::Unused;
        Ok(finished)
    }

    /// The bounds of the values, and of those in the dictionary once for each.
    fn statistics(&mut self, nulls: u64) -> Statistics {
        let physical = self.descriptor.physical_type();
        match physical {
            Type::BYTE_ARRAY => {
                let mut bounds = std::mem::take(&mut self.text_bounds);
                self.texts.texts().for_each(|text| bounds.add(text));
                bounds.finish(nulls)
            }
            Type::DOUBLE => {
                let mut bounds = std::mem::take(&mut self.float_bounds);
                self.numbers
                    .numbers()
                    .iter()
                    .for_each(|bits| bounds.add(f64::from_bits(*bits)));
                bounds.finish(nulls)
            }
            _ => {
                let mut bounds = std::mem::take(&mut self.number_bounds);
                self.numbers
                    .numbers()
                    .iter()
                    .for_each(|number| bounds.add(number.cast_signed()));
                statistics::numbers(physical, bounds, nulls)
            }
        }
    }

    fn add_validity(&mut self, rows: usize, nulls: usize, validity: impl Iterator<Item = bool>) {
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
            text_bounds,
            layout,
            ..
        } = self;
        if indexed {
            page.indices.extend(present.map(|text| texts.index(text)));
            return;
        }
        for text in present {
            text_bounds.add(text);
            if *layout == Layout::Prefixed {
                page.texts.push_prefixed(text);
            } else {
                page.texts.push(text);
            }
        }
    }

    fn add_integers(&mut self, present: impl Iterator<Item = i64>) {
        let indexed = self.uses_dictionary();
        let Self {
            page,
            numbers,
            number_bounds,
            ..
        } = self;
        if indexed {
            page.indices
                .extend(present.map(|number| numbers.index(number.cast_unsigned())));
        } else {
            page.numbers
                .extend(present.inspect(|number| number_bounds.add(*number)));
        }
    }

    /// Whether the values of this page are indices into the dictionary.
    fn uses_dictionary(&mut self) -> bool {
        if self.layout == Layout::Repeating && self.dictionary == Dictionary::Unused {
            self.dictionary = Dictionary::Used;
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
        self.numbers.clear();
    }
}

fn low_half(number: u64) -> [u8; 4] {
    let [a, b, c, d, ..] = number.to_le_bytes();
    [a, b, c, d]
}
