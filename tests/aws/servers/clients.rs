//! The AWS SDK's clients, built by hand for a server on this machine: nothing is read from the environment, from files
//! or from the instance's metadata.

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// What a client does about failures. The SDK's own retries cover a request until the head of its answer.
pub(crate) struct Patience {
    /// Tries in all, 1 for none but the first.
    pub(crate) tries: u32,
    /// For one try, up to the head of the answer.
    pub(crate) read: Duration,
}

impl Patience {
    /// One try, and a read time-out that a test can wait for.
    pub(crate) const NONE: Self = Self {
        tries: 1,
        read: Duration::from_secs(2),
    };
}

/// What both clients are built from.
pub(crate) fn config(endpoint: &str, patience: &Patience) -> aws_config::SdkConfig {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let credentials = Credentials::new("AKIDTEST", "secret-of-the-tests", None, None, "tests");
    let retries = if patience.tries > 1 {
        RetryConfig::standard()
            .with_max_attempts(patience.tries)
            .with_initial_backoff(Duration::from_millis(2))
            .with_max_backoff(Duration::from_millis(20))
    } else {
        RetryConfig::disabled()
    };
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .read_timeout(patience.read)
        .build();
    aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(http)
        .retry_config(retries)
        .timeout_config(timeouts)
        .build()
}

pub(crate) fn s3(endpoint: &str, patience: &Patience) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&config(endpoint, patience)).force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

pub(crate) fn firehose(endpoint: &str, patience: &Patience) -> aws_sdk_firehose::Client {
    aws_sdk_firehose::Client::new(&config(endpoint, patience))
}
