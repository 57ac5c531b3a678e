//! Bodies of uploads: plain, or `aws-chunked` with a trailer, and their checksums.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::super::http::Call;
use super::answer::Refusal;
use super::store::hex;

/// The checksums that S3 supports, except SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Crc32,
    Crc32C,
    Crc64Nvme,
    Sha256,
}

impl Algorithm {
    const ALL: [Self; 4] = [Self::Crc32, Self::Crc32C, Self::Crc64Nvme, Self::Sha256];

    pub(super) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32C => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in `x-amz-checksum-algorithm` and in XML elements, after `Checksum`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32C => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha256 => "SHA256",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn of(self, body: &[u8]) -> Vec<u8> {
        let crc = |algorithm, bytes: usize| checksum(algorithm, body).to_be_bytes()[8 - bytes..].to_vec();
        match self {
            Self::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc, 4),
            Self::Crc32C => crc(CrcAlgorithm::Crc32Iscsi, 4),
            Self::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme, 8),
            Self::Sha256 => Sha256::digest(body).to_vec(),
        }
    }
}

/// A body that matches its headers and trailers.
pub(super) struct Received {
    pub(super) body: Bytes,
    /// Its checksum, in base64.
    pub(super) checksum: Option<(Algorithm, String)>,
}

pub(super) fn receive(call: &Call) -> Result<Received, Refusal> {
    let sha256 = call.header("x-amz-content-sha256").unwrap_or_default();
    let (body, trailers) = if sha256.starts_with("STREAMING-") {
        chunked(call, sha256)?
    } else {
        let is_hash = sha256.len() == 64;
        if is_hash && sha256 != hex(&Sha256::digest(&call.body)) {
            let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
            return Err(Refusal::new(400, "XAmzContentSHA256Mismatch", message));
        }
        if !is_hash && sha256 != "UNSIGNED-PAYLOAD" {
            return Err(Refusal::new(
                400,
                "InvalidRequest",
                "Missing or invalid x-amz-content-sha256",
            ));
        }
        (call.body.clone(), BTreeMap::new())
    };
    if let Some(md5) = call.header("content-md5")
        && md5 != BASE64_STANDARD.encode(Md5::digest(&body))
    {
        return Err(Refusal::new(
            400,
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        ));
    }
    let mut found = None;
    for algorithm in Algorithm::ALL {
        let name = algorithm.header();
        let Some(value) = trailers.get(name).map(String::as_str).or_else(|| call.header(name)) else {
            continue;
        };
        if value != BASE64_STANDARD.encode(algorithm.of(&body)) {
            let message = format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            );
            return Err(Refusal::new(400, "BadDigest", &message));
        }
        found = Some((algorithm, value.to_owned()));
    }
    Ok(Received { body, checksum: found })
}

type Trailers = BTreeMap<String, String>;

/// `HEX[;chunk-signature=…]\r\nBYTES\r\n … 0\r\nNAME:VALUE\r\n\r\n`. The signatures of chunks are not verified.
fn chunked(call: &Call, kind: &str) -> Result<(Bytes, Trailers), Refusal> {
    let incomplete = |message: &str| Refusal::new(400, "IncompleteBody", message);
    let malformed = |message: &str| Refusal::new(400, "MalformedTrailerError", message);
    if !call.list("content-encoding").contains("aws-chunked") {
        return Err(Refusal::new(
            400,
            "InvalidRequest",
            "a streaming body needs Content-Encoding: aws-chunked",
        ));
    }
    let promised = call
        .header("x-amz-decoded-content-length")
        .and_then(|value| value.parse::<usize>().ok());
    let Some(promised) = promised else {
        let message = "You must provide the Content-Length HTTP header: x-amz-decoded-content-length";
        return Err(Refusal::new(411, "MissingContentLength", message));
    };
    let mut body = Vec::with_capacity(promised);
    let mut rest: &[u8] = &call.body;
    loop {
        let head = line(&mut rest).ok_or_else(|| incomplete("a chunk without a head"))?;
        let size = head.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| incomplete("a chunk's size is not hexadecimal"))?;
        if size == 0 {
            break;
        }
        let (bytes, behind) = rest
            .split_at_checked(size)
            .ok_or_else(|| incomplete("a chunk is cut off"))?;
        body.extend_from_slice(bytes);
        rest = behind
            .strip_prefix(b"\r\n")
            .ok_or_else(|| incomplete("a chunk is longer than it says"))?;
    }
    if body.len() != promised {
        return Err(incomplete("the body is not as long as x-amz-decoded-content-length"));
    }
    let mut trailers = Trailers::new();
    while let Some(text) = line(&mut rest).filter(|text| !text.is_empty()) {
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| malformed("a trailer without a colon"))?;
        trailers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    if kind.ends_with("-TRAILER") {
        let announced = call
            .header("x-amz-trailer")
            .ok_or_else(|| malformed("x-amz-trailer is missing"))?;
        for name in announced.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            if !trailers.contains_key(&name) {
                return Err(malformed("an announced trailer did not come"));
            }
        }
    }
    Ok((body.into(), trailers))
}

/// Takes a line that ends in CR LF.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, behind) = rest.split_at(end);
    *rest = &behind[2..];
    str::from_utf8(line).ok()
}

/// Returns the headers that an object keeps.
pub(super) fn kept_headers(call: &Call) -> Result<BTreeMap<String, String>, Refusal> {
    let mut kept = BTreeMap::new();
    let mut size = 0;
    for (name, value) in &call.headers {
        let name = name.as_str();
        let value = value.to_str().unwrap_or_default();
        if let Some(own) = name.strip_prefix("x-amz-meta-") {
            size += own.len() + value.len();
            kept.insert(name.to_owned(), value.to_owned());
        }
        if ["content-type", "content-disposition", "cache-control"].contains(&name) {
            kept.insert(name.to_owned(), value.to_owned());
        }
    }
    let codings = call.list("content-encoding");
    let codings = codings.split(',').map(str::trim);
    let own: Vec<_> = codings.filter(|coding| !["", "aws-chunked"].contains(coding)).collect();
    if !own.is_empty() {
        kept.insert("content-encoding".to_owned(), own.join(","));
    }
    if size > 2048 {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Refusal::new(400, "MetadataTooLarge", message));
    }
    Ok(kept)
}
