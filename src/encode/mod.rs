//! Encodes events into files: the [`Encoder`] trait and its two formats, and the rows of the quarantine.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken invariant must stop the object instead of writing wrong values; the panic is caught per object"
)]

mod compressor;
mod computed;
mod existing;
mod json;
mod options;
mod parquet;
pub mod quarantine;

use std::io::Write;

use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::schema::mapping::OutputTable;

pub use self::parquet::ParquetEncoder;
pub use compressor::Compressor;
pub use computed::computed_numbers;
pub use existing::{is_output_of, is_output_of_id};
pub use json::{EventWriter, JsonEncoder, LineBuffer, MAX_BATCH_BYTES, MAX_BATCH_EVENTS};
pub use options::{Compression, FileFormat};

/// An error of encoding events.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The output cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
    /// The `parquet` crate rejected the file's schema or metadata.
    #[error("cannot encode as Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The events are not rows. The settings reject this before any work.
    #[error("the schema {0} has no Parquet form, because its lines of JSON are batches of events; write JSON")]
    NotRows(&'static str),
}

/// Encodes the events of one partition, of one object or of several, into one file.
///
/// The caller passes batches of one table to [`encode`](Self::encode), in the order of the events, and calls
/// [`finish`](Self::finish) once. The events are those of the object that the encoder was made for, until
/// [`begin_object`](Self::begin_object) names another one. After an error, the output is incomplete and the encoder must be dropped.
///
/// The bytes are a pure function of the batches, their borders and order included: they depend on no clock and no hash
/// order.
pub trait Encoder<W: Write> {
    /// Begins the events of another object. Its batches follow.
    fn begin_object(&mut self, facts: &ObjectFacts);

    /// Encodes the events of a batch, which may be empty. May buffer them.
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError>;

    /// Returns the bytes of memory held by events that are not written yet.
    fn buffered(&self) -> usize;

    /// Returns the bytes of memory that a flush frees. Depends on the events alone, not on what an allocator rounds up to: the
    /// caller decides by it when to flush, and the same events must give the same bytes.
    fn memory(&self) -> usize {
        self.buffered()
    }

    /// Frees the memory of buffers that are empty, and uses less from now on. Changes no bytes.
    fn release(&mut self) -> Result<(), EncodeError> {
        Ok(())
    }

    /// Writes buffered events, as far as the format allows. The caller flushes to bound memory; this ends the row group of a
    /// Parquet file, and the compressed stream of a JSON file in pieces, so when it is called changes the bytes.
    fn flush(&mut self) -> Result<(), EncodeError>;

    /// Writes the remaining events and the end of the file, and returns the writer.
    fn finish(self: Box<Self>) -> Result<W, EncodeError>;
}

/// Returns the encoder of a format for the events of an output table, beginning with those of one object, and of a
/// redaction with this fingerprint.
pub fn encoder<W: Write + Send + 'static>(
    format: FileFormat,
    compression: Compression,
    (table, redaction): (&'static OutputTable, Option<&str>),
    facts: &ObjectFacts,
    out: W,
) -> Result<Box<dyn Encoder<W>>, EncodeError> {
    Ok(match format {
        FileFormat::Parquet => Box::new(ParquetEncoder::redacted(table, facts, compression, redaction, out)?),
        FileFormat::Json => Box::new(JsonEncoder::new(table, facts, compression, out)?),
    })
}

/// Returns an encoder that uses little memory of its own: one of many that are open at the same time.
pub fn lean_encoder<W: Write + Send + 'static>(
    format: FileFormat,
    compression: Compression,
    (table, redaction): (&'static OutputTable, Option<&str>),
    facts: &ObjectFacts,
    out: W,
) -> Result<Box<dyn Encoder<W>>, EncodeError> {
    if format == FileFormat::Json && compression != Compression::None {
        return Ok(Box::new(JsonEncoder::in_pieces(table, facts, compression, out)));
    }
    let mut encoder = encoder(format, compression, (table, redaction), facts, out)?;
    encoder.release()?;
    Ok(encoder)
}
