//! The counts of an object.

/// The counts of a log object, which balance: `lines = events + filtered + quarantined + skipped`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries of the log; an entry that spans several physical lines counts once.
    pub lines: u64,
    /// Events, over all outputs.
    pub events: u64,
    /// Events that the filter or the sample leaves out.
    pub filtered: u64,
    /// Malformed lines, which are in the quarantine.
    pub quarantined: u64,
    /// Blank lines.
    pub skipped: u64,
}

impl Counts {
    /// Returns whether every line is accounted for.
    pub fn is_even(&self) -> bool {
        // Recorded counts may be any numbers, whose sum need not fit into 64 bits.
        let parts = [self.events, self.filtered, self.quarantined, self.skipped];
        let rest = parts.into_iter().try_fold(self.lines, u64::checked_sub);
        rest == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn filtered_events_are_part_of_the_balance() {
        let counts = |lines, filtered| Counts {
            lines,
            events: 5,
            filtered,
            quarantined: 2,
            skipped: 1,
        };
        assert!(counts(8, 0).is_even() && counts(12, 4).is_even());
        assert!(!counts(8, 4).is_even() && !counts(12, 3).is_even());
        // A sum that does not fit into 64 bits must not wrap around to an even one.
        assert!(!counts(7, u64::MAX).is_even());
    }
}
