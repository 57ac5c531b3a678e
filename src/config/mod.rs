//! The settings, declared once: names, defaults, allowed values, documentation.
//!
//! The environment variables of the Lambda and the flags of the command line are this table. Nothing here reads the
//! environment: whoever runs the program hands in the values.

mod firehose;
mod security_lake;
mod table;

use globset::GlobSet;

use crate::schema::mapping::Schema;
use crate::storage::{FirehoseOptions, Location, Options, S3Prefix, S3ReadOptions, S3WriteOptions};

pub use table::SETTINGS;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events go.
    pub destination: Option<Location>,
    /// The format of the events; by default Parquet, and JSON on stdout and for a Firehose stream.
    pub format: Option<Format>,
    /// The compression of the files; by default zstd, and none on stdout and for a Firehose stream.
    pub compression: Option<Compression>,
    /// How files are laid out in folders.
    pub partition_by: PartitionBy,
    /// The names and the nesting in which events are written.
    pub schema: Schema,
    /// How events go to a Firehose stream, if they do.
    pub firehose: FirehoseOptions,
    /// Where malformed lines go; by default `_quarantine/` under the destination, which a Firehose stream has not.
    pub quarantine: Option<Location>,
    /// What happens to a corrupt object.
    pub on_corrupt: OnCorrupt,
    /// What happens to an object that is not there.
    pub on_missing: OnMissing,
    /// Whether the queue takes the answer that names the messages that failed.
    pub partial_batch: bool,
    /// Whether outputs that are there are replaced.
    pub overwrite: bool,
    /// Where the function's objects come from, to be held against the destination.
    pub source: Option<S3Prefix>,
    /// Whether this account pays for reading.
    pub requester_pays: bool,
    /// The account that has to own the buckets that are read.
    pub source_owner: Option<String>,
    /// The account that has to own the buckets that are written.
    pub destination_owner: Option<String>,
    /// Keys to ingest; all where it is empty.
    pub include: GlobSet,
    /// Keys to leave out.
    pub exclude: GlobSet,
}

/// The format of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet.
    Parquet,
    /// One JSON object a line.
    Json,
}

/// The compression of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, level 1.
    Zstd,
    /// Snappy; Parquet only.
    Snappy,
    /// Gzip.
    Gzip,
    /// None.
    None,
}

/// How files are laid out in folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionBy {
    /// `date=YYYY-MM-DD`.
    Day,
    /// `date=YYYY-MM-DD/hour=HH`.
    Hour,
    /// One folder for each table.
    None,
    /// `region=…/accountId=…/eventDay=YYYYMMDD` below a source of Amazon Security Lake.
    SecurityLake,
}

/// What happens to a corrupt object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorrupt {
    /// The rows before the fault are kept, the line that it cut goes to the quarantine, the object is reported.
    Salvage,
    /// Nothing is written, the object fails.
    Strict,
}

/// What happens to an object that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMissing {
    /// It fails, and may be looked at.
    Fail,
    /// It is skipped, and counted.
    Skip,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// The flag of `alb-ingest run`, without dashes.
    pub flag: &'static str,
    /// What is allowed, as the help shows it.
    pub allowed: &'static str,
    /// The default, as the help shows it.
    pub default: &'static str,
    /// What the setting does, one sentence.
    pub doc: &'static str,
    apply: fn(&mut Settings, &str) -> Option<()>,
}

/// A value that a setting does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The value is none of those allowed.
    #[error("{name} is {value:?}; allowed: {allowed}")]
    NotAllowed {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Two settings do not go together.
    #[error("{0}")]
    Conflict(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            destination: None,
            format: None,
            compression: None,
            partition_by: PartitionBy::Day,
            schema: Schema::Native,
            firehose: FirehoseOptions::default(),
            quarantine: None,
            on_corrupt: OnCorrupt::Salvage,
            on_missing: OnMissing::Fail,
            partial_batch: false,
            overwrite: false,
            source: None,
            requester_pays: false,
            source_owner: None,
            destination_owner: None,
            include: GlobSet::empty(),
            exclude: GlobSet::empty(),
        }
    }
}

impl Settings {
    /// The settings that `lookup` gives by name, defaults for the others.
    pub fn read(lookup: impl Fn(&Setting) -> Option<String>) -> Result<Self, SettingError> {
        let mut settings = Self::default();
        for setting in &SETTINGS {
            let Some(value) = lookup(setting).filter(|value| !value.is_empty()) else {
                continue;
            };
            if (setting.apply)(&mut settings, value.trim()).is_none() {
                return Err(SettingError::NotAllowed {
                    name: setting.name,
                    value,
                    allowed: setting.allowed,
                });
            }
        }
        let stdout = settings.destination.as_ref().is_some_and(Location::is_stdout);
        if settings.format() == Format::Json && settings.compression == Some(Compression::Snappy) {
            let text =
                "COMPRESSION is \"snappy\", which JSON files do not have; allowed with FORMAT json: zstd, gzip, none";
            return Err(SettingError::Conflict(text.to_owned()));
        }
        if stdout && settings.format() == Format::Parquet {
            let text = "FORMAT is \"parquet\", which does not go to stdout; write to a directory, or set FORMAT json";
            return Err(SettingError::Conflict(text.to_owned()));
        }
        settings.fit_security_lake()?;
        settings.fit_firehose()?;
        settings.check_loops()?;
        Ok(settings)
    }

