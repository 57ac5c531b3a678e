//! Tests of the S3 server, through the SDK and on the wire.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};

use super::{BUCKET, SIGNED, by_hand, bytes, code, run, store};
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::s3::Options;

#[test]
fn an_object_has_the_bytes_of_the_sdk_and_is_created_once() {
    let (server, client) = store(Options::default());
    let body = bytes(300_000, 1);
    let key = "a folder/ü+%2B&<'\"=/file.parquet";
    let put = || {
        let put = client.put_object().bucket(BUCKET).key(key).if_none_match("*");
        put.metadata("lines-in", "12")
            .body(ByteStream::from(body.clone()))
            .send()
    };
    run(async {
        let first = put().await.unwrap();
        let etag = alb_ingest::object::hex(&Md5::digest(&body));
        assert_eq!(first.e_tag(), Some(format!("\"{etag}\"").as_str()));
        assert_eq!(code(put().await), "PreconditionFailed");

        let get = client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled);
        let got = get.clone().if_match(&etag).send().await.unwrap();
        assert!(got.checksum_crc32().is_some(), "{got:?}");
        assert_eq!(got.metadata().unwrap()["lines-in"], "12");
        assert_eq!(got.body.collect().await.unwrap().into_bytes(), body);
        let part = get.clone().range("bytes=1000-1999").send().await.unwrap();
        assert_eq!(part.content_range(), Some("bytes 1000-1999/300000"));
        assert_eq!(part.body.collect().await.unwrap().into_bytes(), body[1000..2000]);
        let rest = get.clone().range("bytes=299990-").send().await.unwrap();
        assert_eq!(rest.body.collect().await.unwrap().into_bytes(), body[299_990..]);
        assert_eq!(code(get.clone().range("bytes=300000-").send().await), "InvalidRange");
        assert_eq!(code(get.if_match("0123").send().await), "PreconditionFailed");
        assert_eq!(
            code(client.get_object().bucket(BUCKET).key("not there").send().await),
            "NoSuchKey"
        );
        assert_eq!(
            code(client.get_object().bucket("nowhere").key(key).send().await),
            "NoSuchBucket"
        );

        let head = client.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!((head.content_length(), head.version_id()), (Some(300_000), None));
        assert!(
            client
                .head_object()
                .bucket(BUCKET)
                .key("x")
                .send()
                .await
                .unwrap_err()
                .into_service_error()
                .is_not_found()
        );
        client.delete_object().bucket(BUCKET).key(key).send().await.unwrap();
    });
    assert!(server.objects(BUCKET).is_empty());
    let puts = server.journal().of(Op::PutObject);
    let crc =
        BASE64_STANDARD.encode(&crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &body).to_be_bytes()[4..]);
    assert_eq!(puts[0].header("x-amz-checksum-crc32"), Some(crc.as_str()), "{puts:?}");
    assert_eq!(
        (puts[0].status, puts[0].done, puts[1].status, puts[1].done),
        (200, true, 412, false)
    );
    assert_eq!(puts[0].received, 300_000);
    let sent: Vec<_> = server
        .journal()
        .of(Op::GetObject)
        .iter()
        .map(|entry| (entry.status, entry.sent()))
        .collect();
    assert_eq!(sent[..3], [(200, 300_000), (206, 1000), (206, 10)]);
}

#[test]
fn a_streamed_upload_has_chunks_and_a_trailing_checksum() {
    let (server, client) = store(Options::default());
    let body = bytes(300_000, 1);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &body).unwrap();
    for (key, algorithm) in [("a", ChecksumAlgorithm::Crc32), ("b", ChecksumAlgorithm::Crc64Nvme)] {
        run(async {
            let stream = ByteStream::from_path(file.path()).await.unwrap();
            let put = client.put_object().bucket(BUCKET).key(key).body(stream);
            let put = put.checksum_algorithm(algorithm).content_encoding("gzip");
            put.send().await.unwrap();
        });
        let object = server.get(BUCKET, key).unwrap();
        assert!(object.body == body && object.headers["content-encoding"] == "gzip");
    }
    let puts = server.journal().of(Op::PutObject);
    for put in &puts {
        let kind = put.header("x-amz-content-sha256");
        // Over TLS it would be STREAMING-UNSIGNED-PAYLOAD-TRAILER.
        assert_eq!(kind, Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"));
        assert!(put.received > 300_000, "chunks and a trailer: {}", put.received);
    }
    assert_eq!(puts[1].header("x-amz-trailer"), Some("x-amz-checksum-crc64nvme"));
}

