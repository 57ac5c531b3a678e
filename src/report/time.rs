//! A time in the figures.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::parse::line::time::{timestamp_micros, write_timestamp};

/// A time, in microseconds since 1970. In JSON it is text: `2026-10-07T11:44:54.123456Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// Returns the microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(27);
        write_timestamp(self.0, &mut text);
        out.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        timestamp_micros(text.as_bytes())
            .map(Self)
            .map_err(|reason| de::Error::custom(format!("{text:?} is not a time: {reason}")))
    }
}
