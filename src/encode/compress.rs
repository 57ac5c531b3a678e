//! Compression of JSON files.

use std::io::{self, Write};

use flate2::GzBuilder;
use flate2::write::GzEncoder;

use super::Compression;

/// A writer that compresses, or does not.
pub enum Compressor<W: Write> {
    /// No compression.
    None(W),
    /// Gzip, without name and time.
    Gzip(GzEncoder<W>),
    /// Zstandard.
    Zstd(zstd::Encoder<'static, W>),
}

/// Zstandard's level: 1 is the fastest of the regular ones, and hardly larger than 3 on logs.
pub(super) const ZSTD_LEVEL: i32 = 1;

impl<W: Write> Compressor<W> {
    /// A compressor in front of `out`. JSON has no Snappy files, which the settings refuse.
    pub fn new(compression: Compression, out: W) -> io::Result<Self> {
        Ok(match compression {
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(out, ZSTD_LEVEL)?),
            Compression::Gzip => Self::Gzip(GzBuilder::new().write(out, flate2::Compression::new(6))),
            Compression::Snappy | Compression::None => Self::None(out),
        })
    }

    /// Ends the compressed stream.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::None(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(out) => out.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(out) => out.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
