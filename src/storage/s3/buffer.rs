//! The bytes of a staged output: in memory as long as there is room, then in a temporary file.

use std::fmt;
use std::io::{self, Seek as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::primitives::{ByteStream, Length};
use bytes::Bytes;
use tempfile::NamedTempFile;

/// The initial capacity of a buffer.
const FIRST: usize = 64 * 1024;

/// A number of bytes of memory that buffers share; clones share it as well.
#[derive(Clone)]
pub(super) struct MemoryBudget {
    left: Arc<AtomicUsize>,
}

/// A share of a budget, which returns when it is dropped.
struct Share {
    budget: MemoryBudget,
    bytes: usize,
}

/// A buffer of bytes that are gathered and then taken as a body.
pub(super) struct Buffer {
    budget: MemoryBudget,
    bytes: Gathered,
}

enum Gathered {
    Memory(Vec<u8>, Share),
    File(NamedTempFile, u64),
}

/// Gathered bytes that can be sent any number of times.
pub(super) struct Content {
    bytes: ContentBytes,
}

enum ContentBytes {
    Memory(
        Bytes,
        #[expect(dead_code, reason = "kept until the bytes are sent")] Share,
    ),
    File(NamedTempFile, u64),
}

impl MemoryBudget {
    /// Creates a budget of this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            left: Arc::new(AtomicUsize::new(bytes)),
        }
    }

    /// Takes this many bytes, or none; returns whether it did.
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

impl fmt::Debug for MemoryBudget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MemoryBudget({} bytes left)", self.left.load(Ordering::Relaxed))
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
    pub(super) fn new(budget: &MemoryBudget) -> Self {
        Self {
            budget: budget.clone(),
            bytes: Gathered::Memory(Vec::new(), budget.share()),
        }
    }

    /// Returns the number of bytes gathered.
    pub(super) fn len(&self) -> u64 {
        match &self.bytes {
            Gathered::Memory(bytes, _) => bytes.len() as u64,
            Gathered::File(_, len) => *len,
        }
    }

    /// Gathers bytes.
    pub(super) fn push(&mut self, more: &[u8]) -> io::Result<()> {
        if let Gathered::Memory(bytes, share) = &mut self.bytes {
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
            self.bytes = Gathered::File(file, bytes.len() as u64);
        }
        if let Gathered::File(file, len) = &mut self.bytes {
            file.write_all(more)?;
            *len += more.len() as u64;
        }
        Ok(())
    }

    /// Takes the gathered bytes and leaves the buffer empty.
    pub(super) fn take(&mut self) -> io::Result<Content> {
        let empty = Gathered::Memory(Vec::new(), self.budget.share());
        let bytes = match std::mem::replace(&mut self.bytes, empty) {
            Gathered::Memory(bytes, share) => ContentBytes::Memory(bytes.into(), share),
            Gathered::File(mut file, len) => {
                file.flush()?;
                file.rewind()?;
                ContentBytes::File(file, len)
            }
        };
        Ok(Content { bytes })
    }
}

impl Content {
    /// Returns the bytes as the body of a request.
    pub(super) async fn body(&self) -> io::Result<ByteStream> {
        match &self.bytes {
            ContentBytes::Memory(bytes, _) => Ok(ByteStream::from(bytes.clone())),
            ContentBytes::File(file, len) => ByteStream::read_from()
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
    fn bytes_above_the_budget_go_to_a_file_and_shares_return() {
        let budget = MemoryBudget::new(3 * FIRST);
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
            assert!(matches!(buffer.bytes, Gathered::File(..)), "five do not fit three");
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
        assert!(matches!(content.bytes, ContentBytes::Memory(..)));
        assert_eq!(left(), FIRST, "kept until it is sent");
        drop(content);
        assert_eq!(left(), 3 * FIRST);
    }
}
