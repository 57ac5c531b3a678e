//! Tests of the Firehose server: the limits of AWS, and failures.

use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;

use super::{bytes, code, run};
use crate::servers::clients::{self, Patience};
use crate::servers::fault::{Fault, Mask, Nonsense, Op, Rule};
use crate::servers::firehose;

fn records(sizes: &[usize]) -> Vec<Record> {
    let record = |(index, size): (u64, &usize)| Record::builder().data(Blob::new(bytes(*size, index))).build().unwrap();
    (0..).zip(sizes).map(record).collect()
}

#[test]
fn firehose_enforces_its_limits() {
    let server = firehose::Server::start();
    server.stream("logs");
    let client = clients::firehose(&server.endpoint(), &Patience::NONE);
    let put = |stream: &str, sizes: &[usize]| {
        let put = client
            .put_record_batch()
            .delivery_stream_name(stream)
            .set_records(Some(records(sizes)));
        run(put.send())
    };
    let full = [1_024_000, 1_024_000, 1_024_000, 1_024_000, 98_304];
    assert_eq!(full.iter().sum::<usize>(), 4 << 20);
    for sizes in [&full[..], &[1; 500], &[0]] {
        let answer = put("logs", sizes).unwrap();
        assert_eq!(
            (answer.failed_put_count(), answer.request_responses().len()),
            (0, sizes.len())
        );
        assert!(
            answer
                .request_responses()
                .iter()
                .all(|entry| entry.record_id().is_some())
        );
    }
    let over = [1_024_000, 1_024_000, 1_024_000, 1_024_000, 98_305];
    for (stream, sizes, wanted) in [
        ("logs", &over[..], "InvalidArgumentException"),
        ("logs", &[1_024_001], "ValidationException"),
        ("logs", &[1; 501], "ValidationException"),
        ("logs", &[], "ValidationException"),
        ("no logs", &[1], "ValidationException"),
        ("others", &[1], "ResourceNotFoundException"),
    ] {
        assert_eq!(code(put(stream, sizes)), wanted);
    }
    let stored: Vec<_> = server.records("logs").iter().map(Vec::len).collect();
    assert_eq!(stored, [&full[..], &[1; 500], &[0]].concat());
    assert_eq!(server.records("logs")[1], bytes(1_024_000, 1));
    assert_eq!(server.batches().len(), 3);
    assert_eq!(server.journal().count(Op::PutRecordBatch), 9);
}

#[test]
fn firehose_fails_as_planned() {
    let server = firehose::Server::start();
    server.stream("logs");
    let client = clients::firehose(&server.endpoint(), &Patience::NONE);
    let put = |fault: Fault| {
        server.faults().clear();
        server.faults().add(Rule::new(fault).op(Op::PutRecordBatch).key("logs"));
        let before = server.records("logs").len();
        let put = client
            .put_record_batch()
            .delivery_stream_name("logs")
            .set_records(Some(records(&[10; 6])));
        let answer = run(put.send());
        (answer, server.records("logs").len() - before)
    };
    let some = Mask::Random { seed: 3, permille: 500 };
    for mask in [Mask::All, Mask::These(vec![0, 5]), Mask::From(4), some] {
        let (answer, stored) = put(Fault::FailRecords(mask.clone()));
        let answer = answer.unwrap();
        let failed: Vec<_> = answer
            .request_responses()
            .iter()
            .map(|entry| entry.error_code().is_some())
            .collect();
        assert_eq!(failed, (0..6).map(|index| mask.hits(index)).collect::<Vec<_>>());
        let count = failed.iter().filter(|failed| **failed).count();
        assert_eq!(
            (answer.failed_put_count(), stored),
            (i32::try_from(count).unwrap(), 6 - count)
        );
        assert!(count > 0, "{mask:?}");
        assert_eq!(
            server
                .batches()
                .last()
                .unwrap()
                .stored
                .iter()
                .filter(|stored| **stored)
                .count(),
            stored
        );
    }
    for (status, name) in [
        (503, "ServiceUnavailableException"),
        (400, "InvalidKMSResourceException"),
    ] {
        let (answer, stored) = put(Fault::Status(status, name));
        assert_eq!((code(answer).as_str(), stored), (name, 0));
    }
    let (answer, stored) = put(Fault::LoseResponse);
    assert!(answer.is_err() && stored == 6 && !server.batches().last().unwrap().answered);
    let (answer, stored) = put(Fault::Refuse);
    assert!(answer.is_err() && stored == 0);
    for (nonsense, entries, count) in [
        (Nonsense::Shorter, 5, 0),
        (Nonsense::Longer, 7, 0),
        (Nonsense::CountWithoutErrors, 6, 1),
        (Nonsense::ErrorsWithoutCount, 6, 0),
        (Nonsense::EmptyEntry, 6, 0),
    ] {
        let (answer, stored) = put(Fault::Nonsense(nonsense));
        let answer = answer.unwrap();
        let got = (answer.request_responses().len(), answer.failed_put_count(), stored);
        assert_eq!(got, (entries, count, 6), "{nonsense:?}");
    }
    assert!(put(Fault::Nonsense(Nonsense::NotJson)).0.is_err());
}
