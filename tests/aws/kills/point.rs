//! Points at which a process is killed, and what was found after a kill.

use crate::servers::fault::Moment;

/// A sequence in which positions are counted, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    /// The requests to a server.
    S3,
    Firehose,
    Sqs,
    /// The responses to the Lambda Runtime API.
    Runtime,
    /// The calls of one system call by one thread.
    Calls(&'static str),
}

impl Sequence {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Firehose => "firehose",
            Self::Sqs => "sqs",
            Self::Runtime => "runtime",
            Self::Calls(call) => call,
        }
    }
}

/// A point of a case.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) sequence: Sequence,
    pub(super) position: u64,
    /// The length of the sequence in a run without a kill.
    pub(super) of: u64,
    pub(super) moment: Moment,
    /// The operation at this position in a run without a kill.
    pub(super) op: String,
}

pub(super) const fn name_of(moment: Moment) -> &'static str {
    match moment {
        Moment::Before => "before",
        Moment::After => "after",
        Moment::HalfAnswered => "body",
    }
}

/// What happened at a point and afterwards.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Whether the process was killed; it may have ended before the point.
    pub(super) killed: bool,
    /// The operation at which it was killed, if it is not that of the run without a kill.
    pub(super) op: Option<String>,
    /// What was wrong after the kill: final names with other bytes than those of the reference, and work that was
    /// acknowledged without its outputs.
    pub(super) partial: Vec<String>,
    /// The differences from the reference at the end.
    pub(super) different: Vec<String>,
    /// Copies of events in a stream, which have the ids and the bytes of their originals.
    pub(super) duplicates: u64,
}

/// A run of a program that is killed at its points.
pub(super) trait Case: Send + Sync {
    fn name(&self) -> &str;

    /// Returns every point, in the order of the run.
    fn points(&self) -> &[Point];

    /// Runs the program, kills it at a point, checks what is left, and runs it until its work is done.
    fn kill(&self, point: &Point) -> Verdict;
}

/// Returns the moments of a position: a response without a body has no middle.
pub(super) fn moments(has_body: bool) -> &'static [Moment] {
    if has_body { &Moment::ALL } else { &Moment::ALL[..2] }
}