    /// Returns the location of malformed lines; `None` if there is no destination, or none with a default.
    pub fn quarantine(&self) -> Option<Location> {
        let default = || self.destination.as_ref()?.default_quarantine();
        self.quarantine.clone().or_else(default)
    }

    /// Returns the options of the storage.
    pub fn storage(&self) -> Options {
        Options {
            s3_read: S3ReadOptions {
                requester_pays: self.requester_pays,
                owner: self.source_owner.clone(),
            },
            s3_write: S3WriteOptions {
                overwrite: self.overwrite,
                owner: self.destination_owner.clone(),
                schema: self.schema,
            },
            firehose: self.firehose,
        }
    }

    /// Refuses a destination that feeds the function with its own output.
    fn check_loops(&self) -> Result<(), SettingError> {
        let Some(source) = &self.source else { return Ok(()) };
        let named = [
            ("DESTINATION", self.destination.clone()),
            ("QUARANTINE", self.quarantine()),
        ];
        for (name, location) in named {
            if let Some(place) = location.as_ref().and_then(Location::s3_prefix)
                && source.encloses(place)
            {
                let text = format!(
                    "{name} is {place}, which lies in SOURCE {source}: the function would be fed with its own output; name another bucket, or a prefix outside"
                );
                return Err(SettingError::Conflict(text));
            }
        }
        Ok(())
    }

    /// The format of the events.
    pub fn format(&self) -> Format {
        let lines = self.takes_lines();
        self.format
            .unwrap_or(if lines { Format::Json } else { Format::Parquet })
    }

    /// The compression of the files.
    pub fn compression(&self) -> Compression {
        let lines = self.takes_lines();
        self.compression
            .unwrap_or(if lines { Compression::None } else { Compression::Zstd })
    }

    /// Returns whether the destination takes lines of text instead of files.
    fn takes_lines(&self) -> bool {
        let destination = self.destination.as_ref();
        destination.is_some_and(|destination| !destination.holds_files())
    }

    /// Whether an object with this key is ingested.
    pub fn selects(&self, key: &str) -> bool {
        (self.include.is_empty() || self.include.is_match(key)) && !self.exclude.is_match(key)
    }
}

/// The settings as a page of `docs/`.
pub fn markdown() -> String {
    let mut page =
        "# Settings\n\nEach setting is a flag of `alb-ingest run` and an environment variable; a flag wins.\n\n\
                    | flag | variable | allowed | default | what it does |\n|---|---|---|---|---|\n"
            .to_owned();
    for Setting {
        name,
        flag,
        allowed,
        default,
        doc,
        ..
    } in &SETTINGS
    {
        page.push_str(
            &[
                "| `--", flag, "` | `", name, "` | ", allowed, " | ", default, " | ", doc, " |\n",
            ]
            .concat(),
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn read(values: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|setting| {
            values
                .iter()
                .find(|(name, _)| *name == setting.name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_allowed() {
        for setting in SETTINGS
            .iter()
            .filter(|setting| !["DESTINATION", "QUARANTINE"].contains(&setting.name))
        {
            let error = read(&[(setting.name, "[nonsense")]).unwrap_err().to_string();
            assert!(
                error.contains(setting.name) && error.contains("[nonsense") && error.contains(setting.allowed),
                "{error}"
            );
        }
        assert!(read(&[("DESTINATION", "ftp://host/dir")]).is_err());
        assert!(read(&[("QUARANTINE", "-")]).is_err());
        assert!(read(&[("FORMAT", "json"), ("COMPRESSION", "snappy")]).is_err());
        assert!(read(&[("DESTINATION", "-"), ("FORMAT", "parquet")]).is_err());
    }

    #[test]
    fn defaults_follow_the_destination() {
        let file = read(&[("DESTINATION", "out")]).unwrap();
        assert_eq!(
            (file.format(), file.compression()),
            (Format::Parquet, Compression::Zstd)
        );
        let stdout = read(&[("DESTINATION", "-")]).unwrap();
        assert_eq!(
            (stdout.format(), stdout.compression()),
            (Format::Json, Compression::None)
        );
        assert_eq!(
            read(&[("DESTINATION", "file:///a/b")]).unwrap().destination,
            Some(Location::Directory("/a/b".into()))
        );
    }

    #[test]
    fn keys_are_selected_by_pattern() {
        let settings = read(&[("INCLUDE", "**/us-east-1/**, *.log"), ("EXCLUDE", "**/conn_log*")]).unwrap();
        assert!(settings.selects("AWSLogs/1/elasticloadbalancing/us-east-1/2026/x.log.gz"));
        assert!(settings.selects("x.log"));
        assert!(!settings.selects("AWSLogs/1/elasticloadbalancing/us-east-1/2026/conn_log_x.log.gz"));
        assert!(!settings.selects("AWSLogs/1/elasticloadbalancing/eu-west-1/2026/x.gz"));
    }
}
