//! The boundary between the core and AWS: without the feature `aws`, no SDK and no async runtime is built.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::process::Command;

/// The only AWS crate of the core: serde types of payloads and responses, without an SDK, a runtime or network access. The
/// trigger module uses it, and `replay` is part of the core.
const PAYLOAD_TYPES: &str = "aws_lambda_events";

/// Returns the names of the crates that the package needs at run time without its default features.
#[expect(clippy::disallowed_methods, reason = "cargo passes its own path to the tests")]
fn core_crates() -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = [
        "tree",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--no-default-features",
        "--offline",
        "--locked",
    ];
    let output = Command::new(cargo)
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "cargo tree: {error}");
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

#[test]
fn the_core_depends_on_no_sdk_and_no_runtime() {
    let crates = core_crates();
    // The list is complete.
    for expected in ["alb-ingest", "parquet", PAYLOAD_TYPES] {
        assert!(crates.iter().any(|name| name == expected), "{expected} is not listed");
    }
    let forbidden = |name: &&String| {
        *name != PAYLOAD_TYPES
            && ["aws-", "aws_", "lambda_", "lambda-", "tokio", "hyper", "rustls"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
    };
    let forbidden: Vec<_> = crates.iter().filter(forbidden).collect();
    assert!(
        forbidden.is_empty(),
        "the core depends on {forbidden:?}: make it optional, behind the feature aws"
    );
}
