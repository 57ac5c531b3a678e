//! The committed files that are made from the tables are up to date.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop here")]

use std::fs;
use std::path::Path;

use alb_ingest::format::FORMATS;
use alb_ingest::function::metrics;
use alb_ingest::schema::markdown;
use alb_ingest::settings;

/// The files by their path from the package, and what they have to be.
fn generated() -> Vec<(String, String)> {
    let tables = FORMATS.map(|format| (format!("docs/schema/{}.md", format.name), markdown::page(format)));
    tables
        .into_iter()
        .chain([
            ("docs/settings.md".to_owned(), settings::markdown()),
            ("docs/metrics.md".to_owned(), metrics::markdown()),
        ])
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn update() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

#[test]
fn committed_files_are_what_the_tables_make() {
    let mut stale = Vec::new();
    for (name, made) in generated() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == made) {
            continue;
        }
        if update() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, made).unwrap();
        } else {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "{} do not say what the tables say: run `make generated`",
        stale.join(", ")
    );
}

/// A page of a table that is gone stays behind otherwise.
#[test]
fn every_page_has_a_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let table = name.strip_suffix(".md").unwrap_or(&name);
        assert!(
            FORMATS.iter().any(|format| format.name == table),
            "docs/schema/{name} has no table"
        );
    }
}
