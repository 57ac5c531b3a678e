//! Listings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::http::{Call, Reply, decode};
use super::answer::{Refusal, escape, xml};
use super::store::Bucket;

/// `ListObjectsV2`. A continuation token is the last key of the previous page, encoded so clients treat it as opaque.
pub(super) fn objects(bucket: &Bucket, name: &str, call: &Call) -> Result<Reply, Refusal> {
    let invalid = |message: &str| Refusal::new(400, "InvalidArgument", message);
    let prefix = call.param("prefix").unwrap_or_default();
    let delimiter = call.param("delimiter").filter(|delimiter| !delimiter.is_empty());
    let as_url = call.param("encoding-type") == Some("url");
    let written = |key: &str| if as_url { percent(key) } else { escape(key) };
    let most = match call.param("max-keys") {
        None => 1000,
        Some(most) => most.parse::<usize>().map_err(|_| invalid("max-keys is not a number"))?,
    };
    let most = most.min(bucket.options.page).min(1000);
    let after = match call.param("continuation-token") {
        Some(token) => {
            let token = token
                .strip_prefix("token:")
                .ok_or_else(|| invalid("The continuation token provided is incorrect"))?;
            decode(token)
        }
        None => call.param("start-after").unwrap_or_default().to_owned(),
    };
    let mut inner = String::new();
    let mut folders = BTreeSet::new();
    let (mut count, mut last, mut more) = (0, String::new(), false);
    for (key, object) in bucket.latest() {
        let Some(behind) = key.strip_prefix(prefix) else {
            continue;
        };
        let folder =
            delimiter.and_then(|delimiter| behind.split_once(delimiter).map(|(folder, _)| (folder, delimiter)));
        let folder = folder.map(|(folder, delimiter)| format!("{prefix}{folder}{delimiter}"));
        // After a token that is a folder, the whole folder has been listed.
        let listed = *key <= after
            || folder
                .as_ref()
                .is_some_and(|folder| !after.is_empty() && *folder <= after);
        if listed || folder.as_ref().is_some_and(|folder| folders.contains(folder)) {
            continue;
        }
        if count == most {
            more = true;
            break;
        }
        count += 1;
        if let Some(folder) = folder {
            last.clone_from(&folder);
            folders.insert(folder);
            continue;
        }
        last.clone_from(key);
        let modified = object.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z");
        let (etag, size, key) = (&object.etag, object.body.len(), written(key));
        let _ = write!(
            inner,
            "<Contents><Key>{key}</Key><LastModified>{modified}</LastModified><ETag>&quot;{etag}&quot;</ETag>\
             <Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        );
    }
    for folder in &folders {
        let _ = write!(
            inner,
            "<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>",
            written(folder)
        );
    }
    if more {
        let _ = write!(
            inner,
            "<NextContinuationToken>token:{}</NextContinuationToken>",
            percent(&last)
        );
    }
    if as_url {
        inner.push_str("<EncodingType>url</EncodingType>");
    }
    let (name, prefix) = (escape(name), written(prefix));
    let _ = write!(
        inner,
        "<Name>{name}</Name><Prefix>{prefix}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>{most}</MaxKeys>\
         <IsTruncated>{more}</IsTruncated>"
    );
    Ok(xml("ListBucketResult", &inner))
}

/// `ListMultipartUploads`, always on one page.
pub(super) fn uploads(bucket: &Bucket, name: &str, call: &Call) -> Reply {
    let prefix = call.param("prefix").unwrap_or_default();
    let mut inner = format!("<Bucket>{}</Bucket><IsTruncated>false</IsTruncated>", escape(name));
    for upload in bucket
        .open_uploads()
        .iter()
        .filter(|upload| upload.key.starts_with(prefix))
    {
        let (key, id) = (escape(&upload.key), &upload.id);
        let _ = write!(inner, "<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
    }
    xml("ListMultipartUploadsResult", &inner)
}

/// Percent-encodes all except the unreserved characters.
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
