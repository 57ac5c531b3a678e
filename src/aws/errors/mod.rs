//! What a failure of AWS means: one classification, and the words for an operator.
//!
//! Nothing that S3 sends in a message is repeated: only its name of the error, the status and the request's id.

mod words;

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;

use crate::ingest::DestinationError;
use crate::source::{Cause, SourceError};

/// The kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// No such object, version, or only a delete marker.
    Missing,
    NoBucket,
    Denied,
    /// The key of KMS may not be used.
    KeyDenied,
    /// The key of KMS cannot be used by anybody: disabled, deleted.
    KeyUnusable,
    /// Encrypted with a key that only the writer has.
    CustomerKey,
    Archived,
    WrongRegion,
    ExpiredCredentials,
    NoCredentials,
    /// Credentials that AWS does not accept.
    BadCredentials,
    ClockSkew,
    /// 412: a condition of the request did not hold.
    Precondition,
    /// 409: another request about the same key is under way.
    Conflict,
    /// The multipart upload is completed, aborted, or was never there.
    NoUpload,
    Throttled,
    ServerError,
    /// No answer: the connection broke, or never stood.
    Network,
    TimedOut,
    /// The time that this work may take is over.
    Deadline,
    /// The bytes stopped before their end.
    BrokenBody,
    /// No bytes came for too long.
    Stalled,
    /// The bytes are not those of the object.
    Checksum,
    /// An answer that contradicts the request, or itself.
    Nonsense,
    /// The object changed while it was read.
    Overwritten,
    /// It changes faster than it can be read.
    Restless,
    /// The machine's own file system.
    Local,
    /// Anything else that S3 refuses.
    Other,
}

/// A failure, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: Class,
    status: Option<u16>,
    code: Option<String>,
    request: Option<String>,
    /// The bucket's region, where S3 says so.
    region: Option<String>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// A log object was read.
    Read,
    /// A bucket was listed.
    List,
    /// An output was written.
    Write,
    /// An output that is there was looked at.
    Look,
}

/// What was done, with what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) action: Action,
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    pub(super) versioned: bool,
    pub(super) requester_pays: bool,
    /// The account that has to own the bucket.
    pub(super) owner: Option<&'a str>,
    /// The region that was asked in.
    pub(super) region: &'a str,
}

