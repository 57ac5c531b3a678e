//! The assumptions behind seconds and logs. `docs/cost.md` states them with the direction of the error.

/// Text that the function converts to Parquet, in bytes per millisecond with 1024 MB.
pub const TEXT_RATE: f64 = 40_000.0;
/// Milliseconds of waiting for S3 for an object that is delivered alone.
pub const OBJECT_ALONE: f64 = 100.0;
/// Milliseconds of waiting for S3 for a member of a merge, of which 16 are read at once.
pub const MEMBER: f64 = 30.0 / 16.0;
/// Milliseconds of waiting for any other request of a merge: listing, plan, staging, copying.
pub const REQUEST: f64 = 40.0;
/// The memory of the function in GB.
pub const MEMORY: f64 = 1.0;
/// Requests for each message of a queue: it is sent, received and deleted alone.
pub const QUEUE_REQUESTS: f64 = 3.0;
/// Log of the function and of Lambda for each invocation, in thousands of bytes.
pub const LOGGED: f64 = 2.5;
