//! The bytes and the keys of a plan's objects.

use std::io::Write as _;

use alb_ingest::formats::{ALB_ACCESS, FORMATS, Format};
use alb_ingest::generate::{self, Lines, Rate, Traffic};
use flate2::write::GzEncoder;

use super::plan::{Damage, Name, Object, Plan};
use crate::servers::fault::draw;

/// Texts that may be in events and in the quarantine, and in no other output of a process.
pub(crate) const CANARIES: [&str; 4] = [
    "canary-of-a-query-5fK9q",
    "canary-of-a-broken-line-7Tz2",
    "canary-of-a-page-1Lm8",
    "canary-of-the-credentials-3Wx6",
];
const HOUR: u64 = 3_600_000_000;
const MIB: usize = 1 << 20;

/// Returns the key and the bytes of each object.
pub(crate) fn objects(plan: &Plan) -> Vec<(String, Vec<u8>)> {
    let of = |(number, object): (usize, &Object)| {
        let seed = draw(plan.seed, &[number as u64, 100]) >> 32;
        (key(object, seed), bytes(object, seed))
    };
    plan.objects.iter().enumerate().map(of).collect()
}

fn format(object: &Object) -> &'static Format {
    FORMATS.get(object.format).copied().unwrap_or(&ALB_ACCESS)
}

fn traffic(object: &Object) -> Traffic {
    let mut traffic = Traffic::default().over_one_object(object.lines);
    traffic.start += object.hours * HOUR;
    traffic.broken = Rate::per_million(object.broken_permille * 1000);
    if object.damage != Damage::Large {
        traffic.hostile = Rate::per_million(100_000);
        traffic.blank = Rate::per_million(30_000);
    }
    traffic
}

fn key(object: &Object, seed: u64) -> String {
    if object.damage == Damage::NotALog {
        return format!("notes/{seed:08x}.txt");
    }
    let generated = generate::Object {
        traffic: traffic(object),
        ..generate::Object::new(format(object), seed, object.lines)
    };
    let folder = match object.name {
        Name::Usual => "",
        Name::Space => "of the shop/",
        Name::Plus => "a+b c/",
        Name::Percent => "100%41%/",
        Name::Unicode => "täglich/日/",
    };
    format!("{folder}{}", generated.key())
}

fn bytes(object: &Object, seed: u64) -> Vec<u8> {
    let is_gzip = format(object).objects.gzip;
    match object.damage {
        Damage::Empty => Vec::new(),
        Damage::NotALog => format!("<p>{}</p>\n", CANARIES[2]).repeat(3).into_bytes(),
        Damage::Garbage => {
            let line = |number: u64| format!("{} {number} {:x}\n", CANARIES[2], draw(seed, &[number]));
            (0..40).map(line).collect::<String>().into_bytes()
        }
        Damage::Plain => text(object, seed),
        damage => {
            let text = text(object, seed);
            let whole = if is_gzip { members(&text, object.members) } else { text };
            damaged(whole, damage)
        }
    }
}

/// Returns the lines of an object; some have a canary.
fn text(object: &Object, seed: u64) -> Vec<u8> {
    let mut lines = Lines::new(format(object), seed, traffic(object));
    let mut text = Vec::new();
    let mut halfway = 0;
    while lines.written().entries < object.lines {
        if lines.written().entries == object.lines / 2 {
            halfway = text.len();
        }
        lines.write(&mut text);
    }
    if object.damage == Damage::Large {
        return large(object.lines, lines);
    }
    let rest = text.split_off(halfway);
    if object.damage == Damage::LongLine {
        text.resize(text.len() + MIB + 9, b'x');
        text.push(b'\n');
    }
    if object.broken_permille > 0 {
        // Without a quote: in a Classic log an open one would join the lines after it.
        let broken = format!("{} token={} password={}\n", object.lines, CANARIES[1], CANARIES[1]);
        text.extend_from_slice(broken.as_bytes());
    }
    text.extend_from_slice(&rest);
    with_query(text)
}

/// Returns this many lines with long requests. The client of some lines sent no request.
fn large(count: u64, mut lines: Lines) -> Vec<u8> {
    let long = format!("?{}{END}", "0123456789abcdef".repeat(56 << 10));
    let mut text = String::new();
    let mut with_request = 0;
    while with_request < count {
        let mut line = Vec::new();
        lines.write(&mut line);
        let line = String::from_utf8(line).unwrap();
        with_request += u64::from(line.contains(END));
        text.push_str(&line.replacen(END, &long, 1));
    }
    text.into_bytes()
}

/// The beginning of the end of most request lines.
const END: &str = " HTTP/";

/// Adds a secret to the query of the first request line that has room for one.
fn with_query(mut text: Vec<u8>) -> Vec<u8> {
    if let Some(at) = text.windows(END.len()).position(|window| window == END.as_bytes()) {
        text.splice(at..at, format!("?token={}", CANARIES[0]).into_bytes());
    }
    text
}

/// Compresses a text in pieces that end anywhere in a line. An empty member follows the first of several.
fn members(text: &[u8], count: usize) -> Vec<u8> {
    let pieces = count.max(1).min(text.len().max(1));
    let mut all = Vec::new();
    for (number, piece) in text.chunks(text.len().div_ceil(pieces).max(1)).enumerate() {
        all.extend(member(piece));
        if number == 0 && count > 2 {
            all.extend(member(b""));
        }
    }
    all
}

fn member(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn damaged(mut bytes: Vec<u8>, damage: Damage) -> Vec<u8> {
    let place = |permille: u64| bytes.len() * usize::try_from(permille).unwrap() / 1000;
    match damage {
        Damage::Truncated(permille) => bytes.truncate(place(permille)),
        Damage::FlippedBit(permille) => {
            let at = place(permille).min(bytes.len().saturating_sub(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x04;
            }
        }
        Damage::TrailingJunk => bytes.extend_from_slice(b"junk after the last member"),
        _ => {}
    }
    bytes
}
