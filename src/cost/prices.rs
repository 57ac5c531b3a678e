//! The prices, declared once.

use std::collections::BTreeMap;

/// A price of AWS in us-east-1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// The name by which it can be replaced.
    pub name: &'static str,
    /// The price in dollars.
    pub dollars: f64,
    /// What it is paid for.
    pub unit: &'static str,
    /// Where AWS lists it. `docs/cost.md` says when it was looked up.
    pub source: &'static str,
}

const LAMBDA: &str = "https://aws.amazon.com/lambda/pricing/";
const SQS: &str = "https://aws.amazon.com/sqs/pricing/";
const S3: &str = "https://aws.amazon.com/s3/pricing/";
const FIREHOSE: &str = "https://aws.amazon.com/firehose/pricing/";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const EVENTBRIDGE: &str = "https://aws.amazon.com/eventbridge/pricing/";

const fn price(name: &'static str, dollars: f64, unit: &'static str, source: &'static str) -> Price {
    Price {
        name,
        dollars,
        unit,
        source,
    }
}

/// Every price. A GB is 10^9 bytes.
pub static PRICES: [Price; 15] = [
    price(
        "lambda-gb-second",
        0.000_013_333_4,
        "GB-second of the function on arm64",
        LAMBDA,
    ),
    price("lambda-request", 0.000_000_2, "invocation", LAMBDA),
    price("sqs-request", 0.000_000_4, "request to a standard queue", SQS),
    price("s3-get", 0.000_000_4, "GET or HEAD request", S3),
    price("s3-put", 0.000_005, "PUT, COPY or LIST request", S3),
    price("s3-gb-month", 0.023, "GB stored for a month", S3),
    price(
        "scheduler-invocation",
        0.000_001,
        "invocation by EventBridge Scheduler",
        EVENTBRIDGE,
    ),
    price("log-gb", 0.5, "GB of the function's log", CLOUDWATCH),
    price(
        "firehose-gb",
        0.029,
        "GB put into a stream, each record in steps of 5 KB",
        FIREHOSE,
    ),
    price(
        "firehose-conversion-gb",
        0.018,
        "GB converted to Parquet by a stream",
        FIREHOSE,
    ),
    price(
        "vended-parquet-gb",
        0.035,
        "GB of ALB logs converted to Parquet by AWS",
        CLOUDWATCH,
    ),
    price("metric-month", 0.3, "metric and month", CLOUDWATCH),
    price("alarm-month", 0.1, "metric of an alarm and month", CLOUDWATCH),
    price("dashboard-month", 3.0, "dashboard and month", CLOUDWATCH),
    price("batch-object", 0.000_001, "object of an S3 Batch Operations job", S3),
];

/// The prices of a calculation: those of the table, some of which may be replaced.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    replaced: BTreeMap<&'static str, f64>,
}

/// Why a price cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// It is not NAME=DOLLARS.
    #[error("{0:?} is not a price; write NAME=DOLLARS, such as s3-put=0.0000054")]
    Form(String),
    /// No price has the name.
    #[error("there is no price {name:?}; allowed: {allowed}")]
    Name {
        /// The given name.
        name: String,
        /// The names of the prices.
        allowed: String,
    },
}

impl Prices {
    /// Replaces a price, given as `NAME=DOLLARS`.
    ///
    /// # Errors
    /// The text has another form, or no price has the name.
    pub fn replace(&mut self, text: &str) -> Result<(), PriceError> {
        let form = || PriceError::Form(text.to_owned());
        let (name, dollars) = text.split_once('=').ok_or_else(form)?;
        let dollars: f64 = dollars.trim().parse().map_err(|_| form())?;
        if !dollars.is_finite() || dollars < 0.0 {
            return Err(form());
        }
        let price = PRICES.iter().find(|price| price.name == name.trim());
        let price = price.ok_or_else(|| PriceError::Name {
            name: name.trim().to_owned(),
            allowed: PRICES.map(|price| price.name).join(", "),
        })?;
        self.replaced.insert(price.name, dollars);
        Ok(())
    }

    /// Returns a price in dollars; 0 if no price has the name.
    pub fn of(&self, name: &str) -> f64 {
        let listed = PRICES.iter().find(|price| price.name == name);
        let replaced = self.replaced.get(name).copied();
        replaced
            .or_else(|| listed.map(|price| price.dollars))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_replaced_by_name() {
        let mut prices = Prices::default();
        prices.replace("s3-put = 0.01").unwrap();
        assert!((prices.of("s3-put") - 0.01).abs() < 1e-12);
        assert!((prices.of("s3-get") - 0.000_000_4).abs() < 1e-12);
        for wrong in ["s3-put", "s3-put=x", "s3-put=-1", "s3-put=inf"] {
            assert!(matches!(prices.replace(wrong), Err(PriceError::Form(_))), "{wrong}");
        }
        let error = prices.replace("gold=1").unwrap_err().to_string();
        assert!(error.contains("gold") && error.contains("s3-put"), "{error}");
    }
}
