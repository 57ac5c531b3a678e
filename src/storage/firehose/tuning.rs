//! The retries and timeouts of calls to a stream.

use std::time::Duration;

use crate::storage::RetryPolicy;

/// The retries and the timeout of calls to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// How a call is repeated. An attempt that confirms a record is progress.
    pub retry: RetryPolicy,
    /// The timeout of one attempt.
    pub timeout: Duration,
}

impl Default for Tuning {
    /// Forty attempts, which take about three minutes without a deadline.
    fn default() -> Self {
        Self {
            retry: RetryPolicy {
                max_attempts: 40,
                base_delay: Duration::from_millis(100),
                max_delay: Duration::from_secs(10),
                seed: None,
            },
            timeout: Duration::from_secs(30),
        }
    }
}
