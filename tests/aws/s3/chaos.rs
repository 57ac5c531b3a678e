//! Faults drawn from seeds: outputs exist completely or not at all, and the next run completes them.

use std::io::Write as _;

use alb_ingest::ingest::PartitionBy;
use alb_ingest::storage::Committed;

use super::rig::{EXISTS, OUT, PART, Rig, counts, noise, object, put, reference, sample};
use crate::servers::fault::{Chances, Fault, Op, draw};

/// The number of runs with faults.
const SEEDS: u64 = 60;

#[test]
fn outputs_are_complete_or_absent_whatever_fails() {
    let samples = ["qfy86bt1", "ev7rnxke", "2v1y09ki"].map(sample);
    let (mut faults, mut failed, mut through) = (0, 0, 0);
    for seed in 0..SEEDS {
        let mut rig = Rig::new();
        if seed % 2 == 0 {
            rig.config.ingest.partition_by = PartitionBy::Hour;
        }
        let (key, bytes) = &samples[usize::try_from(draw(seed, &[0]) % 3).unwrap()];
        let asked = put(&rig, key, bytes);
        let wanted = reference(&rig.config.ingest, &object(&asked), bytes);
        let plan = rig.server.faults();
        plan.chances(Chances {
            in_a_row: 1 + seed % 5,
            bytes: bytes.len() as u64,
            ..Chances::new(seed, 200 + draw(seed, &[1]) % 500)
        });
        if seed % 7 == 0 {
            // A fault that does not pass.
            rig.always(Op::PutObject, Fault::Status(503, "SlowDown"));
        }
        let ended = rig.ingest(&asked);
        faults += rig.server.faults().fired();
        let outputs = rig.outputs();
        // An interrupted commit leaves only complete outputs of the object.
        assert!(
            outputs.iter().all(|(key, bytes)| wanted.get(key) == Some(bytes)),
            "seed {seed}: {}",
            rig.server.journal().text()
        );
        assert_eq!(rig.server.open_uploads(OUT), [], "seed {seed}");
        match ended {
            Ok(ledger) => {
                through += 1;
                assert!(outputs == wanted, "seed {seed}: {}", rig.server.journal().text());
                assert_eq!(ledger.outputs.len(), wanted.len());
            }
            Err(error) => {
                failed += 1;
                assert!(
                    error.retryable,
                    "seed {seed}: {error:?}\n{}",
                    rig.server.journal().text()
                );
            }
        }
        rig.server.faults().clear();
        rig.ingest(&asked).unwrap();
        assert!(rig.outputs() == wanted, "seed {seed}");
    }
    assert!(
        faults > SEEDS && failed > 5 && through > 20,
        "{faults} faults, {failed} failed, {through} through"
    );
}

#[test]
fn a_large_output_is_complete_or_absent_whatever_fails() {
    let bytes = noise(PART + 54_321, 9);
    let key = "t/large.parquet";
    let (mut faults, mut failed, mut through) = (0, 0, 0);
    for seed in 0..16 {
        let rig = Rig::new();
        let commit = || {
            let mut staged = rig.stage(key, "1");
            match staged.write_all(&bytes) {
                Ok(()) => staged.commit(&counts()),
                Err(error) => Err(error.downcast().unwrap()),
            }
        };
        rig.server.faults().chances(Chances::new(seed, 700));
        if seed % 4 == 0 {
            rig.always(Op::UploadPart, Fault::Status(503, "SlowDown"));
        }
        let ended = commit();
        faults += rig.server.faults().fired();
        let journal = rig.server.journal();
        match ended {
            Ok(committed) => {
                through += 1;
                assert!(committed == Committed::Written(bytes.len() as u64) || committed == EXISTS);
                assert!(rig.outputs()[key] == bytes, "seed {seed}");
            }
            Err(error) => {
                failed += 1;
                assert!(error.is_retryable(), "seed {seed}: {error}");
                assert!(rig.outputs().is_empty(), "seed {seed}: {}", journal.text());
            }
        }
        // An upload whose id never arrived cannot be aborted; it has no parts.
        let creations = journal.of(Op::CreateMultipartUpload);
        let lost = creations.iter().filter(|create| create.done && create.status == 0);
        let open = rig.server.open_uploads(OUT);
        assert_eq!(open.len(), lost.count(), "seed {seed}: {}", journal.text());
        assert!(open.iter().all(|upload| upload.parts.is_empty()), "seed {seed}");
        rig.server.faults().clear();
        commit().unwrap();
        assert!(rig.outputs()[key] == bytes, "seed {seed}");
    }
    assert!(
        faults > 30 && failed > 3 && through > 5,
        "{faults} faults, {failed} failed, {through} through"
    );
}
