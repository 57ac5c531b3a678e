//! `replay`: what it takes, each recognized by its content, and what it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use alb_ingest::trigger::{Kind, Work, read_value};
use serde_json::{Value, json};

use crate::cli::{alb_ingest, expect, run, stderr, stdout, text, tree, with_stdin, write};
use crate::envelopes::{Object, batch_2, event_bridge, failed_invocation, received, s3, sns_message, sqs_of};

const ALB: &str = "20261007T1145Z_203.0.113.10_qfy86bt1.log.gz";
const CONNECTION: &str = "_yzeus2wj.log.gz";
const CLASSIC: &str = "_2v1y09ki.log";

/// A folder with inputs and outputs.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replays an input about the sample objects.
    fn replay(&self, input: &[u8], to: &str, more: &[&str]) -> Output {
        let (file, to) = (self.path("input"), self.path(to));
        write(&file, input);
        let args = ["replay", text(&file), "--to", text(&to), "--bucket-root", "events"];
        run(&[&args[..], more].concat())
    }

    /// Returns the outputs of an input that is replayed with success.
    fn delivered(&self, input: &[u8], to: &str) -> BTreeMap<String, Vec<u8>> {
        let output = self.replay(input, to, &[]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{to}: {}{}",
            stdout(&output),
            stderr(&output)
        );
        tree(&self.path(to))
    }

    /// Returns the error of an input that is refused before anything is done.
    fn refused(&self, input: &[u8]) -> String {
        let output = self.replay(input, "refused", &[]);
        assert_eq!(output.status.code(), Some(2), "{}{}", stdout(&output), stderr(&output));
        assert_eq!(stdout(&output), "");
        assert!(!self.path("refused").exists());
        stderr(&output)
    }
}

fn objects() -> [Object; 3] {
    [ALB, CONNECTION, CLASSIC].map(Object::sample)
}

fn payload(objects: &[Object]) -> String {
    crate::envelopes::objects(objects).to_string()
}

#[test]
fn dead_letters_are_replayed_as_the_queue_returns_them() {
    let world = World::new();
    let [alb, connection, classic] = objects();
    let expected = world.delivered(
        payload(&[alb.clone(), connection.clone(), classic.clone()]).as_bytes(),
        "objects",
    );
    assert!(expected.keys().any(|name| name.starts_with("clb_access_log/")));
    let bodies = [
        event_bridge(&alb, "Object Created").to_string(),
        sns_message(&s3(std::slice::from_ref(&connection)), "URL").to_string(),
        failed_invocation(&s3(std::slice::from_ref(&classic))).to_string(),
    ];
    let printed = received(&bodies);
    let messages = printed["Messages"].as_array().unwrap();
    let lines: Vec<_> = messages.iter().map(Value::to_string).collect();
    for (form, input) in [
        ("receive-message", format!("{printed:#}\n")),
        (
            "several-calls",
            bodies
                .iter()
                .map(|body| received(std::slice::from_ref(body)).to_string())
                .collect(),
        ),
        ("json-lines", lines.join("\n")),
        ("query-messages", format!("{:#}", printed["Messages"])),
        ("query-bodies", json!(bodies).to_string()),
        ("text-of-bodies", bodies.join("\n")),
    ] {
        assert_eq!(world.delivered(input.as_bytes(), form), expected, "{form}");
    }
    // One message by itself.
    let one = world.delivered(payload(&[alb]).as_bytes(), "one-object");
    assert_eq!(world.delivered(lines[0].as_bytes(), "one-message"), one);
}

#[test]
fn a_message_that_cannot_be_read_fails_alone() {
    let good = s3(&[Object::named("a.log")]).to_string();
    let payload = received(&[good.clone(), "token-1234".to_owned(), good]);
    let request = read_value(&payload).unwrap();
    let refused = |work: &Work| match work {
        Work::Refused(error) => error.to_string(),
        _ => String::new(),
    };
    let refused: Vec<_> = request.tasks.iter().map(|task| refused(&task.work)).collect();
    assert_eq!(refused, ["", "Messages[1].Body: invalid JSON (line 1, column 2)", ""]);
    assert_eq!(request.kind, Kind::Direct);
    assert_eq!(request.objects().len(), 1, "the same object twice");
}

