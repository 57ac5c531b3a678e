//! The clients, built once from AWS's own environment.

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

use super::errors::Failure;

/// How long is waited, how often is tried again, how much is held. The default is for AWS.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Until a connection stands.
    pub connect: Duration,
    /// For one try of a request that sends no bytes of note, up to the head of its answer.
    pub read: Duration,
    /// For one try of a request that sends bytes, which go out in this time.
    pub write: Duration,
    /// Between two pieces of an object's bytes.
    pub idle: Duration,
    /// A body that comes, or goes, slower than a byte a second for so long is given up.
    pub stall: Duration,
    /// How the SDK tries requests again; without it, as `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` say, three times.
    pub retries: Option<RetryConfig>,
    /// How often an object whose bytes stop is asked for the rest of them, and how often a write that meets another is
    /// tried again.
    pub again: u32,
    /// The wait before the first of these tries. Each further one is twice as long.
    pub backoff: Duration,
    /// The size of a part of a multipart upload, and the size from which an output is one. At least 5 MiB.
    pub part: usize,
    /// The memory that staged outputs may hold, all together; what is more goes to temporary files.
    pub memory: usize,
}

/// The clients of AWS's services, and the runtime that they work in.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    /// S3, for requests without bytes of note, and for those with them.
    reads: aws_sdk_s3::Client,
    writes: aws_sdk_s3::Client,
    runtime: Handle,
    tuning: Tuning,
}

/// What AWS's environment lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No region.
    #[error("no AWS region is known; set AWS_REGION, or region in the profile that AWS_PROFILE names")]
    NoRegion,
    /// The code that makes clients does so outside of a runtime.
    #[error("clients of AWS are made outside of a runtime; please report this")]
    NoRuntime,
}

/// The longest wait between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

impl Default for Tuning {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(15),
            write: Duration::from_mins(2),
            idle: Duration::from_secs(15),
            stall: Duration::from_secs(5),
            retries: None,
            again: 5,
            backoff: Duration::from_millis(200),
            part: 8 * 1024 * 1024,
            memory: 64 * 1024 * 1024,
        }
    }
}

impl Clients {
    /// Clients as AWS's variables and files say: region, credentials, profile, endpoints. Neither the network nor a
    /// credential is asked for before the first request.
    ///
    /// # Errors
    /// No region is known.
    pub async fn load(tuning: Tuning) -> Result<Self, ConfigError> {
        // The SDK's own chain asks the metadata service of EC2 last, which takes its time where there is none.
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

    /// Clients of a configuration that is made elsewhere.
    ///
    /// # Errors
    /// It has no region, or there is no runtime around.
    pub fn with_config(config: SdkConfig, tuning: Tuning) -> Result<Self, ConfigError> {
        if config.region().is_none() {
            return Err(ConfigError::NoRegion);
        }
        let runtime = Handle::try_current().map_err(|_| ConfigError::NoRuntime)?;
        let endpoint = endpoint(&config, "S3");
        let mut s3 = aws_sdk_s3::config::Builder::from(&config)
            // Servers other than AWS's have no names for buckets.
            .force_path_style(endpoint.is_some())
            .retry_classifier(TooManyRequests)
            .stalled_stream_protection(
                StalledStreamProtectionConfig::enabled()
                    .grace_period(tuning.stall)
                    .build(),
            );
        s3.set_endpoint_url(endpoint);
        if let Some(retries) = &tuning.retries {
            // Whoever says how often to try is not held back by what other clients have used up.
            let partition = RetryPartition::custom("alb-ingest").token_bucket(TokenBucket::unlimited());
            s3 = s3.retry_config(retries.clone()).retry_partition(partition.build());
        }
        let client = |timeouts| aws_sdk_s3::Client::from_conf(s3.clone().timeout_config(timeouts).build());
        Ok(Self {
            reads: client(timeouts(tuning.connect, tuning.read)),
            writes: client(timeouts(tuning.connect, tuning.write)),
            config,
            runtime,
            tuning,
        })
    }

    /// A client of Firehose.
    pub fn firehose(&self) -> aws_sdk_firehose::Client {
        let mut config = aws_sdk_firehose::config::Builder::from(&self.config);
        config.set_endpoint_url(endpoint(&self.config, "Firehose"));
        aws_sdk_firehose::Client::from_conf(config.build())
    }

    /// The region that is asked in.
    pub fn region(&self) -> &str {
        self.config.region().map_or("", AsRef::as_ref)
    }

    pub(super) const fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    pub(super) const fn reads(&self) -> &aws_sdk_s3::Client {
        &self.reads
    }

    pub(super) const fn writes(&self) -> &aws_sdk_s3::Client {
        &self.writes
    }

    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Whether uploads carry a checksum, which is so unless `AWS_REQUEST_CHECKSUM_CALCULATION` says otherwise.
    pub(super) fn sends_checksums(&self) -> bool {
        use aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
        self.config.request_checksum_calculation() != Some(WhenRequired)
    }

    /// Makes a request and waits for its answer, no longer than the deadline.
    pub(super) fn call<T, E>(
        &self,
        deadline: Deadline,
        request: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E, HttpResponse>: RequestId,
    {
        let answer = self.within(deadline, request)?;
        answer.map_err(|error| Failure::of(&error))
    }

    /// Waits for a future, no longer than the deadline.
    pub(super) fn within<T>(&self, deadline: Deadline, future: impl Future<Output = T>) -> Result<T, Failure> {
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

    /// Waits before the try of this number, counted from 1.
    pub(super) fn back_off(&self, number: u32, deadline: Deadline) {
        let doubled = self
            .tuning
            .backoff
            .saturating_mul(1 << number.saturating_sub(1).min(16));
        std::thread::sleep(deadline.cap(doubled.min(MAX_BACKOFF)));
    }
}

/// For one try: until a connection stands, and up to the head of the answer.
fn timeouts(connect: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(connect)
        .read_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .build()
}

/// Tries again after a 429, which the SDK knows by names only, and not by all of them.
#[derive(Debug)]
struct TooManyRequests;

impl ClassifyRetry for TooManyRequests {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(answer) if answer.status().as_u16() == 429 => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "TooManyRequests"
    }
}

/// The place that somebody names for a service in place of AWS's own. An empty one names none: a template may leave the
/// variable empty, and the SDK would ask at no place at all.
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