#[test]
fn uploads_that_contradict_their_headers_are_refused() {
    let (server, _) = store(Options::default());
    let endpoint = server.endpoint();
    let body = b"hello, world";
    let crc =
        BASE64_STANDARD.encode(&crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, body).to_be_bytes()[4..]);
    let crc64 = BASE64_STANDARD.encode(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, body).to_be_bytes());
    let chunked = |trailer: &str, length: usize, text: &str| {
        let head = format!(
            "PUT /{BUCKET}/key HTTP/1.1\r\n{SIGNED}\r\ncontent-encoding: aws-chunked\r\n\
             x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-trailer: {trailer}\r\n\
             x-amz-decoded-content-length: {length}"
        );
        by_hand(&endpoint, &head, text.as_bytes())
    };
    let good = format!("5\r\nhello\r\n7\r\n, world\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n");
    for (trailer, length, text, wanted) in [
        ("x-amz-checksum-crc32", 12, good.replace("world", "World"), "BadDigest"),
        ("x-amz-checksum-crc32", 11, good.clone(), "IncompleteBody"),
        (
            "x-amz-checksum-crc32",
            12,
            good.replace("7\r\n", "8\r\n"),
            "IncompleteBody",
        ),
        ("x-amz-checksum-crc64nvme", 12, good.clone(), "MalformedTrailerError"),
        (
            "x-amz-checksum-crc32",
            12,
            "c\r\nhello, world\r\n0\r\n\r\n".to_owned(),
            "MalformedTrailerError",
        ),
    ] {
        let (status, answer, _) = chunked(trailer, length, &text);
        let answer = String::from_utf8(answer).unwrap();
        assert!(status == 400 && answer.contains(wanted), "{wanted}: {status} {answer}");
    }
    let plain = |headers: &str| by_hand(&endpoint, &format!("PUT /{BUCKET}/key HTTP/1.1\r\n{headers}"), body);
    let unsigned_payload = format!("{SIGNED}\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD");
    assert_eq!(
        plain(&format!("{unsigned_payload}\r\nx-amz-checksum-crc64nvme: {crc}")).0,
        400
    );
    assert_eq!(
        plain(&format!("{SIGNED}\r\nx-amz-content-sha256: {}", "0".repeat(64))).0,
        400
    );
    assert_eq!(plain("x-amz-content-sha256: UNSIGNED-PAYLOAD").0, 403, "not signed");
    assert!(server.objects(BUCKET).is_empty());

    assert_eq!(chunked("x-amz-checksum-crc32", 12, &good).0, 200);
    assert_eq!(server.get(BUCKET, "key").unwrap().body, &body[..]);
    assert_eq!(
        plain(&format!("{unsigned_payload}\r\nx-amz-checksum-crc64nvme: {crc64}")).0,
        200
    );
}

/// Starts an upload and sends its parts.
async fn parts(client: &aws_sdk_s3::Client, key: &str, bodies: &[Vec<u8>]) -> (String, CompletedMultipartUpload) {
    let created = client
        .create_multipart_upload()
        .bucket(BUCKET)
        .key(key)
        .metadata("schema", "1");
    let id = created.send().await.unwrap().upload_id().unwrap().to_owned();
    let mut list = CompletedMultipartUpload::builder();
    for (number, body) in (1..).zip(bodies) {
        let part = client
            .upload_part()
            .bucket(BUCKET)
            .key(key)
            .upload_id(&id)
            .part_number(number);
        let sent = part.body(ByteStream::from(body.clone())).send().await.unwrap();
        let done = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(sent.e_tag.clone());
        list = list.parts(done.set_checksum_crc32(sent.checksum_crc32.clone()).build());
    }
    (id, list.build())
}

