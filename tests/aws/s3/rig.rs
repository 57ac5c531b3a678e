//! The fixture of the tests: a server, the clients that reach it, and an object through the engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alb_ingest::config::{Config, RawConfig};
use alb_ingest::deadline::Deadline;
use alb_ingest::ingest::{self, Ingest, Ledger, Outcome, Problem, Skip, Target, ingest_object};
use alb_ingest::object::{Counts, ObjectRef, ObjectRequest};
use alb_ingest::storage::aws::{BackgroundRuntime, Clients, Tuning};
use alb_ingest::storage::local::Directory;
use alb_ingest::storage::s3::S3;
use alb_ingest::storage::{
    Committed, ErrorKind, Listing, Location, Options as StorageOptions, Origin, RetryPolicy, S3Prefix, Sink, Staged,
    Storage as _, StorageError,
};
use aws_sdk_s3::config::retry::RetryConfig;

use crate::servers::clients::{self, Patience};
use crate::servers::fault::{Fault, Op, Rule, draw};
use crate::servers::s3::{Object, Options, Server};

/// The bucket of the log objects, and the bucket of the outputs.
pub(crate) const LOGS: &str = "logs";
pub(crate) const OUT: &str = "out";
/// The prefix of the outputs.
pub(crate) const PREFIX: &str = "lake/v1/";
/// The minimum part size of S3.
pub(crate) const PART: usize = 5 << 20;

/// The bytes of objects by key.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A server with two buckets, and the clients that reach it.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) clients: Clients,
    pub(crate) config: Config,
    pub(crate) deadline: Deadline,
    background: BackgroundRuntime,
}

/// The failure of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The kind of the error, if reading failed.
    pub(crate) read: Option<ErrorKind>,
    pub(crate) retryable: bool,
    pub(crate) text: String,
}

/// Short timeouts and pauses for tests.
pub(crate) fn tuning() -> Tuning {
    Tuning {
        idle: Duration::from_millis(60),
        retry: RetryPolicy {
            base_delay: Duration::from_millis(1),
            ..Tuning::default().retry
        },
        part: PART,
        read: Duration::from_secs(25),
        write: Duration::from_secs(25),
        sdk_retries: Some(
            RetryConfig::standard()
                .with_initial_backoff(Duration::from_millis(2))
                .with_max_backoff(Duration::from_millis(20)),
        ),
        ..Tuning::default()
    }
}

fn clients_at(background: &BackgroundRuntime, endpoint: &str, tuning: Tuning) -> Clients {
    let config = clients::config(endpoint, &Patience::NONE);
    background.wait(async { Clients::with_config(config, tuning).unwrap() })
}

/// Returns the storage of a configuration.
pub(crate) fn storage(clients: &Clients, config: &Config) -> S3 {
    let StorageOptions { s3_read, s3_write, .. } = config.storage.clone();
    S3::new(clients.clone(), s3_read, s3_write)
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(tuning())
    }

    pub(crate) fn with(tuning: Tuning) -> Self {
        let server = Server::start();
        server.bucket(LOGS, Options::default());
        server.bucket(OUT, Options::default());
        let background = BackgroundRuntime::start().unwrap();
        Self {
            clients: clients_at(&background, &server.endpoint(), tuning),
            server,
            config: RawConfig {
                destination: Some(Location::S3(S3Prefix::parse(&format!("{OUT}/{PREFIX}")).unwrap())),
                ..RawConfig::default()
            }
            .resolve()
            .unwrap(),
            deadline: Deadline::NONE,
            background,
        }
    }

    /// Returns other clients of the same server, as another run of the program would have.
    pub(crate) fn other_clients(&self, tuning: Tuning) -> Clients {
        self.clients_at(&self.server.endpoint(), tuning)
    }

    /// Returns clients of any server.
    pub(crate) fn clients_at(&self, endpoint: &str, tuning: Tuning) -> Clients {
        clients_at(&self.background, endpoint, tuning)
    }

    /// Returns the storage of the current configuration.
    pub(crate) fn storage(&self) -> S3 {
        storage(&self.clients, &self.config)
    }

    pub(crate) fn list(&self, bucket: &str, key: &str) -> Result<Listing, StorageError> {
        let origin = Origin::S3 {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        self.storage().list(&origin, self.deadline)
    }

    pub(crate) fn fault(&self, op: Op, nth: u64, fault: Fault) {
        self.server.faults().add(Rule::new(fault).op(op).nth(nth));
    }

    /// Adds a fault to every request of an operation.
    pub(crate) fn always(&self, op: Op, fault: Fault) {
        self.server.faults().add(Rule::new(fault).op(op));
    }

    /// Asserts that every fault of the plan happened.
    pub(crate) fn all_happened(&self) {
        assert_eq!(self.server.faults().unused(), Vec::<String>::new());
    }

    /// Reads an object to its end.
    pub(crate) fn read(&self, request: &ObjectRequest) -> Result<(ObjectRef, Vec<u8>), StorageError> {
        let source = self.storage().source(self.deadline);
        let mut body = source.open(request)?;
        let object = body.object().clone();
        let promised = body.bytes();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next_chunk()? {
            bytes.extend_from_slice(chunk);
        }
        assert_eq!(promised, Some(bytes.len() as u64));
        Ok((object, bytes))
    }

    /// Returns the sink of the destination.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        self.storage().sink(&self.config.destination, self.deadline).unwrap()
    }

    /// Ingests an object from S3 to S3.
    pub(crate) fn ingest(&self, request: &ObjectRequest) -> Result<Ledger, Failed> {
        ingest(&self.clients, &self.config, self.deadline, request)
    }

    /// Returns the visible outputs, without their prefix.
    pub(crate) fn outputs(&self) -> Files {
        let objects = self.server.objects(OUT).into_iter();
        objects
            .map(|(key, object)| (key.strip_prefix(PREFIX).unwrap().to_owned(), object.body.to_vec()))
            .collect()
    }

    /// Asserts that nothing is visible, and nothing is left behind.
    pub(crate) fn nothing_is_there(&self) {
        assert_eq!(self.outputs().into_keys().collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(self.server.open_uploads(OUT), []);
    }

    /// Stages an output of a source with this version.
    pub(crate) fn stage(&self, key: &str, version: &str) -> Box<dyn Staged> {
        self.sink().stage(key, &source(version)).unwrap()
    }
}

