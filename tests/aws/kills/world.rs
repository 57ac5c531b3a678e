//! The servers of a case, their objects, and comparisons with the reference.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use alb_ingest::formats::FORMATS;
use alb_ingest::generate::{Object, Rate};
use alb_ingest::object::hex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::point::{Point, Sequence, moments};
use crate::common::Files;
use crate::lambda::aws;
use crate::servers::fault::{Fault, Op, Plan, Rule};
use crate::servers::process::Process;
use crate::servers::{firehose, s3, sqs};

const MINUTE: u64 = 60_000_000;
/// Where merges stage files: a killed worker may leave some, which no reader sees.
const STAGED: &str = "_merge/_staged/";

/// Returns objects of every log type that span midnight and have malformed lines, so most have three outputs.
pub(super) fn objects(seed: u64, count: u64) -> Files {
    let objects = (0..count).map(|number| {
        let format = FORMATS[usize::try_from(number).unwrap() % FORMATS.len()];
        let mut object = Object::new(format, seed * 1_000 + number, 20);
        // From two minutes before midnight, for five minutes.
        object.traffic.start += (12 * 60 + 18) * MINUTE;
        object.traffic.broken = Rate::per_million(100_000);
        let mut bytes = Vec::new();
        object.write_to(&mut bytes).unwrap();
        (object.key(), bytes)
    });
    objects.collect()
}

/// Returns an object with this number of lines.
pub(super) fn object(seed: u64, lines: u64) -> (String, Vec<u8>) {
    let object = Object::new(FORMATS[0], seed * 1_000 + 999, lines);
    let mut bytes = Vec::new();
    object.write_to(&mut bytes).unwrap();
    (object.key(), bytes)
}

/// The servers of one run, with the buckets `logs` and `outputs` and the stream `events`.
pub(super) struct World {
    pub(super) s3: s3::Server,
    pub(super) sqs: sqs::Server,
    firehose: firehose::Server,
}

impl World {
    pub(super) fn new(objects: &Files) -> Self {
        let (s3, sqs, firehose) = (s3::Server::start(), sqs::Server::start(), firehose::Server::start());
        s3.bucket("logs", s3::Options::default());
        s3.bucket("outputs", s3::Options::default());
        firehose.stream("events");
        for (key, bytes) in objects {
            s3.put("logs", key, bytes.clone());
        }
        Self { s3, sqs, firehose }
    }

    /// Makes a program use these servers.
    pub(super) fn serve(&self, command: &mut Command) {
        aws(command, &self.s3);
        command
            .env("AWS_ENDPOINT_URL_SQS", self.sqs.endpoint())
            .env("AWS_ENDPOINT_URL_FIREHOSE", self.firehose.endpoint());
    }

    /// Returns the objects of the bucket, and the events of the stream as one file for each id. A copy with other bytes than
    /// its original is a file of its own.
    pub(super) fn outputs(&self) -> Files {
        let objects = self.s3.objects("outputs").into_iter();
        let mut files: Files = objects.map(|(key, object)| (key, object.body.to_vec())).collect();
        for line in self.delivered().split_inclusive(|byte| *byte == b'\n') {
            let event: Value = serde_json::from_slice(line).unwrap();
            let mut name = format!("events/{}", event["event_id"].as_str().unwrap());
            if files.get(&name).is_some_and(|original| original != line) {
                name.push_str(" with other bytes");
            }
            files.insert(name, line.to_vec());
        }
        files
    }

    fn delivered(&self) -> Vec<u8> {
        self.firehose.delivered("events")
    }

    /// Returns the number of copies of events in the stream.
    pub(super) fn duplicates(&self) -> u64 {
        let delivered = self.delivered();
        let lines = delivered.split_inclusive(|byte| *byte == b'\n').count();
        let distinct = self.outputs().keys().filter(|key| key.starts_with("events/")).count();
        (lines - distinct) as u64
    }

    /// Returns the ids of the multipart uploads that are open.
    pub(super) fn uploads(&self) -> Vec<String> {
        let uploads = self.s3.open_uploads("outputs").into_iter();
        uploads.map(|upload| upload.id).collect()
    }

    /// Returns the objects that were written more than once: no output is ever replaced, not even by the same bytes.
    pub(super) fn replaced(&self) -> Vec<String> {
        let writes = [Op::PutObject, Op::CopyObject, Op::CompleteMultipartUpload];
        let mut keys = BTreeSet::new();
        let entries = self.s3.journal().entries().into_iter();
        let written = entries.filter(|entry| entry.done && writes.contains(&entry.op));
        let again = written.filter(|entry| !keys.insert(entry.key.clone()));
        again.map(|entry| format!("{} was replaced", entry.key)).collect()
    }

