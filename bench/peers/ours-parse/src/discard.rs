//! An object through the whole engine, with the output thrown away, as `gzip -dc` to /dev/null throws its own away.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read as _, Write};

use alb_ingest::encode::{Compression, FileFormat};
use alb_ingest::ingest::{Ingest, Options, Outcome, Target};
use alb_ingest::object::{Counts, ObjectRef};
use alb_ingest::storage::{Committed, Sink, Staged, StorageError};

/// As much as the program reads of a file at a time.
const CHUNK: usize = 64 * 1024;

/// Takes every output and keeps none.
struct Discard;

struct Discarded(u64);

impl Sink for Discard {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(Discarded(0)))
    }

    fn event_limit(&self) -> Option<usize> {
        None
    }
}

impl Write for Discarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += black_box(bytes).len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for Discarded {
    fn commit(self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        println!("{{\"bytes\":{}}}", self.0);
        Ok(Committed::Written(self.0))
    }
}

/// Ingests an object to JSON lines without compression.
pub fn json(path: &str) -> Result<(), Box<dyn Error>> {
    let options = Options {
        format: FileFormat::Json,
        compression: Compression::None,
        ..Options::default()
    };
    let target = Target {
        options: &options,
        events: &Discard,
        quarantine: &Discard,
    };
    let object = ObjectRef {
        bucket: "local".to_owned(),
        key: "access.log.gz".to_owned(),
        version: String::new(),
    };
    let mut ingest = Ingest::begin(object, target).map_err(|skip| format!("skipped: {skip:?}"))?;
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk)? {
            0 => break,
            len => ingest.push(&chunk[..len])?,
        }
    }
    match ingest.finish()? {
        Outcome::Ingested(_) => Ok(()),
        Outcome::Skipped(skip, _) => Err(format!("skipped: {skip:?}").into()),
    }
}
