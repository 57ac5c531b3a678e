//! The function: messages of a queue, some of which are handled by a process that is killed.

use std::process::Command;
use std::time::Duration;

use alb_ingest::object::hex;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::point::{Case, Point, Verdict};
use super::world::{Needs, World, added, foreign, missing};
use crate::common::Files;
use crate::function_merge::due;
use crate::servers::lambda::{Function, Outcome};
use crate::servers::queue::{Queue, Settings};

const LIMIT: Duration = Duration::from_mins(1);
/// The invocations after which messages that are left count as lost.
const MOST_INVOCATIONS: u64 = 60;

/// A function and the messages of its queue.
pub(super) struct FunctionCase {
    name: &'static str,
    objects: Files,
    bodies: Vec<String>,
    settings: Vec<(&'static str, &'static str)>,
    reference: Files,
    /// The outputs that a message must have before it is deleted.
    needs: Needs,
    points: Vec<Point>,
}

impl FunctionCase {
    /// Creates the case and runs it without a kill. Without `bodies`, the schedule sends the messages.
    pub(super) fn new(
        name: &'static str,
        objects: Files,
        bodies: Vec<String>,
        settings: &[(&'static str, &'static str)],
    ) -> Self {
        let mut case = Self {
            name,
            objects,
            bodies,
            settings: settings.to_vec(),
            reference: Files::new(),
            needs: Needs::new(),
            points: Vec::new(),
        };
        case.learn();
        let world = World::new(&case.objects);
        let mut function = case.function(&world);
        let mut responses = 0;
        let left = case.drive(&world, &mut function, case.batch_size(), &mut responses, |_| {});
        assert!(left.is_empty() && foreign(&world.outputs(), &case.reference).is_empty());
        case.points = world.points(responses);
        case
    }

    /// Runs the messages one at a time, and keeps the outputs of each.
    fn learn(&mut self) {
        let world = World::new(&self.objects);
        let mut function = self.function(&world);
        let (mut before, mut needs) = (Files::new(), Needs::new());
        let left = self.drive(&world, &mut function, 1, &mut 0, |queue| {
            let after = world.outputs();
            if let Some(message) = queue.deleted.last() {
                needs.insert(message.body.clone(), added(&before, &after));
            }
            before = after;
        });
        assert!(left.is_empty(), "{}: {left:?}\n{}", self.name, function.stdout());
        assert!(world.uploads().is_empty() && !needs.is_empty());
        (self.reference, self.needs) = (world.outputs(), needs);
    }

    fn function(&self, world: &World) -> Function {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
        world.serve(&mut command);
        command
            .env("DESTINATION", "s3://outputs/all")
            .env("PARTIAL_BATCH", "true")
            .env("QUEUE_URL", world.sqs.queue_url())
            .envs(self.settings.iter().copied());
        Function::new(command, 256)
    }

    const fn is_merged(&self) -> bool {
        self.bodies.is_empty()
    }

    /// The template's event source maps one folder of a merge to an invocation.
    const fn batch_size(&self) -> usize {
        if self.is_merged() { 1 } else { 10 }
    }

    /// Delivers all messages until each is done, as Lambda and its queue do, and calls `look` after each batch. Returns the
    /// messages that are left.
    fn drive(
        &self,
        world: &World,
        function: &mut Function,
        batch_size: usize,
        responses: &mut u64,
        mut look: impl FnMut(&Queue),
    ) -> Vec<String> {
        let mut queue = Queue::new(Settings {
            batch_size,
            ..Settings::default()
        });
        let mut invoke = |event: &Value| {
            let outcome = function.invoke(event, LIMIT);
            *responses += u64::from(matches!(outcome, Outcome::Response(_)));
            outcome
        };
        if self.is_merged() {
            // Lambda tries an asynchronous invocation three times.
            (0..3).any(|_| matches!(invoke(&due()), Outcome::Response(_)));
        }
        for body in self.bodies.iter().cloned().chain(world.sqs.take()) {
            queue.send(body);
        }
        while !queue.left().is_empty() && queue.invocations < MOST_INVOCATIONS {
            queue.drain(1, |batch| invoke(batch).into());
            for body in world.sqs.take() {
                queue.send(body);
            }
            look(&queue);
        }
        let left = queue.left().iter().chain(&queue.dead);
        left.map(|message| format!("not delivered: {}", message.body)).collect()
    }

    /// Returns what is wrong: outputs that the reference does not have, and deleted messages without their outputs.
    fn wrong(&self, world: &World, queue: &Queue) -> Vec<String> {
        let found = world.outputs();
        let mut wrong = foreign(&found, &self.reference);
        for message in &queue.deleted {
            let needs = self.needs.get(&message.body).map_or(&[][..], Vec::as_slice);
            let lacks = needs.iter().filter(|name| !found.contains_key(*name));
            wrong.extend(lacks.map(|name| format!("acknowledged without {name}")));
        }
        wrong
    }
}

impl Case for FunctionCase {
    fn name(&self) -> &str {
        self.name
    }

    fn points(&self) -> &[Point] {
        &self.points
    }

    fn kill(&self, point: &Point) -> Verdict {
        let world = World::new(&self.objects);
        let mut function = self.function(&world);
        let runtime = function.faults().clone();
        world.arm(point, function.process(), Some(&runtime));
        let (mut partial, mut uploads) = (Vec::new(), None);
        let left = self.drive(&world, &mut function, self.batch_size(), &mut 0, |queue| {
            partial.extend(self.wrong(&world, queue));
            if uploads.is_none() && world.reached(point, Some(&runtime)) {
                uploads = Some(world.uploads());
            }
        });
        let found = world.outputs();
        let mut different = [foreign(&found, &self.reference), missing(&found, &self.reference), left].concat();
        different.extend(world.replaced());
        // Only those of the killed process may be open.
        let of_killed = uploads.unwrap_or_default();
        let open = world.uploads().into_iter().filter(|id| !of_killed.contains(id));
        different.extend(open.map(|id| format!("{id} is open")));
        Verdict {
            killed: world.reached(point, Some(&runtime)),
            op: world.killed_at(),
            partial,
            different,
            duplicates: world.duplicates(),
        }
    }
}

/// Returns messages of S3 about objects: the first one about two of them, the others about one each.
pub(super) fn notifications(objects: &Files) -> Vec<String> {
    let records: Vec<_> = objects.iter().map(|(key, bytes)| record(key, bytes)).collect();
    let (first, others) = records.split_at(2);
    let messages = std::iter::once(first).chain(others.chunks(1));
    messages
        .map(|records| json!({ "Records": records }).to_string())
        .collect()
}

fn record(key: &str, bytes: &[u8]) -> Value {
    let etag = hex(&Md5::digest(bytes));
    json!({
        "eventVersion": "2.5",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "logs"},
            "object": {"key": key, "size": bytes.len(), "eTag": etag},
        },
    })
}
