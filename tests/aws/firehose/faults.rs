//! Faults of the stream.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use alb_ingest::deadline::Deadline;
use alb_ingest::storage::firehose::{Stream, Tuning};
use alb_ingest::storage::{Committed, RetryPolicy, Sink as _, StorageError};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use proptest::prelude::*;

use super::{
    NAME, PACKED, PARTITIONED, QUICK, SINGLE, check_events, check_limits, event, handle, put, quick, server, stream,
};
use crate::servers::clients;
use crate::servers::fault::{Chances, Fault, Mask, Nonsense, Op, Rule};

/// Returns every fault that a careful client overcomes.
fn kinds() -> Vec<Fault> {
    let mut kinds = vec![
        Fault::Refuse,
        Fault::LoseResponse,
        Fault::Status(503, "ServiceUnavailableException"),
        Fault::Status(500, "InternalFailure"),
        Fault::Status(400, "ThrottlingException"),
        Fault::FailRecords(Mask::All),
    ];
    kinds.extend([100, 500, 900].map(|permille| Fault::FailRecords(Mask::Random { seed: 0, permille })));
    kinds.extend(Nonsense::ALL.map(Fault::Nonsense));
    kinds
}

/// Generates lengths of lines: many short ones, or a few of any length up to the limit.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        3 => proptest::collection::vec(40..400_usize, 0..2_500),
        1 => proptest::collection::vec(prop_oneof![40..5_000_usize, 300_000..=1_000_000_usize], 0..14),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_is_lost_and_no_limit_exceeded_whatever_fails(
        seed: u64,
        permille in 0..700_u64,
        lengths in lengths(),
        piece in 1_000..200_000_usize,
        settings in prop::sample::select(vec![PACKED, SINGLE, PARTITIONED]),
    ) {
        let server = server();
        let mut chances = Chances::new(seed, permille);
        chances.kinds = kinds();
        server.faults().chances(chances);
        let source: Vec<_> = lengths.iter().enumerate().map(|(number, len)| event(number, *len)).collect();
        let committed = put(&quick(&server, &settings), &source, piece).unwrap();
        prop_assert_eq!(committed, Committed::Written(source.iter().map(|line| line.len() as u64).sum()));
        let twice = check_events(&server, source.iter().map(Vec::as_slice));
        check_limits(&server, &settings);
        if server.faults().fired() == 0 {
            prop_assert_eq!(twice, 0, "nothing failed, and events came twice");
        }
    }
}

/// Sends a call of six records with different lengths, whose first attempts meet the faults; returns the lengths of the
/// records of each attempt, and the number of duplicated events.
fn attempts(faults: &[Fault]) -> (Vec<Vec<usize>>, usize) {
    let server = server();
    for (fault, nth) in faults.iter().zip(1..) {
        server
            .faults()
            .add(Rule::new(fault.clone()).op(Op::PutRecordBatch).nth(nth));
    }
    let source: Vec<_> = (0..6).map(|number| event(number, 100 + number)).collect();
    put(&quick(&server, &SINGLE), &source, 64).unwrap();
    assert!(server.faults().unused().is_empty(), "{:?}", server.faults().unused());
    let twice = check_events(&server, source.iter().map(Vec::as_slice));
    (server.batches().into_iter().map(|batch| batch.sizes).collect(), twice)
}

#[test]
fn only_rejected_records_are_sent_again() {
    let masks = [
        Mask::These(vec![0, 2, 5]),
        Mask::These(vec![1, 2]),
        Mask::All,
        Mask::These(vec![0]),
    ];
    let (sent, twice) = attempts(&masks.map(Fault::FailRecords));
    let wanted: [&[usize]; 5] = [
        &[100, 101, 102, 103, 104, 105],
        &[100, 102, 105],
        &[102, 105],
        &[102, 105],
        &[102],
    ];
    assert_eq!(sent, wanted);
    assert_eq!(twice, 0);
}

#[test]
fn an_invalid_response_confirms_no_record() {
    let all: Vec<usize> = (100..106).collect();
    for nonsense in Nonsense::ALL {
        assert_eq!(
            attempts(&[Fault::Nonsense(nonsense)]),
            (vec![all.clone(); 2], 6),
            "{nonsense:?}"
        );
    }
    assert_eq!(attempts(&[Fault::LoseResponse]), (vec![all.clone(); 2], 6));
    // A call that was rejected as a whole causes no duplicates.
    let throttled = Fault::Status(503, "ServiceUnavailableException");
    assert_eq!(attempts(&[throttled.clone(), throttled, Fault::Refuse]), (vec![all], 0));
}

fn failure(result: Result<Committed, StorageError>) -> (bool, String) {
    let error = result.unwrap_err();
    (error.is_retryable(), error.to_string())
}

#[test]
fn permanent_errors_fail_at_once() {
    let lines = [event(0, 100)];
    for (status, code, advice) in [
        (400, "ResourceNotFoundException", "no such stream: create it"),
        (400, "InvalidKMSResourceException", "KMS key"),
        (400, "InvalidSourceException", "Direct PUT"),
        (400, "InvalidArgumentException", "check the state and settings"),
        (400, "ValidationException", "check the state and settings"),
        (400, "AccessDeniedException", "allow firehose:PutRecordBatch"),
        (403, "UnrecognizedClientException", "AWS rejected the credentials"),
    ] {
        let server = server();
        server.faults().add(Rule::new(Fault::Status(status, code)));
        let (retryable, text) = failure(put(
            &stream(&server, &PACKED, Deadline::NONE, &Tuning::default()),
            &lines,
            64,
        ));
        assert!(!retryable, "{text}");
        for part in ["firehose://logs: ", code, advice] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(
            !text.contains("Slow down."),
            "the message of a response is repeated: {text}"
        );
        assert_eq!(server.journal().count(Op::PutRecordBatch), 1, "{code}");
    }
    // Without a fault: the stream does not exist.
    let server = server();
    let client = clients::firehose(&server.endpoint(), &clients::Patience::NONE);
    let other = Stream::new(&client, handle(), "other", &PACKED, Deadline::NONE);
    let (retryable, text) = failure(put(&other, &lines, 64));
    assert!(!retryable && text.contains("no such stream"), "{text}");
}

