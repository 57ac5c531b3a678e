//! What the README shows first is what the program prints.

use std::path::Path;
use std::process::Command;

/// The answer that stands under the command.
fn answer<'a>(readme: &'a str, command: &str) -> &'a str {
    let (_, behind) = readme.split_once(command).unwrap();
    let (_, answer) = behind.split_once("```text\n").unwrap();
    answer.split_once("```").unwrap().0
}

#[test]
fn the_quick_start_prints_what_the_readme_shows() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    let shown = answer(
        &readme,
        "cargo run --release --no-default-features --bin alb-ingest -- run events/objects --to out\n",
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
    assert_eq!(
        printed, shown,
        "the README's quick start is stale: show what the command prints\n{printed}"
    );
}
