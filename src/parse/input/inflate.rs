//! Decompresses gzip: every member, verified to its last byte.

use flate2::{Decompress, FlushDecompress, Status};

use super::blocks::Blocks;
use super::{PieceSink, ReadError};

/// The window size of the deflate format, as a power of two.
const WINDOW_BITS: u8 = 15;

/// Decompresses the members of a gzip object.
#[derive(Debug)]
pub(super) struct Inflater {
    /// The current member, header and checksum included.
    member: Option<Decompress>,
    /// Whether zeros followed the last member: nothing else may follow them.
    padding: bool,
    /// The number of compressed bytes read.
    at: u64,
}

impl Inflater {
    pub(super) fn new() -> Self {
        Self {
            member: Some(Decompress::new_gzip(WINDOW_BITS)),
            padding: false,
            at: 0,
        }
    }

    /// Decompresses a chunk into the blocks.
    pub(super) fn push<E: From<ReadError>>(
        &mut self,
        mut chunk: &[u8],
        blocks: &mut Blocks,
        sink: &mut impl PieceSink<E>,
    ) -> Result<(), E> {
        loop {
            let Some(member) = &mut self.member else {
                match chunk.split_first() {
                    None => return Ok(()),
                    Some((0, rest)) => {
                        self.padding = true;
                        self.at += 1;
                        chunk = rest;
                    }
                    Some((0x1f, _)) if !self.padding => self.member = Some(Decompress::new_gzip(WINDOW_BITS)),
                    Some(_) => {
                        let what = "the bytes after the last member are neither a member nor zeros";
                        return Err(ReadError::Corrupt { at: self.at, what }.into());
                    }
                }
                continue;
            };
            let (before_in, before_out) = (member.total_in(), member.total_out());
            let spare = blocks.spare();
            let room = spare.len();
            let result = member.decompress(chunk, spare, FlushDecompress::None);
            let read = usize::try_from(member.total_in() - before_in).unwrap_or(chunk.len());
            let written = usize::try_from(member.total_out() - before_out).unwrap_or(room);
            chunk = chunk.get(read..).unwrap_or_default();
            self.at += read as u64;
            let ended = matches!(result, Ok(Status::StreamEnd));
            if ended {
                self.member = None;
            }
            blocks.advance(written, sink)?;
            if result.is_err() {
                let what = "not a gzip member, or its checksum or length does not match its text";
                return Err(ReadError::Corrupt { at: self.at, what }.into());
            }
            // A member may have more text only if the room was filled.
            if !ended && chunk.is_empty() && written < room {
                return Ok(());
            }
            if !ended && read == 0 && written == 0 {
                let what = "the decompressor makes no progress";
                return Err(ReadError::Corrupt { at: self.at, what }.into());
            }
        }
    }

    /// Checks that the object ended with a whole member.
    pub(super) const fn finish(&self) -> Result<(), ReadError> {
        if self.member.is_some() {
            Err(ReadError::Truncated { at: self.at })
        } else {
            Ok(())
        }
    }
}
