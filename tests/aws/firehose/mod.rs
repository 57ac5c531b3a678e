//! Events to a Firehose stream: none is lost whatever fails, no limit is exceeded, and permanent errors are reported at
//! once. Tests compare with the server's records.

mod faults;
mod objects;
mod pace;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use alb_ingest::deadline::Deadline;
use alb_ingest::object::Counts;
use alb_ingest::storage::firehose::{Stream, Tuning};
use alb_ingest::storage::{Committed, FirehoseOptions, FirehoseRecords, RetryPolicy, Sink, StorageError};
use tokio::runtime::{Builder, Handle, Runtime};

use crate::common;
use crate::servers::clients;
use crate::servers::firehose::Server;

const NAME: &str = "logs";

/// Short pauses for tests.
const QUICK: Tuning = Tuning {
    retry: RetryPolicy {
        max_attempts: 40,
        base_delay: Duration::from_millis(1),
        max_delay: Duration::from_millis(10),
        seed: Some(1),
    },
    timeout: Duration::from_secs(5),
};

const PACKED: FirehoseOptions = FirehoseOptions {
    records: FirehoseRecords::Packed,
    dynamic_partitioning: false,
    bytes_per_second: None,
};

const SINGLE: FirehoseOptions = FirehoseOptions {
    records: FirehoseRecords::Single,
    ..PACKED
};

const PARTITIONED: FirehoseOptions = FirehoseOptions {
    dynamic_partitioning: true,
    ..PACKED
};

/// Returns the runtime that calls are sent on.
fn handle() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    });
    runtime.handle().clone()
}

fn server() -> Server {
    let server = Server::start();
    server.stream(NAME);
    server
}

/// Returns the sink of the server's stream. The SDK's own retries are on, as they are by default.
fn stream(server: &Server, settings: &FirehoseOptions, deadline: Deadline, tuning: &Tuning) -> Stream {
    let sdk = clients::Patience {
        tries: 3,
        read: Duration::from_secs(30),
    };
    let client = clients::firehose(&server.endpoint(), &sdk);
    Stream::with_tuning(&client, handle(), NAME, settings, deadline, tuning)
}

fn quick(server: &Server, settings: &FirehoseOptions) -> Stream {
    stream(server, settings, Deadline::NONE, &QUICK)
}

/// Returns a line of `len` bytes, its newline included, that begins with an id.
fn event(number: usize, len: usize) -> Vec<u8> {
    let head = format!("{{\"event_id\":\"{number:010}\",\"pad\":\"");
    let pad = len.saturating_sub(head.len() + 3);
    [head.as_bytes(), &vec![b'x'; pad], b"\"}\n"].concat()
}

/// Stages and commits lines, written in pieces of any length.
fn put(stream: &Stream, lines: &[Vec<u8>], piece: usize) -> Result<Committed, StorageError> {
    let mut staged = stream.stage("key", &common::object("key")).unwrap();
    for piece in lines.concat().chunks(piece) {
        if let Err(error) = staged.write_all(piece) {
            return Err(error.downcast::<StorageError>().unwrap());
        }
    }
    staged.commit(&Counts::default())
}

/// Returns the id of an event: the first value of its line.
fn id(line: &[u8]) -> String {
    let begin = line
        .strip_prefix(b"{\"event_id\":\"")
        .expect("a line begins with its id");
    let end = begin.iter().position(|byte| *byte == b'"').unwrap();
    String::from_utf8(begin[..end].to_vec()).unwrap()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// Asserts that the stream has exactly the events of the source, and that duplicates have the same bytes. Returns the
/// number of duplicated events.
fn check_events<'a>(server: &Server, source: impl Iterator<Item = &'a [u8]>) -> usize {
    let source: BTreeMap<String, &[u8]> = source.map(|line| (id(line), line)).collect();
    let delivered = server.delivered(NAME);
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for line in lines(&delivered) {
        let id = id(line);
        assert!(source.get(&id) == Some(&line), "{id} is not as in the source");
        *times.entry(id).or_default() += 1;
    }
    assert!(
        times.keys().eq(source.keys()),
        "{} of {} events",
        times.len(),
        source.len()
    );
    times.values().filter(|times| **times > 1).count()
}

/// Asserts that no call and no record exceeded its limits, rejected ones included.
fn check_limits(server: &Server, settings: &FirehoseOptions) {
    let most = match settings {
        FirehoseOptions {
            records: FirehoseRecords::Single,
            ..
        } => 1,
        FirehoseOptions {
            dynamic_partitioning: true,
            ..
        } => 500,
        _ => usize::MAX,
    };
    for batch in server.batches() {
        assert!((1..=500).contains(&batch.sizes.len()), "{} records", batch.sizes.len());
        assert!(batch.sizes.iter().sum::<usize>() <= 4_000_000, "{:?}", batch.sizes);
        assert!(batch.sizes.iter().all(|size| *size <= 1_000_000), "{:?}", batch.sizes);
    }
    for record in server.records(NAME) {
        assert!(record.ends_with(b"\n"));
        assert!((1..=most).contains(&lines(&record).count()));
    }
    for entry in server.journal().entries() {
        let refused = [
            "ValidationException",
            "InvalidArgumentException",
            "SerializationException",
        ];
        assert!(
            entry.fault.is_some() || !refused.contains(&entry.code.as_str()),
            "{entry:?}"
        );
    }
}
