//! Until when work may take.

use std::time::{Duration, Instant};

/// The moment behind which nothing more is done, if there is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline.
    pub const NONE: Self = Self(None);

    /// A deadline at that moment.
    pub const fn at(moment: Instant) -> Self {
        Self(Some(moment))
    }

    /// A deadline so long from now.
    pub fn after(left: Duration) -> Self {
        Self(now().checked_add(left))
    }

    /// A deadline so much earlier.
    #[must_use]
    pub fn earlier(self, margin: Duration) -> Self {
        Self(self.0.map(|moment| moment.checked_sub(margin).unwrap_or(moment)))
    }

    /// The time that is left; nothing where there is no deadline.
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|moment| moment.saturating_duration_since(now()))
    }

    /// Whether the moment is over.
    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// The shorter of a duration and the time that is left.
    pub fn cap(self, duration: Duration) -> Duration {
        self.remaining().map_or(duration, |left| left.min(duration))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a deadline is about the clock, and no output depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
