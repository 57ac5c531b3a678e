//! What to generate: the load balancer, the time, the length of lines and how many of them are odd.

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
    /// How many fields a line has: any number the table knows, or more, then `"-"` stands in the unknown ones. All
    /// that the table knows when `None`.
    pub fields: Option<usize>,
    /// Another number of fields, for a third of the lines: a load balancer whose nodes are being upgraded.
    pub other_fields: Option<usize>,
    /// How many lines hold text that attackers and broken clients send. They are valid: each is an event.
    pub hostile: Rate,
    /// How many lines hold a value that is none, or too few fields. Each is malformed.
    pub broken: Rate,
    /// How many lines hold an unescaped quote in text that a client chose, but can be read from the right.
    pub repairable: Rate,
    /// How many lines stand behind a blank one.
    pub blank: Rate,
}

impl Default for Traffic {
    /// Ordinary traffic, ten lines a second, from 2026-10-07T11:40:00Z.
    fn default() -> Self {
        Self {
            balancer: Balancer::default(),
            start: text::at((2026, 10, 7), (11, 40, 0)),
            step: 100_000,
            fields: None,
            other_fields: None,
            hostile: Rate::default(),
            broken: Rate::default(),
            repairable: Rate::default(),
            blank: Rate::default(),
        }
    }
}

impl Traffic {
    /// Spreads so many lines over the interval that one object covers (a little less, so that late lines fit too).
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
    /// The last part of its resource id; a Classic Load Balancer has none and ignores this one.
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

/// How often something happens: a share of the lines, exact to a millionth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rate(u32);

impl Rate {
    /// So many lines of a million.
    pub const fn per_million(lines: u32) -> Self {
        Self(if lines > 1_000_000 { 1_000_000 } else { lines })
    }

    /// Whether it happens at a number drawn below a million.
    pub(super) fn hits(self, drawn: u64) -> bool {
        drawn < u64::from(self.0)
    }
}

/// A rate that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a number from 0 to 1 with at most six decimals, such as 0.01; got {0:?}")]
pub struct RateError(String);

impl FromStr for Rate {
    type Err = RateError;

    /// Reads `0.01` as one line of a hundred. No floating point, so that the same text is the same rate everywhere.
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
    fn rates_are_read_from_text() {
        assert_eq!("0.01".parse(), Ok(Rate(10_000)));
        assert_eq!("1".parse(), Ok(Rate(1_000_000)));
        assert_eq!("0".parse(), Ok(Rate::default()));
        for none in ["", "2", "1.1", "-0.1", "0.1234567", "1%", ".5", "0.+1"] {
            assert!(none.parse::<Rate>().is_err(), "{none}");
        }
    }
}