    /// Returns the points of the run that these servers served, in which the function responded to this number of events.
    pub(super) fn points(&self, responses: u64) -> Vec<Point> {
        let has_body = |op| op != Op::HeadObject;
        let s3 = self.s3.journal().entries().into_iter();
        let s3 = s3.map(|entry| (entry.op, entry.done && entry.sent() > 0 && has_body(entry.op)));
        let firehose = self.firehose.journal().entries().into_iter();
        let firehose = firehose.map(|entry| (entry.op, false));
        let repeated = |op, count: u64| (0..count).map(move |_| (op, false));
        [
            points_of(Sequence::S3, s3),
            points_of(Sequence::Firehose, firehose),
            points_of(Sequence::Sqs, repeated(Op::SendMessageBatch, self.sqs.calls())),
            points_of(Sequence::Runtime, repeated(Op::InvocationResponse, responses)),
        ]
        .concat()
    }

    /// Kills a process at a point. `runtime` are the faults of its Runtime API, if it has one.
    pub(super) fn arm(&self, point: &Point, victim: &Process, runtime: Option<&Plan>) {
        let rule = Rule::new(Fault::Kill(point.moment)).nth(point.position);
        let rule = match point.sequence {
            // Requests for events are not counted.
            Sequence::Runtime => rule.op(Op::InvocationResponse),
            _ => rule,
        };
        self.plan(point, runtime).victim(victim).add(rule);
    }

    /// Returns whether the point was reached.
    pub(super) fn reached(&self, point: &Point, runtime: Option<&Plan>) -> bool {
        self.plan(point, runtime).fired() > 0
    }

    fn plan<'a>(&'a self, point: &Point, runtime: Option<&'a Plan>) -> &'a Plan {
        match point.sequence {
            Sequence::S3 => self.s3.faults(),
            Sequence::Firehose => self.firehose.faults(),
            Sequence::Sqs => self.sqs.faults(),
            Sequence::Runtime => runtime.expect("a function"),
            Sequence::Calls(_) => panic!("a system call is not a request"),
        }
    }

    /// Returns the operation at which the process was killed, if its server has a journal.
    pub(super) fn killed_at(&self) -> Option<String> {
        let entries = [self.s3.journal().entries(), self.firehose.journal().entries()].concat();
        let killed = entries
            .iter()
            .find(|entry| matches!(entry.fault, Some(Fault::Kill(_))))?;
        Some(killed.op.to_string())
    }
}

/// Returns the points of a sequence of operations, each with whether its response has a body.
fn points_of(sequence: Sequence, ops: impl Iterator<Item = (Op, bool)>) -> Vec<Point> {
    let ops: Vec<_> = ops.collect();
    let of = ops.len() as u64;
    let positions = (1..).zip(ops).flat_map(|(position, (op, has_body))| {
        moments(has_body).iter().map(move |moment| Point {
            sequence,
            position,
            of,
            moment: *moment,
            op: op.to_string(),
        })
    });
    positions.collect()
}

/// Returns the final names whose bytes are not those of the reference, and staged files whose bytes are not those that
/// their names promise.
pub(super) fn foreign(found: &Files, reference: &Files) -> Vec<String> {
    let is_as_promised = |name: &String, bytes: &Vec<u8>| {
        if name.contains(STAGED) {
            name.contains(&hex(&Sha256::digest(bytes)))
        } else {
            reference.get(name) == Some(bytes)
        }
    };
    let foreign = found.iter().filter(|(name, bytes)| !is_as_promised(name, bytes));
    foreign
        .map(|(name, bytes)| format!("{name} ({} bytes)", bytes.len()))
        .collect()
}

/// Returns the files of the reference that are missing.
pub(super) fn missing(found: &Files, reference: &Files) -> Vec<String> {
    let missing = reference
        .keys()
        .filter(|name| !name.contains(STAGED) && !found.contains_key(*name));
    missing.map(|name| format!("{name} is missing")).collect()
}

/// Returns the names that a file system or a bucket got between two looks.
pub(super) fn added(before: &Files, after: &Files) -> Vec<String> {
    after
        .keys()
        .filter(|name| !before.contains_key(*name))
        .cloned()
        .collect()
}

/// What each piece of work has to leave: the names, by the work.
pub(super) type Needs = BTreeMap<String, Vec<String>>;
