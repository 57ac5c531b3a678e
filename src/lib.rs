//! Turns AWS load balancer log objects into normalized, typed events.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod deadline;
pub mod encode;
#[cfg(feature = "aws")]
pub mod everywhere;
pub mod formats;
pub mod function;
#[cfg(feature = "generate")]
pub mod generate;
pub mod ingest;
pub mod local;
pub mod object;
pub mod parse;
pub mod schema;
pub mod source;
pub mod trigger;
pub mod world;
