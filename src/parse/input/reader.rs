//! Reads on this thread, or beside it.

use super::threaded::{self, ThreadedReader};
use super::{Cut, ObjectReader, Piece, ReadError};

/// Reads one object as [`ObjectReader`] does, on this thread or on one of its own.
///
/// The pieces are the same. On two threads a fault is told later: at the latest by [`finish`](Self::finish).
#[derive(Debug)]
pub struct Reader {
    place: Place,
    /// Whether it may take a thread.
    may_spawn: bool,
}

#[derive(Debug)]
enum Place {
    Here(Box<ObjectReader>),
    ThreadedReader(ThreadedReader),
}

impl Reader {
    /// A reader for one object on this thread.
    pub fn new() -> Self {
        Self {
            place: Place::Here(Box::default()),
            may_spawn: false,
        }
    }

    /// Lets it take a thread, which it does for a gzip object that is not small.
    pub const fn allow_thread(&mut self) {
        self.may_spawn = true;
    }

    /// Reads a chunk, and hands on the pieces that are complete; not always all of them.
    pub fn push<E: From<ReadError>>(
        &mut self,
        chunk: &[u8],
        emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.spawn_if_worth_it();
        match &mut self.place {
            Place::Here(reader) => reader.push(chunk, emit),
            Place::ThreadedReader(threaded) => threaded.push(chunk, emit),
        }
    }

    /// Ends the object, and hands on what is left. An object that ends inside a gzip member is [`ReadError`].
    pub fn finish<E: From<ReadError>>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        match &mut self.place {
            Place::Here(reader) => reader.finish(emit),
            Place::ThreadedReader(threaded) => threaded.finish(emit),
        }
    }

    /// After a [`ReadError`]: see [`ObjectReader::salvage`].
    pub fn salvage<E: From<ReadError>>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<Cut, E> {
        match &mut self.place {
            Place::Here(reader) => reader.salvage(emit),
            Place::ThreadedReader(threaded) => threaded.salvage(emit),
        }
    }

    /// A reader whose thread ends after its first order.
    #[cfg(test)]
    pub(crate) fn ends_early() -> std::io::Result<Self> {
        let threaded = ThreadedReader::spawn_with(|ends| drop(ends.orders.recv()))?;
        Ok(Self {
            place: Place::ThreadedReader(threaded),
            may_spawn: false,
        })
    }

    #[cfg(test)]
    pub(super) const fn is_beside(&self) -> bool {
        matches!(self.place, Place::ThreadedReader(_))
    }

    /// Goes on beside this thread once so much of a gzip object was read that the rest may be worth a thread.
    fn spawn_if_worth_it(&mut self) {
        if let Place::Here(reader) = &mut self.place
            && self.may_spawn
            && reader.is_gzip()
            && reader.bytes_read() >= threaded::CHUNK as u64
        {
            self.may_spawn = false;
            // Where the machine gives no thread, this one goes on.
            if let Ok(threaded) = ThreadedReader::spawn(reader) {
                self.place = Place::ThreadedReader(threaded);
            }
        }
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}
