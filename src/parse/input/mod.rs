//! Bytes of an object in, blocks of whole lines out.
//!
//! [`ObjectReader`] is fed any chunks. It looks at the first bytes to tell gzip from plain text, whatever the name or
//! a header says, reads every member of a gzip object, and cuts the text into blocks whose borders depend on the text
//! alone, never on the chunks.
//!
//! [`Reader`] does the same, and may do it on a thread of its own.

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
    /// Whole lines, each with its newline; the last line of an object may have none.
    Lines {
        /// The lines.
        text: &'a [u8],
        /// The offset of the first byte in the decompressed object.
        offset: u64,
    },
    /// A line longer than [`MAX_LINE`] begins.
    LongLine {
        /// The offset of its first byte in the decompressed object.
        offset: u64,
    },
    /// Some bytes of the long line.
    LongLinePart(&'a [u8]),
    /// The long line ends.
    LongLineEnd,
}

/// Takes the text of an object. A closure that takes pieces is one.
pub(crate) trait Sink<E> {
    /// The next piece.
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), E>;

    /// Whole lines: the first `len` bytes of the buffer, which the sink may keep if it leaves another, of any length.
    fn lines(&mut self, buffer: &mut Vec<u8>, len: usize, offset: u64) -> Result<(), E> {
        let text = buffer.get(..len).unwrap_or_default();
        self.piece(Piece::Lines { text, offset })
    }
}

impl<E, F: FnMut(Piece<'_>) -> Result<(), E>> Sink<E> for F {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), E> {
        self(piece)
    }
}

/// Why an object cannot be read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes end inside a gzip member.
    #[error("the gzip stream is truncated: it ends at compressed byte {at}, inside a member")]
    Truncated {
        /// The number of compressed bytes there were.
        at: u64,
    },
    /// The bytes are no gzip stream, or a checksum or length does not match.
    #[error("the gzip stream is corrupt at compressed byte {at}: {what}")]
    Corrupt {
        /// The compressed byte at which the fault was noticed.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// The object is in a format that load balancers do not write.
    #[error("the object is {what}, not a log: load balancers write gzip or plain text")]
    Foreign {
        /// What the object is.
        what: &'static str,
    },
    /// The thread that reads is gone before the end of the object: a defect of this program, and no end of the object.
    #[error("the thread that decompresses ended early; nothing was committed, please report this")]
    ThreadEnded,
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
    /// Too few bytes so far to tell what the object is.
    Head(Vec<u8>),
    Plain,
    Gzip(Box<Inflater>),
}

/// How many bytes tell what an object is.
const MAGIC: usize = 4;

/// First bytes of formats that are no logs.
const FOREIGN: [(&[u8], &str); 7] = [
    (b"PAR1", "a Parquet file"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2-compressed"),
    (&[0xfd, b'7', b'z', b'X'], "xz-compressed"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
];

impl ObjectReader {
    /// A reader for one object.
    pub fn new() -> Self {
        Self {
            state: State::Head(Vec::new()),
            blocks: Blocks::new(),
            read: 0,
        }
    }

    /// The number of (compressed) bytes read so far.
    pub const fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Whether what was read so far is a gzip object.
    pub const fn is_gzip(&self) -> bool {
        matches!(self.state, State::Gzip(_))
    }

    /// Reads a chunk, and hands on the pieces it completes.
    pub fn push<E: From<ReadError>>(
        &mut self,
        chunk: &[u8],
        emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_to(chunk, emit)
    }

    fn push_to<E: From<ReadError>>(&mut self, chunk: &[u8], sink: &mut impl Sink<E>) -> Result<(), E> {
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

    /// Ends the object, and hands on what is left. An object that ends inside a gzip member is [`ReadError`].
    pub fn finish<E: From<ReadError>>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        self.finish_to(emit)
    }

    fn finish_to<E: From<ReadError>>(&mut self, sink: &mut impl Sink<E>) -> Result<(), E> {
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

    /// After a [`ReadError`]: hands on the whole lines read before the fault, and then the bytes of the line that the
    /// fault cut, which are no line and may be empty.
    pub fn salvage<E>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<Cut, E> {
        self.salvage_to(emit)
    }

    fn salvage_to<E>(&mut self, sink: &mut impl Sink<E>) -> Result<Cut, E> {
        self.blocks.salvage(sink)
    }

    fn begin<E: From<ReadError>>(&mut self, head: &[u8], sink: &mut impl Sink<E>) -> Result<(), E> {
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

/// The line that a fault cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The offset of its first byte in the decompressed object.
    pub offset: u64,
    /// Its bytes as far as they were read; empty where the fault lies between two lines, or inside a line that was
    /// already handed on as a long one.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests;
