//! When to try again: exponential backoff with full jitter.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often an operation is attempted, and how long the pauses between attempts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of attempts in a row without progress.
    pub max_attempts: u32,
    /// The maximum pause after the first attempt. Each further attempt doubles it.
    pub base_delay: Duration,
    /// The maximum pause after any attempt.
    pub max_delay: Duration,
    /// The seed that pauses are drawn from; a different one in each process if it is `None`.
    pub seed: Option<u64>,
}

impl RetryPolicy {
    /// Returns whether another attempt is allowed after this number of attempts without progress.
    pub const fn allows_another(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }
}

/// Draws pauses with full jitter: anything between zero and the maximum. Callers that were throttled at the same time
/// come back at different times.
#[derive(Debug)]
pub(super) struct Backoff {
    policy: RetryPolicy,
    random: Mutex<fastrand::Rng>,
}

impl Backoff {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        let random = policy.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            policy,
            random: Mutex::new(random),
        }
    }

    pub(super) const fn policy(&self) -> &RetryPolicy {
        &self.policy
    }

    /// Returns the pause after this number of attempts in a row without progress.
    pub(super) fn delay(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let RetryPolicy {
            base_delay, max_delay, ..
        } = self.policy;
        let longest = base_delay.saturating_mul(1 << doublings).min(max_delay);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        longest.mul_f64(random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_spread_below_a_maximum_that_doubles() {
        let draw = |seed| {
            let backoff = Backoff::new(RetryPolicy {
                max_attempts: 40,
                base_delay: Duration::from_millis(100),
                max_delay: Duration::from_secs(10),
                seed: Some(seed),
            });
            (1..=60).map(|attempts| backoff.delay(attempts)).collect::<Vec<_>>()
        };
        let many: Vec<_> = (0..200).map(draw).collect();
        for (attempts, max) in [
            (1, 0.1),
            (2, 0.2),
            (5, 1.6),
            (7, 6.4),
            (8, 10.0),
            (40, 10.0),
            (60, 10.0),
        ] {
            let drawn: Vec<f64> = many.iter().map(|pauses| pauses[attempts - 1].as_secs_f64()).collect();
            let (shortest, longest) = drawn.iter().fold((f64::MAX, 0.0_f64), |(shortest, longest), pause| {
                (shortest.min(*pause), longest.max(*pause))
            });
            assert!(longest <= max && longest > 0.9 * max, "attempt {attempts}: {longest}");
            assert!(shortest < 0.1 * max, "attempt {attempts}: {shortest}");
        }
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