#[test]
fn records_of_failed_invocations_are_replayed_without_their_responses() {
    let world = World::new();
    let [alb, ..] = objects();
    let expected = world.delivered(payload(std::slice::from_ref(&alb)).as_bytes(), "objects");
    let mut record = failed_invocation(&s3(std::slice::from_ref(&alb)));
    // What looks like a request in the response is not one.
    record["responsePayload"] = json!({"objects": [{"bucket": "objects", "key": "other.log"}]});
    record["responseContext"] = json!({"Messages": [], "statusCode": 200, "functionError": "Unhandled"});
    for (form, input) in [
        ("record", record.clone()),
        ("message", received(&[record.to_string()])),
        ("event", sqs_of(&record)),
    ] {
        assert_eq!(world.delivered(input.to_string().as_bytes(), form), expected, "{form}");
    }
    // A record that is too large for its destination has no payload.
    record.as_object_mut().unwrap().remove("requestPayload");
    let output = world.replay(received(&[record.to_string()]).to_string().as_bytes(), "dropped", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("Messages[0].Body.requestPayload: missing; Lambda drops"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn merge_messages_are_replayed_from_the_dead_letter_queue() {
    let world = World::new();
    let [alb, ..] = objects();
    let folder = &alb.key[..=alb.key.rfind('/').unwrap()];
    let body = json!({"merge": {"bucket": alb.bucket, "folder": folder, "all": true}}).to_string();
    let letter = received(&[body]).to_string();
    let output = world.replay(letter.as_bytes(), "merged", &["--merge"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(
        tree(&world.path("merged"))
            .keys()
            .any(|name| name.contains("00000000.done"))
    );
    // Without --merge, its objects would exist in another form.
    let output = world.replay(letter.as_bytes(), "separate", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("MERGE is not true"), "{}", stdout(&output));
}

#[test]
fn lists_of_keys_are_replayed() {
    let world = World::new();
    let objects = objects();
    let expected = world.delivered(payload(&objects).as_bytes(), "objects");
    let list = |line: &dyn Fn(&Object) -> String| objects.iter().map(line).collect::<Vec<_>>().join("\n");
    let absolute = fs::canonicalize("events").unwrap();
    for (form, input) in [
        ("urls", list(&|object| format!("s3://{}/{}", object.bucket, object.key))),
        (
            "windows",
            list(&|object| format!("s3://{}/{}\r", object.bucket, object.key)),
        ),
        (
            "blank-lines",
            format!(
                "\u{feff}\n{}\n\n",
                list(&|object| format!("s3://{}/{}", object.bucket, object.key))
            ),
        ),
        (
            "paths",
            list(&|object| format!("./events/{}/{}", object.bucket, object.key)),
        ),
        (
            "absolute-paths",
            list(&|object| format!("{}/{}/{}", text(&absolute), object.bucket, object.key)),
        ),
        (
            "manifest",
            list(&|object| format!("{},{}", object.bucket, object.key.replace('_', "%5f"))),
        ),
        (
            "quoted",
            list(&|object| format!("\"{}\",\"{}\"", object.bucket, object.key)),
        ),
        ("versions", list(&|object| format!("{},{},", object.bucket, object.key))),
    ] {
        assert_eq!(world.delivered(input.as_bytes(), form), expected, "{form}");
    }
}

#[test]
fn the_keys_of_a_manifest_are_decoded_and_those_of_a_list_are_not() {
    let world = World::new();
    let sample = fs::read(Path::new("events/objects").join(Object::sample(ALB).key)).unwrap();
    let key = "AWSLogs/a b%2B+c,é.log.gz";
    write(&world.path("buckets/my-logs").join(key), &sample);
    let buckets = world.path("buckets");
    let root = ["--bucket-root", text(&buckets)];
    let replay = |input: &str, to: &str| {
        let (file, to) = (world.path("input"), world.path(to));
        write(&file, input.as_bytes());
        let output = run(&[&["replay", text(&file), "--to", text(&to)], &root[..]].concat());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{input}: {}{}",
            stdout(&output),
            stderr(&output)
        );
        tree(&to)
    };
    let expected = replay(&format!("s3://my-logs/{key}"), "url");
    assert_eq!(expected.len(), 3, "{:?}", expected.keys());
    assert_eq!(
        replay("my-logs,AWSLogs/a%20b%252B%2Bc%2C%C3%A9.log.gz\n", "manifest"),
        expected
    );
    // A manifest that encodes a space as a plus.
    assert_eq!(
        replay("my-logs,AWSLogs/a+b%252B%2Bc%2C%C3%A9.log.gz\n", "form"),
        expected
    );
    assert_eq!(replay(text(&buckets.join("my-logs").join(key)), "path"), expected);
}

#[test]
fn a_long_list_is_replayed_in_batches_and_names_the_line_of_each_failure() {
    let world = World::new();
    let sample = Object::sample(CLASSIC);
    let mut lines = vec![format!("s3://{}/{}", sample.bucket, sample.key); 101];
    lines.push("s3://objects/AWSLogs/missing.log".to_owned());
    let output = world.replay(lines.join("\n").as_bytes(), "out", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let answers: Vec<Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(
        answers[0]["objects"],
        json!({"ingested": 100, "skipped": 0, "failed": 0})
    );
    let message = answers[1]["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("1 of 2 records failed: line 102: "), "{message}");
    assert!(!tree(&world.path("out")).is_empty());
}

#[test]
fn an_input_that_is_nothing_known_is_refused_before_any_work() {
    let world = World::new();
    let good = format!("s3://objects/{}", Object::sample(CLASSIC).key);
    for (input, reason) in [
        (String::new(), "the input is empty"),
        (" \n\n".to_owned(), "the input is empty"),
        (
            format!("{good}\nsecret token-1234"),
            "line 2 of the input is not JSON, s3://BUCKET/KEY",
        ),
        (
            format!("{good}\ns3://objects"),
            "line 2 of the input is not s3://BUCKET/KEY",
        ),
        (
            "s3://Objects/a".to_owned(),
            "line 1 of the input is not s3://BUCKET/KEY",
        ),
        (
            "\n\nobjects,a,b,failed,token-1234".to_owned(),
            "line 3 of the input has 5 columns",
        ),
        ("objects,100%".to_owned(), "line 1 of the input has a key that"),
        ("objects,".to_owned(), "line 1 of the input has no key"),
        ("Bucket,Key".to_owned(), "line 1 of the input is not JSON"),
        (
            "events/objects".to_owned(),
            "nor the path of a file in a directory of --bucket-root",
        ),
        ("events/objects/../../Cargo.toml".to_owned(), "nor the path of a file"),
        ("/etc/token-1234".to_owned(), "nor the path of a file"),
        (
            "missing      AWSLogs/a.log.gz".to_owned(),
            "line 1 of the input is not JSON",
        ),
        ("<html>token-1234</html>".to_owned(), "line 1 of the input is not JSON"),
    ] {
        let error = world.refused(input.as_bytes());
        assert!(error.contains(reason), "{input}: {error}");
        assert!(!error.contains("token-1234"), "{error}");
    }
    let error = world.refused(b"s3://objects/\xff\n");
    assert!(error.contains("line 1 of the input is not UTF-8"), "{error}");
    let file = world.path("paths");
    write(&file, b"logs/a.log.gz");
    let output = run(&["replay", text(&file), "--to", text(&world.path("out"))]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("paths need --bucket-root"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_unknown_payload_or_message_is_never_a_success() {
    let world = World::new();
    let sample = Object::sample(CLASSIC);
    let partial = ["--partial-batch"];
    for (input, reason) in [
        (json!({"hello": 1}).to_string(), "unrecognized event payload"),
        (json!([{"hello": 1}]).to_string(), "unrecognized event payload"),
        (json!(["no JSON"]).to_string(), "expected an object"),
        (
            json!({"missing": [], "failed": []}).to_string(),
            "unrecognized event payload",
        ),
        (
            received(&["token-1234".to_owned()]).to_string(),
            "Messages[0].Body: invalid JSON",
        ),
        ("{\"Messages\": [".to_owned(), "invalid JSON"),
        (sqs_of(&json!({"hello": 1})).to_string(), "batchItemFailures"),
        (
            batch_2(&Object {
                key: "AWSLogs/missing_elasticloadbalancing_.log".to_owned(),
                ..sample.clone()
            })
            .to_string(),
            "PermanentFailure",
        ),
    ] {
        let output = world.replay(input.as_bytes(), "out", &partial);
        assert_eq!(output.status.code(), Some(1), "{input}: {}", stdout(&output));
        assert!(stdout(&output).contains(reason), "{}", stdout(&output));
        assert!(!stdout(&output).contains("token-1234") && !stderr(&output).contains("token-1234"));
    }
    // One of several.
    let several = format!("{}\n{{\"hello\":1}}", payload(&[sample]));
    let output = world.replay(several.as_bytes(), "several", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!tree(&world.path("several")).is_empty());
}

#[test]
fn keys_from_standard_input_are_replayed() {
    let world = World::new();
    let sample = Object::sample(CLASSIC);
    let out = world.path("out");
    let command = alb_ingest(&["replay", "-", "--to", text(&out), "--bucket-root", "events"]);
    let key = format!("s3://{}/{}\n", sample.bucket, sample.key);
    let output = with_stdin(command, key.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!tree(&out).is_empty());
}

#[test]
fn failed_members_of_a_merge_are_delivered_to_another_destination() {
    let world = World::new();
    let sample = |end: &str| {
        let key = Object::sample(end).key;
        (fs::read(Path::new("events/objects").join(&key)).unwrap(), key)
    };
    let (buckets, logs) = (world.path("buckets"), world.path("buckets/local"));
    let ((good, good_key), (lost, lost_key)) = (sample(ALB), sample(CONNECTION));
    let (lost_key, page) = (lost_key.replace("111122223333", "123456789012"), b"<html>503</html>\n");
    write(&logs.join(&good_key), &good);
    write(&logs.join(&lost_key), page);
    let (merged, other) = (world.path("merged"), world.path("other"));
    let merge = || run(&["run", text(&logs), "--to", text(&merged), "--merge"]);
    expect(merge(), 1);

    // The plan is final: a member that it calls failed is not merged later.
    let before = tree(&merged);
    merge();
    assert_eq!(tree(&merged), before);
    let (failed, repair) = (world.path("failed.json"), world.path("repair.json"));
    let audit = |more: &[&str]| run(&[&["audit", text(&logs), text(&merged)], more].concat());
    let output = expect(audit(&["--failed", text(&failed), "--repair", text(&repair)]), 1);
    assert!(
        stdout(&output).contains("failed       1 objects and 0 folders in 1 payloads"),
        "{}",
        stdout(&output)
    );
    assert_eq!(fs::read(&repair).unwrap(), b"");
    let payload: Value = serde_json::from_slice(&fs::read(&failed).unwrap()).unwrap();
    assert_eq!(payload["objects"].as_array().unwrap().len(), 1);
    assert_eq!(payload["objects"][0]["key"], lost_key.as_str());

    let replay = |to: &Path, more: &[&str]| {
        let args = [
            "replay",
            text(&failed),
            "--bucket-root",
            text(&buckets),
            "--to",
            text(to),
        ];
        run(&[&args[..], more].concat())
    };
    // Not into the merged destination, in either mode.
    for more in [&[][..], &["--merge"]] {
        assert_eq!(replay(&merged, more).status.code(), Some(1));
        assert_eq!(tree(&merged), before);
    }
    // Its bytes are still no log; a release that reads them delivers them.
    assert_eq!(replay(&other, &[]).status.code(), Some(1));
    // Another object under the same key is not the failed one, and the next merge takes it.
    write(&logs.join(&lost_key), &lost);
    fs::remove_file(&failed).unwrap();
    expect(audit(&["--failed", text(&failed)]), 1);
    assert_eq!(fs::read(&failed).unwrap(), b"");
    expect(merge(), 0);
    assert!(tree(&merged).len() > before.len());
}

#[test]
fn the_rows_of_a_failed_member_are_delivered_once_over_both_destinations() {
    let world = World::new();
    let key = Object::sample(ALB).key;
    let (buckets, logs) = (world.path("buckets"), world.path("buckets/local"));
    write(
        &logs.join(&key),
        &fs::read(Path::new("events/objects").join(&key)).unwrap(),
    );
    let (merged, other) = (world.path("merged"), world.path("other"));
    // A corrupt object that a strict merge does not take.
    let cut = key.replace("qfy86bt1", "c0rrupt0");
    write(&logs.join(&cut), &fs::read(logs.join(&key)).unwrap()[..15_000]);
    let output = run(&[
        "run",
        text(&logs),
        "--to",
        text(&merged),
        "--merge",
        "--on-corrupt",
        "strict",
    ]);
    expect(output, 1);
    let failed = world.path("failed.json");
    expect(
        run(&["audit", text(&logs), text(&merged), "--failed", text(&failed)]),
        1,
    );
    let args = [
        "replay",
        text(&failed),
        "--bucket-root",
        text(&buckets),
        "--to",
        text(&other),
    ];
    for _ in 0..2 {
        expect(run(&args), 0);
    }
    // Together, both have what one merge of everything has.
    let all = world.path("all");
    expect(
        run(&["run", text(&logs), "--to", text(&all), "--merge", "--report", "json"]),
        0,
    );
    let count = |folder: &Path| {
        let output = run(&["audit", text(&logs), text(folder), "--report", "json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["complete"].as_u64().unwrap()
    };
    assert_eq!((count(&merged), count(&other), count(&all)), (1, 1, 2));
}

#[test]
fn failed_members_are_written_for_merged_destinations_only() {
    let world = World::new();
    let (out, failed) = (world.path("out"), world.path("failed.json"));
    expect(run(&["run", "events/objects", "--to", text(&out)]), 0);
    let output = run(&["audit", "events/objects", text(&out), "--failed", text(&failed)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--failed is for destinations with merged outputs"),
        "{}",
        stderr(&output)
    );
    assert!(!failed.exists());
}
