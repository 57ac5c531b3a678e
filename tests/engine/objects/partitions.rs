//! The partitions that events are written to.

use std::io::Read as _;

use alb_ingest::encode::{Compression, is_output_of};
use alb_ingest::formats::ALB_ACCESS;
use alb_ingest::ingest::{Options, PartitionBy};
use alb_ingest::object::ObjectFacts;
use flate2::read::MultiGzDecoder;

use super::{OPAQUE_KEY, access_at, key, key_at};
use crate::common::{ingest, ingest_chunks, json, object, rows};

#[test]
fn events_are_partitioned_by_day_unless_far_from_the_end_time_of_the_key() {
    let at = |times: &[&str]| times.iter().map(|time| access_at(time, "a") + "\n").collect::<String>();
    let laid = |end: &str, times: &[&str], by: PartitionBy| {
        let options = Options {
            partition_by: by,
            ..json()
        };
        ingest(&key_at(&ALB_ACCESS, end), at(times).as_bytes(), &options)
    };
    // Around midnight: two files with the same name, each with its own events.
    let midnight = laid(
        "2026-10-07T00:05:00Z",
        &[
            "2026-10-06T23:59:59.999999Z",
            "2026-10-07T00:00:00.000000Z",
            "2026-10-06T23:58:00Z",
        ],
        PartitionBy::Day,
    );
    assert_eq!(midnight.partitions(), ["date=2026-10-06", "date=2026-10-07"]);
    let names: Vec<_> = midnight
        .files
        .keys()
        .map(|key| key.rsplit_once('/').unwrap().1)
        .collect();
    assert_eq!(names[0], names[1]);
    assert_eq!(
        midnight.files.values().map(|file| rows(file).len()).collect::<Vec<_>>(),
        [2, 1]
    );
    // Up to a day before and after the end time is near it; a microsecond more is not.
    let near = ["2026-10-06T11:45:00Z", "2026-10-08T11:45:00Z"];
    let far = [
        "2026-10-06T11:44:59.999999Z",
        "2026-10-08T11:45:00.000001Z",
        "1970-01-01T00:00:00Z",
    ];
    let end = "2026-10-07T11:45:00Z";
    assert_eq!(
        laid(end, &near, PartitionBy::Day).partitions(),
        ["date=2026-10-06", "date=2026-10-08"]
    );
    let run = laid(end, &far, PartitionBy::Day);
    assert_eq!(run.partitions(), ["date=2026-10-07"]);
    // Only the partition uses the end time; the events keep their own.
    assert_eq!(rows(&run.events())[2]["timestamp"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(
        laid(
            end,
            &["2026-10-07T11:42:13Z", "2026-10-07T10:59:59Z", far[0]],
            PartitionBy::Hour
        )
        .partitions(),
        ["date=2026-10-07/hour=10", "date=2026-10-07/hour=11"]
    );
    assert_eq!(laid(end, &near, PartitionBy::None).partitions(), [""]);
    // Without an end time, every event is in the partition of its own day.
    let run = ingest(OPAQUE_KEY, at(&far).as_bytes(), &json());
    assert_eq!(
        run.partitions(),
        ["date=1970-01-01", "date=2026-10-06", "date=2026-10-08"]
    );
}

#[test]
fn too_many_partitions_fail_with_a_remedy() {
    let day = |number: i64| {
        let date = alb_ingest::parse::line::time::date_text(number);
        access_at(&format!("{date}T12:00:00Z"), "a") + "\n"
    };
    let text = |days: i64| (20_000..20_000 + days).map(day).collect::<String>();
    assert_eq!(
        ingest(OPAQUE_KEY, text(400).as_bytes(), &json()).partitions().len(),
        400
    );
    let error = ingest(OPAQUE_KEY, text(401).as_bytes(), &json()).error();
    assert!(
        error.contains("more than 400 days or hours") && error.contains("--partition-by none"),
        "{error}"
    );
    let options = Options {
        partition_by: PartitionBy::None,
        ..json()
    };
    assert_eq!(ingest(OPAQUE_KEY, text(401).as_bytes(), &options).ledger().events, 401);
    assert_eq!(
        ingest(&key(&ALB_ACCESS), text(401).as_bytes(), &json()).ledger().events,
        401
    );
}

/// Beyond a number of partitions the lines of each are compressed in pieces, which readers see as one file.
#[test]
fn many_compressed_partitions_of_json_are_whole_files() {
    let line = |number: i64| {
        let date = alb_ingest::parse::line::time::date_text(20_000 + number % 20);
        access_at(
            &format!("{date}T12:00:00Z"),
            &format!("agent {number} {}", "x".repeat(20_000)),
        )
    };
    let text: String = (0..1_000).map(|number| line(number) + "\n").collect();
    let plain = ingest(OPAQUE_KEY, text.as_bytes(), &json());
    assert_eq!(plain.partitions().len(), 20);
    for compression in [Compression::Gzip, Compression::Zstd] {
        let options = Options { compression, ..json() };
        let run = ingest(OPAQUE_KEY, text.as_bytes(), &options);
        let in_chunks = ingest_chunks(
            object(OPAQUE_KEY),
            text.as_bytes(),
            &[1, 100_000, 7, 1_000_000],
            &options,
        );
        assert!(run.files == in_chunks.files, "{compression:?} depends on chunks");
        assert_eq!(run.files.len(), plain.files.len());
        let mut pieces = 0;
        for ((name, file), expected) in run.files.iter().zip(plain.files.values()) {
            let mut read = Vec::new();
            match compression {
                Compression::Gzip => MultiGzDecoder::new(&file[..]).read_to_end(&mut read).unwrap(),
                _ => zstd::Decoder::new(&file[..]).unwrap().read_to_end(&mut read).unwrap(),
            };
            assert!(read == *expected, "{name}");
            let facts = ObjectFacts::new(object(OPAQUE_KEY));
            assert!(
                is_output_of(&facts, name, std::io::Cursor::new(file)).unwrap(),
                "{name}"
            );
            let start: &[u8] = if compression == Compression::Gzip {
                b"\x1f\x8b\x08"
            } else {
                b"\x28\xb5\x2f\xfd"
            };
            pieces += file.windows(start.len()).filter(|bytes| *bytes == start).count();
        }
        // The first 16 are one stream each; each of the others has a megabyte of lines.
        assert!(pieces >= 16 + 4 * 4, "{pieces}");
    }
}
