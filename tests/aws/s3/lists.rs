//! The objects of a bucket.

use alb_ingest::storage::ErrorKind;

use super::rig::{LOGS, Rig, put};
use crate::servers::fault::{Fault, Op};
use crate::servers::s3::Options;

/// Returns the keys below a prefix, or the key itself.
fn keys(rig: &Rig, place: &str) -> Vec<String> {
    let listed = rig.list(LOGS, place).unwrap();
    listed.map(|object| object.unwrap().object.key).collect()
}

#[test]
fn every_object_below_a_prefix_is_listed_once() {
    let rig = Rig::new();
    rig.server.bucket(
        LOGS,
        Options {
            page: 3,
            ..Options::default()
        },
    );
    let mut wanted: Vec<String> = (0..10)
        .map(|index| format!("logs/{index}/a+b &%2B é\u{1}{index}.gz"))
        .collect();
    wanted.push("logs/x".to_owned());
    for key in wanted.iter().chain([&"logs2/y".to_owned(), &"log".to_owned()]) {
        put(&rig, key, key.as_bytes());
    }
    wanted.sort();
    assert_eq!(keys(&rig, "logs"), wanted);
    assert_eq!(keys(&rig, "logs/"), wanted);
    assert_eq!(keys(&rig, "logs/x"), ["logs/x"]);
    assert_eq!(keys(&rig, "log"), ["log"]);
    assert_eq!(keys(&rig, "nothing"), [""; 0]);
    assert_eq!(keys(&rig, "").len(), wanted.len() + 2);
    // A listed object can be read, and is the same object.
    let listed = rig.list(LOGS, "logs").unwrap();
    for object in listed {
        let object = object.unwrap().object;
        let (found, bytes) = rig.read(&object).unwrap();
        assert_eq!(object.size, Some(bytes.len() as u64));
        assert_eq!(bytes, object.key.as_bytes());
        assert_eq!(Some(found.version), object.etag);
    }
}

#[test]
fn a_listing_that_fails_ends_with_an_error() {
    let rig = Rig::new();
    rig.server.bucket(
        LOGS,
        Options {
            page: 2,
            ..Options::default()
        },
    );
    for key in ["a/1", "a/2", "a/3"] {
        put(&rig, key, b"x");
    }
    rig.server.faults().add(
        crate::servers::fault::Rule::new(Fault::Status(503, "SlowDown"))
            .op(Op::ListObjectsV2)
            .during(2..=99),
    );
    let mut listed = rig.list(LOGS, "a").unwrap();
    assert!(listed.next().unwrap().is_ok() && listed.next().unwrap().is_ok());
    let error = listed.next().unwrap().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(listed.next().is_none());

    rig.server.faults().clear();
    let list = |bucket: &str| rig.list(bucket, "a").err().unwrap();
    assert_eq!(list("nowhere").kind, ErrorKind::Refused);
    assert!(list("nowhere").message.contains("no bucket"), "{}", list("nowhere"));
    rig.always(Op::ListObjectsV2, Fault::Status(403, "AccessDenied"));
    assert!(list(LOGS).message.contains("s3:ListBucket"), "{}", list(LOGS));
}
