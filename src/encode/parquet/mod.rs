//! Parquet files, their column chunks encoded here and handed to the `parquet` crate, which writes file and footer.
//!
//! Each column has its encoder, chosen by the layout that the format table gives it. The crate's own column writer,
//! which spends more than half of a file's time, is the reference that tests compare with.

mod bits;
mod chunk;
mod codec;
mod column;
mod delta;
mod dictionary;
mod schema;
mod statistics;

use std::io::Write;
use std::sync::Arc;

use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::SchemaDescriptor;

use crate::batch::{Batch, Texts, Values};
use crate::format::{Plan, PlannedColumn, SCHEMA_VERSION, Source};
use crate::object::ObjectFacts;
use crate::settings::Compression;

use super::json::{Constant, constant, write_line_number};
use super::{EncodeError, Encoder};

use chunk::Workshop;
use codec::PageCodec;
use codec::codec;
use column::ColumnEncoder;

/// The most rows in a row group: a bound for memory; size and speed hardly depend on it.
const ROW_GROUP_ROWS: usize = 65_536;
/// The most rows in a page.
const PAGE_ROWS: usize = 8_192;
/// The bytes of log lines after which a page ends, whatever its rows.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// The bytes of encoded pages after which a row group ends, whatever its rows.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// Writes events as a Parquet file.
pub struct ParquetEncoder<W: Write + Send> {
    facts: ObjectFacts,
    file: SerializedFileWriter<W>,
    columns: Vec<ColumnEncoder>,
    workshop: Workshop,
    /// Rows in the row group so far.
    rows: usize,
    /// Rows that are in no page yet.
    page_rows: usize,
    /// The bytes of their lines.
    page_bytes: usize,
    ids: Texts,
    ids_text: Vec<u8>,
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// An encoder for the events of one object.
    pub fn new(plan: &Plan, facts: &ObjectFacts, compression: Compression, out: W) -> Result<Self, EncodeError> {
        let schema = SchemaDescriptor::new(schema::parquet_schema(plan)?);
        let codec = codec(compression)?;
        let properties = properties(plan).set_compression(codec).build();
        let columns = plan
            .columns
            .iter()
            .zip(schema.columns())
            .map(|(column, descriptor)| ColumnEncoder::new(descriptor.clone(), codec, column.layout))
            .collect();
        Ok(Self {
            facts: facts.clone(),
            file: SerializedFileWriter::new(out, schema.root_schema_ptr(), Arc::new(properties))?,
            columns,
            workshop: Workshop::new(PageCodec::new(compression)?),
            rows: 0,
            page_rows: 0,
            page_bytes: 0,
            ids: Texts::default(),
            ids_text: Vec::new(),
        })
    }

    /// Makes pages of the rows that are in none.
    fn close_pages(&mut self) -> Result<(), EncodeError> {
        if self.page_rows > 0 {
            for column in &mut self.columns {
                column.close_page(&mut self.workshop)?;
            }
        }
        (self.page_rows, self.page_bytes) = (0, 0);
        Ok(())
    }

    fn encode_column(&mut self, number: usize, column: &PlannedColumn, values: &Values, batch: &Batch) {
        let Some(encoder) = self.columns.get_mut(number) else {
            return;
        };
        match values {
            Values::Text(texts) => encoder.add_texts(texts, batch.text()),
            Values::Int32(numbers) => encoder.add_int32(numbers),
            Values::Int64(numbers) | Values::Timestamp(numbers) => encoder.add_int64(numbers),
            Values::Float64(numbers) => encoder.add_floats(numbers),
            Values::TextList(lists) => encoder.add_lists(lists, batch.text()),
            Values::OfObject => {
                let constant = match column.source {
                    Source::Filled(fill) => constant(fill, &self.facts),
                    Source::Part { .. } => Constant::No,
                };
                match constant {
                    Constant::Value(value) => encoder.add_constant(Some(value), batch.rows()),
                    Constant::Null => encoder.add_constant(None, batch.rows()),
                    Constant::No => {
                        event_ids(batch, &self.facts, &mut self.ids, &mut self.ids_text);
                        encoder.add_texts(&self.ids, &self.ids_text);
                    }
                }
            }
        }
    }
}

/// The ids of a batch's events.
fn event_ids(batch: &Batch, facts: &ObjectFacts, ids: &mut Texts, text: &mut Vec<u8>) {
    ids.clear();
    text.clear();
    for line in batch.line_numbers() {
        ids.push_with(text, |out| {
            out.extend_from_slice(facts.id.as_bytes());
            out.push(b'-');
            write_line_number(*line, out);
        });
    }
}

impl<W: Write + Send> Encoder<W> for ParquetEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        if self.page_rows + batch.rows() > PAGE_ROWS || self.page_bytes > PAGE_BYTES {
            self.close_pages()?;
        }
        if self.rows + batch.rows() > ROW_GROUP_ROWS || self.buffered() > ROW_GROUP_BYTES {
            self.flush()?;
        }
        self.page_bytes += batch.bytes();
        for (number, (column, values)) in batch.plan.columns.iter().zip(batch.columns()).enumerate() {
            self.encode_column(number, column, values, batch);
        }
        self.rows += batch.rows();
        self.page_rows += batch.rows();
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.columns.iter().map(ColumnEncoder::buffered).sum()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.close_pages()?;
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            let (bytes, close) = column.finish(self.rows as u64, &mut self.workshop)?;
            group.append_column(&bytes, close)?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W, EncodeError> {
        self.flush()?;
        Ok(self.file.into_inner()?)
    }
}

/// What is said of the file.
fn properties(plan: &Plan) -> WriterPropertiesBuilder {
    let metadata = [
        ("alb_ingest.table", plan.format.name.to_owned()),
        ("alb_ingest.schema_version", SCHEMA_VERSION.to_string()),
    ];
    let metadata = metadata
        .into_iter()
        .map(|(key, value)| KeyValue::new(key.to_owned(), value))
        .collect();
    WriterProperties::builder()
        .set_created_by(concat!("alb-ingest version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(metadata))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
}
