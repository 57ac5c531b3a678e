//! The Lambda function.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the binary reads the environment and hands it in"
)]
fn main() -> ExitCode {
    match alb_ingest::function::lambda::main(&|name| std::env::var(name).ok()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
