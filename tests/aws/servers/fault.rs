//! What goes wrong, and when: an ordered list of rules, or faults drawn from a seed.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

/// The operations of the servers, by AWS's names.
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
    /// Whatever the server does not know.
    Other,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One thing that goes wrong. `k` is an offset in the body of the answer; beyond its end it wraps round, so that the
/// fault always happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed before any answer; nothing is carried out.
    Refuse,
    /// An answer with this status and AWS's name of the error; nothing is carried out.
    Status(u16, &'static str),
    /// The answer comes later.
    Delay(Duration),
    /// The body stops behind `k` bytes and the connection stays open.
    StallAt(u64),
    /// The connection is closed behind `k` bytes, though the length promised more.
    FinAt(u64),
    /// The connection is reset behind `k` bytes.
    ResetAt(u64),
    /// The byte at `k` has one bit flipped.
    CorruptAt(u64),
    /// The answer carries the `ETag` of another object.
    WrongEtag,
    /// The connection is closed behind `k` bytes, and the object now has other content: the rest of it is a 412.
    SwapObjectAt(u64, Bytes),
    /// A request for a range is answered with the whole object and 200.
    IgnoreRange,
    /// The request is carried out, and the connection is closed before the answer.
    LoseResponse,
    /// `CompleteMultipartUpload` answers 200, and the body is an error; nothing is carried out.
    ErrorIn200,
    /// These records of a `PutRecordBatch` are turned down, the others accepted.
    FailRecords(Mask),
    /// All records are accepted, and the answer makes no sense.
    Nonsense(Nonsense),
}

/// Which records of a batch fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mask {
    All,
    /// Those at these indexes.
    These(Vec<usize>),
    /// Those from this index on.
    From(usize),
    /// Each with this chance in a thousand, drawn from the seed.
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

/// Answers of `PutRecordBatch` that AWS does not document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nonsense {
    /// One entry too few.
    Shorter,
    /// One entry too many.
    Longer,
    /// `FailedPutCount` is 1 and no entry has an error.
    CountWithoutErrors,
    /// The last entry has an error and `FailedPutCount` is 0.
    ErrorsWithoutCount,
    /// An entry with neither a record id nor an error.
    EmptyEntry,
    /// 200 and a body that is not JSON.
    NotJson,
    /// 200 and no body.
    NoBody,
}

/// When a fault happens.
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
    /// The fault at every request; the methods narrow it.
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

    /// Only at this operation.
    pub(crate) fn op(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Only for this key (with Firehose: this stream).
    pub(crate) fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Only at the `nth` request of those that match, counted from 1.
    pub(crate) fn nth(self, nth: u64) -> Self {
        self.during(nth..=nth)
    }

    /// Only at these of the requests that match, counted from 1.
    pub(crate) fn during(mut self, nth: RangeInclusive<u64>) -> Self {
        self.nth = nth;
        self
    }

    fn matches(&self, op: Op, key: &str) -> bool {
        self.key.as_ref().is_none_or(|wanted| wanted == key) && self.op.is_none_or(|wanted| wanted == op)
    }
}

/// Faults that are drawn instead of listed. The draw depends on the seed, the operation, the key and how often that
/// pair was asked for, never on the order among keys, so that threads do not change a run.
#[derive(Clone, Debug)]
pub(crate) struct Chances {
    pub(crate) seed: u64,
    /// The chance in a thousand that a request meets a fault.
    pub(crate) permille: u64,
    /// At most so many faults in a row at one operation on one key: below the tries that the client makes, every
    /// request comes through in the end.
    pub(crate) in_a_row: u64,
    /// Offsets are drawn below this many bytes.
    pub(crate) bytes: u64,
    /// The kinds to draw from, none for the usual ones of the operation. An offset or a seed in them is drawn too.
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
        // Small offsets as often as large ones: the first bytes are where most goes wrong.
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

/// Faults that a careful client overcomes at this operation. A stall is not among them: it costs seconds.
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

/// The faults of a server. Clones share them, so that a test can change a running server's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    state: Arc<Mutex<State>>,
}

impl Plan {
    /// Rules are asked in the order they were added; the first one that matches wins, and all of them count.
    pub(crate) fn add(&self, rule: Rule) -> &Self {
        self.state.lock().unwrap().rules.push(rule);
        self
    }

    /// Draws a fault where no rule has one.
    pub(crate) fn chances(&self, chances: Chances) -> &Self {
        self.state.lock().unwrap().chances = Some(chances);
        self
    }

    /// From now on nothing goes wrong.
    pub(crate) fn clear(&self) {
        *self.state.lock().unwrap() = State::default();
    }

    /// How many faults have happened.
    pub(crate) fn fired(&self) -> u64 {
        self.state.lock().unwrap().fired
    }

    /// The rules that never came to anything: a test that lists a fault wants it to happen.
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

/// A number from a seed and a path, the same on every machine (`SplitMix64`).
pub(crate) fn draw(seed: u64, path: &[u64]) -> u64 {
    path.iter().fold(mix(seed), |state, step| mix(state ^ mix(*step)))
}

fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
