use aws_sdk_s3::error::ErrorMetadata;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;

use super::*;

type Sdk = SdkError<ErrorMetadata, HttpResponse>;

/// An error response: `STATUS` or `STATUS CODE`, with the bucket's region after `@`.
fn response(head: &str, message: &str) -> Sdk {
    let (head, region) = head.split_once(" @").unwrap_or((head, ""));
    let (status, code) = head.split_once(' ').unwrap_or((head, ""));
    let status = StatusCode::try_from(status.parse::<u16>().unwrap()).unwrap();
    let mut response = Response::new(status, SdkBody::empty());
    if !region.is_empty() {
        let name = "x-amz-bucket-region";
        response.headers_mut().insert(name, region.to_owned());
    }
    let mut error = ErrorMetadata::builder().message(message);
    if !code.is_empty() {
        error = error.code(code);
    }
    SdkError::service_error(error.build(), response)
}

fn object(operation: Operation) -> Context<'static> {
    Context {
        operation,
        resource: Resource::Object {
            bucket: "logs",
            key: "a\nb",
            versioned: false,
            requester_pays: false,
            owner: Some("111122223333"),
        },
        region: "us-east-1",
    }
}

#[test]
fn every_response_has_a_class_and_every_class_has_advice() {
    use ErrorKind::{NotFound, Overwritten, Refused, Unavailable};
    let rows = [
        ("404 NoSuchKey", Class::NotFound, NotFound, "no such object"),
        ("404 NoSuchVersion", Class::NotFound, NotFound, "no such object"),
        ("404", Class::NotFound, NotFound, "no such object"),
        ("405 MethodNotAllowed", Class::NotFound, NotFound, "no such object"),
        ("404 NoSuchBucket", Class::NoBucket, Refused, "no bucket"),
        ("403 AccessDenied", Class::Denied, Refused, "s3:ListBucket"),
        ("403 AccessDenied", Class::Denied, Refused, "REQUESTER_PAYS true"),
        ("403", Class::Denied, Refused, "SOURCE_OWNER is 111122223333"),
        ("400 KMS.DisabledException", Class::KeyUnusable, Refused, "disabled"),
        ("400 KMS.ThrottlingException", Class::Throttled, Unavailable, "fewer"),
        ("403 InvalidObjectState", Class::Archived, Refused, "restore it"),
        (
            "301 PermanentRedirect @eu-west-1",
            Class::WrongRegion,
            Refused,
            "eu-west-1",
        ),
        ("301 PermanentRedirect", Class::WrongRegion, Refused, "another region"),
        ("301 @eu-west-1", Class::WrongRegion, Refused, "us-east-1"),
        ("400 @eu-west-1", Class::WrongRegion, Refused, "AWS_REGION"),
        (
            "400 AuthorizationHeaderMalformed @x-1",
            Class::WrongRegion,
            Refused,
            "x-1",
        ),
        ("400 ExpiredToken", Class::ExpiredCredentials, Unavailable, "expired"),
        ("403 InvalidAccessKeyId", Class::BadCredentials, Refused, "credentials"),
        (
            "403 SignatureDoesNotMatch",
            Class::BadCredentials,
            Refused,
            "credentials",
        ),
        ("403 RequestTimeTooSkewed", Class::ClockSkew, Unavailable, "clock"),
        (
            "412 PreconditionFailed",
            Class::Precondition,
            Overwritten,
            "overwritten",
        ),
        ("412", Class::Precondition, Overwritten, "overwritten"),
        (
            "409 ConditionalRequestConflict",
            Class::Conflict,
            Unavailable,
            "conflicted with every attempt",
        ),
        ("404 NoSuchUpload", Class::NoUpload, Unavailable, "gone"),
        ("503 SlowDown", Class::Throttled, Unavailable, "fewer requests"),
        ("429", Class::Throttled, Unavailable, "fewer requests"),
        ("500 InternalError", Class::ServerError, Unavailable, "S3 failed"),
        // The status is a success, but the body is an error.
        ("200 InternalError", Class::ServerError, Unavailable, "S3 failed"),
        ("502", Class::ServerError, Unavailable, "S3 failed"),
        ("400 RequestTimeout", Class::TimedOut, Unavailable, "in time"),
        ("400 BadDigest", Class::Checksum, Unavailable, "checksum"),
        ("400 InvalidArgument", Class::Other, Refused, "InvalidArgument"),
    ];
    for (head, class, kind, words) in rows {
        check(head, "", class, kind, words);
    }
    let kms = "not authorized to perform: kms:Decrypt on the resource";
    check("403 AccessDenied", kms, Class::KeyDenied, Refused, "kms:Decrypt");
    let customer = "The object was stored using a form of Server Side Encryption.";
    check("400 InvalidRequest", customer, Class::CustomerKey, Refused, "SSE-C");
}

