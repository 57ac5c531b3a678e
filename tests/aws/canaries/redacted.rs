//! Canaries under a redaction that covers every value of a line that has a marker: no byte that leaves the process has one.

use std::process::Output;
use std::time::Duration;

use serde_json::json;

use super::{Channel, LIMIT, LINES, alb_ingest, check_log, check_outputs, function, objects, payload, server};
use crate::lambda::metrics;
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::{firehose, s3, sqs};

const RULES: &str = "query=drop,path=drop,request_url=drop,user_agent=drop,redirect_url=drop,\
                     domain_name=drop,chosen_cert_arn=drop,trace_ids=drop";

/// Fails if any byte of the outputs, their keys or their metadata has a marker of a line, or a marker that its kind of output must not
/// have; returns the number of outputs.
fn check_redacted(what: &str, server: &s3::Server) -> usize {
    check_outputs_of(what, server, true)
}

fn check_outputs_of(what: &str, server: &s3::Server, with_metadata: bool) -> usize {
    check_outputs(server, true);
    let objects = server.objects("outputs");
    let count = objects.len();
    for (key, object) in objects {
        let metadata: Vec<_> = object.metadata().into_iter().collect();
        let has_fingerprint = metadata.iter().any(|(name, _)| name.ends_with("redact"));
        assert!(
            has_fingerprint || !with_metadata || metadata.is_empty() || key.ends_with("_alb-ingest.json"),
            "{key}: {metadata:?}"
        );
        check_no_line(&format!("{what}: {key}"), key.as_bytes());
        check_no_line(&format!("{what}: {key}"), format!("{metadata:?}").as_bytes());
        check_no_line(&format!("{what}: {key}"), &object.body);
    }
    count
}

fn check_no_line(what: &str, bytes: &[u8]) {
    for marker in LINES {
        let found = memchr::memmem::find(bytes, marker.as_bytes()).is_some();
        assert!(!found, "{what} has {marker}: {}", bytes.escape_ascii());
    }
}

/// Checks everything that a function writes besides its outputs: the log at the most verbose level, and the metrics in it.
fn check_function(what: &str, function: &Function) {
    check_log(what, function);
    check_no_line("the log", function.stdout().as_bytes());
    check_no_line("stderr", function.stderr().as_bytes());
    check_no_line("the metrics", metrics(function).to_string().as_bytes());
}

fn redacted(server: &s3::Server, more: &[(&str, &str)]) -> Function {
    let settings = [
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        ("COMPRESSION", "none"),
        ("REDACT", RULES),
    ];
    function(server, &[&settings[..], more].concat())
}

#[test]
fn in_events_quarantine_metadata_log_and_metrics() {
    for (format, schema) in [
        ("json", "native"),
        ("parquet", "native"),
        ("json", "ecs"),
        ("json", "ocsf"),
        ("json", "panther"),
        ("json", "tailpipe"),
    ] {
        let server = server();
        let enrich = "request_query,user_agent_family,user_agent_os,bot_name,status_class";
        let mut function = redacted(&server, &[("FORMAT", format), ("SCHEMA", schema), ("ENRICH", enrich)]);
        let outcome = format!("{:?}", function.invoke(&payload(), LIMIT));
        check_no_line("the outcome", outcome.as_bytes());
        check_function("a redaction", &function);
        assert!(check_redacted(schema, &server) >= 3, "{outcome}");
    }
}

/// Each text has a rule, so the parser's own buffers of raw text would be the only source of one.
#[test]
fn with_rules_of_every_kind() {
    let rules = "client_ip=truncate,query=keys,path=template,request_url=drop,user_agent=family,redirect_url=drop,\
                 domain_name=drop,chosen_cert_arn=drop,trace_ids=drop,path=drop";
    let refused = function(&server(), &[("REDACT", rules)]).invoke(&payload(), LIMIT);
    assert!(
        !matches!(refused, Outcome::Response(_)),
        "path has two actions: {refused:?}"
    );
    let server = server();
    let rules = rules.replace("path=template,", "");
    let mut function = function(
        &server,
        &[
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
            ("FORMAT", "json"),
            ("REDACT", &rules),
        ],
    );
    let outcome = format!("{:?}", function.invoke(&payload(), LIMIT));
    check_no_line("the outcome", outcome.as_bytes());
    check_function("other rules", &function);
    assert!(check_redacted("other rules", &server) >= 3, "{outcome}");
}

