//! The estimate of a backfill: events, files, requests, time and cost.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates of numbers far below 2^52 that are not negative"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use indicatif::{HumanBytes, HumanCount, HumanDuration};
use serde_json::{Value, json};

use crate::config::Config;
use crate::cost::{Item, MergedWork, PRICES, Prices, SeparateWork, Usage};
use crate::storage::{Location, Origin};

use super::super::text_table::TextTable;
use super::sample::{Measured, Sample};
use super::survey::Survey;

/// The bytes of text of an event, which the function's time is computed with: those of an ALB's, the longest of all tables.
const TEXT_PER_EVENT: f64 = 720.0;

/// The estimate of a backfill.
pub(super) struct Estimate {
    rows: Vec<Row>,
    objects: u64,
    folders: u64,
    days: u64,
    /// The number of plans; none if each object has outputs of its own.
    plans: f64,
    /// The pieces of work that can be done at the same time.
    pieces: f64,
    usage: Usage,
    items: Vec<Item>,
    bytes_out: f64,
    storage_month: f64,
    concurrency: f64,
    /// The number of objects that were read for the estimate.
    read: u64,
    prices: Vec<(&'static str, f64, &'static str)>,
}

/// The objects of a table and a month.
struct Row {
    table: &'static str,
    month: String,
    objects: u64,
    bytes: u64,
    events: f64,
    files: f64,
}

impl Estimate {
    /// Estimates from what was counted and what was read.
    pub(super) fn of(survey: &Survey, sample: &Sample, config: &Config, prices: &Prices, concurrency: f64) -> Self {
        let all = sample.values().fold(Measured::default(), |sum, one| Measured {
            objects: sum.objects + one.objects,
            bytes_in: sum.bytes_in + one.bytes_in,
            events: sum.events + one.events,
            bytes_out: sum.bytes_out + one.bytes_out,
        });
        let ratio = |table: &str, of: fn(&Measured) -> u64| {
            let measured = sample
                .get(table)
                .filter(|measured| measured.bytes_in > 0)
                .unwrap_or(&all);
            of(measured) as f64 / (measured.bytes_in.max(1)) as f64
        };
        let objects = survey.objects();
        let plans = config.merge.map_or(0, |merge| survey.plans(merge.limits)) as f64;
        let plans_of_folder = plans / (survey.folders().len().max(1)) as f64;
        let mut bytes_out = 0.0;
        let rows: Vec<_> = survey
            .groups()
            .map(|(table, month, group)| {
                let bytes = group.bytes as f64;
                bytes_out += bytes * ratio(table, |measured| measured.bytes_out);
                Row {
                    table,
                    month: month.to_owned(),
                    objects: group.objects,
                    bytes: group.bytes,
                    events: bytes * ratio(table, |measured| measured.events),
                    files: match config.merge {
                        Some(_) => group.folders as f64 * plans_of_folder,
                        None => group.objects as f64,
                    },
                }
            })
            .collect();
        let events: f64 = rows.iter().map(|row| row.events).sum();
        let text = events * TEXT_PER_EVENT;
        let files = rows.iter().map(|row| row.files).sum();
        let usage = match config.merge {
            Some(_) => MergedWork {
                objects: objects as f64,
                text,
                looks: survey.folders().len() as f64,
                source_pages: survey.pages() as f64,
                plans,
                files,
                ..MergedWork::default()
            }
            .usage(),
            None => SeparateWork {
                objects: objects as f64,
                text,
                files,
                pages: survey.pages() as f64,
            }
            .usage(),
        };
        Self {
            rows,
            objects,
            folders: survey.folders().len() as u64,
            days: survey.days() as u64,
            plans,
            pieces: config.merge.map_or(objects, |_| survey.folders().len() as u64) as f64,
            usage,
            items: usage.bill(prices).to_vec(),
            bytes_out,
            storage_month: bytes_out / 1e9 * prices.of("s3-gb-month"),
            concurrency,
            read: all.objects,
            prices: PRICES
                .iter()
                .map(|price| (price.name, prices.of(price.name), price.unit))
                .collect(),
        }
    }

    fn seconds(&self) -> f64 {
        self.usage.seconds / self.concurrency.min(self.pieces.max(1.0))
    }

    fn dollars(&self) -> f64 {
        self.items.iter().map(|item| item.dollars).sum()
    }

    /// Returns the estimate as text.
    pub(super) fn text(&self, source: &Origin, destination: &Location) -> String {
        let count = |number: f64| HumanCount(number.round() as u64).to_string();
        let mut table = TextTable::new(&["table", "month", "objects", "bytes", "events", "files"]);
        for row in &self.rows {
            table.row(vec![
                row.table.to_owned(),
                row.month.clone(),
                HumanCount(row.objects).to_string(),
                HumanBytes(row.bytes).to_string(),
                format!("~{}", count(row.events)),
                format!("~{}", count(row.files)),
            ]);
        }
        let mut text = table.text(2);
        let Usage { gets, lists, puts, .. } = self.usage;
        let time = HumanDuration(std::time::Duration::from_secs_f64(self.seconds().clamp(0.0, 1e12)));
        let plans = if self.plans > 0.0 {
            format!(" by ~{} plans", count(self.plans))
        } else {
            String::new()
        };
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "from         {source}: {} objects in {} folders, {} days\nto           {destination}: ~{}{}\nrequests     {} GET, {} LIST, {} PUT and COPY\ntime         ~{time} at a concurrency of {}",
            HumanCount(self.objects),
            HumanCount(self.folders),
            HumanCount(self.days),
            HumanBytes(self.bytes_out as u64),
            plans,
            count(gets),
            count(lists),
            count(puts),
            self.concurrency,
        );
        for Item { name, dollars } in self.items.iter().filter(|item| item.dollars >= 0.005) {
            let _ = writeln!(text, "cost         ${dollars:.2} {name}");
        }
        let _ = writeln!(
            text,
            "cost         ${:.2} in all, and ${:.2} a month for the outputs\nestimated    events, files and bytes from {} objects that were read; prices of us-east-1 (--price replaces one)\nnothing was written: add --run-here to work on this machine, or --send QUEUE_URL to send the folders to the function",
            self.dollars(),
            self.storage_month,
            self.read,
        );
        text
    }

    /// Returns the estimate as one JSON object.
    pub(super) fn json(&self) -> String {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                json!({"table": row.table, "month": row.month, "objects": row.objects, "bytes": row.bytes,
                       "events": row.events.round(), "files": row.files.round()})
            })
            .collect();
        let cost: BTreeMap<_, _> = self.items.iter().map(|item| (item.name, item.dollars)).collect();
        let prices: BTreeMap<_, _> = self.prices.iter().map(|(name, dollars, _)| (*name, *dollars)).collect();
        let Usage { gets, lists, puts, .. } = self.usage;
        let report = json!({
            "objects": self.objects,
            "folders": self.folders,
            "days": self.days,
            "plans": self.plans as u64,
            "tables": rows,
            "bytes_out": self.bytes_out.round(),
            "requests": {"get": gets, "list": lists, "put": puts},
            "function_seconds": self.usage.seconds,
            "seconds": self.seconds(),
            "concurrency": self.concurrency,
            "cost": cost,
            "cost_total": self.dollars(),
            "storage_per_month": self.storage_month,
            "prices": prices,
            "sampled_objects": self.read,
        });
        format!("{report}\n")
    }
}
