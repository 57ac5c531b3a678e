//! The committed files that are made from the tables are up to date.

use std::fs;
use std::path::Path;

use alb_ingest::cli;
use alb_ingest::config;
use alb_ingest::formats::FORMATS;
use alb_ingest::function::metrics;
use alb_ingest::schema::catalog::{Store, athena, glue, json_schema, markdown};
use alb_ingest::schema::mapping::{OutputTable, Schema};

/// What the names of a table's files end with.
const SUFFIXES: [&str; 4] = [".md", ".athena.sql", ".glue.json", ".schema.json"];

/// Where the files of a schema lie; the tables' own stand above the others.
fn folder(schema: Schema) -> String {
    match schema {
        Schema::Native => "docs/schema".to_owned(),
        other => format!("docs/schema/{}", other.name()),
    }
}

/// The files by their path from the package, and what they have to be.
fn generated() -> Vec<(String, String)> {
    let store = Store::default();
    let shapes = FORMATS
        .into_iter()
        .flat_map(|format| Schema::ALL.map(|schema| OutputTable::of(schema, format.plan())));
    let tables = shapes.flat_map(|shape| {
        let texts = [
            markdown::page(shape),
            athena::ddl(shape, &store, None),
            glue::table_input(shape, &store).unwrap(),
            json_schema::schema(shape).unwrap(),
        ];
        let folder = folder(shape.schema);
        let paths = SUFFIXES.map(|suffix| format!("{folder}/{}{suffix}", shape.plan.format.name));
        paths.into_iter().zip(texts)
    });
    tables
        .chain([
            ("docs/reference/settings.md".to_owned(), config::markdown()),
            ("docs/reference/options.md".to_owned(), cli::markdown()),
            ("docs/reference/metrics.md".to_owned(), metrics::markdown()),
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

/// A file of a table that is gone stays behind otherwise.
#[test]
fn every_file_has_a_table() {
    for schema in Schema::ALL {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder(schema));
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_dir() {
                let name = file.file_name();
                assert!(
                    Schema::ALL.iter().any(|schema| name == schema.name()),
                    "{name:?} is no schema"
                );
                continue;
            }
            let name = file.file_name().into_string().unwrap();
            let table = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            assert!(
                FORMATS.iter().any(|format| Some(format.name) == table),
                "{}/{name} has no table",
                folder.display()
            );
        }
    }
}
