//! Drives the function through a plan: with faults first, then without, until its queue is empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::plan::{Envelope, Kind, Limit, Place};
use super::reference::{Fate, LOGS};
use super::run::Notes;
use super::world::{MEMORY_MIB, World};
use crate::envelopes;
use crate::servers::fault::draw;
use crate::servers::lambda::{Function, Outcome};
use crate::servers::queue::{Answer, Queue, Settings};

/// A message is received at most twice with faults, and must succeed at its next receipt.
const RECEIPTS: u32 = 5;
/// More invocations than any plan without faults needs.
const MOST: u64 = 200;

/// Runs the plan.
pub(crate) fn drive(world: &World<'_>, notes: &Notes) -> BTreeMap<String, u64> {
    if world.plan.merge {
        return merged(world, notes);
    }
    if world.plan.envelope.is_queued() {
        queued(world, notes)
    } else {
        direct(world, notes)
    }
}

fn start(world: &World<'_>, faulty: bool) -> Function {
    let mut command = world.program(env!("CARGO_BIN_EXE_bootstrap"), faulty);
    if world.plan.seed.is_multiple_of(4) {
        command.env("AWS_LAMBDA_LOG_LEVEL", "DEBUG");
    }
    // The memory for staged outputs follows from that of the function; the rest is in temporary files.
    let tiny = matches!(world.plan.limit, Some(Limit::NoTemporaryFolder | Limit::FileSize(_))) && faulty;
    Function::new(command, if tiny { 1 } else { MEMORY_MIB })
}

/// Runs something with the plan's faults, in as many processes as it says; each gets the number of its process.
fn with_faults(world: &World<'_>, notes: &Notes, work: impl Fn(&mut Function, usize) + Sync) -> BTreeMap<String, u64> {
    let mut functions: Vec<Function> = (0..world.plan.processes).map(|_| start(world, true)).collect();
    world.runtime.set(functions[0].faults().clone()).unwrap();
    for place in [Place::Read, Place::Firehose, Place::Queue] {
        world.faults(place).victim(functions[0].process());
    }
    world.inject();
    std::thread::scope(|scope| {
        for (number, function) in functions.iter_mut().enumerate() {
            let work = &work;
            scope.spawn(move || work(function, number));
        }
    });
    let happened = world.clear();
    for function in &mut functions {
        end(function, notes);
    }
    happened
}

fn end(function: &mut Function, notes: &Notes) {
    function.stop();
    notes.log(&function.stdout());
    notes.log(&function.stderr());
}

/// Invokes the function and checks how it ended.
fn invoke(world: &World<'_>, notes: &Notes, function: &mut Function, payload: &Value, faulty: bool) -> Outcome {
    let outcome = function.invoke(payload, Duration::from_millis(world.plan.limit_ms));
    notes.invoked(function.pid());
    let planned = |wanted: fn(Place, Kind) -> bool| {
        faulty && world.plan.faults.iter().any(|fault| wanted(fault.place, fault.kind))
    };
    let may_end = match &outcome {
        Outcome::Response(_) | Outcome::Error { .. } => true,
        Outcome::ProcessExited { signal: Some(9), .. } => planned(|_, kind| kind.is_kill()),
        Outcome::ProcessExited { .. } => planned(|place, _| matches!(place, Place::Next | Place::Respond)),
        Outcome::TimedOut => planned(|place, kind| place == Place::Respond && kind == Kind::ServerError),
        _ => false,
    };
    if !may_end {
        let end = function.stdout().lines().last().unwrap_or_default().to_owned();
        notes.violation(format!(
            "an invocation ended with {outcome:?}; the last line of the log: {end}"
        ));
    }
    match &outcome {
        Outcome::Response(value) => notes.log(&value.to_string()),
        Outcome::Error { kind, message } => notes.log(&format!("{kind}: {message}")),
        _ => {}
    }
    outcome
}

fn objects(world: &World<'_>, numbers: &[usize]) -> Vec<envelopes::Object> {
    numbers
        .iter()
        .map(|number| world.expected[*number].object.clone())
        .collect()
}

fn commits(world: &World<'_>, notes: &Notes, numbers: &[usize]) {
    for number in numbers {
        if let Err(missing) = world.committed(*number) {
            notes.violation(missing);
        }
    }
}

/// Returns whether one of the objects must fail.
fn fails(world: &World<'_>, numbers: &[usize]) -> bool {
    numbers.iter().any(|number| world.expected[*number].fails())
}

