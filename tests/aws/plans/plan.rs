//! A plan: the objects, payloads, settings, processes and faults of one run, as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::servers::fault::Op;

/// A plan. Everything that a run does follows from it, except the order in which concurrent requests arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    /// The seed that the plan was drawn from; the contents of objects and the masks of faults are drawn from it, too.
    pub(crate) seed: u64,
    pub(crate) program: Program,
    pub(crate) destination: Destination,
    pub(crate) merge: bool,
    /// Settings by their names, except destinations.
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) envelope: Envelope,
    pub(crate) objects: Vec<Object>,
    /// The objects of each message, by number. Objects and messages may be repeated.
    pub(crate) messages: Vec<Vec<usize>>,
    /// The maximum messages of a batch.
    pub(crate) batch: usize,
    /// The chance, in thousandths, that the queue delivers a deleted message again.
    pub(crate) again_permille: u64,
    /// The processes that work on the objects at the same time, 1 or 2.
    pub(crate) processes: usize,
    /// The `--jobs` of the command; the function's concurrency follows from its memory.
    pub(crate) jobs: usize,
    /// The attempts of the SDK for each request.
    pub(crate) attempts: u32,
    /// The time-out of an invocation in milliseconds.
    pub(crate) limit_ms: u64,
    pub(crate) limit: Option<Limit>,
    pub(crate) faults: Vec<Fault>,
}

impl Plan {
    /// Returns which of [`DELIVERIES`] the plan has.
    pub(crate) fn deliveries(&self) -> Vec<&'static str> {
        let is_queued = self.program == Program::Function && (self.merge || self.envelope.is_queued());
        let repeats = |message: &Vec<usize>| (1..message.len()).any(|at| message[..at].contains(&message[at]));
        let announced = self.program == Program::Function && !self.merge;
        let again = (1..self.messages.len()).any(|at| self.messages[..at].contains(&self.messages[at]));
        let has = [
            is_queued && self.again_permille > 0,
            announced && again,
            announced && self.messages.iter().any(repeats),
            self.processes > 1,
        ];
        DELIVERIES
            .into_iter()
            .zip(has)
            .filter_map(|(name, has)| has.then_some(name))
            .collect()
    }
}

/// What a queue may do without a fault, and work at the same time.
pub(crate) const DELIVERIES: [&str; 4] = [
    "delivery: again",
    "delivery: repeated-message",
    "delivery: repeated-object",
    "delivery: two-processes",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Program {
    Function,
    Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Destination {
    S3,
    Firehose,
    Folder,
}

/// The form in which objects are announced to the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Envelope {
    S3,
    Sns,
    EventBridge,
    Batch1,
    Batch2,
    Objects,
    SqsS3,
    SqsSns,
    SqsEventBridge,
    SqsFailed,
}

impl Envelope {
    pub(crate) const ALL: [Self; 10] = [
        Self::S3,
        Self::Sns,
        Self::EventBridge,
        Self::Batch1,
        Self::Batch2,
        Self::Objects,
        Self::SqsS3,
        Self::SqsSns,
        Self::SqsEventBridge,
        Self::SqsFailed,
    ];

    pub(crate) const fn is_queued(self) -> bool {
        matches!(
            self,
            Self::SqsS3 | Self::SqsSns | Self::SqsEventBridge | Self::SqsFailed
        )
    }

    /// Returns whether a payload is about one object only.
    pub(crate) const fn is_single(self) -> bool {
        matches!(
            self,
            Self::EventBridge | Self::Batch1 | Self::Batch2 | Self::SqsEventBridge
        )
    }
}

/// An object of the log bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    /// The number of its log type.
    pub(crate) format: usize,
    pub(crate) lines: u64,
    /// The share of malformed lines, in thousandths.
    pub(crate) broken_permille: u32,
    /// The number of gzip members; the second one is empty if there are more than two.
    pub(crate) members: usize,
    pub(crate) damage: Damage,
    pub(crate) name: Name,
    /// The days and hours that the object is later than the first one.
    pub(crate) hours: u64,
}

/// A defect of an object. Places are in thousandths of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Damage {
    None,
    /// No bytes.
    Empty,
    Truncated(u64),
    FlippedBit(u64),
    TrailingJunk,
    /// Text, whatever the name says.
    Plain,
    /// A page of text under a name that is not that of a log.
    NotALog,
    /// Random text under the name of a log.
    Garbage,
    /// A line of more than 1 MiB among the others.
    LongLine,
    /// Long request lines, whose events as text are more than one part of a multipart upload.
    Large,
}

/// The folder of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    Usual,
    Space,
    Plus,
    Percent,
    Unicode,
}

/// A limit of the first processes; those that run without faults do not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Limit {
    /// The memory of the smallest function, which must suffice.
    Memory,
    /// The folder for temporary files does not exist.
    NoTemporaryFolder,
    /// No file can be longer than this many KiB, neither a temporary one nor an output.
    FileSize(u64),
    /// A file has the name of the destination's folder.
    BlockedFolder,
}

/// A fault: a kind, a place, and the requests that meet it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    /// The first request that meets it, counted from 1 among those of the place.
    pub(crate) nth: u64,
    /// The number of requests that meet it.
    pub(crate) times: u64,
    /// An offset in the body of the response.
    pub(crate) at: u64,
}

/// The requests that meet a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// Reads of objects, and of the merge's log.
    Read,
    Head,
    List,
    Write,
    Copy,
    CreateUpload,
    UploadPart,
    CompleteUpload,
    AbortUpload,
    Firehose,
    /// Messages that merged delivery sends to its queue.
    Queue,
    /// The runtime API: requests for an event, and responses.
    Next,
    Respond,
    /// Any request to S3.
    AnyOfS3,
}

