//! Reading objects completely, whatever happens to the connection.

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::object::ObjectRequest;
use alb_ingest::storage::{ErrorKind, Storage as _, StorageError};
use base64::Engine as _;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};
use flate2::read::MultiGzDecoder;

use super::rig::{LOGS, OUT, Rig, noise, object, put, reference, request, sample, samples, storage, tuning};
use crate::common::gzip;
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::http::{Call, Host, Reply, Service, Step};
use crate::servers::s3::Options;

#[test]
fn outputs_in_s3_equal_outputs_in_a_directory() {
    let rig = Rig::new();
    let mut wanted = super::rig::Files::new();
    for (key, bytes) in samples() {
        let request = put(&rig, &key, &bytes);
        let ledger = rig.ingest(&request).unwrap();
        assert_eq!(ledger.lines, ledger.events + ledger.quarantined + ledger.skipped_lines);
        wanted.extend(reference(&rig.config.ingest, &object(&request), &bytes));
    }
    assert!(wanted.len() > 15);
    assert!(rig.outputs() == wanted, "{:?}", rig.outputs().keys());

    let journal = rig.server.journal();
    for put in journal.of(Op::PutObject) {
        assert_eq!((put.status, put.header("if-none-match")), (200, Some("*")), "{put:?}");
        let kind = if put.key.ends_with(".parquet") {
            "application/vnd.apache.parquet"
        } else {
            "application/x-ndjson"
        };
        assert_eq!(put.header("content-type"), Some(kind));
        assert!(put.header("x-amz-checksum-crc32").is_some(), "{put:?}");
    }
    assert_eq!(journal.count(Op::PutObject), wanted.len());
    let gets = journal.of(Op::GetObject);
    assert!(gets.iter().all(|get| get.header("if-match").is_some()), "{gets:?}");
    assert_eq!(journal.entries().len(), wanted.len() + gets.len(), "{}", journal.text());

    // Again: every output exists, and is left as it is.
    journal.clear();
    for (key, bytes) in samples() {
        let ledger = rig.ingest(&put(&rig, &key, &bytes)).unwrap();
        assert!(ledger.outputs.iter().all(|output| !output.written) && ledger.bytes_out == 0);
    }
    assert!(journal.of(Op::PutObject).iter().all(|put| put.status == 412));
    assert!(rig.outputs() == wanted);
}

#[test]
fn outputs_have_metadata_about_their_source() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let request = put(&rig, &key, &bytes);
    let ledger = rig.ingest(&request).unwrap();
    let objects = rig.server.objects(OUT);
    assert_eq!(objects.len(), 2, "events and quarantine");
    for (name, object) in &objects {
        let metadata = object.metadata();
        let get = |name: &str| metadata.get(name).map_or("", String::as_str);
        assert_eq!(
            (get("source-bucket"), get("source-key")),
            (LOGS, key.as_str()),
            "{name}"
        );
        assert_eq!(get("source-version"), request.etag.as_deref().unwrap());
        for (name, count) in [
            ("lines", ledger.lines),
            ("events", ledger.events),
            ("quarantined", ledger.quarantined),
            ("skipped", ledger.skipped_lines),
        ] {
            assert_eq!(get(name), count.to_string(), "{name}");
        }
        assert!(get("program").starts_with("alb-ingest/") && get("schema") == "native-1");
        assert_eq!(get("sha256").len(), 64);
        let declared = alb_ingest::storage::s3::METADATA.map(|name| name.name);
        assert!(
            metadata.keys().all(|name| declared.contains(&name.as_str())),
            "{metadata:?}"
        );
    }
}

