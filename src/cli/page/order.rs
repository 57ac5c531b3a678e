//! Adds up what is known of objects in their order, whichever is read first.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::report::Accumulator;

/// The sum of what is known of objects. The figures depend on the order in which objects are added, so it is that of their numbers.
pub(super) struct InOrder {
    state: Mutex<State>,
    advanced: Condvar,
    /// The maximum number of objects that wait for those before them.
    ahead: usize,
}

#[derive(Default)]
struct State {
    all: Accumulator,
    /// The number of the next object.
    next: usize,
    waiting: BTreeMap<usize, Option<Box<Accumulator>>>,
}

/// The place of an object in the order. An object that fails, or whose reading panics, leaves its place empty.
pub(super) struct Place<'a> {
    order: &'a InOrder,
    number: usize,
    /// What is known of the object, after it was read to its end.
    pub(super) events: Option<Box<Accumulator>>,
}

impl InOrder {
    /// Returns an empty sum. At most `ahead` objects wait for those before them.
    pub(super) fn new(ahead: usize) -> Self {
        Self {
            state: Mutex::default(),
            advanced: Condvar::new(),
            ahead,
        }
    }

    /// Returns the place of an object. Places must be taken in the order of their numbers, which begin with 0.
    pub(super) const fn place(&self, number: usize) -> Place<'_> {
        Place {
            order: self,
            number,
            events: None,
        }
    }

    /// Returns the sum.
    pub(super) fn finish(self) -> Accumulator {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).all
    }

    fn add(&self, number: usize, events: Option<Box<Accumulator>>) {
        let locked = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The next object is always being read, and never waits.
        let must_wait = |state: &mut State| number != state.next && state.waiting.len() >= self.ahead;
        let waited = self.advanced.wait_while(locked, must_wait);
        let mut state: MutexGuard<'_, State> = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.insert(number, events);
        loop {
            let next = state.next;
            let Some(events) = state.waiting.remove(&next) else {
                break;
            };
            state.next += 1;
            if let Some(events) = events {
                state.all.merge(*events);
            }
        }
        drop(state);
        self.advanced.notify_all();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.order.add(self.number, self.events.take());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn every_place_is_passed_although_some_are_empty_and_panic() {
        let order = InOrder::new(2);
        let numbers = AtomicUsize::new(0);
        let work = || {
            loop {
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                if number >= 500 {
                    break;
                }
                let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let mut place = order.place(number);
                    assert!(!number.is_multiple_of(7), "a defect");
                    place.events = number.is_multiple_of(3).then(Box::default);
                }));
                assert_eq!(read.is_err(), number.is_multiple_of(7));
            }
        };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(work);
            }
        });
        let state = order.state.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((state.next, state.waiting.len()), (500, 0));
    }
}
