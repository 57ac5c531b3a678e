//! Why records were not taken, and whether to try again.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_firehose::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_firehose::operation::put_record_batch::PutRecordBatchError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Why a call was given up.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Firehose refused it, and will refuse it again.
    #[error("{reason}; {advice}")]
    Refused {
        /// What Firehose said.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The deadline came first.
    #[error(
        "no time was left after {tries} tries ({last}); events that were sent come again with the same event_id: give the function more time, or the stream a higher quota"
    )]
    NoTime {
        /// Tries without a record confirmed.
        tries: u32,
        /// What the last of them ended in.
        last: String,
    },
    /// Try after try brought nothing.
    #[error(
        "given up after {tries} tries ({last}); events that were sent come again with the same event_id: look at the stream's throttling and quota"
    )]
    GivenUp {
        /// Tries without a record confirmed.
        tries: u32,
        /// What the last of them ended in.
        last: String,
    },
    /// A line is too long for a record: a defect of this program.
    #[error("{0}")]
    TooLarge(#[from] super::pack::TooLarge),
    /// The task that sends is gone.
    #[error("sending was ended")]
    Ended,
    /// A call failed before, and said why.
    #[error("a call failed before")]
    Failed,
}

impl SendError {
    /// Whether trying the same again can help without anybody changing anything.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::NoTime { .. } | Self::GivenUp { .. } | Self::Ended | Self::Failed => true,
            Self::Refused { .. } | Self::TooLarge(_) => false,
        }
    }
}

/// What a call without an answer means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Trying again can help, at once or later. Whether the records were taken is not known.
    Again(String),
    /// It cannot.
    Never { reason: String, advice: &'static str },
}

/// Errors by AWS's names that do not pass, and what to do about them.
const PERMANENT: [(&[&str], &str); 7] = [
    (
        &["ResourceNotFoundException"],
        "create the stream, or correct DESTINATION, the region or the account",
    ),
    (
        &["InvalidKMSResourceException"],
        "mend the KMS key that encrypts the stream, or Firehose's grant on it",
    ),
    (
        &["InvalidSourceException"],
        "name a stream whose source is Direct PUT, without decompression of CloudWatch Logs",
    ),
    (
        &[
            "AccessDeniedException",
            "AccessDenied",
            "NotAuthorized",
            "UnauthorizedOperation",
        ],
        "allow firehose:PutRecordBatch on the stream",
    ),
    (
        &[
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "InvalidClientTokenId",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "OptInRequired",
        ],
        "mend the credentials, or the clock of this machine",
    ),
    (
        &["InvalidArgumentException", "ValidationException", "ValidationError"],
        "look at the stream's state and settings; please report this if they are right",
    ),
    (
        &["SerializationException", "UnknownOperationException", "InvalidAction"],
        "look whether the endpoint is Firehose; please report this if it is",
    ),
];

/// Errors with a status below 500 that pass nevertheless.
const PASSING: [&str; 8] = [
    "ServiceUnavailableException",
    "LimitExceededException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestTimeout",
    "RequestTimeoutException",
];

/// What an error of the SDK means.
pub(super) fn judge(error: &SdkError<PutRecordBatchError, HttpResponse>) -> Verdict {
    match error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            let (code, message) = (refused.err().code(), refused.err().message());
            judge_refusal(status, code.unwrap_or_default(), message.unwrap_or_default())
        }
        SdkError::ConstructionFailure(_) => Verdict::Never {
            reason: format!("the request could not be made: {}", chain(error)),
            advice: "look at the region and the endpoint; please report this if they are right",
        },
        _ if lacks_credentials(error) => Verdict::Never {
            reason: chain(error),
            advice: "give the process credentials",
        },
        _ => Verdict::Again(chain(error)),
    }
}

/// Whether there are no credentials at all, or none that can be read. That they could not be fetched passes.
fn lacks_credentials(error: &SdkError<PutRecordBatchError, HttpResponse>) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<CredentialsError>() {
            return matches!(
                error,
                CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)
            );
        }
        source = error.source();
    }
    false
}

fn judge_refusal(status: u16, code: &str, message: &str) -> Verdict {
    let reason = match (code, message) {
        ("", "") => format!("HTTP {status}"),
        ("", message) => format!("HTTP {status}: {message}"),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    };
    let known = PERMANENT.iter().find(|(codes, _)| codes.contains(&code));
    if let Some((_, advice)) = known {
        return Verdict::Never { reason, advice };
    }
    let passing = PASSING.contains(&code) || code.contains("Throttl") || matches!(status, 408 | 429);
    if (400..500).contains(&status) && !passing {
        let advice = "it is no error that passes: mend what it names";
        return Verdict::Never { reason, advice };
    }
    Verdict::Again(reason)
}

/// An error with what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        let again = |status, code| matches!(judge_refusal(status, code, "Slow down."), Verdict::Again(_));
        for (status, code) in [
            (503, "ServiceUnavailableException"),
            (500, "InternalFailure"),
            (500, ""),
            (502, ""),
            (400, "ThrottlingException"),
            (400, "LimitExceededException"),
            (403, "ExpiredTokenException"),
            (429, ""),
            (408, ""),
        ] {
            assert!(again(status, code), "{status} {code}");
        }
        for (status, code) in [
            (400, "ResourceNotFoundException"),
            (400, "InvalidKMSResourceException"),
            (400, "InvalidSourceException"),
            (400, "InvalidArgumentException"),
            (400, "ValidationException"),
            (400, "AccessDeniedException"),
            (403, "UnrecognizedClientException"),
            (500, "AccessDeniedException"),
            (400, "SomethingNew"),
            (404, ""),
        ] {
            assert!(!again(status, code), "{status} {code}");
        }
        let verdict = judge_refusal(400, "ResourceNotFoundException", "Firehose logs not found.");
        let Verdict::Never { reason, advice } = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(reason, "ResourceNotFoundException: Firehose logs not found.");
        assert!(advice.contains("DESTINATION"));
    }
}