#[test]
fn a_connection_that_breaks_at_any_byte_changes_nothing() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let request = put(&rig, &key, &bytes);
    let wanted = reference(&rig.config.ingest, &object(&request), &bytes);
    let len = bytes.len() as u64;
    let places = [
        0,
        1,
        2,
        9,
        10,
        17,
        1000,
        8191,
        8192,
        20_000,
        len / 2,
        len - 9,
        len - 8,
        len - 1,
    ];
    let kinds: [fn(u64) -> Fault; 3] = [Fault::FinAt, Fault::ResetAt, Fault::StallAt];
    for (kind, fault) in kinds.iter().enumerate() {
        for at in places.iter().skip(kind % 2) {
            rig.server.faults().clear();
            rig.server.journal().clear();
            rig.fault(Op::GetObject, 1, fault(*at));
            let (found, read) = rig.read(&request).unwrap();
            assert!(read == bytes && found == object(&request), "{:?}", fault(*at));
            let gets = rig.server.journal().of(Op::GetObject);
            assert_eq!(gets.len(), 2, "{}", rig.server.journal().text());
            assert_eq!(gets[1].header("if-match"), gets[0].header("if-match"));
            let from = gets[1].header("range").map(|range| {
                let from = range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap();
                from.parse::<u64>().unwrap()
            });
            // A reset may lose bytes in transit.
            assert!(
                from.unwrap_or(0) <= *at && (from.is_some() || *at == 0 || kind == 1),
                "{from:?} {at}"
            );
            rig.all_happened();
        }
    }
    // Through the engine, with several breaks.
    rig.server.faults().clear();
    for (nth, fault) in [
        Fault::FinAt(700),
        Fault::ResetAt(3),
        Fault::StallAt(9000),
        Fault::FinAt(0),
    ]
    .into_iter()
    .enumerate()
    {
        rig.fault(Op::GetObject, nth as u64 + 1, fault);
    }
    rig.ingest(&request).unwrap();
    assert!(rig.outputs() == wanted);
    rig.all_happened();
}

#[test]
fn a_gzip_fault_of_a_resumed_read_is_read_again() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let request = put(&rig, &key, &bytes);
    let wanted = reference(&rig.config.ingest, &object(&request), &bytes);
    let half = bytes.len() as u64 / 2;
    // The response with the rest carries no checksum of the whole object.
    rig.fault(Op::GetObject, 1, Fault::FinAt(half));
    rig.fault(Op::GetObject, 2, Fault::CorruptAt(half / 2));
    let ledger = rig.ingest(&request).unwrap();
    rig.all_happened();
    assert!(ledger.corruption.is_none() && rig.outputs() == wanted);
    // One reading shows that the fault does not recur, and one ingests.
    assert_eq!(
        rig.server.journal().count(Op::GetObject),
        4,
        "{}",
        rig.server.journal().text()
    );
}

/// A flipped bit can hide the end of a member, so the object seems to be cut. Without a checksum of all its bytes, that is not
/// known to be so at rest.
#[test]
fn case_50_a_cut_that_only_damaged_bytes_show_is_read_again() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    let bytes = gzip(&text[..8_000]);
    let request = put(&rig, &key, &bytes);
    let wanted = reference(&rig.config.ingest, &object(&request), &bytes);
    let half = bytes.len() / 2;
    let is_cut = |at: &usize| {
        let mut damaged = bytes.clone();
        damaged[half + at] ^= 0x10;
        let read = MultiGzDecoder::new(damaged.as_slice()).read_to_end(&mut Vec::new());
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::UnexpectedEof)
    };
    let at = (0..bytes.len() - half).find(is_cut).unwrap();
    rig.fault(Op::GetObject, 1, Fault::FinAt(half as u64));
    rig.fault(Op::GetObject, 2, Fault::CorruptAt(at as u64));
    let ledger = rig.ingest(&request).unwrap();
    rig.all_happened();
    assert!(ledger.corruption.is_none() && rig.outputs() == wanted);
}

#[test]
fn a_fault_at_rest_is_salvaged_whether_or_not_the_read_is_resumed() {
    let (key, mut bytes) = sample("qfy86bt1");
    let trailer = bytes.len() - 8;
    bytes[trailer] ^= 1;
    let mut outputs = Vec::new();
    for resumed in [false, true] {
        let rig = Rig::new();
        let request = put(&rig, &key, &bytes);
        if resumed {
            rig.fault(Op::GetObject, 1, Fault::FinAt(bytes.len() as u64 / 2));
        }
        let ledger = rig.ingest(&request).unwrap();
        let corruption = ledger.corruption.unwrap();
        assert_eq!(ledger.events + ledger.quarantined, ledger.lines);
        assert!(corruption.unverified > 100, "{corruption}");
        outputs.push(rig.outputs());
    }
    assert!(outputs[0] == outputs[1] && !outputs[0].is_empty());
}

#[test]
fn a_body_that_always_breaks_fails_after_the_maximum_attempts() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let request = put(&rig, &key, &bytes);
    rig.always(Op::GetObject, Fault::FinAt(100));
    let failed = rig.ingest(&request).unwrap_err();
    assert_eq!(failed.read, Some(ErrorKind::Unavailable), "{failed:?}");
    assert!(
        failed.retryable && failed.text.contains("stopped before their end"),
        "{failed:?}"
    );
    assert_eq!(rig.server.journal().count(Op::GetObject), 6, "six attempts");
    rig.nothing_is_there();
}

