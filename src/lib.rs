//! Turns AWS load balancer log objects into normalized, typed events.

pub mod format;
