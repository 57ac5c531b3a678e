//! Explores every interleaving of the steps of several workers on one folder, with every fault that storage and machines have,
//! and checks the promises of merged delivery in each state. The workers run the state machine of `alb_ingest::merge`; only
//! storage is modelled.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use alb_ingest::merge::plan::{Balance, Fate, File, Place, Plan};
use alb_ingest::merge::{Answer, Candidate, Ingested, Log, Reading, Request};

use world::{Budget, Bug, Effect, Scenario, State, Worker, World, candidate, row};

struct Model {
    scenario: Scenario,
    bug: Bug,
}

impl Model {
    fn start(&self) -> State {
        let Scenario {
            workers,
            objects,
            budget,
            ..
        } = self.scenario;
        State {
            world: World {
                objects: vec![Some(0); usize::from(objects)],
                plans: Vec::new(),
                done: BTreeSet::new(),
                marks: BTreeMap::new(),
                staged: BTreeSet::new(),
                visible: BTreeMap::new(),
                delayed: Vec::new(),
            },
            workers: (0..workers).map(|number| Worker::new(&self.scenario, number)).collect(),
            budget,
            started: workers,
        }
    }

    /// Returns every state that may follow.
    fn next(&self, state: &State) -> Vec<State> {
        let mut next = Vec::new();
        for worker in 0..state.workers.len() {
            self.work(state, worker, &mut next);
            if state.budget.crashes > 0 {
                let mut crashed = state.clone();
                crashed.workers.remove(worker);
                crashed.budget.crashes -= 1;
                next.push(crashed);
            }
        }
        if state.budget.starts > 0 {
            let mut started = state.clone();
            started.workers.push(Worker::new(&self.scenario, started.started));
            started.started += 1;
            started.budget.starts -= 1;
            next.push(started);
        }
        for number in 0..state.world.delayed.len() {
            let mut late = state.clone();
            let effect = late.world.delayed.remove(number);
            late.world.apply(&effect);
            next.push(late);
        }
        Self::change_objects(state, &mut next);
        next
    }

    fn change_objects(state: &State, next: &mut Vec<State>) {
        if state.budget.arrivals > 0 {
            let mut changed = state.clone();
            changed.world.objects.push(Some(0));
            changed.budget.arrivals -= 1;
            next.push(changed);
        }
        for (number, object) in state.world.objects.iter().enumerate() {
            if let Some(content) = object {
                if state.budget.changes > 0 {
                    let mut changed = state.clone();
                    changed.world.objects[number] = Some(content + 1);
                    changed.budget.changes -= 1;
                    next.push(changed);
                }
                if state.budget.vanishings > 0 {
                    let mut changed = state.clone();
                    changed.world.objects[number] = None;
                    changed.budget.vanishings -= 1;
                    next.push(changed);
                }
            }
        }
    }

