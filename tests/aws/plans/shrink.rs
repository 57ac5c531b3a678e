//! Reduces a failing plan while it still fails.

use std::time::{Duration, Instant};

use super::plan::{Damage, Fault, Name, Object, Plan};

/// The maximum time for reducing a plan. The largest parts are tried first.
const MOST_TIME: Duration = Duration::from_mins(1);

/// Returns a plan of which no part can be left out: without it, the plan no longer fails.
pub(crate) fn shrink(plan: &Plan, fails: impl Fn(&Plan) -> bool) -> Plan {
    let mut shortest = plan.clone();
    let begun = Instant::now();
    'again: loop {
        for shorter in shorter(&shortest) {
            if begun.elapsed() > MOST_TIME {
                return shortest;
            }
            if fails(&shorter) {
                shortest = shorter;
                continue 'again;
            }
        }
        return shortest;
    }
}

/// Returns plans with one part less, the largest parts first.
fn shorter(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut add = |change: &dyn Fn(&mut Plan)| {
        let mut changed = plan.clone();
        change(&mut changed);
        if changed != *plan && !changed.objects.is_empty() && !changed.messages.is_empty() {
            all.push(changed);
        }
    };
    for number in 0..plan.objects.len() {
        add(&|plan| remove_object(plan, number));
    }
    for number in 0..plan.faults.len() {
        add(&|plan| {
            plan.faults.remove(number);
        });
    }
    for number in 0..plan.messages.len() {
        add(&|plan| drop(plan.messages.remove(number)));
    }
    add(&|plan| plan.limit = None);
    add(&|plan| plan.processes = 1);
    add(&|plan| plan.again_permille = 0);
    add(&|plan| plan.attempts = 1);
    add(&|plan| plan.batch = 1);
    add(&|plan| plan.jobs = 1);
    for name in plan.settings.keys() {
        add(&|plan| drop(plan.settings.remove(name)));
    }
    for number in 0..plan.objects.len() {
        for change in SIMPLER_OBJECT {
            add(&|plan| change(&mut plan.objects[number]));
        }
    }
    for number in 0..plan.faults.len() {
        for change in SIMPLER_FAULT {
            add(&|plan| change(&mut plan.faults[number]));
        }
    }
    all
}

const SIMPLER_OBJECT: [fn(&mut Object); 7] = [
    |object| object.damage = Damage::None,
    |object| object.name = Name::Usual,
    |object| object.lines = 1,
    |object| object.members = 1,
    |object| object.broken_permille = 0,
    |object| object.hours = 0,
    |object| object.format = 0,
];

const SIMPLER_FAULT: [fn(&mut Fault); 3] = [|fault| fault.times = 1, |fault| fault.nth = 1, |fault| fault.at = 0];

/// Removes an object from the plan and from its messages. The contents of the others change, because they are drawn from the
/// number of the object.
fn remove_object(plan: &mut Plan, number: usize) {
    plan.objects.remove(number);
    for message in &mut plan.messages {
        message.retain(|object| *object != number);
        for object in message.iter_mut().filter(|object| **object > number) {
            *object -= 1;
        }
    }
    plan.messages.retain(|message| !message.is_empty());
}
