//! Committed files that are generated: they match what the tables, the settings and the program produce.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use alb_ingest::cli;
use alb_ingest::config;
use alb_ingest::formats::{LogType, personal};
use alb_ingest::function::metrics;
use alb_ingest::generate::template;
use alb_ingest::object::hex;
use alb_ingest::schema::catalog::{Store, arrow, athena, elasticsearch, glue, json_schema, markdown, panther};
use alb_ingest::schema::mapping::{OutputTable, Schema};
use sha2::{Digest, Sha256};

/// The folder of the tables' pages. Pages of other schemas than the native one are in folders below.
const PAGES: &str = "docs/reference/tables";

pub(crate) fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every table in every schema.
fn tables() -> impl Iterator<Item = &'static OutputTable> {
    LogType::ALL
        .into_iter()
        .flat_map(|log_type| Schema::ALL.map(|schema| OutputTable::of(schema, log_type.plan())))
}

/// The folder of a schema's pages.
fn folder(schema: Schema) -> String {
    match schema {
        Schema::Native => PAGES.to_owned(),
        Schema::Panther | Schema::Ecs | Schema::Ocsf | Schema::Tailpipe | Schema::Otel => {
            format!("{PAGES}/{}", schema.name())
        }
    }
}

/// The digests of everything that `alb-ingest schema` prints, by its arguments.
fn digests() -> String {
    let store = Store::default();
    let mut lines = String::new();
    for table in tables().filter(|table| !table.schema.is_batched()) {
        let mut forms = vec![
            ("arrow", arrow::text(table)),
            ("athena", athena::ddl(table, &store, None)),
            ("glue", glue::table_input(table, &store).unwrap()),
            ("json-schema", json_schema::schema(table).unwrap()),
        ];
        match table.schema {
            Schema::Panther => forms.extend([
                ("panther", panther::custom_schema(table).unwrap()),
                ("panther-data-model", panther::data_model(table).unwrap()),
            ]),
            Schema::Ecs => forms.push(("elasticsearch", elasticsearch::index_template(table).unwrap())),
            Schema::Native | Schema::Ocsf | Schema::Tailpipe | Schema::Otel => {}
        }
        for (form, text) in forms {
            let (name, schema) = (table.plan.format.name, table.schema.name());
            let digest = hex(&Sha256::digest(text));
            writeln!(lines, "{digest}  {name} --schema {schema} --as {form}").unwrap();
        }
    }
    lines
}

/// The template with its generated parts filled in.
fn filled_template() -> String {
    let mut files: Vec<_> = fs::read_dir(package("saved-queries"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let queries = files.iter().map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        template::saved_query(name, &fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{error}"))
    });
    let parts = [
        ("columns", template::conditions()),
        ("tables", template::tables().unwrap()),
        ("queries", queries.collect::<Vec<_>>().join("\n")),
    ];
    let mut text = fs::read_to_string(package("template.yaml")).unwrap();
    for (name, part) in parts {
        let [begin, end] = ["BEGIN", "END"].map(|edge| format!("  # {edge} generated: {name}\n"));
        let once = |mark: &str| text.matches(mark).count() == 1;
        assert!(
            once(&begin) && once(&end),
            "template.yaml needs each mark of {name} once"
        );
        let (head, rest) = text.split_once(&begin).unwrap();
        let (_, tail) = rest.split_once(&end).unwrap();
        let mut indented = String::new();
        for line in part.split_inclusive('\n') {
            if !line.trim().is_empty() {
                indented.push_str("  ");
            }
            indented.push_str(line);
        }
        text = [head, &begin, &indented, &end, tail].concat();
    }
    text
}

/// The generated files by their path in the package.
fn generated() -> Vec<(String, String)> {
    let pages = tables().map(|table| {
        let path = format!("{}/{}.md", folder(table.schema), table.plan.format.name);
        (path, markdown::page(table))
    });
    pages
        .chain([
            ("tests/golden/schemas.sha256".to_owned(), digests()),
            ("template.yaml".to_owned(), filled_template()),
            ("docs/reference/personal-data.md".to_owned(), personal::markdown()),
            ("docs/reference/settings.md".to_owned(), config::markdown()),
            ("docs/reference/options.md".to_owned(), cli::markdown()),
            ("docs/reference/metrics.md".to_owned(), metrics::markdown()),
        ])
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
pub(crate) fn update() -> bool {
    std::env::var_os("UPDATE_GENERATED").is_some()
}

#[test]
fn generated_files_are_up_to_date() {
    let mut stale = Vec::new();
    for (name, expected) in generated() {
        let path = package(&name);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == expected) {
            continue;
        }
        if update() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, expected).unwrap();
        } else {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "out of date: {}; run `make generated`",
        stale.join(", ")
    );
}

/// Finds the pages of tables and schemas that no longer exist.
#[test]
fn every_page_has_a_table() {
    for file in walkdir::WalkDir::new(package(PAGES)).into_iter().map(Result::unwrap) {
        let path = file.path().strip_prefix(package("")).unwrap().to_str().unwrap();
        let expected = tables().any(|table| path == format!("{}/{}.md", folder(table.schema), table.plan.format.name));
        assert!(
            expected || file.file_type().is_dir(),
            "{path} belongs to no table; delete it"
        );
    }
}
