use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::threaded::{CHUNK, Command, Event, ThreadedReader};
use super::{BLOCK, MAX_LINE, ObjectReader, Piece, ReadError, Reader};

/// The pieces as text, and the error, if any.
type Found = (Vec<(u64, Vec<u8>)>, Option<ReadError>);

/// A reader on this thread or on a second one.
enum Either {
    Inline(ObjectReader),
    Threaded(ThreadedReader),
}

macro_rules! either {
    ($reader:expr, $inner:ident => $call:expr) => {
        match $reader {
            Either::Inline($inner) => $call,
            Either::Threaded($inner) => $call,
        }
    };
}

/// Reads an object in chunks of this size.
fn read(object: &[u8], chunk: usize) -> Found {
    read_with(Either::Inline(ObjectReader::new()), object, chunk)
}

/// Reads an object on a second thread.
fn read_threaded(object: &[u8], chunk: usize) -> Found {
    read_with(
        Either::Threaded(ThreadedReader::spawn(&mut ObjectReader::new()).unwrap()),
        object,
        chunk,
    )
}

fn read_with(mut reader: Either, object: &[u8], chunk: usize) -> Found {
    let mut lines = Vec::new();
    let mut long: Option<(u64, Vec<u8>)> = None;
    let mut emit = |piece: Piece<'_>| {
        match piece {
            Piece::Lines { text, offset } => lines.push((offset, text.to_vec())),
            Piece::LongLine { offset } => long = Some((offset, b"LONG:".to_vec())),
            Piece::LongLinePart(part) => long.as_mut().unwrap().1.extend_from_slice(part),
            Piece::LongLineEnd => lines.push(long.take().unwrap()),
        }
        Ok::<(), ReadError>(())
    };
    let pushed = object
        .chunks(chunk)
        .try_for_each(|chunk| either!(&mut reader, reader => reader.push(chunk, &mut emit)));
    let finished = pushed.and_then(|()| either!(&mut reader, reader => reader.finish(&mut emit)));
    let Err(error) = finished else {
        return (lines, None);
    };
    if error != ReadError::ThreadEnded {
        let cut = either!(&mut reader, reader => reader.salvage(&mut emit)).unwrap();
        lines.push((cut.offset, cut.bytes));
    }
    (lines, Some(error))
}

fn text(pieces: &[(u64, Vec<u8>)]) -> Vec<u8> {
    pieces.iter().flat_map(|(_, text)| text.clone()).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn sample(bytes: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|line| format!("line {line} {}\n", line.wrapping_mul(2_654_435_761)).into_bytes())
        .take(bytes)
        .collect()
}

#[test]
fn every_member_is_read_whatever_the_chunks() {
    let plain = sample(3 * BLOCK);
    let mut members: Vec<u8> = plain.chunks(70_001).flat_map(gzip).collect();
    members.splice(0..0, gzip(b""));
    members.extend(gzip(b""));
    let whole = read(&members, members.len());
    assert_eq!((text(&whole.0), whole.1), (plain.clone(), None));
    for chunk in [7, 4096, 65_536] {
        assert_eq!(read(&members, chunk), whole, "chunks of {chunk}");
        assert_eq!(read(&plain, chunk).0, whole.0, "plain, chunks of {chunk}");
    }
    members.extend([0; 600]);
    assert_eq!(read(&members, 100), whole, "trailing zeros");
}

#[test]
fn a_truncated_object_is_an_error_at_every_byte() {
    let plain = sample(5_000);
    let object = [gzip(&plain[..3_000]), gzip(&plain[3_000..])].concat();
    let border = gzip(&plain[..3_000]).len();
    for len in 1..object.len() {
        let (pieces, error) = read(&object[..len], 512);
        if len == border {
            // Gzip cannot detect this: a caller that knows the object's length must compare it.
            assert_eq!(error, None);
        } else if len == 1 {
            assert_eq!((text(&pieces), error), (vec![0x1f], None), "a single byte is no gzip");
        } else {
            assert_eq!(error, Some(ReadError::Truncated { at: len as u64 }), "{len}");
            assert!(plain.starts_with(&text(&pieces)));
        }
    }
}

