//! The classification of AWS errors, and the advice for an operator.
//!
//! One policy for every service: the message of a response is never repeated. Only the error code, the status and the
//! request id are, and only if they are plain names.

mod advice;

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;

use crate::escape::{escaped, is_name};
use crate::storage::{ErrorKind, Operation, SecretLocation, StorageError};

/// The classes of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// The object, version or stream does not exist, or the object has only a delete marker.
    NotFound,
    NoBucket,
    Denied,
    /// The KMS key must not be used.
    KeyDenied,
    /// The KMS key cannot be used by anyone: disabled, deleted.
    KeyUnusable,
    /// Encrypted with a key that only the writer has.
    CustomerKey,
    Archived,
    WrongRegion,
    ExpiredCredentials,
    NoCredentials,
    /// AWS rejects the credentials.
    BadCredentials,
    ClockSkew,
    /// 412: a condition of the request is not met.
    Precondition,
    /// 409: another request about the same key is in progress.
    Conflict,
    /// The multipart upload is completed, aborted, or never existed.
    NoUpload,
    Throttled,
    ServerError,
    /// No response: the connection failed or was reset.
    Network,
    TimedOut,
    /// The deadline of the work has passed.
    Deadline,
    /// The bytes stopped before their end.
    BrokenBody,
    /// No bytes came for too long.
    Stalled,
    /// The bytes are not those of the object.
    Checksum,
    /// The response contradicts the request or itself.
    InvalidResponse,
    /// The object changed while it was read.
    Overwritten,
    /// The object changes faster than it can be read.
    ConcurrentlyModified,
    /// The directory for temporary files.
    TemporaryFile,
    /// The stream does not take records from clients.
    InvalidSource,
    /// The service rejects the request's arguments.
    InvalidRequest,
    /// The endpoint does not know the operation.
    WrongEndpoint,
    /// The secret is not a text.
    NoText,
    /// The request could not be built.
    NotBuilt,
    /// Any other rejection.
    Other,
}

/// A failed request, reduced to what may be repeated in messages and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    status: Option<u16>,
    code: Option<String>,
    request: Option<String>,
    /// The bucket's region, if the response names it.
    region: Option<String>,
}

/// The context of a failure: what was done, with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) operation: Operation,
    pub(crate) resource: Resource<'a>,
    /// The region of the request.
    pub(crate) region: &'a str,
}

/// What a request was about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    /// An S3 object or prefix.
    Object {
        bucket: &'a str,
        key: &'a str,
        /// Whether a version was requested.
        versioned: bool,
        requester_pays: bool,
        /// The account that must own the bucket.
        owner: Option<&'a str>,
    },
    /// A Firehose stream.
    Stream(&'a str),
    /// The URL of an SQS queue.
    Queue(&'a str),
    /// The name or ARN of a secret of Secrets Manager.
    Secret(&'a str),
    /// The name or ARN of a parameter of Systems Manager.
    Parameter(&'a str),
}

impl Failure {
    /// Classifies an error of the SDK.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let service_error = error.as_service_error();
        let code = service_error.and_then(ProvideErrorMetadata::code).unwrap_or_default();
        let message = service_error
            .and_then(ProvideErrorMetadata::message)
            .unwrap_or_default();
        let header = |name| response.and_then(|response| response.headers().get(name));
        let region = header("x-amz-bucket-region").filter(|region| is_name(region));
        let class = match error {
            SdkError::TimeoutError(_) => Class::TimedOut,
            _ if let Some(credentials) = credentials_error(error) => class_of_credentials(credentials),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Class::TimedOut,
            SdkError::DispatchFailure(_) => Class::Network,
            SdkError::ConstructionFailure(_) => Class::NotBuilt,
            // An error in a response with status 200 has a code, too.
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

    /// Creates a failure that the client detected itself, without an error response.
    pub(crate) const fn client_side(class: Class) -> Self {
        Self {
            class,
            status: None,
            code: None,
            request: None,
            region: None,
        }
    }

    pub(crate) const fn deadline() -> Self {
        Self::client_side(Class::Deadline)
    }

    /// Returns whether repeating the request can succeed without anyone changing anything.
    pub(crate) const fn is_retryable(&self) -> bool {
        self.class.kind().is_retryable()
    }

    /// Returns whether the request may have been carried out in spite of the failure.
    pub(crate) const fn is_ambiguous(&self) -> bool {
        matches!(self.class, Class::Network | Class::TimedOut | Class::ServerError)
    }

    /// Returns whether a range was requested of an object without bytes there.
    pub(crate) const fn is_empty_range(&self) -> bool {
        matches!(self.status, Some(416))
    }

    /// Returns the error of an operation that failed this way.
    pub(crate) fn to_error(&self, context: &Context<'_>) -> StorageError {
        let message = self.message(context);
        StorageError::new(
            context.operation,
            context.resource.to_string(),
            self.class.kind(),
            message,
        )
        .caused_by(self.clone())
    }
}

impl Class {
    pub(crate) const fn kind(self) -> ErrorKind {
        match self {
            Self::NotFound => ErrorKind::NotFound,
            Self::Precondition | Self::Overwritten => ErrorKind::Overwritten,
            Self::ExpiredCredentials
            | Self::ClockSkew
            | Self::Conflict
            | Self::NoUpload
            | Self::Throttled
            | Self::ServerError
            | Self::Network
            | Self::TimedOut
            | Self::Deadline
            | Self::BrokenBody
            | Self::Stalled
            | Self::Checksum
            | Self::InvalidResponse
            | Self::ConcurrentlyModified
            | Self::TemporaryFile => ErrorKind::Unavailable,
            Self::NoBucket
            | Self::Denied
            | Self::KeyDenied
            | Self::KeyUnusable
            | Self::CustomerKey
            | Self::Archived
            | Self::WrongRegion
            | Self::NoCredentials
            | Self::BadCredentials
            | Self::InvalidSource
            | Self::InvalidRequest
            | Self::WrongEndpoint
            | Self::NoText
            | Self::NotBuilt
            | Self::Other => ErrorKind::Refused,
        }
    }
}

impl Error for Failure {}

/// The class and the facts of the response, for logs.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}{}", self.class, self.facts())
    }
}

impl fmt::Display for Resource<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { bucket, key, .. } => write!(out, "s3://{}/{}", escaped(bucket), escaped(key)),
            Self::Stream(name) => write!(out, "firehose://{}", escaped(name)),
            Self::Queue(url) => escaped(url).fmt(out),
            Self::Secret(name) => SecretLocation::Secret((*name).to_owned()).fmt(out),
            Self::Parameter(name) => SecretLocation::Parameter((*name).to_owned()).fmt(out),
        }
    }
}

