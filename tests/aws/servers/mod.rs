//! In-process servers in place of AWS, each on 127.0.0.1 at a free port: S3, Firehose, SQS, Secrets Manager, the Lambda Runtime API, and the
//! queue of a function.
//!
//! They validate what AWS validates, inject the faults of a plan, and record what they did. Tests compare with a
//! server's journal and store, not with what the client believes. A server has its own threads, so it serves
//! synchronous and asynchronous tests alike; it stops when it is dropped.

mod checks;
pub(crate) use checks::{SIGNED, by_hand};
pub(crate) mod clients;
pub(crate) mod fault;
pub(crate) mod firehose;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod lambda;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod s3;
pub(crate) mod secrets;
pub(crate) mod sqs;
