//! The lines of a log, one after the other.

use super::broken::Fault;
use super::connection::Connection;
use super::health::Check;
use super::hostile::{Apply, TRICKS, Trick};
use super::layout::Layout;
use super::record::{Anything, Records, Source, any_value};
use super::request_values::{Alb, Clb};
use super::rng::{Rng, Stream};
use super::session::Session;
use super::traffic::Traffic;
use super::world::World;
use crate::formats::{Field, Format, Quoting};

/// What was written, by the class that a reader has to put it in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Entries: one line each, but for Classic ones with a line break in them. Blank lines are not counted here.
    /// `entries = events + repairable + malformed`.
    pub entries: u64,
    /// Entries that are an event as they stand, hostile ones included.
    pub events: u64,
    /// Of the events, those that hold hostile text.
    pub hostile: u64,
    /// Entries that are an event once a quote in a client's text is read from the right.
    pub repairable: u64,
    /// Entries that are no event.
    pub malformed: u64,
    /// Blank lines between entries.
    pub blank: u64,
    /// Line ends, blank lines and those within entries included.
    pub line_ends: u64,
    /// Bytes, before compression.
    pub bytes: u64,
}

/// A log without end. The same format, seed and traffic give the same lines everywhere and forever.
#[derive(Debug)]
pub struct Lines {
    format: &'static Format,
    traffic: Traffic,
    world: World,
    source: Box<dyn Source>,
    tricks: Vec<(usize, &'static Trick)>,
    number: u64,
    written: Written,
}

/// What a line is written with in place of its own values.
struct Plan {
    tricks: Vec<(usize, &'static Trick)>,
    fault: Option<Fault>,
    rng: Rng,
}

impl Lines {
    /// The lines of a format under a seed.
    pub fn new(format: &'static Format, seed: u64, traffic: Traffic) -> Self {
        let source: Box<dyn Source> = match format.name {
            "alb_access_log" => Box::new(Records::<Alb>::new(format.fields)),
            "alb_connection_log" => Box::new(Records::<Connection>::new(format.fields)),
            "alb_health_check_log" => Box::new(Records::<Check>::new(format.fields)),
            "nlb_access_log" => Box::new(Records::<Session>::new(format.fields)),
            "clb_access_log" => Box::new(Records::<Clb>::new(format.fields)),
            _ => Box::new(Records::<Anything>::new(format.fields)),
        };
        let numbered = || format.fields.iter().enumerate();
        let tricks = TRICKS.iter().flat_map(|trick| {
            let apply = trick.apply;
            numbered()
                .filter(move |(_, field)| apply.to(format, field))
                .map(move |(number, _)| (number, trick))
        });
        Self {
            tricks: tricks.collect(),
            world: World::new(seed, &traffic, Layout::of(format)),
            format,
            traffic,
            source,
            number: 0,
            written: Written::default(),
        }
    }

    /// What was written so far.
    pub const fn written(&self) -> Written {
        self.written
    }

    /// Appends the next entry and its line end (and before it, where the traffic has them, a blank line).
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
            _ => self.traffic.fields.unwrap_or(self.format.known_fields()),
        };
        let mut plan = self.plan(number, fields, &mut class);
        let time = self.source.draw(
            &self.world,
            number,
            &mut Rng::of(self.world.node_seed, Stream::Line, number),
        );
        self.fields(fields, time, &mut plan, out);
        out.push(b'\n');
        let written = out.get(start..).unwrap_or_default();
        self.written.bytes += u64::try_from(written.len()).unwrap_or(0);
        self.written.line_ends += written.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }

    /// Decides what is odd about a line, and counts it.
    fn plan(&mut self, number: u64, fields: usize, class: &mut Rng) -> Plan {
        let mut plan = Plan {
            tricks: Vec::new(),
            fault: None,
            rng: Rng::of(self.world.seed, Stream::Hostile, number),
        };
        let (broken, repairable, hostile) = (class.below(1_000_000), class.below(1_000_000), class.below(1_000_000));
        self.written.entries += 1;
        if self.traffic.broken.hits(broken) {
            plan.fault = Some(Fault::draw(self.format, fields, &mut plan.rng));
            self.written.malformed += 1;
            return plan;
        }
        if self.traffic.repairable.hits(repairable) && self.has_free_text(fields) {
            plan.fault = Some(Fault::Quote);
            self.written.repairable += 1;
            return plan;
        }
        self.written.events += 1;
        if self.traffic.hostile.hits(hostile) {
            let reachable: Vec<_> = self
                .tricks
                .iter()
                .filter(|(field, _)| *field < fields)
                .copied()
                .collect();
            for _ in 0..=plan.rng.below(2) {
                let at = plan.rng.below(u64::try_from(reachable.len()).unwrap_or(0));
                plan.tricks
                    .extend(usize::try_from(at).ok().and_then(|at| reachable.get(at)));
            }
            self.written.hostile += 1;
        }
        plan
    }

    fn has_free_text(&self, fields: usize) -> bool {
        self.format
            .fields
            .iter()
            .take(fields)
            .any(|field| Apply::FreeText.to(self.format, field))
    }

    fn fields(&self, fields: usize, time: u64, plan: &mut Plan, out: &mut Vec<u8>) {
        for number in 0..fields {
            if number > 0 {
                out.push(b' ');
            }
            let Some(field) = self.format.fields.get(number) else {
                // Announced by a dash before it is released.
                out.extend_from_slice(b"\"-\"");
                continue;
            };
            match &plan.fault {
                Some(Fault::TooFew(kept)) if number == *kept => {
                    out.pop();
                    return;
                }
                Some(Fault::Cut(at)) if number == *at => {
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
            self.value(number, field, time, plan, out);
            if quoted {
                out.push(b'"');
            }
            // Lines shorter than the table are old, and old lines had no quotes around their newest fields.
            let newest = fields < self.format.known_fields() && number + 2 >= fields;
            if field.quoting == Quoting::QuotedOrBare && newest {
                unquote(out, start);
            }
        }
    }

    fn value(&self, number: usize, field: &'static Field, time: u64, plan: &mut Plan, out: &mut Vec<u8>) {
        match &plan.fault {
            Some(Fault::Value(at, write)) if *at == number => return write(&mut plan.rng, time, out),
            Some(Fault::Quote) if Apply::FreeText.to(self.format, field) => {
                return out.extend_from_slice(b"Kiosk/2.1 (24\" panel; store 17)");
            }
            _ => {}
        }
        if let Some((_, trick)) = plan.tricks.iter().find(|(at, _)| *at == number) {
            return trick.write(&mut plan.rng, time, out);
        }
        if !self.source.write(&self.world, number, out) {
            let salt = self.number << 8 | u64::try_from(number).unwrap_or(0);
            any_value(field, time, self.world.seed, salt, out);
        }
    }
}

/// Takes the quotes off the value that begins at `start`, if it can stand without them.
fn unquote(out: &mut Vec<u8>, start: usize) {
    let value = out.get(start..).unwrap_or_default();
    if value.len() > 1 && !value.contains(&b' ') {
        out.pop();
        out.remove(start - 1);
    }
}
