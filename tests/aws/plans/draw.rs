//! Draws a plan from a seed. Plan `n` has the fault number `n` of all kinds and places, so consecutive seeds cover them all;
//! everything else is random.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::plan::{
    Damage, Destination, Envelope, Fault, Kind, LIMITS, Limit, Name, Object, PLACES, Place, Plan, Program, kinds,
};

/// The time-out of an invocation that waits for nothing, and of one whose deadline is meant to pass.
const LIMIT_MS: u64 = 20_000;
const SHORT_LIMIT_MS: u64 = 4_000;

/// The number of the log type whose objects are not compressed: a large one takes less time.
const CLASSIC: usize = 4;
/// The lines of a large object.
const LARGE_LINES: u64 = 10;

/// The fault that a plan is drawn around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Fault(Place, Kind),
    Limit(Limit),
}

/// Returns every subject.
pub(crate) fn subjects() -> Vec<Subject> {
    let faults = PLACES
        .iter()
        .flat_map(|place| kinds(*place).iter().map(|kind| Subject::Fault(*place, *kind)));
    faults.chain(LIMITS.map(Subject::Limit)).collect()
}

/// Draws a plan.
pub(crate) fn plan(seed: u64) -> Plan {
    let subjects = subjects();
    let count = subjects.len() as u64;
    let subject = subjects[usize::try_from(seed % count).unwrap()];
    let mut rng = Rng::with_seed(seed);
    let mut plan = frame(seed, subject, &mut rng);
    draw_settings(&mut plan, &mut rng);
    draw_objects(&mut plan, subject, &mut rng);
    draw_messages(&mut plan, &mut rng);
    match subject {
        Subject::Limit(limit) => plan.limit = Some(limit),
        Subject::Fault(place, kind) => {
            // In the first round the fault always happens: every place has a first request.
            let nth = if seed < count || rng.bool() { 1 } else { rng.u64(1..8) };
            let fault = fault(place, kind, nth, &mut rng);
            plan.faults.push(fault);
        }
    }
    draw_more_faults(&mut plan, seed < count, &mut rng);
    plan
}

/// Chooses what the subject needs.
fn frame(seed: u64, subject: Subject, rng: &mut Rng) -> Plan {
    let mut program = if rng.u8(0..10) < 6 {
        Program::Function
    } else {
        Program::Command
    };
    let mut destination = match rng.u8(0..10) {
        0..6 => Destination::S3,
        6..8 => Destination::Firehose,
        _ if program == Program::Command => Destination::Folder,
        _ => Destination::S3,
    };
    let mut merge = destination == Destination::S3 && rng.u8(0..10) < 3;
    let mut limit_ms = LIMIT_MS;
    let mut attempts = [1, 1, 1, 2, 2, 3][rng.usize(..6)];
    if let Subject::Fault(place, kind) = subject {
        match place {
            Place::Head => (destination, merge, attempts) = (Destination::S3, false, 3),
            Place::CreateUpload | Place::UploadPart | Place::CompleteUpload | Place::AbortUpload => {
                (destination, merge) = (Destination::S3, false);
            }
            Place::Write => destination = Destination::S3,
            Place::List if !merge => program = Program::Command,
            Place::Copy => (destination, merge) = (Destination::S3, true),
            Place::Firehose => (destination, merge) = (Destination::Firehose, false),
            Place::Queue => (program, destination, merge) = (Program::Function, Destination::S3, true),
            Place::Next | Place::Respond => program = Program::Function,
            _ => {}
        }
        if kind == Kind::LongDelay {
            program = Program::Function;
            limit_ms = SHORT_LIMIT_MS;
        }
        if place == Place::Respond && kind == Kind::ServerError {
            // The function does not see that its response was rejected, and waits for an event until its time ends.
            limit_ms = SHORT_LIMIT_MS / 2;
        }
    }
    match subject {
        Subject::Limit(Limit::BlockedFolder) => (program, destination) = (Program::Command, Destination::Folder),
        Subject::Limit(Limit::FileSize(_)) if rng.bool() => {
            (program, destination) = (Program::Command, Destination::Folder);
        }
        Subject::Limit(Limit::FileSize(_) | Limit::NoTemporaryFolder) => {
            (program, destination, merge) = (Program::Function, Destination::S3, false);
        }
        _ => {}
    }
    if program == Program::Function && destination == Destination::Folder {
        destination = Destination::S3;
    }
    merge &= destination != Destination::Firehose;
    Plan {
        seed,
        program,
        destination,
        merge,
        settings: BTreeMap::new(),
        envelope: Envelope::ALL[rng.usize(..Envelope::ALL.len())],
        objects: Vec::new(),
        messages: Vec::new(),
        batch: rng.usize(1..=4),
        again_permille: if rng.u8(0..4) == 0 { 300 } else { 0 },
        processes: if rng.u8(0..4) == 0 { 2 } else { 1 },
        jobs: rng.usize(1..=4),
        attempts,
        limit_ms,
        limit: None,
        faults: Vec::new(),
    }
}