/// The messages of a queue, and the objects of each by its id.
struct Messages {
    queue: Queue,
    objects: BTreeMap<String, Vec<usize>>,
}

impl Messages {
    fn of(world: &World<'_>) -> Self {
        let plan = world.plan;
        let mut messages = Self {
            queue: Queue::new(Settings {
                batch_size: plan.batch,
                max_receive_count: RECEIPTS,
                reports_failures: plan.settings.get("PARTIAL_BATCH").is_some_and(|value| value == "true"),
                shuffle: Some(plan.seed),
                again_permille: plan.again_permille,
                ..Settings::default()
            }),
            objects: BTreeMap::new(),
        };
        for numbers in &plan.messages {
            let objects = objects(world, numbers);
            let body = match plan.envelope {
                Envelope::SqsSns => envelopes::sns_message(&envelopes::s3(&objects), "URL"),
                Envelope::SqsFailed => envelopes::failed_invocation(&envelopes::s3(&objects)),
                Envelope::SqsEventBridge => envelopes::event_bridge(&objects[0], "Object Created"),
                _ => envelopes::s3(&objects),
            };
            let id = messages.queue.send(body.to_string());
            messages.objects.insert(id, numbers.clone());
        }
        messages
    }

    /// Delivers at most this many batches.
    fn drain(&mut self, most: u64, world: &World<'_>, notes: &Notes, function: &mut Function, faulty: bool) {
        let reports = world
            .plan
            .settings
            .get("PARTIAL_BATCH")
            .is_some_and(|value| value == "true");
        let known = &self.objects;
        self.queue.drain(most, |batch| {
            let outcome = invoke(world, notes, function, batch, faulty);
            let ids = batch["Records"].as_array().unwrap().iter();
            let ids: BTreeSet<&str> = ids.map(|record| record["messageId"].as_str().unwrap()).collect();
            let failed: BTreeSet<&str> = match &outcome {
                Outcome::Response(value) => {
                    let failures = value["batchItemFailures"].as_array().into_iter().flatten();
                    failures
                        .map(|entry| entry["itemIdentifier"].as_str().unwrap())
                        .collect()
                }
                _ => ids.clone(),
            };
            for id in ids.difference(&failed) {
                commits(world, notes, &known[*id]);
            }
            let must_fail: BTreeSet<&str> = ids.iter().filter(|id| fails(world, &known[**id])).copied().collect();
            let wanted = if reports || must_fail.is_empty() {
                &must_fail
            } else {
                &ids
            };
            if (faulty && !wanted.is_subset(&failed)) || (!faulty && failed != *wanted) {
                notes.violation(format!(
                    "failed: {failed:?}, must fail: {must_fail:?}, of {ids:?}: {outcome:?}"
                ));
            }
            Answer::from(outcome)
        });
    }
}

fn queued(world: &World<'_>, notes: &Notes) -> BTreeMap<String, u64> {
    let messages: Vec<_> = (0..world.plan.processes)
        .map(|_| Mutex::new(Messages::of(world)))
        .collect();
    let rounds = 2 * world.plan.messages.len().div_ceil(world.plan.batch) as u64;
    let happened = with_faults(world, notes, |function, number| {
        messages[number]
            .lock()
            .unwrap()
            .drain(rounds, world, notes, function, true);
    });
    let mut function = start(world, false);
    for messages in messages {
        let mut messages = messages.into_inner().unwrap();
        messages.drain(MOST, world, notes, &mut function, false);
        let dead: BTreeSet<_> = messages.queue.dead.iter().map(|message| message.id.clone()).collect();
        let failing = |(id, numbers): (&String, &Vec<usize>)| fails(world, numbers).then(|| id.clone());
        let must_fail: BTreeSet<_> = messages.objects.iter().filter_map(failing).collect();
        // Without a list of failures, the messages of a batch fail together.
        let reports = world
            .plan
            .settings
            .get("PARTIAL_BATCH")
            .is_some_and(|value| value == "true");
        if !messages.queue.left().is_empty() || !must_fail.is_subset(&dead) || (reports && dead != must_fail) {
            notes.violation(format!(
                "dead letters: {dead:?}, must be {must_fail:?}; left: {:?}",
                messages.queue.left()
            ));
        }
    }
    end(&mut function, notes);
    happened
}

