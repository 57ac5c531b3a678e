//! What the objects of a plan must become: the engine in this process, without storage that fails.

use std::collections::{BTreeMap, BTreeSet};

use alb_ingest::config::Config;
use alb_ingest::ingest::Outcome;
use alb_ingest::object::{ObjectRef, names_a_log};

use super::contents;
use super::plan::{Destination, Plan, Program};
use crate::common::{Files, ingest_chunks};
use crate::envelopes::{self, etag};

/// The bucket of the log objects, and that of the outputs.
pub(crate) const LOGS: &str = "logs";
pub(crate) const OUT: &str = "outputs";
/// The place of the outputs in their bucket, and that of a stream's quarantine.
pub(crate) const PREFIX: &str = "all/";
pub(crate) const QUARANTINE: &str = "rejects/";
pub(crate) const STREAM: &str = "events";

/// What must become of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Ingested,
    Skipped,
    /// The object fails for good; S3 Batch Operations is not told so unless its name is that of a log.
    Failed {
        named: bool,
    },
}

/// An object and its reference.
pub(crate) struct Expected {
    pub(crate) object: envelopes::Object,
    pub(crate) bytes: Vec<u8>,
    pub(crate) fate: Fate,
    /// The outputs by their names below the destination.
    pub(crate) files: Files,
    pub(crate) lines: u64,
    pub(crate) events: u64,
    pub(crate) quarantined: u64,
    pub(crate) skipped: u64,
}

/// Returns the settings of a plan as environment variables, for outputs in S3 or in a stream.
pub(crate) fn settings(plan: &Plan, folder: &str) -> BTreeMap<String, String> {
    let mut settings = plan.settings.clone();
    let mut set = |name: &str, value: &str| settings.insert(name.to_owned(), value.to_owned());
    match plan.destination {
        Destination::S3 => set("DESTINATION", &format!("s3://{OUT}/{}", PREFIX.trim_end_matches('/'))),
        Destination::Folder => set("DESTINATION", folder),
        Destination::Firehose => {
            set(
                "QUARANTINE",
                &format!("s3://{OUT}/{}", QUARANTINE.trim_end_matches('/')),
            );
            set("DESTINATION", &format!("firehose://{STREAM}"))
        }
    };
    if plan.merge {
        set("MERGE", "true");
        if plan.program == Program::Function {
            set("SOURCE", &format!("s3://{LOGS}"));
        }
    }
    settings
}

/// Ingests the objects of a plan in this process.
pub(crate) fn expected(plan: &Plan) -> Vec<Expected> {
    let settings = settings(plan, "/somewhere");
    let config = Config::read(|setting| settings.get(setting.name).cloned()).unwrap();
    let of = |(key, bytes): (String, Vec<u8>)| {
        let object = ObjectRef {
            bucket: LOGS.to_owned(),
            key: key.clone(),
            version: etag(&bytes),
        };
        let run = ingest_chunks(object.clone(), &bytes, &[], &config.ingest);
        let (fate, ledger) = match run.result {
            Ok(Outcome::Ingested(ledger)) => (Fate::Ingested, ledger),
            Ok(Outcome::Skipped(_, ledger)) => (Fate::Skipped, ledger),
            Err(_) => {
                assert!(run.files.is_empty(), "a failed object wrote {:?}", run.files.keys());
                let named = names_a_log(&key);
                (Fate::Failed { named }, alb_ingest::ingest::Ledger::default())
            }
        };
        Expected {
            object: envelopes::Object {
                bucket: LOGS.to_owned(),
                size: bytes.len() as u64,
                etag: object.version,
                key,
            },
            bytes,
            fate,
            files: run.files,
            lines: ledger.lines,
            events: ledger.events,
            quarantined: ledger.quarantined,
            skipped: ledger.skipped_lines,
        }
    };
    contents::objects(plan).into_iter().map(of).collect()
}

impl Expected {
    pub(crate) const fn fails(&self) -> bool {
        matches!(self.fate, Fate::Failed { .. })
    }

    /// Returns the outputs by their keys in the bucket of the outputs; a stream has only those of the quarantine.
    pub(crate) fn in_bucket(&self, destination: Destination) -> impl Iterator<Item = (String, &Vec<u8>)> {
        self.files.iter().filter_map(move |(name, bytes)| {
            let key = match (destination, name.strip_prefix("_quarantine/")) {
                (Destination::Firehose, Some(rest)) => format!("{QUARANTINE}{rest}"),
                (Destination::Firehose, None) => return None,
                _ => format!("{PREFIX}{name}"),
            };
            Some((key, bytes))
        })
    }

    /// Returns the lines of the events, if they are text.
    pub(crate) fn events(&self) -> BTreeSet<&[u8]> {
        let events = self.files.iter().filter(|(name, _)| !name.starts_with("_quarantine/"));
        events
            .flat_map(|(_, bytes)| bytes.split_inclusive(|byte| *byte == b'\n'))
            .collect()
    }
}