#[test]
fn invalid_responses_are_retried_or_fail_the_object() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let asked = put(&rig, &key, &bytes);
    // A server without ranges sends the whole object again.
    rig.fault(Op::GetObject, 1, Fault::FinAt(20_000));
    rig.fault(Op::GetObject, 2, Fault::IgnoreRange);
    assert!(rig.read(&asked).unwrap().1 == bytes);
    rig.all_happened();
    // Another etag than the requested one, in the first response and in that for the rest: requested again.
    for faults in [vec![Fault::WrongEtag], vec![Fault::FinAt(500), Fault::WrongEtag]] {
        rig.server.faults().clear();
        rig.server.journal().clear();
        for (fault, nth) in faults.iter().zip(1..) {
            rig.fault(Op::GetObject, nth, fault.clone());
        }
        let (found, read) = rig.read(&asked).unwrap();
        assert!(read == bytes && found == object(&asked), "{faults:?}");
        assert_eq!(rig.server.journal().count(Op::GetObject), faults.len() + 1);
    }

    // One flipped bit: the checksum detects it after the last byte, and no output is kept.
    for at in [5, 3000, bytes.len() as u64 - 1] {
        rig.server.faults().clear();
        rig.always(Op::GetObject, Fault::CorruptAt(at));
        let failed = rig.ingest(&asked).unwrap_err();
        assert!(failed.retryable, "{failed:?}");
        rig.nothing_is_there();
    }
    // Content-Encoding is set by the writer: the bytes are read as they are stored.
    rig.server.faults().clear();
    let stored = rig
        .server
        .put_with(LOGS, &key, bytes.clone(), &[("content-encoding", "gzip")]);
    let asked = request(&key, &stored);
    assert!(rig.read(&asked).unwrap().1 == bytes);
    rig.ingest(&asked).unwrap();
    assert!(rig.outputs() == reference(&rig.config.ingest, &object(&asked), &bytes));
}

/// A server that returns given responses one after another, whatever the request.
struct Canned(Mutex<Vec<Reply>>);

impl Service for Canned {
    async fn answer(&self, _call: Call) -> Option<Reply> {
        self.0.lock().unwrap().pop()
    }
}

#[test]
fn a_response_with_another_range_is_not_accepted() {
    let rig = Rig::new();
    let body = noise(1000, 3);
    let part = |from: usize, range: &str| {
        let reply = Reply::new(206, body[from..].to_vec()).with("content-range", range);
        reply.with("etag", "\"0123\"")
    };
    let cut = || {
        let mut reply = Reply::new(200, body.clone()).with("etag", "\"0123\"");
        reply.steps = vec![Step::Bytes(Bytes::copy_from_slice(&body[..400])), Step::Fin];
        reply
    };
    let asked = ObjectRequest {
        bucket: LOGS.to_owned(),
        key: "key".to_owned(),
        ..ObjectRequest::default()
    };
    let right = || part(400, "bytes 400-999/1000");
    for wrong in [
        part(300, "bytes 300-999/1000"),
        part(500, "bytes 500-999/1000"),
        part(400, "bytes 400-999/1001"),
        part(400, "bytes 400-1000/1001"),
        part(400, "bytes 399-999/1000"),
        part(400, "nonsense"),
        Reply::new(200, body[1..].to_vec()).with("etag", "\"0123\""),
        Reply::new(200, body.clone()),
    ] {
        let shown = format!("{:?}", wrong.headers);
        // The last one is returned first.
        let host = Host::start(Arc::new(Canned(Mutex::new(vec![right(), wrong, cut()]))));
        let clients = rig.clients_at(&host.endpoint(), tuning());
        let source = storage(&clients, &rig.config).source(rig.deadline);
        let mut read = source.open(&asked).map_err(|error| panic!("{shown}: {error}")).unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = read.next_chunk().unwrap() {
            bytes.extend_from_slice(chunk);
        }
        assert!(bytes == body, "{shown}");
    }
}

