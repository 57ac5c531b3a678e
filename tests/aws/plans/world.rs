//! The servers and folders of a plan, its faults, and the programs that run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::contents::CANARIES;
use super::plan::{Destination, Fault, Kind, Limit, Place, Plan, Program, label};
use super::reference::{self, Expected, LOGS, OUT, STREAM};
use crate::servers::fault::{self, Mask, Moment, Nonsense, Op, Rule, draw};
use crate::servers::{firehose, s3, sqs};

/// The memory of the smallest function, in MiB.
pub(crate) const MEMORY_MIB: u32 = 128;
/// A delay that outlasts the time for work of a plan with a short time-out.
const LONG: Duration = Duration::from_millis(2_600);

/// Everything around the programs of a plan.
pub(crate) struct World<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) expected: Vec<Expected>,
    pub(crate) s3: s3::Server,
    pub(crate) firehose: firehose::Server,
    pub(crate) sqs: sqs::Server,
    /// The faults of the runtime API of the first function.
    pub(crate) runtime: OnceLock<fault::Plan>,
    folder: tempfile::TempDir,
}

impl<'a> World<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        let expected = reference::expected(plan);
        let s3 = s3::Server::start();
        s3.bucket(
            LOGS,
            s3::Options {
                page: 3,
                ..s3::Options::default()
            },
        );
        s3.bucket(OUT, s3::Options::default());
        for Expected { object, bytes, .. } in &expected {
            s3.put(LOGS, &object.key, bytes.clone());
        }
        let firehose = firehose::Server::start();
        firehose.stream(STREAM);
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        Self {
            plan,
            expected,
            s3,
            firehose,
            sqs: sqs::Server::start(),
            runtime: OnceLock::new(),
            folder,
        }
    }

    /// Returns the destination, if it is a folder.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Returns a program with its settings; `limited` is whether the plan's limit applies to it.
    pub(crate) fn program(&self, path: &str, limited: bool) -> Command {
        let limit = self.plan.limit.filter(|_| limited);
        let shell = match limit {
            // An ignored signal stays ignored: a write beyond the limit returns an error instead.
            Some(Limit::FileSize(kib)) => Some(format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2)),
            Some(Limit::Memory) => Some(format!("ulimit -d {}; exec \"$0\" \"$@\"", MEMORY_MIB << 10)),
            _ => None,
        };
        let mut command = match shell {
            Some(script) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", &script, path]);
                command
            }
            None => Command::new(path),
        };
        let temporary = if limit == Some(Limit::NoTemporaryFolder) {
            "gone"
        } else {
            "tmp"
        };
        command
            .env_clear()
            .envs(reference::settings(self.plan, self.out().to_str().unwrap()))
            .env("TMPDIR", self.folder.path().join(temporary))
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", CANARIES[3])
            .env("AWS_SESSION_TOKEN", format!("session-{}", CANARIES[3]))
            .env("AWS_REGION", "us-east-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_MAX_ATTEMPTS", self.plan.attempts.to_string())
            .env("AWS_ENDPOINT_URL", self.s3.endpoint())
            .env("AWS_ENDPOINT_URL_FIREHOSE", self.firehose.endpoint())
            .env("AWS_ENDPOINT_URL_SQS", self.sqs.endpoint());
        if self.plan.merge && self.plan.program == Program::Function {
            command.env("QUEUE_URL", self.sqs.queue_url());
        }
        command
    }

    /// Puts the plan's faults in place. They happen to whatever runs, until `clear`.
    pub(crate) fn inject(&self) {
        for fault in &self.plan.faults {
            for rule in rules(fault, self.plan.seed) {
                self.faults(fault.place).add(rule);
            }
        }
        if self.plan.limit == Some(Limit::BlockedFolder) {
            fs::write(self.out(), "in the way").unwrap();
        }
    }

    /// Removes the faults and returns how often each happened.
    pub(crate) fn clear(&self) -> BTreeMap<String, u64> {
        let mut happened: BTreeMap<String, u64> = BTreeMap::new();
        let mut seen: BTreeMap<usize, usize> = BTreeMap::new();
        for fault in &self.plan.faults {
            let position = seen.entry(server(fault.place)).or_default();
            // What precedes a fault, to make it possible, is not counted.
            *position += rules(fault, self.plan.seed).len();
            let fired = self.faults(fault.place).fired_by_rule()[*position - 1];
            if fired > 0 {
                *happened.entry(label(fault.place, fault.kind)).or_default() += fired;
            }
        }
        if let Some(limit) = self.plan.limit {
            happened.insert(limit.to_string(), 1);
        }
        for place in [Place::Read, Place::Firehose, Place::Queue, Place::Next] {
            self.faults(place).clear();
        }
        if self.plan.limit == Some(Limit::BlockedFolder) {
            fs::remove_file(self.out()).unwrap();
        }
        happened
    }

    /// Returns the faults of the server that a place belongs to.
    pub(crate) fn faults(&self, place: Place) -> &fault::Plan {
        match server(place) {
            0 => self.s3.faults(),
            1 => self.firehose.faults(),
            2 => self.sqs.faults(),
            _ => self.runtime.get_or_init(fault::Plan::default),
        }
    }

    /// Returns the files of the destination by their names.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        if self.plan.destination != Destination::Folder {
            let objects = self.s3.objects(OUT).into_iter();
            return objects.map(|(key, object)| (key, object.body.to_vec())).collect();
        }
        let out = self.out();
        let files = walkdir::WalkDir::new(&out).into_iter().filter_map(Result::ok);
        files
            .filter(|file| file.file_type().is_file())
            .map(|file| {
                let name = file.path().strip_prefix(&out).unwrap().to_str().unwrap();
                (format!("{}{name}", reference::PREFIX), fs::read(file.path()).unwrap())
            })
            .collect()
    }

    /// Checks that everything that an object must become is visible.
    pub(crate) fn committed(&self, number: usize) -> Result<(), String> {
        let expected = &self.expected[number];
        let files = self.files();
        for (key, bytes) in expected.in_bucket(self.plan.destination) {
            if files.get(&key) != Some(bytes) {
                return Err(format!(
                    "{} was acknowledged, and {key} is not there as it must be",
                    expected.object.key
                ));
            }
        }
        if self.plan.destination == Destination::Firehose {
            let delivered = self.firehose.delivered(STREAM);
            let delivered: std::collections::BTreeSet<&[u8]> =
                delivered.split_inclusive(|byte| *byte == b'\n').collect();
            if !expected.events().is_subset(&delivered) {
                return Err(format!(
                    "{} was acknowledged, and events are missing in the stream",
                    expected.object.key
                ));
            }
        }
        Ok(())
    }
}

