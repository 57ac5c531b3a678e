//! What the tests share: a server, the world that reaches it, and an object through the engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alb_ingest::aws::{AwsWorld, Background, Clients, Tuning};
use alb_ingest::config::{Config, Location, RawConfig, S3Prefix};
use alb_ingest::deadline::Deadline;
use alb_ingest::ingest::{self, Committed, Destination, Ingest, Ledger, Outcome, Skip, Staged, Target};
use alb_ingest::local::Directory;
use alb_ingest::object::ObjectRef;
use alb_ingest::source::{Cause, SourceError};
use alb_ingest::trigger::ObjectRequest;
use alb_ingest::world::World as _;
use aws_sdk_s3::config::retry::RetryConfig;

use crate::servers::clients::{self, Patience};
use crate::servers::fault::{Fault, Op, Rule, draw};
use crate::servers::s3::{Object, Options, Server};

/// The bucket of the log objects, and that of the outputs.
pub(crate) const LOGS: &str = "logs";
pub(crate) const OUT: &str = "out";
/// Outputs lie below this.
pub(crate) const PREFIX: &str = "lake/v1/";
/// The smallest part that S3 takes.
pub(crate) const PART: usize = 5 << 20;

/// Bytes by key.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// A server with two buckets, and the world that reaches it.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) world: AwsWorld,
    pub(crate) config: Config,
    pub(crate) deadline: Deadline,
    background: Background,
}

/// How an object failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The cause, where the source failed.
    pub(crate) cause: Option<Cause>,
    pub(crate) retryable: bool,
    pub(crate) text: String,
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        Self {
            cause: Some(error.cause),
            retryable: error.is_retryable(),
            text: error.text,
        }
    }
}

/// Short waits: a test has seconds.
pub(crate) fn tuning() -> Tuning {
    Tuning {
        idle: Duration::from_millis(60),
        again: 5,
        backoff: Duration::from_millis(1),
        part: PART,
        read: Duration::from_secs(25),
        write: Duration::from_secs(25),
        retries: Some(
            RetryConfig::standard()
                .with_initial_backoff(Duration::from_millis(2))
                .with_max_backoff(Duration::from_millis(20)),
        ),
        ..Tuning::default()
    }
}