#[test]
fn a_flipped_bit_never_goes_unnoticed() {
    let plain = sample(2_000);
    let object = gzip(&plain);
    for byte in 10..object.len() {
        let mut broken = object.clone();
        broken[byte] ^= 0x10;
        let (pieces, error) = read(&broken, 100);
        // The last bits before the checksum are padding: flipping them changes nothing.
        assert!(error.is_some() || text(&pieces) == plain, "byte {byte}");
    }
    let mut junk = object.clone();
    junk.extend(b"junk");
    let at = object.len() as u64;
    let (pieces, error) = read(&junk, 64);
    assert!(matches!(error, Some(ReadError::Corrupt { at: found, .. }) if found == at));
    assert_eq!(text(&pieces), plain);
    junk.truncate(object.len());
    junk.extend([0, 0, 0x1f, 0x8b]);
    assert!(read(&junk, 64).1.is_some(), "a member after zeros");
}

/// Returns a member with optional fields in its header, by the bits of its flags.
fn gzip_with_fields(text: &[u8], flags: u8, name_len: usize) -> Vec<u8> {
    const FHCRC: u8 = 2;
    const FEXTRA: u8 = 4;
    const FNAME: u8 = 8;
    const FCOMMENT: u8 = 16;
    let plain = gzip(text);
    let (head, rest) = plain.split_at(10);
    let mut head = head.to_vec();
    head[3] = flags;
    if flags & FEXTRA != 0 {
        head.extend([5, 0]);
        head.extend(b"extra");
    }
    if flags & FNAME != 0 {
        head.extend(vec![b'n'; name_len]);
        head.push(0);
    }
    if flags & FCOMMENT != 0 {
        head.extend(b"a comment\0");
    }
    if flags & FHCRC != 0 {
        let mut crc = flate2::Crc::new();
        crc.update(&head);
        head.extend(&crc.sum().to_le_bytes()[..2]);
    }
    [&head, rest].concat()
}

#[test]
fn case_29_optional_fields_of_a_member_are_skipped_whatever_their_length() {
    let plain = sample(3_000);
    for flags in (0..32).step_by(2) {
        let member = gzip_with_fields(&plain, flags, 12);
        for chunk in [1, 100, member.len()] {
            let (pieces, error) = read(&member, chunk);
            assert_eq!(
                (text(&pieces), error),
                (plain.clone(), None),
                "flags {flags}, chunks of {chunk}"
            );
        }
    }
    let long = gzip_with_fields(&plain, 8, 1024 * 1024);
    assert_eq!(text(&read(&long, 65_536).0), plain);
    // The header's own checksum does not match.
    let mut broken = gzip_with_fields(&plain, 2, 0);
    broken[10] ^= 1;
    assert!(matches!(read(&broken, 100).1, Some(ReadError::Corrupt { .. })));
}

#[test]
fn foreign_formats_are_named() {
    for (object, name) in [
        (&b"PAR1xxxx"[..], "Parquet"),
        (b"PK\x03\x04xxxx", "zip"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 0], "zstd"),
    ] {
        let error = read(object, 3).1.unwrap();
        assert!(error.to_string().contains(name), "{error}");
        // AWS itself converts vended logs to Parquet.
        assert_eq!(
            error.to_string().contains("if AWS delivered it"),
            name == "Parquet",
            "{error}"
        );
    }
}

#[test]
fn lines_longer_than_a_mebibyte_are_emitted_in_parts() {
    for (len, is_long) in [
        (BLOCK - 1, false),
        (BLOCK, false),
        (MAX_LINE - 1, false),
        (MAX_LINE, false),
        (MAX_LINE + 1, true),
        (3 * MAX_LINE, true),
    ] {
        let mut object = b"before\n".to_vec();
        object.extend(vec![b'x'; len]);
        object.extend(b"\nafter\n");
        let whole = read(&object, object.len());
        assert_eq!(whole.1, None);
        assert_eq!(
            whole.0.iter().any(|(_, text)| text.starts_with(b"LONG:")),
            is_long,
            "{len}"
        );
        assert!(whole.0.last().unwrap().1.ends_with(b"after\n"));
        for chunk in [1_000, 65_536] {
            assert_eq!(read(&object, chunk), whole, "{len} in chunks of {chunk}");
        }
        // The same at the end of an object without a last newline.
        object.truncate(7 + len);
        let (pieces, _) = read(&object, 65_536);
        assert_eq!(pieces.last().unwrap().1.starts_with(b"LONG:"), is_long);
    }
}

