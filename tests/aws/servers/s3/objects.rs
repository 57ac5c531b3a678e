//! Reads and writes of whole objects.

use super::super::http::{Call, Reply, decode};
use super::answer::{Refusal, xml};
use super::body::{kept_headers, receive};
use super::store::{Bucket, Object};

/// `GetObject` and `HeadObject`; the server leaves the body of a HEAD out.
pub(super) fn get(bucket: &Bucket, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let object = match call.param("versionId") {
        None => current(bucket, key)?,
        Some(version) => versioned(bucket, key, version)?,
    };
    if let Some(wanted) = call.header("if-match")
        && !matches(wanted, &object.etag)
    {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new(412, "PreconditionFailed", message));
    }
    if let Some(known) = call.header("if-none-match")
        && matches(known, &object.etag)
    {
        return Err(Refusal::new(304, "NotModified", "Not Modified").with("etag", quoted(&object.etag)));
    }
    if bucket.options.archived.iter().any(|archived| archived == key) && call.method == "GET" {
        let message = "The operation is not valid for the object's storage class";
        return Err(Refusal::new(403, "InvalidObjectState", message));
    }
    let size = object.body.len();
    let mut reply = match asked(call.header("range"), size) {
        Asked::Whole => Reply::new(200, object.body.clone()),
        Asked::Range(first, last) => Reply::new(206, object.body.slice(first..=last))
            .with("content-range", format!("bytes {first}-{last}/{size}")),
        Asked::Beyond => {
            let refusal = Refusal::new(416, "InvalidRange", "The requested range is not satisfiable");
            return Err(refusal.with("content-range", format!("bytes */{size}")));
        }
    };
    if reply.status == 200
        && call.header("x-amz-checksum-mode") == Some("ENABLED")
        && let Some((name, value)) = &object.checksum
    {
        let kind = if value.contains('-') {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        };
        reply = reply.with(*name, value).with("x-amz-checksum-type", kind);
    }
    reply = described(reply, object).with("accept-ranges", "bytes");
    let kept = object.headers.iter();
    reply
        .headers
        .extend(kept.map(|(name, value)| (name.clone(), value.clone())));
    Ok(reply.with(
        "last-modified",
        object.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    ))
}

fn current<'a>(bucket: &'a Bucket, key: &str) -> Result<&'a Object, Refusal> {
    let latest = bucket.objects.get(key).and_then(|versions| versions.last());
    match latest {
        Some(object) if !object.deleted => Ok(object),
        Some(_) => Err(bucket.missing().with("x-amz-delete-marker", "true")),
        None => Err(bucket.missing()),
    }
}

fn versioned<'a>(bucket: &'a Bucket, key: &str, version: &str) -> Result<&'a Object, Refusal> {
    let versions = bucket.objects.get(key).map(Vec::as_slice).unwrap_or_default();
    // Without versioning there is one version, named `null`.
    let found = versions
        .iter()
        .find(|object| object.version.as_deref().unwrap_or("null") == version);
    match found {
        Some(object) if object.deleted => {
            let message = "The specified method is not allowed against this resource.";
            Err(Refusal::new(405, "MethodNotAllowed", message).with("x-amz-delete-marker", "true"))
        }
        Some(object) => Ok(object),
        None => Err(Refusal::new(
            404,
            "NoSuchVersion",
            "The specified version does not exist.",
        )),
    }
}

/// The bytes that a read requests.
enum Asked {
    Whole,
    /// The first and the last byte.
    Range(usize, usize),
    /// A range outside of the object.
    Beyond,
}

/// S3 ignores everything except a single range of bytes, and sends the whole object.
fn asked(range: Option<&str>, size: usize) -> Asked {
    let range = range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    match range.map(|(first, last)| (first, first.parse::<usize>(), last, last.parse::<usize>())) {
        Some(("", _, _, Ok(length))) if length.min(size) == 0 => Asked::Beyond,
        Some(("", _, _, Ok(length))) => Asked::Range(size - length.min(size), size - 1),
        Some((_, Ok(first), "", _)) if first < size => Asked::Range(first, size - 1),
        Some((_, Ok(_), "", _)) => Asked::Beyond,
        Some((_, Ok(first), _, Ok(last))) if first > last => Asked::Whole,
        Some((_, Ok(first), _, Ok(last))) if first < size => Asked::Range(first, last.min(size - 1)),
        Some((_, Ok(_), _, Ok(_))) => Asked::Beyond,
        _ => Asked::Whole,
    }
}

pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn matches(condition: &str, etag: &str) -> bool {
    let mut tags = condition.split(',').map(|tag| tag.trim().trim_matches('"'));
    tags.any(|tag| tag == "*" || tag == etag)
}

fn described(mut reply: Reply, object: &Object) -> Reply {
    reply = reply.with("etag", quoted(&object.etag));
    if let Some(version) = &object.version {
        reply = reply.with("x-amz-version-id", version);
    }
    reply
}

/// Checks the conditions of a write.
pub(super) fn may_write(bucket: &Bucket, key: &str, call: &Call) -> Result<(), Refusal> {
    let failed = || {
        let message = "At least one of the pre-conditions you specified did not hold";
        Refusal::new(412, "PreconditionFailed", message)
    };
    let current = bucket.current(key);
    if bucket.options.ignores_conditions {
        return Ok(());
    }
    match call.header("if-none-match") {
        Some("*") if current.is_some() => return Err(failed()),
        None | Some("*") => {}
        Some(_) => {
            let message = "A header you provided implies functionality that is not implemented";
            return Err(Refusal::new(501, "NotImplemented", message));
        }
    }
    match (call.header("if-match"), current) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Refusal::new(404, "NoSuchKey", "The specified key does not exist.")),
        (Some(wanted), Some(object)) if matches(wanted, &object.etag) => Ok(()),
        (Some(_), Some(_)) => Err(failed()),
    }
}

pub(super) fn put(bucket: &mut Bucket, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let received = receive(call)?;
    let headers = kept_headers(call)?;
    may_write(bucket, key, call)?;
    let mut object = Object::new(received.body, headers);
    object.checksum = received.checksum.map(|(algorithm, value)| (algorithm.header(), value));
    let object = bucket.add(key, object);
    let mut reply = described(Reply::new(200, ""), object);
    if let Some((name, value)) = &object.checksum {
        reply = reply.with(*name, value).with("x-amz-checksum-type", "FULL_OBJECT");
    }
    Ok(reply)
}

/// `CopyObject` within a bucket. S3 checks the conditions of the source and that of the target.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
pub(super) fn copy(bucket: &mut Bucket, name: &str, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let source = decode(call.header("x-amz-copy-source").unwrap_or_default());
    let source = source.trim_start_matches('/').split_once('/');
    let Some((_, source)) = source.filter(|(bucket, _)| *bucket == name) else {
        return Err(Refusal::new(
            501,
            "NotImplemented",
            "the test server copies within a bucket",
        ));
    };
    let found = current(bucket, source)?.clone();
    if let Some(wanted) = call.header("x-amz-copy-source-if-match")
        && !matches(wanted, &found.etag)
    {
        let message = "At least one of the pre-conditions you specified did not hold";
        return Err(Refusal::new(412, "PreconditionFailed", message));
    }
    may_write(bucket, key, call)?;
    // The metadata is copied, unless the request replaces it. The etag of a copy is that of one part.
    let object = bucket.add(key, Object::new(found.body, found.headers));
    let etag = quoted(&object.etag).replace('"', "&quot;");
    let modified = object.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z");
    let inner = format!("<LastModified>{modified}</LastModified><ETag>{etag}</ETag>");
    Ok(xml("CopyObjectResult", &inner))
}

pub(super) fn delete(bucket: &mut Bucket, key: &str, call: &Call) -> Reply {
    let reply = Reply::new(204, "");
    if let Some(version) = call.param("versionId") {
        if let Some(versions) = bucket.objects.get_mut(key) {
            versions.retain(|object| object.version.as_deref().unwrap_or("null") != version);
        }
        return reply.with("x-amz-version-id", version);
    }
    match bucket.delete(key) {
        Some(marker) => reply
            .with("x-amz-delete-marker", "true")
            .with("x-amz-version-id", marker),
        None => reply,
    }
}
