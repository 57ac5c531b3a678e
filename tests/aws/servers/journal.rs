//! The journal of a server: its requests and what it did.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::fault::{Fault, Op};
use super::http::Progress;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) op: Op,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// All headers except the signature, by lowercase name.
    pub(crate) headers: BTreeMap<String, String>,
    /// The status of the response; 0 if the connection was closed without one.
    pub(crate) status: u16,
    /// The AWS error code; empty without an error.
    pub(crate) code: String,
    pub(crate) fault: Option<Fault>,
    /// Whether the request was carried out, whatever the response was.
    pub(crate) done: bool,
    /// The bytes of the request's body on the wire.
    pub(crate) received: u64,
    /// When the request had arrived.
    pub(crate) began: Instant,
    progress: Arc<Progress>,
}

impl Entry {
    /// The bytes of the response's body that were handed to the connection.
    pub(crate) fn sent(&self) -> u64 {
        self.progress.sent.load(Ordering::SeqCst)
    }

    /// When the response was sent, if it was.
    pub(crate) fn ended(&self) -> Option<Instant> {
        self.progress.ended.get().copied()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    pub(crate) fn new(op: Op, bucket: &str, key: &str, call: &super::http::Call) -> Self {
        let names = call.headers.keys().filter(|name| *name != "authorization");
        let headers = names.map(|name| (name.as_str().to_owned(), call.list(name.as_str())));
        Self {
            op,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            headers: headers.collect(),
            status: 0,
            code: String::new(),
            fault: None,
            done: false,
            received: call.body.len() as u64,
            began: Instant::now(),
            progress: Arc::default(),
        }
    }
}

/// Returns the requests in the order of their responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Journal {
    pub(crate) fn add(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    pub(crate) fn of(&self, op: Op) -> Vec<Entry> {
        self.entries().into_iter().filter(|entry| entry.op == op).collect()
    }

    pub(crate) fn count(&self, op: Op) -> usize {
        self.of(op).len()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    /// Returns one line per request, for the message of a failing test.
    pub(crate) fn text(&self) -> String {
        let line = |entry: &Entry| {
            let Entry {
                op,
                bucket,
                key,
                status,
                code,
                fault,
                received,
                ..
            } = entry;
            let sent = entry.sent();
            format!("{op} {bucket}/{key}: {status} {code} in {received} out {sent} {fault:?}\n")
        };
        self.entries().iter().map(line).collect()
    }
}
