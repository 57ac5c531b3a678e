//! Turns AWS load balancer log objects into normalized, typed events.

pub mod cli;
pub mod config;
pub mod deadline;
pub mod encode;
pub mod formats;
pub mod function;
pub mod generate;
pub mod ingest;
pub mod object;
pub mod parse;
pub mod schema;
pub mod storage;
pub mod trigger;
