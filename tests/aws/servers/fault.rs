//! Fault injection: an ordered list of rules, or faults drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

/// The operations of the servers, as AWS names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Op {
    GetObject,
    HeadObject,
    PutObject,
    DeleteObject,
    ListObjectsV2,
    CreateMultipartUpload,
    UploadPart,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListMultipartUploads,
    PutRecordBatch,
    /// An operation that the server does not support.
    Other,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A fault. `k` is an offset in the body of the response; it wraps around at the end, so the fault always happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed before a response; the operation is not carried out.
    Refuse,
    /// A response with this status and AWS error code; the operation is not carried out.
    Status(u16, &'static str),
    /// The response is delayed.
    Delay(Duration),
    /// The body stops after `k` bytes and the connection stays open.
    StallAt(u64),
    /// The connection is closed after `k` bytes, before the announced length.
    FinAt(u64),
    /// The connection is reset after `k` bytes.
    ResetAt(u64),
    /// The byte at `k` has one bit flipped.
    CorruptAt(u64),
    /// The response has the `ETag` of another object.
    WrongEtag,
    /// The connection is closed after `k` bytes, and the object is replaced: a request for the rest is a 412.
    SwapObjectAt(u64, Bytes),
    /// A request for a range is answered with the whole object and 200.
    IgnoreRange,
    /// The request is carried out, and the connection is closed before the response.
    LoseResponse,
    /// `CompleteMultipartUpload` responds with 200 and an error in the body; the operation is not carried out.
    ErrorIn200,
    /// These records of a `PutRecordBatch` are rejected, the others are accepted.
    FailRecords(Mask),
    /// All records are accepted, and the response is invalid.
    Nonsense(Nonsense),
}

/// The records of a batch that fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    All,
    /// The records at these indexes.
    These(Vec<usize>),
    /// The records from this index on.
    From(usize),
    /// Each record with this probability in a thousand, drawn from the seed.
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

/// Responses of `PutRecordBatch` that AWS does not document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonsense {
    /// An entry is missing.
    Shorter,
    /// There is an additional entry.
    Longer,
    /// `FailedPutCount` is 1 and no entry has an error.
    CountWithoutErrors,
    /// The last entry has an error and `FailedPutCount` is 0.
    ErrorsWithoutCount,
    /// An entry has neither a record ID nor an error.
    EmptyEntry,
    /// 200 and a body that is not JSON.
    NotJson,
    /// 200 and no body.
    NoBody,
}

/// A fault and the condition for it.
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
    /// Returns a rule for every request; the other methods restrict it.
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

    /// Restricts the rule to an operation.
    pub(crate) fn op(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Restricts the rule to a key, or to a stream of Firehose.
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Restricts the rule to the `nth` matching request, counted from 1.
    pub(crate) fn nth(self, nth: u64) -> Self {
        self.during(nth..=nth)
    }

    /// Restricts the rule to these matching requests, counted from 1.
    pub(crate) fn during(mut self, nth: RangeInclusive<u64>) -> Self {
        self.nth = nth;
        self
    }

    fn matches(&self, op: Op, key: &str) -> bool {
        self.key.as_ref().is_none_or(|wanted| wanted == key) && self.op.is_none_or(|wanted| wanted == op)
    }
}

/// Randomly drawn faults. They depend on the seed, the operation, the key and the number of earlier requests for that
/// pair, but not on the order between keys, so the scheduling of threads does not change them.
#[derive(Clone, Debug)]
pub(crate) struct Chances {
    pub(crate) seed: u64,
    /// The probability of a fault per request, in a thousand.
    pub(crate) permille: u64,
    /// The maximum number of consecutive faults per operation and key. If it is lower than the number of attempts of the
    /// client, every request succeeds eventually.
    pub(crate) in_a_row: u64,
    /// The exclusive maximum of drawn offsets, in bytes.
    pub(crate) bytes: u64,
    /// The faults to draw from; if empty, the usual ones of the operation. Their offsets and seeds are drawn, too.
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
        // Small offsets are as likely as large ones, because most errors are at the start.
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

/// Returns the faults of this operation that a robust client overcomes, except stalls, which take seconds.
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
}

/// The fault plan of a server. Clones share it, so a test can change the plan of a running server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    state: Arc<Mutex<State>>,
}

impl Plan {
    /// Adds a rule. The first matching rule applies; all matching rules count the request.
    pub(crate) fn add(&self, rule: Rule) -> &Self {
        self.state.lock().unwrap().rules.push(rule);
        self
    }

    /// Draws faults for requests without a matching rule.
    pub(crate) fn chances(&self, chances: Chances) -> &Self {
        self.state.lock().unwrap().chances = Some(chances);
        self
    }

    /// Removes all rules and chances.
    pub(crate) fn clear(&self) {
        *self.state.lock().unwrap() = State::default();
    }

    /// Returns the number of injected faults.
    pub(crate) fn fired(&self) -> u64 {
        self.state.lock().unwrap().fired
    }

    /// Returns the rules that never applied; a test that adds a rule expects its fault.
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

/// Returns a pseudo-random number for a seed and a path (`SplitMix64`).
pub(crate) fn draw(seed: u64, path: &[u64]) -> u64 {
    path.iter().fold(mix(seed), |state, step| mix(state ^ mix(*step)))
}

fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
