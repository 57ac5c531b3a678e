//! The plan of faults: an ordered list of rules, or faults drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::process::Process;

/// The operations of the servers, by their AWS names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Op {
    GetObject,
    HeadObject,
    CopyObject,
    PutObject,
    DeleteObject,
    ListObjectsV2,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListMultipartUploads,
    PutRecordBatch,
    SendMessageBatch,
    GetSecretValue,
    /// `invocation/next` and `invocation/ID/response` of the Lambda Runtime API.
    NextInvocation,
    InvocationResponse,
    /// Any operation that the server does not implement.
    Other,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A fault. `k` is an offset in the body of the response; beyond its end it wraps around, so the fault always happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed before any response; nothing is carried out.
    Refuse,
    /// A response with this status and error code; nothing is carried out.
    Status(u16, &'static str),
    /// The response is delayed.
    Delay(Duration),
    /// The response has this `Date`: the clocks of client and server differ.
    Date(&'static str),
    /// The body stops after `k` bytes and the connection stays open.
    StallAt(u64),
    /// The connection is closed after `k` bytes, before the length that was announced.
    FinAt(u64),
    /// The connection is reset after `k` bytes.
    ResetAt(u64),
    /// The byte at `k` has one bit flipped.
    CorruptAt(u64),
    /// The response has the `ETag` of another object.
    WrongEtag,
    /// The connection is closed after `k` bytes and the object is overwritten: requesting the rest returns 412.
    SwapObjectAt(u64, Bytes),
    /// A request for a range returns the whole object with status 200.
    IgnoreRange,
    /// The request is carried out, and the connection is closed before the response.
    LoseResponse,
    /// `CompleteMultipartUpload` returns 200 with an error in its body; nothing is carried out.
    ErrorIn200,
    /// These records of a `PutRecordBatch` are rejected, the others accepted.
    FailRecords(Mask),
    /// All records are accepted, and the response is invalid.
    Nonsense(Nonsense),
    /// The process that the plan names (`Plan::victim`) is killed. Its position in the sequence of requests is exact: with
    /// `Rule::nth` it is that of a request among all of the server's, or of an operation's or a key's.
    Kill(Moment),
}

/// When a process is killed, relative to one of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// Before the request is carried out.
    Before,
    /// After the request was carried out, before any response.
    After,
    /// After the first half of the response's body; after its head was lost, if it has no body.
    HalfAnswered,
}

impl Moment {
    pub(crate) const ALL: [Self; 3] = [Self::Before, Self::After, Self::HalfAnswered];
}

/// The records of a batch that fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    All,
    /// The records at these indexes.
    These(Vec<usize>),
    /// The records from this index on.
    From(usize),
    /// Each record with this chance in thousandths, drawn from the seed.
    Random {
        seed: u64,
        permille: u64,
    },
}

impl Mask {
    pub(crate) fn hits(&self, index: usize) -> bool {
        match self {
            Self::All => true,
            Self::These(indexes) => indexes.contains(&index),
            Self::From(first) => index >= *first,
            Self::Random { seed, permille } => draw(*seed, &[index as u64]) % 1000 < *permille,
        }
    }
}

/// Invalid responses of `PutRecordBatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonsense {
    /// One entry too few.
    Shorter,
    /// One entry too many.
    Longer,
    /// `FailedPutCount` is 1, but no entry has an error.
    CountWithoutErrors,
    /// The last entry has an error, but `FailedPutCount` is 0.
    ErrorsWithoutCount,
    /// An entry with neither a record id nor an error.
    EmptyEntry,
    /// Status 200 with a body that is not JSON.
    NotJson,
    /// Status 200 without a body.
    NoBody,
}

impl Nonsense {
    pub(crate) const ALL: [Self; 7] = [
        Self::Shorter,
        Self::Longer,
        Self::CountWithoutErrors,
        Self::ErrorsWithoutCount,
        Self::EmptyEntry,
        Self::NotJson,
        Self::NoBody,
    ];
}

