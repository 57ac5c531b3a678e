//! Bytes of an object in, blocks of whole lines out.
//!
//! [`ObjectReader`] is fed any chunks. It looks at the first bytes to tell gzip from plain text, whatever the name or
//! a header says, reads every member of a gzip object, and cuts the text into blocks whose borders depend on the text
//! alone, never on the chunks.

mod blocks;
mod inflate;

use blocks::Blocks;
use inflate::Inflater;

pub use blocks::{BLOCK, MAX_LINE};

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

    /// Reads a chunk, and hands on the pieces it completes.
    pub fn push<E: From<ReadError>>(
        &mut self,
        chunk: &[u8],
        emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.read += chunk.len() as u64;
        match &mut self.state {
            State::Plain => self.blocks.copy(chunk, emit),
            State::Gzip(inflater) => inflater.push(chunk, &mut self.blocks, emit),
            State::Head(head) => {
                head.extend_from_slice(chunk);
                if head.len() < MAGIC {
                    return Ok(());
                }
                let head = std::mem::take(head);
                self.begin(&head, emit)
            }
        }
    }

    /// Ends the object, and hands on what is left. An object that ends inside a gzip member is [`ReadError`].
    pub fn finish<E: From<ReadError>>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<(), E> {
        if let State::Head(head) = &mut self.state {
            let head = std::mem::take(head);
            if !head.is_empty() {
                self.begin(&head, emit)?;
            }
        }
        if let State::Gzip(inflater) = &self.state {
            inflater.finish()?;
        }
        self.blocks.finish(emit)
    }

    /// After a [`ReadError`]: hands on the whole lines read before the fault, and then the bytes of the line that the
    /// fault cut, which are no line and may be empty.
    pub fn salvage<E>(&mut self, emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>) -> Result<Cut, E> {
        self.blocks.salvage(emit)
    }

    fn begin<E: From<ReadError>>(
        &mut self,
        head: &[u8],
        emit: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some((_, what)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(ReadError::Foreign { what }.into());
        }
        if head.starts_with(&[0x1f, 0x8b]) {
            let mut inflater = Box::new(Inflater::new());
            let pushed = inflater.push(head, &mut self.blocks, emit);
            self.state = State::Gzip(inflater);
            pushed
        } else {
            self.state = State::Plain;
            self.blocks.copy(head, emit)
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
