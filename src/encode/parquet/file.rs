//! Writes the file around the column chunks: its first bytes, and the footer.

use std::io::{self, Write};

use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter};
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescPtr;

use crate::encode::EncodeError;
use crate::encode::compressor::ZSTD_LEVEL;
use crate::schema::mapping::OutputTable;

use super::page_index::EncodedIndex;
use super::thrift::Fields;

/// The first bytes of a Parquet file.
const MAGIC: &[u8] = b"PAR1";
/// The number of bytes after the footer: its length, and the magic bytes.
const TAIL: usize = 8;
/// The fields of the footer for the number of rows and the row groups, in a file without rows.
const NO_ROWS: &[u8] = &[0x16, 0x00, 0x19, 0x0c];
/// Version 1 of the format: data pages have headers of version 1.
const VERSION: i32 = 1;
const CREATED_BY: &str = concat!("alb-ingest version ", env!("CARGO_PKG_VERSION"));

/// Converts a number of bytes or rows to the type of the metadata.
pub(super) fn count(number: usize) -> i64 {
    i64::try_from(number).expect("fewer bytes and rows than 2^63")
}

/// Begins a file.
pub(super) fn begin<W: Write>(out: W) -> io::Result<TrackedWrite<W>> {
    let mut out = TrackedWrite::new(out);
    out.write_all(MAGIC)?;
    Ok(out)
}

/// The footer: the schema, the positions of the chunks, and the names of table and schema.
pub(super) struct Footer {
    /// What precedes the number of rows in every file of the table.
    head: Vec<u8>,
    /// What follows the row groups.
    tail: Vec<u8>,
    /// The row groups that are written, after those that are packed.
    groups: Vec<u8>,
    packed: Vec<Packed>,
    /// The number of all row groups.
    len: usize,
    /// The page indexes of all chunks that have one, encoded: first the bounds of pages, then their positions.
    column_indexes: Vec<u8>,
    offset_indexes: Vec<u8>,
    indexed: Vec<Indexed>,
    rows: usize,
}

/// The description of row groups, compressed: it takes up a twentieth of the memory.
struct Packed {
    compressed: Vec<u8>,
    /// The length before compression.
    len: usize,
}

/// A chunk with a page index.
struct Indexed {
    /// The position at which its description lacks the fields that refer to the index, in the descriptions of all groups.
    at: usize,
    /// The lengths of its indexes.
    columns: usize,
    offsets: usize,
}

/// The number of bytes of chunks, headers of pages included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    pub(super) compressed: usize,
    pub(super) uncompressed: usize,
}

impl Sizes {
    pub(super) const fn add(&mut self, other: Self) {
        self.compressed += other.compressed;
        self.uncompressed += other.uncompressed;
    }
}

impl Footer {
    pub(super) fn new(
        table: &OutputTable,
        schema: &SchemaDescPtr,
        redaction: Option<&str>,
    ) -> Result<Self, ParquetError> {
        let names = [
            ("alb_ingest.table", table.plan.format.name.to_owned()),
            ("alb_ingest.schema", table.schema.name().to_owned()),
            ("alb_ingest.schema_version", table.schema.version().to_string()),
        ];
        let redaction = redaction.map(|fingerprint| ("alb_ingest.redact", fingerprint.to_owned()));
        let names = names.into_iter().chain(redaction);
        let names: Vec<_> = names.map(|(key, value)| KeyValue::new(key.to_owned(), value)).collect();
        // The footers of two empty files differ from the field after the row groups on.
        let (with_names, without) = (empty(schema, Some(names))?, empty(schema, None)?);
        let common = with_names.iter().zip(&without).take_while(|(one, other)| one == other);
        let (common, tail) = with_names.split_at(common.count());
        let head = common
            .strip_suffix(NO_ROWS)
            .expect("an empty file has no rows and no row groups");
        let (tail, _) = tail.split_at(tail.len() - TAIL);
        Ok(Self {
            head: head.to_vec(),
            tail: tail.to_vec(),
            groups: Vec::new(),
            packed: Vec::new(),
            len: 0,
            column_indexes: Vec::new(),
            offset_indexes: Vec::new(),
            indexed: Vec::new(),
            rows: 0,
        })
    }

    /// Begins a row group, of a number of chunks.
    pub(super) fn begin_group(&mut self, chunks: usize) {
        Fields::new(&mut self.groups).structs(1, chunks);
    }

    /// Returns the buffer that the descriptions of the group's chunks are appended to.
    pub(super) const fn chunks(&mut self) -> &mut Vec<u8> {
        &mut self.groups
    }

