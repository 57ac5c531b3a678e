//! Whole log objects: lines, packed as by load balancers.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::keys::object_key;
use super::lines::{Lines, Written};
use super::text::SECOND;
use super::traffic::Traffic;
use crate::formats::Format;

/// A log object to generate.
#[derive(Debug, Clone)]
pub struct Object {
    /// The format of its lines.
    pub format: &'static Format,
    /// The seed from which everything in the object is derived.
    pub seed: u64,
    /// The number of entries.
    pub lines: u64,
    /// The traffic that the entries are drawn from.
    pub traffic: Traffic,
    /// How the bytes are packed.
    pub packing: Packing,
}

/// How an object's bytes are packed. Objects that are not gzip ignore this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The number of gzip members, at least one. They are split in the middle of a line.
    pub members: u64,
    /// The number of zero bytes after the last member.
    pub padding: usize,
}

impl Default for Packing {
    fn default() -> Self {
        Self { members: 1, padding: 0 }
    }
}

/// The number of bytes of lines that are collected before they are written.
const CHUNK: usize = 64 * 1024;
/// The default level of gzip implementations, which load balancers appear to use.
const LEVEL: Compression = Compression::new(6);
/// The length of an interval, in microseconds.
const INTERVAL: u64 = 300 * SECOND;

impl Object {
    /// Returns an object of ordinary traffic over one interval.
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

    /// Returns the key of the object in its bucket. The time in the key is the end of the interval of the last line.
    pub fn key(&self) -> String {
        let last = self.traffic.start + self.lines * self.traffic.step;
        object_key(
            self.format,
            &self.traffic.balancer,
            (last / INTERVAL + 1) * INTERVAL,
            self.seed,
        )
    }

    /// Writes the object. Memory use does not grow with its size.
    pub fn write_to(&self, mut to: impl Write) -> io::Result<Written> {
        let mut lines = Lines::new(self.format, self.seed, self.traffic.clone());
        if self.format.objects.gzip {
            let mut head = Vec::new();
            let members = self.packing.members.max(1);
            for member in 1..members {
                let mut gzip = GzEncoder::new(&mut to, LEVEL);
                let mut last = write_lines(&mut lines, self.lines * member / members, head, &mut gzip)?;
                // The last line is split, half in this member and half in the next.
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

/// Writes the contents of `buffer`, then entries until the log has `until` of them. The last entry is returned instead of
/// written.
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
