//! The requests, seconds and dollars of merged delivery.

use super::{Prices, assumed};

/// Work for merged delivery. Numbers may be averages, so they are not integers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MergedWork {
    /// Log objects.
    pub objects: f64,
    /// Bytes of their text, decompressed.
    pub text: f64,
    /// Looks at a folder: messages to the function.
    pub looks: f64,
    /// Pages of 1,000 keys of the source folders that the looks list.
    pub source_pages: f64,
    /// Plans that are read by the looks.
    pub plans_read: f64,
    /// Plans.
    pub plans: f64,
    /// Files that they publish.
    pub files: f64,
    /// Invocations by the schedule.
    pub schedules: f64,
}

/// What the work uses.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// GET requests.
    pub gets: f64,
    /// LIST requests.
    pub lists: f64,
    /// PUT and COPY requests.
    pub puts: f64,
    /// Requests to the queue.
    pub queue: f64,
    /// Seconds of the function.
    pub seconds: f64,
    /// Invocations of the function.
    pub invocations: f64,
    /// Invocations by the schedule.
    pub schedules: f64,
    /// Objects of an S3 Batch Operations job.
    pub batch_objects: f64,
}

/// An item of a bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item {
    /// What is paid for.
    pub name: &'static str,
    /// The dollars.
    pub dollars: f64,
}

impl MergedWork {
    /// Returns what the work uses.
    ///
    /// A look lists the log and the folder. A plan is created with its files staged, copied, and its end noted.
    pub fn usage(&self) -> Usage {
        let gets = self.objects + self.plans_read;
        let lists = self.looks + self.source_pages;
        let puts = 2.0 * self.files + 2.0 * self.plans;
        let waits = self.objects * assumed::MEMBER + (lists + puts + self.plans_read) * assumed::REQUEST;
        Usage {
            gets,
            lists,
            puts,
            queue: self.looks * assumed::QUEUE_REQUESTS,
            seconds: (self.text / assumed::TEXT_RATE + waits) / 1e3,
            invocations: self.looks + self.schedules,
            schedules: self.schedules,
            batch_objects: 0.0,
        }
    }
}

impl Usage {
    /// Returns the bill, without the storage of the outputs.
    pub fn bill(&self, prices: &Prices) -> [Item; 8] {
        let item = |name, dollars| Item { name, dollars };
        let gb_seconds = self.seconds * assumed::MEMORY;
        let invoked =
            self.invocations * prices.of("lambda-request") + self.schedules * prices.of("scheduler-invocation");
        [
            item("S3, reading objects and plans", self.gets * prices.of("s3-get")),
            item("S3, listing", self.lists * prices.of("s3-put")),
            item("S3, writing and copying", self.puts * prices.of("s3-put")),
            item("queue", self.queue * prices.of("sqs-request")),
            item("function, running", gb_seconds * prices.of("lambda-gb-second")),
            item("function, invocations", invoked),
            item(
                "function's log",
                self.invocations * assumed::LOGGED / 1e6 * prices.of("log-gb"),
            ),
            item("S3 Batch Operations", self.batch_objects * prices.of("batch-object")),
        ]
    }
}
