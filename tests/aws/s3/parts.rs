//! Outputs that are larger than a part.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::storage::aws::Tuning;
use alb_ingest::storage::{Committed, Staged, StorageError};

use super::rig::{EXISTS, OUT, PART, PREFIX, Rig, counts, noise, tuning};
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::s3::Options;

const KEY: &str = "t/large.parquet";

/// Returns two whole parts and the start of a third.
fn large() -> Vec<u8> {
    noise(2 * PART + 123_456, 5)
}

fn stage(rig: &Rig, bytes: &[u8], version: &str) -> Box<dyn Staged> {
    let mut staged = rig.stage(KEY, version);
    for chunk in bytes.chunks(777_777) {
        staged.write_all(chunk).unwrap();
    }
    staged
}

/// Stages and commits an output; a write or the commit may fail.
fn commit(rig: &Rig, bytes: &[u8]) -> Result<Committed, StorageError> {
    let mut staged = rig.stage(KEY, "1");
    for chunk in bytes.chunks(777_777) {
        if let Err(error) = staged.write_all(chunk) {
            assert!(staged.write(b"more").is_err(), "a failed output takes no more bytes");
            assert!(staged.commit(&counts()).is_err(), "and cannot be committed");
            return Err(error.downcast().unwrap());
        }
    }
    staged.commit(&counts())
}

fn written(bytes: &[u8]) -> Committed {
    Committed::Written(bytes.len() as u64)
}

/// Asserts that the output is complete and no upload is left open.
fn assert_complete(rig: &Rig, bytes: &[u8]) {
    assert!(rig.outputs()[KEY] == bytes);
    assert_eq!(rig.server.open_uploads(OUT), []);
}

#[test]
fn parts_are_sent_early_and_become_visible_late() {
    let bytes = large();
    // With enough memory, and with so little that parts go through files.
    for memory in [64 << 20, 1 << 20] {
        let rig = Rig::with(Tuning { memory, ..tuning() });
        let staged = stage(&rig, &bytes, "1");
        let open = rig.server.open_uploads(OUT);
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].parts, BTreeMap::from([(1, PART), (2, PART)]));
        assert!(rig.outputs().is_empty());
        assert_eq!(staged.commit(&counts()).unwrap(), written(&bytes));
        assert_complete(&rig, &bytes);
        let object = rig.server.get(OUT, &format!("{PREFIX}{KEY}")).unwrap();
        assert!(object.etag.ends_with("-3"));
        // The counts are unknown when an upload starts.
        let names: Vec<_> = object.metadata().into_keys().collect();
        let always = alb_ingest::storage::s3::METADATA.iter().filter(|name| name.always);
        let always: Vec<_> = always
            .map(|name| name.name)
            .filter(|name| !["source-key-sha256", "redact"].contains(name))
            .collect();
        assert_eq!(names.len(), always.len());
        assert!(names.iter().all(|name| always.contains(&name.as_str())), "{names:?}");
        for part in rig.server.journal().of(Op::UploadPart) {
            let checked = ["x-amz-checksum-crc32", "x-amz-trailer"];
            assert!(checked.iter().any(|name| part.header(name).is_some()), "{part:?}");
        }
        let completed = &rig.server.journal().of(Op::CompleteMultipartUpload)[0];
        assert_eq!(completed.header("if-none-match"), Some("*"));
        assert_eq!(object.headers["content-type"], "application/vnd.apache.parquet");
    }
}

#[test]
fn an_output_of_exactly_one_part_is_one_request() {
    let rig = Rig::new();
    let bytes = noise(PART, 6);
    assert_eq!(commit(&rig, &bytes).unwrap(), written(&bytes));
    assert_complete(&rig, &bytes);
    assert_eq!(
        (
            rig.server.journal().count(Op::PutObject),
            rig.server.journal().entries().len()
        ),
        (1, 1)
    );
    // Also from a file, without any memory.
    let rig = Rig::with(Tuning { memory: 0, ..tuning() });
    rig.fault(Op::PutObject, 1, Fault::Refuse);
    assert_eq!(commit(&rig, &bytes).unwrap(), written(&bytes));
    assert_complete(&rig, &bytes);
}

