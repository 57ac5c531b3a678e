//! A stream of Amazon Data Firehose as a destination.
//!
//! Events arrive as JSON lines, are packed into records and calls ([`pack`]), and are sent while the object is read on.
//! Each call is repeated until every record of it is confirmed (`send`), with pauses (`patience`) and within the deadline.
//! What is sent cannot be taken back: an object that fails after its first full call has sent events, and sends the same
//! ones, with the same `event_id`, when it is tried again.

mod error;
pub mod pack;
mod patience;
mod send;

use std::io::{self, Write};
use std::sync::Arc;

use aws_sdk_firehose::Client;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinSet};

use crate::config::Firehose;
use crate::deadline::Deadline;
use crate::ingest::{Committed, Destination, DestinationError, Ledger, Staged};
use crate::object::ObjectRef;

pub use error::SendError;
pub use patience::Patience;

use pack::{Call, MAX_RECORD_BYTES, Packer, Rule};
use send::Sender;

/// The calls of one object that are under way at a time. Each holds up to 4 MB of records, which are three times as much
/// with the copy and the base64 of the request; two keep a connection busy while the next call is packed.
const UNDER_WAY: usize = 2;

/// A stream of Amazon Data Firehose as a destination.
#[derive(Debug)]
pub struct Stream {
    sender: Arc<Sender>,
    handle: Handle,
    rule: Rule,
}

impl Stream {
    /// The stream of that name. `handle` is that of a runtime with threads of its own, on which calls are sent; what is
    /// staged blocks the thread that writes to it, which must be none of the runtime's.
    pub fn new(client: &Client, handle: Handle, stream: &str, settings: &Firehose, deadline: Deadline) -> Self {
        Self::with_patience(client, handle, stream, settings, deadline, Patience::default())
    }

    /// As [`Stream::new`], waited for otherwise.
    pub fn with_patience(
        client: &Client,
        handle: Handle,
        stream: &str,
        settings: &Firehose,
        deadline: Deadline,
        patience: Patience,
    ) -> Self {
        let pace = settings.bytes_per_second;
        Self {
            sender: Arc::new(Sender::new(client, stream.to_owned(), pace, patience, deadline)),
            handle,
            rule: Rule::new(settings),
        }
    }
}

impl Destination for Stream {
    fn stage(&self, _key: &str, _source: &ObjectRef) -> Result<Box<dyn Staged>, DestinationError> {
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

/// The events of one object on their way. Dropping it ends the calls that are under way.
struct StagedEvents {
    sender: Arc<Sender>,
    handle: Handle,
    /// Nothing once a call has failed: nothing more is sent then.
    packer: Option<Packer>,
    /// The line whose newline has not come yet.
    line: Vec<u8>,
    calls: JoinSet<Result<(), SendError>>,
    /// Bytes of records that were handed to calls.
    bytes: u64,
}

impl StagedEvents {
    fn add(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.note_ended()?;
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(at + 1);
            if self.line.is_empty() {
                self.add_line(line)?;
            } else {
                let mut whole = std::mem::take(&mut self.line);
                whole.extend_from_slice(line);
                self.add_line(&whole)?;
            }
            rest = behind;
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    fn add_line(&mut self, line: &[u8]) -> Result<(), SendError> {
        let packer = self.packer.as_mut().ok_or(SendError::Failed)?;
        if let Some(call) = packer.push(line)? {
            self.send(call)?;
        }
        Ok(())
    }

    /// Sends a call beside the caller, once there is room for it.
    fn send(&mut self, call: Call) -> Result<(), SendError> {
        while self.calls.len() >= UNDER_WAY {
            self.wait_for_one()?;
        }
        self.bytes += call.bytes as u64;
        let sender = Arc::clone(&self.sender);
        self.calls
            .spawn_on(async move { sender.confirm(call).await }, &self.handle);
        Ok(())
    }

    /// Takes note of the calls that have ended, so that a failure stops reading soon.
    fn note_ended(&mut self) -> Result<(), SendError> {
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
        let packer = self.packer.take().ok_or(SendError::Failed)?;
        for call in packer.finish() {
            self.send(call)?;
        }
        while !self.calls.is_empty() {
            self.wait_for_one()?;
        }
        Ok(())
    }

    /// Ends everything, and says what was tried and why it failed.
    fn fail(&mut self, error: SendError) -> DestinationError {
        self.packer = None;
        self.calls.abort_all();
        DestinationError {
            what: format!("cannot put events into firehose://{}", self.sender.stream()),
            retryable: error.is_retryable(),
            source: error.into(),
        }
    }
}

fn flatten(ended: Result<Result<(), SendError>, JoinError>) -> Result<(), SendError> {
    ended.unwrap_or(Err(SendError::Ended))
}

impl Write for StagedEvents {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.add(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => Err(io::Error::other(self.fail(error))),
        }
    }

    /// Does nothing: calls are sent when they are full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Staged for StagedEvents {
    /// Returns when every record is confirmed.
    fn commit(mut self: Box<Self>, _ledger: &Ledger) -> Result<Committed, DestinationError> {
        match self.finish() {
            Ok(()) => Ok(Committed::Written(self.bytes)),
            Err(error) => Err(self.fail(error)),
        }
    }
}
