use aws_sdk_s3::error::ErrorMetadata;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;

use super::*;

type Sdk = SdkError<ErrorMetadata, HttpResponse>;

/// An answer: `STATUS`, or `STATUS CODE`; behind `@` stands the bucket's region.
fn answer(head: &str, message: &str) -> Sdk {
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

fn place(action: Action) -> Place<'static> {
    Place {
        action,
        bucket: "logs",
        key: "a\nb",
        versioned: false,
        requester_pays: false,
        owner: Some("111122223333"),
        region: "us-east-1",
    }
}

#[test]
fn every_answer_has_a_class_and_every_class_says_what_to_do() {
    use Cause::{Missing, Overwritten, Refused, Unreachable};
    let rows = [
        ("404 NoSuchKey", Class::Missing, Missing, "no such object"),
        ("404 NoSuchVersion", Class::Missing, Missing, "no such object"),
        ("404", Class::Missing, Missing, "no such object"),
        ("405 MethodNotAllowed", Class::Missing, Missing, "no such object"),
        ("404 NoSuchBucket", Class::NoBucket, Refused, "no bucket"),
        ("403 AccessDenied", Class::Denied, Refused, "s3:ListBucket"),
        ("403 AccessDenied", Class::Denied, Refused, "REQUESTER_PAYS true"),
        ("403", Class::Denied, Refused, "SOURCE_OWNER is 111122223333"),
        ("400 KMS.DisabledException", Class::KeyUnusable, Refused, "disabled"),
        ("400 KMS.ThrottlingException", Class::Throttled, Unreachable, "fewer"),
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
        ("400 ExpiredToken", Class::ExpiredCredentials, Unreachable, "expired"),
        ("403 InvalidAccessKeyId", Class::BadCredentials, Refused, "credentials"),
        (
            "403 SignatureDoesNotMatch",
            Class::BadCredentials,
            Refused,
            "credentials",
        ),
        ("403 RequestTimeTooSkewed", Class::ClockSkew, Unreachable, "clock"),
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
            Unreachable,
            "in the way",
        ),
        ("404 NoSuchUpload", Class::NoUpload, Unreachable, "gone"),
        ("503 SlowDown", Class::Throttled, Unreachable, "fewer requests"),
        ("429", Class::Throttled, Unreachable, "fewer requests"),
        ("500 InternalError", Class::ServerError, Unreachable, "S3 failed"),
        // The status says that all is well, the body says otherwise.
        ("200 InternalError", Class::ServerError, Unreachable, "S3 failed"),
        ("502", Class::ServerError, Unreachable, "S3 failed"),
        ("400 RequestTimeout", Class::TimedOut, Unreachable, "in time"),
        ("400 BadDigest", Class::Checksum, Unreachable, "checksum"),
        ("400 InvalidArgument", Class::Other, Refused, "InvalidArgument"),
    ];
    for (head, class, cause, words) in rows {
        check(head, "", class, cause, words);
    }
    let kms = "not authorized to perform: kms:Decrypt on the resource";
    check("403 AccessDenied", kms, Class::KeyDenied, Refused, "kms:Decrypt");
    let customer = "The object was stored using a form of Server Side Encryption.";
    check("400 InvalidRequest", customer, Class::CustomerKey, Refused, "SSE-C");
}

fn check(head: &str, message: &str, class: Class, cause: Cause, words: &str) {
    let failure = Failure::of(&answer(head, message));
    let error = failure.of_source(place(Action::Read));
    assert_eq!((failure.class, error.cause), (class, cause), "{head}");
    assert_eq!(error.is_retryable(), failure.is_retryable());
    assert!(error.text.contains(words), "{head}: {}", error.text);
    let status = head.split(' ').next().unwrap();
    assert!(error.text.contains(status), "{head}: {}", error.text);
}

#[test]
fn what_never_got_an_answer_may_be_tried_again_but_for_credentials() {
    let io = |kind| Sdk::dispatch_failure(ConnectorError::io(std::io::Error::from(kind).into()));
    let class = |error: &Sdk| Failure::of(error).class;
    assert_eq!(class(&io(std::io::ErrorKind::ConnectionRefused)), Class::Network);
    assert_eq!(class(&Sdk::timeout_error("slow")), Class::TimedOut);
    let timeout = Sdk::dispatch_failure(ConnectorError::timeout("slow".into()));
    assert_eq!(class(&timeout), Class::TimedOut);
    let credentials = |error: CredentialsError| Sdk::dispatch_failure(ConnectorError::other(error.into(), None));
    let none = Failure::of(&credentials(CredentialsError::not_loaded("none")));
    assert_eq!((none.class, none.is_retryable()), (Class::NoCredentials, false));
    assert!(none.of_source(place(Action::Read)).text.contains("AWS_PROFILE"));
    let later = Failure::of(&credentials(CredentialsError::provider_error("503")));
    assert!(later.is_retryable());
}

#[test]
fn writes_name_the_permissions_of_writes() {
    let denied = Failure::of(&answer("403 AccessDenied", ""));
    let error = denied.of_destination(place(Action::Write)).to_string();
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
    let look = denied.of_destination(place(Action::Look)).to_string();
    assert!(look.contains("s3:GetObject below"), "{look}");
    let list = denied.of_source(place(Action::List)).text;
    assert!(list.contains("s3:ListBucket"), "{list}");
    let key = Failure::of(&answer("403 AccessDenied", "kms:GenerateDataKey"));
    let key = key.of_destination(place(Action::Write)).to_string();
    assert!(key.contains("kms:GenerateDataKey and kms:Decrypt"), "{key}");
}

#[test]
fn nothing_of_an_answer_is_repeated_but_names() {
    let secret = "token=s3cr3t\u{1b}[31m";
    let errors = [
        answer(&format!("400 {secret}"), secret),
        answer("301 @token s3cr3t", secret),
        answer("403 AccessDenied", secret),
        Sdk::timeout_error(secret),
        Sdk::dispatch_failure(ConnectorError::other(secret.into(), None)),
    ];
    for error in errors {
        let failure = Failure::of(&error);
        let text = format!("{:?} {}", failure, failure.of_source(place(Action::Read)));
        assert!(!text.contains("s3cr3t") && !text.contains('\u{1b}'), "{text}");
    }
}
