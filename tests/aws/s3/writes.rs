//! Outputs that are one request: written once, or not at all.

use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::encode::Compression;
use alb_ingest::storage::Committed;
use alb_ingest::storage::aws::Clients;

use super::rig::{EXISTS, Failed, OUT, PREFIX, Rig, counts, ingest, object, put, reference, sample, tuning};
use crate::servers::clients::{self, Patience};
use crate::servers::fault::{Fault, Op};
use crate::servers::s3::Options;

#[test]
fn writes_survive_transient_faults() {
    let (key, bytes) = sample("ev7rnxke");
    for faults in [
        vec![Fault::Status(500, "InternalError"), Fault::Status(503, "SlowDown")],
        vec![Fault::Refuse],
        vec![Fault::LoseResponse],
        vec![Fault::Status(409, "ConditionalRequestConflict"); 4],
        vec![
            Fault::Refuse,
            Fault::LoseResponse,
            Fault::Status(409, "OperationAborted"),
        ],
    ] {
        let rig = Rig::new();
        let asked = put(&rig, &key, &bytes);
        let wanted = reference(&rig.config.ingest, &object(&asked), &bytes);
        assert_eq!(wanted.len(), 2, "the object reaches over midnight");
        for (nth, fault) in faults.iter().enumerate() {
            rig.fault(Op::PutObject, nth as u64 + 1, fault.clone());
        }
        let ledger = rig.ingest(&asked).unwrap();
        assert!(rig.outputs() == wanted, "{faults:?}");
        assert_eq!(ledger.outputs.len(), 2);
        rig.all_happened();
    }
}

#[test]
fn writes_that_keep_failing_leave_nothing_behind_and_report_why() {
    let (key, bytes) = sample("qfy86bt1");
    for (fault, retryable, words) in [
        (Fault::Status(503, "SlowDown"), true, "fewer requests"),
        (
            Fault::Status(409, "ConditionalRequestConflict"),
            true,
            "conflicted with every attempt",
        ),
        (Fault::Refuse, true, "could not reach S3"),
        (Fault::Status(403, "AccessDenied"), false, "s3:PutObject"),
        (Fault::Status(404, "NoSuchBucket"), false, "no bucket"),
        (Fault::Status(400, "BadDigest"), true, "checksum"),
    ] {
        let rig = Rig::new();
        let asked = put(&rig, &key, &bytes);
        rig.always(Op::PutObject, fault);
        let failed = rig.ingest(&asked).unwrap_err();
        assert_eq!((failed.read, failed.retryable), (None, retryable), "{failed:?}");
        assert!(
            failed.text.contains(words) && failed.text.contains("s3://out/lake/v1/"),
            "{failed:?}"
        );
        rig.nothing_is_there();
    }
    for (options, words) in [
        (
            Options {
                kms_denied: true,
                ..Options::default()
            },
            "kms:GenerateDataKey",
        ),
        (
            Options {
                region: "eu-west-1".to_owned(),
                ..Options::default()
            },
            "eu-west-1",
        ),
        (
            Options {
                owner: "999988887777".to_owned(),
                ..Options::default()
            },
            "DESTINATION_OWNER is 111122223333",
        ),
    ] {
        let mut rig = Rig::new();
        rig.config.storage.s3_write.owner = Some("111122223333".to_owned());
        let asked = put(&rig, &key, &bytes);
        rig.server.bucket(OUT, options);
        let failed = rig.ingest(&asked).unwrap_err();
        assert!(!failed.retryable && failed.text.contains(words), "{failed:?}");
    }
}

#[test]
fn a_write_without_a_response_is_verified() {
    let rig = Rig::new();
    // Each attempt is carried out, or refused because of the one before, and no response arrives.
    rig.always(Op::PutObject, Fault::LoseResponse);
    let mut staged = rig.stage("t/a.parquet", "1");
    staged.write_all(b"content").unwrap();
    assert_eq!(staged.commit(&counts()).unwrap(), EXISTS);
    assert_eq!(rig.outputs()["t/a.parquet"], b"content");
}