/// Classifies an error response. The response to a HEAD request has no code, only a status.
fn class_of(status: u16, code: &str, message: &str, has_region: bool) -> Class {
    match code {
        "NoSuchKey"
        | "NoSuchVersion"
        | "MethodNotAllowed"
        | "ResourceNotFoundException"
        | "ParameterNotFound"
        | "ParameterVersionNotFound"
        | "QueueDoesNotExist"
        | "AWS.SimpleQueueService.NonExistentQueue" => Class::NotFound,
        "NoSuchBucket" => Class::NoBucket,
        "NoSuchUpload" => Class::NoUpload,
        "InvalidObjectState" => Class::Archived,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
            if has_region || code == "PermanentRedirect" =>
        {
            Class::WrongRegion
        }
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            Class::ExpiredCredentials
        }
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "InvalidSecurity"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "InvalidClientTokenId"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "OptInRequired" => Class::BadCredentials,
        "RequestTimeTooSkewed" => Class::ClockSkew,
        "PreconditionFailed" => Class::Precondition,
        "ConditionalRequestConflict" | "OperationAborted" => Class::Conflict,
        "SlowDown"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "OverLimit"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "ServiceUnavailableException"
        | "BandwidthLimitExceeded" => Class::Throttled,
        _ if code.contains("Throttl") => Class::Throttled,
        "InternalError" | "ServiceUnavailable" | "InternalFailure" | "InternalServiceError" | "InternalServerError" => {
            Class::ServerError
        }
        "RequestTimeout" | "RequestTimeoutException" => Class::TimedOut,
        "BadDigest" | "XAmzContentSHA256Mismatch" | "IncompleteBody" => Class::Checksum,
        "InvalidRequest" if message.contains("Server Side Encryption") => Class::CustomerKey,
        "InvalidKMSResourceException" | "KmsDisabled" | "KmsInvalidState" | "KmsNotFound"
        // The last two are of secrets and parameters.
        | "DecryptionFailure" | "InvalidKeyId" => Class::KeyUnusable,
        "KmsAccessDenied" => Class::KeyDenied,
        _ if code.starts_with("KMS.") => Class::KeyUnusable,
        "AccessDenied" | "AccessDeniedException" if message.contains("kms:") || message.contains("Access to KMS") => {
            Class::KeyDenied
        }
        "AccessDenied"
        | "AccessDeniedException"
        | "NotAuthorized"
        | "UnauthorizedOperation"
        | "AllAccessDisabled"
        | "AccountProblem" => Class::Denied,
        "InvalidSourceException" => Class::InvalidSource,
        "InvalidArgumentException" | "ValidationException" | "ValidationError" => Class::InvalidRequest,
        "SerializationException" | "UnknownOperationException" | "InvalidAction" => Class::WrongEndpoint,
        _ => class_of_status(status, has_region),
    }
}

const fn class_of_status(status: u16, has_region: bool) -> Class {
    match status {
        301 | 307 => Class::WrongRegion,
        400 if has_region => Class::WrongRegion,
        403 => Class::Denied,
        404 | 405 => Class::NotFound,
        408 => Class::TimedOut,
        409 => Class::Conflict,
        412 => Class::Precondition,
        429 | 503 => Class::Throttled,
        500..=599 => Class::ServerError,
        // A success that cannot be parsed was damaged on its way.
        200..=299 => Class::InvalidResponse,
        _ => Class::Other,
    }
}

fn class_of_credentials(error: &CredentialsError) -> Class {
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => Class::NoCredentials,
        // A service that issues credentials did not respond, or not properly.
        _ => Class::Network,
    }
}

/// Returns the credentials error among an error's causes.
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