/// Invocations by a sender that repeats an event if the function fails, as Lambda does with asynchronous events.
fn direct(world: &World<'_>, notes: &Notes) -> BTreeMap<String, u64> {
    let plan = world.plan;
    let payloads: Vec<(Vec<usize>, Value)> = plan
        .messages
        .iter()
        .map(|numbers| {
            let objects = objects(world, numbers);
            let payload = match plan.envelope {
                Envelope::Sns => envelopes::sns(&envelopes::s3(&objects)),
                Envelope::EventBridge => envelopes::event_bridge(&objects[0], "Object Created"),
                Envelope::Batch1 => envelopes::batch_1(&objects[0]),
                Envelope::Batch2 => envelopes::batch_2(&objects[0]),
                Envelope::Objects => envelopes::objects(&objects),
                _ => envelopes::s3(&objects),
            };
            (numbers.clone(), payload)
        })
        .collect();
    let done: Vec<_> = payloads.iter().map(|_| AtomicBool::new(false)).collect();
    let succeeded = |outcome: &Outcome| match outcome {
        Outcome::Response(value) if matches!(plan.envelope, Envelope::Batch1 | Envelope::Batch2) => {
            value["results"][0]["resultCode"] == "Succeeded"
        }
        Outcome::Response(_) => true,
        _ => false,
    };
    let deliver = |function: &mut Function, number: usize, faulty: bool| {
        let (numbers, payload) = &payloads[number];
        let outcome = invoke(world, notes, function, payload, faulty);
        let ok = succeeded(&outcome);
        if ok {
            commits(world, notes, numbers);
            done[number].store(true, Ordering::SeqCst);
        }
        // S3 Batch Operations ends a job of which many tasks fail, so what is not a log succeeds there.
        let excused = plan.envelope.is_single() && world.expected[numbers[0]].fate == Fate::Failed { named: false };
        let may_succeed = !fails(world, numbers) || (excused && plan.envelope != Envelope::EventBridge);
        if (ok && !may_succeed) || (!ok && !faulty && may_succeed) {
            notes.violation(format!("{numbers:?} of {:?}: {outcome:?}", plan.envelope));
        }
    };
    let happened = with_faults(world, notes, |function, _| {
        for number in 0..payloads.len() {
            deliver(function, number, true);
        }
    });
    let mut function = start(world, false);
    for (number, done) in done.iter().enumerate() {
        let again = draw(plan.seed, &[number as u64, 9]) % 1000 < plan.again_permille;
        if again || !done.load(Ordering::SeqCst) {
            deliver(&mut function, number, false);
        }
    }
    end(&mut function, notes);
    happened
}

/// Merged delivery: the schedule, its messages, and one message for each folder as a backfill sends it.
fn merged(world: &World<'_>, notes: &Notes) -> BTreeMap<String, u64> {
    let due = json!({"merge": {"due": "2026-10-07T12:00:00Z"}});
    let folders: BTreeSet<&str> = world
        .expected
        .iter()
        .map(|expected| expected.object.key.rsplit_once('/').map_or("", |(folder, _)| folder))
        .collect();
    let messages = |bodies: Vec<String>| {
        let mut queue = Queue::new(Settings {
            batch_size: 1,
            max_receive_count: 8,
            shuffle: Some(world.plan.seed),
            again_permille: world.plan.again_permille,
            ..Settings::default()
        });
        let all = folders
            .iter()
            .map(|folder| json!({"merge": {"bucket": LOGS, "folder": format!("{folder}/"), "all": true}}).to_string());
        for body in all.chain(bodies) {
            queue.send(body);
        }
        queue
    };
    let happened = with_faults(world, notes, |function, _| {
        invoke(world, notes, function, &due, true);
        let mut queue = messages(world.sqs.take());
        queue.drain(2 * folders.len() as u64, |batch| {
            invoke(world, notes, function, batch, true).into()
        });
    });
    let mut function = start(world, false);
    let outcome = invoke(world, notes, &mut function, &due, false);
    if !matches!(outcome, Outcome::Response(_)) {
        notes.violation(format!("the schedule failed without faults: {outcome:?}"));
    }
    let mut queue = messages(world.sqs.take());
    let mut rounds = 0;
    while !queue.left().is_empty() && rounds < 5 {
        queue.drain(MOST, |batch| invoke(world, notes, &mut function, batch, false).into());
        // A folder that is not finished in one invocation is sent again.
        for body in world.sqs.take() {
            queue.send(body);
        }
        rounds += 1;
    }
    if !queue.left().is_empty() || !queue.dead.is_empty() {
        notes.violation(format!("left: {:?}; dead letters: {:?}", queue.left(), queue.dead));
    }
    end(&mut function, notes);
    happened
}
