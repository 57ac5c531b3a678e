//! Writes Parquet files. Column chunks are encoded here, by the layout that the format table gives each column, and so is their
//! metadata; the `parquet` crate writes the schema and what else all footers of a table have in common.
//!
//! The crate's own writers, which would take more than half of the time of a file, are the reference in tests.

mod bits;
mod chunk;
mod codec;
mod column;
mod delta;
mod dictionary;
mod file;
mod page_index;
mod schema;
mod statistics;
mod thrift;

use std::cell::Cell;
use std::io::Write;

use parquet::file::writer::TrackedWrite;

use crate::encode::Compression;
use crate::object::{ObjectFacts, OfObject};
use crate::parse::batch::{Batch, Values};
use crate::schema::mapping::{Leaf, OutputTable, Schema, Value};

use super::computed::Computed;
use super::{EncodeError, Encoder};

use chunk::PageWriter;
use codec::{PageCodec, codec};
use column::ColumnEncoder;
use file::{Footer, Sizes};
use schema::parquet_schema;

/// The maximum number of rows in a row group: a bound for memory; size and speed hardly depend on it.
const ROW_GROUP_ROWS: usize = 65_536;
/// The maximum number of rows in a page.
const PAGE_ROWS: usize = 8_192;
/// The number of bytes of log lines after which a page ends, whatever its number of rows.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// The maximum size of an OCSF column's page before compression, which Amazon Security Lake requires.
/// <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>
const OCSF_MAX_PAGE: usize = 1_000_000;
/// The maximum number of bytes of a list's item besides its text: the length, and the levels.
const ITEM_BYTES: usize = 5;
/// The number of bytes of encoded pages after which a row group ends, whatever its number of rows.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// The maximum number of bytes of log lines of a file after which a thread keeps the encoders for its next file.
const KEEP_BYTES: usize = 1024 * 1024;

/// Writes events as a Parquet file.
pub struct ParquetEncoder<W: Write + Send> {
    facts: ObjectFacts,
    out: TrackedWrite<W>,
    cache: Box<EncoderCache>,
    /// The number of rows in the row group.
    rows: usize,
    /// The number of rows that are not in a page yet.
    page_rows: usize,
    /// The number of bytes of their lines.
    page_bytes: usize,
    /// The number of bytes of all lines.
    bytes: usize,
    /// Whether memory was released, at the price of speed.
    is_lean: bool,
}

/// The encoders of files of one output table and one compression. Making them costs more than encoding a small file.
struct EncoderCache {
    table: &'static OutputTable,
    compression: Compression,
    /// The fingerprint of the redaction, which the footer names.
    redaction: Option<String>,
    /// One encoder per leaf of the table.
    columns: Vec<ColumnEncoder>,
    computed: Computed,
    footer: Footer,
}

thread_local! {
    /// The encoders of the thread's previous small file, empty.
    static CACHE: Cell<Option<Box<EncoderCache>>> = const { Cell::new(None) };
    /// The page writer of the thread's files. Files that are open at the same time share it.
    static PAGE_WRITER: Cell<Option<(Compression, PageWriter)>> = const { Cell::new(None) };
}

impl EncoderCache {
    /// Returns the encoders of the thread's previous file if they fit, otherwise new ones.
    fn take(
        table: &'static OutputTable,
        compression: Compression,
        redaction: Option<&str>,
    ) -> Result<Box<Self>, EncodeError> {
        match CACHE.take() {
            Some(cache)
                if std::ptr::eq(cache.table, table)
                    && cache.compression == compression
                    && cache.redaction.as_deref() == redaction =>
            {
                Ok(cache)
            }
            _ => {
                let (schema, codec) = (parquet_schema(table)?, codec(compression));
                let columns = table.leaves.iter().zip(schema.columns());
                Ok(Box::new(Self {
                    table,
                    compression,
                    redaction: redaction.map(str::to_owned),
                    columns: columns
                        .map(|(leaf, described)| ColumnEncoder::new(leaf, described, codec))
                        .collect(),
                    computed: Computed::new(table),
                    footer: Footer::new(table, &schema, redaction)?,
                }))
            }
        }
    }
}

