//! Compresses pages, with one context for all of them.

use std::io::{self, Write as _};

use flate2::write::GzEncoder;

use crate::encode::Compression;
use crate::encode::compressor::ZSTD_LEVEL;

/// A compressor of pages.
pub(super) enum PageCodec {
    None,
    Zstd(zstd::bulk::Compressor<'static>),
    Snappy(Box<snap::raw::Encoder>),
    Gzip,
}

impl PageCodec {
    pub(super) fn new(compression: Compression) -> io::Result<Self> {
        Ok(match compression {
            Compression::Zstd => Self::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
            Compression::Snappy => Self::Snappy(Box::new(snap::raw::Encoder::new())),
            Compression::Gzip => Self::Gzip,
            Compression::None => Self::None,
        })
    }

    /// Compresses a page and replaces the content of `out` with it.
    pub(super) fn compress(&mut self, page: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        out.clear();
        match self {
            Self::None => out.extend_from_slice(page),
            Self::Zstd(compressor) => {
                out.reserve(zstd::zstd_safe::compress_bound(page.len()));
                compressor.compress_to_buffer(page, out)?;
            }
            Self::Snappy(encoder) => {
                out.resize(snap::raw::max_compress_len(page.len()), 0);
                let len = encoder.compress(page, out).map_err(io::Error::other)?;
                out.truncate(len);
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(&mut *out, flate2::Compression::new(6));
                encoder.write_all(page)?;
                encoder.finish()?;
            }
        }
        Ok(())
    }
}

/// Returns the number of the compression in the file's metadata.
pub(super) const fn codec(compression: Compression) -> i32 {
    match compression {
        Compression::None => 0,
        Compression::Snappy => 1,
        Compression::Gzip => 2,
        Compression::Zstd => 6,
    }
}
