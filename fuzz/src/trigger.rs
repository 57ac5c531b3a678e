//! Arbitrary bytes as the payload of an invocation: no panic, and a refused record is never acknowledged.

use std::collections::BTreeSet;

use alb_ingest::ingest::Ledger;
use alb_ingest::object::ObjectRef;
use alb_ingest::trigger::{Kind, Merged, TaskOutcome, Work, read};

/// Runs the target on one input.
pub fn run(payload: &[u8]) {
    let Ok(request) = read(payload) else { return };
    // Every object is ingested.
    let objects = request.objects().into_iter().map(|object| TaskOutcome::Ingested {
        object: ObjectRef {
            bucket: object.bucket.clone(),
            key: object.key.clone(),
            version: String::new(),
        },
        ledger: Box::new(Ledger::default()),
    });
    let merges = request
        .merges()
        .into_iter()
        .map(|_| TaskOutcome::Merged(Merged::default()));
    let outcomes = request
        .outcomes(objects.collect(), merges.collect())
        .expect("one outcome for each object and request");
    let refused: BTreeSet<_> = request
        .tasks
        .iter()
        .filter(|task| matches!(task.work, Work::Refused(_)))
        .map(|task| task.unit)
        .collect();
    let answer = request.answer(&outcomes, true);
    match &request.kind {
        Kind::Direct => assert_eq!(answer.is_ok(), refused.is_empty()),
        Kind::Queue { message_ids } => {
            let answer = answer.expect("a partial answer");
            let failures = answer["batchItemFailures"].as_array().expect("a list");
            let named: Vec<_> = failures
                .iter()
                .filter_map(|item| item["itemIdentifier"].as_str())
                .collect();
            let expected: BTreeSet<_> = refused.iter().map(|unit| message_ids[*unit].as_str()).collect();
            assert_eq!(named.len(), expected.len(), "an id occurs twice");
            assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), expected);
            assert_eq!(request.answer(&outcomes, false).is_ok(), refused.is_empty());
        }
        Kind::Batch { task_ids, .. } => {
            let answer = answer.expect("an answer for each task");
            let results = answer["results"].as_array().expect("a list");
            assert_eq!(results.len(), task_ids.len());
            let failed = results
                .iter()
                .filter(|result| result["resultCode"] == "PermanentFailure");
            assert_eq!(failed.count(), refused.len());
        }
    }
}
