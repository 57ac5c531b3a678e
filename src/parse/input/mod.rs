//! Turns the bytes of an object into blocks of whole lines.
//!
//! [`ObjectReader`] accepts chunks of any size. It distinguishes gzip from plain text by the first bytes, whatever the name
//! or a header claims, reads every member of a gzip object, and cuts the text into blocks whose borders depend only on the
//! text, never on the chunks.
//!
//! [`Reader`] does the same and may use a second thread.

mod blocks;
mod inflate;
mod reader;
mod threaded;

use blocks::Blocks;
use inflate::Inflater;

pub use blocks::{BLOCK, MAX_LINE};
pub use reader::Reader;

/// A piece of the decompressed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Whole lines, each with its newline; the last line of an object may lack it.
    Lines {
        /// The lines.
        text: &'a [u8],
        /// The position of the first byte in the decompressed object.
        offset: u64,
    },
    /// The start of a line longer than [`MAX_LINE`].
    LongLine {
        /// The position of its first byte in the decompressed object.
        offset: u64,
    },
    /// The next bytes of the long line.
    LongLinePart(&'a [u8]),
    /// The end of the long line.
    LongLineEnd,
}

/// Receives the text of an object. Implemented by closures that take pieces.
///
/// Pieces arrive in the order of the text, without gaps. [`Piece::LongLine`] is followed by any number of
/// [`Piece::LongLinePart`], then by [`Piece::LongLineEnd`], with no other piece between. After an error, no more pieces
/// arrive: the reader returns the error to its caller and must not be used again, except that a [`ReadError`] of the reader
/// itself may be followed by `salvage`.
pub trait PieceSink<E> {
    /// Receives the next piece.
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), E>;

    /// Receives whole lines: the first `len` bytes of the buffer. The sink may keep the buffer if it leaves another one of
    /// any length in its place.
    fn lines(&mut self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> Result<(), E> {
        let text = buffer.get(..len).unwrap_or_default();
        self.piece(Piece::Lines { text, offset })
    }
}

impl<E, F: FnMut(Piece<'_>) -> Result<(), E>> PieceSink<E> for F {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), E> {
        self(piece)
    }
}

/// An error that prevents reading an object to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes end inside a gzip member.
    #[error("the gzip stream is truncated: it ends at compressed byte {at}, inside a member")]
    Truncated {
        /// The number of compressed bytes.
        at: u64,
    },
    /// The bytes are not a valid gzip stream, or a checksum or length does not match.
    #[error("the gzip stream is corrupt at compressed byte {at}: {what}")]
    Corrupt {
        /// The compressed byte at which the fault was detected.
        at: u64,
        /// A description of the fault.
        what: &'static str,
        /// The number of bytes of text before the member at fault: their checksums match.
        verified: u64,
    },
    /// The object is in a format that load balancers do not write.
    #[error(
        "the object is {what}, not a log: load balancers write gzip or plain text{}",
        hint(what)
    )]
    Foreign {
        /// A description of the format.
        what: &'static str,
    },
    /// The reading thread ended before the end of the object: a defect of this program, not the end of the object.
    #[error("the thread that decompresses ended early; nothing was committed, please report this")]
    ThreadEnded,
}

impl ReadError {
    /// Returns whether the fault is in the gzip stream of a log, so the text before it can be salvaged.
    pub const fn is_of_gzip(self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::Corrupt { .. })
    }
}

/// Reads one object. See the module's documentation.
#[derive(Debug)]
pub struct ObjectReader {
    state: State,
    blocks: Blocks,
    read: u64,
}

#[derive(Debug)]
enum State {
    /// Too few bytes to detect the format.
    Head(Vec<u8>),
    Plain,
    Gzip(Box<Inflater>),
}

/// The number of bytes needed to detect the format.
const MAGIC: usize = 4;

const PARQUET: &str = "a Parquet file";

/// The first bytes of formats that are not logs.
const FOREIGN: [(&[u8], &str); 7] = [
    (b"PAR1", PARQUET),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2-compressed"),
    (&[0xfd, b'7', b'z', b'X'], "xz-compressed"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
];

/// Returns what else there is to say about a format that load balancers do not write.
fn hint(what: &str) -> &'static str {
    if what == PARQUET {
        "; if AWS delivered it (vended logs with the output format parquet), AWS already converted the log, and its file can be queried as it is: select json, w3c or plain for a log that is to be ingested"
    } else {
        ""
    }
}

impl ObjectReader {
    /// Returns a reader for one object.
    pub fn new() -> Self {
        Self {
            state: State::Head(Vec::new()),
            blocks: Blocks::new(),
            read: 0,
        }
    }

    /// Returns the number of bytes read, before decompression.
    pub const fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Returns whether the object is known to be gzip.
    pub const fn is_gzip(&self) -> bool {
        matches!(self.state, State::Gzip(_))
    }

    /// Reads a chunk and emits the pieces that it completes.
    pub fn push<E: From<ReadError>>(
        &mut self,
        chunk: &[u8],
        emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_to(chunk, emit)
    }

    fn push_to<E: From<ReadError>>(&mut self, chunk: &[u8], sink: &mut impl PieceSink<E>) -> Result<(), E> {
        self.read += chunk.len() as u64;
        match &mut self.state {
            State::Plain => self.blocks.copy(chunk, sink),
            State::Gzip(inflater) => inflater.push(chunk, &mut self.blocks, sink),
            State::Head(head) => {
                head.extend_from_slice(chunk);
                if head.len() < MAGIC {
                    return Ok(());
                }
                let head = std::mem::take(head);
                self.begin(&head, sink)
            }
        }
    }

    /// Ends the object and emits the remaining pieces. An object that ends inside a gzip member is a [`ReadError`].
    pub fn finish<E: From<ReadError>>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        self.finish_to(emit)
    }

    fn finish_to<E: From<ReadError>>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        if let State::Head(head) = &mut self.state {
            let head = std::mem::take(head);
            if !head.is_empty() {
                self.begin(&head, sink)?;
            }
        }
        if let State::Gzip(inflater) = &self.state {
            inflater.finish()?;
        }
        self.blocks.finish(sink)
    }

    /// Salvages the text before a [`ReadError`]: emits the whole lines read before the fault and returns the beginning of
    /// the line that the fault cuts.
    pub fn salvage<E>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<Cut, E> {
        self.salvage_to(emit)
    }

    fn salvage_to<E>(&mut self, sink: &mut impl PieceSink<E>) -> Result<Cut, E> {
        self.blocks.salvage(sink)
    }

    fn begin<E: From<ReadError>>(&mut self, head: &[u8], sink: &mut impl PieceSink<E>) -> Result<(), E> {
        if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(ReadError::Foreign { what }.into());
        }
        if head.starts_with(&[0x1f, 0x8b]) {
            let mut inflater = Box::new(Inflater::new());
            let pushed = inflater.push(head, &mut self.blocks, sink);
            self.state = State::Gzip(inflater);
            pushed
        } else {
            self.state = State::Plain;
            self.blocks.copy(head, sink)
        }
    }
}

impl Default for ObjectReader {
    fn default() -> Self {
        Self::new()
    }
}

/// The beginning of a line that a fault cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The position of its first byte in the decompressed object.
    pub offset: u64,
    /// The bytes that were read; empty if the fault is between two lines, or inside a line that was already emitted as a
    /// long one.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests;
