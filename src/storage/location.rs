//! Locations: the places that outputs are written to, and the origins that objects are listed from.
//!
//! What differs between destinations is a method here that matches every variant, so the compiler names each property
//! that a new destination has to define.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::escape::{escaped, escaped_path};

/// A place that outputs are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A local directory.
    Directory(PathBuf),
    /// The standard output.
    Stdout,
    /// A bucket, or a prefix in it.
    S3(S3Prefix),
    /// An Amazon Data Firehose stream.
    Firehose {
        /// The stream's name.
        stream: String,
    },
}

/// The objects of a bucket whose keys begin with a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Prefix {
    /// The bucket's name.
    pub bucket: String,
    /// The prefix of the keys: empty, or ending in a slash.
    pub prefix: String,
}

/// A place that objects are listed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A local file, or a directory with everything below it.
    Path(PathBuf),
    /// The standard input, as one object.
    Stdin,
    /// An object of a bucket, or the objects below a prefix.
    S3 {
        /// The bucket's name.
        bucket: String,
        /// A key or a prefix; empty for the whole bucket.
        key: String,
    },
}

impl Location {
    /// Parses `-`, `s3://bucket/prefix`, `firehose://stream`, `file:///dir` or a path.
    pub fn parse(value: &str) -> Option<Self> {
        match value.split_once("://") {
            _ if value == "-" => Some(Self::Stdout),
            Some(("file", path)) => path.starts_with('/').then(|| Self::Directory(path.into())),
            Some(("s3", place)) => S3Prefix::parse(place).map(Self::S3),
            Some(("firehose", stream)) => is_stream_name(stream).then(|| Self::Firehose {
                stream: stream.to_owned(),
            }),
            Some(_) => None,
            None if is_like_a_url(value) => None,
            None => Some(Self::Directory(value.into())),
        }
    }

    /// Returns whether outputs are files in folders here. Other locations take lines of JSON, one after another.
    pub const fn holds_files(&self) -> bool {
        match self {
            Self::Directory(_) | Self::S3(_) => true,
            Self::Stdout | Self::Firehose { .. } => false,
        }
    }

    /// Returns whether this is a stream service, which delivers events while their object is still being read and does
    /// its own batching, compression, conversion and partitioning.
    pub const fn is_stream(&self) -> bool {
        match self {
            Self::Firehose { .. } => true,
            Self::Directory(_) | Self::Stdout | Self::S3(_) => false,
        }
    }

    /// Returns whether events go to the process's standard output, which then carries nothing else.
    pub const fn is_stdout(&self) -> bool {
        match self {
            Self::Stdout => true,
            Self::Directory(_) | Self::S3(_) | Self::Firehose { .. } => false,
        }
    }

    /// Returns whether an AWS client is needed to write here.
    pub const fn needs_aws(&self) -> bool {
        match self {
            Self::S3(_) | Self::Firehose { .. } => true,
            Self::Directory(_) | Self::Stdout => false,
        }
    }

    /// Returns the location of malformed lines if none is set: a folder below this location, or in the current
    /// directory for stdout. `None` if there is no default and one must be set.
    pub fn default_quarantine(&self) -> Option<Self> {
        const FOLDER: &str = "_quarantine";
        match self {
            Self::Directory(path) => Some(Self::Directory(path.join(FOLDER))),
            Self::Stdout => Some(Self::Directory(FOLDER.into())),
            Self::S3(S3Prefix { bucket, prefix }) => Some(Self::S3(S3Prefix {
                bucket: bucket.clone(),
                prefix: format!("{prefix}{FOLDER}/"),
            })),
            Self::Firehose { .. } => None,
        }
    }

    /// Returns the local directory that outputs are written to. Outputs there are not inputs.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) => Some(path),
            Self::Stdout | Self::S3(_) | Self::Firehose { .. } => None,
        }
    }

    /// Returns the prefix that outputs are written to, if a bucket's notifications could send them back as inputs.
    pub const fn s3_prefix(&self) -> Option<&S3Prefix> {
        match self {
            Self::S3(place) => Some(place),
            Self::Directory(_) | Self::Stdout | Self::Firehose { .. } => None,
        }
    }
}

impl Origin {
    /// Parses an input of the command line: `-`, `s3://bucket/key` or a path. `None` if
    /// the scheme is unknown.
    pub fn parse(value: &str) -> Option<Self> {
        match value.split_once("://") {
            _ if value == "-" => Some(Self::Stdin),
            Some(("s3", place)) => {
                let (bucket, key) = place.split_once('/').unwrap_or((place, ""));
                Some(Self::S3 {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                })
            }
            Some(_) => None,
            None => Some(Self::Path(value.into())),
        }
    }

    /// Returns whether an AWS client is needed to list this.
    pub const fn needs_aws(&self) -> bool {
        match self {
            Self::S3 { .. } => true,
            Self::Path(_) | Self::Stdin => false,
        }
    }
}

/// Returns whether a path was probably meant as a URL: it begins with a scheme and a colon, as `s3:/bucket` and
/// `firehose:name` do, or with a known scheme and two slashes. `./s3:` names a directory with such a name.
fn is_like_a_url(path: &str) -> bool {
    const SCHEMES: [&str; 3] = ["s3", "firehose", "file"];
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-');
    let end = path.bytes().position(|byte| !legal(byte)).unwrap_or(path.len());
    let (scheme, rest) = path.split_at(end);
    let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let begins_with_letter = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (begins_with_letter && rest.starts_with(':')) || (is_known && rest.starts_with("//"))
}

