//! In-process servers that stand in for AWS in the tests, each on 127.0.0.1 at a free port: S3, Firehose, the Lambda
//! Runtime API, and the queue in front of a function.
//!
//! They check what AWS checks, break what a fault plan tells them to break, and write down what they did. The server's
//! journal and store are what a test compares with, not what the client believes. A server has its own threads, so it
//! serves plain and async tests alike; it stops when it is dropped.

mod checks;
pub(crate) mod clients;
pub(crate) mod fault;
pub(crate) mod firehose;
pub(crate) mod http;
pub(crate) mod journal;
pub(crate) mod lambda;
pub(crate) mod queue;
pub(crate) mod s3;
