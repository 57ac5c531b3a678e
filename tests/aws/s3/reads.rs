//! Objects that come whole, whatever happens to the connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::object::ObjectRequest;
use alb_ingest::storage::ErrorKind;
use alb_ingest::storage::Storage as _;
use bytes::Bytes;

use super::rig::{LOGS, OUT, Rig, noise, object, put, reference, request, sample, samples, storage, tuning};
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::http::{Call, Host, Reply, Service, Step};
use crate::servers::s3::Options;

#[test]
fn the_sample_objects_come_out_as_they_do_in_a_folder() {
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

    // Again: every output is there, and stays as it is.
    journal.clear();
    for (key, bytes) in samples() {
        let ledger = rig.ingest(&put(&rig, &key, &bytes)).unwrap();
        assert!(ledger.outputs.iter().all(|output| !output.written) && ledger.bytes_out == 0);
    }
    assert!(journal.of(Op::PutObject).iter().all(|put| put.status == 412));
    assert!(rig.outputs() == wanted);
}

#[test]
fn outputs_say_what_they_are_made_of() {
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
fn breaks_at_any_byte_change_nothing() {
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
            // A reset may take bytes with it that were on their way.
            assert!(
                from.unwrap_or(0) <= *at && (from.is_some() || *at == 0 || kind == 1),
                "{from:?} {at}"
            );
            rig.all_happened();
        }
    }
    // Through the engine, with several breaks on the way.
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
fn a_body_that_never_ends_well_is_given_up() {
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
    assert_eq!(rig.server.journal().count(Op::GetObject), 6, "once and five times more");
    rig.nothing_is_there();
}

#[test]
fn answers_that_do_not_fit_are_mended_or_refused() {
    let rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let asked = put(&rig, &key, &bytes);
    // A server that knows no ranges sends all of it again.
    rig.fault(Op::GetObject, 1, Fault::FinAt(20_000));
    rig.fault(Op::GetObject, 2, Fault::IgnoreRange);
    assert!(rig.read(&asked).unwrap().1 == bytes);
    rig.all_happened();
    // Another etag than the one that was asked for, at the first answer and at that for the rest: asked for again.
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

    // One bit: the checksum tells it when all has come, and nothing that was made of it is kept.
    for at in [5, 3000, bytes.len() as u64 - 1] {
        rig.server.faults().clear();
        rig.always(Op::GetObject, Fault::CorruptAt(at));
        let failed = rig.ingest(&asked).unwrap_err();
        assert!(failed.retryable, "{failed:?}");
        rig.nothing_is_there();
    }
    // Content-Encoding is the writer's word: the bytes come as they are stored.
    rig.server.faults().clear();
    let stored = rig
        .server
        .put_with(LOGS, &key, bytes.clone(), &[("content-encoding", "gzip")]);
    let asked = request(&key, &stored);
    assert!(rig.read(&asked).unwrap().1 == bytes);
    rig.ingest(&asked).unwrap();
    assert!(rig.outputs() == reference(&rig.config.ingest, &object(&asked), &bytes));
}

/// A server that answers with what it was given, one after the other, whatever is asked.
struct Canned(Mutex<Vec<Reply>>);

impl Service for Canned {
    async fn answer(&self, _call: Call) -> Option<Reply> {
        self.0.lock().unwrap().pop()
    }
}

#[test]
fn a_range_that_is_another_is_not_taken() {
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
        // The last one is the first to be given.
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

#[test]
fn an_object_is_one_version_from_its_first_byte_to_its_last() {
    let (old, new) = (noise(40_000, 1), noise(30_000, 2));
    let swap = |at| Fault::SwapObjectAt(at, Bytes::from(noise(30_000, 2)));

    // Overwritten before it is read: what is there now, under its own identity.
    let rig = Rig::new();
    let asked = put(&rig, "key", &old);
    put(&rig, "key", &new);
    let (found, read) = rig.read(&asked).unwrap();
    assert!(read == new && found.version == rig.server.get(LOGS, "key").unwrap().etag);
    assert_eq!(rig.server.journal().count(Op::HeadObject), 1);

    // Overwritten before the first byte came: the same.
    put(&rig, "key", &old);
    rig.fault(Op::GetObject, 1, swap(0));
    assert!(rig.read(&asked).unwrap().1 == new);
    // Behind it: an error, never a mixture.
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

    // A bucket with versions keeps the old one, whether the event told its id or not.
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

    // The version `null` is the one whose bytes may change.
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
fn only_a_missing_object_has_another_name() {
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
    // What is denied may be there: another object is no stand-in.
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
    // Behind it nothing is asked for at all.
    rig.server.journal().clear();
    assert!(rig.read(&asked).is_err());
    assert_eq!(rig.server.journal().entries().len(), 0);
}