#[test]
fn in_records_of_a_stream_and_answers() {
    for records in ["packed", "single"] {
        let (server, firehose) = (server(), firehose::Server::start());
        firehose.stream("events");
        let endpoint = firehose.endpoint();
        let mut function = redacted(
            &server,
            &[
                ("DESTINATION", "firehose://events"),
                ("QUARANTINE", "s3://outputs/all/_quarantine"),
                ("AWS_ENDPOINT_URL_FIREHOSE", endpoint.as_str()),
                ("PARTIAL_BATCH", "true"),
                ("FIREHOSE_RECORDS", records),
            ],
        );
        let Outcome::Response(answer) = function.invoke(&payload(), LIMIT) else {
            panic!("{}", function.stdout())
        };
        check_no_line("the answer", answer.to_string().as_bytes());
        let task =
            json!({"taskId": "t", "s3Key": objects()[3].0, "s3VersionId": null, "s3BucketArn": "arn:aws:s3:::objects"});
        let job = json!({"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [task]});
        let Outcome::Response(answer) = function.invoke(&job, LIMIT) else {
            panic!("{}", function.stdout())
        };
        check_no_line("the answer to a job", answer.to_string().as_bytes());
        check_function("a stream", &function);
        let delivered = firehose.records("events");
        assert!(!delivered.is_empty());
        for record in delivered {
            Channel::Events.check("a record", &record);
            check_no_line("a record", &record);
        }
        assert!(check_redacted("a stream", &server) >= 2);
    }
}

#[test]
fn in_error_texts() {
    let (server, firehose) = (server(), firehose::Server::start());
    firehose.stream("events");
    let fail = |op| Rule::new(Fault::Status(403, "AccessDenied")).op(op);
    server.faults().add(fail(Op::GetObject).nth(1));
    server.faults().add(fail(Op::PutObject).nth(2));
    firehose.faults().add(fail(Op::PutRecordBatch));
    let endpoint = firehose.endpoint();
    for destination in ["s3://outputs/all", "firehose://events"] {
        let mut function = redacted(
            &server,
            &[
                ("FORMAT", "json"),
                ("DESTINATION", destination),
                ("QUARANTINE", "s3://outputs/all/_quarantine"),
                ("AWS_ENDPOINT_URL_FIREHOSE", endpoint.as_str()),
            ],
        );
        let Outcome::Error { message, .. } = function.invoke(&payload(), Duration::from_secs(20)) else {
            panic!("{}", function.stdout())
        };
        Channel::Shown.check("the error", message.as_bytes());
        check_no_line("the error", message.as_bytes());
        check_function(destination, &function);
    }
}

#[test]
fn in_merged_outputs_and_their_plans() {
    let (server, queue) = (server(), sqs::Server::start());
    let (endpoint, url) = (queue.endpoint(), queue.queue_url());
    let mut function = redacted(
        &server,
        &[
            ("FORMAT", "json"),
            ("MERGE", "true"),
            ("SOURCE", "s3://objects/AWSLogs"),
            ("QUEUE_URL", url.as_str()),
            ("AWS_ENDPOINT_URL_SQS", endpoint.as_str()),
        ],
    );
    for (key, _) in objects() {
        let folder = key.rsplit_once('/').unwrap().0;
        let payload = json!({"merge": {"bucket": "objects", "folder": format!("{folder}/"), "all": true}});
        let outcome = format!("{:?}", function.invoke(&payload, LIMIT));
        check_no_line("the answer", outcome.as_bytes());
    }
    check_function("a merge", &function);
    let plans = server
        .objects("outputs")
        .into_iter()
        .filter(|(key, _)| key.contains("/_merge/"));
    assert!(plans.count() > 0);
    assert!(check_outputs_of("a merge", &server, false) > 3);
}

#[test]
fn in_reports_and_messages_of_the_commands() {
    for mode in [&[][..], &["--merge"]] {
        let server = server();
        let to = [
            "--to",
            "s3://outputs/all",
            "--redact",
            RULES,
            "--format",
            "json",
            "--compression",
            "none",
        ];
        for args in [
            [&["run", "s3://objects/AWSLogs/"], &to[..], mode].concat(),
            [&["run", "s3://objects/AWSLogs/", "--report", "json"], &to[..], mode].concat(),
            vec!["audit", "s3://objects/AWSLogs/", "s3://outputs/all", "--deep"],
            vec!["audit", "s3://objects/AWSLogs/", "s3://outputs/all", "--report", "json"],
        ] {
            let Output { stdout, stderr, .. } = alb_ingest(&server, &args);
            check_no_line(&format!("{args:?}"), &stdout);
            check_no_line(&format!("{args:?}"), &stderr);
            assert!(!stdout.is_empty() || !stderr.is_empty(), "{args:?}");
        }
        assert!(check_redacted(&format!("{mode:?}"), &server) > 1);
    }
}

/// Rules cover no names of objects: a marker in a key is only where an output, a plan or a message refers to the object.
#[test]
fn a_marker_in_a_key_is_only_where_the_object_is_named() {
    let server = server();
    let mut function = redacted(&server, &[("FORMAT", "json")]);
    let Outcome::Error { message, .. } = function.invoke(&payload(), LIMIT) else {
        panic!("{}", function.stdout())
    };
    Channel::Shown.check("the error", message.as_bytes());
    check_log("a redaction", &function);
    let metrics = metrics(&function).to_string();
    Channel::Nothing.check("the metrics", metrics.as_bytes());
    for (key, object) in server.objects("outputs") {
        if key.ends_with("_alb-ingest.json") {
            continue;
        }
        for mut row in crate::common::rows(&object.body) {
            row.as_object_mut().unwrap().remove("source_key").unwrap();
            Channel::Nothing.check(&key, row.to_string().as_bytes());
        }
    }
    // A rule for it is refused, with the reason.
    let refused = alb_ingest(
        &server,
        &[
            "run",
            "s3://objects/",
            "--to",
            "s3://outputs/b",
            "--redact",
            "source_key=drop",
        ],
    );
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(error.contains("AWS writes the names of log objects"), "{error}");
}
