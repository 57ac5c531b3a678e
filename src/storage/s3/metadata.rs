//! The user metadata of an output object (`x-amz-meta-…`).
//!
//! S3 accepts metadata only at the start of an object or a multipart upload. A small output is one request at its
//! commit, so it carries everything. A large one starts before its source is read to the end: it carries its source and
//! the program, but not the counts, which are unknown then.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use crate::object::{Counts, ObjectRef, hex};
use crate::schema::mapping::Schema;
use crate::storage::Record;

/// A name of the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataName {
    /// The name, without `x-amz-meta-`.
    pub name: &'static str,
    /// Whether a large output, which is a multipart upload, has it too.
    pub always: bool,
    /// What its value means.
    pub doc: &'static str,
}

const fn name(name: &'static str, always: bool, doc: &'static str) -> MetadataName {
    MetadataName { name, always, doc }
}

const SOURCE_BUCKET: &str = "source-bucket";
const SOURCE_KEY: &str = "source-key";
const SOURCE_KEY_SHA256: &str = "source-key-sha256";
const SOURCE_VERSION: &str = "source-version";
const SCHEMA: &str = "schema";
const REDACT: &str = "redact";
const PROGRAM: &str = "program";
const LINES: &str = "lines";
const EVENTS: &str = "events";
const FILTERED: &str = "filtered";
const QUARANTINED: &str = "quarantined";
const SKIPPED: &str = "skipped";
const SHA256: &str = "sha256";

/// The metadata names. The counts are those of the whole source, of which an output may be one of several.
pub static METADATA: [MetadataName; 13] = [
    name(SOURCE_BUCKET, true, "The bucket of the log object."),
    name(
        SOURCE_KEY,
        true,
        "Its key; characters other than printable ASCII, and the percent sign, are percent-encoded.",
    ),
    name(
        SOURCE_KEY_SHA256,
        true,
        "The SHA-256 of the key; replaces source-key if the encoded key is longer than 1,024 bytes.",
    ),
    name(SOURCE_VERSION, true, "Its etag."),
    name(
        SCHEMA,
        true,
        "The schema of the events, and its version, such as native-1.",
    ),
    name(
        REDACT,
        true,
        "What identifies the redaction of the events: 16 hexadecimal digits, which differ for other rules and another key. Only if REDACT is set.",
    ),
    name(PROGRAM, true, "The version of alb-ingest."),
    name(
        LINES,
        false,
        "Lines of the log object: events + filtered + quarantined + skipped.",
    ),
    name(EVENTS, false, "Its events, over all outputs."),
    name(
        FILTERED,
        false,
        "Its events that FILTER or SAMPLE leaves out; absent if there are none.",
    ),
    name(QUARANTINED, false, "Its malformed lines, which are in the quarantine."),
    name(SKIPPED, false, "Its blank lines."),
    name(SHA256, false, "The SHA-256 of this output's bytes."),
];

/// The maximum length of a key that is written out: S3 allows 2 KiB of metadata, names included.
const MAX_KEY_BYTES: usize = 1024;

/// The characters that S3 would not preserve: header values are ASCII and lose spaces at their ends.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// What metadata names of the settings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings<'a> {
    pub(super) schema: Schema,
    pub(super) redact: Option<&'a str>,
}

/// Metadata names and values.
pub(super) type Pairs = Vec<(&'static str, String)>;

/// Returns the metadata that is known before the source has been read.
pub(super) fn of_source(source: &ObjectRef, settings: Settings<'_>) -> Pairs {
    let mut pairs = identity(source);
    pairs.extend(of_program(settings));
    pairs
}

/// Returns the metadata of a file that is merged from many sources. The hash is that of its bytes.
pub(super) fn of_merge(settings: Settings<'_>, sha256: &str) -> Pairs {
    let mut pairs = of_program(settings);
    pairs.push((SHA256, sha256.to_owned()));
    pairs
}

fn of_program(Settings { schema, redact }: Settings<'_>) -> Pairs {
    let mut pairs = vec![(SCHEMA, format!("{}-{}", schema.name(), schema.version()))];
    pairs.extend(redact.map(|fingerprint| (REDACT, fingerprint.to_owned())));
    pairs.push((PROGRAM, concat!("alb-ingest/", env!("CARGO_PKG_VERSION")).to_owned()));
    pairs
}

/// Returns the whole metadata, at the commit. The hash is that of the output's bytes.
pub(super) fn complete(source: &ObjectRef, settings: Settings<'_>, counts: &Counts, sha256: &str) -> Pairs {
    let mut pairs = of_source(source, settings);
    let filtered = (counts.filtered > 0).then_some((FILTERED, counts.filtered));
    let counts = [
        (LINES, counts.lines),
        (EVENTS, counts.events),
        (QUARANTINED, counts.quarantined),
        (SKIPPED, counts.skipped),
    ];
    pairs.extend(
        counts
            .into_iter()
            .chain(filtered)
            .map(|(name, count)| (name, count.to_string())),
    );
    pairs.push((SHA256, sha256.to_owned()));
    pairs
}

/// Returns whether metadata, looked up by name, is that of an output of this source.
pub(super) fn is_of<'a>(source: &ObjectRef, metadata: impl Fn(&str) -> Option<&'a str>) -> bool {
    let wanted = identity(source);
    [SOURCE_BUCKET, SOURCE_KEY, SOURCE_KEY_SHA256, SOURCE_VERSION]
        .into_iter()
        .all(|name| {
            let value = wanted.iter().find(|(wanted, _)| *wanted == name);
            metadata(name) == value.map(|(_, value)| value.as_str())
        })
}

