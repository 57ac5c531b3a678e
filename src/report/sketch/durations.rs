//! Percentiles of durations.

use sketches_ddsketch::{Config, DDSketch};

use crate::report::figures::Percentiles;

use super::Tally;

/// The maximum relative error of a percentile.
pub(in crate::report) const RELATIVE_ERROR: f64 = 0.01;
/// The number of bins, which is never exceeded: it is enough for every duration between [`SHORTEST`] and [`LONGEST`].
const MAX_BINS: u32 = 2_048;
/// Shorter durations count as 0. Logs have nine digits after the point at most.
const SHORTEST: f64 = 1e-9;
/// Longer durations count as this, about three years.
const LONGEST: f64 = 1e8;

/// Durations in seconds, as a `DDSketch`: the number of durations in each of many intervals, whose ends differ by 2 %. The order
/// in which durations are added or sketches are merged makes no difference.
#[derive(Default)]
pub(in crate::report) struct Durations(Option<Box<DDSketch>>);

impl Durations {
    pub(in crate::report) const fn new() -> Self {
        Self(None)
    }

    /// Adds a duration.
    #[inline]
    pub(in crate::report) fn add(&mut self, seconds: f64) {
        self.0
            .get_or_insert_with(|| Box::new(DDSketch::new(Config::new(RELATIVE_ERROR, MAX_BINS, SHORTEST))))
            .add(seconds.clamp(-LONGEST, LONGEST));
    }

    /// Adds the durations of another sketch.
    pub(in crate::report) fn merge(&mut self, other: &Self) {
        let Some(other) = &other.0 else { return };
        match &mut self.0 {
            // Every sketch has the same configuration, without which merging fails.
            Some(sketch) => drop(sketch.merge(other)),
            None => self.0 = Some(other.clone()),
        }
    }

    /// Returns the number of durations.
    pub(in crate::report) fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |sketch| sketch.count() as u64)
    }

    /// Returns the percentiles, if there are durations.
    pub(in crate::report) fn percentiles(&self) -> Option<Percentiles> {
        let sketch = self.0.as_ref()?;
        let (min, max) = (sketch.min()?, sketch.max()?);
        let count = self.count();
        let percentile = |percent| {
            let rank = nearest_rank(count, percent);
            // The crate takes a share q and returns the value at rank ⌊q · (count − 1)⌋, counted from 0.
            let share = (float(rank) + 0.5) / (float(count) - 1.0);
            let value = if rank + 1 == count {
                Some(max)
            } else {
                sketch.quantile(share.min(1.0)).ok().flatten()
            };
            value.unwrap_or(max).clamp(min, max)
        };
        Some(Percentiles {
            count,
            p50: percentile(50),
            p90: percentile(90),
            p95: percentile(95),
            p99: percentile(99),
            max,
        })
    }
}

impl Tally for Durations {
    fn merge(&mut self, other: Self) {
        Self::merge(self, &other);
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 durations are counted")]
const fn float(number: u64) -> f64 {
    number as f64
}

/// Returns the rank, counted from 0, of the smallest value that at least `percent` percent of `count` values do not exceed.
const fn nearest_rank(count: u64, percent: u64) -> u64 {
    (count.saturating_mul(percent)).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(sorted: &[f64], percent: u64) -> f64 {
        sorted[usize::try_from(nearest_rank(sorted.len() as u64, percent)).unwrap()]
    }

    proptest! {
        #[test]
        fn percentiles_are_within_the_relative_error_whatever_is_merged(
            values in proptest::collection::vec(
                prop_oneof![Just(0.0), 1e-9..1e-6, 0.001..0.1, 0.01..60.0, 1.0..4_000.0, Just(1e8)],
                1..400,
            ),
            split in 0..400_usize,
        ) {
            let (mut one, mut other) = (Durations::default(), Durations::default());
            for (number, value) in values.iter().enumerate() {
                if number < split { one.add(*value) } else { other.add(*value) }
            }
            one.merge(&other);
            let found = one.percentiles().unwrap();
            let mut sorted = values;
            sorted.sort_by(f64::total_cmp);
            prop_assert_eq!(found.count, sorted.len() as u64);
            prop_assert_eq!(found.max.to_bits(), sorted[sorted.len() - 1].to_bits());
            for (percent, found) in [(50, found.p50), (90, found.p90), (95, found.p95), (99, found.p99)] {
                let exact = exact(&sorted, percent);
                let error = (found - exact).abs();
                prop_assert!(error <= exact * RELATIVE_ERROR * 1.000_001 + SHORTEST, "p{percent}: {found}, exactly {exact}");
            }
        }
    }

    #[test]
    fn the_rank_is_the_nearest() {
        for (count, percent, rank) in [
            (1, 50, 0),
            (2, 50, 0),
            (3, 50, 1),
            (100, 99, 98),
            (101, 99, 99),
            (10, 95, 9),
        ] {
            assert_eq!(nearest_rank(count, percent), rank, "{count} {percent}");
        }
    }

    #[test]
    fn no_durations_have_no_percentiles() {
        let mut none = Durations::default();
        none.merge(&Durations::default());
        assert_eq!((none.percentiles(), none.count()), (None, 0));
    }
}