    /// Performs the request of a worker, in every way that it may end.
    fn work(&self, state: &State, number: usize, next: &mut Vec<State>) {
        let worker = &state.workers[number];
        let answered = |mut world: State, answer: Answer| {
            let worker = world.workers.remove(number);
            if let Some(worker) = worker.answer(answer) {
                world.workers.insert(number, worker);
            }
            world
        };
        let world = &state.world;
        let effect = match &worker.request {
            Request::ListLog => {
                let plans = (0..)
                    .zip(&world.plans)
                    .map(|(number, _)| (number, world.done.contains(&number)));
                let marks = world
                    .marks
                    .iter()
                    .map(|(id, marks)| (*id, u8::try_from(marks.len()).unwrap()));
                let log = Log {
                    plans: plans.collect(),
                    marks: marks.collect(),
                    ..Log::default()
                };
                return next.push(answered(state.clone(), Answer::Log(log)));
            }
            Request::ReadPlan(number) => {
                let plan = world.plans.get(usize::try_from(*number).unwrap()).cloned();
                return next.push(answered(state.clone(), Answer::Plan(plan)));
            }
            Request::ListFolder => {
                let objects = world.objects.iter().enumerate();
                let listed = objects.filter_map(|(number, object)| Some(candidate(number, (*object)?)));
                let new = listed.filter(|listed| !worker.look.is_planned(&listed.identity));
                let listed = new.cloned().collect();
                return next.push(answered(state.clone(), Answer::Folder(listed, false)));
            }
            Request::Ingest(batch) => return self.ingest(state, number, batch, next),
            Request::NoteLeftOut(_) => {
                for too_long in [false, true] {
                    next.push(answered(state.clone(), Answer::LeftOutTooLong(too_long)));
                }
                return;
            }
            Request::Restage(_, plan) => {
                // The staged files of this model never expire.
                panic!("nothing is staged for {plan:?}");
            }
            Request::End => unreachable!("a worker that has ended is removed"),
            Request::CreatePlan(number, plan) => Effect::Plan(*number, self.as_created(plan)),
            Request::Publish(_, plan, file) => {
                let file = &plan.files[*file];
                let content = match self.bug {
                    Bug::PlanFirst => self.execute(state, worker.version, plan),
                    _ => file.sha256.clone(),
                };
                if self.bug != Bug::PlanFirst && !world.staged.contains(&file.sha256) {
                    return next.push(answered(state.clone(), Answer::Missing));
                }
                Effect::Copy(file.key.clone(), content)
            }
            Request::CreateDone(number, _) => Effect::Done(*number),
            Request::Mark(identity, mark) => Effect::Mark(*identity, *mark),
        };
        let mut performed = state.clone();
        let created = performed.world.apply(&effect);
        if created && state.budget.lost > 0 {
            let mut lost = performed.clone();
            lost.budget.lost -= 1;
            next.push(answered(lost, Answer::Unknown));
        }
        if state.budget.delayed > 0 {
            let mut delayed = state.clone();
            delayed.budget.delayed -= 1;
            delayed.world.delayed.push(effect.clone());
            next.push(answered(delayed, Answer::Unknown));
        }
        if !created
            && self.bug == Bug::PassUnread
            && let Effect::Plan(taken, plan) = &effect
        {
            // The worker believes that the number is another's and asks for the next one at once.
            let following = Effect::Plan(taken + 1, Arc::clone(plan));
            if performed.world.plans.len() == usize::try_from(taken + 1).unwrap() {
                performed.world.apply(&following);
                return next.push(answered(performed, Answer::Done));
            }
        }
        next.push(answered(performed, if created { Answer::Done } else { Answer::Exists }));
    }

    /// Reads the next member of a batch, or stages the files once all are read.
    fn ingest(&self, state: &State, number: usize, batch: &[Candidate], next: &mut Vec<State>) {
        let worker = &state.workers[number];
        if self.bug == Bug::PlanFirst {
            let balance = Balance {
                lines: 1,
                events: 1,
                ..Balance::default()
            };
            let members = batch
                .iter()
                .map(|member| (member.clone(), Reading::Settled(Fate::Ingested(balance))));
            return next.push(self.stage(state, number, members.collect()));
        }
        let Some(member) = batch.get(worker.read.len()) else {
            let members = worker.read.clone();
            return next.push(self.stage(state, number, members));
        };
        let index: usize = member.key.parse().unwrap();
        if self.scenario.poison.is_some_and(|poison| usize::from(poison) == index) {
            let mut ended = state.clone();
            ended.workers.remove(number);
            return next.push(ended);
        }
        let read = |mut state: State, reading: Reading| {
            state.workers[number].read.push((member.clone(), reading));
            state
        };
        let object = state.world.objects[index];
        let fate = if object.map(|content| content.to_string()).as_deref() == Some(member.etag.as_str()) {
            Fate::Ingested(Balance {
                lines: 1,
                events: 1,
                ..Balance::default()
            })
        } else {
            Fate::Failed("gone".to_owned())
        };
        next.push(read(state.clone(), Reading::Settled(fate)));
        if state.budget.throttled > 0 {
            let mut throttled = state.clone();
            throttled.budget.throttled -= 1;
            next.push(read(throttled, Reading::LeftOut("throttled".to_owned())));
        }
    }