#[test]
fn multipart_uploads_follow_the_rules_of_s3() {
    let (server, client) = store(Options::default());
    let bodies = [bytes(5 << 20, 1), bytes(6 << 20, 2), bytes(100, 3)];
    let complete = |key: &str, id: &str, list: &CompletedMultipartUpload| {
        let complete = client.complete_multipart_upload().bucket(BUCKET).key(key).upload_id(id);
        complete.multipart_upload(list.clone()).if_none_match("*").send()
    };
    run(async {
        let (id, list) = parts(&client, "large", &bodies).await;
        assert_eq!(
            server.open_uploads(BUCKET)[0].parts.values().sum::<usize>(),
            (11 << 20) + 100
        );
        assert!(server.objects(BUCKET).is_empty(), "not there before the end");
        let done = complete("large", &id, &list).await.unwrap();
        let md5s: Vec<u8> = bodies.iter().flat_map(|body| Md5::digest(body).to_vec()).collect();
        assert_eq!(
            done.e_tag(),
            Some(format!("\"{}-3\"", alb_ingest::object::hex(&Md5::digest(&md5s))).as_str())
        );
        let object = server.get(BUCKET, "large").unwrap();
        assert_eq!(object.body, bodies.concat());
        assert_eq!(object.metadata()["schema"], "1");
        let get = client.get_object().bucket(BUCKET).key("large").send().await.unwrap();
        assert_eq!(get.body.collect().await.unwrap().into_bytes(), object.body);
        assert_eq!(
            code(complete("large", &id, &list).await),
            "PreconditionFailed",
            "there by now"
        );

        // Parts are small, missing or out of order; the upload stays open.
        let (id, list) = parts(&client, "small", &[bytes(100, 1), bytes(100, 2)]).await;
        assert_eq!(code(complete("small", &id, &list).await), "EntityTooSmall");
        let turned = list.parts().iter().rev().cloned().collect();
        let turned = CompletedMultipartUpload::builder().set_parts(Some(turned)).build();
        assert_eq!(code(complete("small", &id, &turned).await), "InvalidPartOrder");
        let wrong = CompletedPart::builder().part_number(3).e_tag("\"0\"").build();
        let wrong = CompletedMultipartUpload::builder().parts(wrong).build();
        assert_eq!(code(complete("small", &id, &wrong).await), "InvalidPart");
        let listed = client.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
        assert_eq!(listed.uploads()[0].upload_id(), Some(id.as_str()));
        client
            .abort_multipart_upload()
            .bucket(BUCKET)
            .key("small")
            .upload_id(&id)
            .send()
            .await
            .unwrap();
        assert_eq!(code(complete("small", &id, &list).await), "NoSuchUpload");

        // A completion that fails after a status 200, then one whose response is lost.
        server
            .faults()
            .add(Rule::new(Fault::ErrorIn200).op(Op::CompleteMultipartUpload).nth(1));
        server
            .faults()
            .add(Rule::new(Fault::LoseResponse).op(Op::CompleteMultipartUpload).nth(2));
        let (id, list) = parts(&client, "twice", &bodies[2..]).await;
        assert_eq!(code(complete("twice", &id, &list).await), "InternalError");
        assert!(server.get(BUCKET, "twice").is_none());
        assert!(
            complete("twice", &id, &list)
                .await
                .unwrap_err()
                .as_service_error()
                .is_none(),
            "no answer"
        );
        assert_eq!(server.get(BUCKET, "twice").unwrap().body, bodies[2]);
    });
    assert_eq!(server.open_uploads(BUCKET), []);
    assert_eq!(server.faults().unused(), Vec::<String>::new());
}

