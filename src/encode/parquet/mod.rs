//! Parquet files: their column chunks are encoded here, by the layout that the format table gives each column; the
//! `parquet` crate writes schema, page headers, metadata and footer.
//!
//! The crate's own column writer, which spends more than half of a file's time, is the reference that tests compare
//! with.

mod bits;
mod chunk;
mod codec;
mod column;
mod delta;
mod dictionary;
mod file;
mod schema;
mod statistics;

use std::cell::Cell;
use std::io::Write;

use parquet::file::writer::TrackedWrite;

use crate::encode::Compression;
use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::schema::mapping::{Leaf, OutputTable, Schema, Value};

use super::computed::Computed;
use super::object_constants::{OfObject, object_constants};
use super::{EncodeError, Encoder};

use chunk::PageWriter;
use codec::{PageCodec, codec};
use column::ColumnEncoder;
use file::Footer;

/// The most rows in a row group: a bound for memory; size and speed hardly depend on it.
const ROW_GROUP_ROWS: usize = 65_536;
/// The most rows in a page.
const PAGE_ROWS: usize = 8_192;
/// The bytes of log lines after which a page ends, whatever its rows.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// The same for OCSF: Amazon Security Lake takes pages of 1 MB, and a block of 256 KiB of lines comes on top.
/// <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>
const OCSF_PAGE_BYTES: usize = 512 * 1024;
/// The bytes of encoded pages after which a row group ends, whatever its rows.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// The bytes of log lines up to which a thread keeps what a file was made with for its next one.
const KEEP_BYTES: usize = 1024 * 1024;

/// Writes events as a Parquet file.
pub struct ParquetEncoder<W: Write + Send> {
    facts: ObjectFacts,
    out: TrackedWrite<W>,
    tools: Box<EncoderCache>,
    /// Rows in the row group so far.
    rows: usize,
    /// Rows that are in no page yet.
    page_rows: usize,
    /// The bytes of their lines.
    page_bytes: usize,
    /// The bytes of all lines so far.
    bytes: usize,
}

/// What files of one table in one schema and one compression are made with. It costs more to make than a small file does.
struct EncoderCache {
    shape: &'static OutputTable,
    compression: Compression,
    /// One for each leaf of the shape.
    columns: Vec<ColumnEncoder>,
    made: Computed,
    workshop: PageWriter,
    footer: Footer,
}

thread_local! {
    /// The tools of the thread's last small file, nothing of the file in them.
    static TOOLS: Cell<Option<Box<EncoderCache>>> = const { Cell::new(None) };
}

impl EncoderCache {
    /// The tools of the thread's last file where they fit, else new ones.
    fn take(shape: &'static OutputTable, compression: Compression) -> Result<Box<Self>, EncodeError> {
        match TOOLS.take() {
            Some(tools) if std::ptr::eq(tools.shape, shape) && tools.compression == compression => Ok(tools),
            _ => {
                let (footer, codec) = (Footer::new(shape)?, codec(compression));
                let columns = shape.leaves.iter().zip(footer.schema().columns());
                Ok(Box::new(Self {
                    shape,
                    compression,
                    columns: columns
                        .map(|(leaf, described)| ColumnEncoder::new(leaf, described, codec))
                        .collect(),
                    made: Computed::new(shape),
                    workshop: PageWriter::new(PageCodec::new(compression)?),
                    footer,
                }))
            }
        }
    }
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// An encoder for the events of one object.
    pub fn new(
        shape: &'static OutputTable,
        facts: &ObjectFacts,
        compression: Compression,
        out: W,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            facts: facts.clone(),
            out: file::begin(out)?,
            tools: EncoderCache::take(shape, compression)?,
            rows: 0,
            page_rows: 0,
            page_bytes: 0,
            bytes: 0,
        })
    }

    /// Makes pages of the rows that are in none; `last` says that the row group ends with them.
    fn close_pages(&mut self, last: bool) -> Result<(), EncodeError> {
        if self.page_rows > 0 {
            for column in &mut self.tools.columns {
                column.close_page(&mut self.tools.workshop, last)?;
            }
        }
        (self.page_rows, self.page_bytes) = (0, 0);
        Ok(())
    }

    /// Adds the values of a leaf; `made` counts the rules.
    fn encode_leaf(&mut self, number: usize, leaf: &Leaf, batch: &Batch, made: &mut usize) {
        let EncoderCache {
            shape,
            columns,
            made: values,
            ..
        } = self.tools.as_mut();
        let Some(encoder) = columns.get_mut(number) else {
            return;
        };
        match &leaf.value {
            Value::Constant(literal) => encoder.add_literal(*literal, batch.rows()),
            Value::Computed { .. } | Value::Conditional { .. } => {
                let (values, text) = values.values(*made, batch);
                *made += 1;
                encoder.add_values(values, text);
            }
            Value::Column(column) => match object_constants(shape, *column, &self.facts) {
                OfObject::Text(text) => encoder.add_constant(Some(text), batch.rows()),
                OfObject::Null => encoder.add_constant(None, batch.rows()),
                OfObject::EventId => encoder.add_event_ids(&self.facts.id, batch.line_numbers()),
                OfObject::No => {
                    if let Some(values) = batch.columns().get(*column) {
                        encoder.add_values(values, batch.text());
                    }
                }
            },
        }
    }
}

impl<W: Write + Send> Encoder<W> for ParquetEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        let page_bytes = match self.tools.shape.schema {
            Schema::Ocsf => OCSF_PAGE_BYTES,
            Schema::Native | Schema::Panther | Schema::Ecs => PAGE_BYTES,
        };
        if self.page_rows + batch.rows() > PAGE_ROWS || self.page_bytes > page_bytes {
            self.close_pages(false)?;
        }
        if self.rows + batch.rows() > ROW_GROUP_ROWS || self.buffered() > ROW_GROUP_BYTES {
            self.flush()?;
        }
        self.page_bytes += batch.bytes();
        self.bytes += batch.bytes();
        self.tools.made.fill(batch);
        let shape = self.tools.shape;
        let mut made = 0;
        for (number, leaf) in shape.leaves.iter().enumerate() {
            self.encode_leaf(number, leaf, batch, &mut made);
        }
        self.rows += batch.rows();
        self.page_rows += batch.rows();
        Ok(())
    }

    fn buffered(&self) -> usize {
        self.tools.columns.iter().map(ColumnEncoder::buffered).sum()
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.close_pages(true)?;
        let EncoderCache {
            columns,
            workshop,
            footer,
            ..
        } = self.tools.as_mut();
        let start = self.out.bytes_written();
        let chunks = columns
            .iter_mut()
            .map(|column| column.finish(workshop, &mut self.out))
            .collect::<Result<_, _>>()?;
        footer.add_group(self.rows, start, chunks)?;
        self.rows = 0;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W, EncodeError> {
        self.flush()?;
        let Self {
            out, mut tools, bytes, ..
        } = *self;
        let out = tools.footer.write(out)?;
        if bytes <= KEEP_BYTES {
            TOOLS.set(Some(tools));
        }
        Ok(out)
    }
}