    /// Adds the page index of the chunk whose description was appended, but for the end of the struct.
    pub(super) fn add_index(&mut self, index: &EncodedIndex) {
        self.column_indexes.extend_from_slice(&index.columns);
        self.offset_indexes.extend_from_slice(&index.offsets);
        self.indexed.push(Indexed {
            at: self.packed.iter().map(|packed| packed.len).sum::<usize>() + self.groups.len(),
            columns: index.columns.len(),
            offsets: index.offsets.len(),
        });
    }

    /// Ends a row group that begins at `offset` of the file.
    pub(super) fn end_group(&mut self, rows: usize, offset: usize, sizes: Sizes) {
        let mut group = Fields::after(1, &mut self.groups);
        group.int64(2, count(sizes.uncompressed));
        group.int64(3, count(rows));
        group.int64(5, count(offset));
        group.int64(6, count(sizes.compressed));
        group.end();
        self.rows += rows;
        self.len += 1;
    }

    /// Reduces the memory of the row groups that are written. Changes no bytes of the file.
    pub(super) fn pack(&mut self) -> Result<(), EncodeError> {
        if self.groups.is_empty() {
            return Ok(());
        }
        self.packed.push(Packed {
            compressed: zstd::bulk::compress(&self.groups, ZSTD_LEVEL)?,
            len: self.groups.len(),
        });
        self.groups = Vec::new();
        Ok(())
    }

    /// Writes the footer, removes the row groups, and returns the writer.
    pub(super) fn write<W: Write>(&mut self, mut out: TrackedWrite<W>) -> Result<W, EncodeError> {
        let mut index = IndexWriter {
            column: out.bytes_written(),
            offset: out.bytes_written() + self.column_indexes.len(),
            indexed: &self.indexed,
            at: 0,
        };
        out.write_all(&self.column_indexes)?;
        out.write_all(&self.offset_indexes)?;
        let start = out.bytes_written();
        out.write_all(&self.head)?;
        let mut fields = Vec::new();
        let mut file = Fields::after(2, &mut fields);
        file.int64(3, count(std::mem::take(&mut self.rows)));
        file.structs(4, std::mem::take(&mut self.len));
        out.write_all(&fields)?;
        for Packed { compressed, len } in std::mem::take(&mut self.packed) {
            index.write_groups(&zstd::bulk::decompress(&compressed, len)?, &mut out)?;
        }
        index.write_groups(&self.groups, &mut out)?;
        out.write_all(&self.tail)?;
        self.groups.clear();
        self.column_indexes.clear();
        self.offset_indexes.clear();
        self.indexed.clear();
        let len = u32::try_from(out.bytes_written() - start).expect("a footer is smaller than 4 GiB");
        out.write_all(&len.to_le_bytes())?;
        out.write_all(MAGIC)?;
        out.flush()?;
        Ok(out.into_inner()?)
    }
}

/// Adds the positions of page indexes to the descriptions of chunks.
struct IndexWriter<'a> {
    /// The positions of the next indexes in the file.
    column: usize,
    offset: usize,
    indexed: &'a [Indexed],
    /// The number of bytes of descriptions that are written.
    at: usize,
}

impl IndexWriter<'_> {
    fn write_groups(&mut self, groups: &[u8], out: &mut impl Write) -> io::Result<()> {
        let (mut from, end) = (0, self.at + groups.len());
        while let Some((next, rest)) = self.indexed.split_first().filter(|(next, _)| next.at < end) {
            let to = next.at - self.at;
            out.write_all(&groups[from..to])?;
            let small = |len| i32::try_from(len).expect("an index is smaller than 2 GiB");
            let mut fields = Vec::new();
            // After `meta_data`.
            let mut chunk = Fields::after(3, &mut fields);
            chunk.int64(4, count(self.offset));
            chunk.int32(5, small(next.offsets));
            if next.columns > 0 {
                chunk.int64(6, count(self.column));
                chunk.int32(7, small(next.columns));
            }
            out.write_all(&fields)?;
            self.offset += next.offsets;
            self.column += next.columns;
            (from, self.indexed) = (to, rest);
        }
        self.at = end;
        out.write_all(&groups[from..])
    }
}

/// Returns the footer of a file without row groups, as the crate writes it.
fn empty(schema: &SchemaDescPtr, names: Option<Vec<KeyValue>>) -> Result<Vec<u8>, ParquetError> {
    let created_by = Some(CREATED_BY.to_owned());
    // The crate's writer sets the order of each leaf from its type.
    let file = FileMetaData::new(VERSION, 0, created_by, names, schema.clone(), None);
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &ParquetMetaData::new(file, Vec::new())).finish()?;
    Ok(footer)
}
