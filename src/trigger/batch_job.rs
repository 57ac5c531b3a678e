//! S3 Batch Operations, schema versions 1.0 and 2.0.

use crate::object::ObjectRequest;

use super::error::{Names, TriggerError};
use super::key::{form_decoded, percent_decoded};
use super::node::Node;
use super::{Kind, Request, Task, Work};

/// Whether S3 Batch Operations asks.
pub(super) fn is_batch(node: &Node) -> bool {
    node.find("invocationSchemaVersion").is_some() && node.find("tasks").is_some()
}

/// Reads the payload; a task whose object is not named as it should be is refused alone.
pub(super) fn read(payload: &Node) -> Result<Request, TriggerError> {
    let schema_version = payload.get_text("invocationSchemaVersion")?.to_owned();
    let major = schema_version.split('.').next().unwrap_or_default();
    if !matches!(major, "1" | "2") {
        return Err(TriggerError::Version {
            at: payload.path_of("invocationSchemaVersion"),
            version: Names::one(&schema_version),
            wanted: "1 or 2",
        });
    }
    let invocation_id = payload.get_text("invocationId")?.to_owned();
    let (mut task_ids, mut tasks) = (Vec::new(), Vec::new());
    for (unit, task) in payload.get("tasks")?.items()?.enumerate() {
        task_ids.push(task.get_text("taskId")?.to_owned());
        tasks.push(Task {
            unit,
            origin: task.path.clone(),
            work: object(&task).map_or_else(Work::Refused, Work::Object),
            duplicate_of: None,
        });
    }
    let kind = Kind::Batch {
        schema_version,
        invocation_id,
        task_ids,
    };
    Ok(Request { kind, tasks })
}

fn object(task: &Node) -> Result<ObjectRequest, TriggerError> {
    let raw = task.get_text("s3Key")?;
    let fault = |fault| TriggerError::Key {
        at: task.path_of("s3Key"),
        fault,
    };
    let key = percent_decoded(raw).map_err(fault)?;
    // AWS's example decodes percent sequences alone, others take a `+` for a space: the object itself decides.
    let alternative_key = if raw.contains('+') {
        Some(form_decoded(raw).map_err(fault)?)
    } else {
        None
    };
    let (bucket, region) = bucket(task)?;
    Ok(ObjectRequest {
        bucket,
        key,
        alternative_key,
        version_id: task.find_string("s3VersionId")?,
        region,
        ..ObjectRequest::default()
    })
}

/// The bucket and, where the ARN has it, its region. Schema 2.0 has the name, 1.0 the ARN.
fn bucket(task: &Node) -> Result<(String, Option<String>), TriggerError> {
    if let Some(name) = task.find_text("s3Bucket")? {
        return Ok((name.to_owned(), None));
    }
    let arn = task.get_text("s3BucketArn")?;
    let wrong = || TriggerError::BucketArn {
        at: task.path_of("s3BucketArn"),
    };
    let mut parts = arn.splitn(6, ':');
    let mut part = || parts.next().ok_or_else(wrong);
    let (scheme, partition, service) = (part()?, part()?, part()?);
    let (region, _account, name) = (part()?, part()?, part()?);
    // `aws`, `aws-cn`, `aws-us-gov`, … A directory bucket's ARN says what it is; an access point is no bucket.
    let partition = partition == "aws" || partition.starts_with("aws-");
    let name = match service {
        "s3express" => name.strip_prefix("bucket/").unwrap_or(name),
        _ => name,
    };
    let service = matches!(service, "s3" | "s3express");
    if scheme != "arn" || !partition || !service || name.is_empty() || name.contains(['/', ':']) {
        return Err(wrong());
    }
    Ok((
        name.to_owned(),
        Some(region.to_owned()).filter(|region| !region.is_empty()),
    ))
}