/// Gzip cannot detect a cut between two members; the number of bytes shows it.
#[test]
fn case_26_a_body_that_ends_between_two_members_is_not_the_whole_object() {
    let (key, bytes) = sample("qfy86bt1");
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text).unwrap();
    let (first, second) = text.split_at(text.len() / 2);
    let first = gzip(first);
    let border = first.len() as u64;
    let whole = [first, gzip(second)].concat();
    let rig = Rig::new();
    let asked = put(&rig, &key, &whole);
    rig.fault(Op::GetObject, 1, Fault::FinAt(border));
    rig.server.faults().add(
        Rule::new(Fault::Status(503, "SlowDown"))
            .op(Op::GetObject)
            .during(2..=99),
    );
    let failed = rig.ingest(&asked).unwrap_err();
    assert!(failed.retryable, "{failed:?}");
    rig.nothing_is_there();
    // The rest can be read.
    rig.server.faults().clear();
    rig.fault(Op::GetObject, 1, Fault::FinAt(border));
    rig.ingest(&asked).unwrap();
    rig.all_happened();
    assert!(rig.outputs() == reference(&rig.config.ingest, &object(&asked), &whole));
}

/// Reads an object from a server that always returns this response.
fn read_always(reply: impl Fn() -> Reply, deadline: Deadline) -> Result<usize, StorageError> {
    let rig = Rig::new();
    let host = Host::start(Arc::new(Canned(Mutex::new((0..20).map(|_| reply()).collect()))));
    let clients = rig.clients_at(&host.endpoint(), tuning());
    let asked = ObjectRequest {
        bucket: LOGS.to_owned(),
        key: "key".to_owned(),
        ..ObjectRequest::default()
    };
    let mut read = storage(&clients, &rig.config).source(deadline).open(&asked)?;
    let mut bytes = 0;
    while let Some(chunk) = read.next_chunk()? {
        bytes += chunk.len();
    }
    Ok(bytes)
}

#[test]
fn case_45_a_body_that_drips_fails_at_the_deadline() {
    // Each pause is shorter than the limit of a stalled stream, and all together take ten seconds.
    let drip = || {
        let mut reply = Reply::new(200, noise(500, 4)).with("etag", "\"0123\"");
        let pieces = noise(500, 4);
        let steps = pieces.chunks(1).map(Bytes::copy_from_slice).map(Step::Bytes);
        reply.steps = steps
            .flat_map(|step| [step, Step::Pause(Duration::from_millis(20))])
            .collect();
        reply
    };
    let late = Deadline::after(Duration::from_secs(5));
    let error = read_always(drip, Deadline::after(Duration::from_millis(300))).unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("deadline"),
        "{error}"
    );
    assert!(!late.has_passed(), "reading continued after the deadline");
}

#[test]
fn case_49_a_body_of_another_length_than_announced_is_an_error() {
    let body = noise(1000, 3);
    let base = || Reply::new(200, body.clone()).with("etag", "\"0123\"");
    let crc = checksum(CrcAlgorithm::Crc32IsoHdlc, &body).to_be_bytes();
    let crc = base64::prelude::BASE64_STANDARD.encode(&crc[4..]);
    let of_length = |length| {
        let mut reply = base().with("x-amz-checksum-crc32", crc.clone());
        reply.length = length;
        reply
    };
    assert_eq!(read_always(|| of_length(1000), Deadline::NONE).unwrap(), 1000);
    // Longer than the body, shorter than the body, and without a length.
    for error in [
        read_always(|| of_length(1100), Deadline::NONE).unwrap_err(),
        read_always(|| of_length(900), Deadline::NONE).unwrap_err(),
        read_always(|| base().with("transfer-encoding", "chunked"), Deadline::NONE).unwrap_err(),
    ] {
        assert!(error.is_retryable(), "{error}");
    }
}

#[test]
fn case_19_events_out_of_order_are_read_by_their_version() {
    let rig = Rig::new();
    let versioned = Options {
        versioned: true,
        ..Options::default()
    };
    rig.server.bucket(LOGS, versioned);
    let (first, second) = (put(&rig, "key", b"first"), put(&rig, "key", b"second"));
    // The current version is a delete marker.
    rig.server.delete(LOGS, "key");
    for (asked, bytes) in [(&second, &b"second"[..]), (&first, b"first"), (&second, b"second")] {
        let (found, read) = rig.read(asked).unwrap();
        assert_eq!((found, read.as_slice()), (object(asked), bytes));
    }
    // Without a version, the request is for the current one.
    let unnamed = ObjectRequest {
        version_id: None,
        ..first
    };
    assert_eq!(rig.read(&unnamed).unwrap_err().kind, ErrorKind::NotFound);
}

