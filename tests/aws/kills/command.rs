//! The command from bucket to bucket.

use std::process::{Command, Output, Stdio};
use std::thread;

use super::point::{Case, Point, Verdict};
use super::world::{World, foreign, missing};
use crate::common::Files;
use crate::servers::process::Process;

/// A command, of which one or two processes run at the same time.
pub(super) struct CommandCase {
    name: &'static str,
    objects: Files,
    args: &'static [&'static str],
    workers: usize,
    reference: Files,
    points: Vec<Point>,
}

impl CommandCase {
    /// Creates the case and runs it without a kill.
    pub(super) fn new(name: &'static str, objects: Files, args: &'static [&'static str], workers: usize) -> Self {
        let mut case = Self {
            name,
            objects,
            args,
            workers,
            reference: Files::new(),
            points: Vec::new(),
        };
        let world = World::new(&case.objects);
        let outputs = case.run(&world, 1, |_| {});
        assert!(
            outputs.iter().all(|output| output.status.success()),
            "{name}: {outputs:?}"
        );
        case.reference = world.outputs();
        if workers == 1 {
            case.points = world.points(0);
            return case;
        }
        let world = World::new(&case.objects);
        case.run(&world, workers, |_| {});
        case.points = world.points(0);
        case
    }

    /// Runs this number of processes at the same time and returns their outputs. `before` gets the first of them.
    fn run(&self, world: &World, workers: usize, before: impl FnOnce(&Process)) -> Vec<Output> {
        let processes: Vec<_> = (0..workers).map(|_| Process::default()).collect();
        before(&processes[0]);
        for process in &processes {
            let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
            world.serve(&mut command);
            command.args(self.args).stdin(Stdio::null());
            process.start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        }
        thread::scope(|scope| {
            let running: Vec<_> = processes
                .iter()
                .map(|process| scope.spawn(|| process.output()))
                .collect();
            running.into_iter().map(|output| output.join().unwrap()).collect()
        })
    }
}

impl Case for CommandCase {
    fn name(&self) -> &str {
        self.name
    }

    fn points(&self) -> &[Point] {
        &self.points
    }

    fn kill(&self, point: &Point) -> Verdict {
        let world = World::new(&self.objects);
        let outputs = self.run(&world, self.workers, |victim| world.arm(point, victim, None));
        let (killed, others) = outputs.split_first().unwrap();
        let (found, uploads) = (world.outputs(), world.uploads());
        let mut partial = foreign(&found, &self.reference);
        if others.iter().any(|other| other.status.success()) {
            partial.extend(missing(&found, &self.reference));
        }
        let killed = killed.status.code().is_none();
        let outputs = self.run(&world, self.workers, |_| {});
        let found = world.outputs();
        let mut different = [foreign(&found, &self.reference), missing(&found, &self.reference)].concat();
        let failed = outputs.iter().filter(|output| !output.status.success());
        different.extend(failed.map(|output| format!("{output:?}")));
        different.extend(world.replaced());
        let open = world.uploads().into_iter().filter(|id| !uploads.contains(id));
        different.extend(open.map(|id| format!("{id} is open")));
        Verdict {
            killed,
            op: world.killed_at(),
            partial,
            different,
            duplicates: 0,
        }
    }
}
