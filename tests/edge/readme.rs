//! The output of the README's first command is real.

use std::path::Path;
use std::process::Command;

/// Returns the output that a page shows after a command.
fn output_of<'a>(page: &'a str, command: &str) -> &'a str {
    let (_, after) = page.split_once(command).unwrap();
    let (_, output) = after.split_once("```text\n").unwrap();
    output.split_once("```").unwrap().0
}

#[test]
fn the_readme_shows_the_real_output_of_its_first_command() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    let shown = output_of(
        &readme,
        "cargo run --release --no-default-features --features cli -- run events/objects --to out\n",
    );
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
        .args([
            "run".as_ref(),
            project.join("events/objects").as_os_str(),
            "--to".as_ref(),
            "out".as_ref(),
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success());
    let printed = String::from_utf8(run.stdout).unwrap();
    assert_eq!(printed, shown, "README.md is stale; the command prints\n{printed}");
}
