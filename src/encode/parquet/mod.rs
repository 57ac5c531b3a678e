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

use crate::batch::{Batch, Values};
use crate::format::{Plan, PlannedColumn, Source};
use crate::object::ObjectFacts;
use crate::settings::Compression;

use super::json::{Constant, constant};
use super::{EncodeError, Encoder};

use chunk::Workshop;
use codec::{PageCodec, codec};
use column::ColumnEncoder;
use file::Footer;

/// The most rows in a row group: a bound for memory; size and speed hardly depend on it.
const ROW_GROUP_ROWS: usize = 65_536;
/// The most rows in a page.
const PAGE_ROWS: usize = 8_192;
/// The bytes of log lines after which a page ends, whatever its rows.
const PAGE_BYTES: usize = 8 * 1024 * 1024;
/// The bytes of encoded pages after which a row group ends, whatever its rows.
const ROW_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// The bytes of log lines up to which a thread keeps what a file was made with for its next one.
const KEEP_BYTES: usize = 1024 * 1024;

/// Writes events as a Parquet file.
pub struct ParquetEncoder<W: Write + Send> {
    facts: ObjectFacts,
    out: TrackedWrite<W>,
    tools: Box<Tools>,
    /// Rows in the row group so far.
    rows: usize,
    /// Rows that are in no page yet.
    page_rows: usize,
    /// The bytes of their lines.
    page_bytes: usize,
    /// The bytes of all lines so far.
    bytes: usize,
}

/// What files of one table and one compression are made with. It costs more to make than a small file does.
struct Tools {
    plan: &'static Plan,
    compression: Compression,
    columns: Vec<ColumnEncoder>,
    workshop: Workshop,
    footer: Footer,
}

thread_local! {
    /// The tools of the thread's last small file, nothing of the file in them.
    static TOOLS: Cell<Option<Box<Tools>>> = const { Cell::new(None) };
}

impl Tools {
    /// The tools of the thread's last file where they fit, else new ones.
    fn take(plan: &'static Plan, compression: Compression) -> Result<Box<Self>, EncodeError> {
        match TOOLS.take() {
            Some(tools) if std::ptr::eq(tools.plan, plan) && tools.compression == compression => Ok(tools),
            _ => {
                let (footer, codec) = (Footer::new(plan)?, codec(compression));
                let leaves = footer.schema().columns();
                let columns = plan.columns.iter().zip(leaves);
                Ok(Box::new(Self {
                    plan,
                    compression,
                    columns: columns
                        .map(|(column, leaf)| ColumnEncoder::new(column, leaf, codec))
                        .collect(),
                    workshop: Workshop::new(PageCodec::new(compression)?),
                    footer,
                }))
            }
        }
    }
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// An encoder for the events of one object.
    pub fn new(
        plan: &'static Plan,
        facts: &ObjectFacts,
        compression: Compression,
        out: W,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            facts: facts.clone(),
            out: file::begin(out)?,
            tools: Tools::take(plan, compression)?,
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

    fn encode_column(&mut self, number: usize, column: &PlannedColumn, values: &Values, batch: &Batch) {
        let Some(encoder) = self.tools.columns.get_mut(number) else {
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
                    Constant::No => encoder.add_event_ids(&self.facts.id, batch.line_numbers()),
                }
            }
        }
    }
}

impl<W: Write + Send> Encoder<W> for ParquetEncoder<W> {
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        if self.page_rows + batch.rows() > PAGE_ROWS || self.page_bytes > PAGE_BYTES {
            self.close_pages(false)?;
        }
        if self.rows + batch.rows() > ROW_GROUP_ROWS || self.buffered() > ROW_GROUP_BYTES {
            self.flush()?;
        }
        self.page_bytes += batch.bytes();
        self.bytes += batch.bytes();
        for (number, (column, values)) in batch.plan.columns.iter().zip(batch.columns()).enumerate() {
            self.encode_column(number, column, values, batch);
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
        let Tools {
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