#[test]
fn an_empty_object_has_no_lines() {
    assert_eq!(read(b"", 1), (vec![], None));
    assert_eq!(read(&gzip(b""), 5), (vec![], None));
    assert_eq!(text(&read(b"x", 1).0), b"x");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn a_second_thread_reads_the_same(
        blocks in 0_usize..5,
        more in 0_usize..3_000,
        long in prop::option::of(BLOCK..2 * MAX_LINE),
        chunk in prop_oneof![500_usize..5_000, CHUNK - 1..CHUNK + 2, Just(1_000_000)],
        plain in any::<bool>(),
        damage in prop::option::of((any::<prop::sample::Index>(), any::<bool>())),
    ) {
        let mut text = sample(blocks * BLOCK + more);
        if let Some(len) = long {
            text.splice(text.len() / 2..text.len() / 2, vec![b'x'; len]);
        }
        let half = text.len() / 3;
        let mut object = if plain { text } else { [gzip(&text[..half]), gzip(&text[half..])].concat() };
        if let Some((at, cut)) = damage && !object.is_empty() {
            let at = at.index(object.len());
            if cut { object.truncate(at) } else { object[at] ^= 0x10 }
        }
        let (here, threaded) = (read(&object, chunk), read_threaded(&object, chunk));
        prop_assert!(here.0 == threaded.0, "the pieces differ");
        // The position at which a fault is detected depends on the chunks.
        prop_assert_eq!(here.1.map(|error| std::mem::discriminant(&error)), threaded.1.map(|error| std::mem::discriminant(&error)));
    }
}

#[test]
fn a_thread_that_ends_early_is_an_error_and_not_the_end() {
    let object = gzip(&sample(12 * BLOCK));
    assert!(object.len() > 4 * CHUNK);
    let ends_early = |found: Found| assert_eq!(found.1, Some(ReadError::ThreadEnded));
    // Immediately, after a chunk, after every chunk but without an event at the end, and in a panic.
    let spawn = |work: fn(super::threaded::Ends)| Either::Threaded(ThreadedReader::spawn_with(work).unwrap());
    ends_early(read_with(spawn(drop), &object, 10_000));
    ends_early(read_with(spawn(|ends| drop(ends.commands.recv())), &object, 10_000));
    ends_early(read_with(
        spawn(|ends| {
            while let Ok(Command::Read(chunk)) = ends.commands.recv() {
                ends.events.send(Event::Read(chunk)).unwrap();
            }
        }),
        &object,
        10_000,
    ));
    ends_early(read_with(
        spawn(|ends| {
            let _command = ends.commands.recv();
            std::panic::resume_unwind(Box::new("a defect"));
        }),
        &object,
        10_000,
    ));
}

#[test]
fn a_dropped_reader_joins_its_thread() {
    let object = gzip(&sample(12 * BLOCK));
    let mut threaded = ThreadedReader::spawn(&mut ObjectReader::new()).unwrap();
    let failed = threaded.push(&object, &mut |_: Piece<'_>| Err(ReadError::Foreign { what: "enough" }));
    assert_eq!(failed, Err(ReadError::Foreign { what: "enough" }));
    // Joins the thread, which waits to send a block: if that did not end, the test would hang.
    drop(threaded);
}

#[test]
fn a_thread_is_used_if_allowed_and_worth_it() {
    let text = sample(10 * BLOCK);
    let object = gzip(&text);
    for (object, allowed, taken) in [
        (&object[..], true, true),
        (&object, false, false),
        (&object[..CHUNK / 2], true, false),
        (&text, true, false),
    ] {
        let mut reader = Reader::new();
        if allowed {
            reader.allow_thread();
        }
        let mut found = Vec::new();
        for chunk in object.chunks(10_000) {
            let mut emit = |piece: Piece<'_>| {
                if let Piece::Lines { text, .. } = piece {
                    found.extend_from_slice(text);
                }
                Ok::<(), ReadError>(())
            };
            reader.push(chunk, &mut emit).unwrap();
        }
        assert_eq!(reader.is_threaded(), taken);
        assert!(text.starts_with(&found));
    }
}
