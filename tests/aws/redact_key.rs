//! The key of the redaction: read once per start, shown nowhere, and required before anything is delivered.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::common::gzip;
use crate::lambda::aws;
use crate::servers::fault::{Fault, Op, Rule};
use crate::servers::lambda::{Function, Outcome};
use crate::servers::{s3, secrets};

const LIMIT: Duration = Duration::from_mins(1);
const NAME: &str = "alb-ingest/redact-key";
/// The key of the basic test vectors of ipcrypt-pfx, whose pseudonym of 192.0.2.1 is known.
const KEY: &str = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301";
const PSEUDONYM: &[u8] = b"100.115.72.131";
const LOG: &str = "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/10/07/123456789012_elasticloadbalancing_us-east-1_app.shop.7f3c9a1e5b2d4860_20261007T1145Z_203.0.113.10_a.log.gz";

fn logs() -> s3::Server {
    let server = s3::Server::start();
    server.bucket("objects", s3::Options::default());
    server.bucket("outputs", s3::Options::default());
    let line = "http 2026-10-07T11:42:13.123456Z app/shop/7f3c9a1e5b2d4860 192.0.2.1:54321 - -1 -1 -1 503 - 350 1024 \
                \"GET http://www.example.com:80/ HTTP/1.1\" \"curl/8\" - - - \"-\" \"-\" \"-\" 0 2026-10-07T11:42:13.074000Z \"-\" \
                \"-\" \"-\" \"-\" \"-\" \"-\" \"-\" TID_0123456789abcdef \"-\" \"-\" \"-\"\n";
    server.put("objects", LOG, gzip(line.as_bytes()));
    server
}

fn secrets() -> secrets::Server {
    let server = secrets::Server::start();
    server.put(NAME, Some(KEY));
    server
}

fn with(mut command: Command, server: &s3::Server, secrets: &secrets::Server) -> Command {
    aws(&mut command, server);
    command
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.endpoint())
        .env("AWS_ENDPOINT_URL_SSM", secrets.endpoint())
        .env("AWS_MAX_ATTEMPTS", "2")
        .env("AWS_LAMBDA_LOG_LEVEL", "TRACE")
        .env("RUST_LOG", "trace")
        .env("DESTINATION", "s3://outputs/all")
        .env("FORMAT", "json")
        .env("COMPRESSION", "none")
        .env("REDACT", "client_ip=pseudonym,user_agent=hmac");
    command
}

fn function(server: &s3::Server, secrets: &secrets::Server, place: &str) -> Function {
    let mut command = with(Command::new(env!("CARGO_BIN_EXE_bootstrap")), server, secrets);
    command.env("REDACT_KEY", place);
    Function::new(command, 256)
}

fn run(server: &s3::Server, secrets: &secrets::Server, place: &str) -> Output {
    let mut command = with(Command::new(env!("CARGO_BIN_EXE_alb-ingest")), server, secrets);
    let args = [
        "run",
        "s3://objects/AWSLogs/",
        "--to",
        "s3://outputs/all",
        "--redact-key",
        place,
    ];
    command.args(args).output().unwrap()
}

fn payload() -> Value {
    serde_json::json!({"objects": [{"bucket": "objects", "key": LOG}]})
}

/// Fails if a text has the key, or a part of it, in any form.
fn check(what: &str, text: &[u8]) {
    let bytes: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&KEY[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let base64 = STANDARD.encode(&bytes);
    let list = format!("{:?}", &bytes[..8]);
    for form in [
        &KEY.as_bytes()[..24],
        &KEY.as_bytes()[40..],
        &bytes[..12],
        &base64.as_bytes()[..20],
        &list.as_bytes()[1..22],
    ] {
        let found = memchr::memmem::find(text, form).is_some();
        assert!(!found, "{what}: {}", text.escape_ascii());
    }
}

/// Returns the events, after checking everything in the bucket of the outputs.
fn events(server: &s3::Server) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    for (key, object) in server.objects("outputs") {
        check(&key, format!("{key} {:?}", object.metadata()).as_bytes());
        check(&key, &object.body);
        if key.contains("/alb_access_log/") {
            events.push(object.body.to_vec());
        }
    }
    events
}

fn has_pseudonym(events: &[Vec<u8>]) -> bool {
    events.len() == 1 && memchr::memmem::find(&events[0], PSEUDONYM).is_some()
}

#[test]
fn the_function_reads_the_key_once_and_shows_it_nowhere() {
    for place in [
        format!("secretsmanager:{NAME}"),
        secrets::Server::arn(NAME),
        format!("ssm:/{NAME}"),
        secrets::Server::parameter_arn(NAME),
    ] {
        let (server, secrets) = (logs(), secrets());
        let mut function = function(&server, &secrets, &place);
        for _ in 0..3 {
            let outcome = function.invoke(&payload(), LIMIT);
            assert!(
                matches!(outcome, Outcome::Response(_)),
                "{outcome:?}: {}",
                function.stdout()
            );
            check("the response", format!("{outcome:?}").as_bytes());
        }
        assert_eq!((secrets.calls(), function.starts()), (1, 1));
        check("the log", function.stdout().as_bytes());
        check("stderr", function.stderr().as_bytes());
        assert!(has_pseudonym(&events(&server)));
    }
}

