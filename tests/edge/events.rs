//! The payloads in `events/` are up to date and about objects in the same folder.

use std::fs;

use crate::envelopes::*;
use alb_ingest::trigger::{MergeRequest, Work, read_value};

/// The committed payloads have the form that AWS sends for the committed objects.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for this test only")]
fn the_payloads_in_events_are_up_to_date() {
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let samples = samples();
    for (name, payload) in &samples {
        let path = events().join(name);
        let text = format!("{payload:#}\n");
        if update {
            fs::write(&path, text).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(
                committed, text,
                "events/{name} does not match its objects: run `make generated`"
            );
        }
    }
    let mut files: Vec<_> = fs::read_dir(events())
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut names: Vec<_> = samples.iter().map(|(name, _)| (*name).to_owned()).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}

#[test]
fn the_payloads_in_events_are_about_objects_in_the_same_folder() {
    // The number of objects (or folders), ignored events and refused records of each file.
    let expected = [
        ("s3-put.json", [1, 0, 0]),
        ("s3-several-records.json", [4, 0, 0]),
        ("sns.json", [1, 0, 0]),
        ("sqs-s3.json", [5, 0, 0]),
        ("sqs-sns.json", [1, 0, 0]),
        ("sqs-raw-sns.json", [1, 0, 0]),
        ("sqs-eventbridge.json", [1, 0, 0]),
        ("sqs-partial-failure.json", [4, 0, 1]),
        ("eventbridge.json", [1, 0, 0]),
        ("batch-1.0.json", [1, 0, 0]),
        ("batch-2.0.json", [1, 0, 0]),
        ("test-event.json", [0, 1, 0]),
        ("sns-test-event.json", [0, 1, 0]),
        ("sqs-test-event.json", [0, 1, 0]),
        ("failed-invocation.json", [1, 0, 0]),
        ("sqs-failed-invocation.json", [1, 0, 0]),
        ("eventbridge-failed-invocation.json", [1, 0, 0]),
        ("dead-letters.json", [4, 0, 0]),
        ("objects.json", [2, 0, 0]),
        ("deleted.json", [0, 1, 0]),
        ("merge-due.json", [1, 0, 0]),
        ("merge-folder.json", [1, 0, 0]),
        ("sqs-merge-folder.json", [1, 0, 0]),
    ];
    let samples = samples();
    assert_eq!(expected.len(), samples.len());
    for (name, counts) in expected {
        let (_, payload) = samples.iter().find(|(sample, _)| *sample == name).unwrap();
        let request = read_value(payload).unwrap();
        let mut found = [0; 3];
        for task in &request.tasks {
            let object = match &task.work {
                Work::Object(object) => object,
                Work::Merge(request) => {
                    if let MergeRequest::Folder(request) = request {
                        let folder = events().join(&request.folder.bucket).join(&request.folder.prefix);
                        assert!(folder.is_dir(), "{name}");
                    }
                    found[0] += 1;
                    continue;
                }
                Work::Ignored(_) => {
                    found[1] += 1;
                    continue;
                }
                Work::Refused(_) => {
                    found[2] += 1;
                    continue;
                }
            };
            found[0] += 1;
            let path = events().join(&object.bucket).join(&object.key);
            if name == "sqs-partial-failure.json" && task.unit == 1 {
                assert!(!path.exists(), "{} should be missing", path.display());
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            assert!(object.size.is_none_or(|size| size == bytes.len() as u64), "{name}");
            let etag = etag(&bytes);
            assert!(
                object.etag.as_ref().is_none_or(|announced| *announced == etag),
                "{name}"
            );
        }
        assert_eq!(found, counts, "{name}");
    }
}
