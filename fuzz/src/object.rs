//! Fuzzes any bytes as an object, in two chunkings and in any schema: no panic, the ledger balances, and the outputs do not
//! depend on the chunks.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use alb_ingest::encode::{Compression, FileFormat};
use alb_ingest::ingest::{Ingest, Ledger, OnCorrupt, Options, Outcome, Problem, Target};
use alb_ingest::object::{Counts, ObjectRef};
use alb_ingest::parse::input::ReadError;
use alb_ingest::schema::mapping::Schema;
use alb_ingest::storage::{Committed, Sink, Staged, StorageError};

/// A sink in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

struct Bytes(Memory, String, Vec<u8>);

impl Sink for Memory {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Bytes(self.clone(), key.to_owned(), Vec::new())))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.2.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Bytes {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let Self(Memory(files), key, bytes) = *self;
        let len = bytes.len() as u64;
        files.lock().expect("no panic").insert(key, bytes);
        Ok(Committed::Written(len))
    }
}

fn ingest(key: &str, schema: Schema, bytes: &[u8], chunk: usize) -> (String, BTreeMap<String, Vec<u8>>) {
    let options = Options {
        schema,
        format: FileFormat::Json,
        compression: Compression::None,
        on_corrupt: OnCorrupt::Salvage,
        ..Options::default()
    };
    let (events, quarantine) = (Memory::default(), Memory::default());
    let target = Target {
        options: &options,
        events: &events,
        quarantine: &quarantine,
    };
    let object = ObjectRef {
        bucket: "fuzz".to_owned(),
        key: key.to_owned(),
        version: "0".to_owned(),
    };
    let read = |known: Option<ReadError>| match Ingest::begin(object.clone(), target) {
        Err(skip) => Ok(Outcome::Skipped(skip, Ledger::default())),
        Ok(mut ingest) => {
            if let Some(fault) = known {
                ingest = ingest.expecting(fault);
            }
            let mut chunks = bytes.chunks(chunk);
            chunks
                .try_for_each(|chunk| ingest.push(chunk))
                .and_then(|()| ingest.finish())
        }
    };
    let result = read(None).or_else(|error| match *error.problem {
        Problem::Read(fault) if fault.is_of_gzip() => read(Some(fault)),
        _ => Err(error),
    });
    let mut files = events.0.lock().expect("no panic").clone();
    let rows = |schema: Schema, files: &BTreeMap<String, Vec<u8>>| {
        files
            .values()
            .map(|file| super::events(schema, file) as u64)
            .sum::<u64>()
    };
    let rejects = quarantine.0.lock().expect("no panic").clone();
    match &result {
        Ok(Outcome::Ingested(ledger)) => {
            let accounted = ledger.events + ledger.quarantined + ledger.skipped_lines;
            assert_eq!(ledger.lines, accounted, "the ledger does not balance");
            assert_eq!(
                (rows(schema, &files), rows(Schema::Native, &rejects)),
                (ledger.events, ledger.quarantined)
            );
        }
        Ok(Outcome::Skipped(..)) | Err(_) => assert!(files.is_empty() && rejects.is_empty()),
    }
    files.extend(rejects);
    (format!("{result:?}"), files)
}

/// Runs the target on one input.
pub fn run(bytes: &[u8]) {
    // The length selects a key and a chunking, the sum of the bytes a schema, so any file is a valid input.
    let key = match bytes.len() % 4 {
        0 => "some/file.log",
        1 => "123456789012_elasticloadbalancing_us-east-1_app.shop.1_20261007T1145Z_203.0.113.10_a.log.gz",
        2 => "conn_log_123456789012_elasticloadbalancing_us-east-1_app.shop.1_20261007T1145Z_203.0.113.10_a.log.gz",
        _ => "123456789012_elasticloadbalancing_us-east-1_shop_20261007T1145Z_203.0.113.10_a.log",
    };
    let sum = bytes.iter().map(|byte| usize::from(*byte)).sum::<usize>();
    let schema = Schema::ALL[sum % Schema::ALL.len()];
    let whole = ingest(key, schema, bytes, bytes.len().max(1));
    let pieces = ingest(key, schema, bytes, bytes.len() % 61 + 1);
    assert_eq!(whole.0, pieces.0, "the outcome depends on the chunks");
    assert!(whole.1 == pieces.1, "the output depends on the chunks");
}