#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("none are set")))
    }
}

#[test]
fn missing_credentials_are_not_retried() {
    let server = server();
    let config = clients::config(&server.endpoint(), &clients::Patience::NONE);
    let config = aws_sdk_firehose::config::Builder::from(&config).credentials_provider(NoCredentials);
    let client = aws_sdk_firehose::Client::from_conf(config.build());
    let stream = Stream::new(&client, handle(), NAME, &PACKED, Deadline::NONE);
    let (retryable, text) = failure(put(&stream, &[event(0, 100)], 64));
    assert!(
        !retryable && text.contains("no credentials found: set AWS_PROFILE"),
        "{text}"
    );
    assert_eq!(server.journal().entries().len(), 0);
}

/// Puts one event, with a fault at every call; returns the number of calls before it failed.
fn fail_with(fault: Fault, deadline: Deadline, tuning: &Tuning) -> (usize, bool, String) {
    let server = server();
    server.faults().add(Rule::new(fault));
    let (retryable, text) = failure(put(&stream(&server, &PACKED, deadline, tuning), &[event(0, 100)], 64));
    assert!(server.records(NAME).is_empty());
    (server.journal().entries().len(), retryable, text)
}

#[test]
fn no_call_continues_past_the_deadline() {
    let throttled = Fault::Status(503, "ServiceUnavailableException");
    let silent = Fault::Delay(Duration::from_mins(1));
    for (fault, stored) in [
        (throttled, false),
        (Fault::FailRecords(Mask::All), false),
        (silent, true),
    ] {
        let server = server();
        server.faults().add(Rule::new(fault.clone()));
        let began = Instant::now();
        let deadline = Deadline::at(began + Duration::from_millis(700));
        let stream = stream(&server, &PACKED, deadline, &Tuning::default());
        let (retryable, text) = failure(put(&stream, &[event(0, 100)], 64));
        let took = began.elapsed();
        assert!(retryable && text.contains("out of time"), "{text}");
        assert!(took < Duration::from_millis(1_500), "{fault:?}: {took:?}");
        assert_eq!(!server.records(NAME).is_empty(), stored, "{fault:?}");
    }
    let passed = Deadline::at(Instant::now());
    let (calls, retryable, text) = fail_with(Fault::Refuse, passed, &QUICK);
    assert!(calls == 0 && retryable && text.contains("not sent yet"), "{text}");
}

#[test]
fn attempts_are_limited_without_a_deadline() {
    let tuning = Tuning {
        retry: RetryPolicy {
            max_attempts: 5,
            ..QUICK.retry
        },
        ..QUICK
    };
    let throttled = Fault::Status(503, "ServiceUnavailableException");
    let (calls, retryable, text) = fail_with(throttled, Deadline::NONE, &tuning);
    assert_eq!(calls, 5, "the SDK does not retry");
    assert!(
        retryable && text.contains("gave up after 5 attempts") && text.contains("503, ServiceUnavailableException"),
        "{text}"
    );
    // An attempt that confirms a record resets the count: one record of twenty at a time.
    let server = server();
    let source: Vec<_> = (0..20).map(|number| event(number, 100)).collect();
    server
        .faults()
        .add(Rule::new(Fault::FailRecords(Mask::From(1))).during(1..=19));
    put(&stream(&server, &SINGLE, Deadline::NONE, &tuning), &source, 1_000).unwrap();
    assert_eq!(check_events(&server, source.iter().map(Vec::as_slice)), 0);
    assert_eq!(server.batches().len(), 20);
}

#[test]
fn dropping_a_staged_output_stops_sending() {
    let server = server();
    server
        .faults()
        .add(Rule::new(Fault::Status(503, "ServiceUnavailableException")));
    let stream = quick(&server, &SINGLE);
    let mut staged = stream.stage("key", &crate::common::object("key")).unwrap();
    for number in 0..1_100 {
        staged.write_all(&event(number, 100)).unwrap();
    }
    while server.journal().entries().len() < 4 {
        thread::sleep(Duration::from_millis(5));
    }
    drop(staged);
    // Calls in flight still arrive.
    thread::sleep(Duration::from_millis(100));
    let tries = server.journal().entries().len();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(server.journal().entries().len(), tries);
    assert!(tries < 80, "{tries} calls: sending ended by itself");
}

#[test]
fn a_partly_filled_call_is_not_sent_before_the_commit() {
    let server = server();
    for settings in [PACKED, SINGLE, PARTITIONED] {
        let stream = quick(&server, &settings);
        let mut staged = stream.stage("key", &crate::common::object("key")).unwrap();
        for number in 0..500 {
            staged.write_all(&event(number, 2_000)).unwrap();
        }
        staged.flush().unwrap();
    }
    thread::sleep(Duration::from_millis(50));
    assert!(server.journal().entries().is_empty(), "{}", server.journal().text());
}
