//! Generator of log lines and objects, for tests, samples and benchmarks.
//!
//! [`Lines`] loops over a format's table: a field that is added there is generated without a change here, and gets
//! realistic values once its name has a generator. [`Object`] packs lines as load balancers do. The same format, seed and
//! [`Traffic`] produce the same bytes on every machine and every day: the generator uses no wall clock, no floating point,
//! no hash map order, and its own random numbers.

mod broken;
mod connection;
mod health;
mod hostile;
mod keys;
mod lines;
mod object;
mod pools;
mod record;
mod request;
mod request_values;
mod rng;
mod samples;
mod session;
pub mod template;
mod text;
mod traffic;
mod world;

pub use keys::{object_key, object_key_with};
pub use lines::{Lines, Written};
pub use object::{Object, Packing};
pub use samples::{Sample, sample_fields, samples, write_samples};
pub use traffic::{Balancer, Rate, RateError, Traffic};