#[test]
fn the_command_line_reads_a_secret_a_parameter_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let file = file.to_str().unwrap();
    let mut outputs = Vec::new();
    for place in [
        format!("secretsmanager:{NAME}"),
        format!("ssm:/{NAME}"),
        file.to_owned(),
        format!("file://{file}"),
    ] {
        let (server, secrets) = (logs(), secrets());
        let done = run(&server, &secrets, &place);
        assert!(done.status.success(), "{done:?}");
        check("the report", &done.stdout);
        check("the messages", &done.stderr);
        assert_eq!(secrets.calls(), u64::from(!place.contains(file)));
        outputs.push(events(&server));
    }
    assert!(has_pseudonym(&outputs[0]));
    assert!(outputs.iter().all(|events| *events == outputs[0]));
}

/// What happens to a start without a usable key: how to break it, what the error says, and whether a later start can succeed.
type Broken = (fn(&secrets::Server), &'static str, bool);

const BROKEN: [Broken; 7] = [
    (
        |server| server.put(NAME, Some("not a key")),
        "does not contain a key: the key must be 32 bytes",
        false,
    ),
    (
        |server| server.put(NAME, Some(&"ab".repeat(32))),
        "both halves of the key are equal",
        false,
    ),
    (|server| server.put(NAME, None), "the secret has no text", false),
    (
        |server| fail(server, 400, "ResourceNotFoundException"),
        "no such secret",
        false,
    ),
    (
        |server| fail(server, 400, "AccessDeniedException"),
        "allow secretsmanager:GetSecretValue",
        false,
    ),
    (
        |server| fail(server, 400, "DecryptionFailure"),
        "the KMS key of the secret cannot be used",
        false,
    ),
    (
        |server| fail(server, 500, "InternalServiceError"),
        "Secrets Manager failed with an internal error",
        true,
    ),
];

fn fail(server: &secrets::Server, status: u16, code: &'static str) {
    server
        .faults()
        .add(Rule::new(Fault::Status(status, code)).op(Op::GetSecretValue));
}

#[test]
fn without_a_key_nothing_is_delivered() {
    let place = format!("secretsmanager:{NAME}");
    for (make, message, retryable) in BROKEN {
        let (server, secrets) = (logs(), secrets());
        make(&secrets);
        let done = run(&server, &secrets, &place);
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(
            error.contains("REDACT_KEY (--redact-key): ") && error.contains(&place),
            "{error}"
        );
        assert!(error.contains(message), "{error}");
        assert_eq!(done.status.code(), Some(if retryable { 1 } else { 2 }), "{error}");

        let mut function = function(&server, &secrets, &place);
        let outcome = function.invoke(&payload(), LIMIT);
        assert!(
            matches!(outcome, Outcome::ProcessExited { .. } | Outcome::InitError { .. }),
            "{outcome:?}"
        );
        let log = function.stdout();
        assert!(log.contains(message) && log.contains(&place), "{log}");
        assert!(log.contains(&format!("\"retryable\":{retryable}")), "{log}");
        check("the log", log.as_bytes());
        assert!(server.objects("outputs").is_empty(), "{message}");
    }
}

#[test]
fn errors_of_a_parameter_name_it_and_the_permission() {
    let place = format!("ssm:/{NAME}");
    for (code, message) in [
        ("ParameterNotFound", "no such parameter"),
        ("AccessDeniedException", "allow ssm:GetParameter"),
        ("InvalidKeyId", "the KMS key of the parameter cannot be used"),
    ] {
        let (server, secrets) = (logs(), secrets());
        fail(&secrets, 400, code);
        let done = run(&server, &secrets, &place);
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(error.contains(&place) && error.contains(message), "{error}");
        assert_eq!(done.status.code(), Some(2), "{error}");
        assert!(server.objects("outputs").is_empty());
    }
}

#[test]
fn a_key_in_place_of_its_place_is_not_repeated() {
    let (server, secrets) = (logs(), secrets());
    let base64 = "ASNFZ4mrze/+3LqYdlQyEBAyVHaYutz+782riWdFIwE=";
    for place in [KEY, base64, &KEY[..63], &format!("kms:{KEY}")] {
        let done = run(&server, &secrets, place);
        assert_eq!(done.status.code(), Some(2));
        check("the error", &done.stderr);
        let mut function = function(&server, &secrets, place);
        let outcome = function.invoke(&payload(), LIMIT);
        assert!(!matches!(outcome, Outcome::Response(_)), "{outcome:?}");
        assert!(
            function.stdout().contains("not a place of a key"),
            "{}",
            function.stdout()
        );
        check("the log", function.stdout().as_bytes());
        assert!(server.objects("outputs").is_empty());
    }
}

#[test]
fn a_key_that_no_action_needs_is_not_read() {
    let (server, secrets) = (logs(), secrets());
    let place = format!("secretsmanager:{NAME}");
    let mut command = with(Command::new(env!("CARGO_BIN_EXE_bootstrap")), &server, &secrets);
    command.env("REDACT_KEY", &place).env("REDACT", "client_ip=truncate");
    let mut function = Function::new(command, 256);
    assert!(matches!(function.invoke(&payload(), LIMIT), Outcome::Response(_)));
    assert_eq!(secrets.calls(), 0);
}
