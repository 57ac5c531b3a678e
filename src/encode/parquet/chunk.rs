//! Column chunks: the pages of one column in one row group.

use bytes::Bytes;
use parquet::basic::{Compression as Codec, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::bits::{width_of, write_hybrid, write_run};
use super::codec::PageCodec;
use crate::encode::EncodeError;

/// What pages are made with: one set for all columns, so that nothing is allocated for a page.
pub(super) struct Workshop {
    codec: PageCodec,
    /// Levels and values of the page that is being made.
    pub(super) page: Vec<u8>,
    levels: Vec<u32>,
    compressed: Vec<u8>,
}

impl Workshop {
    pub(super) fn new(codec: PageCodec) -> Self {
        Self {
            codec,
            page: Vec::new(),
            levels: Vec::new(),
            compressed: Vec::new(),
        }
    }

    /// Appends the definition levels of a flat column: which rows have a value.
    pub(super) fn write_validity(&mut self, valid: &[bool], nulls: usize) {
        let at = self.begin_levels();
        if nulls == 0 {
            write_run(1, valid.len(), 1, &mut self.page);
        } else {
            self.levels.clear();
            self.levels.extend(valid.iter().map(|valid| u32::from(*valid)));
            write_hybrid(&self.levels, 1, &mut self.page);
        }
        self.end_levels(at);
    }

    /// Appends levels of so many bits.
    pub(super) fn write_levels(&mut self, levels: &[u32], width: u32) {
        let at = self.begin_levels();
        write_hybrid(levels, width, &mut self.page);
        self.end_levels(at);
    }

    /// Appends indices into a dictionary.
    pub(super) fn write_indices(&mut self, indices: &[u32], dictionary_len: usize) {
        let width = width_of(dictionary_len.saturating_sub(1) as u64);
        self.page.push(u8::try_from(width).unwrap_or(32));
        write_hybrid(indices, width, &mut self.page);
    }

    fn begin_levels(&mut self) -> usize {
        self.page.extend_from_slice(&[0; 4]);
        self.page.len()
    }

    /// Puts the length of the levels in front of them.
    fn end_levels(&mut self, at: usize) {
        let len = u32::try_from(self.page.len() - at).unwrap_or(0).to_le_bytes();
        if let Some(prefix) = self.page.get_mut(at - 4..at) {
            prefix.copy_from_slice(&len);
        }
    }
}

/// The pages of a column chunk so far.
pub(super) struct Chunk {
    descriptor: ColumnDescPtr,
    codec: Codec,
    pages: TrackedWrite<Vec<u8>>,
    encodings: Vec<Encoding>,
    values: u64,
    nulls: u64,
    uncompressed: usize,
}

impl Chunk {
    pub(super) fn new(descriptor: ColumnDescPtr, codec: Codec) -> Self {
        Self {
            descriptor,
            codec,
            pages: TrackedWrite::new(Vec::new()),
            encodings: Vec::new(),
            values: 0,
            nulls: 0,
            uncompressed: 0,
        }
    }

    /// The nulls in the pages so far.
    pub(super) const fn nulls(&self) -> u64 {
        self.nulls
    }

    /// The bytes of the pages so far.
    pub(super) fn bytes(&self) -> usize {
        self.pages.bytes_written()
    }

    /// Compresses and adds the page in the workshop. `values` counts nulls too.
    pub(super) fn add_page(
        &mut self,
        workshop: &mut Workshop,
        values: usize,
        nulls: usize,
        encoding: Encoding,
    ) -> Result<(), EncodeError> {
        self.values += values as u64;
        self.nulls += nulls as u64;
        let page = |buf| Page::DataPage {
            buf,
            num_values: u32::try_from(values).unwrap_or(u32::MAX),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        self.uncompressed += write_page(workshop, &mut self.pages, page)?;
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        Ok(())
    }

    /// The whole chunk, its dictionary in front.
    pub(super) fn finish(
        self,
        workshop: &mut Workshop,
        dictionary: Option<(Vec<u8>, usize)>,
        statistics: Statistics,
        rows: u64,
    ) -> Result<(Bytes, ColumnCloseResult), EncodeError> {
        let mut head = TrackedWrite::new(Vec::new());
        let mut uncompressed = self.uncompressed;
        let mut encodings = self.encodings;
        encodings.push(Encoding::RLE);
        let has_dictionary = dictionary.is_some();
        if let Some((plain, len)) = dictionary {
            workshop.page = plain;
            let page = |buf| Page::DictionaryPage {
                buf,
                num_values: u32::try_from(len).unwrap_or(u32::MAX),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            uncompressed += write_page(workshop, &mut head, page)?;
            encodings.push(Encoding::PLAIN);
        }
        let head = head.into_inner()?;
        let pages = self.pages.into_inner()?;
        let data_offset = i64::try_from(head.len()).unwrap_or(0);
        let bytes = if head.is_empty() { pages } else { [head, pages].concat() };
        let metadata = ColumnChunkMetaData::builder(self.descriptor)
            .set_compression(self.codec)
            .set_encodings(encodings)
            .set_num_values(i64::try_from(self.values).unwrap_or(i64::MAX))
            .set_total_compressed_size(i64::try_from(bytes.len()).unwrap_or(i64::MAX))
            .set_total_uncompressed_size(i64::try_from(uncompressed).unwrap_or(i64::MAX))
            .set_data_page_offset(data_offset)
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_statistics(statistics)
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes.into(), close))
    }
}

/// Compresses the page in the workshop and writes it; its length before compression, header included.
fn write_page(
    workshop: &mut Workshop,
    out: &mut TrackedWrite<Vec<u8>>,
    page: impl FnOnce(Bytes) -> Page,
) -> Result<usize, EncodeError> {
    let Workshop {
        codec,
        page: raw,
        compressed,
        ..
    } = workshop;
    codec.compress(raw, compressed)?;
    let page = CompressedPage::new(page(Bytes::copy_from_slice(compressed)), raw.len());
    Ok(SerializedPageWriter::new(out).write_page(page)?.uncompressed_size)
}
