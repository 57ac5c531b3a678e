//! A limit of bytes per second.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Limits the bytes sent per second. Everything that sends to a stream shares one.
#[derive(Debug)]
pub(super) struct RateLimiter {
    bytes_per_second: Option<u64>,
    /// When the bytes let through so far will have been spread over their seconds.
    free: Mutex<Option<Instant>>,
}

impl RateLimiter {
    pub(super) const fn new(bytes_per_second: Option<u64>) -> Self {
        Self {
            bytes_per_second,
            free: Mutex::new(None),
        }
    }

    /// Reserves the next place in the queue for this many bytes; returns how long to wait before sending them.
    pub(super) fn reserve(&self, bytes: usize) -> Duration {
        let Some(rate) = self.bytes_per_second else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let start = free.map_or(now, |free| free.max(now));
        let micros = (bytes as u64).saturating_mul(1_000_000) / rate.max(1);
        *free = start.checked_add(Duration::from_micros(micros));
        start.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_for_their_second() {
        assert_eq!(RateLimiter::new(None).reserve(usize::MAX), Duration::ZERO);
        let limiter = RateLimiter::new(Some(1_000_000));
        assert_eq!(limiter.reserve(500_000), Duration::ZERO);
        let second = limiter.reserve(2_000_000);
        let third = limiter.reserve(1);
        assert!(second <= Duration::from_millis(500) && second > Duration::from_millis(400));
        assert!(third <= Duration::from_millis(2_500) && third > Duration::from_millis(2_400));
    }
}
