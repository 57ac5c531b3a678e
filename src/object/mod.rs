//! A log object: its identity, the facts in its key, and the log type of its lines.

mod counts;
mod detect;
mod key;
mod key_encoding;
mod request;

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::escape::escaped;
use crate::formats::{ColumnSource, Fill};

pub use counts::Counts;
pub use detect::{Attempt, Detected, Unknown, detect, detect_form, form_of, is_test_entry, nearest, redacted_shape};
pub use key::{KeyFacts, SkipByKey, interval_end, names_a_log, node_address, skip_by_key};
pub use key_encoding::{KeyFault, form_decoded, manifest_key};
pub use request::{ObjectRequest, unquoted};

/// The identity of a log object: bucket, key and etag, however the object was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// The bucket; `local` for a file.
    pub bucket: String,
    /// The key, URL-decoded.
    pub key: String,
    /// The etag, without quotes; for a file, the MD5 of its bytes. Never the version id, which not every request has.
    pub version: String,
}

/// What identifies an object among all others: the start of a SHA-256 over its bucket, key and etag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(pub [u8; 16]);

impl std::fmt::Display for Identity {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&hex(&self.0))
    }
}

/// The facts that all events of an object share.
#[derive(Debug, Clone)]
pub struct ObjectFacts {
    /// Bucket and key.
    pub object: ObjectRef,
    /// 16 hex digits that identify bucket, key and etag.
    pub id: String,
    /// The facts in the key.
    pub key: KeyFacts,
}

impl ObjectFacts {
    /// Returns the facts of an object.
    pub fn new(object: ObjectRef) -> Self {
        let key = KeyFacts::of(&object.key);
        let id = object.id();
        Self { object, id, key }
    }
}

/// The values that the object determines for a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfObject<'a> {
    /// Every event has this text.
    Text(&'a str),
    /// No event has a value.
    Null,
    /// The value is the [id](ObjectFacts::event_id) of each event.
    EventId,
    /// None: the values are in the batch.
    No,
}

impl ObjectFacts {
    /// Returns the values that the object determines for a column with this source.
    pub fn of_object(&self, source: ColumnSource) -> OfObject<'_> {
        let ColumnSource::Filled(fill) = source else {
            return OfObject::No;
        };
        let value = match fill {
            Fill::EventId => return OfObject::EventId,
            Fill::AccountId => self.key.account.as_deref(),
            Fill::Region => self.key.region.as_deref(),
            Fill::SourceBucket => Some(self.object.bucket.as_str()),
            Fill::SourceKey => Some(self.object.key.as_str()),
            Fill::EventTime | Fill::ExtraFields | Fill::SourceLine => return OfObject::No,
        };
        value.map_or(OfObject::Null, OfObject::Text)
    }

    /// Returns the id of the event on a line: the object's id and the line number.
    pub fn event_id(&self, line: i64) -> String {
        format!("{}-{line:010}", self.id)
    }
}

impl ObjectRef {
    /// Returns the first half of the [identity](Self::identity) as 16 hex digits.
    pub fn id(&self) -> String {
        let mut id = self.identity().to_string();
        id.truncate(16);
        id
    }

    /// Returns the first 16 bytes of SHA-256 over bucket, key and etag, separated by zero bytes.
    pub fn identity(&self) -> Identity {
        let mut hash = Sha256::new();
        for (number, part) in [&self.bucket, &self.key, &self.version].into_iter().enumerate() {
            if number > 0 {
                hash.update([0]);
            }
            hash.update(part);
        }
        let mut identity = Identity::default();
        for (byte, hashed) in identity.0.iter_mut().zip(hash.finalize()) {
            *byte = hashed;
        }
        identity
    }

    /// Returns the last part of the key without `.log.gz`, `.log` or `.gz`, short enough for every file system.
    pub fn stem(&self) -> &str {
        let name = self.key.rsplit('/').next().unwrap_or_default();
        let name = if name == "-" { "stdin" } else { name };
        let name = name.strip_suffix(".gz").unwrap_or(name);
        let name = name.strip_suffix(".log").unwrap_or(name);
        name.get(..name.floor_char_boundary(180)).unwrap_or(name)
    }
}

/// Returns the SHA-256 of everything that is left to read, in hex digits.
///
/// # Errors
/// The content cannot be read.
pub fn sha256_of(content: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match content.read(&mut chunk) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(read) => hash.update(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Returns bytes as lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}/{}", escaped(&self.bucket), escaped(&self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_depends_on_bucket_key_and_etag_and_never_changes() {
        let object = |bucket: &str, key: &str, version: &str| ObjectRef {
            bucket: bucket.into(),
            key: key.into(),
            version: version.into(),
        };
        // sha256("local\0a.log\0d41d8cd98f00b204e9800998ecf8427e")
        assert_eq!(
            object("local", "a.log", "d41d8cd98f00b204e9800998ecf8427e").id(),
            "59ce561e0a109d71"
        );
        assert_ne!(object("a", "bc", "").id(), object("ab", "c", "").id());
        assert_ne!(object("a", "b", "1").id(), object("a", "b", "2").id());
    }

    #[test]
    fn stems_are_short_file_names() {
        let stem = |key: &str| {
            ObjectRef {
                bucket: String::new(),
                key: key.into(),
                version: String::new(),
            }
            .stem()
            .to_owned()
        };
        assert_eq!(stem("a/b/c_x.log.gz"), "c_x");
        assert_eq!(stem("c.log"), "c");
        assert_eq!(stem("-"), "stdin");
        assert_eq!(stem("a/b/"), "");
        assert_eq!(stem(&"é".repeat(200)).len(), 180);
    }
}
