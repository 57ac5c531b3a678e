//! The wall between the core and AWS: without the feature `aws` nothing of AWS or of a runtime is built.

use std::process::Command;

/// The names of the crates that the package needs to run, without its default features.
#[expect(clippy::disallowed_methods, reason = "cargo tells its tests where it is")]
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
fn the_core_needs_nothing_of_aws() {
    let crates = core_crates();
    // The tree is what it should be, and not empty.
    assert!(crates.iter().any(|name| name == "alb-ingest") && crates.iter().any(|name| name == "parquet"));
    let beyond = |name: &&String| {
        ["aws-", "aws_", "lambda_", "lambda-", "tokio", "hyper", "rustls"]
            .iter()
            .any(|start| name.starts_with(start))
    };
    let beyond: Vec<_> = crates.iter().filter(beyond).collect();
    assert!(
        beyond.is_empty(),
        "the core depends on {beyond:?}: put it behind the feature aws"
    );
}
