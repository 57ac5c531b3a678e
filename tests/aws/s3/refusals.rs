//! Requests that S3 refuses, and what the operator is told.

use alb_ingest::storage::ErrorKind;

use super::rig::{LOGS, Rig, put, tuning};
use crate::servers::fault::{Fault, Op};
use crate::servers::s3::Options;

#[test]
fn each_refusal_has_its_own_error() {
    let own = Options::default;
    let other_owner = Options {
        owner: "999988887777".to_owned(),
        ..own()
    };
    let rows: Vec<(Options, &str, ErrorKind, &str)> = vec![
        (own(), "missing", ErrorKind::NotFound, "no such object"),
        (
            Options {
                missing_is_403: true,
                ..own()
            },
            "missing",
            ErrorKind::Refused,
            "without s3:ListBucket",
        ),
        (
            Options {
                archived: vec!["key".to_owned()],
                ..own()
            },
            "key",
            ErrorKind::Refused,
            "restore it",
        ),
        (
            Options {
                kms_denied: true,
                ..own()
            },
            "key",
            ErrorKind::Refused,
            "kms:Decrypt",
        ),
        (
            Options {
                region: "eu-west-1".to_owned(),
                ..own()
            },
            "key",
            ErrorKind::Refused,
            "in eu-west-1, but was requested in us-east-1",
        ),
        (
            Options {
                requester_pays: true,
                ..own()
            },
            "key",
            ErrorKind::Refused,
            "REQUESTER_PAYS",
        ),
        (other_owner, "key", ErrorKind::Refused, "SOURCE_OWNER is 111122223333"),
    ];
    let mut rig = Rig::new();
    rig.config.storage.s3_read.owner = Some("111122223333".to_owned());
    let asked = put(&rig, "key", b"content");
    for (options, key, cause, words) in rows {
        rig.server.bucket(LOGS, options);
        let mut asked = asked.clone();
        key.clone_into(&mut asked.key);
        let error = rig.read(&asked).unwrap_err();
        assert_eq!(error.kind, cause, "{words}: {error}");
        assert!(error.message.contains(words), "{error}");
        assert!(error.message.contains("request TESTREQUEST"), "{error}");
    }
    let mut elsewhere = asked.clone();
    elsewhere.bucket = "nowhere".to_owned();
    let error = rig.read(&elsewhere).unwrap_err();
    assert_eq!(
        (error.kind, error.place.as_str()),
        (ErrorKind::Refused, "s3://nowhere/key")
    );
    assert!(error.message.contains("no bucket"), "{error}");

    // With the correct payer and owner the read succeeds.
    rig.server.bucket(
        LOGS,
        Options {
            requester_pays: true,
            ..own()
        },
    );
    rig.config.storage.s3_read.requester_pays = true;
    assert_eq!(rig.read(&asked).unwrap().1, b"content");
}

#[test]
fn transient_errors_are_retried_and_others_are_reported() {
    for (fault, words) in [
        (Fault::Status(503, "SlowDown"), "fewer requests"),
        (Fault::Status(500, "InternalError"), "S3 failed"),
        (Fault::Status(429, "TooManyRequests"), "fewer requests"),
        (Fault::Refuse, "could not reach S3"),
    ] {
        let rig = Rig::new();
        let asked = put(&rig, "key", b"content");
        rig.fault(Op::GetObject, 1, fault.clone());
        rig.fault(Op::GetObject, 2, fault.clone());
        assert_eq!(rig.read(&asked).unwrap().1, b"content", "{fault:?}");
        rig.all_happened();
        rig.always(Op::GetObject, fault);
        let error = rig.read(&asked).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
    // These errors are permanent, and the object is requested once.
    for (fault, cause, words) in [
        (Fault::Status(403, "AccessDenied"), ErrorKind::Refused, "s3:GetObject"),
        (
            Fault::Status(403, "InvalidAccessKeyId"),
            ErrorKind::Refused,
            "credentials",
        ),
        (
            Fault::Status(400, "KMS.DisabledException"),
            ErrorKind::Refused,
            "disabled",
        ),
        (Fault::Status(400, "ExpiredToken"), ErrorKind::Unavailable, "expired"),
    ] {
        let rig = Rig::new();
        let asked = put(&rig, "key", b"content");
        rig.always(Op::GetObject, fault);
        let error = rig.read(&asked).unwrap_err();
        assert_eq!(error.kind, cause, "{error}");
        assert!(error.message.contains(words), "{error}");
        assert_eq!(rig.server.journal().count(Op::GetObject), 1);
    }
}

#[test]
fn an_unreachable_server_is_reported() {
    let rig = Rig::new();
    let asked = put(&rig, "key", b"content");
    let Rig {
        server,
        clients,
        config,
        ..
    } = rig;
    drop(server);
    let failed = super::rig::ingest(&clients, &config, alb_ingest::deadline::Deadline::NONE, &asked).unwrap_err();
    assert!(
        failed.retryable && failed.text.contains("could not reach S3"),
        "{failed:?}"
    );
    // A name that does not resolve: its first label is longer than DNS allows, so no name server is asked.
    let rig = Rig::new();
    let asked = put(&rig, "key", b"content");
    let clients = rig.clients_at(&format!("http://{}.example.com", "x".repeat(64)), tuning());
    let failed = super::rig::ingest(&clients, &rig.config, alb_ingest::deadline::Deadline::NONE, &asked).unwrap_err();
    assert!(
        failed.retryable && failed.text.contains("could not reach S3"),
        "{failed:?}"
    );
}
