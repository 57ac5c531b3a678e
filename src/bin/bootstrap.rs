//! The Lambda function.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "only the binaries read the environment")]
fn main() -> ExitCode {
    match alb_ingest::function::lambda::main(&|name| std::env::var(name).ok()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
