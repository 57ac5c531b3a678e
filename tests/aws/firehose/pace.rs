//! The rate at which events are sent.

use std::io::Write as _;
use std::time::{Duration, Instant};

use alb_ingest::deadline::Deadline;
use alb_ingest::object::Counts;
use alb_ingest::storage::{FirehoseOptions, Sink as _, StorageError};

use super::{PACKED, QUICK, SINGLE, check_events, event, put, quick, server, stream};
use crate::servers::fault::{Fault, Rule};

#[test]
fn an_object_has_two_calls_in_flight() {
    const CALLS: u32 = 6;
    const EACH: Duration = Duration::from_millis(500);
    let server = server();
    server.faults().add(Rule::new(Fault::Delay(EACH)));
    let source: Vec<_> = (0..500 * CALLS as usize).map(|number| event(number, 100)).collect();
    let began = Instant::now();
    put(&quick(&server, &SINGLE), &source, 10_000).unwrap();
    let took = began.elapsed();
    assert_eq!(server.batches().len(), CALLS as usize);
    assert!(took >= EACH * CALLS / 2, "{took:?}: more than two at a time");
    assert!(took < EACH * CALLS, "{took:?}: one after another");
}

#[test]
fn all_outputs_of_a_stream_share_one_rate_limit() {
    const RATE: usize = 200_000;
    let server = server();
    let settings = FirehoseOptions {
        bytes_per_second: Some(RATE as u64),
        ..PACKED
    };
    let stream = stream(&server, &settings, Deadline::NONE, &QUICK);
    let source: Vec<_> = (0..40).map(|number| event(number, 20_000)).collect();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for half in source.chunks(20) {
            let stream = &stream;
            scope.spawn(move || put(stream, half, 9_999).unwrap());
        }
    });
    let took = began.elapsed();
    assert_eq!(check_events(&server, source.iter().map(Vec::as_slice)), 0);
    assert!(
        server
            .batches()
            .iter()
            .all(|batch| batch.sizes.iter().sum::<usize>() <= RATE)
    );
    // 800,000 bytes: the last fifth is sent three seconds after the first.
    assert!(took >= Duration::from_millis(2_950), "{took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[test]
fn a_rate_limit_that_exceeds_the_deadline_fails_before_it() {
    let server = server();
    let settings = FirehoseOptions {
        bytes_per_second: Some(100_000),
        ..PACKED
    };
    let began = Instant::now();
    let stream = stream(&server, &settings, Deadline::at(began + Duration::from_secs(3)), &QUICK);
    let mut staged = stream.stage("key", &crate::common::object("key")).unwrap();
    let written = (0..100).try_for_each(|number| staged.write_all(&event(number, 50_000)));
    let error = match written {
        Ok(()) => staged.commit(&Counts::default()).unwrap_err(),
        Err(error) => error.downcast::<StorageError>().unwrap(),
    };
    assert!(
        error.is_retryable() && error.to_string().contains("out of time"),
        "{error}"
    );
    assert!(began.elapsed() < Duration::from_secs(3));
}
