//! Compresses JSON files.

use std::io::{self, Read, Write};

use flate2::GzBuilder;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Compression;

/// A writer with or without compression.
pub enum Compressor<W: Write> {
    /// No compression.
    None(W),
    /// Gzip, without name and time in the header.
    Gzip(GzEncoder<W>),
    /// Zstandard.
    Zstd(zstd::Encoder<'static, W>),
}

/// The level of Zstandard: 1 is the fastest regular level, and its output is hardly larger than that of 3 on logs.
pub(super) const ZSTD_LEVEL: i32 = 1;

/// The size of the window of Zstandard, as a power of two, if memory matters more than size: 32 KiB instead of 512.
const SMALL_WINDOW: u32 = 15;

impl<W: Write> Compressor<W> {
    /// Returns a compressor that writes to `out`. Snappy, which the configuration rejects for JSON, is no compression here.
    pub fn new(compression: Compression, out: W) -> io::Result<Self> {
        Ok(match compression {
            Compression::Zstd => Self::Zstd(zstd::Encoder::new(out, ZSTD_LEVEL)?),
            Compression::Gzip => Self::Gzip(GzBuilder::new().write(out, flate2::Compression::new(6))),
            Compression::Snappy | Compression::None => Self::None(out),
        })
    }

    /// Uses less memory, at the price of a larger file. Called before the first byte is written.
    pub(super) fn economize(&mut self) -> io::Result<()> {
        match self {
            Self::Zstd(encoder) => encoder.window_log(SMALL_WINDOW),
            Self::None(_) | Self::Gzip(_) => Ok(()),
        }
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

/// Returns the content of a JSON file, compressed as its name says.
pub(super) fn decompressed<'a>(name: &str, file: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match name.rsplit('.').next() {
        Some("gz") => Box::new(MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file)?),
        _ => Box::new(file),
    })
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
