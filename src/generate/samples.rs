//! The sample objects in `events/objects`.

use std::path::Path;
use std::{fs, io};

use super::keys::object_key;
use super::lines::Written;
use super::object::{Object, Packing};
use super::request::REQUESTS;
use super::text::at;
use super::traffic::{Balancer, Rate, Traffic};
use crate::formats::{ALB_ACCESS, LogType};

/// One sample object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Its key, which is also its path below `events/objects`.
    pub key: String,
    /// The log type of its lines; none if the object is not a log.
    pub log_type: Option<LogType>,
    /// Its bytes as stored in the bucket.
    pub bytes: Vec<u8>,
    /// The numbers of its entries, by class.
    pub written: Written,
}

/// Returns the number of fields of current lines in the samples.
///
/// The numbers are pinned: a field that AWS adds to a table does not change the samples, nor the many test results and
/// figures that depend on their bytes.
pub const fn sample_fields(log_type: LogType) -> usize {
    match log_type {
        LogType::AlbAccess => 34,
        LogType::AlbConnection | LogType::ClbAccess => 15,
        LogType::AlbHealthCheck => 10,
        LogType::NlbAccess => 22,
    }
}

/// The seed of every sample.
const SEED: u64 = 20_261_007;

/// Returns the samples: each log type, old and new lengths, several gzip members, the end of a day, and objects that are
/// not logs.
pub fn samples() -> io::Result<Vec<Sample>> {
    let mut samples = objects().iter().map(sample).collect::<io::Result<Vec<_>>>()?;
    let plain = |key: String, text: &str| Sample {
        key,
        log_type: None,
        bytes: text.as_bytes().to_vec(),
        written: Written::default(),
    };
    let balancer = node("203.0.113.12");
    samples.push(plain(
        object_key(&ALB_ACCESS, &balancer, at((2026, 10, 7), (11, 45, 0)), SEED),
        "",
    ));
    samples.push(plain(
        "AWSLogs/123456789012/ELBAccessLogTestFile".to_owned(),
        "Enable AccessLog for ELB: app/shop/7f3c9a1e5b2d4860 at 2026-10-07T09:12:44.120Z",
    ));
    samples.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(samples)
}

/// Writes the samples below a directory and returns them.
pub fn write_samples(directory: &Path) -> io::Result<Vec<Sample>> {
    let samples = samples()?;
    for sample in &samples {
        let path = directory.join(&sample.key);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(path, &sample.bytes)?;
    }
    Ok(samples)
}

fn sample(object: &Object) -> io::Result<Sample> {
    let mut bytes = Vec::new();
    let written = object.write_to(&mut bytes)?;
    Ok(Sample {
        key: object.key(),
        log_type: Some(object.format.log_type),
        bytes,
        written,
    })
}

/// Returns a node of the shop's load balancer.
fn node(address: &str) -> Balancer {
    Balancer {
        node: address.to_owned(),
        ..Balancer::default()
    }
}

/// Returns a load balancer of another account.
fn other(region: &str, name: &str) -> Balancer {
    Balancer {
        account: "111122223333".to_owned(),
        region: region.to_owned(),
        name: name.to_owned(),
        id: "05d2b7c9e8f14a36".to_owned(),
        node: "198.51.100.77".to_owned(),
    }
}

/// Returns ordinary traffic with some hostile lines.
fn traffic(balancer: Balancer, start: u64, lines: u64) -> Traffic {
    let traffic = Traffic {
        balancer,
        start,
        hostile: Rate::per_million(40_000),
        ..Traffic::default()
    };
    traffic.over_one_object(lines)
}

fn object(log_type: LogType, lines: u64, traffic: Traffic) -> Object {
    Object {
        format: log_type.format(),
        seed: SEED,
        lines,
        traffic: Traffic {
            known_fields: Some(sample_fields(log_type)),
            ..traffic
        },
        packing: Packing::default(),
    }
}

fn objects() -> Vec<Object> {
    let noon = at((2026, 10, 7), (11, 40, 0));
    let mut objects = today(noon);
    objects.extend(other_types(noon));
    objects.extend(archive());
    objects
}

/// Returns five minutes of two nodes of one load balancer: their requests, and the connections of the requests.
fn today(start: u64) -> Vec<Object> {
    let (first, second) = (node("203.0.113.10"), node("203.0.113.11"));
    let faults = Traffic {
        fields: Some(36),
        broken: Rate::per_million(6_000),
        repairable: Rate::per_million(4_000),
        ..traffic(first.clone(), start, 350)
    };
    let several = Object {
        packing: Packing { members: 3, padding: 0 },
        ..object(LogType::AlbAccess, 350, faults)
    };
    // The connections that served the requests, spread over the same time.
    let connections = |balancer, requests| {
        let ordinary = traffic(balancer, start, requests);
        let step = ordinary.step * REQUESTS;
        object(
            LogType::AlbConnection,
            requests / REQUESTS + 1,
            Traffic { step, ..ordinary },
        )
    };
    let day_end = at((2026, 10, 6), (23, 57, 34));
    vec![
        several,
        object(LogType::AlbAccess, 300, traffic(second.clone(), start, 300)),
        connections(first, 350),
        connections(second, 300),
        object(LogType::AlbAccess, 300, traffic(node("203.0.113.10"), day_end, 300)),
    ]
}

/// Returns the other kinds of load balancers and logs.
fn other_types(start: u64) -> Vec<Object> {
    let classic = Traffic {
        other_fields: Some(12),
        broken: Rate::per_million(5_000),
        blank: Rate::per_million(6_000),
        ..traffic(other("eu-west-1", "shop-classic"), at((2015, 6, 16), (8, 25, 0)), 300)
    };
    vec![
        object(
            LogType::AlbConnection,
            320,
            traffic(other("eu-central-1", "partners"), start, 320),
        ),
        object(LogType::AlbHealthCheck, 320, traffic(node("203.0.113.10"), start, 320)),
        object(
            LogType::NlbAccess,
            320,
            traffic(other("eu-central-1", "edge"), start, 320),
        ),
        object(LogType::ClbAccess, 300, classic),
    ]
}

/// Returns lines as they were in earlier years.
fn archive() -> Vec<Object> {
    let old = |log_type, balancer, date, fields, lines| {
        let ordinary = traffic(balancer, at(date, (6, 15, 0)), lines);
        object(
            log_type,
            lines,
            Traffic {
                fields: Some(fields),
                ..ordinary
            },
        )
    };
    let mut upgraded = old(LogType::AlbAccess, node("203.0.113.10"), (2019, 10, 22), 27, 150);
    upgraded.traffic.other_fields = Some(25);
    vec![
        old(LogType::AlbAccess, node("203.0.113.10"), (2016, 11, 29), 18, 80),
        upgraded,
        old(LogType::AlbAccess, node("203.0.113.10"), (2020, 11, 17), 29, 80),
        old(LogType::AlbAccess, node("203.0.113.10"), (2024, 8, 20), 30, 80),
        old(LogType::AlbConnection, node("203.0.113.10"), (2023, 12, 5), 11, 60),
        old(LogType::AlbHealthCheck, node("203.0.113.10"), (2025, 11, 25), 8, 60),
        old(LogType::NlbAccess, other("eu-central-1", "edge"), (2019, 2, 12), 18, 60),
    ]
}