/// Returns whether the Firehose API allows this stream name.
fn is_stream_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}

/// Returns whether a name follows the rules for every bucket in every region. S3 checks the finer ones.
pub fn is_bucket_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (3..=63).contains(&name.len()) && name.bytes().all(legal)
}

impl S3Prefix {
    /// Parses `bucket`, `bucket/` or `bucket/prefix`, and adds a missing slash at the end.
    pub fn parse(place: &str) -> Option<Self> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if !is_bucket_name(bucket) {
            return None;
        }
        let prefix = prefix.trim_end_matches('/');
        if prefix.starts_with('/') {
            return None;
        }
        Some(Self {
            bucket: bucket.to_owned(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
        })
    }

    /// Returns whether an object is below this prefix.
    pub fn contains(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && key.starts_with(&self.prefix)
    }

    /// Returns whether an object below this prefix has the form of an output. In a whole bucket, logs and outputs cannot be
    /// distinguished.
    pub fn is_output(&self, bucket: &str, key: &str) -> bool {
        let endings = [".parquet", ".json", ".json.zst", ".json.gz"];
        let is_of_merge = |key: &str| {
            key.strip_prefix(&self.prefix)
                .is_some_and(|key| key.starts_with("_merge/"))
        };
        let has_form = endings.iter().any(|ending| key.ends_with(ending)) || is_of_merge(key);
        !self.prefix.is_empty() && self.contains(bucket, key) && has_form
    }

    /// Returns whether everything below `other` is also below this prefix.
    pub fn encloses(&self, other: &Self) -> bool {
        self.contains(&other.bucket, &other.prefix)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => escaped_path(path).fmt(out),
            Self::Stdout => out.write_str("stdout"),
            Self::S3(place) => place.fmt(out),
            Self::Firehose { stream } => write!(out, "firehose://{}", escaped(stream)),
        }
    }
}

impl fmt::Display for S3Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", escaped(&self.bucket), escaped(&self.prefix))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(root) => escaped_path(root).fmt(out),
            Self::Stdin => out.write_str("stdin"),
            Self::S3 { bucket, key } => write!(out, "s3://{}/{}", escaped(bucket), escaped(key)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_parsed_by_scheme() {
        let s3 = |bucket: &str, prefix: &str| {
            Some(Location::S3(S3Prefix {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
            }))
        };
        assert_eq!(Location::parse("s3://logs-out"), s3("logs-out", ""));
        assert_eq!(Location::parse("s3://logs-out/"), s3("logs-out", ""));
        assert_eq!(Location::parse("s3://logs.out/a/b//"), s3("logs.out", "a/b/"));
        for wrong in [
            "s3://",
            "s3://ab",
            "s3://UPPER",
            "s3://logs_out/x",
            "s3://logs-out//x",
            "gs://logs",
            "file://x",
            "S3://logs-out",
            "s3:/logs-out/x",
            "s3:logs-out",
            "s3:",
            "s3//logs-out",
            "S3//logs-out",
            "file:/out",
            "firehose:",
            "firehose:events",
            "firehose//events",
            "arn:aws:s3:::logs-out",
        ] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Location::parse("-"), Some(Location::Stdout));
        for path in ["a/b", "/a/b", "./s3:/x", "a/s3:/x", "s3", "s3/x", "3:x", "a b:c"] {
            assert_eq!(Location::parse(path), Some(Location::Directory(path.into())), "{path}");
        }
    }

    #[test]
    fn stream_names_are_checked() {
        for wrong in ["firehose://", "firehose://a/b", "firehose://a b", "firehose://ä"] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        let name = "a".repeat(64);
        assert!(Location::parse(&format!("firehose://{name}")).is_some());
        assert!(Location::parse(&format!("firehose://{name}a")).is_none());
        let stream = Location::parse("firehose://A.b_c-1").unwrap();
        assert_eq!(stream.to_string(), "firehose://A.b_c-1");
    }

    #[test]
    fn the_default_quarantine_is_below_the_destination() {
        for (location, quarantine) in [
            ("out", Some("out/_quarantine")),
            ("-", Some("_quarantine")),
            ("s3://logs-out/a/", Some("s3://logs-out/a/_quarantine/")),
            ("firehose://stream", None),
        ] {
            let found = Location::parse(location).unwrap().default_quarantine();
            assert_eq!(
                found.map(|found| found.to_string()).as_deref(),
                quarantine,
                "{location}"
            );
        }
    }

    #[test]
    fn a_prefix_contains_the_keys_that_begin_with_it() {
        let place = S3Prefix::parse("logs-out/parquet").unwrap();
        assert!(place.contains("logs-out", "parquet/x"));
        assert!(!place.contains("logs-out", "parquet2/x"));
        assert!(!place.contains("logs", "parquet/x"));
        assert!(S3Prefix::parse("logs-out").unwrap().encloses(&place));
        assert!(!place.encloses(&S3Prefix::parse("logs-out").unwrap()));
    }

    #[test]
    fn origins_are_parsed_by_scheme() {
        let s3 = |bucket: &str, key: &str| {
            Some(Origin::S3 {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            })
        };
        assert_eq!(Origin::parse("s3://logs"), s3("logs", ""));
        assert_eq!(Origin::parse("s3://logs/a/b.gz"), s3("logs", "a/b.gz"));
        assert_eq!(Origin::parse("-"), Some(Origin::Stdin));
        assert_eq!(Origin::parse("ftp://host/a"), None);
        assert!(matches!(Origin::parse("a/b"), Some(Origin::Path(_))));
    }
}
