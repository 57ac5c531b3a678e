//! S3's own events, and the form for replaying by hand.

use crate::object::{ObjectRequest, unquoted};

use super::error::{Names, TriggerError};
use super::key::form_decoded;
use super::node::Node;
use super::{Skip, Work};

/// The beginnings of the names of S3's events that are about an object that was there before, or is there no more. A name
/// beyond them is refused: what it means is not known, and it may be a new object.
const OTHER_EVENTS: [&str; 5] = [
    "Object",
    "Lifecycle",
    "Replication:",
    "IntelligentTiering",
    "ReducedRedundancyLostObject",
];

/// One record of an S3 notification; its keys are form-encoded.
pub(super) fn notification(record: &Node) -> Result<Work, TriggerError> {
    check_major(record, "eventVersion", "2", record.get_text("eventVersion")?)?;
    // Some stores write the name as it stands in the configuration.
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

/// An event of S3 as EventBridge delivers it; its keys stand as they are.
pub(super) fn event_bridge(event: &Node) -> Result<Work, TriggerError> {
    let name = event.get_text("detail-type")?;
    if name != "Object Created" {
        // A rule on `source` alone also gets API calls by CloudTrail, which may have put an object: they are no other event.
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

/// An object of `{"objects":[…]}`; its key stands as it is.
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
        return Ok(Work::Skipped(Skip::OtherEvent(name_shown)));
    }
    Err(TriggerError::UnknownName {
        at: node.path_of(field),
        name: name_shown,
    })
}

/// AWS's rule: the major version is the same, the minor one may grow, and new fields are passed over.
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

/// The etag without quotes, under one of its names.
fn etag(object: &Node, names: &[&str]) -> Result<Option<String>, TriggerError> {
    for name in names {
        let etag = object.find_text(name)?.map(unquoted);
        if let Some(etag) = etag.filter(|etag| !etag.is_empty()) {
            return Ok(Some(etag.to_owned()));
        }
    }
    Ok(None)
}
