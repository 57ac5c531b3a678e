//! Writes the file around the column chunks: its first bytes, and the footer, which the `parquet` crate encodes.

use std::io::{self, Write};

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::file::writer::TrackedWrite;
use parquet::schema::types::SchemaDescPtr;

use crate::encode::EncodeError;
use crate::schema::mapping::OutputTable;

use super::schema::parquet_schema;

/// The first bytes of a Parquet file.
const MAGIC: &[u8] = b"PAR1";
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
    /// The row groups that are written.
    groups: Vec<RowGroupMetaData>,
    rows: usize,
    written: Vec<u8>,
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
        let uncompressed = chunks.iter().map(ColumnChunkMetaData::uncompressed_size).sum();
        let group = RowGroupMetaData::builder(self.schema.clone())
            .set_num_rows(count(rows))
            .set_total_byte_size(uncompressed)
            .set_file_offset(count(offset))
            .set_column_metadata(chunks)
            .build()?;
        self.groups.push(group);
        self.rows += rows;
        Ok(())
    }

    /// Writes the footer, removes the row groups, and returns the writer.
    pub(super) fn write<W: Write>(&mut self, mut out: TrackedWrite<W>) -> Result<W, EncodeError> {
        let file = FileMetaData::new(
            VERSION,
            count(std::mem::take(&mut self.rows)),
            Some(CREATED_BY.to_owned()),
            Some(self.metadata.clone()),
            self.schema.clone(),
            // The crate's writer sets the order of each leaf from its type.
            None,
        );
        let metadata = ParquetMetaData::new(file, std::mem::take(&mut self.groups));
        // Through a buffer: the crate's writer would keep `out`, and an IO error must not be reported as bad metadata.
        self.written.clear();
        ParquetMetaDataWriter::new(&mut self.written, &metadata).finish()?;
        out.write_all(&self.written)?;
        out.flush()?;
        Ok(out.into_inner()?)
    }
}
