//! The options of the engine.

use globset::GlobSet;

use crate::encode::{Compression, FileFormat};
use crate::formats::{FieldOrder, Format, Plan};
use crate::object::skip_by_key;
use crate::schema::mapping::{OutputTable, Schema};
use crate::transform::Transform;

use super::Skip;

/// The options that decide which objects are ingested and which bytes are written for them.
#[derive(Debug, Clone)]
pub struct Options {
    /// The keys to ingest.
    pub keys: KeyFilter,
    /// The table, if the user names one; otherwise it is detected from the key and the lines.
    pub table: Option<&'static Format>,
    /// The names and the nesting of the events' values.
    pub schema: Schema,
    /// Whether events in Panther's schema have the fields that Panther adds when it ingests them.
    pub panther_fields: bool,
    /// The format of the events' files.
    pub format: FileFormat,
    /// The compression of the events' files.
    pub compression: Compression,
    /// The folders that events are partitioned into.
    pub partition_by: PartitionBy,
    /// The treatment of corrupt objects.
    pub on_corrupt: OnCorrupt,
    /// The order of the fields on lines of vended logs without a header.
    pub fields: Option<FieldOrder>,
    /// What happens to events before they are written.
    pub transform: Transform,
}

/// The folders that events are partitioned into, by their own UTC time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionBy {
    /// `date=YYYY-MM-DD`.
    Day,
    /// `date=YYYY-MM-DD/hour=HH`.
    Hour,
    /// One folder per table.
    None,
    /// `region=…/accountId=…/eventDay=YYYYMMDD` below a custom source of Amazon Security Lake.
    SecurityLake,
}

impl PartitionBy {
    /// Every layout.
    pub const ALL: [Self; 4] = [Self::Day, Self::Hour, Self::None, Self::SecurityLake];

    /// Returns its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Hour => "hour",
            Self::None => "none",
            Self::SecurityLake => "security-lake",
        }
    }
}

/// The treatment of corrupt objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorrupt {
    /// Keep the verified lines, quarantine the lines at fault, and report the object as corrupt.
    Salvage,
    /// Write nothing and fail the object.
    Strict,
}

/// Selects objects by their keys.
#[derive(Debug, Clone)]
pub struct KeyFilter {
    /// Patterns of the keys to ingest; an empty set selects every key.
    pub include: GlobSet,
    /// Patterns of the keys to leave out.
    pub exclude: GlobSet,
}

impl Default for Options {
    /// Returns the options of a run without settings: Parquet files by day, compressed with Zstandard.
    fn default() -> Self {
        Self {
            keys: KeyFilter::default(),
            table: None,
            schema: Schema::Native,
            panther_fields: false,
            format: FileFormat::Parquet,
            compression: Compression::Zstd,
            partition_by: PartitionBy::Day,
            on_corrupt: OnCorrupt::Salvage,
            fields: None,
            transform: Transform::default(),
        }
    }
}

impl Options {
    /// Returns the shape of a table's events.
    pub fn output_table(&self, plan: &'static Plan) -> &'static OutputTable {
        if self.panther_fields && self.schema == Schema::Panther {
            OutputTable::with_panther_fields(plan)
        } else {
            OutputTable::of(self.schema, plan)
        }
    }

    /// Returns the reason to skip an object without reading it, if its key gives one.
    pub fn skip_unread(&self, key: &str) -> Option<Skip> {
        match skip_by_key(key) {
            Some(skip) => Some(Skip::from(skip)),
            None => (!self.keys.selects(key)).then_some(Skip::NotSelected),
        }
    }
}

impl Default for KeyFilter {
    /// Returns a filter that selects every key.
    fn default() -> Self {
        Self {
            include: GlobSet::empty(),
            exclude: GlobSet::empty(),
        }
    }
}

impl KeyFilter {
    /// Returns whether an object with this key is ingested.
    pub fn selects(&self, key: &str) -> bool {
        (self.include.is_empty() || self.include.is_match(key)) && !self.exclude.is_match(key)
    }
}
