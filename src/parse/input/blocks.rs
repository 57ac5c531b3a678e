//! Cuts text into blocks of whole lines.

use memchr::{memchr, memrchr};

use super::{Cut, Piece, PieceSink};

/// The size of a block: it ends with the last line that ends within this number of bytes, or with its first line if that is
/// longer.
pub const BLOCK: usize = 256 * 1024;
/// The maximum length of a line that is parsed, without its newline.
pub const MAX_LINE: usize = 1024 * 1024;

/// The initial size of the buffer: zeroing a whole block would cost more than reading a small object.
const FIRST_ROOM: usize = 16 * 1024;

/// Text that is not emitted yet.
#[derive(Debug)]
pub(super) struct Blocks {
    /// A buffer of the size of a block, except for small objects and longer lines; its first `filled` bytes are the text.
    buffer: Vec<u8>,
    filled: usize,
    /// The position of the buffer's first byte in the decompressed object.
    offset: u64,
    /// Whether the text is the rest of a line longer than [`MAX_LINE`].
    in_long_line: bool,
    /// The text after a block that was emitted, before it becomes the beginning of the next.
    rest: Vec<u8>,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            filled: 0,
            offset: 0,
            in_long_line: false,
            rest: Vec::new(),
        }
    }

    /// Returns room for at least one more byte.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        if self.filled == self.buffer.len() {
            // A block once the initial buffer is full, and more only for a longer line.
            let len = match self.filled {
                0 if self.offset == 0 => FIRST_ROOM,
                filled => (filled / BLOCK + 1) * BLOCK,
            };
            self.buffer.resize(len, 0);
        }
        self.buffer.get_mut(self.filled..).unwrap_or_default()
    }

    /// Adds the first `len` bytes of the room to the text and emits complete blocks.
    pub(super) fn advance<E>(&mut self, len: usize, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        self.filled = (self.filled + len).min(self.buffer.len());
        if self.in_long_line {
            self.leave_long_line(sink)?;
        }
        while self.filled >= BLOCK {
            let text = self.buffer.get(..self.filled).unwrap_or_default();
            let (first, rest) = text.split_at(BLOCK.min(text.len()));
            let newline = memrchr(b'\n', first).or_else(|| memchr(b'\n', rest).map(|at| BLOCK + at));
            match newline {
                Some(newline) if newline <= MAX_LINE || newline < BLOCK => self.emit(newline + 1, sink)?,
                None if self.filled <= MAX_LINE => return Ok(()),
                _ => {
                    sink.piece(Piece::LongLine { offset: self.offset })?;
                    self.in_long_line = true;
                    self.leave_long_line(sink)?;
                }
            }
        }
        Ok(())
    }

    /// Copies a chunk.
    pub(super) fn copy<E>(&mut self, mut chunk: &[u8], sink: &mut impl PieceSink<E>) -> Result<(), E> {
        while !chunk.is_empty() {
            let spare = self.spare();
            let len = spare.len().min(chunk.len());
            let (now, later) = chunk.split_at(len);
            spare.split_at_mut(len).0.copy_from_slice(now);
            chunk = later;
            self.advance(len, sink)?;
        }
        Ok(())
    }

    /// Emits the remaining text: the last line may lack its newline.
    pub(super) fn finish<E>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        if self.in_long_line {
            self.in_long_line = false;
            return sink.piece(Piece::LongLineEnd);
        }
        if self.filled > 0 {
            self.emit(self.filled, sink)?;
        }
        Ok(())
    }

    /// Emits the remaining whole lines and returns the bytes after them.
    pub(super) fn salvage<E>(&mut self, sink: &mut impl PieceSink<E>) -> Result<Cut, E> {
        if self.in_long_line {
            self.in_long_line = false;
            sink.piece(Piece::LongLineEnd)?;
            return Ok(Cut {
                offset: self.offset,
                bytes: Vec::new(),
            });
        }
        if let Some(newline) = memrchr(b'\n', self.buffer.get(..self.filled).unwrap_or_default()) {
            self.emit(newline + 1, sink)?;
        }
        let bytes = self.buffer.get(..self.filled).unwrap_or_default().to_vec();
        self.filled = 0;
        Ok(Cut {
            offset: self.offset,
            bytes,
        })
    }

    fn leave_long_line<E>(&mut self, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        let text = self.buffer.get(..self.filled).unwrap_or_default();
        if let Some(newline) = memchr(b'\n', text) {
            sink.piece(Piece::LongLinePart(text.get(..newline).unwrap_or_default()))?;
            sink.piece(Piece::LongLineEnd)?;
            self.in_long_line = false;
            self.drop_front(newline + 1);
        } else {
            sink.piece(Piece::LongLinePart(text))?;
            self.drop_front(self.filled);
        }
        Ok(())
    }

    /// Emits the first `len` bytes. The sink may replace the buffer, so the text after them is saved first.
    fn emit<E>(&mut self, len: usize, sink: &mut impl PieceSink<E>) -> Result<(), E> {
        self.rest.clear();
        self.rest
            .extend_from_slice(self.buffer.get(len..self.filled).unwrap_or_default());
        sink.lines(&mut self.buffer, len, self.offset)?;
        self.filled = self.rest.len();
        self.offset += len as u64;
        // Release the memory of a line longer than a block: such lines are rare.
        let wanted = self.filled.max(BLOCK);
        if self.buffer.len() > wanted {
            self.buffer.truncate(wanted);
            self.buffer.shrink_to_fit();
        } else if self.buffer.len() < self.filled {
            self.buffer.resize(self.filled, 0);
        }
        if let Some(front) = self.buffer.get_mut(..self.filled) {
            front.copy_from_slice(&self.rest);
        }
        if self.rest.len() > BLOCK {
            self.rest = Vec::new();
        }
        Ok(())
    }

    fn drop_front(&mut self, len: usize) {
        self.buffer.copy_within(len..self.filled, 0);
        self.filled -= len;
        self.offset += len as u64;
        if self.buffer.len() > BLOCK && self.filled < BLOCK {
            self.buffer.truncate(BLOCK);
            self.buffer.shrink_to_fit();
        }
    }
}