#[test]
fn all_bytes_of_an_object_are_of_one_version() {
    let (old, new) = (noise(40_000, 1), noise(30_000, 2));
    let swap = |at| Fault::SwapObjectAt(at, Bytes::from(noise(30_000, 2)));

    // Overwritten before it is read: the current object, with its own identity.
    let rig = Rig::new();
    let asked = put(&rig, "key", &old);
    put(&rig, "key", &new);
    let (found, read) = rig.read(&asked).unwrap();
    assert!(read == new && found.version == rig.server.get(LOGS, "key").unwrap().etag);
    assert_eq!(rig.server.journal().count(Op::HeadObject), 1);

    // Overwritten before the first byte: the same.
    put(&rig, "key", &old);
    rig.fault(Op::GetObject, 1, swap(0));
    assert!(rig.read(&asked).unwrap().1 == new);
    // Overwritten after the first byte: an error, never a mixture.
    rig.server.faults().clear();
    put(&rig, "key", &old);
    rig.fault(Op::GetObject, 1, swap(20_000));
    let error = rig.read(&asked).unwrap_err();
    assert_eq!(
        (error.kind, error.is_retryable()),
        (ErrorKind::Overwritten, false),
        "{error}"
    );
    rig.all_happened();

    // A bucket with versioning keeps the old version, whether the event has its id or not.
    rig.server.bucket(
        LOGS,
        Options {
            versioned: true,
            ..Options::default()
        },
    );
    for tells in [true, false] {
        rig.server.faults().clear();
        let mut asked = put(&rig, "key", &old);
        if !tells {
            asked.version_id = None;
        }
        rig.fault(Op::GetObject, 1, swap(20_000));
        let (found, read) = rig.read(&asked).unwrap();
        assert!(read == old && found == object(&asked), "{tells}");
    }
    let asked = put(&rig, "key", &old);
    put(&rig, "key", &new);
    assert!(rig.read(&asked).unwrap().1 == old);

    // The bytes of the version `null` may change.
    let rig = Rig::new();
    let asked = ObjectRequest {
        version_id: Some("null".to_owned()),
        ..put(&rig, "key", &old)
    };
    assert!(rig.read(&asked).unwrap().1 == old);
    put(&rig, "key", &new);
    let (found, read) = rig.read(&asked).unwrap();
    assert!(read == new && found.version == rig.server.get(LOGS, "key").unwrap().etag);
}

#[test]
fn the_alternative_key_is_tried_only_if_the_object_is_missing() {
    let rig = Rig::new();
    put(&rig, "a b", b"spaced");
    let asked = |key: &str| ObjectRequest {
        bucket: LOGS.to_owned(),
        key: key.to_owned(),
        alternative_key: Some("a b".to_owned()),
        ..ObjectRequest::default()
    };
    let (found, read) = rig.read(&asked("a+b")).unwrap();
    assert_eq!((found.key.as_str(), read.as_slice()), ("a b", b"spaced".as_slice()));
    put(&rig, "a+b", b"plus");
    assert_eq!(rig.read(&asked("a+b")).unwrap().1, b"plus");
    rig.server.delete(LOGS, "a b");
    rig.server.delete(LOGS, "a+b");
    let error = rig.read(&asked("a+b")).unwrap_err();
    assert_eq!(
        (error.kind, error.place.as_str()),
        (ErrorKind::NotFound, "s3://logs/a+b")
    );
    assert_eq!(rig.server.journal().count(Op::GetObject), 5);
    // An object that may not be read may exist: the alternative key is not tried.
    put(&rig, "a b", b"spaced");
    rig.server
        .faults()
        .add(Rule::new(Fault::Status(403, "AccessDenied")).key("a+b"));
    assert_eq!(rig.read(&asked("a+b")).unwrap_err().kind, ErrorKind::Refused);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a read takes is measured")]
fn a_read_ends_before_the_deadline() {
    let mut rig = Rig::with(alb_ingest::storage::aws::Tuning {
        idle: Duration::from_secs(20),
        ..tuning()
    });
    let asked = put(&rig, "key", &noise(40_000, 1));
    for fault in [Fault::StallAt(1000), Fault::Delay(Duration::from_secs(20))] {
        rig.server.faults().clear();
        rig.always(Op::GetObject, fault);
        let began = std::time::Instant::now();
        rig.deadline = Deadline::at(began + Duration::from_millis(300));
        let error = rig.read(&asked).unwrap_err();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(8), "{took:?}");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.message.contains("deadline has passed"), "{error}");
    }
    // After it nothing is requested at all.
    rig.server.journal().clear();
    assert!(rig.read(&asked).is_err());
    assert_eq!(rig.server.journal().entries().len(), 0);
}
