//! Multipart uploads.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest as _, Md5};

use super::super::http::{Call, Reply};
use super::answer::{Refusal, element, escape, xml};
use super::body::{Algorithm, kept_headers, receive};
use super::objects::{may_write, quoted};
use super::store::{Bucket, Object, Part, Upload, hex};

/// The minimum bytes of every part except the last.
const MIN_PART_BYTES: usize = 5 << 20;

pub(super) fn create(bucket: &mut Bucket, name: &str, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let algorithm = match call.header("x-amz-checksum-algorithm") {
        None => None,
        Some(name) => Some(
            Algorithm::named(name)
                .ok_or_else(|| Refusal::new(400, "InvalidRequest", "Checksum algorithm provided is unsupported."))?,
        ),
    };
    let whole = match call.header("x-amz-checksum-type") {
        Some(kind) => kind == "FULL_OBJECT",
        None => algorithm == Some(Algorithm::Crc64Nvme),
    };
    let id = format!("upload-{:06}", bucket.number());
    let upload = Upload {
        key: key.to_owned(),
        headers: kept_headers(call)?,
        algorithm,
        whole,
        parts: std::collections::BTreeMap::new(),
    };
    bucket.uploads.insert(id.clone(), upload);
    let inner = format!(
        "<Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>",
        escape(name),
        escape(key)
    );
    let mut reply = xml("InitiateMultipartUploadResult", &inner);
    if let Some(algorithm) = algorithm {
        let kind = if whole { "FULL_OBJECT" } else { "COMPOSITE" };
        reply = reply
            .with("x-amz-checksum-algorithm", algorithm.name())
            .with("x-amz-checksum-type", kind);
    }
    Ok(reply)
}

fn unknown() -> Refusal {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    Refusal::new(404, "NoSuchUpload", message)
}

fn upload<'a>(bucket: &'a mut Bucket, key: &str, call: &Call) -> Result<(&'a str, &'a mut Upload), Refusal> {
    let id = call.param("uploadId").unwrap_or_default();
    let found = bucket
        .uploads
        .iter_mut()
        .find(|(found, upload)| *found == id && upload.key == key);
    found.map(|(id, upload)| (id.as_str(), upload)).ok_or_else(unknown)
}

pub(super) fn part(bucket: &mut Bucket, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let number = call.param("partNumber").and_then(|number| number.parse::<u32>().ok());
    let Some(number) = number.filter(|number| (1..=10_000).contains(number)) else {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        return Err(Refusal::new(400, "InvalidArgument", message));
    };
    let (_, upload) = upload(bucket, key, call)?;
    let received = receive(call)?;
    if let (Some(wanted), Some((sent, _))) = (upload.algorithm, &received.checksum)
        && wanted != *sent
    {
        let message = "Checksum Type mismatch occurred between the upload and the part";
        return Err(Refusal::new(400, "InvalidRequest", message));
    }
    let checksum = upload
        .algorithm
        .map(|algorithm| BASE64_STANDARD.encode(algorithm.of(&received.body)));
    let md5: [u8; 16] = Md5::digest(&received.body).into();
    let part = Part {
        body: received.body,
        etag: hex(&md5),
        md5,
        checksum: checksum.clone(),
    };
    let mut reply = Reply::new(200, "").with("etag", quoted(&part.etag));
    if let (Some(algorithm), Some(value)) = (upload.algorithm, checksum) {
        reply = reply.with(algorithm.header(), value);
    }
    upload.parts.insert(number, part);
    Ok(reply)
}

pub(super) fn abort(bucket: &mut Bucket, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let id = upload(bucket, key, call)?.0.to_owned();
    bucket.uploads.remove(&id);
    Ok(Reply::new(204, ""))
}