/// A rule: a fault and the requests that meet it.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    op: Option<Op>,
    key: Option<String>,
    nth: RangeInclusive<u64>,
    fault: Fault,
    matched: u64,
    fired: u64,
}

impl Rule {
    /// Creates a rule for every request; the methods narrow it.
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            op: None,
            key: None,
            nth: 1..=u64::MAX,
            fault,
            matched: 0,
            fired: 0,
        }
    }

    /// Limits the rule to an operation.
    pub(crate) fn op(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Limits the rule to a key (with Firehose, a stream).
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Limits the rule to the `nth` matching request, counted from 1.
    pub(crate) fn nth(self, nth: u64) -> Self {
        self.during(nth..=nth)
    }

    /// Limits the rule to a range of the matching requests, counted from 1.
    pub(crate) fn during(mut self, nth: RangeInclusive<u64>) -> Self {
        self.nth = nth;
        self
    }

    fn matches(&self, op: Op, key: &str) -> bool {
        self.key.as_ref().is_none_or(|wanted| wanted == key) && self.op.is_none_or(|wanted| wanted == op)
    }
}

/// Faults that are drawn instead of listed. The draw depends on the seed, the operation, the key and the number of
/// requests for that pair, but not on the order of keys, so threads do not change a run.
#[derive(Clone, Debug)]
pub(crate) struct Chances {
    pub(crate) seed: u64,
    /// The chance, in thousandths, that a request meets a fault.
    pub(crate) permille: u64,
    /// The maximum consecutive faults of one operation on one key: if the client makes more attempts, every request
    /// succeeds in the end.
    pub(crate) in_a_row: u64,
    /// Offsets are drawn below this many bytes.
    pub(crate) bytes: u64,
    /// The kinds to draw from; empty for the usual ones of the operation. An offset or a seed in them is drawn too.
    pub(crate) kinds: Vec<Fault>,
}

impl Chances {
    pub(crate) fn new(seed: u64, permille: u64) -> Self {
        Self {
            seed,
            permille,
            in_a_row: 2,
            bytes: 64 << 10,
            kinds: Vec::new(),
        }
    }

    fn draw(&self, op: Op, key: &str, count: u64) -> Option<Fault> {
        let name = key.bytes().fold(op as u64, |sum, byte| draw(sum, &[u64::from(byte)]));
        if draw(self.seed, &[name, count, 0]) % 1000 >= self.permille {
            return None;
        }
        let usual = usual(op);
        let kinds = if self.kinds.is_empty() { &usual } else { &self.kinds };
        let which = draw(self.seed, &[name, count, 1]) % (kinds.len().max(1) as u64);
        let fault = kinds.get(usize::try_from(which).unwrap())?.clone();
        // Small offsets are as frequent as large ones: most defects are in the handling of the first bytes.
        let bits = u64::BITS - self.bytes.leading_zeros();
        let size = draw(self.seed, &[name, count, 2]) % u64::from(bits.max(1)) + 1;
        let at = draw(self.seed, &[name, count, 3]) % (1 << size).min(self.bytes.max(1));
        Some(match fault {
            Fault::StallAt(_) => Fault::StallAt(at),
            Fault::FinAt(_) => Fault::FinAt(at),
            Fault::ResetAt(_) => Fault::ResetAt(at),
            Fault::CorruptAt(_) => Fault::CorruptAt(at),
            Fault::SwapObjectAt(_, with) => Fault::SwapObjectAt(at, with),
            Fault::FailRecords(Mask::Random { permille, .. }) => Fault::FailRecords(Mask::Random {
                seed: draw(self.seed, &[name, count, 4]),
                permille,
            }),
            other => other,
        })
    }
}

