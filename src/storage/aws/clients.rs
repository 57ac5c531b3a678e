//! The AWS clients, built once from the standard AWS environment.

use std::sync::Arc;
use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::{AppName, BehaviorVersion, SdkConfig};
use aws_sdk_s3::config::StalledStreamProtectionConfig;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction, RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::request_id::RequestId;
use aws_types::service_config::ServiceConfigKey;
use tokio::runtime::Handle;

use crate::deadline::Deadline;

use crate::storage::retry::{Backoff, RetryPolicy};

use super::error::Failure;

/// Timeouts, retries and sizes. The defaults suit AWS.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// The timeout for establishing a connection.
    pub connect: Duration,
    /// The timeout for one attempt of a request with a small body, up to the head of its response.
    pub read: Duration,
    /// The timeout for one attempt of a request with a large body, which is sent within it.
    pub write: Duration,
    /// The timeout between two chunks of an object.
    pub idle: Duration,
    /// The time after which a body slower than one byte per second is abandoned.
    pub stall: Duration,
    /// How the SDK retries requests; `None` is what `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` say, by default three
    /// attempts.
    pub sdk_retries: Option<RetryConfig>,
    /// How an object whose bytes stopped is resumed, and how a write that conflicted with another is repeated.
    pub retry: RetryPolicy,
    /// The size of a part of a multipart upload, and the size above which an output is one. At least 5 MiB.
    pub part: usize,
    /// The memory for all staged outputs together; the rest goes to temporary files.
    pub memory: usize,
}

/// The clients of the AWS services, and the runtime that they work in.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    /// The S3 client for requests with small bodies.
    reads: aws_sdk_s3::Client,
    /// The S3 client for requests with large bodies.
    writes: aws_sdk_s3::Client,
    runtime: Handle,
    tuning: Tuning,
    backoff: Arc<Backoff>,
}

/// Why the clients cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No region is configured.
    #[error("no AWS region is configured; set AWS_REGION, or region in the profile that AWS_PROFILE names")]
    NoRegion,
    /// The code that builds the clients runs outside of a runtime.
    #[error("AWS clients were built outside of a runtime; please report this")]
    NoRuntime,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(15),
            write: Duration::from_mins(2),
            idle: Duration::from_secs(15),
            stall: Duration::from_secs(5),
            sdk_retries: None,
            retry: RetryPolicy {
                max_attempts: 6,
                base_delay: Duration::from_millis(200),
                max_delay: Duration::from_secs(5),
                seed: None,
            },
            part: 8 * 1024 * 1024,
            memory: 64 * 1024 * 1024,
        }
    }
}