#[test]
fn existing_outputs_are_identified_by_their_source() {
    let rig = Rig::new();
    let commit = |version: &str, bytes: &[u8]| {
        let mut staged = rig.stage("t/a.json", version);
        staged.write_all(bytes).unwrap();
        staged.commit(&counts())
    };
    assert_eq!(commit("1", b"content").unwrap(), Committed::Written(7));
    assert_eq!(commit("1", b"content").unwrap(), EXISTS);
    // The same source with other settings: left as it is, and reported.
    let other = Committed::AlreadyExists { identical: false };
    assert_eq!(commit("1", b"CONTENT").unwrap(), other);
    assert_eq!(commit("1", b"more content").unwrap(), other);
    // Another source, or an unknown one: never taken for the same output.
    let is_occupied = |error: alb_ingest::storage::StorageError| {
        assert!(!error.is_retryable());
        assert!(
            error.to_string().contains("not an output of this log object"),
            "{error}"
        );
    };
    is_occupied(commit("2", b"content").unwrap_err());
    is_occupied(commit("", b"content").unwrap_err());
    rig.server.put(OUT, &format!("{PREFIX}t/a.json"), "foreign");
    is_occupied(commit("1", b"foreign").unwrap_err());
    assert_eq!(rig.outputs()["t/a.json"], b"foreign");

    // Stdin has no version: only equal bytes are the same output.
    rig.server.delete(OUT, &format!("{PREFIX}t/a.json"));
    assert_eq!(commit("", b"content").unwrap(), Committed::Written(7));
    assert_eq!(commit("", b"content").unwrap(), EXISTS);
    assert_eq!(commit("", b"CONTENT").unwrap(), other);
    assert_eq!(rig.outputs()["t/a.json"], b"content");

    // If the existing object must not be inspected, it is unknown, and not a success.
    rig.always(Op::HeadObject, Fault::Status(403, "AccessDenied"));
    let error = commit("", b"content").unwrap_err();
    assert!(
        !error.is_retryable() && error.to_string().contains("s3:GetObject below"),
        "{error}"
    );
    // Deleted before it is inspected: written again.
    rig.server.faults().clear();
    rig.fault(Op::HeadObject, 1, Fault::Status(404, "NoSuchKey"));
    assert_eq!(commit("", b"content").unwrap(), EXISTS);
}

#[test]
fn overwriting_replaces_existing_outputs() {
    let mut rig = Rig::new();
    let (key, bytes) = sample("qfy86bt1");
    let asked = put(&rig, &key, &bytes);
    rig.config.ingest.compression = Compression::None;
    rig.ingest(&asked).unwrap();
    let before = rig.outputs();
    rig.config.ingest.compression = Compression::Zstd;
    rig.ingest(&asked).unwrap();
    assert!(rig.outputs() == before, "existing outputs stay without OVERWRITE");
    rig.config.storage.s3_write.overwrite = true;
    let ledger = rig.ingest(&asked).unwrap();
    assert!(rig.outputs() == reference(&rig.config.ingest, &object(&asked), &bytes));
    assert!(rig.outputs() != before && ledger.outputs.iter().all(|output| output.written));
    // The response is lost, and the next attempt writes the same bytes.
    rig.fault(Op::PutObject, 1, Fault::LoseResponse);
    rig.ingest(&asked).unwrap();
    assert!(rig.outputs() == reference(&rig.config.ingest, &object(&asked), &bytes));
}

