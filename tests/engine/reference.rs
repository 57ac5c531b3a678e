//! The reference encoder: converts a batch to Arrow arrays and writes it with the `parquet` crate, independently of the
//! project's layouts, pages and dictionaries.

use std::sync::Arc;

use alb_ingest::formats::{ColumnSource, Fill, PlannedColumn};
use alb_ingest::object::ObjectFacts;
use alb_ingest::parse::batch::{Batch, Lists, Texts, Values};
use alb_ingest::schema::catalog::arrow;
use alb_ingest::schema::mapping::{OutputTable, Schema};
use arrow_array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::DataType;
use parquet::arrow::ArrowWriter;

/// Encodes the batches of an object.
pub(crate) struct Reference {
    facts: ObjectFacts,
    writer: Option<ArrowWriter<Vec<u8>>>,
}

impl Reference {
    pub(crate) fn new(facts: &ObjectFacts) -> Self {
        Self {
            facts: facts.clone(),
            writer: None,
        }
    }

    pub(crate) fn write(&mut self, batch: &Batch) {
        let schema = arrow::schema(OutputTable::of(Schema::Native, batch.plan));
        let columns = batch.plan.columns.iter().zip(batch.columns()).zip(schema.fields());
        let arrays =
            columns.map(|((column, values), field)| array(column, values, batch, &self.facts, field.data_type()));
        let record = RecordBatch::try_new(schema.clone(), arrays.collect()).unwrap();
        let writer = self
            .writer
            .get_or_insert_with(|| ArrowWriter::try_new(Vec::new(), schema.clone(), None).unwrap());
        writer.write(&record).unwrap();
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.writer.unwrap().into_inner().unwrap()
    }
}

fn array(column: &PlannedColumn, values: &Values, batch: &Batch, facts: &ObjectFacts, kind: &DataType) -> ArrayRef {
    let rows = 0..batch.rows();
    match values {
        Values::Text(texts) => Arc::new(rows.map(|row| text(texts, row, batch)).collect::<StringArray>()),
        Values::Int32(numbers) => Arc::new(rows.map(|row| numbers.get(row)).collect::<Int32Array>()),
        Values::Int64(numbers) => Arc::new(rows.map(|row| numbers.get(row)).collect::<Int64Array>()),
        Values::Float64(numbers) => Arc::new(rows.map(|row| numbers.get(row)).collect::<Float64Array>()),
        Values::Timestamp(numbers) => {
            let times: TimestampMicrosecondArray = rows.map(|row| numbers.get(row)).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        Values::TextList(lists) => Arc::new(list_array(lists, batch, kind)),
        Values::OfObject => Arc::new(
            rows.map(|row| of_object(column, row, batch, facts))
                .collect::<StringArray>(),
        ),
    }
}

fn text<'a>(texts: &Texts, row: usize, batch: &'a Batch) -> Option<&'a str> {
    texts.get(row, batch.text()).map(|text| str::from_utf8(text).unwrap())
}

fn list_array(lists: &Lists, batch: &Batch, kind: &DataType) -> ListArray {
    let DataType::List(item) = kind else { panic!("{kind}") };
    let rows: Vec<Option<Vec<&[u8]>>> = (0..batch.rows())
        .map(|row| lists.get(row, batch.text()).map(Iterator::collect))
        .collect();
    let lengths = rows.iter().map(|row| row.as_ref().map_or(0, Vec::len));
    let items: StringArray = rows
        .iter()
        .flatten()
        .flatten()
        .map(|item| Some(str::from_utf8(item).unwrap()))
        .collect();
    let valid: Vec<bool> = rows.iter().map(Option::is_some).collect();
    ListArray::new(
        item.clone(),
        OffsetBuffer::from_lengths(lengths),
        Arc::new(items),
        Some(NullBuffer::from(valid)),
    )
}

fn of_object(column: &PlannedColumn, row: usize, batch: &Batch, facts: &ObjectFacts) -> Option<String> {
    match column.source {
        ColumnSource::Filled(Fill::EventId) => Some(format!("{}-{:010}", facts.id, batch.line_numbers()[row])),
        ColumnSource::Filled(Fill::AccountId) => facts.key.account.clone(),
        ColumnSource::Filled(Fill::Region) => facts.key.region.clone(),
        ColumnSource::Filled(Fill::SourceBucket) => Some(facts.object.bucket.clone()),
        ColumnSource::Filled(Fill::SourceKey) => Some(facts.object.key.clone()),
        other => panic!("{} is {other:?}", column.name),
    }
}
