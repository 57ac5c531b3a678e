//! Whole log objects: lines, packed as load balancers pack them.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::layout::{Layout, object_key};
use super::lines::{Lines, Written};
use super::text::SECOND;
use super::traffic::Traffic;
use crate::formats::Format;

/// A log object to be written.
#[derive(Debug, Clone)]
pub struct Object {
    /// The format of its lines.
    pub format: &'static Format,
    /// The seed that everything in it comes from.
    pub seed: u64,
    /// How many entries it has.
    pub lines: u64,
    /// The traffic that the entries are drawn from.
    pub traffic: Traffic,
    /// How the bytes are packed.
    pub packing: Packing,
}

/// How an object's bytes are packed. Classic objects are plain text and ignore this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// How many gzip members follow each other, one at least. They are cut in the middle of a line.
    pub members: u64,
    /// How many zero bytes stand behind the last member.
    pub padding: usize,
}

impl Default for Packing {
    fn default() -> Self {
        Self { members: 1, padding: 0 }
    }
}

/// How many bytes of lines are gathered before they are written.
const CHUNK: usize = 64 * 1024;
/// What gzip implementations use unless told otherwise, and load balancers by the look of it.
const LEVEL: Compression = Compression::new(6);
/// How long an interval lasts, in microseconds.
const INTERVAL: u64 = 300 * SECOND;

impl Object {
    /// An object of ordinary traffic over one interval.
    pub fn new(format: &'static Format, seed: u64, lines: u64) -> Self {
        let traffic = Traffic::default().over_one_object(lines);
        Self {
            format,
            seed,
            lines,
            traffic,
            packing: Packing::default(),
        }
    }

    /// The key that the object has in its bucket. Its stamp is the end of the interval that the last line lies in.
    pub fn key(&self) -> String {
        let last = self.traffic.start + self.lines * self.traffic.step;
        object_key(
            self.format,
            &self.traffic.balancer,
            (last / INTERVAL + 1) * INTERVAL,
            self.seed,
        )
    }

    /// Writes the object. Memory does not grow with its size.
    pub fn write_to(&self, mut to: impl Write) -> io::Result<Written> {
        let mut lines = Lines::new(self.format, self.seed, self.traffic.clone());
        if Layout::of(self.format).gzip {
            let mut head = Vec::new();
            let members = self.packing.members.max(1);
            for member in 1..members {
                let mut gzip = GzEncoder::new(&mut to, LEVEL);
                let mut last = write_lines(&mut lines, self.lines * member / members, head, &mut gzip)?;
                // The last line falls in two, half in this member and half in the next.
                head = last.split_off(last.len() / 2);
                gzip.write_all(&last)?;
                gzip.finish()?;
            }
            let mut gzip = GzEncoder::new(&mut to, LEVEL);
            let last = write_lines(&mut lines, self.lines, head, &mut gzip)?;
            gzip.write_all(&last)?;
            gzip.finish()?;
            to.write_all(&vec![0; self.packing.padding])?;
        } else {
            let last = write_lines(&mut lines, self.lines, Vec::new(), &mut to)?;
            to.write_all(&last)?;
        }
        to.flush()?;
        Ok(lines.written())
    }
}

/// Writes what `buffer` holds, then entries until there are so many, all but the last one, which it returns.
fn write_lines(lines: &mut Lines, until: u64, mut buffer: Vec<u8>, to: &mut impl Write) -> io::Result<Vec<u8>> {
    let mut last = 0;
    while lines.written().entries < until {
        if buffer.len() >= CHUNK {
            to.write_all(&buffer)?;
            buffer.clear();
        }
        last = buffer.len();
        lines.write(&mut buffer);
    }
    let rest = buffer.split_off(last);
    to.write_all(&buffer)?;
    Ok(rest)
}
