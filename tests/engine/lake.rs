//! The layout that Amazon Security Lake requires of a custom source.
//! <https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>

use std::collections::{BTreeMap, BTreeSet};

use crate::common;
use crate::common::any::{bytes_of, read_parquet};
use alb_ingest::encode::FileFormat;
use alb_ingest::formats::{CLB_ACCESS, FORMATS};
use alb_ingest::generate::{Object, Rate, Traffic};
use alb_ingest::ingest::{Options, PartitionBy};
use alb_ingest::schema::mapping::Schema;
use bytes::Bytes;
use parquet::column::page::Page;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use proptest::prelude::*;
use serde_json::Value;

/// The maximum size of a page before compression.
const MAX_PAGE_BYTES: usize = 1_000_000;

fn lake() -> Options {
    Options {
        schema: Schema::Ocsf,
        format: FileFormat::Parquet,
        partition_by: PartitionBy::SecurityLake,
        ..Options::default()
    }
}

/// Returns the events of each file, by the source and the folders below it.
fn partitions(run: &common::Run) -> BTreeMap<(String, String), Vec<Value>> {
    let files = run.files.iter().filter(|(key, _)| !key.starts_with("_quarantine/"));
    let partitions = files.map(|(key, bytes)| {
        let (source, below) = key.split_once('/').unwrap();
        let (folders, _) = below.rsplit_once('/').unwrap();
        let rows = read_parquet(bytes).into_iter().map(Value::Object).collect();
        ((source.to_owned(), folders.to_owned()), rows)
    });
    partitions.collect()
}

#[test]
fn every_source_has_one_class_and_the_required_folders() {
    let mut sources = BTreeSet::new();
    for format in FORMATS {
        let mut object = Object::new(format, 3, 600);
        object.traffic = Traffic {
            hostile: Rate::per_million(200_000),
            ..object.traffic
        };
        let (bytes, _) = bytes_of(&object);
        let run = common::ingest(&object.key(), &bytes, &lake());
        let partitions = partitions(&run);
        let events: usize = partitions.values().map(Vec::len).sum();
        assert_eq!(run.ledger().events, events as u64);
        for ((source, folders), rows) in partitions {
            let names: Vec<_> = folders.split('/').collect();
            let [region, account, day] = names[..] else {
                panic!("{folders}")
            };
            let balancer = &object.traffic.balancer;
            assert_eq!(region, format!("region={}", balancer.region));
            assert_eq!(account, format!("accountId={}", balancer.account));
            let day = day.strip_prefix("eventDay=").unwrap();
            for row in &rows {
                let time = row["time_dt"].as_str().unwrap();
                assert!(time.replace('-', "").starts_with(day), "{source} {time}");
            }
            let classes: BTreeSet<_> = rows.iter().map(|row| row["class_uid"].as_i64().unwrap()).collect();
            assert_eq!(classes.len(), 1, "{source}: {classes:?}");
            sources.insert((source, classes.into_iter().next().unwrap()));
        }
    }
    let expected = [
        ("alb_access_log", 4002),
        ("alb_connection_log", 4001),
        ("alb_health_check_log", 4001),
        ("clb_http_log", 4002),
        ("clb_tcp_log", 4001),
        ("nlb_access_log", 4001),
    ];
    let expected = expected.map(|(source, class)| (source.to_owned(), class));
    assert_eq!(sources, BTreeSet::from(expected));
}

#[test]
fn facts_missing_from_the_key_are_external() {
    let mut text = Vec::new();
    alb_ingest::generate::Lines::new(&CLB_ACCESS, 1, Traffic::default()).write(&mut text);
    let run = common::ingest("some.log", &text, &lake());
    let partitions = partitions(&run);
    let ((_, folders), _) = partitions.first_key_value().unwrap();
    assert!(
        folders.starts_with("region=external/accountId=external/eventDay="),
        "{folders}"
    );
}

/// Returns the size of the largest data page before compression, and the number of data pages of the first column.
fn data_pages(file: Vec<u8>) -> (usize, usize) {
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    let (mut largest, mut of_first) = (0, 0);
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).unwrap();
        for column in 0..group.num_columns() {
            let mut pages = group.get_column_page_reader(column).unwrap();
            while let Some(page) = pages.get_next_page().unwrap() {
                if matches!(page, Page::DataPage { .. } | Page::DataPageV2 { .. }) {
                    largest = largest.max(page.buffer().len());
                    of_first += usize::from(column == 0);
                }
            }
        }
    }
    (largest, of_first)
}

/// Returns an ALB entry with this user agent and this list of targets.
fn line(number: usize, agent: &str, targets: &str) -> String {
    format!(
        "http 2026-10-07T11:42:13.{number:06}Z app/a/b 192.0.2.1:1 10.0.0.1:80 0.001 0.002 0.000 200 200 1 2 \"GET http://a.example:80/{number} HTTP/1.1\" \"{agent}{number}\" - - - \"-\" \"-\" \"-\" 0 2026-10-07T11:42:13.000000Z \"forward\" \"-\" \"-\" \"{targets}\" \"200\" \"-\" \"-\" -\n"
    )
}

fn ingest_lines(lines: &[String]) -> Vec<u8> {
    let run = common::ingest("some.log", lines.concat().as_bytes(), &lake());
    assert_eq!(run.ledger().events, lines.len() as u64);
    run.events()
}

/// Lines of several kilobytes fill pages with few rows; short ones do not end pages early.
#[test]
fn pages_are_within_the_limit() {
    let agent = "x".repeat(6_000);
    let long: Vec<_> = (0..1_000).map(|number| line(number, &agent, "-")).collect();
    let (largest, _) = data_pages(ingest_lines(&long));
    assert!((MAX_PAGE_BYTES / 2..=MAX_PAGE_BYTES).contains(&largest), "{largest}");
    let short: Vec<_> = (0..8_000).map(|number| line(number, "x", "-")).collect();
    let (_, pages) = data_pages(ingest_lines(&short));
    assert_eq!(pages, 2, "the first one, which decides on dictionaries, and the rest");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Only a value of more than 1 MB exceeds the limit: a page has at least one row.
    #[test]
    fn no_page_exceeds_the_limit(
        parts in proptest::collection::vec(
            (
                prop_oneof![8 => 1..60_usize, 2 => 1..4_usize],
                prop_oneof![8 => 0..4_000_usize, 1 => 0..300_000_usize, 1 => 900_000..1_000_000_usize],
                prop_oneof![4 => 0..5_usize, 1 => 0..20_000_usize],
                any::<bool>(),
            ),
            1..8,
        ),
        repeat in 1..4_usize,
    ) {
        let mut lines = Vec::new();
        for (rows, agent, targets, distinct) in parts.iter().cycle().take(parts.len() * repeat) {
            // Few lines of a megabyte: the object stays small.
            let rows = *rows * 4_000 / agent.max(&4_000) + 1;
            for _ in 0..rows {
                let number = lines.len();
                let target = |target: usize| if *distinct { format!("{:x}:1", number * 20_000 + target) } else { "a".to_owned() };
                let targets: Vec<_> = (0..targets / rows.min(8)).map(target).collect();
                let targets = targets.join(" ");
                let room = (1_040_000 - agent).min(targets.len());
                lines.push(line(number, &"x".repeat(*agent), targets.get(..room).unwrap()));
            }
        }
        let longest = lines.iter().map(String::len).max().unwrap_or(0);
        let (largest, _) = data_pages(ingest_lines(&lines));
        prop_assert!(largest <= MAX_PAGE_BYTES.max(longest), "{largest}");
    }
}
