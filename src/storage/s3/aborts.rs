//! Aborts of multipart uploads, in the background and in parallel.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::deadline::Deadline;
use crate::escape::escaped;

use super::bucket::OutputBucket;

/// The maximum time for aborting uploads, all together. It may be after the deadline of the work.
const MAX_ABORT: Duration = Duration::from_secs(5);

/// The aborts of one sink; clones share them. The last clone waits for them.
#[derive(Debug, Clone)]
pub(super) struct Aborts(Arc<Running>);

#[derive(Debug)]
struct Running {
    /// Each receiver is disconnected when its abort ends.
    ends: Mutex<Vec<Receiver<()>>>,
    /// The thread that created the sink, which may block.
    thread: ThreadId,
}

impl Aborts {
    pub(super) fn new() -> Self {
        Self(Arc::new(Running {
            ends: Mutex::default(),
            thread: thread::current().id(),
        }))
    }

    /// Starts to abort an upload.
    pub(super) fn start(&self, bucket: OutputBucket, key: String, upload: String) {
        let (running, end) = channel();
        self.0.ends.lock().unwrap_or_else(PoisonError::into_inner).push(end);
        let runtime = bucket.clients().runtime().clone();
        runtime.spawn(abort(bucket, key, upload, running));
    }

    /// Waits for every abort that was started, no longer than the deadline.
    pub(super) fn wait(&self, deadline: Deadline) {
        self.0.wait(deadline);
    }
}

impl Running {
    fn wait(&self, deadline: Deadline) {
        let ends = std::mem::take(&mut *self.ends.lock().unwrap_or_else(PoisonError::into_inner));
        for end in ends {
            // Nothing is ever sent: this returns at the end of the abort, or of the time.
            let _ = end.recv_timeout(deadline.cap(MAX_ABORT));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A thread that may drive a runtime must not block: it would wait for itself.
        if self.thread == thread::current().id() || Handle::try_current().is_err() {
            self.wait(Deadline::after(MAX_ABORT));
        }
    }
}

async fn abort(bucket: OutputBucket, key: String, upload: String, _running: Sender<()>) {
    let abort = tokio::time::timeout(MAX_ABORT, bucket.abort(&key, &upload));
    if !matches!(abort.await, Ok(Ok(()))) {
        tracing::warn!(
            key = %escaped(&key),
            "a multipart upload could not be aborted; a lifecycle rule (AbortIncompleteMultipartUpload) removes it"
        );
    }
}
