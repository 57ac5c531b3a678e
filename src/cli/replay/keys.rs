//! Lists of keys: a line for each object.

use std::path::{Component, Path};

use crate::object::{ObjectRequest, manifest_key};
use crate::storage::is_bucket_name;

/// Reads a list: `s3://BUCKET/KEY`, a path below `root`, or a line of a manifest of S3 Batch Operations in each line.
///
/// # Errors
/// A line is none of these.
pub(super) fn read(list: &[u8], root: Option<&Path>) -> Result<Vec<(String, ObjectRequest)>, String> {
    let mut objects = Vec::new();
    for (number, line) in (1..).zip(list.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        let at = format!("line {number}");
        let object = str::from_utf8(line)
            .map_err(|_| "is not UTF-8".to_owned())
            .and_then(|line| object(line, root))
            .map_err(|reason| format!("{at} of the input {reason}"))?;
        objects.push((at, object));
    }
    Ok(objects)
}

fn object(line: &str, root: Option<&Path>) -> Result<ObjectRequest, String> {
    if let Some(place) = line.strip_prefix("s3://") {
        let named = place.split_once('/');
        let (bucket, key) = named
            .filter(|(bucket, key)| is_bucket_name(bucket) && !key.is_empty())
            .ok_or("is not s3://BUCKET/KEY")?;
        return Ok(ObjectRequest {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            ..ObjectRequest::default()
        });
    }
    let columns: Vec<_> = line.split(',').map(unquoted).collect();
    match columns.as_slice() {
        [bucket, ..] if columns.len() > 1 && is_bucket_name(bucket) => manifest_line(&columns),
        _ => path(Path::new(line), root),
    }
}

/// Reads a line of a manifest, whose key is encoded.
fn manifest_line(columns: &[&str]) -> Result<ObjectRequest, String> {
    let (bucket, key, version) = match columns {
        [bucket, key] => (bucket, key, None),
        [bucket, key, version] => (bucket, key, Some(version)),
        _ => {
            let count = columns.len();
            return Err(format!(
                "has {count} columns; a manifest of S3 Batch Operations has BUCKET,KEY or BUCKET,KEY,VERSION, with encoded keys"
            ));
        }
    };
    let (key, alternative_key) = manifest_key(key).map_err(|fault| format!("has a key that {fault}"))?;
    if key.is_empty() {
        return Err("has no key".to_owned());
    }
    Ok(ObjectRequest {
        bucket: (*bucket).to_owned(),
        key,
        alternative_key,
        version_id: version
            .filter(|version| !version.is_empty())
            .map(|version| (*version).to_owned()),
        ..ObjectRequest::default()
    })
}

fn unquoted(column: &str) -> &str {
    let inner = column.strip_prefix('"').and_then(|column| column.strip_suffix('"'));
    inner.unwrap_or(column)
}

/// Reads the path of a file in one of the directories that replace the buckets.
fn path(path: &Path, root: Option<&Path>) -> Result<ObjectRequest, String> {
    const OTHERS: &str = "is not JSON, s3://BUCKET/KEY, or BUCKET,KEY of a manifest";
    let Some(root) = root else {
        return Err(format!("{OTHERS}; paths need --bucket-root"));
    };
    let below = || {
        let (path, root) = (std::path::absolute(path).ok()?, std::path::absolute(root).ok()?);
        let mut names = Vec::new();
        for component in path.strip_prefix(root).ok()?.components() {
            let Component::Normal(name) = component else {
                return None;
            };
            names.push(name.to_str()?);
        }
        let (bucket, key) = names.split_first()?;
        (!key.is_empty()).then(|| ((*bucket).to_owned(), key.join("/")))
    };
    let (bucket, key) =
        below().ok_or_else(|| format!("{OTHERS}, nor the path of a file in a directory of --bucket-root"))?;
    Ok(ObjectRequest {
        bucket,
        key,
        ..ObjectRequest::default()
    })
}
