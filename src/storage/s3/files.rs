//! The files below a prefix of a bucket: listed page by page, and opened at their ends.

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};

use crate::storage::aws::error::{Class, Failure};
use crate::storage::{OpenFile, Operation, Record, StorageError, StoredFile};

use super::bucket::{OutputBucket, Range};

/// The number of bytes that are read at once before the end of a file.
const WINDOW: u64 = 1024 * 1024;

/// A listing of files. If a page cannot be requested, it ends with the error.
pub(super) struct FileListing {
    bucket: OutputBucket,
    /// The prefix of the destination.
    destination: String,
    /// The prefix that is listed.
    prefix: String,
    page: VecDeque<StoredFile>,
    /// The token of the next page, if there is one.
    next: Option<String>,
}

impl FileListing {
    /// Begins with the first page.
    pub(super) fn open(bucket: &OutputBucket, destination: &str, folder: &str) -> Result<Self, StorageError> {
        let mut listing = Self {
            bucket: bucket.clone(),
            destination: destination.to_owned(),
            prefix: format!("{destination}{folder}"),
            page: VecDeque::new(),
            next: None,
        };
        listing.request(None)?;
        Ok(listing)
    }

    fn request(&mut self, token: Option<String>) -> Result<(), StorageError> {
        let page = self.bucket.page(&self.prefix, token);
        let (page, next) = page.map_err(|failure| self.bucket.error(Operation::List, &self.prefix, &failure))?;
        let files = page.into_iter().filter_map(|file| {
            let name = file.name.strip_prefix(&self.destination)?.to_owned();
            // A folder marker.
            (!name.is_empty() && !name.ends_with('/')).then_some(StoredFile { name, ..file })
        });
        self.page = files.collect();
        self.next = next;
        Ok(())
    }
}

impl Iterator for FileListing {
    type Item = Result<StoredFile, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(file) = self.page.pop_front() {
                return Some(Ok(file));
            }
            let token = self.next.take()?;
            if let Err(error) = self.request(Some(token)) {
                return Some(Err(error));
            }
        }
    }
}

/// Opens an object with one request, which reads its end.
pub(super) fn open(bucket: &OutputBucket, key: &str) -> Result<Option<OpenFile>, StorageError> {
    let end = read(bucket, key, &format!("bytes=-{}", OpenFile::END), None);
    let end = match end {
        Ok(end) => end,
        Err(failure) if failure.class == Class::NotFound => return Ok(None),
        Err(failure) if failure.is_empty_range() => Range {
            body: Vec::new(),
            whole: 0,
            etag: String::new(),
            record: Record::default(),
        },
        Err(failure) => return Err(bucket.error(Operation::Read, key, &failure)),
    };
    Ok(Some(OpenFile {
        bytes: end.whole,
        record: end.record,
        content: Box::new(Content {
            bucket: bucket.clone(),
            key: key.to_owned(),
            etag: end.etag,
            bytes: end.whole,
            position: 0,
            end: Window::ending_at(end.whole, end.body),
            window: Window::default(),
        }),
    }))
}

fn read(bucket: &OutputBucket, key: &str, range: &str, etag: Option<&str>) -> Result<Range, Failure> {
    let is_broken = |failure: &Failure| matches!(failure.class, Class::BrokenBody | Class::Checksum);
    bucket.attempt(|| bucket.range(key, range.to_owned(), etag), is_broken)
}

/// The bytes of one version of an object.
struct Content {
    bucket: OutputBucket,
    key: String,
    etag: String,
    bytes: u64,
    position: u64,
    end: Window,
    window: Window,
}

/// Bytes that were read.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    const fn ending_at(end: u64, bytes: Vec<u8>) -> Self {
        let start = end.saturating_sub(bytes.len() as u64);
        Self { start, bytes }
    }

    /// Returns the bytes from a position on; nothing if they were not read.
    fn from(&self, position: u64) -> &[u8] {
        let skipped = position
            .checked_sub(self.start)
            .and_then(|skipped| usize::try_from(skipped).ok());
        skipped
            .and_then(|skipped| self.bytes.get(skipped..))
            .unwrap_or_default()
    }
}

impl Content {
    fn fill(&mut self) -> Result<(), StorageError> {
        let last = (self.position + WINDOW).min(self.end.start).saturating_sub(1);
        let range = format!("bytes={}-{last}", self.position);
        let read = read(&self.bucket, &self.key, &range, Some(&self.etag));
        let read = read.and_then(|read| {
            // Without a byte, reading would end too early.
            (last + 1 - self.position == read.body.len() as u64)
                .then_some(read)
                .ok_or(Failure::client_side(Class::InvalidResponse))
        });
        let read = read.map_err(|failure| self.bucket.error(Operation::Read, &self.key, &failure))?;
        self.window = Window {
            start: self.position,
            bytes: read.body,
        };
        Ok(())
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.bytes || buffer.is_empty() {
            return Ok(0);
        }
        if self.position < self.end.start && self.window.from(self.position).is_empty() {
            self.fill()?;
        }
        let from = if self.position < self.end.start {
            self.window.from(self.position)
        } else {
            self.end.from(self.position)
        };
        let read = from.len().min(buffer.len());
        for (to, byte) in buffer.iter_mut().zip(from) {
            *to = *byte;
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Content {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