/// Returns the number of the server that a place belongs to.
const fn server(place: Place) -> usize {
    match place {
        Place::Firehose => 1,
        Place::Queue => 2,
        Place::Next | Place::Respond => 3,
        _ => 0,
    }
}

/// Returns the rules of a fault. The last one is the fault itself; those before it make it possible.
fn rules(planned: &Fault, seed: u64) -> Vec<Rule> {
    let Fault {
        place,
        kind,
        nth,
        times,
        at,
    } = *planned;
    let on = |fault: fault::Fault| {
        let rule = Rule::new(fault).during(nth..=nth + times - 1);
        match place.op() {
            Some(op) => rule.op(op),
            None => rule,
        }
    };
    let mut rules = Vec::new();
    match (place, kind) {
        // An output is looked at only if it exists already, and an upload is aborted only if it fails.
        (Place::Head, _) => rules.push(Rule::new(fault::Fault::LoseResponse).op(Op::PutObject).during(2..=4)),
        (Place::AbortUpload, _) => {
            let denied = fault::Fault::Status(403, "AccessDenied");
            rules.push(Rule::new(denied).op(Op::UploadPart).during(1..=2));
        }
        (_, Kind::IgnoreRange) => {
            rules.push(Rule::new(fault::Fault::FinAt(at)).op(Op::GetObject).nth(nth));
            rules.push(Rule::new(fault::Fault::IgnoreRange).op(Op::GetObject).nth(nth + 1));
            return rules;
        }
        _ => {}
    }
    rules.push(on(fault_of(place, kind, at, draw(seed, &[nth, at]))));
    rules
}

fn fault_of(place: Place, kind: Kind, at: u64, seed: u64) -> fault::Fault {
    use crate::servers::fault::Fault;
    let code = |s3: &'static str, other: &'static str| {
        if matches!(place, Place::Firehose | Place::Queue) {
            other
        } else {
            s3
        }
    };
    match kind {
        Kind::Refuse => Fault::Refuse,
        Kind::SlowDown => Fault::Status(503, code("SlowDown", "ServiceUnavailableException")),
        Kind::ServerError => Fault::Status(500, code("InternalError", "InternalFailure")),
        Kind::TooManyRequests => Fault::Status(429, "TooManyRequests"),
        Kind::Conflict => Fault::Status(409, "ConditionalRequestConflict"),
        Kind::Denied => Fault::Status(403, code("AccessDenied", "AccessDeniedException")),
        Kind::Skewed => Fault::Status(403, "RequestTimeTooSkewed"),
        Kind::FarDate => Fault::Date("Thu, 01 Jan 2004 00:00:00 GMT"),
        Kind::Delay => Fault::Delay(Duration::from_millis(50)),
        Kind::LongDelay => Fault::Delay(LONG),
        Kind::Stall => Fault::StallAt(at),
        Kind::Fin => Fault::FinAt(at),
        Kind::Reset => Fault::ResetAt(at),
        Kind::Corrupt => Fault::CorruptAt(at),
        Kind::IgnoreRange => Fault::IgnoreRange,
        Kind::LoseResponse => Fault::LoseResponse,
        Kind::ErrorIn200 => Fault::ErrorIn200,
        Kind::RejectAll => Fault::FailRecords(Mask::All),
        Kind::RejectSome => Fault::FailRecords(Mask::Random { seed, permille: 500 }),
        Kind::Nonsense => Fault::Nonsense(Nonsense::ALL[usize::try_from(seed % 7).unwrap()]),
        Kind::KillBefore => Fault::Kill(Moment::Before),
        Kind::KillAfter => Fault::Kill(Moment::After),
        Kind::KillHalfAnswered => Fault::Kill(Moment::HalfAnswered),
    }
}
