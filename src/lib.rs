//! Turns AWS load balancer log objects into normalized, typed events.

#[cfg(feature = "aws")]
pub mod aws;
pub mod batch;
pub mod cli;
pub mod deadline;
pub mod encode;
#[cfg(feature = "aws")]
pub mod everywhere;
pub mod format;
pub mod function;
pub mod ingest;
#[cfg(feature = "aws")]
pub mod lambda;
pub mod line;
pub mod local;
pub mod object;
pub mod read;
pub mod sample;
pub mod schema;
pub mod settings;
pub mod shape;
pub mod source;
pub mod trigger;
pub mod world;
