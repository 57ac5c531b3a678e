//! What an audit found. Findings go to temporary files, because there may be one for each object.

use std::io::{self, BufRead as _, BufReader, BufWriter, Seek as _, Write as _};

use serde_json::{Value, json};
use tempfile::SpooledTempFile;

use crate::layout::Delivery;

use super::super::Stop;

/// The number of bytes of a list that stay in memory.
const MAX_IN_MEMORY: usize = 1024 * 1024;

/// What an audit found.
pub(super) struct Findings {
    /// The mode of the destination.
    pub(super) delivery: Delivery,
    /// The number of objects that are counted.
    pub(super) objects: u64,
    /// The number of those that are delivered, or need no output.
    pub(super) complete: u64,
    /// The number of objects that are not counted yet.
    pub(super) young: u64,
    /// The number of objects that need no output.
    pub(super) without_output: u64,
    /// Findings whose objects are not named yet.
    pub(super) drafts: List,
    pub(super) missing: List,
    pub(super) missing_outputs: List,
    pub(super) failed: List,
    pub(super) extra: List,
    pub(super) corrupt: List,
    pub(super) unbalanced: List,
    pub(super) gaps: List,
}

/// Findings of one kind.
pub(super) struct List {
    lines: BufWriter<SpooledTempFile>,
    count: u64,
}

impl Findings {
    pub(super) fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            objects: 0,
            complete: 0,
            young: 0,
            without_output: 0,
            drafts: List::default(),
            missing: List::default(),
            missing_outputs: List::default(),
            failed: List::default(),
            extra: List::default(),
            corrupt: List::default(),
            unbalanced: List::default(),
            gaps: List::default(),
        }
    }

    /// Adds an object that failed.
    pub(super) fn fail(&mut self, key: &str, reason: &str) -> Result<(), Stop> {
        self.failed.add(&json!({"key": key, "reason": reason}))
    }

    /// Returns whether nothing is wrong. A gap is nothing that a delivery could have done better.
    pub(super) const fn is_clean(&self) -> bool {
        self.missing.count
            + self.missing_outputs.count
            + self.failed.count
            + self.extra.count
            + self.corrupt.count
            + self.unbalanced.count
            == 0
    }

    /// Returns every list with its name, in the order of the report.
    pub(super) const fn lists(&mut self) -> [(&'static str, &mut List); 7] {
        [
            ("missing", &mut self.missing),
            ("missing_outputs", &mut self.missing_outputs),
            ("failed", &mut self.failed),
            ("extra", &mut self.extra),
            ("corrupt", &mut self.corrupt),
            ("unbalanced", &mut self.unbalanced),
            ("gaps", &mut self.gaps),
        ]
    }
}

impl Default for List {
    fn default() -> Self {
        Self {
            lines: BufWriter::new(SpooledTempFile::new(MAX_IN_MEMORY)),
            count: 0,
        }
    }
}

impl List {
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, finding: &Value) -> Result<(), Stop> {
        self.count += 1;
        writeln!(self.lines, "{finding}").map_err(|error| unusable(&error))
    }

    /// Calls a function with each finding, in the order in which they were added.
    pub(super) fn each(&mut self, mut each: impl FnMut(&Value) -> Result<(), Stop>) -> Result<(), Stop> {
        let rewound = self.lines.flush().and_then(|()| self.lines.get_mut().rewind());
        rewound.map_err(|error| unusable(&error))?;
        let mut lines = BufReader::new(self.lines.get_mut());
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.read_until(b'\n', &mut line).map_err(|error| unusable(&error))?;
            if read == 0 {
                return Ok(());
            }
            let finding = serde_json::from_slice(&line).map_err(|error| unusable(&error.into()))?;
            each(&finding)?;
        }
    }
}

fn unusable(error: &io::Error) -> Stop {
    Stop::Failed(format!(
        "a temporary file cannot be used: {error}; check the space in the temporary directory"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_back_in_order() {
        let mut list = List::default();
        for number in 0..200_000 {
            assert!(list.add(&json!(format!("key {number}\n"))).is_ok());
        }
        for _ in 0..2 {
            let mut next = 0;
            let read = list.each(|finding| {
                assert_eq!(finding, &json!(format!("key {next}\n")));
                next += 1;
                Ok(())
            });
            assert!(read.is_ok());
            assert_eq!((next, list.count()), (200_000, 200_000));
        }
    }
}
