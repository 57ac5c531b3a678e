//! Databases of addresses in S3.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::mmdb;
use crate::lambda::aws;
use crate::servers::lambda::{Function, Outcome};
use crate::servers::s3;

const LIMIT: Duration = Duration::from_mins(1);
const DATABASE: &str = "geo/all-2026-11.mmdb";
const LINE: &str = "2026-10-07T11:42:13.123456Z 192.0.2.7 54321 80 - - - \"-\" - - - TID_1\n";

fn server() -> s3::Server {
    let server = s3::Server::start();
    for bucket in ["logs", "outputs"] {
        server.bucket(bucket, s3::Options::default());
    }
    server.put(
        "logs",
        DATABASE,
        mmdb::countries(&[("0.0.0.0/1", "FR"), ("128.0.0.0/1", "DE")]),
    );
    server
}

fn key(number: usize) -> String {
    format!(
        "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/conn_log.123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_192.0.2.1_{number}.log.gz"
    )
}

fn put(server: &s3::Server, number: usize) -> Value {
    let key = key(number);
    server.put("logs", &key, crate::common::gzip(LINE.as_bytes()));
    json!({"Records": [{"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "awsRegion": "us-east-1",
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key}}}]})
}

fn function(server: &s3::Server, columns: &str, database: &str) -> Function {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bootstrap"));
    aws(&mut command, server);
    for (name, value) in [
        ("DESTINATION", "s3://outputs/all"),
        ("FORMAT", "json"),
        ("COMPRESSION", "none"),
        ("ENRICH", columns),
        ("GEO_DATABASE", database),
    ] {
        command.env(name, value);
    }
    Function::new(command, 256)
}

fn events(server: &s3::Server) -> Vec<Value> {
    let outputs = server.objects("outputs").into_iter();
    let outputs = outputs.filter(|(key, _)| key.starts_with("all/alb_connection_log/"));
    outputs
        .flat_map(|(_, object)| crate::common::rows(&object.body))
        .collect()
}

#[test]
fn the_function_reads_a_database_once_per_start() {
    let server = server();
    let mut function = function(&server, "client_country", &format!("s3://logs/{DATABASE}"));
    for number in 0..3 {
        let event = put(&server, number);
        let outcome = function.invoke(&event, LIMIT);
        assert!(matches!(outcome, Outcome::Response(_)), "{outcome:?}");
    }
    let found = events(&server);
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|event| event["client_country"] == "DE"), "{found:?}");
    let entries = server.journal().entries();
    let reads = entries.iter().filter(|entry| entry.key == DATABASE).count();
    assert_eq!(reads, 1, "{}", server.journal().text());
}

#[test]
fn the_command_line_reads_a_database_from_s3_for_local_files() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join("a.log"), LINE).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, &server);
    let run = |database: &str, command: &mut Command| {
        let command = command.arg("run").arg(folder.path().join("a.log"));
        command.args(["--to", "-", "--enrich", "client_country", "--geo-database", database]);
        command.output().unwrap()
    };
    let done = run(&format!("s3://logs/{DATABASE}"), &mut command);
    assert!(done.status.success(), "{done:?}");
    let rows = crate::common::rows(&done.stdout);
    assert_eq!(rows[0]["client_country"], "DE");
    let mut command = Command::new(env!("CARGO_BIN_EXE_alb-ingest"));
    aws(&mut command, &server);
    let failed = run("s3://logs/geo/none.mmdb", &mut command);
    let error = String::from_utf8(failed.stderr).unwrap();
    assert!(!failed.status.success() && failed.stdout.is_empty());
    assert!(
        error.contains("GEO_DATABASE") && error.contains("s3://logs/geo/none.mmdb"),
        "{error}"
    );
}

#[test]
fn a_function_without_its_database_does_not_start() {
    let server = server();
    let event = put(&server, 0);
    for (columns, database) in [
        ("client_country", "s3://logs/geo/none.mmdb".to_owned()),
        ("client_country", format!("s3://logs/{}", key(0))),
        ("client_asn", format!("s3://logs/{DATABASE}")),
    ] {
        let mut function = function(&server, columns, &database);
        let outcome = function.invoke(&event, LIMIT);
        assert!(!matches!(outcome, Outcome::Response(_)), "{outcome:?}");
        assert!(function.stdout().contains("GEO_DATABASE"), "{}", function.stdout());
    }
    assert!(events(&server).is_empty());
}