/// Returns the faults of an operation that a careful client overcomes. A stall is not among them: it takes seconds.
fn usual(op: Op) -> Vec<Fault> {
    let mut kinds = vec![
        Fault::Refuse,
        Fault::Delay(Duration::from_millis(5)),
        Fault::LoseResponse,
    ];
    kinds.extend(match op {
        Op::PutRecordBatch => vec![
            Fault::Status(503, "ServiceUnavailableException"),
            Fault::Status(500, "InternalFailure"),
            Fault::FailRecords(Mask::All),
            Fault::FailRecords(Mask::Random { seed: 0, permille: 300 }),
            Fault::Nonsense(Nonsense::Shorter),
            Fault::Nonsense(Nonsense::Longer),
            Fault::Nonsense(Nonsense::CountWithoutErrors),
        ],
        _ => vec![Fault::Status(503, "SlowDown"), Fault::Status(500, "InternalError")],
    });
    match op {
        Op::GetObject => kinds.extend([Fault::FinAt(0), Fault::ResetAt(0), Fault::FinAt(0), Fault::ResetAt(0)]),
        Op::PutObject => kinds.push(Fault::Status(409, "ConditionalRequestConflict")),
        Op::CompleteMultipartUpload => kinds.push(Fault::ErrorIn200),
        _ => {}
    }
    kinds
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    chances: Option<Chances>,
    counts: BTreeMap<(Op, String), (u64, u64)>,
    fired: u64,
    victim: Process,
}

/// The faults of a server. Clones share them, so a test can change those of a running server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    state: Arc<Mutex<State>>,
}

impl Plan {
    /// Adds a rule. Rules are checked in the order they were added; the first match wins, and all of them count.
    pub(crate) fn add(&self, rule: Rule) -> &Self {
        self.state.lock().unwrap().rules.push(rule);
        self
    }

    /// Draws a fault if no rule matches.
    pub(crate) fn chances(&self, chances: Chances) -> &Self {
        self.state.lock().unwrap().chances = Some(chances);
        self
    }

    /// Removes all faults.
    pub(crate) fn clear(&self) {
        *self.state.lock().unwrap() = State::default();
    }

    /// Names the process that `Fault::Kill` kills.
    pub(crate) fn victim(&self, process: &Process) -> &Self {
        self.state.lock().unwrap().victim = process.clone();
        self
    }

    /// Kills the victim.
    pub(crate) fn kill(&self) {
        let victim = self.state.lock().unwrap().victim.clone();
        victim.kill();
    }

    /// Returns the number of faults that happened.
    pub(crate) fn fired(&self) -> u64 {
        self.state.lock().unwrap().fired
    }

    /// Returns how often each rule applied, in the order in which they were added.
    pub(crate) fn fired_by_rule(&self) -> Vec<u64> {
        self.state.lock().unwrap().rules.iter().map(|rule| rule.fired).collect()
    }

    /// Returns the rules that never applied: a test that lists a fault expects it to happen.
    pub(crate) fn unused(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let unused = state.rules.iter().filter(|rule| rule.fired == 0);
        unused.map(|rule| format!("{rule:?}")).collect()
    }

    pub(crate) fn decide(&self, op: Op, key: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let mut decided = None;
        for rule in &mut state.rules {
            if !rule.matches(op, key) {
                continue;
            }
            rule.matched += 1;
            if decided.is_none() && rule.nth.contains(&rule.matched) {
                rule.fired += 1;
                decided = Some(rule.fault.clone());
            }
        }
        if decided.is_none()
            && let Some(chances) = state.chances.clone()
        {
            let (count, in_a_row) = state.counts.entry((op, key.to_owned())).or_default();
            *count += 1;
            decided = chances.draw(op, key, *count).filter(|_| *in_a_row < chances.in_a_row);
            *in_a_row = if decided.is_some() { *in_a_row + 1 } else { 0 };
        }
        state.fired += u64::from(decided.is_some());
        decided
    }
}

/// Returns a number from a seed and a path, the same on every machine (`SplitMix64`).
pub(crate) fn draw(seed: u64, path: &[u64]) -> u64 {
    path.iter().fold(mix(seed), |state, step| mix(state ^ mix(*step)))
}

fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
