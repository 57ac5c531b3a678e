//! Dependencies per feature: the core needs no SDK, and the function needs neither the command line nor the generator.

use std::process::Command;

/// A package that is built: its name and its enabled features.
type Package = (String, Vec<String>);

/// Returns the packages that a build with only these features of the package links or runs, without build scripts.
#[expect(clippy::disallowed_methods, reason = "cargo passes its own path to tests")]
fn packages(features: &str) -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}|{f}", "--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "cargo tree: {error}");
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines()
        .map(|line| {
            let (package, features) = line.split_once('|').unwrap();
            let name = package.split(' ').next().unwrap().to_owned();
            let features = features.trim_end_matches(" (*)").split(',');
            (name, features.map(str::to_owned).collect())
        })
        .collect()
}

/// Returns the names that start with one of these, except [`PAYLOAD_TYPES`].
fn starting_with<'a>(packages: &'a [Package], starts: &[&str]) -> Vec<&'a str> {
    packages
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != PAYLOAD_TYPES && starts.iter().any(|start| name.starts_with(start)))
        .collect()
}

/// The only AWS crate of the core: serde types of Lambda payloads and responses, without an SDK, a runtime or network access.
/// `trigger` uses it, and `replay` works without AWS.
const PAYLOAD_TYPES: &str = "aws_lambda_events";
const AWS: [&str; 7] = ["aws-", "aws_", "lambda_", "lambda-", "tokio", "hyper", "rustls"];
const COMMAND_LINE: [&str; 5] = ["anstream", "anstyle", "clap", "indicatif", "console"];

#[test]
fn the_core_depends_on_no_sdk_and_no_command_line_crate() {
    let core = packages("");
    assert!(!starting_with(&core, &["parquet"]).is_empty(), "{core:?}");
    assert_eq!(starting_with(&core, &AWS), [""; 0], "make them optional: feature `aws`");
    assert_eq!(
        starting_with(&core, &COMMAND_LINE),
        [""; 0],
        "make them optional: feature `cli`"
    );
}

#[test]
fn the_function_has_neither_the_command_line_nor_the_generator() {
    let function = packages("aws");
    for service in [
        "aws-sdk-firehose",
        "aws-sdk-s3",
        "aws-sdk-secretsmanager",
        "aws-sdk-sqs",
        "aws-sdk-ssm",
    ] {
        assert!(
            !starting_with(&function, &[service]).is_empty(),
            "{service}: {function:?}"
        );
    }
    assert_eq!(
        starting_with(&function, &COMMAND_LINE),
        [""; 0],
        "make them optional: feature `cli`"
    );
    // The generator is a module of this package, with its own feature.
    let (name, features) = &function[0];
    assert_eq!(
        (name.as_str(), features.as_slice()),
        ("alb-ingest", ["aws".to_owned()].as_slice())
    );
}

#[test]
fn the_command_line_without_aws_depends_on_no_sdk() {
    let local = packages("cli,generate");
    assert!(!starting_with(&local, &["clap"]).is_empty(), "{local:?}");
    assert_eq!(
        starting_with(&local, &AWS),
        [""; 0],
        "make them optional: feature `aws`"
    );
}
