//! The lines of a log, one after the other.

use super::broken::Defect;
use super::connection::Connection;
use super::health::Check;
use super::hostile::{Apply, TRICKS, Trick};
use super::record::{RecordSource, Records, any_value};
use super::request_values::{Alb, Clb};
use super::rng::{Rng, Stream};
use super::session::Session;
use super::traffic::Traffic;
use super::world::World;
use crate::formats::{Field, Format, LogType, Quoting};

/// The numbers of entries that were written, by the class that a reader must assign to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries: one line each, except for Classic entries that contain a line break. Blank lines are not counted.
    /// `entries = events + repairable + malformed`.
    pub entries: u64,
    /// Entries that are valid events, hostile ones included.
    pub events: u64,
    /// The events that contain hostile text.
    pub hostile: u64,
    /// Entries that become events once a stray quote in a client's text is repaired.
    pub repairable: u64,
    /// Entries that are not events.
    pub malformed: u64,
    /// Blank lines between entries.
    pub blank: u64,
    /// Line ends, including those of blank lines and those within entries.
    pub line_ends: u64,
    /// Bytes, before compression.
    pub bytes: u64,
}

/// An endless log. The same format, seed and traffic always produce the same lines.
#[derive(Debug)]
pub struct Lines {
    format: &'static Format,
    /// The number of fields that get values of their own.
    known: usize,
    traffic: Traffic,
    world: World,
    source: Box<dyn RecordSource>,
    tricks: Vec<(usize, &'static Trick)>,
    number: u64,
    written: Written,
}

/// The values that replace a line's ordinary values.
struct Oddities {
    tricks: Vec<(usize, &'static Trick)>,
    defect: Option<Defect>,
    rng: Rng,
}

impl Lines {
    /// Returns the lines of a format for a seed.
    pub fn new(format: &'static Format, seed: u64, traffic: Traffic) -> Self {
        let source: Box<dyn RecordSource> = match format.log_type {
            LogType::AlbAccess => Box::new(Records::<Alb>::new(format.fields)),
            LogType::AlbConnection => Box::new(Records::<Connection>::new(format.fields)),
            LogType::AlbHealthCheck => Box::new(Records::<Check>::new(format.fields)),
            LogType::NlbAccess => Box::new(Records::<Session>::new(format.fields)),
            LogType::ClbAccess => Box::new(Records::<Clb>::new(format.fields)),
        };
        let known = traffic.known_fields.unwrap_or(format.known_fields());
        let numbered = || format.fields.iter().enumerate().take(known);
        let tricks = TRICKS.iter().flat_map(|trick| {
            let apply = trick.apply;
            numbered()
                .filter(move |(_, field)| apply.to(format, field))
                .map(move |(number, _)| (number, trick))
        });
        Self {
            tricks: tricks.collect(),
            world: World::new(seed, &traffic, format),
            format,
            known,
            traffic,
            source,
            number: 0,
            written: Written::default(),
        }
    }

    /// Returns the numbers of entries written so far.
    pub const fn written(&self) -> Written {
        self.written
    }

    /// Appends the next entry and its line end, preceded by a blank line if the traffic contains them.
    pub fn write(&mut self, out: &mut Vec<u8>) {
        let start = out.len();
        let number = self.number;
        self.number += 1;
        let mut class = Rng::of(self.world.seed, Stream::Class, number);
        if self.traffic.blank.hits(class.below(1_000_000)) {
            out.push(b'\n');
            self.written.blank += 1;
        }
        let fields = match self.traffic.other_fields {
            Some(other) if class.chance(333) => other,
            _ => self.traffic.fields.unwrap_or(self.known),
        };
        let mut odd = self.oddities(number, fields, &mut class);
        let time = self.source.draw(
            &self.world,
            number,
            &mut Rng::of(self.world.node_seed, Stream::Line, number),
        );
        self.fields(fields, time, &mut odd, out);
        out.push(b'\n');
        let written = out.get(start..).unwrap_or_default();
        self.written.bytes += u64::try_from(written.len()).unwrap_or(0);
        self.written.line_ends += written.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }

