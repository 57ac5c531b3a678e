//! The `alb-ingest` command.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the binary reads the environment and hands it in"
)]
fn main() -> ExitCode {
    alb_ingest::cli::main(std::env::args_os(), &|name| std::env::var(name).ok())
}
