//! The format and the compression of output files.

/// The format of output files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Apache Parquet.
    Parquet,
    /// JSON lines: one object per line.
    Json,
}

/// The compression of output files: of the pages inside Parquet files, or of whole JSON files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, level 1.
    Zstd,
    /// Snappy, for Parquet only.
    Snappy,
    /// Gzip.
    Gzip,
    /// No compression.
    None,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Parquet, Self::Json];

    /// Returns its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Json => "json",
        }
    }

    /// Returns the file name extension, without its leading dot.
    pub const fn extension(self, compression: Compression) -> &'static str {
        match (self, compression) {
            (Self::Parquet, _) => "parquet",
            (Self::Json, Compression::Zstd) => "json.zst",
            (Self::Json, Compression::Gzip) => "json.gz",
            (Self::Json, Compression::Snappy | Compression::None) => "json",
        }
    }
}

impl Compression {
    /// Every compression.
    pub const ALL: [Self; 4] = [Self::Zstd, Self::Snappy, Self::Gzip, Self::None];

    /// Returns its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }
}
