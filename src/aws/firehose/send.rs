//! One call, again and again until every record of it is confirmed.

use std::time::Duration;

use aws_sdk_firehose::Client;
use aws_sdk_firehose::config::retry::RetryConfig;
use aws_sdk_firehose::operation::put_record_batch::PutRecordBatchOutput;
use aws_sdk_firehose::primitives::Blob;
use aws_sdk_firehose::types::Record;

use crate::deadline::Deadline;

use super::error::{SendError, Verdict, judge};
use super::pack::Call;
use super::patience::{Pace, Patience, Pauses};

/// What everything that sends to a stream shares.
#[derive(Debug)]
pub(super) struct Sender {
    client: Client,
    stream: String,
    patience: Patience,
    pauses: Pauses,
    pace: Pace,
    deadline: Deadline,
}

/// What an answer says of the records of its call.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Those with `true` were turned down, the others are confirmed; why the first was turned down.
    Read(Vec<bool>, String),
    /// It does not fit the call: nothing is known of any record.
    Senseless(&'static str),
}

impl Sender {
    pub(super) fn new(
        client: &Client,
        stream: String,
        bytes_per_second: Option<u64>,
        patience: Patience,
        deadline: Deadline,
    ) -> Self {
        // The SDK would repeat whole calls, at its own times; what is repeated here, and when, is decided here.
        let config = client.config().to_builder().retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
            stream,
            patience,
            pauses: Pauses::new(patience),
            pace: Pace::new(bytes_per_second),
            deadline,
        }
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Sends the records of a call until each is confirmed.
    pub(super) async fn confirm(&self, call: Call) -> Result<(), SendError> {
        let mut records = records(call)?;
        let (mut tries, mut last) = (0, "it was not sent".to_owned());
        loop {
            let bytes = records.iter().map(|record| record.data().as_ref().len()).sum();
            self.pause(self.pace.wait(bytes), tries, &last).await?;
            tries += 1;
            match self.put(records.clone()).await {
                Ok(Answer::Read(failed, why)) => {
                    let before = records.len();
                    let mut failed = failed.into_iter();
                    records.retain(|_| failed.next() == Some(true));
                    if records.is_empty() {
                        return Ok(());
                    }
                    // What was confirmed shows that the stream takes something.
                    tries = if records.len() < before { 1 } else { tries };
                    last = format!("{} of {before} records were turned down: {why}", records.len());
                }
                Ok(Answer::Senseless(why)) => last = why.to_owned(),
                Err(Verdict::Again(why)) => last = why,
                Err(Verdict::Never { reason, advice }) => return Err(SendError::Refused { reason, advice }),
            }
            if tries >= self.patience.tries {
                return Err(SendError::GivenUp { tries, last });
            }
            self.pause(self.pauses.behind(tries), tries, &last).await?;
        }
    }

    async fn put(&self, records: Vec<Record>) -> Result<Answer, Verdict> {
        let count = records.len();
        let request = self
            .client
            .put_record_batch()
            .delivery_stream_name(&self.stream)
            .set_records(Some(records));
        match tokio::time::timeout(self.deadline.cap(self.patience.answer), request.send()).await {
            Ok(Ok(answer)) => Ok(read(&answer, count)),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => Err(Verdict::Again("no answer came in time".to_owned())),
        }
    }

    /// Waits, unless the deadline comes first.
    async fn pause(&self, pause: Duration, tries: u32, last: &str) -> Result<(), SendError> {
        if self.deadline.remaining().is_some_and(|left| left <= pause) {
            let last = last.to_owned();
            return Err(SendError::NoTime { tries, last });
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
            .map_err(|error| SendError::Refused {
                reason: error.to_string(),
                advice: "please report this",
            })
    };
    call.records.into_iter().map(record).collect()
}

/// Reads an answer index by index. One that contradicts itself or its call says nothing: a record that is sent twice can
/// be removed, one that is not sent is lost.
fn read(answer: &PutRecordBatchOutput, records: usize) -> Answer {
    let entries = answer.request_responses();
    if entries.len() != records {
        return Answer::Senseless("the answer names another number of records");
    }
    let failed: Vec<bool> = entries.iter().map(|entry| entry.error_code().is_some()).collect();
    let count = failed.iter().filter(|failed| **failed).count();
    if usize::try_from(answer.failed_put_count()) != Ok(count) {
        return Answer::Senseless("the answer's count of failures is not that of its entries");
    }
    let confirmed = |id: &str| !id.is_empty();
    if entries
        .iter()
        .any(|entry| entry.error_code().is_none() && !entry.record_id().is_some_and(confirmed))
    {
        return Answer::Senseless("the answer has an entry with neither a record nor an error");
    }
    let first = entries.iter().find_map(|entry| entry.error_code());
    Answer::Read(failed, first.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use aws_sdk_firehose::types::PutRecordBatchResponseEntry;

    use super::*;

    #[test]
    fn an_answer_is_read_by_its_entries_or_not_at_all() {
        let taken = || PutRecordBatchResponseEntry::builder().record_id("id").build();
        let turned_down = || {
            let entry = PutRecordBatchResponseEntry::builder();
            entry
                .error_code("ServiceUnavailableException")
                .error_message("Slow down.")
                .build()
        };
        let answer = |count: i32, entries: Vec<PutRecordBatchResponseEntry>| {
            let answer = PutRecordBatchOutput::builder()
                .failed_put_count(count)
                .set_request_responses(Some(entries))
                .build()
                .unwrap();
            read(&answer, 3)
        };
        let why = "ServiceUnavailableException".to_owned();
        assert_eq!(
            answer(0, vec![taken(), taken(), taken()]),
            Answer::Read(vec![false; 3], String::new())
        );
        assert_eq!(
            answer(2, vec![turned_down(), taken(), turned_down()]),
            Answer::Read(vec![true, false, true], why)
        );
        let blank = PutRecordBatchResponseEntry::builder().build();
        let nameless = PutRecordBatchResponseEntry::builder().record_id("").build();
        for (count, entries) in [
            (0, vec![]),
            (0, vec![taken(), taken()]),
            (0, vec![taken(), taken(), taken(), taken()]),
            (1, vec![turned_down(), taken(), taken(), taken()]),
            (1, vec![taken(), taken(), taken()]),
            (0, vec![taken(), turned_down(), taken()]),
            (-1, vec![taken(), taken(), taken()]),
            (0, vec![taken(), blank, taken()]),
            (0, vec![taken(), nameless, taken()]),
        ] {
            let text = format!("{count} {entries:?}");
            assert!(matches!(answer(count, entries), Answer::Senseless(_)), "{text}");
        }
    }
}
