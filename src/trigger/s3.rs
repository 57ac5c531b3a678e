//! The records and events of S3, and the form for replays by hand.

use crate::object::{ObjectRequest, form_decoded, unquoted};

use super::error::{Names, TriggerError};
use super::node::Node;
use super::{IgnoredEvent, Work};

/// The prefixes of the S3 event names that do not announce a new object. An event with any other name is refused: its
/// meaning is unknown, and it may announce a new object.
const OTHER_EVENTS: [&str; 5] = [
    "Object",
    "Lifecycle",
    "Replication:",
    "IntelligentTiering",
    "ReducedRedundancyLostObject",
];

/// Reads one record of an S3 notification, whose key is form-encoded.
pub(super) fn notification(record: &Node) -> Result<Work, TriggerError> {
    check_major(record, "eventVersion", "2", record.get_text("eventVersion")?)?;
    // Some S3-compatible stores write the name with the prefix that the notification configuration uses.
    let name = record.get_text("eventName")?;
    let name = name.strip_prefix("s3:").unwrap_or(name);
    if !name.starts_with("ObjectCreated") {
        return other_event(record, "eventName", name, &OTHER_EVENTS);
    }
    let s3 = record.get("s3")?;
    let object = s3.get("object")?;
    let key = form_decoded(object.get_text("key")?).map_err(|fault| TriggerError::Key {
        at: object.path_of("key"),
        fault,
    })?;
    Ok(Work::Object(ObjectRequest {
        bucket: s3.get("bucket")?.get_text("name")?.to_owned(),
        key,
        alternative_key: None,
        version_id: object.find_string("versionId")?,
        etag: etag(&object, &["eTag"])?,
        size: object.find_number("size")?,
        sequencer: object.find_string("sequencer")?,
        event_time: record.find_string("eventTime")?,
        region: record.find_string("awsRegion")?,
    }))
}

/// Reads an S3 event from EventBridge, whose key is not encoded.
pub(super) fn event_bridge(event: &Node, name: &str) -> Result<Work, TriggerError> {
    if name != "Object Created" {
        // A rule that matches only `source` also gets API calls from CloudTrail. They can announce a new object, so they
        // are refused and not ignored.
        return other_event(event, "detail-type", name, &["Object "]);
    }
    let detail = event.get("detail")?;
    if let Some(version) = detail.find_text("event-version")? {
        check_major(&detail, "event-version", "1", version)?;
    }
    let object = detail.get("object")?;
    Ok(Work::Object(ObjectRequest {
        bucket: detail.get("bucket")?.get_text("name")?.to_owned(),
        key: object.get_text("key")?.to_owned(),
        alternative_key: None,
        version_id: object.find_string("version-id")?,
        etag: etag(&object, &["etag", "eTag"])?,
        size: object.find_number("size")?,
        sequencer: object.find_string("sequencer")?,
        event_time: event.find_string("time")?,
        region: event.find_string("region")?,
    }))
}

/// Reads an object of `{"objects":[…]}`, whose key is not encoded.
pub(super) fn replayed(object: &Node) -> Result<ObjectRequest, TriggerError> {
    Ok(ObjectRequest {
        bucket: object.get_text("bucket")?.to_owned(),
        key: object.get_text("key")?.to_owned(),
        version_id: object.find_string("version_id")?,
        etag: etag(object, &["etag"])?,
        size: object.find_number("size")?,
        ..ObjectRequest::default()
    })
}

fn other_event(node: &Node, field: &str, name: &str, known: &[&str]) -> Result<Work, TriggerError> {
    let name_shown = Names::one(name);
    if known.iter().any(|start| name.starts_with(start)) {
        return Ok(Work::Ignored(IgnoredEvent::OtherEvent(name_shown)));
    }
    Err(TriggerError::UnknownName {
        at: node.path_of(field),
        name: name_shown,
    })
}

/// Checks the version of an event by AWS's rule: the major version must match, the minor version may grow, and unknown
/// fields are ignored.
fn check_major(node: &Node, field: &str, wanted: &'static str, version: &str) -> Result<(), TriggerError> {
    let major = version.split('.').next().unwrap_or_default();
    if major == wanted {
        return Ok(());
    }
    Err(TriggerError::Version {
        at: node.path_of(field),
        version: Names::one(version),
        wanted,
    })
}

/// Returns the ETag without quotes from the first of the fields that has one.
fn etag(object: &Node, names: &[&str]) -> Result<Option<String>, TriggerError> {
    for name in names {
        let etag = object.find_text(name)?.map(unquoted);
        if let Some(etag) = etag.filter(|etag| !etag.is_empty()) {
            return Ok(Some(etag.to_owned()));
        }
    }
    Ok(None)
}
