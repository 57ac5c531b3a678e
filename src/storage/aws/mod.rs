//! What the AWS storages share: clients, a runtime for synchronous callers, and the classification of errors.
//!
//! The engine is synchronous and works on its own threads; the SDK is asynchronous. Each call waits on the runtime that
//! [`Clients`] were built in, so it must not be made by a thread that drives a runtime. The function runs the engine on
//! threads for blocking work; the command line has a [`BackgroundRuntime`].

mod background;
mod clients;
pub(super) mod error;
mod secret;

pub use background::BackgroundRuntime;
pub use clients::{Clients, ConfigError, Tuning};
pub(super) use secret::{parameter, secret};