#[test]
fn uploads_that_fail_leave_nothing_behind() {
    let bytes = large();
    let part = |number| {
        Rule::new(Fault::Status(503, "SlowDown"))
            .op(Op::UploadPart)
            .during(number..=99)
    };
    let denied = |op| Rule::new(Fault::Status(403, "AccessDenied")).op(op);
    for (rule, retryable, words) in [
        (part(1), true, "fewer requests"),
        (part(3), true, "fewer requests"),
        (denied(Op::CreateMultipartUpload), false, "s3:PutObject"),
        (denied(Op::UploadPart), false, "s3:PutObject"),
        (denied(Op::CompleteMultipartUpload), false, "s3:PutObject"),
        (
            Rule::new(Fault::ErrorIn200).op(Op::CompleteMultipartUpload),
            true,
            "S3 failed",
        ),
        (
            Rule::new(Fault::Status(409, "ConditionalRequestConflict")).op(Op::CompleteMultipartUpload),
            true,
            "conflicted with every attempt",
        ),
        (
            Rule::new(Fault::Status(404, "NoSuchUpload")).op(Op::CompleteMultipartUpload),
            true,
            "lifecycle",
        ),
    ] {
        let rig = Rig::new();
        rig.server.faults().add(rule.clone());
        let error = commit(&rig, &bytes).unwrap_err();
        assert_eq!(error.is_retryable(), retryable, "{rule:?}: {error}");
        assert!(error.to_string().contains(words), "{rule:?}: {error}");
        assert!(rig.outputs().is_empty());
        // An upload that S3 reports as gone is not aborted.
        if words != "lifecycle" {
            rig.nothing_is_there();
        }
    }
    // An output that is dropped without a commit.
    let rig = Rig::new();
    drop(stage(&rig, &bytes, "1"));
    rig.nothing_is_there();
    assert_eq!(rig.server.journal().count(Op::AbortMultipartUpload), 1);
    // The function waits for the abort before it responds: after the response nothing runs.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let destination = rig.sink();
    let (half, shared) = (bytes.clone(), std::sync::Arc::new(rig));
    let gone = {
        let rig = shared.clone();
        runtime.spawn_blocking(move || {
            let mut staged = destination.stage(KEY, &super::rig::source("1")).unwrap();
            staged.write_all(&half).unwrap();
            assert_eq!(rig.server.open_uploads(OUT).len(), 1);
            drop(staged);
            destination.settle(Deadline::after(Duration::from_secs(5)));
            rig.nothing_is_there();
        })
    };
    runtime.block_on(gone).unwrap();
    // A thread that drives a runtime does not wait: it would wait for itself.
    let rig = std::sync::Arc::into_inner(shared).unwrap();
    let staged = stage(&rig, &bytes, "1");
    std::thread::scope(|scope| {
        let dropped = scope.spawn(|| runtime.block_on(async move { drop(staged) }));
        dropped.join().unwrap();
    });
    for _ in 0..200 {
        if rig.server.open_uploads(OUT).is_empty() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    rig.nothing_is_there();
}

#[test]
fn four_aborts_that_hang_share_one_budget() {
    let rig = Rig::new();
    rig.always(Op::AbortMultipartUpload, Fault::Delay(Duration::from_mins(1)));
    let sink = rig.sink();
    for number in 0..4 {
        let mut staged = sink
            .stage(&format!("{number}.parquet"), &super::rig::source("1"))
            .unwrap();
        staged.write_all(&large()).unwrap();
    }
    let (budget, limit) = (Duration::from_secs(1), Deadline::after(Duration::from_secs(4)));
    sink.settle(Deadline::after(budget));
    drop(sink);
    assert!(!limit.has_passed(), "each abort has a budget of its own");
    assert_eq!(rig.server.journal().count(Op::AbortMultipartUpload), 4, "in parallel");
}

#[test]
fn uploads_survive_transient_faults() {
    let bytes = large();
    for faults in [
        vec![
            (Op::UploadPart, 2, Fault::Refuse),
            (Op::UploadPart, 3, Fault::LoseResponse),
        ],
        vec![(Op::CompleteMultipartUpload, 1, Fault::ErrorIn200)],
        vec![(
            Op::CompleteMultipartUpload,
            1,
            Fault::Status(409, "ConditionalRequestConflict"),
        )],
        vec![(Op::CreateMultipartUpload, 1, Fault::Status(500, "InternalError"))],
    ] {
        let rig = Rig::new();
        for (op, nth, fault) in &faults {
            rig.fault(*op, *nth, fault.clone());
        }
        assert_eq!(commit(&rig, &bytes).unwrap(), written(&bytes), "{faults:?}");
        assert_complete(&rig, &bytes);
        rig.all_happened();
    }
}

#[test]
fn a_completion_without_a_response_is_verified() {
    let bytes = large();
    // The repetition is refused because the object exists, or succeeds again.
    for (completes_again, wanted) in [(false, EXISTS), (true, written(&bytes))] {
        let rig = Rig::new();
        rig.server.bucket(
            OUT,
            Options {
                completes_again,
                ..Options::default()
            },
        );
        rig.fault(Op::CompleteMultipartUpload, 1, Fault::LoseResponse);
        assert_eq!(commit(&rig, &bytes).unwrap(), wanted);
        assert_complete(&rig, &bytes);
    }
    // Never a response.
    let rig = Rig::new();
    rig.always(Op::CompleteMultipartUpload, Fault::LoseResponse);
    assert_eq!(commit(&rig, &bytes).unwrap(), EXISTS);
    assert_complete(&rig, &bytes);
    // With overwriting, the repetition is refused only because the upload is gone.
    let mut rig = Rig::new();
    rig.config.storage.s3_write.overwrite = true;
    rig.fault(Op::CompleteMultipartUpload, 1, Fault::LoseResponse);
    assert_eq!(commit(&rig, &bytes).unwrap(), written(&bytes));
    assert_complete(&rig, &bytes);
    // If the existing object was written by another run, that is not a success.
    rig.always(Op::CompleteMultipartUpload, Fault::Status(404, "NoSuchUpload"));
    let mut other = bytes.clone();
    other[7] ^= 1;
    let error = commit(&rig, &other).unwrap_err();
    assert!(
        error.is_retryable() && error.to_string().contains("upload is gone"),
        "{error}"
    );
}

#[test]
fn an_existing_large_output_is_left_as_it_is() {
    let bytes = large();
    let rig = Rig::new();
    // Both were in progress; the second finds the output of the first.
    let (first, second) = (stage(&rig, &bytes, "1"), stage(&rig, &bytes, "1"));
    assert_eq!(rig.server.open_uploads(OUT).len(), 2);
    assert_eq!(first.commit(&counts()).unwrap(), written(&bytes));
    assert_eq!(second.commit(&counts()).unwrap(), EXISTS);
    assert_complete(&rig, &bytes);
    let mut other = bytes.clone();
    other[PART + 1] ^= 1;
    let shorter = &bytes[..bytes.len() - 1];
    // Outputs of one version with equal lengths are the same; without a version only equal bytes are.
    assert_eq!(
        commit(&rig, shorter).unwrap(),
        Committed::AlreadyExists { identical: false }
    );
    let error = stage(&rig, &bytes, "2").commit(&counts()).unwrap_err();
    assert!(
        !error.is_retryable() && error.to_string().contains("not an output of this log object"),
        "{error}"
    );
    assert_complete(&rig, &bytes);
    rig.server.delete(OUT, &format!("{PREFIX}{KEY}"));
    assert_eq!(stage(&rig, &bytes, "").commit(&counts()).unwrap(), written(&bytes));
    assert_eq!(stage(&rig, &bytes, "").commit(&counts()).unwrap(), EXISTS);
    let same = stage(&rig, &other, "").commit(&counts()).unwrap();
    assert_eq!(same, Committed::AlreadyExists { identical: false });
    assert_complete(&rig, &bytes);
}
