//! Writes column chunks: the pages of one column in one row group.

use std::io::Write;

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding, EncodingMask};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::encode::EncodeError;

use super::bits::{width_of, write_flags, write_hybrid, write_run};
use super::codec::PageCodec;
use super::file::count;

/// The buffers and the codec that pages are made with, shared by all columns so that pages need no allocation.
pub(super) struct PageWriter {
    codec: PageCodec,
    /// The levels and values of the current page.
    pub(super) page: Vec<u8>,
    compressed: Vec<u8>,
    /// The dictionary page, with its header and compressed.
    dictionary: Vec<u8>,
    /// The writer type that the crate requires. The buffer that a page is appended to is swapped into it.
    sink: TrackedWrite<Vec<u8>>,
}

impl PageWriter {
    pub(super) fn new(codec: PageCodec) -> Self {
        Self {
            codec,
            page: Vec::new(),
            compressed: Vec::new(),
            dictionary: Vec::new(),
            sink: TrackedWrite::new(Vec::new()),
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
    fn write_page(&mut self, out: &mut Vec<u8>, page: impl FnOnce(Bytes) -> Page) -> Result<usize, EncodeError> {
        self.codec.compress(&self.page, &mut self.compressed)?;
        let compressed = Bytes::from(std::mem::take(&mut self.compressed));
        let page = CompressedPage::new(page(compressed.clone()), self.page.len());
        std::mem::swap(self.sink.inner_mut(), out);
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.sink.flush()?;
        std::mem::swap(self.sink.inner_mut(), out);
        // The only reference now, so nothing is copied.
        self.compressed = compressed.into();
        Ok(written.uncompressed_size)
    }
}

/// The data pages of a column chunk.
pub(super) struct Chunk {
    descriptor: ColumnDescPtr,
    codec: Codec,
    pages: Vec<u8>,
    encodings: EncodingMask,
    values: usize,
    nulls: usize,
    /// The number of bytes of the pages before compression, headers included.
    uncompressed: usize,
}

impl Chunk {
    pub(super) fn new(descriptor: ColumnDescPtr, codec: Codec) -> Self {
        Self {
            descriptor,
            codec,
            pages: Vec::new(),
            encodings: EncodingMask::default(),
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
        }
    }

    /// Returns the number of values in the pages, nulls included.
    pub(super) const fn values(&self) -> usize {
        self.values
    }

    /// Returns the number of nulls in the pages.
    pub(super) const fn nulls(&self) -> u64 {
        self.nulls as u64
    }

    /// Compresses and adds the current page. `values` includes nulls.
    pub(super) fn add_page(
        &mut self,
        page_writer: &mut PageWriter,
        values: usize,
        nulls: usize,
        encoding: Encoding,
    ) -> Result<(), EncodeError> {
        self.values += values;
        self.nulls += nulls;
        self.encodings.insert(encoding);
        let page = |buf| Page::DataPage {
            buf,
            num_values: u32::try_from(values).expect("a page has fewer values than 2^32"),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.uncompressed += page_writer.write_page(&mut self.pages, page)?;
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
        let page = |buf| Page::DictionaryPage {
            buf,
            num_values: u32::try_from(values).expect("a page has fewer values than 2^32"),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        let mut dictionary = std::mem::take(&mut page_writer.dictionary);
        dictionary.clear();
        self.uncompressed += page_writer.write_page(&mut dictionary, page)?;
        out.write_all(&dictionary)?;
        page_writer.dictionary = dictionary;
        Ok(())
    }

    /// Writes the data pages of the chunk that begins at `start`, after its dictionary page if it has one, and resets the
    /// chunk.
    pub(super) fn finish<W: Write>(
        &mut self,
        start: usize,
        has_levels: bool,
        statistics: Statistics,
        out: &mut TrackedWrite<W>,
    ) -> Result<ColumnChunkMetaData, EncodeError> {
        if has_levels {
            self.encodings.insert(Encoding::RLE);
        }
        let data_start = out.bytes_written();
        out.write_all(&self.pages)?;
        let metadata = ColumnChunkMetaData::builder(self.descriptor.clone())
            .set_compression(self.codec)
            .set_encodings_mask(self.encodings)
            .set_num_values(count(self.values))
            .set_total_compressed_size(count(out.bytes_written() - start))
            .set_total_uncompressed_size(count(self.uncompressed))
            .set_data_page_offset(count(data_start))
            .set_dictionary_page_offset((data_start > start).then_some(count(start)))
            .set_statistics(statistics)
            .build()?;
        self.pages.clear();
        self.encodings = EncodingMask::default();
        (self.values, self.nulls, self.uncompressed) = (0, 0, 0);
        Ok(metadata)
    }
}
