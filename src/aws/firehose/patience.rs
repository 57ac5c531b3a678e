//! When to try again, and when bytes may be sent.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a stream is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The longest pause behind the first try; each further try doubles it.
    pub first: Duration,
    /// The longest pause behind any try.
    pub longest: Duration,
    /// For one try, until its answer is there.
    pub answer: Duration,
    /// Tries without a record confirmed until a call is given up, where no deadline comes first.
    pub tries: u32,
    /// What the pauses are drawn from; something else in each process where it is not given.
    pub seed: Option<u64>,
}

impl Default for Patience {
    /// Pauses up to 100 ms, doubling to 10 s; 30 s for an answer; 40 tries, which take about three minutes.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            tries: 40,
            seed: None,
        }
    }
}

/// Draws pauses with full jitter: anything between nothing and the longest. Callers that were turned down at the same
/// time come back at different ones.
#[derive(Debug)]
pub(super) struct Pauses {
    patience: Patience,
    random: Mutex<fastrand::Rng>,
}

impl Pauses {
    pub(super) fn new(patience: Patience) -> Self {
        let random = patience.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            patience,
            random: Mutex::new(random),
        }
    }

    /// The pause behind so many tries in a row that brought nothing.
    pub(super) fn behind(&self, tries: u32) -> Duration {
        let doublings = tries.saturating_sub(1).min(31);
        let longest = self
            .patience
            .first
            .saturating_mul(1 << doublings)
            .min(self.patience.longest);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        longest.mul_f64(random.f64())
    }
}

/// Says when bytes may be sent, so that no more than so many go out in a second. Everything that sends to the stream
/// shares it.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: Option<u64>,
    /// When the bytes that were let through so far have been spread over their seconds.
    free: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) const fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second,
            free: Mutex::new(None),
        }
    }

    /// Takes the next place in the queue for so many bytes; how long to wait for it from now on.
    pub(super) fn wait(&self, bytes: usize) -> Duration {
        let Some(pace) = self.bytes_per_second else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = free.map_or(now, |free| free.max(now));
        let micros = (bytes as u64).saturating_mul(1_000_000) / pace.max(1);
        *free = begin.checked_add(Duration::from_micros(micros));
        begin.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_below_a_limit_that_doubles() {
        let draw = |seed| {
            let pauses = Pauses::new(Patience {
                seed: Some(seed),
                ..Patience::default()
            });
            (1..=60).map(|tries| pauses.behind(tries)).collect::<Vec<_>>()
        };
        let many: Vec<_> = (0..200).map(draw).collect();
        for (tries, limit) in [
            (1, 0.1),
            (2, 0.2),
            (5, 1.6),
            (7, 6.4),
            (8, 10.0),
            (40, 10.0),
            (60, 10.0),
        ] {
            let drawn: Vec<f64> = many.iter().map(|pauses| pauses[tries - 1].as_secs_f64()).collect();
            let (least, most) = drawn.iter().fold((f64::MAX, 0.0_f64), |(least, most), pause| {
                (least.min(*pause), most.max(*pause))
            });
            assert!(most <= limit && most > 0.9 * limit, "try {tries}: {most}");
            assert!(least < 0.1 * limit, "try {tries}: {least}");
        }
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn bytes_queue_for_their_second() {
        assert_eq!(Pace::new(None).wait(usize::MAX), Duration::ZERO);
        let pace = Pace::new(Some(1_000_000));
        assert_eq!(pace.wait(500_000), Duration::ZERO);
        let second = pace.wait(2_000_000);
        let third = pace.wait(1);
        assert!(second <= Duration::from_millis(500) && second > Duration::from_millis(400));
        assert!(third <= Duration::from_millis(2_500) && third > Duration::from_millis(2_400));
    }
}
