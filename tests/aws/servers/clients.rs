//! Clients of the AWS SDK for a server on this machine, built without the environment, configuration files or instance
//! metadata.

use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// The retries and timeouts of a client. The SDK's own retries cover a request up to the head of its response.
pub(crate) struct Patience {
    /// The total number of attempts.
    pub(crate) tries: u32,
    /// The timeout of one attempt, up to the head of the response.
    pub(crate) read: Duration,
}

impl Patience {
    /// One attempt, and a timeout that a test can wait for.
    pub(crate) const NONE: Self = Self {
        tries: 1,
        read: Duration::from_secs(2),
    };
}

/// Returns the configuration of both clients.
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
