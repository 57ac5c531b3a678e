//! The requests, seconds and dollars of merged delivery.

use super::Prices;

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

/// The assumptions behind seconds. `docs/cost.md` states them with the direction of the error.
mod assumed {
    /// Bytes of text that the function converts to Parquet per millisecond, with 1024 MB.
    pub(super) const TEXT_RATE: f64 = 40_000.0;
    /// Milliseconds of waiting for S3 per object, of which 16 are read at once.
    pub(super) const OBJECT_WAIT: f64 = 30.0 / 16.0;
    /// Milliseconds of a request that nothing else is waiting beside: listing, plan, staging, copying.
    pub(super) const REQUEST_WAIT: f64 = 40.0;
    /// The memory of the function in GB.
    pub(super) const MEMORY: f64 = 1.0;
    /// Requests per message of a queue: sent, received and deleted.
    pub(super) const QUEUE_REQUESTS: f64 = 3.0;
    /// GB of the function's log per invocation.
    pub(super) const LOGGED: f64 = 2.5e-6;
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
        let waits = self.objects * assumed::OBJECT_WAIT + (lists + puts + self.plans_read) * assumed::REQUEST_WAIT;
        Usage {
            gets,
            lists,
            puts,
            queue: self.looks * assumed::QUEUE_REQUESTS,
            seconds: (self.text / assumed::TEXT_RATE + waits) / 1e3,
            invocations: self.looks + self.schedules,
            schedules: self.schedules,
        }
    }
}

impl Usage {
    /// Returns the bill, without the storage of the outputs.
    pub fn bill(&self, prices: &Prices) -> [Item; 7] {
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
                self.invocations * assumed::LOGGED * prices.of("log-gb"),
            ),
        ]
    }
}
