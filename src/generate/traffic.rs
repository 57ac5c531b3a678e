//! The traffic to generate: the load balancer, the time, the length of lines and the share of odd ones.

use std::str::FromStr;

use super::text;

/// The traffic that lines are drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// The load balancer that writes the log.
    pub balancer: Balancer,
    /// The time of the first line, in microseconds since 1970-01-01T00:00:00Z.
    pub start: u64,
    /// The microseconds between one line and the next, on average.
    pub step: u64,
    /// The number of fields of a line: any number that the table knows, or more, in which case the unknown ones are `"-"`.
    /// `None` means all known fields.
    pub fields: Option<usize>,
    /// The number of the table's fields that get values of their own; later fields are unknown ones. `None` means all. A
    /// number keeps the lines as they are when AWS adds a field to the table.
    pub known_fields: Option<usize>,
    /// Another number of fields, for a third of the lines, as on a load balancer whose nodes are being upgraded.
    pub other_fields: Option<usize>,
    /// The share of lines that contain text of attackers and broken clients. They are valid: each is an event.
    pub hostile: Rate,
    /// The share of lines that contain an invalid value or too few fields. Each is malformed.
    pub broken: Rate,
    /// The share of lines that contain an unescaped quote in text that a client chose, which can be repaired.
    pub repairable: Rate,
    /// The share of lines that are preceded by a blank line.
    pub blank: Rate,
}

impl Default for Traffic {
    /// Returns ordinary traffic: ten lines per second, starting at 2026-10-07T11:40:00Z.
    fn default() -> Self {
        Self {
            balancer: Balancer::default(),
            start: text::at((2026, 10, 7), (11, 40, 0)),
            step: 100_000,
            fields: None,
            known_fields: None,
            other_fields: None,
            hostile: Rate::default(),
            broken: Rate::default(),
            repairable: Rate::default(),
            blank: Rate::default(),
        }
    }
}

impl Traffic {
    /// Spreads the lines over the interval that an object covers, minus a few seconds so that late lines fit as well.
    #[must_use]
    pub fn over_one_object(mut self, lines: u64) -> Self {
        self.step = 295 * text::SECOND / lines.max(1);
        self
    }
}

/// A load balancer, and the node of it that writes a log object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balancer {
    /// The AWS account.
    pub account: String,
    /// The AWS region.
    pub region: String,
    /// The load balancer's name.
    pub name: String,
    /// The last part of its resource id. A Classic Load Balancer has none and ignores this one.
    pub id: String,
    /// The address of the node.
    pub node: String,
}

impl Default for Balancer {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            name: "shop".to_owned(),
            id: "7f3c9a1e5b2d4860".to_owned(),
            node: "203.0.113.10".to_owned(),
        }
    }
}

/// A share of the lines, exact to one millionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// Returns the share of `lines` lines in a million.
    pub const fn per_million(lines: u32) -> Self {
        Self(if lines > 1_000_000 { 1_000_000 } else { lines })
    }

    /// Returns whether a number drawn below one million is within the share.
    pub(super) fn hits(self, drawn: u64) -> bool {
        drawn < u64::from(self.0)
    }
}

/// The error for a text that is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 0 to 1 with at most six decimals, such as 0.01; got {0:?}")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    /// Parses `0.01` as one line in a hundred, without floating point, so the same text is the same rate everywhere.
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let error = || RateError(given.to_owned());
        let (whole, fraction) = given.split_once('.').unwrap_or((given, ""));
        if !matches!(whole, "0" | "1") || fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(error());
        }
        let millionths = format!("{whole}{fraction:0<6}").parse().map_err(|_| error())?;
        if millionths > 1_000_000 {
            Err(error())
        } else {
            Ok(Self(millionths))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_parsed_from_text() {
        assert_eq!("0.01".parse(), Ok(Rate(10_000)));
        assert_eq!("1".parse(), Ok(Rate(1_000_000)));
        assert_eq!("0".parse(), Ok(Rate::default()));
        for none in ["", "2", "1.1", "-0.1", "0.1234567", "1%", ".5", "0.+1"] {
            assert!(none.parse::<Rate>().is_err(), "{none}");
        }
    }
}
