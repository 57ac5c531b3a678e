//! The bytes of an output that is staged: in memory as long as there is room, then in a temporary file.

use std::fmt;
use std::io::{self, Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::primitives::{ByteStream, Length};
use bytes::Bytes;
use tempfile::NamedTempFile;

/// The memory that a buffer begins with.
const FIRST: usize = 64 * 1024;

/// Memory that buffers share; its clones are the same.
#[derive(Clone)]
pub(super) struct Budget {
    left: Arc<AtomicUsize>,
}

/// A part of a budget; it is given back when it is dropped.
struct Share {
    budget: Budget,
    bytes: usize,
}

/// Bytes that are gathered and then taken as a body.
pub(super) struct Buffer {
    budget: Budget,
    place: Place,
}

enum Place {
    Memory(Vec<u8>, Share),
    File(NamedTempFile, u64),
}

/// Gathered bytes that can be sent, more than once if need be.
pub(super) struct Content {
    place: Sendable,
}

enum Sendable {
    Memory(
        Bytes,
        #[expect(dead_code, reason = "held until the bytes are sent")] Share,
    ),
    File(NamedTempFile, u64),
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
        }
    }

    /// Takes so many bytes, or none.
    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .left
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes));
        taken.is_ok()
    }

    fn share(&self) -> Share {
        Share {
            budget: self.clone(),
            bytes: 0,
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Budget({} bytes left)", self.left.load(Ordering::Relaxed))
    }
}

impl Share {
    fn grow(&mut self, bytes: usize) -> bool {
        let taken = self.budget.take(bytes);
        self.bytes += if taken { bytes } else { 0 };
        taken
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.left.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

impl Buffer {
    pub(super) fn new(budget: &Budget) -> Self {
        Self {
            budget: budget.clone(),
            place: Place::Memory(Vec::new(), budget.share()),
        }
    }

    /// Bytes gathered.
    pub(super) fn len(&self) -> u64 {
        match &self.place {
            Place::Memory(bytes, _) => bytes.len() as u64,
            Place::File(_, len) => *len,
        }
    }

    /// Gathers bytes.
    pub(super) fn push(&mut self, more: &[u8]) -> io::Result<()> {
        if let Place::Memory(bytes, share) = &mut self.place {
            let needed = bytes.len() + more.len();
            if needed <= bytes.capacity() {
                bytes.extend_from_slice(more);
                return Ok(());
            }
            let capacity = needed.next_power_of_two().max(FIRST);
            if share.grow(capacity.saturating_sub(share.bytes)) {
                bytes.reserve_exact(capacity - bytes.len());
                bytes.extend_from_slice(more);
                return Ok(());
            }
            let mut file = NamedTempFile::new()?;
            file.write_all(bytes)?;
            self.place = Place::File(file, bytes.len() as u64);
        }
        if let Place::File(file, len) = &mut self.place {
            file.write_all(more)?;
            *len += more.len() as u64;
        }
        Ok(())
    }

    /// Takes what was gathered; the buffer is empty then.
    pub(super) fn take(&mut self) -> io::Result<Content> {
        let empty = Place::Memory(Vec::new(), self.budget.share());
        let place = match std::mem::replace(&mut self.place, empty) {
            Place::Memory(bytes, share) => Sendable::Memory(bytes.into(), share),
            Place::File(mut file, len) => {
                file.flush()?;
                file.rewind()?;
                Sendable::File(file, len)
            }
        };
        Ok(Content { place })
    }
}

impl Content {
    /// The bytes as the body of a request.
    pub(super) async fn body(&self) -> io::Result<ByteStream> {
        match &self.place {
            Sendable::Memory(bytes, _) => Ok(ByteStream::from(bytes.clone())),
            Sendable::File(file, len) => ByteStream::read_from()
                .path(file.path())
                .buffer_size(FIRST)
                .length(Length::Exact(*len))
                .build()
                .await
                .map_err(io::Error::other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_the_budget_goes_to_a_file_and_memory_comes_back() {
        let budget = Budget::new(3 * FIRST);
        let left = || budget.left.load(Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(5 * FIRST).collect();
        let mut buffers: Vec<Buffer> = (0..4).map(|_| Buffer::new(&budget)).collect();
        for chunk in bytes.chunks(10_000) {
            for buffer in &mut buffers {
                buffer.push(chunk).unwrap();
            }
        }
        for buffer in &mut buffers {
            assert_eq!(buffer.len(), bytes.len() as u64);
            assert!(matches!(buffer.place, Place::File(..)), "five do not fit three");
            let content = buffer.take().unwrap();
            let body = runtime.block_on(async { content.body().await.unwrap().collect().await.unwrap() });
            assert!(body.into_bytes() == bytes);
            assert_eq!(buffer.len(), 0);
        }
        assert_eq!(left(), 3 * FIRST);

        let mut small = Buffer::new(&budget);
        small.push(&bytes[..=FIRST]).unwrap();
        assert_eq!(left(), FIRST);
        let content = small.take().unwrap();
        assert!(matches!(content.place, Sendable::Memory(..)));
        assert_eq!(left(), FIRST, "held until it is sent");
        drop(content);
        assert_eq!(left(), 3 * FIRST);
    }
}
