//! Intervals of time.

use crate::parse::line::time::{DAY, MINUTE, SECOND};
use crate::report::Time;
use crate::report::figures::{self, Interval, MAX_INTERVALS};

use super::volume::Volume;

/// The lengths of intervals in microseconds. Each is a multiple of the one before, so intervals can be joined.
const LENGTHS: [i64; 14] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    60 * MINUTE,
    360 * MINUTE,
    DAY,
    5 * DAY,
    10 * DAY,
    50 * DAY,
    100 * DAY,
    500 * DAY,
    1_000 * DAY,
    5_000 * DAY,
    50_000 * DAY,
];

/// Intervals of the same length, in order; those without events are left out. The length is the shortest with which there are at
/// most [`MAX_INTERVALS`] from the first event to the last, whatever the order of the events.
#[derive(Default)]
pub(super) struct Timeline {
    /// The index of the length.
    level: usize,
    slots: Vec<Slot>,
    /// The position of the last slot that was used, and the times in it.
    last: usize,
    start: i64,
    end: i64,
}

/// An interval.
#[derive(Default)]
pub(super) struct Slot {
    /// The start, in lengths of an interval since 1970.
    number: i64,
    pub(super) volume: Volume,
    pub(super) failed_handshakes: u64,
    pub(super) checks: u64,
    pub(super) failed_checks: u64,
}

impl Slot {
    fn merge(&mut self, other: &Self) {
        self.volume.add_all(&other.volume);
        self.failed_handshakes += other.failed_handshakes;
        self.checks += other.checks;
        self.failed_checks += other.failed_checks;
    }
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self {
            level: 0,
            slots: Vec::new(),
            last: 0,
            start: 0,
            end: 0,
        }
    }

    const fn length(&self) -> i64 {
        LENGTHS[self.level]
    }

    /// Returns the interval of a time.
    #[inline]
    pub(super) fn at(&mut self, time: i64) -> &mut Slot {
        if time < self.start || time >= self.end {
            self.find(time);
        }
        &mut self.slots[self.last]
    }

    #[cold]
    fn find(&mut self, time: i64) {
        self.make_room(time);
        let number = time.div_euclid(self.length());
        self.last = match self.slots.binary_search_by_key(&number, |slot| slot.number) {
            Ok(at) => at,
            Err(at) => {
                let slot = Slot {
                    number,
                    ..Slot::default()
                };
                self.slots.insert(at, slot);
                at
            }
        };
        self.start = number * self.length();
        self.end = self.start + self.length();
    }

    /// Joins intervals until another one fits.
    fn make_room(&mut self, time: i64) {
        let (Some(first), Some(last)) = (self.slots.first(), self.slots.last()) else {
            return;
        };
        let (first, last) = (first.number * self.length(), last.number * self.length());
        let (first, last) = (first.min(time), last.max(time));
        let fits = |length: i64| {
            let intervals = last.div_euclid(length) - first.div_euclid(length) + 1;
            usize::try_from(intervals).is_ok_and(|intervals| intervals <= MAX_INTERVALS)
        };
        while !fits(self.length()) && self.level + 1 < LENGTHS.len() {
            self.join(self.level + 1);
        }
    }

    /// Joins intervals to longer ones.
    fn join(&mut self, level: usize) {
        if level == self.level {
            return;
        }
        let factor = LENGTHS[level] / self.length();
        self.level = level;
        (self.start, self.end) = (0, 0);
        let mut joined: Vec<Slot> = Vec::new();
        for mut slot in self.slots.drain(..) {
            slot.number = slot.number.div_euclid(factor);
            match joined.last_mut() {
                Some(last) if last.number == slot.number => last.merge(&slot),
                _ => joined.push(slot),
            }
        }
        self.slots = joined;
    }

    /// Adds the intervals of other events.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.slots.is_empty() {
            *self = other;
            return;
        }
        other.join(other.level.max(self.level));
        self.join(other.level);
        for slot in &other.slots {
            self.at(slot.number * other.length()).merge(slot);
        }
    }

    /// Returns the intervals.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns the figures, if there are events.
    pub(super) fn figures(&self) -> Option<figures::Timeline> {
        let (first, last) = (self.slots.first()?.number, self.slots.last()?.number);
        let mut slots = self.slots.iter().peekable();
        let empty = Slot::default();
        let intervals = (first..=last).map(|number| {
            let slot = slots.next_if(|slot| slot.number == number).unwrap_or(&empty);
            Interval {
                start: Time(number * self.length()),
                requests: slot.volume.requests(),
                statuses: slot.volume.statuses(),
                received_bytes: slot.volume.received,
                sent_bytes: slot.volume.sent,
                latency: slot.volume.latency.percentiles(),
                connections: slot.volume.connections,
                failed_handshakes: slot.failed_handshakes,
                health_checks: slot.checks,
                failed_health_checks: slot.failed_checks,
            }
        });
        Some(figures::Timeline {
            interval_seconds: (self.length() / SECOND).unsigned_abs(),
            intervals: intervals.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn timeline(times: &[i64]) -> Timeline {
        let mut timeline = Timeline::default();
        for time in times {
            timeline.at(*time).checks += 1;
        }
        timeline
    }

    fn checks(timeline: &Timeline) -> Vec<(i64, u64)> {
        let figures = timeline.figures().unwrap();
        assert!(figures.intervals.len() <= MAX_INTERVALS);
        let starts = figures.intervals.iter().map(|interval| interval.start.micros());
        let length = i64::try_from(figures.interval_seconds).unwrap() * SECOND;
        assert!(
            starts
                .clone()
                .zip(starts.skip(1))
                .all(|(start, next)| next - start == length)
        );
        let counted = figures.intervals.iter().filter(|interval| interval.health_checks > 0);
        counted
            .map(|interval| (interval.start.micros() / length, interval.health_checks))
            .collect()
    }

    proptest! {
        #[test]
        fn the_intervals_do_not_depend_on_the_order_of_events(
            range in prop_oneof![Just(MINUTE), Just(10 * DAY), Just(9_000 * DAY), Just(3_000_000 * DAY)],
            shares in proptest::collection::vec(0.0..1.0_f64, 1..200),
            split in 0..200_usize,
        ) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any times will do")]
            let times: Vec<i64> = shares.iter().map(|share| (share * range as f64) as i64 - range / 2).collect();
            let (one, other) = times.split_at(split.min(times.len()));
            let mut merged = timeline(one);
            merged.merge(timeline(other));
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let expected = timeline(&sorted);
            prop_assert_eq!(checks(&merged), checks(&expected));
            prop_assert_eq!(merged.level, expected.level);
            // No shorter length would do.
            let shorter = expected.level.checked_sub(1).map(|level| LENGTHS[level]);
            let (first, last) = (sorted[0], sorted[sorted.len() - 1]);
            let intervals = |length: i64| last.div_euclid(length) - first.div_euclid(length) + 1;
            let is_shortest = shorter.is_none_or(|length| intervals(length) > i64::try_from(MAX_INTERVALS).unwrap());
            prop_assert!(is_shortest);
        }
    }

    #[test]
    fn every_length_is_a_multiple_of_the_one_before() {
        assert!(LENGTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }
}
