//! Sends a call until every record of it is confirmed.

use std::time::Duration;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::retry::RetryConfig;
use aws_sdk_firehose::operation::put_record_batch::PutRecordBatchOutput;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;

use crate::deadline::Deadline;
use crate::storage::aws::error::{Class, Context, Failure, Resource};
use crate::storage::confirmation::{Entry, Response};
use crate::storage::retry::Backoff;
use crate::storage::{Operation, StorageError};

use super::error::SendError;
use super::pack::Call;
use super::rate_limit::RateLimiter;
use super::tuning::Tuning;

/// The sender of a stream, shared by everything that sends to it.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    stream: String,
    region: String,
    timeout: Duration,
    backoff: Backoff,
    rate: RateLimiter,
    deadline: Deadline,
}

impl Sender {
    pub(super) fn new(
        client: &Client,
        stream: String,
        bytes_per_second: Option<u64>,
        tuning: &Tuning,
        deadline: Deadline,
    ) -> Self {
        // The SDK would repeat whole calls; only the rejected records of a call are repeated here.
        let config = client.config().to_builder().retry_config(RetryConfig::disabled());
        Self {
            region: client.config().region().map_or("", AsRef::as_ref).to_owned(),
            client: Client::from_conf(config.build()),
            stream,
            timeout: tuning.timeout,
            backoff: Backoff::new(tuning.retry),
            rate: RateLimiter::new(bytes_per_second),
            deadline,
        }
    }

    /// Returns the error of an output to this stream.
    pub(super) fn error(&self, error: SendError) -> StorageError {
        error.of_stream(&self.stream, &self.region)
    }

    /// Sends the records of a call until each is confirmed.
    pub(super) async fn confirm(&self, call: Call) -> Result<(), SendError> {
        let mut records = records(call)?;
        let (mut attempts, mut last) = (0, "not sent yet".to_owned());
        loop {
            let bytes = records.iter().map(|record| record.data().as_ref().len()).sum();
            self.pause(self.rate.reserve(bytes), attempts, &last).await?;
            attempts += 1;
            match self.put(records.clone()).await {
                Ok(Response::Consistent { rejected, code }) => {
                    let before = records.len();
                    rejected.keep(&mut records);
                    if records.is_empty() {
                        return Ok(());
                    }
                    // A confirmed record is progress.
                    attempts = if records.len() < before { 1 } else { attempts };
                    last = format!("{} of {before} records were rejected: {code}", records.len());
                }
                Ok(Response::Contradictory(what)) => what.clone_into(&mut last),
                Err(failure) if failure.is_retryable() => last = self.message(&failure),
                Err(failure) => return Err(SendError::Rejected(failure)),
            }
            if !self.backoff.policy().allows_another(attempts) {
                return Err(SendError::GaveUp { attempts, last });
            }
            self.pause(self.backoff.delay(attempts), attempts, &last).await?;
        }
    }

    fn message(&self, failure: &Failure) -> String {
        failure.message(&Context {
            operation: Operation::Write,
            resource: Resource::Stream(&self.stream),
            region: &self.region,
        })
    }

    async fn put(&self, records: Vec<Record>) -> Result<Response, Failure> {
        let count = records.len();
        let request = self
            .client
            .put_record_batch()
            .delivery_stream_name(&self.stream)
            .set_records(Some(records));
        match tokio::time::timeout(self.deadline.cap(self.timeout), request.send()).await {
            Ok(Ok(response)) => Ok(read(&response, count)),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(_) => Err(Failure::client_side(Class::TimedOut)),
        }
    }

    /// Waits, unless the deadline would come first.
    async fn pause(&self, pause: Duration, attempts: u32, last: &str) -> Result<(), SendError> {
        if self.deadline.remaining().is_some_and(|left| left <= pause) {
            let last = last.to_owned();
            return Err(SendError::OutOfTime { attempts, last });
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }
}

fn records(call: Call) -> Result<Vec<Record>, SendError> {
    let record = |data: Vec<u8>| {
        Record::builder()
            .data(Blob::new(data))
            .build()
            .map_err(|_| SendError::Rejected(Failure::client_side(Class::NotBuilt)))
    };
    call.records.into_iter().map(record).collect()
}

/// Returns what a response confirms about the records of its call.
fn read(response: &PutRecordBatchOutput, records: usize) -> Response {
    let entries = response.request_responses().iter().map(|entry| Entry {
        record_id: entry.record_id(),
        error_code: entry.error_code(),
    });
    Response::read(entries, response.failed_put_count(), records)
}
