//! Shared test helpers: an in-memory destination, and ingestion of a single object.

#![allow(dead_code, reason = "each test binary uses only some helpers")]

pub(crate) mod any;
pub(crate) mod folder;
pub(crate) mod mmdb;
pub(crate) mod otlp;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};

use alb_ingest::encode::{Compression, FileFormat};
use alb_ingest::formats::Extras;
use alb_ingest::ingest::{Ingest, IngestError, Ledger, OnCorrupt, Options, Outcome, Problem, Target};
use alb_ingest::object::{Counts, ObjectRef};
use alb_ingest::parse::input::ReadError;
use alb_ingest::storage::{Committed, Sink, Staged, StorageError};
use alb_ingest::transform::{Geo, Transform};
use flate2::write::GzEncoder;

/// The files of a destination, by key.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// An in-memory destination. An output exists once it is committed, and never changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    files: Arc<Mutex<Files>>,
    prefix: &'static str,
}

impl Memory {
    /// Returns the same destination with a prefix.
    pub(crate) fn below(&self, prefix: &'static str) -> Self {
        let files = Arc::clone(&self.files);
        Self { files, prefix }
    }

    /// Returns the committed files.
    pub(crate) fn files(&self) -> Files {
        self.files.lock().unwrap().clone()
    }
}

impl Sink for Memory {
    fn stage(&self, key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(StagedBytes {
            files: Arc::clone(&self.files),
            key: format!("{}{key}", self.prefix),
            bytes: Vec::new(),
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

struct StagedBytes {
    files: Arc<Mutex<Files>>,
    key: String,
    bytes: Vec<u8>,
}

impl Write for StagedBytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedBytes {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        let mut files = self.files.lock().unwrap();
        if files.contains_key(&self.key) {
            return Ok(Committed::AlreadyExists { identical: true });
        }
        let len = self.bytes.len() as u64;
        files.insert(self.key, self.bytes);
        Ok(Committed::Written(len))
    }
}

/// Returns options for uncompressed JSON lines.
pub(crate) fn json() -> Options {
    Options {
        format: FileFormat::Json,
        compression: Compression::None,
        ..Options::default()
    }
}

/// Returns the options with every column of `ENRICH`, and databases for documentation addresses and those of generated lines.
pub(crate) fn enriched(options: Options) -> Options {
    static GEO: LazyLock<Arc<Geo>> = LazyLock::new(|| {
        let countries = mmdb::countries(&[
            ("192.0.2.0/24", "DE"),
            ("198.51.100.128/25", "US"),
            ("2001:db8::/32", "FR"),
        ]);
        let systems = mmdb::systems(&[("192.0.2.0/24", 64_496), ("2001:db8::/32", 4_200_000_000)]);
        let named = |bytes| ("test".to_owned(), bytes);
        Arc::new(Geo::new([countries, systems].map(named)).unwrap())
    });
    Options {
        transform: Transform {
            extras: Extras::ENRICHMENT,
            geo: Some(Arc::clone(&GEO)),
            ..options.transform
        },
        ..options
    }
}

/// Returns an object of the bucket `golden`.
pub(crate) fn object(key: &str) -> ObjectRef {
    ObjectRef {
        bucket: "golden".to_owned(),
        key: key.to_owned(),
        version: "0".to_owned(),
    }
}

/// The result of ingesting an object, and the files it wrote.
pub(crate) struct Run {
    pub(crate) result: Result<Outcome, IngestError>,
    pub(crate) files: Files,
}

/// Ingests an object in chunks of these lengths; the rest is the last chunk.
pub(crate) fn ingest_chunks(object: ObjectRef, bytes: &[u8], chunks: &[usize], options: &Options) -> Run {
    ingest_with(object, bytes, chunks, options, false)
}

/// Like `ingest_chunks`, with two threads.
pub(crate) fn ingest_on_two_threads(object: ObjectRef, bytes: &[u8], chunks: &[usize], options: &Options) -> Run {
    ingest_with(object, bytes, chunks, options, true)
}

fn ingest_with(object: ObjectRef, bytes: &[u8], chunks: &[usize], options: &Options, two_threads: bool) -> Run {
    let events = Memory::default();
    let quarantine = events.below("_quarantine/");
    let target = Target {
        options,
        events: &events,
        quarantine: &quarantine,
    };
    let read = |object: ObjectRef, known: Option<ReadError>| match Ingest::begin(object, target) {
        Err(skip) => Ok(Outcome::Skipped(skip, Ledger::default())),
        Ok(mut ingest) => {
            if two_threads {
                ingest = ingest.on_two_threads();
            }
            if let Some(fault) = known {
                ingest = ingest.expecting(fault);
            }
            push_all(ingest, bytes, chunks)
        }
    };
    let result = read(object.clone(), None).or_else(|error| match *error.problem {
        Problem::Read(fault) if options.on_corrupt == OnCorrupt::Salvage && fault.is_of_gzip() => {
            read(object, Some(fault))
        }
        _ => Err(error),
    });
    let files = events.files();
    Run { result, files }
}

fn push_all(mut ingest: Ingest<'_>, mut bytes: &[u8], chunks: &[usize]) -> Result<Outcome, IngestError> {
    for len in chunks {
        let (chunk, rest) = bytes.split_at((*len).min(bytes.len()));
        ingest.push(chunk)?;
        bytes = rest;
    }
    if !bytes.is_empty() {
        ingest.push(bytes)?;
    }
    ingest.finish()
}

/// Ingests an object in one chunk, and detects the log type.
pub(crate) fn ingest(key: &str, bytes: &[u8], options: &Options) -> Run {
    ingest_chunks(object(key), bytes, &[], options)
}

impl Run {
    /// Returns the ledger of an ingested object.
    pub(crate) fn ledger(&self) -> &Ledger {
        match &self.result {
            Ok(Outcome::Ingested(ledger)) => {
                assert_eq!(
                    ledger.lines,
                    ledger.events + ledger.filtered + ledger.quarantined + ledger.skipped_lines,
                    "{ledger:?}"
                );
                ledger
            }
            other => panic!("not ingested: {other:?}"),
        }
    }

    /// Returns the error of a failed object, which must not have written files.
    pub(crate) fn error(&self) -> String {
        assert!(self.files.is_empty(), "a failed object wrote {:?}", self.files.keys());
        match &self.result {
            Err(error) => error.to_string(),
            Ok(outcome) => panic!("did not fail: {outcome:?}"),
        }
    }

    /// Returns the content of the event files, in the order of their keys.
    pub(crate) fn events(&self) -> Vec<u8> {
        self.select(|key| !key.starts_with("_quarantine/"))
    }

    /// Returns the content of the quarantine files.
    pub(crate) fn quarantine(&self) -> Vec<u8> {
        self.select(|key| key.starts_with("_quarantine/"))
    }

    fn select(&self, wanted: impl Fn(&str) -> bool) -> Vec<u8> {
        let wanted = self.files.iter().filter(|(key, _)| wanted(key));
        wanted.flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    /// Returns the partitions of the events, without the folder of the table.
    pub(crate) fn partitions(&self) -> Vec<String> {
        let events = self.files.keys().filter(|key| !key.starts_with("_quarantine/"));
        let folders = events.map(|key| {
            let below = key.split_once('/').unwrap().1;
            below
                .rsplit_once('/')
                .map_or(String::new(), |(folders, _)| folders.to_owned())
        });
        folders.collect()
    }
}

/// Parses JSON lines.
pub(crate) fn rows(bytes: &[u8]) -> Vec<serde_json::Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// Compresses bytes as a gzip member.
pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}