    /// Decides on the oddities of a line, and counts it.
    fn oddities(&mut self, number: u64, fields: usize, class: &mut Rng) -> Oddities {
        let mut odd = Oddities {
            tricks: Vec::new(),
            defect: None,
            rng: Rng::of(self.world.seed, Stream::Hostile, number),
        };
        let (broken, repairable, hostile) = (class.below(1_000_000), class.below(1_000_000), class.below(1_000_000));
        self.written.entries += 1;
        if self.traffic.broken.hits(broken) {
            odd.defect = Some(Defect::draw(self.format, fields.min(self.known), &mut odd.rng));
            self.written.malformed += 1;
            return odd;
        }
        if self.traffic.repairable.hits(repairable) && self.has_free_text(fields) {
            odd.defect = Some(Defect::Quote);
            self.written.repairable += 1;
            return odd;
        }
        self.written.events += 1;
        if self.traffic.hostile.hits(hostile) {
            let reachable: Vec<_> = self
                .tricks
                .iter()
                .filter(|(field, _)| *field < fields)
                .copied()
                .collect();
            for _ in 0..=odd.rng.below(2) {
                let at = odd.rng.below(u64::try_from(reachable.len()).unwrap_or(0));
                odd.tricks
                    .extend(usize::try_from(at).ok().and_then(|at| reachable.get(at)));
            }
            self.written.hostile += 1;
        }
        odd
    }

    fn has_free_text(&self, fields: usize) -> bool {
        self.format
            .fields
            .iter()
            .take(fields)
            .any(|field| Apply::FreeText.to(self.format, field))
    }

    fn fields(&self, fields: usize, time: u64, odd: &mut Oddities, out: &mut Vec<u8>) {
        for number in 0..fields {
            if number > 0 {
                out.push(b' ');
            }
            let Some(field) = self.format.fields.get(number).filter(|_| number < self.known) else {
                // Load balancers write a dash for a field before AWS announces it.
                out.extend_from_slice(b"\"-\"");
                continue;
            };
            match &odd.defect {
                Some(Defect::TooFew(kept)) if number == *kept => {
                    out.pop();
                    return;
                }
                Some(Defect::Cut(at)) if number == *at => {
                    out.extend_from_slice(b"\"Unend");
                    return;
                }
                _ => {}
            }
            let quoted = matches!(field.quoting, Quoting::Quoted | Quoting::QuotedOrBare);
            if quoted {
                out.push(b'"');
            }
            let start = out.len();
            self.value(number, field, time, odd, out);
            if quoted {
                out.push(b'"');
            }
            // Lines shorter than the table are old, and old lines had no quotes around their last fields.
            let newest = fields < self.known && number + 2 >= fields;
            if field.quoting == Quoting::QuotedOrBare && newest {
                unquote(out, start);
            }
        }
    }

    fn value(&self, number: usize, field: &'static Field, time: u64, odd: &mut Oddities, out: &mut Vec<u8>) {
        match &odd.defect {
            Some(Defect::Value(at, write)) if *at == number => return write(&mut odd.rng, time, out),
            Some(Defect::Quote) if Apply::FreeText.to(self.format, field) => {
                return out.extend_from_slice(b"Kiosk/2.1 (24\" panel; store 17)");
            }
            _ => {}
        }
        if let Some((_, trick)) = odd.tricks.iter().find(|(at, _)| *at == number) {
            return trick.write(&mut odd.rng, time, out);
        }
        if !self.source.write(&self.world, number, out) {
            let salt = self.number << 8 | u64::try_from(number).unwrap_or(0);
            any_value(field, time, self.world.seed, salt, out);
        }
    }
}

/// Removes the quotes around the value that begins at `start`, if the value does not need them.
fn unquote(out: &mut Vec<u8>, start: usize) {
    let value = out.get(start..).unwrap_or_default();
    if value.len() > 1 && !value.contains(&b' ') {
        out.pop();
        out.remove(start - 1);
    }
}