fn check(head: &str, message: &str, class: Class, kind: ErrorKind, words: &str) {
    let failure = Failure::of(&response(head, message));
    let error = failure.to_error(&object(Operation::Read));
    assert_eq!((failure.class, error.kind), (class, kind), "{head}");
    assert_eq!(error.is_retryable(), failure.is_retryable());
    assert!(error.message.contains(words), "{head}: {}", error.message);
    let status = head.split(' ').next().unwrap();
    assert!(error.message.contains(status), "{head}: {}", error.message);
}

#[test]
fn requests_without_a_response_are_retryable_except_without_credentials() {
    let io = |kind| Sdk::dispatch_failure(ConnectorError::io(std::io::Error::from(kind).into()));
    let class = |error: &Sdk| Failure::of(error).class;
    assert_eq!(class(&io(std::io::ErrorKind::ConnectionRefused)), Class::Network);
    assert_eq!(class(&Sdk::timeout_error("slow")), Class::TimedOut);
    let timeout = Sdk::dispatch_failure(ConnectorError::timeout("slow".into()));
    assert_eq!(class(&timeout), Class::TimedOut);
    let credentials = |error: CredentialsError| Sdk::dispatch_failure(ConnectorError::other(error.into(), None));
    let none = Failure::of(&credentials(CredentialsError::not_loaded("none")));
    assert_eq!((none.class, none.is_retryable()), (Class::NoCredentials, false));
    assert!(none.message(&object(Operation::Read)).contains("AWS_PROFILE"));
    let later = Failure::of(&credentials(CredentialsError::provider_error("503")));
    assert!(later.is_retryable());
}

#[test]
fn writes_name_the_permissions_for_writes() {
    let denied = Failure::of(&response("403 AccessDenied", ""));
    let error = denied.to_error(&object(Operation::Write)).to_string();
    assert!(
        error.starts_with("cannot write s3://logs/a\\nb: access denied"),
        "{error}"
    );
    for words in [
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "DESTINATION_OWNER is 111122223333",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let inspect = denied.to_error(&object(Operation::Inspect)).to_string();
    assert!(inspect.contains("s3:GetObject below"), "{inspect}");
    let list = denied.message(&object(Operation::List));
    assert!(list.contains("s3:ListBucket"), "{list}");
    let key = Failure::of(&response("403 AccessDenied", "kms:GenerateDataKey"));
    let key = key.to_error(&object(Operation::Write)).to_string();
    assert!(key.contains("kms:GenerateDataKey and kms:Decrypt"), "{key}");
}

#[test]
fn only_names_of_a_response_are_repeated() {
    let secret = "token=s3cr3t\u{1b}[31m";
    let errors = [
        response(&format!("400 {secret}"), secret),
        response("301 @token s3cr3t", secret),
        response("403 AccessDenied", secret),
        Sdk::timeout_error(secret),
        Sdk::dispatch_failure(ConnectorError::other(secret.into(), None)),
    ];
    for error in errors {
        let failure = Failure::of(&error);
        let text = format!("{failure:?} {failure} {:?}", failure.to_error(&object(Operation::Read)));
        assert!(!text.contains("s3cr3t") && !text.contains('\u{1b}'), "{text}");
    }
}

/// The errors of a stream go through the same classification.
#[test]
fn stream_errors_are_retried_only_if_they_can_pass() {
    let context = Context {
        operation: Operation::Write,
        resource: Resource::Stream("logs"),
        region: "us-east-1",
    };
    for head in [
        "503 ServiceUnavailableException",
        "500 InternalFailure",
        "500",
        "502",
        "400 ThrottlingException",
        "400 LimitExceededException",
        "403 ExpiredTokenException",
        "429",
        "408",
    ] {
        assert!(Failure::of(&response(head, "Slow down.")).is_retryable(), "{head}");
    }
    for (head, words) in [
        ("400 ResourceNotFoundException", "create it, or correct DESTINATION"),
        ("400 InvalidKMSResourceException", "KMS key"),
        ("400 InvalidSourceException", "Direct PUT"),
        ("400 InvalidArgumentException", "check the state and settings"),
        ("400 ValidationException", "check the state and settings"),
        ("400 AccessDeniedException", "allow firehose:PutRecordBatch"),
        ("403 UnrecognizedClientException", "rejected the credentials"),
        ("500 AccessDeniedException", "allow firehose:PutRecordBatch"),
        ("400 UnknownOperationException", "the endpoint"),
        ("400 SomethingNew", "rejected the request"),
        ("404", "no such stream"),
    ] {
        let failure = Failure::of(&response(head, "secret"));
        let error = failure.to_error(&context).to_string();
        assert!(!failure.is_retryable(), "{head}");
        assert!(
            error.starts_with("cannot write firehose://logs: ") && error.contains(words),
            "{error}"
        );
        assert!(!error.contains("secret"), "{error}");
    }
}
