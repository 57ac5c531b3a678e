//! A request to ingest one object.

use super::ObjectRef;

/// An object to ingest, as an event, a listing or a person names it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectRequest {
    /// The bucket's name.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// Another reading of the key, tried once if `key` does not exist. Only S3 Batch Operations has one: AWS does not
    /// document whether a `+` in a manifest is a plus sign or a space.
    pub alternative_key: Option<String>,
    /// The version to read; never empty. `null` is the version of an object that was written before its bucket had
    /// versioning: newer versions may hide it, so it has to be requested by this name.
    pub version_id: Option<String>,
    /// The etag without quotes, as the event gives it.
    pub etag: Option<String>,
    /// The length in bytes, as the event gives it.
    pub size: Option<u64>,
    /// Orders the events of one key: hex digits, to be padded with zeros on the right and compared as text.
    pub sequencer: Option<String>,
    /// The time of the event, as the event writes it.
    pub event_time: Option<String>,
    /// The bucket's region.
    pub region: Option<String>,
}

impl ObjectRequest {
    /// Returns the object's identity, given the key that was found and the etag (without quotes) of what was found.
    ///
    /// The version is the version id. Without one, or if it is `null`, it is the etag: in a bucket without versioning,
    /// or with suspended versioning, every write gives the version `null` to other bytes.
    pub fn identity(&self, key: &str, etag: &str) -> ObjectRef {
        let version = self.version_id.as_deref().filter(|version| *version != "null");
        ObjectRef {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            version: version.unwrap_or(etag).to_owned(),
        }
    }

    /// Returns the object's identity before it was found.
    pub fn unidentified(&self) -> ObjectRef {
        self.identity(&self.key, "")
    }
}

/// Returns an etag without its quotes.
pub fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}