/// Returns the hash of an object's bytes from its metadata.
pub(super) fn sha256<'a>(metadata: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
    metadata(SHA256)
}

/// Returns what metadata, looked up by name, says about an output. A source whose key is too long for the metadata is unknown.
pub(super) fn record<'a>(metadata: impl Fn(&str) -> Option<&'a str>) -> Record {
    let decoded = |name: &str| percent_decode_str(metadata(name)?).decode_utf8().ok().map(String::from);
    let count = |name: &str| metadata(name)?.parse().ok();
    let source = || {
        Some(ObjectRef {
            bucket: decoded(SOURCE_BUCKET)?,
            key: decoded(SOURCE_KEY)?,
            version: decoded(SOURCE_VERSION).unwrap_or_default(),
        })
    };
    let counts = || {
        Some(Counts {
            lines: count(LINES)?,
            events: count(EVENTS)?,
            filtered: match metadata(FILTERED) {
                Some(filtered) => filtered.parse().ok()?,
                None => 0,
            },
            quarantined: count(QUARANTINED)?,
            skipped: count(SKIPPED)?,
        })
    };
    Record {
        source: source(),
        counts: counts(),
        sha256: sha256(&metadata).map(str::to_owned),
    }
}

fn identity(source: &ObjectRef) -> Pairs {
    let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
    let key = encoded(&source.key);
    let key = if key.len() <= MAX_KEY_BYTES {
        (SOURCE_KEY, key)
    } else {
        (SOURCE_KEY_SHA256, hex(&Sha256::digest(&source.key)))
    };
    let mut pairs = vec![(SOURCE_BUCKET, encoded(&source.bucket)), key];
    // S3 may drop a header without a value.
    if !source.version.is_empty() {
        pairs.push((SOURCE_VERSION, encoded(&source.version)));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(key: &str) -> ObjectRef {
        ObjectRef {
            bucket: "logs".to_owned(),
            key: key.to_owned(),
            version: "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY".to_owned(),
        }
    }

    #[test]
    fn filtered_events_are_in_the_metadata_if_there_are_any() {
        let settings = Settings {
            schema: Schema::Native,
            redact: None,
        };
        for filtered in [0, 3] {
            let counts = Counts {
                lines: 5,
                events: 2,
                filtered,
                ..Counts::default()
            };
            let pairs = complete(&source("a.gz"), settings, &counts, "");
            let found = |name: &str| pairs.iter().find(|(found, _)| *found == name);
            let look = |name: &str| found(name).map(|(_, value)| value.as_str());
            assert_eq!(look(FILTERED), (filtered > 0).then_some("3"));
            assert_eq!(record(look).counts, Some(counts));
            // A count that cannot be read is not zero.
            let broken = |name: &str| if name == FILTERED { Some("x") } else { look(name) };
            assert_eq!(record(broken).counts, None);
        }
    }

    #[test]
    fn metadata_is_declared_short_printable_and_distinguishes_sources() {
        let long = "é".repeat(512);
        let keys = ["a b+c%2B.gz", "a+b c%2B.gz", "täglich/\u{7f}\n.gz", &long];
        let settings = Settings {
            schema: Schema::Native,
            redact: Some("0123456789abcdef"),
        };
        for key in keys {
            let pairs = complete(&source(key), settings, &Counts::default(), &"f".repeat(64));
            for (name, value) in &pairs {
                assert!(METADATA.iter().any(|declared| declared.name == *name), "{name}");
                assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value}");
            }
            let early: Vec<_> = of_source(&source(key), settings)
                .into_iter()
                .map(|(name, _)| name)
                .collect();
            let always = |name: &str| METADATA.iter().any(|declared| declared.name == name && declared.always);
            assert!(pairs.iter().all(|(name, _)| always(name) == early.contains(name)));
            let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(bytes <= 2048, "{bytes} bytes of metadata");
            for other in keys {
                let look = |name: &str| {
                    pairs
                        .iter()
                        .find(|(found, _)| *found == name)
                        .map(|(_, value)| value.as_str())
                };
                assert_eq!(is_of(&source(other), look), key == other, "{key} {other}");
            }
            let recorded = record(|name| {
                pairs
                    .iter()
                    .find(|(found, _)| *found == name)
                    .map(|(_, value)| value.as_str())
            });
            assert_eq!(recorded.source, (key.len() < 1024).then(|| source(key)));
            assert_eq!(recorded.counts, Some(Counts::default()));
        }
    }
}
