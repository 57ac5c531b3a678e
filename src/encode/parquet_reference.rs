//! Parquet files by the crate's own writer: slower, and the reference that [`super::ParquetEncoder`] is compared with.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Encoding;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::batch::{Batch, Texts, Values};
use crate::format::{Kind, Layout, Plan, PlannedColumn, Source};
use crate::object::ObjectFacts;
use crate::schema::arrow::{list_item, writer_schema};
use crate::settings::Compression;

use super::json::{Constant, constant, write_line_number};
use super::parquet::{ROW_GROUP_BYTES, ROW_GROUP_ROWS, codec, properties};
use super::{EncodeError, Encoder};

/// Writes events as a Parquet file, by the crate's own column writer.
pub struct ReferenceEncoder<W: Write + Send> {
    facts: ObjectFacts,
    schema: SchemaRef,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ReferenceEncoder<W> {
    /// An encoder for the events of one object.
    pub fn new(plan: &Plan, facts: &ObjectFacts, compression: Compression, out: W) -> Result<Self, EncodeError> {
        let schema = writer_schema(plan);
        let options = ArrowWriterOptions::new()
            .with_properties(reference_properties(plan, compression)?)
            // The types of the file say all that the Arrow schema would.
            .with_skip_arrow_metadata(true)
            .with_schema_root(plan.format.name.to_owned());
        let writer = ArrowWriter::try_new_with_options(out, schema.clone(), options)?;
        Ok(Self {
            facts: facts.clone(),
            schema,
            writer,
        })
    }
}

impl<W: Write + Send> Encoder<W> for ReferenceEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        let arrays = batch
            .plan
            .columns
            .iter()
            .zip(batch.columns())
            .map(|(column, values)| array(column, values, batch, &self.facts))
            .collect::<Result<_, _>>()?;
        self.writer.write(&RecordBatch::try_new(self.schema.clone(), arrays)?)?;
        if self.writer.in_progress_size() > ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.writer.memory_size()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        Ok(self.writer.flush()?)
    }

    fn finish(self: Box<Self>) -> Result<W, EncodeError> {
        Ok(self.writer.into_inner()?)
    }
}

fn reference_properties(plan: &Plan, compression: Compression) -> Result<WriterProperties, EncodeError> {
    let mut properties = properties(plan)
        .set_compression(codec(compression)?)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS));
    for column in &plan.columns {
        let path = match column.kind {
            Kind::TextList => ColumnPath::new(vec![column.name.to_owned(), "list".to_owned(), "element".to_owned()]),
            _ => ColumnPath::new(vec![column.name.to_owned()]),
        };
        let encoding = match column.layout {
            Layout::Repeating => continue,
            Layout::Distinct => Encoding::DELTA_LENGTH_BYTE_ARRAY,
            Layout::Prefixed => Encoding::DELTA_BYTE_ARRAY,
            Layout::Near => Encoding::DELTA_BINARY_PACKED,
        };
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, encoding);
    }
    Ok(properties.build())
}

fn array(column: &PlannedColumn, values: &Values, batch: &Batch, facts: &ObjectFacts) -> Result<ArrayRef, EncodeError> {
    Ok(match values {
        Values::Text(texts) => Arc::new(text_array(texts, batch.text())?),
        Values::Int32(numbers) => Arc::new(Int32Array::try_new(
            numbers.values().to_vec().into(),
            nulls(numbers.validity()),
        )?),
        Values::Int64(numbers) => Arc::new(Int64Array::try_new(
            numbers.values().to_vec().into(),
            nulls(numbers.validity()),
        )?),
        Values::Float64(numbers) => Arc::new(Float64Array::try_new(
            numbers.values().to_vec().into(),
            nulls(numbers.validity()),
        )?),
        Values::Timestamp(numbers) => {
            let times = numbers.values().to_vec().into();
            Arc::new(TimestampMicrosecondArray::try_new(times, nulls(numbers.validity()))?.with_timezone("UTC"))
        }
        Values::TextList(lists) => Arc::new(ListArray::try_new(
            list_item(),
            offsets(lists.ends())?,
            Arc::new(text_array(lists.items(), batch.text())?),
            nulls(lists.validity()),
        )?),
        Values::OfObject => object_array(column, batch, facts)?,
    })
}

/// A column that is not stored in the batch: the event's id, or what is the same for the whole object.
fn object_array(column: &PlannedColumn, batch: &Batch, facts: &ObjectFacts) -> Result<ArrayRef, EncodeError> {
    let constant = match column.source {
        Source::Filled(fill) => constant(fill, facts),
        Source::Part { .. } => Constant::No,
    };
    let rows = batch.rows();
    let (value, nulls) = match constant {
        Constant::Value(value) => (value, None),
        Constant::Null => ("", Some(NullBuffer::new_null(rows))),
        Constant::No => return Ok(Arc::new(event_ids(batch, facts)?)),
    };
    let keys = Int32Array::try_new(vec![0; rows].into(), nulls)?;
    let value = StringArray::from(vec![value]);
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(value))?))
}

fn event_ids(batch: &Batch, facts: &ObjectFacts) -> Result<StringArray, EncodeError> {
    let mut bytes = Vec::with_capacity(batch.rows() * (facts.id.len() + 11));
    let mut ends = Vec::with_capacity(batch.rows());
    for line in batch.line_numbers() {
        bytes.extend_from_slice(facts.id.as_bytes());
        bytes.push(b'-');
        write_line_number(*line, &mut bytes);
        ends.push(bytes.len());
    }
    Ok(StringArray::try_new(offsets(&ends)?, Buffer::from_vec(bytes), None)?)
}

fn text_array(texts: &Texts, text: &[u8]) -> Result<StringArray, EncodeError> {
    let mut bytes = Vec::new();
    let mut ends = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        bytes.extend_from_slice(texts.get(row, text).unwrap_or_default());
        ends.push(bytes.len());
    }
    let valid: Vec<bool> = texts.validity().collect();
    let nulls = nulls((texts.nulls() > 0).then_some(&valid));
    Ok(StringArray::try_new(offsets(&ends)?, Buffer::from_vec(bytes), nulls)?)
}

fn offsets(ends: &[usize]) -> Result<OffsetBuffer<i32>, EncodeError> {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0);
    for end in ends {
        let end = i32::try_from(*end).map_err(|_| ArrowError::OffsetOverflowError(*end))?;
        offsets.push(end);
    }
    Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
}

fn nulls(validity: Option<&[bool]>) -> Option<NullBuffer> {
    validity.map(|valid| NullBuffer::new(BooleanBuffer::from(valid)))
}