#[test]
fn buckets_refuse_requests_like_aws() {
    let own = Options::default;
    for (options, wanted) in [
        (
            Options {
                archived: vec!["key".to_owned()],
                ..own()
            },
            "InvalidObjectState",
        ),
        (
            Options {
                requester_pays: true,
                ..own()
            },
            "AccessDenied",
        ),
        (
            Options {
                owner: "999988887777".to_owned(),
                ..own()
            },
            "AccessDenied",
        ),
        (
            Options {
                kms_denied: true,
                ..own()
            },
            "AccessDenied",
        ),
        (
            Options {
                region: "eu-west-1".to_owned(),
                ..own()
            },
            "PermanentRedirect",
        ),
    ] {
        let (server, client) = store(own());
        server.put(BUCKET, "key", "content");
        let get = client
            .get_object()
            .bucket(BUCKET)
            .key("key")
            .expected_bucket_owner("111122223333");
        let body = run(async {
            get.clone()
                .send()
                .await
                .unwrap()
                .body
                .collect()
                .await
                .unwrap()
                .into_bytes()
        });
        assert_eq!(body, "content");
        server.bucket(BUCKET, options.clone());
        assert_eq!(code(run(get.send())), wanted, "{options:?}");
    }
    let (server, client) = store(Options {
        missing_is_403: true,
        requester_pays: true,
        ..own()
    });
    server.put(BUCKET, "key", "content");
    let get = |key| {
        client
            .get_object()
            .bucket(BUCKET)
            .key(key)
            .request_payer("requester".into())
            .send()
    };
    assert!(run(get("key")).is_ok());
    assert_eq!(code(run(get("missing"))), "AccessDenied");
}

#[test]
fn delete_markers_hide_versions_that_remain() {
    let (server, client) = store(Options {
        versioned: true,
        ..Options::default()
    });
    let first = server.put(BUCKET, "key", "first");
    let second = server.put(BUCKET, "key", "second");
    let get = client.get_object().bucket(BUCKET).key("key");
    run(async {
        let read = async |get: aws_sdk_s3::operation::get_object::builders::GetObjectFluentBuilder| {
            let got = get.send().await.unwrap();
            (
                got.version_id().unwrap().to_owned(),
                got.body.collect().await.unwrap().into_bytes(),
            )
        };
        assert_eq!(
            read(get.clone()).await,
            (second.version.unwrap(), Bytes::from("second"))
        );
        let first = first.version.unwrap();
        assert_eq!(
            read(get.clone().version_id(&first)).await,
            (first.clone(), Bytes::from("first"))
        );
        client.delete_object().bucket(BUCKET).key("key").send().await.unwrap();
        assert_eq!(code(get.clone().send().await), "NoSuchKey");
        assert_eq!(read(get.clone().version_id(&first)).await.1, "first");
        assert_eq!(code(get.version_id("none").send().await), "NoSuchVersion");
        let put = client
            .put_object()
            .bucket(BUCKET)
            .key("key")
            .if_none_match("*")
            .body(ByteStream::from_static(b"x"));
        put.send().await.unwrap();
    });
    assert_eq!(server.versions(BUCKET, "key").len(), 3);
}

#[test]
fn listings_are_paged_and_complete() {
    let (server, client) = store(Options {
        page: 3,
        ..Options::default()
    });
    let keys: Vec<String> = (0..10)
        .map(|index| format!("logs/{}/a+b &{index}%.gz", index / 4))
        .collect();
    for key in &keys {
        server.put(BUCKET, key, key.clone());
    }
    server.put(BUCKET, "other", "");
    run(async {
        let list = client.list_objects_v2().bucket(BUCKET).prefix("logs/");
        let pages: Vec<_> = list.clone().into_paginator().send().try_collect().await.unwrap();
        assert_eq!(
            pages.iter().map(|page| page.contents().len()).collect::<Vec<_>>(),
            [3, 3, 3, 1]
        );
        let listed: Vec<_> = pages.iter().flat_map(ListObjectsV2Output::contents).collect();
        assert_eq!(
            listed.iter().map(|object| object.key().unwrap()).collect::<Vec<_>>(),
            keys
        );
        assert_eq!(listed[0].size(), Some(i64::try_from(keys[0].len()).unwrap()));
        let folders = list.delimiter("/").send().await.unwrap();
        let folders: Vec<_> = folders
            .common_prefixes()
            .iter()
            .map(|folder| folder.prefix().unwrap())
            .collect();
        assert_eq!(folders, ["logs/0/", "logs/1/", "logs/2/"]);
    });
}