pub(super) fn complete(bucket: &mut Bucket, name: &str, key: &str, call: &Call) -> Result<Reply, Refusal> {
    let id = call.param("uploadId").unwrap_or_default().to_owned();
    if bucket.options.completes_again
        && let Some((done, etag)) = bucket.completed.get(&id)
        && done == key
    {
        return Ok(completed(name, key, etag));
    }
    may_write(bucket, key, call)?;
    let (_, upload) = upload(bucket, key, call)?;
    let object = assemble(upload, call)?;
    let etag = object.etag.clone();
    bucket.uploads.remove(&id);
    bucket.completed.insert(id, (key.to_owned(), etag.clone()));
    let object = bucket.add(key, object);
    let mut reply = completed(name, key, &etag);
    if let Some(version) = &object.version {
        reply = reply.with("x-amz-version-id", version);
    }
    Ok(reply)
}

fn completed(name: &str, key: &str, etag: &str) -> Reply {
    let (name, key) = (escape(name), escape(key));
    let inner = format!(
        "<Location>http://{name}/{key}</Location><Bucket>{name}</Bucket><Key>{key}</Key><ETag>&quot;{etag}&quot;</ETag>"
    );
    xml("CompleteMultipartUploadResult", &inner)
}

/// Returns the object that the listed parts make up.
fn assemble(upload: &Upload, call: &Call) -> Result<Object, Refusal> {
    let malformed = || {
        let message = "The XML you provided was not well-formed or did not validate against our published schema";
        Refusal::new(400, "MalformedXML", message)
    };
    let text = str::from_utf8(&call.body).map_err(|_| malformed())?;
    let listed: Vec<&str> = text.split("<Part>").skip(1).collect();
    if listed.is_empty() {
        return Err(malformed());
    }
    let number = |part: &&str| element(part, "PartNumber").and_then(|number| number.parse::<u32>().ok());
    let numbers: Vec<u32> = listed.iter().map(number).collect::<Option<_>>().ok_or_else(malformed)?;
    if !numbers.is_sorted_by(|before, number| before < number) {
        let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(Refusal::new(400, "InvalidPartOrder", message));
    }
    let (mut body, mut md5s, mut sums) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (element_text, number)) in listed.iter().zip(numbers).enumerate() {
        let etag = element(element_text, "ETag")
            .ok_or_else(malformed)?
            .replace("&quot;", "\"");
        let message = "One or more of the specified parts could not be found. The part may not have been uploaded, or \
                       the specified entity tag may not match the part's entity tag.";
        let invalid = || Refusal::new(400, "InvalidPart", message);
        let part = upload.parts.get(&number).ok_or_else(invalid)?;
        if etag.trim_matches('"') != part.etag {
            return Err(invalid());
        }
        if let Some(algorithm) = upload.algorithm {
            let given = element(element_text, &format!("Checksum{}", algorithm.name()));
            match given {
                Some(given) if Some(given) != part.checksum.as_deref() => return Err(invalid()),
                None if !upload.whole => {
                    let message = format!(
                        "The upload was created using a {} checksum. The complete request must include the checksum \
                         for each part. It was missing for part {number} in the request.",
                        algorithm.name().to_lowercase()
                    );
                    return Err(Refusal::new(400, "InvalidRequest", &message));
                }
                _ => {}
            }
            sums.extend(algorithm.of(&part.body));
        }
        if part.body.len() < MIN_PART_BYTES && index + 1 < listed.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(Refusal::new(400, "EntityTooSmall", message));
        }
        md5s.extend(part.md5);
        body.extend_from_slice(&part.body);
    }
    let mut object = Object::new(body.into(), upload.headers.clone());
    object.etag = format!("{}-{}", hex(&Md5::digest(&md5s)), listed.len());
    object.checksum = upload.algorithm.map(|algorithm| {
        let value = if upload.whole {
            BASE64_STANDARD.encode(algorithm.of(&object.body))
        } else {
            format!("{}-{}", BASE64_STANDARD.encode(algorithm.of(&sums)), listed.len())
        };
        (algorithm.header(), value)
    });
    Ok(object)
}