    fn stage(&self, state: &State, number: usize, members: Vec<(Candidate, Reading)>) -> State {
        let mut state = state.clone();
        let worker = state.workers.remove(number);
        let ingested = members
            .iter()
            .filter(|(_, reading)| matches!(reading, Reading::Settled(Fate::Ingested(_))));
        let rows: Vec<_> = ingested.map(|(member, _)| row(member, worker.version)).collect();
        let mut files = Vec::new();
        if !rows.is_empty() {
            let content = rows.join(" ");
            // As the worker names it: by the members of the plan, without those that were left out.
            let settled = members
                .iter()
                .filter(|(_, reading)| matches!(reading, Reading::Settled(_)));
            let names: Vec<_> = settled.map(|(member, _)| row(member, 0)).collect();
            files.push(File {
                place: Place::Events,
                key: names.join(" "),
                sha256: if self.bug == Bug::PlanFirst {
                    String::new()
                } else {
                    content.clone()
                },
                etag: String::new(),
                bytes: 1,
            });
            state.world.staged.insert(content);
        }
        if let Some(worker) = worker.answer(Answer::Ingested(Ingested { members, files })) {
            state.workers.insert(number, worker);
        }
        state
    }

    /// Returns what a plan-first worker writes when it executes a plan.
    fn execute(&self, state: &State, version: u8, plan: &Plan) -> String {
        assert_eq!(self.bug, Bug::PlanFirst);
        let readable = plan.members.iter().filter_map(|member| {
            let index: usize = member.key.parse().unwrap();
            let content = state.world.objects[index]?;
            (content.to_string() == member.etag).then(|| row(candidate(index, content), version))
        });
        readable.collect::<Vec<_>>().join(" ")
    }

    fn as_created(&self, plan: &Arc<Plan>) -> Arc<Plan> {
        if self.bug != Bug::ForgetIdentity || plan.repeated.is_empty() {
            return Arc::clone(plan);
        }
        let mut plan = Plan::clone(plan);
        plan.repeated.pop();
        Arc::new(plan)
    }

    /// Checks the promises that hold in every state.
    fn check(&self, state: &State) -> Result<(), String> {
        let world = &state.world;
        let mut members = BTreeSet::new();
        for member in world.planned() {
            if !members.insert(member) {
                return Err("M1: an object is a member of two plans".to_owned());
            }
        }
        let mut known = BTreeMap::new();
        for (number, plan) in (0..).zip(&world.plans) {
            let events = plan.balance().events;
            for file in &plan.files {
                known.insert(&file.key, events);
                match world.visible.get(&file.key) {
                    Some(rows) if self.bug != Bug::PlanFirst && *rows != file.sha256 => {
                        return Err("M2: a visible file is not the staged one".to_owned());
                    }
                    Some(rows) if rows.split_whitespace().count() as u64 != events => {
                        return Err("M5: the visible rows are not those that the plan counts".to_owned());
                    }
                    None if world.done.contains(&number) => {
                        return Err("M2: a plan is done, and its file is not visible".to_owned());
                    }
                    Some(_) | None => {}
                }
            }
        }
        let mut rows = BTreeSet::new();
        for (key, content) in &world.visible {
            if !known.contains_key(key) {
                return Err("M2: a file is visible without a plan".to_owned());
            }
            for row in content.split_whitespace() {
                if !rows.insert(row.split('v').next().unwrap().to_owned()) {
                    return Err("M2: a row is visible twice".to_owned());
                }
            }
        }
        Ok(())
    }

    /// Checks that fresh workers alone finish what others left.
    fn check_recovery(&self, state: &State) -> Result<(), String> {
        let mut state = state.clone();
        state.budget = Budget::default();
        state.workers.clear();
        // A poison object ends a worker; the queue sends the message again.
        for attempt in 0..4 {
            state.workers = vec![Worker::new(&self.scenario, attempt)];
            while !state.workers.is_empty() {
                if let Some(failure) = state.workers[0].look.failures().first() {
                    return Err(format!("M3: a fresh worker failed: {failure}"));
                }
                let mut next = Vec::new();
                self.work(&state, 0, &mut next);
                state = next.swap_remove(0);
                self.check(&state)?;
            }
        }
        let world = &state.world;
        if (0..).zip(&world.plans).any(|(number, _)| !world.done.contains(&number)) {
            return Err("M3: a plan is not published".to_owned());
        }
        let planned: BTreeSet<_> = world.planned().collect();
        for (number, object) in world.objects.iter().enumerate() {
            let Some(content) = object else { continue };
            let Candidate { key, etag, .. } = candidate(number, *content);
            if !planned.contains(&(key.as_str(), etag.as_str())) {
                return Err(format!("M4: object {number} is in no plan"));
            }
        }
        Ok(())
    }