/// Calls `write` with the thread's page writer.
fn with_page_writer<T>(
    compression: Compression,
    write: impl FnOnce(&mut PageWriter) -> Result<T, EncodeError>,
) -> Result<T, EncodeError> {
    let mut writer = match PAGE_WRITER.take() {
        Some((codec, writer)) if codec == compression => writer,
        _ => PageWriter::new(PageCodec::new(compression)?),
    };
    let written = write(&mut writer)?;
    PAGE_WRITER.set(Some((compression, writer)));
    Ok(written)
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// Returns an encoder that begins with the events of one object.
    pub fn new(
        table: &'static OutputTable,
        facts: &ObjectFacts,
        compression: Compression,
        out: W,
    ) -> Result<Self, EncodeError> {
        Self::redacted(table, facts, compression, None, out)
    }

    /// Like [`ParquetEncoder::new`], for events of a redaction, whose fingerprint the file's metadata names.
    pub fn redacted(
        table: &'static OutputTable,
        facts: &ObjectFacts,
        compression: Compression,
        redaction: Option<&str>,
        out: W,
    ) -> Result<Self, EncodeError> {
        if table.schema.is_batched() {
            return Err(EncodeError::NotRows(table.schema.name()));
        }
        Ok(Self {
            facts: facts.clone(),
            out: file::begin(out)?,
            cache: EncoderCache::take(table, compression, redaction)?,
            rows: 0,
            page_rows: 0,
            page_bytes: 0,
            bytes: 0,
            is_lean: false,
        })
    }

    /// Makes pages of the rows that are not in a page yet; `last` is true if the row group ends with them.
    fn close_pages(&mut self, last: bool) -> Result<(), EncodeError> {
        if self.page_rows > 0 {
            let (columns, rows) = (&mut self.cache.columns, self.page_rows);
            with_page_writer(self.cache.compression, |writer| {
                columns
                    .iter_mut()
                    .try_for_each(|column| column.close_page(writer, rows, last))
            })?;
        }
        (self.page_rows, self.page_bytes) = (0, 0);
        Ok(())
    }

    /// Returns whether a page of OCSF could exceed its maximum size with this batch.
    fn ends_ocsf_page(&self, batch: &Batch) -> bool {
        if self.cache.table.schema != Schema::Ocsf {
            return false;
        }
        let items = |values: &Values| match values {
            Values::TextList(lists) => lists.items().len(),
            _ => 0,
        };
        let items = batch.columns().iter().map(items).max().unwrap_or(0);
        // A column has each byte of the text at most once, or a text of the object in every row.
        let texts = batch.text().len().max(batch.bytes());
        let constants = batch.rows() * (self.facts.object.key.len() + ITEM_BYTES);
        let growth = (texts + items * ITEM_BYTES).max(constants);
        let largest = if self.rows == self.page_rows {
            // Any column of the first page may lose its dictionary, which makes short items of lists twice as large.
            2 * self.page_bytes
        } else {
            let sizes = self.cache.columns.iter().map(ColumnEncoder::page_bytes);
            sizes.max().unwrap_or(0)
        };
        largest + growth > OCSF_MAX_PAGE
    }

    /// Adds the values of a leaf; `computed` is the number of computed leaves before it.
    fn encode_leaf(&mut self, number: usize, leaf: &Leaf, batch: &Batch, computed: &mut usize) {
        let EncoderCache {
            table,
            columns,
            computed: values,
            ..
        } = self.cache.as_mut();
        let encoder = &mut columns[number];
        match &leaf.value {
            Value::Constant(literal) => encoder.add_literal(*literal, batch.rows()),
            Value::Computed { .. } | Value::Conditional { .. } => {
                let (values, text) = values.values(*computed, batch);
                *computed += 1;
                encoder.add_values(values, text);
            }
            Value::Column(column) => match self.facts.of_object(table.plan.columns[*column].source) {
                OfObject::Text(text) => encoder.add_constant(Some(text), batch.rows()),
                OfObject::Null => encoder.add_constant(None, batch.rows()),
                OfObject::EventId => encoder.add_event_ids(&self.facts.id, batch.line_numbers()),
                OfObject::No => encoder.add_values(&batch.columns()[*column], batch.text()),
            },
        }
    }
}

impl<W: Write + Send> Encoder<W> for ParquetEncoder<W> {
    fn begin_object(&mut self, facts: &ObjectFacts) {
        self.facts.clone_from(facts);
        self.cache.columns.iter_mut().for_each(ColumnEncoder::begin_object);
    }

    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        if self.page_rows + batch.rows() > PAGE_ROWS || self.page_bytes > PAGE_BYTES || self.ends_ocsf_page(batch) {
            self.close_pages(false)?;
        }
        if self.rows + batch.rows() > ROW_GROUP_ROWS || self.buffered() > ROW_GROUP_BYTES {
            self.flush()?;
        }
        self.page_bytes += batch.bytes();
        self.bytes += batch.bytes();
        self.cache.computed.fill(batch);
        let table = self.cache.table;
        let mut computed = 0;
        for (number, leaf) in table.leaves.iter().enumerate() {
            self.encode_leaf(number, leaf, batch, &mut computed);
        }
        self.rows += batch.rows();
        self.page_rows += batch.rows();
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.cache.columns.iter().map(ColumnEncoder::buffered).sum()
    }

    fn memory(&self) -> usize {
        self.cache.columns.iter().map(ColumnEncoder::memory).sum()
    }

    fn release(&mut self) -> Result<(), EncodeError> {
        self.is_lean = true;
        self.cache.columns.iter_mut().for_each(ColumnEncoder::release);
        self.cache.footer.pack()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.close_pages(true)?;
        let EncoderCache {
            columns,
            footer,
            compression,
            ..
        } = self.cache.as_mut();
        let start = self.out.bytes_written();
        let out = &mut self.out;
        with_page_writer(*compression, |writer| {
            let mut sizes = Sizes::default();
            footer.begin_group(columns.len());
            for column in columns {
                sizes.add(column.finish(writer, out, footer)?);
            }
            footer.end_group(self.rows, start, sizes);
            Ok(())
        })?;
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W, EncodeError> {
        self.flush()?;
        let Self {
            out,
            mut cache,
            bytes,
            is_lean,
            ..
        } = *self;
        let out = cache.footer.write(out)?;
        if bytes <= KEEP_BYTES && !is_lean {
            CACHE.set(Some(cache));
        } else {
            PAGE_WRITER.set(None);
        }
        Ok(out)
    }
}