fn world_at(background: &Background, endpoint: &str, tuning: Tuning) -> AwsWorld {
    let config = clients::config(endpoint, &Patience::NONE);
    AwsWorld::new(background.wait(async { Clients::with_config(config, tuning).unwrap() }))
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(tuning())
    }

    pub(crate) fn with(tuning: Tuning) -> Self {
        let server = Server::start();
        server.bucket(LOGS, Options::default());
        server.bucket(OUT, Options::default());
        let background = Background::start().unwrap();
        Self {
            world: world_at(&background, &server.endpoint(), tuning),
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

    /// Another world that reaches the same server, as another run of the program would.
    pub(crate) fn another_world(&self, tuning: Tuning) -> AwsWorld {
        self.world_at(&self.server.endpoint(), tuning)
    }

    /// The world that a server is, whichever it is.
    pub(crate) fn world_at(&self, endpoint: &str, tuning: Tuning) -> AwsWorld {
        world_at(&self.background, endpoint, tuning)
    }

    pub(crate) fn fault(&self, op: Op, nth: u64, fault: Fault) {
        self.server.faults().add(Rule::new(fault).op(op).nth(nth));
    }

    /// A fault at every request of an operation.
    pub(crate) fn always(&self, op: Op, fault: Fault) {
        self.server.faults().add(Rule::new(fault).op(op));
    }

    /// Every fault of the plan happened.
    pub(crate) fn all_happened(&self) {
        assert_eq!(self.server.faults().unused(), Vec::<String>::new());
    }

    /// Reads an object to its end.
    pub(crate) fn read(&self, request: &ObjectRequest) -> Result<(ObjectRef, Vec<u8>), SourceError> {
        let source = self.world.source(&self.config.storage, self.deadline);
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

    /// The destination of the settings.
    pub(crate) fn destination(&self) -> Box<dyn Destination> {
        let Config {
            destination, storage, ..
        } = &self.config;
        self.world.destination(destination, storage, self.deadline).unwrap()
    }

    /// An object through the engine, out of S3 and into it.
    pub(crate) fn ingest(&self, request: &ObjectRequest) -> Result<Ledger, Failed> {
        ingest(&self.world, &self.config, self.deadline, request)
    }

    /// The outputs that are visible, without the prefix.
    pub(crate) fn outputs(&self) -> Files {
        let objects = self.server.objects(OUT).into_iter();
        objects
            .map(|(key, object)| (key.strip_prefix(PREFIX).unwrap().to_owned(), object.body.to_vec()))
            .collect()
    }

    /// Nothing is visible, and nothing is left behind.
    pub(crate) fn nothing_is_there(&self) {
        assert_eq!(self.outputs().into_keys().collect::<Vec<_>>(), Vec::<String>::new());
        assert_eq!(self.server.open_uploads(OUT), []);
    }

    /// An output that is staged by hand, with a source that goes by the name.
    pub(crate) fn stage(&self, key: &str, version: &str) -> Box<dyn Staged> {
        self.destination().stage(key, &source(version)).unwrap()
    }
}

/// The object that outputs made by hand are of.
pub(crate) fn source(version: &str) -> ObjectRef {
    ObjectRef {
        bucket: LOGS.to_owned(),
        key: "täglich/a b.log.gz".to_owned(),
        version: version.to_owned(),
    }
}

pub(crate) fn ingest(
    world: &AwsWorld,
    config: &Config,
    deadline: Deadline,
    request: &ObjectRequest,
) -> Result<Ledger, Failed> {
    let open = |location| world.destination(location, &config.storage, deadline).unwrap();
    let (events, quarantine) = (open(&config.destination), open(&config.quarantine));
    let target = Target {
        options: &config.ingest,
        events: &*events,
        quarantine: &*quarantine,
    };
    let mut body = world.source(&config.storage, deadline).open(request)?;
    let Ok(mut ingest) = Ingest::begin(body.object().clone(), target) else {
        return Ok(Ledger::default());
    };
    let failed = |error: alb_ingest::ingest::IngestError| Failed {
        cause: None,
        retryable: error.problem.is_retryable(),
        text: error.problem.to_string(),
    };
    while let Some(chunk) = body.next_chunk()? {
        ingest.push(chunk).map_err(failed)?;
    }
    match ingest.finish().map_err(failed)? {
        Outcome::Ingested(ledger) | Outcome::Skipped(_, ledger) => Ok(ledger),
    }
}

/// The same object into a folder, without any network.
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
    let files = walkdir::WalkDir::new(folder.path()).into_iter().map(Result::unwrap);
    files
        .filter(|file| file.file_type().is_file())
        .map(|file| {
            let key = file.path().strip_prefix(folder.path()).unwrap();
            (key.to_str().unwrap().to_owned(), fs::read(file.path()).unwrap())
        })
        .collect()
}

/// The sample objects by key.
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

/// The sample object whose key has this text: `ev7rnxke` reaches over midnight, `qfy86bt1` has malformed lines.
pub(crate) fn sample(text: &str) -> (String, Vec<u8>) {
    samples().into_iter().find(|(key, _)| key.contains(text)).unwrap()
}

/// What a notification about an object asks for.
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

/// The object under the key, put and asked for.
pub(crate) fn put(rig: &Rig, key: &str, bytes: &[u8]) -> ObjectRequest {
    request(key, &rig.server.put(LOGS, key, bytes.to_vec()))
}

/// The object as the engine names it.
pub(crate) fn object(request: &ObjectRequest) -> ObjectRef {
    request.identity(&request.key, request.etag.as_deref().unwrap())
}

/// Bytes without a period, so that a cut or a shift shows.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let words = (0..=length as u64 / 8).map(|index| draw(seed, &[index]));
    let mut bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(length);
    bytes
}

/// A ledger to commit with.
pub(crate) fn ledger() -> Ledger {
    Ledger {
        lines: 12,
        events: 9,
        quarantined: 2,
        skipped_lines: 1,
        ..Ledger::default()
    }
}

pub(crate) const THERE: Committed = Committed::AlreadyThere { same: true };
