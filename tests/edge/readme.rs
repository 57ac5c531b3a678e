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

#[test]
fn the_readme_ends_its_first_try_with_a_page_and_its_picture() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(project.join("README.md")).unwrap();
    let start = "cargo run --release --no-default-features --features cli -- report events/objects --to report.html\n";
    assert!(readme.contains(start) && readme.contains("](docs/report.png)"));
    assert!(readme.lines().count() <= 200, "{} lines", readme.lines().count());
    let picture = std::fs::read(project.join("docs/report.png")).unwrap();
    assert!(
        picture.starts_with(b"\x89PNG") && picture.len() <= 200_000,
        "{} bytes",
        picture.len()
    );
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_alb-ingest"))
        .args(["report".as_ref(), project.join("events/objects").as_os_str()])
        .args(["--to", "report.html"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{:?}", run.stderr.escape_ascii().to_string());
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("app/shop/7f3c9a1e5b2d4860"));
}