fn draw_settings(plan: &mut Plan, rng: &mut Rng) {
    let mut set = |name: &str, value: &str| plan.settings.insert(name.to_owned(), value.to_owned());
    let pick = |rng: &mut Rng, values: &[&'static str]| values[rng.usize(..values.len())];
    set("SCHEMA", pick(rng, &["native", "native", "panther", "ecs", "ocsf"]));
    set("ON_CORRUPT", pick(rng, &["salvage", "salvage", "strict"]));
    set("PARTIAL_BATCH", pick(rng, &["true", "true", "true", "false"]));
    if plan.destination == Destination::Firehose {
        set("FIREHOSE_RECORDS", pick(rng, &["packed", "packed", "single"]));
        set("FIREHOSE_DYNAMIC_PARTITIONING", pick(rng, &["false", "true"]));
        return;
    }
    set("PARTITION_BY", pick(rng, &["day", "hour", "none"]));
    let (format, codecs): (_, &[_]) = match rng.bool() {
        true => ("parquet", &["zstd", "snappy", "gzip", "none"]),
        // Merged rows are compared as text.
        false if plan.merge => ("json", &["none"]),
        false => ("json", &["zstd", "gzip", "none"]),
    };
    set("FORMAT", format);
    set("COMPRESSION", pick(rng, codecs));
    if plan.merge {
        set("MERGE_OBJECTS", pick(rng, &["2", "3", "100"]));
    }
}

fn draw_objects(plan: &mut Plan, subject: Subject, rng: &mut Rng) {
    for _ in 0..rng.usize(2..=5) {
        let damage = match rng.u8(0..30) {
            0 => Damage::Empty,
            1 | 2 => Damage::Truncated(rng.u64(0..1000)),
            3 | 4 => Damage::FlippedBit(rng.u64(0..1000)),
            5 => Damage::TrailingJunk,
            6 | 7 => Damage::Plain,
            8 => Damage::NotALog,
            9 => Damage::Garbage,
            10 if rng.bool() => Damage::LongLine,
            _ => Damage::None,
        };
        plan.objects.push(Object {
            format: rng.usize(0..5),
            lines: rng.u64(1..30),
            broken_permille: if rng.u8(0..3) == 0 { 100 } else { 0 },
            members: [1, 1, 1, 2, 3, 7][rng.usize(..6)],
            damage,
            name: [
                Name::Usual,
                Name::Usual,
                Name::Usual,
                Name::Space,
                Name::Plus,
                Name::Percent,
                Name::Unicode,
            ][rng.usize(..7)],
            hours: [0, 0, 1, 13][rng.usize(..4)],
        });
    }
    let large = match subject {
        Subject::Fault(place, _) => place.is_of_uploads(),
        Subject::Limit(Limit::NoTemporaryFolder) => true,
        Subject::Limit(Limit::FileSize(_)) => plan.program == Program::Function,
        Subject::Limit(_) => false,
    };
    if large {
        // Text that is not compressed, so that a small object becomes a large output.
        for (name, value) in [("FORMAT", "json"), ("COMPRESSION", "none"), ("SCHEMA", "native")] {
            plan.settings.insert(name.to_owned(), value.to_owned());
        }
        plan.processes = 1;
        plan.objects.truncate(2);
        let first = &mut plan.objects[0];
        *first = Object {
            format: CLASSIC,
            damage: Damage::Large,
            hours: 0,
            lines: LARGE_LINES,
            broken_permille: 0,
            ..first.clone()
        };
    } else {
        // At least one object has events.
        plan.objects[0].damage = Damage::None;
    }
}

fn draw_messages(plan: &mut Plan, rng: &mut Rng) {
    let mut left: Vec<usize> = (0..plan.objects.len()).collect();
    rng.shuffle(&mut left);
    while !left.is_empty() {
        let size = if plan.envelope.is_single() {
            1
        } else {
            rng.usize(1..=left.len().min(3))
        };
        let mut message: Vec<usize> = left.drain(..size).collect();
        if !plan.envelope.is_single() && rng.u8(0..5) == 0 {
            message.push(message[0]);
        }
        plan.messages.push(message);
    }
    if rng.u8(0..4) == 0 {
        plan.messages.push(plan.messages[0].clone());
    }
}

fn fault(place: Place, kind: Kind, nth: u64, rng: &mut Rng) -> Fault {
    let at = if rng.bool() { rng.u64(0..64) } else { rng.u64(0..4_000) };
    let times = match kind {
        _ if kind.is_kill() || matches!(kind, Kind::Stall | Kind::LongDelay | Kind::IgnoreRange) => 1,
        _ => [1, 1, 1, 2, 4][rng.usize(..5)],
    };
    Fault {
        place,
        kind,
        nth,
        times,
        at,
    }
}

/// Returns whether a plan makes requests of a place.
pub(crate) fn has(plan: &Plan, place: Place) -> bool {
    let each_to_s3 = plan.destination == Destination::S3 && !plan.merge;
    match place {
        Place::Read | Place::AnyOfS3 => true,
        Place::Head => each_to_s3,
        Place::List => plan.program == Program::Command || plan.merge,
        Place::Write => plan.destination == Destination::S3,
        Place::Copy => plan.merge && plan.destination == Destination::S3,
        Place::CreateUpload | Place::UploadPart | Place::CompleteUpload | Place::AbortUpload => {
            each_to_s3 && plan.objects.iter().any(|object| object.damage == Damage::Large)
        }
        Place::Firehose => plan.destination == Destination::Firehose,
        Place::Queue => plan.merge && plan.program == Program::Function,
        Place::Next | Place::Respond => plan.program == Program::Function,
    }
}

/// Adds faults that take no time, at any place of the plan. `spares` is whether they must not prevent the first fault.
fn draw_more_faults(plan: &mut Plan, spares: bool, rng: &mut Rng) {
    let places: Vec<Place> = PLACES.into_iter().filter(|place| has(plan, *place)).collect();
    for _ in 0..rng.usize(0..=3) {
        let place = places[rng.usize(..places.len())];
        let all = kinds(place);
        let kind = all[rng.usize(..all.len())];
        let is_slow =
            matches!(kind, Kind::Stall | Kind::LongDelay) || (place == Place::Respond && kind == Kind::ServerError);
        // The bytes of a resumed read have no checksum, so a flipped bit of a text is then no one's to notice.
        let others = plan.faults.iter().map(|fault| fault.kind).chain([kind]);
        let reads: Vec<Kind> = others.filter(|kind| breaks_reads(*kind)).collect();
        let hides_corruption = reads.contains(&Kind::Corrupt) && reads.len() > 1;
        // A fault in an abort comes with one that makes the upload fail.
        let prevents =
            kind.is_kill() || matches!(place, Place::List | Place::Next | Place::Respond | Place::AbortUpload);
        if !(is_slow || hides_corruption || spares && prevents) {
            let nth = rng.u64(if spares { 3 } else { 1 }..8);
            plan.faults.push(fault(place, kind, nth, rng));
        }
    }
}

const fn breaks_reads(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Fin | Kind::Reset | Kind::Stall | Kind::IgnoreRange | Kind::Corrupt
    )
}
