//! Makes log lines and objects, for tests, samples and benchmarks.
//!
//! [`Lines`] loops over a format's table: a field added there is generated without a change here, and gets realistic
//! values once its name has some. [`Object`] packs lines as load balancers do. The same format, seed and [`Traffic`]
//! give the same bytes on every machine and every day: no wall clock, no floating point, no hash map's order, and a
//! random number generator of its own.

mod broken;
mod connection;
mod health;
mod hostile;
mod layout;
mod lines;
mod object;
mod pools;
mod record;
mod request;
mod request_values;
mod rng;
mod samples;
mod session;
mod text;
mod traffic;
mod world;

pub use layout::object_key;
pub use lines::{Lines, Written};
pub use object::{Object, Packing};
pub use samples::{Sample, samples, write_samples};
pub use traffic::{Balancer, Rate, RateError, Traffic};
