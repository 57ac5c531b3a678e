//! The earliest objects of a folder: a bound for memory.

use std::collections::BinaryHeap;

use super::Candidate;

/// The maximum number of objects that a look knows at a time. A folder with more is listed again.
const MAX_CANDIDATES: usize = 20_000;

/// The earliest of any number of objects.
#[derive(Debug, Default)]
pub struct Earliest {
    /// The latest first.
    kept: BinaryHeap<Candidate>,
    objects: usize,
    bytes: u64,
}

impl Earliest {
    /// Adds an object.
    pub fn add(&mut self, candidate: Candidate) {
        self.objects += 1;
        self.bytes += candidate.bytes;
        self.kept.push(candidate);
        if self.kept.len() > MAX_CANDIDATES {
            self.kept.pop();
        }
    }

    /// Returns the number of all objects.
    pub const fn objects(&self) -> usize {
        self.objects
    }

    /// Returns the bytes of all objects.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the earliest objects, sorted, and whether there are more.
    pub fn into_sorted(self) -> (Vec<Candidate>, bool) {
        let kept = self.kept.into_sorted_vec();
        let more = self.objects > kept.len();
        (kept, more)
    }
}