impl Place {
    /// Returns the operation, if the place is only one.
    pub(crate) const fn op(self) -> Option<Op> {
        Some(match self {
            Self::Read => Op::GetObject,
            Self::Head => Op::HeadObject,
            Self::List => Op::ListObjectsV2,
            Self::Write => Op::PutObject,
            Self::Copy => Op::CopyObject,
            Self::CreateUpload => Op::CreateMultipartUpload,
            Self::UploadPart => Op::UploadPart,
            Self::CompleteUpload => Op::CompleteMultipartUpload,
            Self::AbortUpload => Op::AbortMultipartUpload,
            Self::Firehose => Op::PutRecordBatch,
            Self::Queue => Op::SendMessageBatch,
            Self::Next => Op::NextInvocation,
            Self::Respond => Op::InvocationResponse,
            Self::AnyOfS3 => return None,
        })
    }

    pub(crate) const fn is_of_uploads(self) -> bool {
        matches!(
            self,
            Self::CreateUpload | Self::UploadPart | Self::CompleteUpload | Self::AbortUpload
        )
    }
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Refuse,
    SlowDown,
    ServerError,
    TooManyRequests,
    Conflict,
    Denied,
    /// The clock of the client is wrong, says the server.
    Skewed,
    /// The response has a `Date` that is far off.
    FarDate,
    Delay,
    /// A delay beyond the deadline.
    LongDelay,
    Stall,
    Fin,
    Reset,
    Corrupt,
    IgnoreRange,
    LoseResponse,
    ErrorIn200,
    RejectAll,
    RejectSome,
    Nonsense,
    KillBefore,
    KillAfter,
    KillHalfAnswered,
}

impl Kind {
    pub(crate) const KILLS: [Self; 3] = [Self::KillBefore, Self::KillAfter, Self::KillHalfAnswered];

    pub(crate) fn is_kill(self) -> bool {
        Self::KILLS.contains(&self)
    }
}

/// The name of a value as in JSON.
fn name(value: &impl Serialize) -> String {
    let name = serde_json::to_value(value).unwrap();
    match name {
        serde_json::Value::String(name) => name,
        // A variant with a value.
        other => other.as_object().unwrap().keys().next().unwrap().clone(),
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "limit: {}", name(self))
    }
}

/// Returns the name under which a fault is counted.
pub(crate) fn label(place: Place, kind: Kind) -> String {
    format!("{}: {}", name(&place), name(&kind))
}

/// Returns what can go wrong at a place.
pub(crate) const fn kinds(place: Place) -> &'static [Kind] {
    use Kind::*;
    match place {
        Place::Read => &[
            Refuse,
            SlowDown,
            ServerError,
            TooManyRequests,
            Denied,
            Skewed,
            FarDate,
            Delay,
            LongDelay,
            Stall,
            Fin,
            Reset,
            Corrupt,
            IgnoreRange,
            LoseResponse,
            KillBefore,
            KillAfter,
            KillHalfAnswered,
        ],
        Place::Head => &[Refuse, SlowDown, ServerError, LoseResponse],
        Place::List => &[
            Refuse,
            SlowDown,
            ServerError,
            Denied,
            Skewed,
            Fin,
            LoseResponse,
            KillHalfAnswered,
        ],
        Place::Write => &[
            Refuse,
            SlowDown,
            ServerError,
            TooManyRequests,
            Conflict,
            Denied,
            Skewed,
            FarDate,
            Delay,
            LongDelay,
            LoseResponse,
            KillBefore,
            KillAfter,
        ],
        Place::Copy => &[
            Refuse,
            SlowDown,
            ServerError,
            Conflict,
            Denied,
            LoseResponse,
            KillBefore,
            KillAfter,
        ],
        Place::CreateUpload => &[Refuse, SlowDown, LoseResponse, KillAfter],
        Place::UploadPart => &[Refuse, SlowDown, Denied, LoseResponse, KillBefore, KillAfter],
        Place::CompleteUpload => &[
            Refuse,
            SlowDown,
            Conflict,
            ErrorIn200,
            LoseResponse,
            KillBefore,
            KillAfter,
        ],
        Place::AbortUpload => &[Refuse, SlowDown, LoseResponse, KillBefore],
        Place::Firehose => &[
            Refuse,
            SlowDown,
            ServerError,
            Denied,
            Delay,
            LongDelay,
            LoseResponse,
            RejectAll,
            RejectSome,
            Nonsense,
            KillBefore,
            KillAfter,
        ],
        Place::Queue => &[
            Refuse,
            SlowDown,
            ServerError,
            RejectAll,
            RejectSome,
            LoseResponse,
            KillBefore,
            KillAfter,
        ],
        Place::Next => &[Refuse, Reset, ServerError],
        Place::Respond => &[Refuse, LoseResponse, ServerError, KillBefore, KillAfter],
        Place::AnyOfS3 => &[KillBefore, KillAfter, KillHalfAnswered],
    }
}

/// Every place.
pub(crate) const PLACES: [Place; 14] = [
    Place::Read,
    Place::Head,
    Place::List,
    Place::Write,
    Place::Copy,
    Place::CreateUpload,
    Place::UploadPart,
    Place::CompleteUpload,
    Place::AbortUpload,
    Place::Firehose,
    Place::Queue,
    Place::Next,
    Place::Respond,
    Place::AnyOfS3,
];

/// Every limit.
pub(crate) const LIMITS: [Limit; 4] = [
    Limit::Memory,
    Limit::NoTemporaryFolder,
    Limit::FileSize(8),
    Limit::BlockedFolder,
];
