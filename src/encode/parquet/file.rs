//! Writes the file around the column chunks: its first bytes, and the footer, which the `parquet` crate encodes.

use std::io::{self, Write};

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescPtr;

use crate::encode::EncodeError;
use crate::encode::compressor::ZSTD_LEVEL;
use crate::schema::mapping::OutputTable;

use super::schema::parquet_schema;

/// The first bytes of a Parquet file.
const MAGIC: &[u8] = b"PAR1";
/// The number of bytes after the footer: its length, and the magic bytes.
const TAIL: usize = 8;
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

/// The content of the footer: the schema, the positions of the chunks, and the names of table and schema.
pub(super) struct Footer {
    /// Built once and reused for the next file.
    schema: SchemaDescPtr,
    metadata: Vec<KeyValue>,
    /// The row groups that are written, after those that are packed.
    groups: Vec<RowGroupMetaData>,
    packed: Vec<Packed>,
    rows: usize,
    written: Vec<u8>,
}

/// The description of row groups, as a compressed footer: it takes up a twentieth of the memory.
struct Packed {
    compressed: Vec<u8>,
    /// The length before compression.
    len: usize,
}

impl Footer {
    pub(super) fn new(table: &OutputTable) -> Result<Self, ParquetError> {
        let metadata = [
            ("alb_ingest.table", table.plan.format.name.to_owned()),
            ("alb_ingest.schema", table.schema.name().to_owned()),
            ("alb_ingest.schema_version", table.schema.version().to_string()),
        ];
        Ok(Self {
            schema: parquet_schema(table)?,
            metadata: metadata
                .into_iter()
                .map(|(key, value)| KeyValue::new(key.to_owned(), value))
                .collect(),
            groups: Vec::new(),
            packed: Vec::new(),
            rows: 0,
            written: Vec::new(),
        })
    }

    pub(super) const fn schema(&self) -> &SchemaDescPtr {
        &self.schema
    }

    /// Adds a row group that begins at `offset` and whose chunks are written.
    pub(super) fn add_group(
        &mut self,
        rows: usize,
        offset: usize,
        chunks: Vec<ColumnChunkMetaData>,
    ) -> Result<(), ParquetError> {
        let group = self.group(count(rows), Some(count(offset)), chunks)?;
        self.groups.push(group);
        self.rows += rows;
        Ok(())
    }

    fn group(
        &self,
        rows: i64,
        offset: Option<i64>,
        chunks: Vec<ColumnChunkMetaData>,
    ) -> Result<RowGroupMetaData, ParquetError> {
        let uncompressed = chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum();
        let mut group = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(rows)
            .set_total_byte_size(uncompressed)
            .set_column_metadata(chunks);
        if let Some(offset) = offset {
            group = group.set_file_offset(offset);
        }
        group.build()
    }

    /// Reduces the memory of the row groups that are written. Changes no bytes of the file.
    pub(super) fn pack(&mut self) -> Result<(), EncodeError> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let groups = std::mem::take(&mut self.groups);
        self.encode(0, groups)?;
        self.packed.push(Packed {
            compressed: zstd::bulk::compress(&self.written, ZSTD_LEVEL)?,
            len: self.written.len(),
        });
        self.written = Vec::new();
        Ok(())
    }

    /// Removes and returns the row groups.
    fn take_groups(&mut self) -> Result<Vec<RowGroupMetaData>, EncodeError> {
        let mut groups = Vec::new();
        for Packed { compressed, len } in std::mem::take(&mut self.packed) {
            let footer = zstd::bulk::decompress(&compressed, len)?;
            let (footer, _) = footer.split_at_checked(len - TAIL).unwrap_or_default();
            let metadata = ParquetMetaDataReader::decode_metadata(footer)?;
            for group in metadata.row_groups() {
                // The crate's reader numbers the groups, but the file has no numbers.
                groups.push(self.group(group.num_rows(), group.file_offset(), group.columns().to_vec())?);
            }
        }
        groups.append(&mut self.groups);
        Ok(groups)
    }

    /// Encodes a footer with its length and the magic bytes into the buffer.
    fn encode(&mut self, rows: usize, groups: Vec<RowGroupMetaData>) -> Result<(), ParquetError> {
        let file = FileMetaData::new(
            VERSION,
            count(rows),
            Some(CREATED_BY.to_owned()),
            Some(self.metadata.clone()),
            self.schema.clone(),
            // The crate's writer sets the order of each leaf from its type.
            None,
        );
        let metadata = ParquetMetaData::new(file, groups);
        self.written.clear();
        ParquetMetaDataWriter::new(&mut self.written, &metadata).finish()
    }

    /// Writes the footer, removes the row groups, and returns the writer.
    pub(super) fn write<W: Write>(&mut self, mut out: TrackedWrite<W>) -> Result<W, EncodeError> {
        let groups = self.take_groups()?;
        let rows = std::mem::take(&mut self.rows);
        // Through a buffer: the crate's writer would keep `out`, and an IO error must not be reported as bad metadata.
        self.encode(rows, groups)?;
        out.write_all(&self.written)?;
        out.flush()?;
        Ok(out.into_inner()?)
    }
}