#[test]
fn concurrent_runs_both_succeed_and_write_each_output_once() {
    let rig = Rig::new();
    let (key, bytes) = sample("ev7rnxke");
    let asked = put(&rig, &key, &bytes);
    let wanted = reference(&rig.config.ingest, &object(&asked), &bytes);
    for _ in 0..4 {
        for key in wanted.keys() {
            rig.server.delete(OUT, &format!("{PREFIX}{key}"));
        }
        let clients = [rig.other_clients(tuning()), rig.other_clients(tuning())];
        let runs: Vec<Result<_, Failed>> = std::thread::scope(|scope| {
            let run = |clients| {
                let (config, asked) = (&rig.config, &asked);
                scope.spawn(move || ingest(clients, config, Deadline::NONE, asked))
            };
            let threads: Vec<_> = clients.iter().map(run).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let ledgers: Vec<_> = runs.into_iter().map(Result::unwrap).collect();
        for index in 0..wanted.len() {
            let written = ledgers.iter().filter(|ledger| ledger.outputs[index].written).count();
            assert_eq!(written, 1, "{}", rig.server.journal().text());
        }
        assert!(rig.outputs() == wanted);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a deadline is a moment")]
fn nothing_is_committed_after_the_deadline() {
    let mut rig = Rig::new();
    let now = std::time::Instant::now();
    rig.deadline = Deadline::at(now + Duration::from_millis(200));
    let mut staged = rig.stage("t/a.json", "1");
    staged.write_all(b"content").unwrap();
    std::thread::sleep(Duration::from_millis(210));
    let error = staged.commit(&counts()).unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("deadline has passed"),
        "{error}"
    );
    assert_eq!(rig.server.journal().entries().len(), 0);

    // A slow response is not waited for beyond the deadline.
    rig.always(Op::PutObject, Fault::Delay(Duration::from_secs(20)));
    let began = std::time::Instant::now();
    rig.deadline = Deadline::at(began + Duration::from_millis(200));
    let mut staged = rig.stage("t/b.json", "1");
    staged.write_all(b"content").unwrap();
    let error = staged.commit(&counts()).unwrap_err();
    assert!(
        error.is_retryable() && began.elapsed() < Duration::from_secs(8),
        "{error}"
    );
    // The output was stored nevertheless: the next run finds it.
    rig.server.faults().clear();
    rig.deadline = Deadline::NONE;
    let mut staged = rig.stage("t/b.json", "1");
    staged.write_all(b"content").unwrap();
    assert_eq!(staged.commit(&counts()).unwrap(), EXISTS);
}

/// Like the function: one thread drives the runtime, and the engine runs on threads for blocking work.
#[test]
fn the_engine_runs_on_threads_for_blocking_work() {
    let rig = Rig::new();
    let (key, bytes) = sample("ev7rnxke");
    let asked = put(&rig, &key, &bytes);
    let wanted = reference(&rig.config.ingest, &object(&asked), &bytes);
    rig.fault(Op::GetObject, 1, Fault::FinAt(1000));
    rig.fault(Op::PutObject, 1, Fault::Refuse);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sdk = clients::config(&rig.server.endpoint(), &Patience::NONE);
    let config = rig.config.clone();
    let ledger = runtime.block_on(async move {
        let clients = Clients::with_config(sdk, tuning()).unwrap();
        let run = move || ingest(&clients, &config, Deadline::NONE, &asked);
        tokio::task::spawn_blocking(run).await.unwrap().unwrap()
    });
    assert_eq!(ledger.outputs.len(), wanted.len());
    assert!(rig.outputs() == wanted);
    rig.all_happened();
}

#[test]
fn the_reference_page_lists_the_metadata() {
    let page = include_str!("../../../docs/reference/s3.md");
    for alb_ingest::storage::s3::MetadataName { name, always, doc } in alb_ingest::storage::s3::METADATA {
        let row = format!("| `{name}` | {} | {doc} |", if always { "yes" } else { "no" });
        assert!(page.contains(&row), "docs/reference/s3.md: {row}");
    }
}

#[test]
fn outputs_have_the_content_type_of_their_format() {
    let rig = Rig::new();
    for (key, kind) in [
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.json", "application/x-ndjson"),
        ("a.json.gz", "application/gzip"),
        ("a.json.zst", "application/zstd"),
    ] {
        let mut staged = rig.stage(key, "1");
        staged.write_all(b"x").unwrap();
        staged.commit(&counts()).unwrap();
        let object = rig.server.get(OUT, &format!("{PREFIX}{key}")).unwrap();
        assert_eq!(object.headers["content-type"], kind);
        assert_eq!(object.headers.get("content-encoding"), None);
        assert_eq!(object.metadata()["source-key"], "t%C3%A4glich/a%20b.log.gz");
    }
}
