//! Writes column chunks: the pages of one column in one row group.

use std::io::Write;

use parquet::basic::{Encoding, EncodingMask};
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::EncodeError;

use super::bits::{width_of, write_flags, write_hybrid, write_run};
use super::codec::PageCodec;
use super::file::{Footer, Sizes, count};
use super::page_index::PageIndex;
use super::statistics::Bounds;
use super::thrift::{Fields, PageHeader};

/// The buffers and the codec that pages are made with, shared by all columns so that pages need no allocation.
pub(super) struct PageWriter {
    codec: PageCodec,
    /// The levels and values of the current page.
    pub(super) page: Vec<u8>,
    compressed: Vec<u8>,
    /// The dictionary page, with its header and compressed.
    dictionary: Vec<u8>,
    /// The statistics of the current chunk, encoded.
    pub(super) statistics: Vec<u8>,
}

impl PageWriter {
    pub(super) fn new(codec: PageCodec) -> Self {
        Self {
            codec,
            page: Vec::new(),
            compressed: Vec::new(),
            dictionary: Vec::new(),
            statistics: Vec::new(),
        }
    }

    /// Appends the definition levels of a flat column, which mark the rows that have a value.
    pub(super) fn write_validity(&mut self, valid: &[bool], nulls: usize) {
        let at = self.begin_levels();
        if nulls == 0 {
            write_run(1, valid.len(), 1, &mut self.page);
        } else {
            write_flags(valid, &mut self.page);
        }
        self.end_levels(at);
    }

    /// Appends levels of `width` bits.
    pub(super) fn write_levels(&mut self, levels: &[u32], width: u32) {
        let at = self.begin_levels();
        write_hybrid(levels, width, &mut self.page);
        self.end_levels(at);
    }

    /// Appends indices into a dictionary.
    pub(super) fn write_indices(&mut self, indices: &[u32], dictionary_len: usize) {
        let width = width_of(dictionary_len.saturating_sub(1) as u64);
        self.page.push(u8::try_from(width).expect("indices are 32 bits"));
        write_hybrid(indices, width, &mut self.page);
    }

    fn begin_levels(&mut self) -> usize {
        self.page.extend_from_slice(&[0; 4]);
        self.page.len()
    }

    /// Writes the length of the levels before them.
    fn end_levels(&mut self, at: usize) {
        let len = u32::try_from(self.page.len() - at).expect("a page is shorter than 4 GiB");
        self.page[at - 4..at].copy_from_slice(&len.to_le_bytes());
    }

    /// Appends the page, compressed and with its header; returns its length before compression, header included.
    fn write_page(
        &mut self,
        is_dictionary: bool,
        values: usize,
        encoding: Encoding,
        out: &mut Vec<u8>,
    ) -> Result<usize, EncodeError> {
        self.codec.compress(&self.page, &mut self.compressed)?;
        let header = PageHeader {
            is_dictionary,
            uncompressed: self.page.len(),
            compressed: self.compressed.len(),
            values,
            encoding,
        };
        let start = out.len();
        header.write(out);
        let header_len = out.len() - start;
        out.extend_from_slice(&self.compressed);
        Ok(header_len + self.page.len())
    }
}

/// Numbers of fields of `ColumnMetaData`.
const ENCODINGS: u8 = 2;
const PATH: u8 = 3;
const CODEC: u8 = 4;

/// The data pages of a column chunk.
pub(super) struct Chunk {
    physical: i32,
    /// The fields of the chunk's description that name the column and the codec, encoded.
    constant: Vec<u8>,
    pages: Vec<u8>,
    encodings: EncodingMask,
    index: PageIndex,
    rows: usize,
    values: usize,
    nulls: usize,
    /// The number of bytes of the pages before compression, headers included.
    uncompressed: usize,
}

impl Chunk {
    pub(super) fn new(described: &ColumnDescPtr, codec: i32) -> Self {
        let mut constant = Vec::new();
        let mut fields = Fields::after(ENCODINGS, &mut constant);
        fields.texts(PATH, described.path().parts().iter().map(String::as_bytes));
        fields.int32(CODEC, codec);
        Self {
            physical: described.physical_type() as i32,
            constant,
            pages: Vec::new(),
            encodings: EncodingMask::default(),
            index: PageIndex::default(),
            rows: 0,
            values: 0,
            nulls: 0,
            uncompressed: 0,
        }
    }

