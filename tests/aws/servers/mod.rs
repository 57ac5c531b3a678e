//! In-process substitutes for AWS services, each on a free port of 127.0.0.1: S3, Firehose, the Lambda Runtime API, and
//! an SQS queue with its event source mapping.
//!
//! They check requests like AWS, inject the faults of a plan, and keep a journal. Tests verify the journal and the store
//! of the server instead of what the client reports. A server runs on its own threads, so it supports synchronous and
//! async tests; it stops when it is dropped.

mod checks;
pub(crate) mod clients;
pub(crate) mod fault;
pub(crate) mod firehose;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod lambda;
pub(crate) mod queue;
pub(crate) mod s3;
