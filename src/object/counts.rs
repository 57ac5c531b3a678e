//! The counts of an object.

/// The counts of a log object, which balance: `lines = events + quarantined + skipped`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries of the log; an entry that spans several physical lines counts once.
    pub lines: u64,
    /// Events, over all outputs.
    pub events: u64,
    /// Malformed lines, which are in the quarantine.
    pub quarantined: u64,
    /// Blank lines.
    pub skipped: u64,
}

impl Counts {
    /// Returns whether every line is accounted for.
    pub const fn is_even(&self) -> bool {
        let events = self.events.checked_add(self.quarantined);
        match events {
            Some(sum) => matches!(sum.checked_add(self.skipped), Some(sum) if sum == self.lines),
            None => false,
        }
    }
}
