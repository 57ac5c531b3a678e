//! Places that outputs go to.

use std::fmt;
use std::path::PathBuf;

/// A place for outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Directory(PathBuf),
    /// The standard output.
    Stdout,
    /// A bucket, or what lies below a prefix of it.
    S3(S3Prefix),
    /// A stream of Amazon Data Firehose.
    Firehose {
        /// The stream's name.
        stream: String,
    },
}

/// The objects of a bucket whose keys begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Prefix {
    /// The bucket's name.
    pub bucket: String,
    /// What the keys begin with: empty, or ending in a slash.
    pub prefix: String,
}

impl Location {
    /// `-`, `s3://bucket/prefix`, `firehose://stream`, `file:///dir` or a path.
    pub(super) fn parse(value: &str) -> Option<Self> {
        match value.split_once("://") {
            _ if value == "-" => Some(Self::Stdout),
            Some(("file", path)) => path.starts_with('/').then(|| Self::Directory(path.into())),
            Some(("s3", place)) => S3Prefix::parse(place).map(Self::S3),
            Some(("firehose", stream)) => is_stream(stream).then(|| Self::Firehose {
                stream: stream.to_owned(),
            }),
            Some(_) => None,
            None => Some(Self::Directory(value.into())),
        }
    }

    /// A place below this one; a folder of that name where nothing lies below it.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        match self {
            Self::Directory(path) => Self::Directory(path.join(name)),
            Self::Stdout | Self::Firehose { .. } => Self::Directory(name.into()),
            Self::S3(place) => Self::S3(S3Prefix {
                bucket: place.bucket.clone(),
                prefix: format!("{}{name}/", place.prefix),
            }),
        }
    }
}

/// The names that the API allows for a stream.
fn is_stream(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}

impl S3Prefix {
    /// `bucket`, `bucket/` or `bucket/prefix`; a slash at the end is added where it is missing.
    pub fn parse(place: &str) -> Option<Self> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        // The rules that every bucket of every region keeps; S3 itself knows the finer ones.
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(legal) {
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

    /// Whether an object lies here.
    pub fn holds(&self, bucket: &str, key: &str) -> bool {
        self.bucket == bucket && key.starts_with(&self.prefix)
    }

    /// Whether everything of `other` lies here.
    pub fn encloses(&self, other: &Self) -> bool {
        self.holds(&other.bucket, &other.prefix)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(out, "{}", path.display()),
            Self::Stdout => out.write_str("stdout"),
            Self::S3(place) => place.fmt(out),
            Self::Firehose { stream } => write!(out, "firehose://{stream}"),
        }
    }
}

impl fmt::Display for S3Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "s3://{}/{}", self.bucket, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_their_scheme() {
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
        ] {
            assert_eq!(Location::parse(wrong), None, "{wrong}");
        }
        assert_eq!(Location::parse("-"), Some(Location::Stdout));
        assert_eq!(Location::parse("a/b"), Some(Location::Directory("a/b".into())));
        assert_eq!(
            s3("logs-out", "a/").map(|place| place.below("b").to_string()),
            Some("s3://logs-out/a/b/".to_owned())
        );
    }

    #[test]
    fn a_prefix_holds_what_begins_with_it() {
        let place = S3Prefix::parse("logs-out/parquet").unwrap();
        assert!(place.holds("logs-out", "parquet/x"));
        assert!(!place.holds("logs-out", "parquet2/x"));
        assert!(!place.holds("logs", "parquet/x"));
        assert!(S3Prefix::parse("logs-out").unwrap().encloses(&place));
        assert!(!place.encloses(&S3Prefix::parse("logs-out").unwrap()));
    }
}
