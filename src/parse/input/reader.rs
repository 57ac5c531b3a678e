//! Reads an object on the calling thread or on a second one.

use super::threaded::{self, ThreadedReader};
use super::{Cut, ObjectReader, PieceSink, ReadError};

/// Reads one object as [`ObjectReader`] does, on the calling thread or on a second one.
///
/// The pieces are the same. On two threads, a fault is reported later: at the latest by [`finish`](Self::finish).
#[derive(Debug)]
pub struct Reader {
    mode: Mode,
    /// Whether a second thread may be used.
    may_spawn: bool,
}

#[derive(Debug)]
enum Mode {
    Inline(Box<ObjectReader>),
    Threaded(ThreadedReader),
}

impl Reader {
    /// Returns a reader for one object on the calling thread.
    pub fn new() -> Self {
        Self {
            mode: Mode::Inline(Box::default()),
            may_spawn: false,
        }
    }

    /// Allows a second thread, which is used for gzip objects that are not small.
    pub const fn allow_thread(&mut self) {
        self.may_spawn = true;
    }

    /// Reads a chunk and emits complete pieces, but not necessarily all of them.
    pub fn push<E: From<ReadError>>(&mut self, chunk: &[u8], sink: &mut impl PieceSink<E>) -> Result<(), E> {
        self.spawn_if_worth_it();
        match &mut self.mode {
            Mode::Inline(reader) => reader.push_to(chunk, sink),
            Mode::Threaded(threaded) => threaded.push(chunk, sink),
        }
    }

    /// Ends the object and emits the remaining pieces. An object that ends inside a gzip member is a [`ReadError`].
    pub fn finish<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        match &mut self.mode {
            Mode::Inline(reader) => reader.finish_to(sink),
            Mode::Threaded(threaded) => threaded.finish(sink),
        }
    }

    /// Salvages the lines before a [`ReadError`]: see [`ObjectReader::salvage`].
    pub fn salvage<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<Cut, E> {
        match &mut self.mode {
            Mode::Inline(reader) => reader.salvage_to(sink),
            Mode::Threaded(threaded) => threaded.salvage(sink),
        }
    }

    /// Returns a reader whose thread ends after its first command.
    #[cfg(test)]
    pub(crate) fn ends_early() -> std::io::Result<Self> {
        let threaded = ThreadedReader::spawn_with(|ends| drop(ends.commands.recv()))?;
        Ok(Self {
            mode: Mode::Threaded(threaded),
            may_spawn: false,
        })
    }

    #[cfg(test)]
    pub(super) const fn is_threaded(&self) -> bool {
        matches!(self.mode, Mode::Threaded(_))
    }

    /// Moves to a second thread once enough of a gzip object was read that the rest may be worth it.
    fn spawn_if_worth_it(&mut self) {
        if let Mode::Inline(reader) = &mut self.mode
            && self.may_spawn
            && reader.is_gzip()
            && reader.bytes_read() >= threaded::CHUNK as u64
        {
            self.may_spawn = false;
            // If no thread can be started, this one continues.
            if let Ok(threaded) = ThreadedReader::spawn(reader) {
                self.mode = Mode::Threaded(threaded);
            }
        }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}