/// Returns the source of staged outputs.
pub(crate) fn source(version: &str) -> ObjectRef {
    ObjectRef {
        bucket: LOGS.to_owned(),
        key: "täglich/a b.log.gz".to_owned(),
        version: version.to_owned(),
    }
}

pub(crate) fn ingest(
    clients: &Clients,
    config: &Config,
    deadline: Deadline,
    request: &ObjectRequest,
) -> Result<Ledger, Failed> {
    let storage = storage(clients, config);
    let sink = |location| storage.sink(location, deadline).unwrap();
    let (events, quarantine) = (sink(&config.destination), sink(&config.quarantine));
    let target = Target {
        options: &config.ingest,
        events: &*events,
        quarantine: &*quarantine,
    };
    let ingested = ingest_object(request, &*storage.source(deadline), target, (false, deadline), |_| {});
    match ingested {
        Ok((_, Outcome::Ingested(ledger) | Outcome::Skipped(_, ledger))) => Ok(ledger),
        Err(error) => Err(Failed {
            read: match &*error.problem {
                Problem::Unreadable(error) => Some(error.kind),
                _ => None,
            },
            retryable: error.problem.is_retryable(),
            text: error.problem.to_string(),
        }),
    }
}

/// Ingests the same object to a directory, without any network.
pub(crate) fn reference(options: &ingest::Options, object: &ObjectRef, bytes: &[u8]) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let (events, quarantine) = (
        Directory::new(folder.path().to_path_buf()),
        Directory::new(folder.path().join("_quarantine")),
    );
    let target = Target {
        options,
        events: &events,
        quarantine: &quarantine,
    };
    let begun = Ingest::begin(object.clone(), target);
    if let Ok(mut ingest) = begun {
        ingest.push(bytes).unwrap();
        ingest.finish().unwrap();
    } else {
        assert!(matches!(begun, Err(Skip::TestObject | Skip::FolderMarker)));
    }
    // The temporary files of the sinks are removed with them.
    drop((events, quarantine));
    let files = walkdir::WalkDir::new(folder.path()).into_iter().map(Result::unwrap);
    files
        .filter(|file| file.file_type().is_file())
        .map(|file| {
            let key = file.path().strip_prefix(folder.path()).unwrap();
            (key.to_str().unwrap().to_owned(), fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Returns the sample objects by key.
pub(crate) fn samples() -> Files {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("events/objects");
    let files = walkdir::WalkDir::new(&root).into_iter().map(Result::unwrap);
    let samples: Files = files
        .filter(|file| file.file_type().is_file())
        .map(|file| {
            let key = file.path().strip_prefix(&root).unwrap();
            (key.to_str().unwrap().to_owned(), fs::read(file.path()).unwrap())
        })
        .collect();
    assert!(samples.len() > 15);
    samples
}

/// Returns the sample object whose key contains this text: `ev7rnxke` spans midnight, `qfy86bt1` has malformed lines.
pub(crate) fn sample(text: &str) -> (String, Vec<u8>) {
    samples().into_iter().find(|(key, _)| key.contains(text)).unwrap()
}

/// Returns the request of a notification about an object.
pub(crate) fn request(key: &str, object: &Object) -> ObjectRequest {
    ObjectRequest {
        bucket: LOGS.to_owned(),
        key: key.to_owned(),
        version_id: object.version.clone(),
        etag: Some(object.etag.clone()),
        size: Some(object.body.len() as u64),
        ..ObjectRequest::default()
    }
}

/// Puts an object; returns its request.
pub(crate) fn put(rig: &Rig, key: &str, bytes: &[u8]) -> ObjectRequest {
    request(key, &rig.server.put(LOGS, key, bytes.to_vec()))
}

/// Returns the object as the engine identifies it.
pub(crate) fn object(request: &ObjectRequest) -> ObjectRef {
    request.identity(&request.key, request.etag.as_deref().unwrap())
}

/// Returns bytes without a period, so a cut or a shift is detected.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let words = (0..=length as u64 / 8).map(|index| draw(seed, &[index]));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// Returns counts to commit with.
pub(crate) fn counts() -> Counts {
    Counts {
        lines: 12,
        events: 9,
        filtered: 0,
        quarantined: 2,
        skipped: 1,
    }
}

pub(crate) const EXISTS: Committed = Committed::AlreadyExists { identical: true };