impl Failure {
    /// What an error of the SDK means.
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let answer = error.raw_response();
        let status = answer.map(|answer| answer.status().as_u16());
        let told = error.as_service_error();
        let code = told.and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let message = told.and_then(ProvideErrorMetadata::message).unwrap_or_default();
        let header = |name| answer.and_then(|answer| answer.headers().get(name));
        let region = header("x-amz-bucket-region").filter(|region| is_name(region));
        let class = match error {
            SdkError::TimeoutError(_) => Class::TimedOut,
            _ if let Some(credentials) = credentials_error(error) => of_credentials(credentials),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Class::TimedOut,
            SdkError::DispatchFailure(_) => Class::Network,
            SdkError::ConstructionFailure(_) => Class::Other,
            // An error behind a 200 has a code, and says by it what it is.
            _ => class_of(status.unwrap_or_default(), code, message, region.is_some()),
        };
        Self {
            class,
            status,
            code: Some(code).filter(|code| is_name(code)).map(str::to_owned),
            request: error.request_id().filter(|id| is_name(id)).map(str::to_owned),
            region: region.map(str::to_owned),
        }
    }

    /// A failure that no answer of S3 tells.
    pub(super) const fn own(class: Class) -> Self {
        Self {
            class,
            status: None,
            code: None,
            request: None,
            region: None,
        }
    }

    pub(super) const fn deadline() -> Self {
        Self::own(Class::Deadline)
    }

    /// Whether trying the same again can help without anybody changing anything.
    pub(super) const fn is_retryable(&self) -> bool {
        matches!(self.cause(), Cause::Unreachable)
    }

    /// Whether the request may have been carried out all the same.
    pub(super) const fn is_ambiguous(&self) -> bool {
        matches!(self.class, Class::Network | Class::TimedOut | Class::ServerError)
    }

    const fn cause(&self) -> Cause {
        match self.class {
            Class::Missing => Cause::Missing,
            Class::Precondition | Class::Overwritten => Cause::Overwritten,
            Class::ExpiredCredentials
            | Class::ClockSkew
            | Class::Conflict
            | Class::NoUpload
            | Class::Throttled
            | Class::ServerError
            | Class::Network
            | Class::TimedOut
            | Class::Deadline
            | Class::BrokenBody
            | Class::Stalled
            | Class::Checksum
            | Class::Nonsense
            | Class::Restless
            | Class::Local => Cause::Unreachable,
            Class::NoBucket
            | Class::Denied
            | Class::KeyDenied
            | Class::KeyUnusable
            | Class::CustomerKey
            | Class::Archived
            | Class::WrongRegion
            | Class::NoCredentials
            | Class::BadCredentials
            | Class::Other => Cause::Refused,
        }
    }

    /// The error of an object that could not be read.
    pub(super) fn of_source(&self, place: Place<'_>) -> SourceError {
        SourceError {
            bucket: place.bucket.to_owned(),
            key: place.key.to_owned(),
            cause: self.cause(),
            text: self.text(place),
        }
    }

    /// The error of an output that could not be written.
    pub(super) fn of_destination(&self, place: Place<'_>) -> DestinationError {
        DestinationError {
            what: format!("cannot write s3://{}/{}", place.bucket, place.key.escape_debug()),
            source: self.text(place).into(),
            retryable: self.is_retryable(),
        }
    }
}

/// Whether a text is a name that may be repeated: nothing that S3 or somebody between could smuggle into a log.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'+' | b'=');
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// The class of an answer. A HEAD has no code, only a status.
fn class_of(status: u16, code: &str, message: &str, tells_region: bool) -> Class {
    match code {
        "NoSuchKey" | "NoSuchVersion" | "MethodNotAllowed" => Class::Missing,
        "NoSuchBucket" => Class::NoBucket,
        "NoSuchUpload" => Class::NoUpload,
        "InvalidObjectState" => Class::Archived,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
            if tells_region || code == "PermanentRedirect" =>
        {
            Class::WrongRegion
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            Class::ExpiredCredentials
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "InvalidSecurity" => Class::BadCredentials,
        "RequestTimeTooSkewed" => Class::ClockSkew,
        "PreconditionFailed" => Class::Precondition,
        "ConditionalRequestConflict" | "OperationAborted" => Class::Conflict,
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequests"
        | "KMS.ThrottlingException"
        | "BandwidthLimitExceeded" => Class::Throttled,
        "InternalError" | "ServiceUnavailable" | "InternalFailure" => Class::ServerError,
        "RequestTimeout" => Class::TimedOut,
        "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => Class::Checksum,
        "InvalidRequest" if message.contains("Server Side Encryption") => Class::CustomerKey,
        _ if code.starts_with("KMS.") => Class::KeyUnusable,
        "AccessDenied" if message.contains("kms:") => Class::KeyDenied,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Class::Denied,
        _ => match status {
            301 | 307 => Class::WrongRegion,
            400 if tells_region => Class::WrongRegion,
            403 => Class::Denied,
            404 | 405 => Class::Missing,
            408 => Class::TimedOut,
            409 => Class::Conflict,
            412 => Class::Precondition,
            429 | 503 => Class::Throttled,
            500..=599 => Class::ServerError,
            // What says that all is well and cannot be read came broken.
            200..=299 => Class::Nonsense,
            _ => Class::Other,
        },
    }
}

fn of_credentials(error: &CredentialsError) -> Class {
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => Class::NoCredentials,
        // A service that gives credentials did not answer, or not well.
        _ => Class::Network,
    }
}

/// The error of credentials that an error stands for, if it does.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