    /// Explores every state; returns their number, or the first broken promise.
    fn explore(&self) -> Result<usize, String> {
        let mut seen = BTreeSet::new();
        let mut stack = vec![self.start()];
        while let Some(state) = stack.pop() {
            if !seen.insert(fingerprint(&state)) {
                continue;
            }
            self.check(&state)?;
            if state.workers.is_empty() {
                self.check_recovery(&state)?;
            }
            stack.extend(self.next(&state));
        }
        Ok(seen.len())
    }
}

/// Collects what is hashed: one walk through a state serves any number of hashes.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.0);
        hasher.finish()
    }
}

/// Returns a fingerprint of a value.
fn fingerprint_of(value: &impl Hash) -> u128 {
    let mut bytes = Bytes::default();
    value.hash(&mut bytes);
    let low = bytes.finish();
    bytes.write(b"more");
    u128::from(low) << 64 | u128::from(bytes.finish())
}

/// Returns a fingerprint of a state. Workers that differ only by their position are the same.
fn fingerprint(state: &State) -> u128 {
    let mut workers: Vec<_> = state.workers.iter().map(fingerprint_of).collect();
    workers.sort_unstable();
    fingerprint_of(&(&state.world, workers, state.budget, state.started))
}

const BASE: Scenario = Scenario {
    name: "",
    workers: 2,
    objects: 2,
    batch: 1,
    poison: None,
    careful: false,
    versions: false,
    budget: Budget {
        starts: 0,
        crashes: 0,
        lost: 0,
        delayed: 0,
        throttled: 0,
        arrivals: 0,
        changes: 0,
        vanishings: 0,
    },
};

fn scenarios() -> Vec<Scenario> {
    let none = Budget::default();
    vec![
        Scenario {
            name: "three workers, two of which crash",
            workers: 3,
            budget: Budget {
                crashes: 2,
                lost: 1,
                arrivals: 1,
                ..none
            },
            ..BASE
        },
        Scenario {
            name: "objects arrive, change and vanish",
            batch: 2,
            budget: Budget {
                crashes: 1,
                arrivals: 1,
                changes: 1,
                vanishings: 1,
                ..none
            },
            ..BASE
        },
        Scenario {
            name: "lost answers and delayed requests",
            budget: Budget {
                crashes: 1,
                lost: 1,
                delayed: 1,
                ..none
            },
            ..BASE
        },
        Scenario {
            name: "two versions of the program",
            batch: 2,
            versions: true,
            budget: Budget {
                starts: 1,
                crashes: 1,
                lost: 1,
                arrivals: 1,
                ..none
            },
            ..BASE
        },
        Scenario {
            name: "objects that cannot be read for now",
            batch: 2,
            budget: Budget {
                crashes: 1,
                throttled: 2,
                ..none
            },
            ..BASE
        },
        Scenario {
            name: "an object that ends its reader",
            workers: 1,
            poison: Some(0),
            careful: true,
            budget: Budget {
                starts: 2,
                lost: 1,
                ..none
            },
            ..BASE
        },
    ]
}

#[test]
fn every_interleaving_keeps_the_promises() {
    let results: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = scenarios()
            .into_iter()
            .map(|scenario| {
                scope.spawn(move || {
                    (
                        scenario.name,
                        Model {
                            scenario,
                            bug: Bug::None,
                        }
                        .explore(),
                    )
                })
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let mut states = 0;
    for (name, result) in results {
        let explored = result.unwrap_or_else(|broken| panic!("{name}: {broken}"));
        println!("{explored:>9} states: {name}");
        states += explored;
    }
    println!("{states:>9} states in all");
    let page = include_str!("../../../docs/semantics.md");
    let number = format!("{},{:03} states", states / 1_000, states % 1_000);
    assert!(page.contains(&number), "docs/semantics.md does not say {number:?}");
}

#[test]
fn planted_defects_are_found() {
    for bug in [Bug::PlanFirst, Bug::PassUnread, Bug::ForgetIdentity] {
        let found = scenarios()
            .into_iter()
            .find_map(|scenario| Model { scenario, bug }.explore().err());
        println!("{bug:?}: {found:?}");
        assert!(found.is_some(), "{bug:?} was not found");
    }
}
