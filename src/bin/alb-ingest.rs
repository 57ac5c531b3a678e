//! The `alb-ingest` command line.

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "only the binaries read the environment")]
fn main() -> ExitCode {
    alb_ingest::cli::main(std::env::args_os(), &|name| std::env::var(name).ok())
}
