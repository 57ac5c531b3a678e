//! The settings, declared once: names, defaults, allowed values, documentation.
//!
//! The environment variables of the Lambda and the flags of the command line are this table. Nothing here reads the
//! environment: whoever runs the program hands in the values.

use std::path::PathBuf;

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where events go.
    pub destination: Option<Location>,
    /// The format of the events; by default Parquet, and JSON on stdout.
    pub format: Option<Format>,
    /// The compression of the files; by default zstd, and none on stdout.
    pub compression: Option<Compression>,
    /// How files are laid out in folders.
    pub partition_by: PartitionBy,
    /// Where malformed lines go; by default `_quarantine/` under the destination.
    pub quarantine: Option<Location>,
    /// What happens to a corrupt object.
    pub on_corrupt: OnCorrupt,
    /// Keys to ingest; all where it is empty.
    pub include: GlobSet,
    /// Keys to leave out.
    pub exclude: GlobSet,
}

/// A place for events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Directory(PathBuf),
    /// The standard output.
    Stdout,
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
}

/// What happens to a corrupt object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnCorrupt {
    /// The rows before the fault are kept, the line that it cut goes to the quarantine, the object is reported.
    Salvage,
    /// Nothing is written, the object fails.
    Strict,
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

/// Every setting, in the order in which the documentation lists them.
pub static SETTINGS: [Setting; 9] = [
    Setting {
        name: "DESTINATION",
        flag: "to",
        allowed: "a directory, file:///DIR, or - (stdout, JSON lines)",
        default: "none: required",
        doc: "Where the events go.",
        apply: |settings, value| {
            settings.destination = Some(location(value)?);
            Some(())
        },
    },
    Setting {
        name: "FORMAT",
        flag: "format",
        allowed: "parquet, json",
        default: "parquet; json on stdout",
        doc: "The format of the events.",
        apply: |settings, value| {
            settings.format = Some(match value {
                "parquet" => Format::Parquet,
                "json" => Format::Json,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "COMPRESSION",
        flag: "compression",
        allowed: "zstd, snappy (Parquet only), gzip, none",
        default: "zstd; none on stdout",
        doc: "The compression inside Parquet files, or of JSON files.",
        apply: |settings, value| {
            settings.compression = Some(match value {
                "zstd" => Compression::Zstd,
                "snappy" => Compression::Snappy,
                "gzip" => Compression::Gzip,
                "none" => Compression::None,
                _ => return None,
            });
            Some(())
        },
    },
    Setting {
        name: "PARTITION_BY",
        flag: "partition-by",
        allowed: "day, hour, none",
        default: "day",
        doc: "The folders that events are laid out in, by their own UTC time.",
        apply: |settings, value| {
            settings.partition_by = match value {
                "day" => PartitionBy::Day,
                "hour" => PartitionBy::Hour,
                "none" => PartitionBy::None,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "SCHEMA",
        flag: "schema",
        allowed: "native",
        default: "native",
        doc: "The names and the shape of the columns.",
        apply: |_, value| (value == "native").then_some(()),
    },
    Setting {
        name: "QUARANTINE",
        flag: "quarantine",
        allowed: "a directory or file:///DIR",
        default: "_quarantine/ under the destination; ./_quarantine with stdout",
        doc: "Where malformed lines go, each with its raw bytes, line number, offset and reason.",
        apply: |settings, value| {
            settings.quarantine = Some(location(value).filter(|location| *location != Location::Stdout)?);
            Some(())
        },
    },
    Setting {
        name: "ON_CORRUPT",
        flag: "on-corrupt",
        allowed: "salvage, strict",
        default: "salvage",
        doc: "What happens to a truncated or corrupt object: salvage keeps the rows before the fault and reports the object as corrupt, strict writes nothing and fails the object.",
        apply: |settings, value| {
            settings.on_corrupt = match value {
                "salvage" => OnCorrupt::Salvage,
                "strict" => OnCorrupt::Strict,
                _ => return None,
            };
            Some(())
        },
    },
    Setting {
        name: "INCLUDE",
        flag: "include",
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "every key",
        doc: "Only objects whose key matches one of these patterns are ingested.",
        apply: |settings, value| {
            settings.include = globs(value)?;
            Some(())
        },
    },
    Setting {
        name: "EXCLUDE",
        flag: "exclude",
        allowed: "key patterns such as **/us-east-1/**, separated by commas",
        default: "no key",
        doc: "Objects whose key matches one of these patterns are skipped.",
        apply: |settings, value| {
            settings.exclude = globs(value)?;
            Some(())
        },
    },
];

impl Default for Settings {
    fn default() -> Self {
        Self {
            destination: None,
            format: None,
            compression: None,
            partition_by: PartitionBy::Day,
            quarantine: None,
            on_corrupt: OnCorrupt::Salvage,
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
        let stdout = settings.destination == Some(Location::Stdout);
        if settings.format() == Format::Json && settings.compression == Some(Compression::Snappy) {
            let text =
                "COMPRESSION is \"snappy\", which JSON files do not have; allowed with FORMAT json: zstd, gzip, none";
            return Err(SettingError::Conflict(text.to_owned()));
        }
        if stdout && settings.format() == Format::Parquet {
            let text = "FORMAT is \"parquet\", which does not go to stdout; write to a directory, or set FORMAT json";
            return Err(SettingError::Conflict(text.to_owned()));
        }
        Ok(settings)
    }

    /// The format of the events.
    pub fn format(&self) -> Format {
        let stdout = self.destination == Some(Location::Stdout);
        self.format
            .unwrap_or(if stdout { Format::Json } else { Format::Parquet })
    }

    /// The compression of the files.
    pub fn compression(&self) -> Compression {
        let stdout = self.destination == Some(Location::Stdout);
        self.compression
            .unwrap_or(if stdout { Compression::None } else { Compression::Zstd })
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

fn location(value: &str) -> Option<Location> {
    match value.split_once("://") {
        _ if value == "-" => Some(Location::Stdout),
        Some(("file", path)) => path.starts_with('/').then(|| Location::Directory(path.into())),
        Some(_) => None,
        None => Some(Location::Directory(value.into())),
    }
}

fn globs(value: &str) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in value.split(',') {
        builder.add(Glob::new(pattern.trim()).ok()?);
    }
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Settings, SettingError> {
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
