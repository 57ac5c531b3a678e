//! The values of a line: drawn by what the field is called, or by how it decodes where its name is not known yet.

use super::rng::{Rng, Stream};
use super::text;
use super::world::World;
use crate::formats::{Decode, Field, Split};

/// Writes the value of one field of a record, without quotes.
pub(super) type Write<R> = fn(&R, &World, &mut Vec<u8>);

/// What one line tells: a request, a connection, a health check.
pub(super) trait Record: Sized + 'static {
    /// The fields this record has values for, by name.
    const VALUES: &'static [(&'static str, Write<Self>)];

    /// Draws the record of a line.
    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self;

    /// The time of the event.
    fn time(&self) -> u64;
}

/// A source of values for the lines of one format.
pub(super) trait Source: Send + std::fmt::Debug {
    /// Draws the record of a line and tells its time.
    fn draw(&mut self, world: &World, number: u64, rng: &mut Rng) -> u64;

    /// Writes the value of a field of the record drawn last; false where the field's name is not known.
    fn write(&self, world: &World, field: usize, out: &mut Vec<u8>) -> bool;
}

/// A [`Source`] of one kind of record, with the fields' names looked up once.
pub(super) struct Records<R> {
    writes: Vec<Option<Write<R>>>,
    current: Option<R>,
}

impl<R: Record + Send> Records<R> {
    pub(super) fn new(fields: &'static [Field]) -> Self {
        let known = |name| {
            R::VALUES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, write)| *write)
        };
        Self {
            writes: fields.iter().map(|field| known(field.name)).collect(),
            current: None,
        }
    }
}

impl<R> std::fmt::Debug for Records<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Records")
            .field("fields", &self.writes.len())
            .finish_non_exhaustive()
    }
}

impl<R: Record + Send> Source for Records<R> {
    fn draw(&mut self, world: &World, number: u64, rng: &mut Rng) -> u64 {
        self.current.insert(R::draw(world, number, rng)).time()
    }

    fn write(&self, world: &World, field: usize, out: &mut Vec<u8>) -> bool {
        let Some((record, write)) = self.current.as_ref().zip(self.writes.get(field).copied().flatten()) else {
            return false;
        };
        write(record, world, out);
        true
    }
}

/// A record of a format that has none of its own: every value comes from [`any_value`].
#[derive(Debug)]
pub(super) struct Anything(u64);

impl Record for Anything {
    const VALUES: &'static [(&'static str, Write<Self>)] = &[];

    fn draw(world: &World, number: u64, rng: &mut Rng) -> Self {
        Self(world.time(number, rng))
    }

    fn time(&self) -> u64 {
        self.0
    }
}

/// Writes a value that the field takes, whatever it is called: what a field added to a table gets before anybody
/// teaches the generator its real values.
pub(super) fn any_value(field: &Field, time: u64, seed: u64, number: u64, out: &mut Vec<u8>) {
    let mut rng = Rng::of(seed, Stream::Fallback, number);
    match field.split {
        Split::HostPort | Split::Target => {
            out.extend_from_slice(b"192.0.2.");
            text::number(out, rng.range(1, 254));
            out.push(b':');
            text::number(out, rng.range(1024, 65_535));
        }
        Split::Request => out.extend_from_slice(b"GET https://www.example.com:443/ HTTP/1.1"),
        Split::Validity => validity(out, time),
        // The event's own time feeds no column here.
        Split::Whole => match field.columns().first().map_or(Decode::Time, |column| column.decode) {
            Decode::Text | Decode::LoadBalancer | Decode::Filled(_) => {
                out.extend_from_slice(rng.pick(&["-", "-", "-", "example", "Sample1"]).as_bytes());
            }
            Decode::Int32 | Decode::Int64 | Decode::Count => text::number(out, rng.skewed(100_000)),
            Decode::Port => text::number(out, rng.range(1024, 65_535)),
            Decode::Seconds | Decode::ProcessingSeconds => text::millis(out, rng.skewed(3_000_000)),
            Decode::Time => text::time(out, time),
            Decode::CommaList => out.extend_from_slice(b"first,second"),
            Decode::SpaceList => out.extend_from_slice(b"first second"),
            Decode::QuotedList => out.extend_from_slice(b"\"first\",\"second\""),
        },
    }
}

/// The validity of a certificate, two years long, at a time within it.
pub(super) fn validity(out: &mut Vec<u8>, time: u64) {
    let month = 30 * text::DAY;
    out.extend_from_slice(b"NotBefore=");
    text::time_of_seconds(out, (time / month - 5) * month);
    out.extend_from_slice(b"Z;NotAfter=");
    text::time_of_seconds(out, (time / month + 19) * month);
    out.push(b'Z');
}
