//! An Amazon Data Firehose stream as a sink.
//!
//! Events arrive as JSON lines, are packed into records and calls ([`pack`]), and are sent while the object is still
//! being read. Each call is repeated until every record of it is confirmed (`send`), with backoff and within the
//! deadline. Sent records cannot be withdrawn: an object that fails after its first full call has sent events, and a
//! retry sends the same events with the same `event_id`.

mod error;
pub mod pack;
mod rate_limit;
mod send;
mod tuning;

use std::io::{self, Write};
use std::sync::Arc;

use aws_sdk_firehose::Client;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use crate::deadline::Deadline;
use crate::object::{Counts, ObjectRef};

use super::{Committed, FirehoseOptions, Sink, Staged, StorageError};

use error::SendError;
use pack::{Call, MAX_RECORD_BYTES, Packer, Rule};
use send::Sender;

pub use tuning::Tuning;

/// The maximum number of calls in flight per object. Each holds up to 4 MB of records, and three times as much with the
/// request's copy and base64; two keep a connection busy while the next call is packed.
const MAX_IN_FLIGHT: usize = 2;

/// A Firehose stream as a sink.
#[derive(Debug)]
pub struct Stream {
    sender: Arc<Sender>,
    handle: Handle,
    rule: Rule,
}

impl Stream {
    /// Creates the sink of a stream. Calls are sent on the runtime of `handle`; a staged output blocks the thread that
    /// writes to it, which must not drive that runtime.
    pub fn new(client: &Client, handle: Handle, stream: &str, options: &FirehoseOptions, deadline: Deadline) -> Self {
        Self::with_tuning(client, handle, stream, options, deadline, &Tuning::default())
    }

    /// Creates the sink of a stream, with other retries and timeouts than the default.
    pub fn with_tuning(
        client: &Client,
        handle: Handle,
        stream: &str,
        options: &FirehoseOptions,
        deadline: Deadline,
        tuning: &Tuning,
    ) -> Self {
        let rate = options.bytes_per_second;
        Self {
            sender: Arc::new(Sender::new(client, stream.to_owned(), rate, tuning, deadline)),
            handle,
            rule: Rule::new(options),
        }
    }
}

impl Sink for Stream {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, StorageError> {
        Ok(Box::new(StagedEvents {
            sender: Arc::clone(&self.sender),
            handle: self.handle.clone(),
            packer: Some(Packer::new(self.rule)),
            line: Vec::new(),
            calls: JoinSet::new(),
            bytes: 0,
        }))
    }

    fn event_limit(&self) -> Option<usize> {
        Some(MAX_RECORD_BYTES)
    }
}

/// The events of one object on their way to the stream. Dropping it cancels the calls in flight.
struct StagedEvents {
    sender: Arc<Sender>,
    handle: Handle,
    /// `None` once a call has failed: nothing more is sent then.
    packer: Option<Packer>,
    /// The start of the line whose newline has not come yet.
    line: Vec<u8>,
    calls: JoinSet<Result<(), SendError>>,
    /// The bytes of the records in all calls.
    bytes: u64,
}

impl StagedEvents {
    fn add(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.check_ended()?;
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, remaining) = rest.split_at(at + 1);
            if self.line.is_empty() {
                self.add_line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.add_line(&whole)?;
            }
            rest = remaining;
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), SendError> {
        let packer = self.packer.as_mut().ok_or(SendError::AlreadyFailed)?;
        if let Some(call) = packer.push(line)? {
            self.send(call)?;
        }
        Ok(())
    }

    /// Sends a call in the background, once fewer than the maximum are in flight.
    fn send(&mut self, call: Call) -> Result<(), SendError> {
        while self.calls.len() >= MAX_IN_FLIGHT {
            self.wait_for_one()?;
        }
        self.bytes += call.bytes as u64;
        let sender = Arc::clone(&self.sender);
        self.calls
            .spawn_on(async move { sender.confirm(call).await }, &self.handle);
        Ok(())
    }

    /// Checks the calls that have ended, so a failure stops reading soon.
    fn check_ended(&mut self) -> Result<(), SendError> {
        while let Some(ended) = self.calls.try_join_next() {
            flatten(ended)?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<(), SendError> {
        let ended = self.handle.block_on(self.calls.join_next());
        ended.map_or(Ok(()), flatten)
    }

    fn finish(&mut self) -> Result<(), SendError> {
        if !self.line.is_empty() {
            self.add(b"\n")?;
        }
        let packer = self.packer.take().ok_or(SendError::AlreadyFailed)?;
        for call in packer.finish() {
            self.send(call)?;
        }
        while !self.calls.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    /// Cancels everything; returns the error of the output.
    fn fail(&mut self, error: SendError) -> StorageError {
        self.packer = None;
        self.calls.abort_all();
        self.sender.error(error)
    }
}

fn flatten(ended: Result<Result<(), SendError>, JoinError>) -> Result<(), SendError> {
    ended.unwrap_or(Err(SendError::TaskEnded))
}

impl Write for StagedEvents {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.add(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(self.fail(error).into()),
        }
    }

    /// Does nothing: calls are sent when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedEvents {
    /// Returns once every record is confirmed.
    fn commit(mut self: Box<Self>, _counts: &Counts) -> Result<Committed, StorageError> {
        match self.finish() {
            Ok(()) => Ok(Committed::Written(self.bytes)),
            Err(error) => Err(self.fail(error)),
        }
    }
}
