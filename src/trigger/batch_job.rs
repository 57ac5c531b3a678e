//! S3 Batch Operations, schema versions 1.0 and 2.0.
//!
//! The types of `aws_lambda_events` model version 1.0. In version 2.0 a task names its bucket in `s3Bucket`, a field that
//! those types drop, so the bucket is always read by name.

use aws_lambda_events::s3_batch_job::{S3BatchJobEvent, S3BatchJobTask};

use crate::object::{ObjectRequest, manifest_key};

use super::error::{Names, TriggerError};
use super::node::Node;
use super::{Kind, Request, Task, Work};

/// Returns whether S3 Batch Operations is the sender.
pub(super) fn is_batch(node: &Node) -> bool {
    node.find("invocationSchemaVersion").is_some() && node.find("tasks").is_some()
}

/// Reads the payload. A task whose object is not valid is refused by itself.
pub(super) fn read(payload: &Node) -> Result<Request, TriggerError> {
    let event: S3BatchJobEvent = payload.typed();
    let schema_version = payload.text_or(event.invocation_schema_version, "invocationSchemaVersion")?;
    let major = schema_version.split('.').next().unwrap_or_default();
    if !matches!(major, "1" | "2") {
        return Err(TriggerError::Version {
            at: payload.path_of("invocationSchemaVersion"),
            version: Names::one(&schema_version),
            wanted: "1 or 2",
        });
    }
    let invocation_id = payload.text_or(event.invocation_id, "invocationId")?;
    let (mut task_ids, mut tasks) = (Vec::new(), Vec::new());
    let mut typed = event.tasks.into_iter();
    for (unit, node) in payload.get("tasks")?.items()?.enumerate() {
        let mut task = typed.next().unwrap_or_default();
        task_ids.push(node.text_or(task.task_id.take(), "taskId")?);
        tasks.push(Task {
            unit,
            origin: node.path.clone(),
            work: object(&node, task).map_or_else(Work::Refused, Work::Object),
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

fn object(node: &Node, task: S3BatchJobTask) -> Result<ObjectRequest, TriggerError> {
    let raw = node.text_or(task.s3_key, "s3Key")?;
    let fault = |fault| TriggerError::Key {
        at: node.path_of("s3Key"),
        fault,
    };
    let (key, alternative_key) = manifest_key(&raw).map_err(fault)?;
    let (bucket, region) = bucket(node, task.s3_bucket_arn)?;
    let version_id = match task.s3_version_id.filter(|version| !version.is_empty()) {
        Some(version) => Some(version),
        None => node.find_string("s3VersionId")?,
    };
    Ok(ObjectRequest {
        bucket,
        key,
        alternative_key,
        version_id,
        region,
        ..ObjectRequest::default()
    })
}

/// Returns the bucket and, if the ARN includes it, its region. Version 2.0 has the name, version 1.0 the ARN.
fn bucket(task: &Node, typed_arn: Option<String>) -> Result<(String, Option<String>), TriggerError> {
    if let Some(name) = task.find_text("s3Bucket")? {
        return Ok((name.to_owned(), None));
    }
    let arn = task.text_or(typed_arn, "s3BucketArn")?;
    let wrong = || TriggerError::BucketArn {
        at: task.path_of("s3BucketArn"),
    };
    let mut parts = arn.splitn(6, ':');
    let mut part = || parts.next().ok_or_else(wrong);
    let (scheme, partition, service) = (part()?, part()?, part()?);
    let (region, _account, name) = (part()?, part()?, part()?);
    // `aws`, `aws-cn`, `aws-us-gov`, … The ARN of a directory bucket has a resource type; an access point is not a bucket.
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