impl Clients {
    /// Builds clients from the AWS environment variables and files: region, credentials, profile, endpoints. Uses
    /// neither the network nor credentials before the first request.
    ///
    /// # Errors
    /// No region is configured.
    pub async fn load(tuning: Tuning) -> Result<Self, ConfigError> {
        // The SDK's own chain ends with the EC2 metadata service, which is slow to fail outside of EC2.
        let environment = aws_config::environment::region::EnvironmentVariableRegionProvider::new();
        let profile = aws_config::profile::region::ProfileFileRegionProvider::new();
        let region = RegionProviderChain::first_try(environment).or_else(profile);
        let region = region.region().await.ok_or(ConfigError::NoRegion)?;
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(region)
            .http_client(
                Builder::new()
                    .tls_provider(Provider::Rustls(CryptoMode::Ring))
                    .build_https(),
            )
            .timeout_config(timeouts(tuning.connect, tuning.write));
        if let Ok(name) = AppName::new(concat!("alb-ingest-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        Self::with_config(loader.load().await, tuning)
    }

    /// Builds clients from an existing configuration.
    ///
    /// # Errors
    /// It has no region, or this is called outside of a runtime.
    pub fn with_config(config: SdkConfig, tuning: Tuning) -> Result<Self, ConfigError> {
        if config.region().is_none() {
            return Err(ConfigError::NoRegion);
        }
        let runtime = Handle::try_current().map_err(|_| ConfigError::NoRuntime)?;
        let endpoint = endpoint(&config, "S3");
        let mut s3 = aws_sdk_s3::config::Builder::from(&config)
            // Servers other than AWS's do not resolve a host name per bucket.
            .force_path_style(endpoint.is_some())
            .retry_classifier(TooManyRequests)
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .grace_period(tuning.stall)
                    .build(),
            );
        s3.set_endpoint_url(endpoint);
        if let Some(retries) = &tuning.sdk_retries {
            // An explicit number of attempts is not limited by the token bucket that clients share.
            let partition = RetryPartition::custom("alb-ingest").token_bucket(TokenBucket::unlimited());
            s3 = s3.retry_config(retries.clone()).retry_partition(partition.build());
        }
        let client = |timeouts| aws_sdk_s3::Client::from_conf(s3.clone().timeout_config(timeouts).build());
        Ok(Self {
            reads: client(timeouts(tuning.connect, tuning.read)),
            writes: client(timeouts(tuning.connect, tuning.write)),
            backoff: Arc::new(Backoff::new(tuning.retry)),
            config,
            runtime,
            tuning,
        })
    }

    /// Returns a Firehose client.
    pub fn firehose(&self) -> aws_sdk_firehose::Client {
        let mut config = aws_sdk_firehose::config::Builder::from(&self.config);
        config.set_endpoint_url(endpoint(&self.config, "Firehose"));
        aws_sdk_firehose::Client::from_conf(config.build())
    }

    /// Returns an SQS client.
    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        config.set_endpoint_url(endpoint(&self.config, "SQS"));
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// Returns a Secrets Manager client.
    pub(super) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&self.config);
        config.set_endpoint_url(endpoint(&self.config, "Secrets Manager"));
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// Returns a Systems Manager client.
    pub(super) fn systems_manager(&self) -> aws_sdk_ssm::Client {
        let mut config = aws_sdk_ssm::config::Builder::from(&self.config);
        config.set_endpoint_url(endpoint(&self.config, "SSM"));
        aws_sdk_ssm::Client::from_conf(config.build())
    }

    /// Returns the region of the requests.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", AsRef::as_ref)
    }

    pub(crate) const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    pub(crate) const fn reads(&self) -> &aws_sdk_s3::Client {
        &self.reads
    }

    pub(crate) const fn writes(&self) -> &aws_sdk_s3::Client {
        &self.writes
    }

    pub(crate) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Returns whether uploads carry a checksum: yes, unless `AWS_REQUEST_CHECKSUM_CALCULATION` turns it off.
    pub(crate) fn sends_checksums(&self) -> bool {
        use aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
        self.config.request_checksum_calculation() != Some(WhenRequired)
    }

    /// Makes a request and waits for its response, no longer than the deadline.
    pub(crate) fn call<T, E>(
        &self,
        deadline: Deadline,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let response = self.within(deadline, request)?;
        response.map_err(|error| Failure::of(&error))
    }

    /// Waits for a future, no longer than the deadline.
    pub(crate) fn within<T>(&self, deadline: Deadline, future: impl Future<Output = T>) -> Result<T, Failure> {
        if deadline.has_passed() {
            return Err(Failure::deadline());
        }
        self.runtime.block_on(async {
            match deadline.remaining() {
                None => Ok(future.await),
                Some(left) => tokio::time::timeout(left, future)
                    .await
                    .map_err(|_| Failure::deadline()),
            }
        })
    }

    /// Waits after this number of attempts in a row without progress, no longer than the deadline.
    pub(crate) fn back_off(&self, attempts: u32, deadline: Deadline) {
        std::thread::sleep(deadline.cap(self.backoff.delay(attempts)));
    }
}

/// Returns the timeouts of one attempt.
fn timeouts(connect: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(connect)
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .build()
}

/// Retries after status 429, which the SDK recognizes only by some error codes.
#[derive(Debug)]
struct TooManyRequests;

impl ClassifyRetry for TooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == 429 => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "TooManyRequests"
    }
}

/// Returns the custom endpoint of a service. An empty one counts as none: a template may leave the variable empty, and
/// the SDK would use it as it is.
fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_service = key.ok().and_then(|key| config.service_config()?.load_config(key));
    let named = |endpoint: &String| !endpoint.trim().is_empty();
    of_service
        .filter(named)
        .or_else(|| config.endpoint_url().map(str::to_owned).filter(named))
}
