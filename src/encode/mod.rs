//! Events as files: the [`Encoder`] seam and its two formats, and the quarantine's rows.

mod compress;
mod computed;
mod json;
mod object_constants;
mod options;
mod parquet;
pub mod quarantine;

use std::io::Write;

use crate::object::ObjectFacts;
use crate::parse::batch::Batch;
use crate::schema::mapping::OutputTable;

pub use self::parquet::ParquetEncoder;
pub use compress::Compressor;
pub use computed::computed_numbers;
pub use json::{EventWriter, JsonEncoder, Sink};
pub use options::{Compression, FileFormat};

/// Why events could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The place that the bytes go to failed.
    #[error("cannot write: {0}")]
    Write(#[from] std::io::Error),
    /// The Parquet writer refused.
    #[error("cannot encode as Parquet: {0}")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Turns the events of one object and one partition into the bytes of one file.
///
/// The bytes are a pure function of the batches, in number and order: no clock, no order of a hash map.
pub trait Encoder<W: Write> {
    /// Encodes the events of a batch.
    fn encode(&mut self, batch: &Batch) -> Result<(), EncodeError>;

    /// The bytes of memory held by events that are not written yet.
    fn buffered(&self) -> usize;

    /// Writes what is buffered, as far as the format allows.
    fn flush(&mut self) -> Result<(), EncodeError>;

    /// Writes what is left, and returns the place that the bytes went to.
    fn finish(self: Box<Self>) -> Result<W, EncodeError>;
}

/// The encoder of a format, for the events of one object in the shape of their table.
pub fn encoder<W: Write + Send + 'static>(
    format: FileFormat,
    compression: Compression,
    shape: &'static OutputTable,
    facts: &ObjectFacts,
    out: W,
) -> Result<Box<dyn Encoder<W>>, EncodeError> {
    Ok(match format {
        FileFormat::Parquet => Box::new(ParquetEncoder::new(shape, facts, compression, out)?),
        FileFormat::Json => Box::new(JsonEncoder::new(shape, facts, compression, out)?),
    })
}