    /// Returns the number of bytes of the pages.
    pub(super) const fn bytes(&self) -> usize {
        self.pages.len()
    }

    /// Frees the memory of an empty chunk.
    pub(super) fn release(&mut self) {
        if self.pages.is_empty() {
            self.pages = Vec::new();
            self.index.release();
        }
    }

    /// Returns the number of bytes of memory for the pages.
    pub(super) const fn memory(&self) -> usize {
        self.pages.len() + self.index.memory()
    }

    /// Returns the number of values in the pages, nulls included.
    pub(super) const fn values(&self) -> usize {
        self.values
    }

    /// Returns the number of nulls in the pages.
    pub(super) const fn nulls(&self) -> usize {
        self.nulls
    }

    /// Compresses and adds the current page, to the index too if its bounds are given. `values` includes nulls.
    pub(super) fn add_page(
        &mut self,
        page_writer: &mut PageWriter,
        rows: usize,
        values: usize,
        nulls: usize,
        encoding: Encoding,
        bounds: Option<&mut Bounds>,
    ) -> Result<(), EncodeError> {
        self.values += values;
        self.nulls += nulls;
        self.encodings.insert(encoding);
        let start = self.pages.len();
        self.uncompressed += page_writer.write_page(false, values, encoding, &mut self.pages)?;
        if let Some(bounds) = bounds {
            self.index.add(self.pages.len() - start, self.rows, nulls, bounds);
        }
        self.rows += rows;
        Ok(())
    }

    /// Compresses the current page as the dictionary page, with `values` entries, and writes it before the data pages.
    pub(super) fn write_dictionary<W: Write>(
        &mut self,
        page_writer: &mut PageWriter,
        values: usize,
        out: &mut TrackedWrite<W>,
    ) -> Result<(), EncodeError> {
        self.encodings.insert(Encoding::PLAIN);
        let mut dictionary = std::mem::take(&mut page_writer.dictionary);
        dictionary.clear();
        self.uncompressed += page_writer.write_page(true, values, Encoding::PLAIN, &mut dictionary)?;
        out.write_all(&dictionary)?;
        page_writer.dictionary = dictionary;
        Ok(())
    }

    /// Writes the data pages of the chunk that begins at `start`, after its dictionary page if it has one, appends its
    /// description, a `ColumnChunk` of the format, and resets the chunk.
    pub(super) fn finish<W: Write>(
        &mut self,
        start: usize,
        has_levels: bool,
        statistics: &[u8],
        nans: Option<i64>,
        out: &mut TrackedWrite<W>,
        footer: &mut Footer,
    ) -> Result<Sizes, EncodeError> {
        if has_levels {
            self.encodings.insert(Encoding::RLE);
        }
        let data_start = out.bytes_written();
        out.write_all(&self.pages)?;
        let sizes = Sizes {
            compressed: out.bytes_written() - start,
            uncompressed: self.uncompressed,
        };
        let mut chunk = Fields::new(footer.chunks());
        // The position of a copy of this description, which is not written.
        chunk.int64(2, 0);
        let mut described = chunk.nested(3);
        described.int32(1, self.physical);
        described.encodings(ENCODINGS, self.encodings);
        described.encoded_fields(CODEC, &self.constant);
        described.int64(5, count(self.values));
        described.int64(6, count(sizes.uncompressed));
        described.int64(7, count(sizes.compressed));
        described.int64(9, count(data_start));
        if data_start > start {
            described.int64(11, count(start));
        }
        described.encoded(12, statistics);
        described.end();
        if let Some(index) = self.index.encode(data_start, nans) {
            footer.add_index(&index);
        }
        Fields::new(footer.chunks()).end();
        self.pages.clear();
        self.encodings = EncodingMask::default();
        (self.rows, self.values, self.nulls, self.uncompressed) = (0, 0, 0, 0);
        Ok(sizes)
    }
}
